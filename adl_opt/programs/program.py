"""RoundProgram: what one round minimises, and what must hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.programs.arrays.builder import Builder
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.arrays.scaling import money_unit
from adl_opt.programs.options import Options
from adl_opt.programs.priced import in_legs
from adl_opt.programs.terms.base import (
    ConstraintTerm,
    Need,
    Objective,
    ObjectiveTerm,
    Point,
    Term,
    check_names,
)
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.clearing import EQUAL, FREE, Clearing
from adl_opt.programs.terms.grid import Lots
from adl_opt.programs.terms.limits import PositivePnl
from adl_opt.programs.terms.options import options_of
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.owners import by_owner
from adl_opt.rounds.round import Round
from adl_opt.tabular import Noun


@dataclass(frozen=True, eq=False)
class RoundProgram(Noun):
    """Minimise a sum of objective terms over the haircuts of a round, subject to constraint terms.

    ``PositivePnl`` (0 <= x <= u) is part of every program and is put in when it is left out.

    Parameters
    ----------
    minimize : Objective or ObjectiveTerm
    subject_to : sequence of ConstraintTerm
    name : str

    Raises
    ------
    UsageError
        Two terms of one name, a part that is no term, or a term that is not DCP or not DPP (named).

    Examples
    --------
    >>> from adl_opt.programs import MaxBurden, Overshoot, Solvency
    >>> RoundProgram(minimize=2 * Overshoot() + MaxBurden(), subject_to=[Solvency()])
    RoundProgram 'program': minimize 2 overshoot + 1 max-burden; subject to solvency, positive-pnl
    """

    minimize: Objective | ObjectiveTerm
    subject_to: Sequence[ConstraintTerm] = ()
    name: str = "program"

    def __post_init__(self) -> None:
        goal = (
            Objective(((1.0, self.minimize),)) if isinstance(self.minimize, ObjectiveTerm) else self.minimize
        )
        if not isinstance(goal, Objective):
            raise UsageError(
                f"program {self.name!r}: minimize is not an objective",
                got=type(goal).__name__,
                ways_out=["give a weighted sum of objective terms, such as 2 * Overshoot() + MaxBurden()"],
            )
        rules = list(self.subject_to)
        check_names([*goal.terms, *rules])
        for rule in rules:
            if not isinstance(rule, ConstraintTerm):
                raise UsageError(
                    f"program {self.name!r}: term {rule.name!r} is no constraint",
                    got=type(rule).__name__,
                    ways_out=["move it to minimize"],
                )
        if not any(isinstance(rule, PositivePnl) for rule in rules):
            rules.append(PositivePnl())
        check_names([*goal.terms, *rules])
        object.__setattr__(self, "minimize", goal)
        object.__setattr__(self, "subject_to", tuple(rules))
        self._check_convexity()

    def __repr__(self) -> str:
        rules = ", ".join(rule.name for rule in self.subject_to)
        return f"RoundProgram {self.name!r}: minimize {self.minimize!r}; subject to {rules}"

    @property
    def objective(self) -> Objective:
        """The objective."""
        assert isinstance(self.minimize, Objective)  # noqa: S101
        return self.minimize

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms, objective first."""
        return (*self.objective.terms, *self.subject_to)

    @property
    def needs(self) -> frozenset[Need]:
        """What a solver must be capable of: ``lp``, ``mip``, ``cone``."""
        return frozenset().union(*(term.needs for term in self.terms))

    def minimizing(self, goal: Objective | ObjectiveTerm) -> RoundProgram:
        """Return the program with another objective."""
        return RoundProgram(goal, self.subject_to, self.name)

    def without(self, name: str) -> RoundProgram:
        """Return the program without one constraint."""
        return RoundProgram(self.objective, [r for r in self.subject_to if r.name != name], self.name)

    def check(self, round_: Round) -> None:
        """Raise InputError when the round lacks what a term reads."""
        for term in self.terms:
            term.check(round_)

    def _check_convexity(self) -> None:
        for weight, term in self.objective.parts:
            if weight < 0 and getattr(term, "curvature", "") == "convex":
                raise UsageError(
                    f"term {term.name!r} is convex: with a negative weight the program is not convex (DCP)",
                    got=f"weight {weight:g}",
                    ways_out=["give a weight of at least 0", "bound it by a constraint instead"],
                )
        own = [term for term in self.terms if not term.has_rows]
        if any(type(term).__module__.split(".")[0] != "adl_opt" for term in own):
            from adl_opt.programs.engines.cvxpy.probe import probe

            probe(self.objective, self.subject_to)


