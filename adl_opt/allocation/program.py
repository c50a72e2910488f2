"""A program as an allocation: who pays a budget is the optimum of a model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, clipped
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.limits import Book
from adl_opt.allocation.plans import Plan
from adl_opt.allocation.shares import lots_near
from adl_opt.errors import LackError, SolverError
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.program import RoundProgram, upper_bounds
from adl_opt.programs.solution import Solution, Status
from adl_opt.programs.solving import solve
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.grid import paid_by_lots
from adl_opt.programs.terms.limits import WithinPositions
from adl_opt.programs.terms.options import options_of
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.owners import Owners, by_owner
from adl_opt.rounds.round import Allocation, Round

Procedure = Callable[..., Solution]


@dataclass(frozen=True)
class ProgramAllocation(AllocationRule):
    """The optimum of a program, with the budget of the severity as its B.

    Rule: the argmin of the program; a budget beyond the capacity takes all that the other constraints leave,
    and the shortfall is named.  In contracts a policy closes whole lots: those of the program, or near its
    answer, by the accounts that pay in it and no more than it closes.  Source: the card of the model.
    Information: start of round.  Tie-break: the engine's, deterministic.

    Parameters
    ----------
    program : RoundProgram, or callable (round_, *, needed, engine, options) -> Solution
    title : str
        Shown in tables; default the program's name.
    engine : str
    options : Options or mapping, optional

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> from adl_opt.programs import ExactBudget
    >>> round_ = Round(deficit=9.0, accounts=Accounts(id=["a", "b"], pnl=[10.0, 30.0], equity=[50.0, 50.0]))
    >>> rule = ProgramAllocation(RoundProgram(MaxBurden(), [ExactBudget()], name="fair"))
    >>> rule.label(), rule.allocate(None, round_, 8.0).x.tolist(), rule.allocate(None, round_, 48.0).shortfall
    ('model:fair', [2.0, 6.0], 8.0)
    """

    program: RoundProgram | Procedure
    title: str = ""
    engine: str = "auto"
    options: Any = field(default=None, repr=False)
    name: ClassVar[str] = "model"
    spaces: ClassVar[tuple[str, ...]] = SPACES
    keeps_options: ClassVar[bool] = True
    claims: ClassVar[Claims] = Claims(
        covers=False, permutation=False, scale=False, monotone=False
    )  # what holds depends on the program: adl_opt.testing.programs.check_program

    @property
    def positive_pnl_only(self) -> bool:  # type: ignore[override]
        """Whether nobody gives up more than positive PNL and equity; without it positions are the limit."""
        rules = self.program.subject_to if isinstance(self.program, RoundProgram) else ()
        return not any(isinstance(rule, WithinPositions) for rule in rules)

    def label(self) -> str:
        """Return ``model:`` and the title."""
        return f"model:{self.title or getattr(self.program, 'name', 'procedure')}"

    def solution(self, round_: Round, asked: float) -> Solution:
        """Return the certified answer; one without a point is a SolverError that names why."""
        round_ = by_owner(round_)
        found = self._run(self.program, round_, asked)
        limits = {rule.name for rule in options_of(found.round)} & set(found.conflict)
        if found.status is Status.INFEASIBLE and (found.engine == "capacity" or limits):
            found = self._all_there_is(found.program, round_, asked)
        if found.x is None:
            error = SolverError(
                f"{self.label()} has no answer in round {round_.number}: {found.status.value}",
                got=f"asked {asked:,.2f} USD; {found.message}",
                ways_out=[
                    f"change or drop one of: {', '.join(found.conflict)}"
                    if found.conflict
                    else "allow more time or nodes",
                    "give another budget",
                ],
            )
            error.proof = found.proof
            raise error
        return found

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the haircuts; ``lower_bound`` where the program minimises the largest burden alone."""
        return self.of(self.solution(round_, asked), round_, asked)

    def of(self, found: Solution, round_: Round, asked: float) -> Allocation:
        """Return an answer of :meth:`solution` as an allocation."""
        assert found.x is not None  # noqa: S101
        owners, closures = Owners.of(round_), None
        if isinstance(found.round, PricedRound):
            owners, closures = owners or found.round.owners, self._closures(found)
            round_ = found.round
        elif owners is not None:
            round_ = owners.round
        bound = _burden_bound(found)
        x = clipped(found.x, round_) if self.positive_pnl_only else np.maximum(found.x, 0.0)
        made = Allocation(x=x, asked=asked, lots=found.lots, lower_bound=bound, closures=closures)
        return made if owners is None else owners.split(made)

    def plan(self, state: State, book: Book) -> Plan:
        """Return the contracts of each leg in the program's answer."""
        asked = float(book.quantity @ np.maximum(book.given_up, 0.0))
        found = self.solution(in_legs(book.round_, book.given_up), asked)
        self._closures(found)
        assert isinstance(found.round, PricedRound)  # noqa: S101
        assert found.closed is not None  # noqa: S101
        return found.round.legs, found.closed * found.round.held.lot_size

    def close(self, state: Plan, cell: Cell) -> Ints:
        """Return whole lots near the program's answer, of no other positions, and no more in all."""
        legs, contracts = state
        here, ideal = legs.of_cell(cell.row), np.zeros(len(cell.positions))
        ideal[legs.position[here]] = contracts[here]
        own = ideal[cell.rows]
        most = np.where(own > 0, cell.most, 0)
        return lots_near(
            own, replace(cell, wanted=min(cell.wanted, float(own.sum()) * (1 + 1e-9)), most=most)
        )

    def _closures(self, found: Solution) -> Closures:
        """Return what an answer closes; a procedure that does not say so serves no contracts."""
        closures = found.closures
        if closures is None:
            raise LackError(
                f"{self.label()} does not serve rounds in contracts",
                got=f"round {found.round.number}: its answer names no contracts",
                ways_out=['choose space="wealth" (--space wealth)', "let the procedure solve RoundPrograms"],
            )
        return closures

    def _run(self, program: RoundProgram | Procedure, round_: Round, asked: float) -> Solution:
        if isinstance(program, RoundProgram):
            return solve(program, round_, needed=asked, engine=self.engine, options=self.options)
        return program(round_, needed=asked, engine=self.engine, options=self.options)

    def _all_there_is(self, program: RoundProgram, round_: Round, asked: float) -> Solution:
        """Let everybody pay in full if the other constraints allow it, else the most that they allow."""
        demands = (ExactBudget, Solvency)
        rules = [rule for rule in program.subject_to if not isinstance(rule, demands)]
        fund = max((r.fund for r in program.subject_to if isinstance(r, Solvency)), default=0.0)
        upper, held, lots = upper_bounds(program, round_)[0], round_.positions, None
        if held is not None and any(rule.name == "lots" for rule in rules):
            lots = held.lots
            upper = np.minimum(paid_by_lots(held, lots, upper.size), round_.accounts.capacity)
        point = Point(x=upper, needed=asked, lots=lots, fund=fund)
        executed = math.fsum(upper)
        if executed <= asked and all(rule.violation(point, round_) < 0.005 for rule in rules):
            return Solution(
                status=Status.FEASIBLE, engine="capacity", program=program, round=round_, needed=asked,
                objective=program.objective.value(point, round_), x=upper, lots=lots, executed=executed,
                fund_usd=fund, shortfall_usd=max(asked - executed - fund, 0.0),
                message="capacity shortfall: everybody pays in full",
            )  # fmt: skip
        most = Solvency(fund=fund, shortfall="named")
        return self._run(RoundProgram(program.objective, [most, *rules], program.name), round_, asked)


def _burden_bound(found: Solution) -> float:
    """Return the proven bound on the largest burden per capacity, where that is all that is minimised."""
    parts = found.program.objective.parts
    if len(parts) == 1 and type(parts[0][1]) is MaxBurden and parts[0][1].base == "capacity":
        return float(found.bound / parts[0][0])
    return math.nan