def placed(program: RoundProgram, round_: Round) -> tuple[RoundProgram, Round]:
    """Return a program and a round as they are solved together.

    In contracts the round has its prices, and the program clears the flow.  Where it says what haircuts must
    raise, every market and side closes the same share of its flow; else it chooses what it closes.  In both
    spaces sub-accounts of one owner are one account, and the program keeps the options of the round.
    """
    rules = list(program.subject_to)
    round_ = in_legs(round_) if round_.space == CONTRACTS else by_owner(round_)
    if round_.space == CONTRACTS and not any(isinstance(rule, Clearing) for rule in rules):
        demands = any(isinstance(rule, (ExactBudget, Solvency)) for rule in rules)
        rules.append(Clearing(EQUAL if demands else FREE, any(isinstance(rule, Lots) for rule in rules)))
    kinds = {type(rule) for rule in rules}
    rules += [rule for rule in options_of(round_) if type(rule) not in kinds]
    if len(rules) > len(program.subject_to):
        program = RoundProgram(program.objective, rules, program.name)
    return program, round_


def upper_bounds(program: RoundProgram, round_: Round) -> tuple[Floats, Floats, Ints]:
    """Return the largest haircuts (n,) USD, their derivative in the capacity, and the rule that sets each."""
    caps = [(rule, rule.upper(round_)) for rule in program.subject_to]
    known = [(rule, most) for rule, most in caps if most is not None]
    table = np.array([most for _, most in known])
    source = np.argmin(table, axis=0) if len(round_.accounts) else np.empty(0, dtype=np.int64)
    rates = np.array([np.broadcast_to(rule.upper_rates(round_), most.shape) for rule, most in known])
    index = np.array([program.subject_to.index(rule) for rule, _ in known])
    return np.min(table, axis=0), rates[source, np.arange(source.size)], index[source]


@dataclass(frozen=True, eq=False)
class Case:
    """A program on a round: what an engine is asked to solve.

    Parameters
    ----------
    program : RoundProgram
    round : Round
    needed : float
        B, USD.
    options : Options
    start : Point, optional
        Where a search begins.
    """

    program: RoundProgram
    round: Round
    needed: float
    options: Options
    start: Point | None = None

    @cached_property
    def bounds(self) -> tuple[Floats, Floats, Ints]:
        """The upper bounds of the haircuts, as :func:`upper_bounds` gives them."""
        return upper_bounds(self.program, self.round)

    @property
    def upper(self) -> Floats:
        """Largest haircut of each account, all caps together, (n,) USD."""
        return self.bounds[0]

    @property
    def unit(self) -> float:
        """USD that count as one in a solver."""
        return money_unit(self.needed, self.upper)

    def model(self, unit: float | None = None) -> LinearModel:
        """Return the arrays of the program (LP or MIP), in USD; ``unit`` replaces the scale of money."""
        upper, rates, _ = self.bounds
        builder = Builder(self.round, self.needed, upper, unit or self.unit)
        builder.shadow.upper = rates
        for rule in self.program.subject_to:
            builder.owner = rule.name
            rule.rows(builder)
        for weight, term in self.program.objective.parts:
            builder.owner = term.name
            columns, costs = term.rows(builder)
            builder.cost(columns, weight * np.asarray(costs))
        return builder.finish()
