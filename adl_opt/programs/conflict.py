"""Why a round is infeasible: the terms that cannot hold together, what they lack in USD, and the proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.cvxpy.solver import linear_arrays
from adl_opt.programs.engines.highs.direct import raw_of, solve_direct
from adl_opt.programs.engines.highs.mip_start import mip_start
from adl_opt.programs.infeasible import InfeasibleProof, Start, by_prices, conflict_of, points_without
from adl_opt.programs.mended import mended_point
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.reach import Reach
from adl_opt.programs.solution import within_cents
from adl_opt.programs.terms.base import ConstraintTerm, Objective, Point, Term
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.programs.terms.limits import PositivePnl
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round

NOTHING = Objective(((0.0, TotalHaircut(name="nothing")),))
"""The objective of a program that asks only what is feasible."""


@dataclass(frozen=True, eq=False)
class Conflict:
    """Names of terms that cannot hold together, the same in words with USD, and the proof.

    ``found_by`` is ``capacity`` or ``reach`` where no solver was needed.
    """

    names: tuple[str, ...]
    text: str
    proof: InfeasibleProof
    found_by: str = ""


@dataclass(frozen=True, eq=False)
class Lifted(PositivePnl):
    """0 <= x: positive PNL left out, but for a bound that no amount of the round comes near."""

    most: float = 0.0

    def expression(self, symbols: Any) -> Any:
        """Return 0 <= h."""
        return [symbols.h >= 0]

    def upper(self, round_: Round) -> Floats:
        """Return the same large amount for every account, USD."""
        return np.full(len(round_.accounts), self.most)

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest negative haircut, USD."""
        return float(np.max(-point.x, initial=0.0))


Budget = ExactBudget | Solvency


def floor_of(program: RoundProgram) -> str:
    """Return the name of what every program holds: 0 <= x <= u."""
    return next(rule.name for rule in program.subject_to if isinstance(rule, PositivePnl))


def names_of(program: RoundProgram, able: Callable[[Term], bool] = attrgetter("has_rows")) -> tuple[str, ...]:
    """Return names of able terms: objective, constraints, and last what the haircuts must raise."""
    rules = sorted(program.subject_to, key=lambda rule: isinstance(rule, Budget))
    terms = (*program.objective.terms, *rules)
    return tuple(term.name for term in terms if able(term) and not isinstance(term, PositivePnl))


def beyond(rounds: Sequence[Round], needed: Sequence[float]) -> float:
    """Return an amount that nobody comes near, USD."""
    return 4.0 * math.fsum([*needed, *(r.deficit + r.capacity_usd for r in rounds)]) + 1.0


def reduced_program(
    program: RoundProgram, names: Sequence[str], most: float | None = None, goal: Objective = NOTHING
) -> RoundProgram:
    """Return a program of some terms; the objective terms among them cost nothing.

    ``most`` (USD) takes the place of the capacity of each account.
    """
    kept = Objective(tuple((0.0, term) for term in program.objective.terms if term.name in names))
    rules: list[ConstraintTerm] = [rule for rule in program.subject_to if rule.name in names]
    floor = [] if most is None else [Lifted(name=floor_of(program), most=most)]
    return RoundProgram(goal + kept, [*rules, *floor], program.name)


@dataclass(frozen=True, eq=False)
class RoundTerms:
    """The terms of a round that have rows: what can be in conflict."""

    case: Case

    @cached_property
    def floor(self) -> str:
        """Name of what every program holds: 0 <= x <= u."""
        return floor_of(self.case.program)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the terms."""
        return names_of(self.case.program)

    def reduced(self, names: Sequence[str], floor: bool = True, goal: Objective = NOTHING) -> Case:
        """Return the case with these terms alone; the objective terms among them cost nothing."""
        most = None if floor else beyond([self.case.round], [self.case.needed])
        return replace(self.case, program=reduced_program(self.case.program, names, most, goal))

    def model(self, names: Sequence[str], floor: bool = True) -> LinearModel:
        """Return the arrays of these terms."""
        return self.reduced(names, floor).model()

    def start(self, names: Sequence[str], model: LinearModel, floor: bool = True) -> Start:
        """Return the largest accounts as payers, or lots."""
        return mip_start(self.reduced(names, floor), model) if "pays" in model.blocks else None

    def holds(self, names: Sequence[str], model: LinearModel, v: Floats, floor: bool = True) -> bool:
        """Say whether a point of the arrays breaks none of these terms by half a cent."""
        case = self.reduced(names, floor)
        point = self.point(case, model, v)
        money = max(point.needed, point.executed)
        broken = max(rule.violation(point, case.round) for rule in case.program.subject_to)
        values = [term.value(point, case.round) for term in case.program.objective.terms]
        return within_cents(broken, money).passed and all(map(math.isfinite, values))

    def point(self, case: Case, model: LinearModel, v: Floats) -> Point:
        """Return a point of the arrays of a case as the numpy faces judge it."""
        return mended_point(case, raw_of(model, v))

    def whole(self) -> LinearModel:
        """Return the arrays of all terms that have rows, with their costs."""
        program = self.case.program
        goal = Objective(tuple((weight, term) for weight, term in program.objective.parts if term.has_rows))
        rules = [rule for rule in program.subject_to if rule.has_rows]
        return replace(self.case, program=RoundProgram(goal, rules, program.name)).model()

    def ordered(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return names in the order of the program."""
        return tuple(term.name for term in self.case.program.terms if term.name in names)


class CvxpyTerms(RoundTerms):
    """The terms of a round that are not cones, over the arrays that cvxpy makes of them."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the terms."""
        return names_of(self.case.program, lambda term: "cone" not in term.needs)

    def model(self, names: Sequence[str], floor: bool = True) -> LinearModel:
        """Return the arrays of these terms."""
        return linear_arrays(self.reduced(names, floor))[0]

    def point(self, case: Case, model: LinearModel, v: Floats) -> Point:
        """Return a point of the arrays."""
        return mended_point(case, linear_arrays(case)[1](v))

    def start(self, names: Sequence[str], model: LinearModel, floor: bool = True) -> Start:
        """Nothing is at hand."""

    def whole(self) -> LinearModel:
        """Return the arrays of all these terms."""
        return self.model(self.names)


def explained(case: Case) -> Conflict | None:
    """Return the proof that nothing is feasible, and the smallest conflict; None where no proof is found."""
    terms = RoundTerms(case)
    found = conflict_of(terms, terms.whole(), case.options)
    if found is None and len(case.round.accounts) and not all(t.has_rows for t in case.program.subject_to):
        terms = CvxpyTerms(case)
        found = conflict_of(terms, terms.whole(), case.options)
    if found is None:
        return None
    names = terms.ordered(found[0])
    return Conflict(names, _text(terms, names), found[1])


def reach_conflict(case: Case) -> Conflict | None:
    """Return the conflict where those that may pay cannot raise what is required, else None.

    Caps, held lots, the number of accounts and the ticket decide that by sorting, in rounds of any size.
    """
    rules = [rule for rule in case.program.subject_to if isinstance(rule, Budget)]
    return next((found for rule in rules if (found := _out_of_reach(case, rule))), None)


def _out_of_reach(case: Case, rule: Budget) -> Conflict | None:
    terms, required = RoundTerms(case), rule.required(case.round, case.needed)
    budget = required if rule.fund == 0 else math.nextafter(required - rule.fund, -math.inf)

    def reach(names: Sequence[str], exact: bool = isinstance(rule, ExactBudget)) -> Reach:
        kept = [limit for limit in case.program.subject_to if limit.name in names]
        return Reach.of(kept, case.round, budget, exact=exact)

    def lacks(names: Sequence[str], **how: bool) -> bool:
        return _lacks(required, reach(names, **how).raised + rule.fund)

    names = [limit.name for limit in case.program.subject_to if limit.has_rows and limit is not rule]
    if not lacks(names):
        return None
    for name in sorted(names, key=lambda name: name == terms.floor):
        rest = [other for other in names if other != name]
        names = rest if lacks(rest) else names
    floor, limits = terms.floor in names, reach([*names, terms.floor])
    others = [rule.name, *(name for name in names if name != terms.floor)]
    prices = {f"{rule.name}:budget": 1.0, "total:sum": -1.0}
    whole = by_prices(terms.whole(), prices) if limits.is_sum else limits
    proof = by_prices(terms.model(others), prices) if limits.is_sum else limits
    if whole is None or proof is None:
        return None
    without = points_without(terms, others, case.options, floor=floor)
    told = terms.ordered([rule.name, *names])
    text = _shortfall(rule, required, names, reach(names).raised)
    if not lacks(names, exact=False):  # only the ticket is too large
        text = _together(told, rule, required)
    return Conflict(
        names=told,
        text=f"capacity {text}" if limits.is_sum else text,
        proof=InfeasibleProof(whole, proof, without),
        found_by="capacity" if limits.is_sum else "reach",
    )


def _lacks(required: float, reach: float) -> bool:
    return required - reach >= 0.005 or required - reach > 1e-9 * required


def _text(terms: RoundTerms, names: Sequence[str]) -> str:
    """Return a conflict in words: in USD where a budget is in it, and the others fix what can be raised."""
    case = terms.reduced(names)
    rule = next((rule for rule in case.program.subject_to if isinstance(rule, Budget)), None)
    if rule is None:
        return f"these terms cannot hold together: {', '.join(names)}"
    others = [name for name in names if name != rule.name]
    required = rule.required(case.round, case.needed)
    most, least = 0.0 - _least(terms, others, -1.0), _least(terms, others, 1.0)
    if _lacks(required, most + rule.fund):
        return _shortfall(rule, required, others, most)
    if isinstance(rule, ExactBudget) and _lacks(least, required):
        return (
            f"excess of {_usd(least - required)} USD: term {rule.name!r} asks for {required:,.2f} USD, "
            f"and {', '.join(others)} take at least {least:,.2f} USD"
        )
    return _together(names, rule, required)


def _together(names: Sequence[str], rule: Budget, required: float) -> str:
    return f"these terms cannot hold together: {', '.join(names)}; {rule.name} asks for {_usd(required)} USD"


def _least(terms: RoundTerms, names: Sequence[str], weight: float) -> float:
    """Return a proven lower bound of ``weight`` times the sum of haircuts under some terms, USD."""
    case = terms.reduced(names, goal=weight * TotalHaircut(name="nothing"))
    if not all(term.has_rows for term in case.program.terms):
        return -math.inf
    raw = solve_direct(replace(case, options=replace(case.options, node_limit=1000, time_limit_seconds=10.0)))
    return -math.inf if raw.proof is None else float(raw.proof.rederived()[0])


def _shortfall(rule: Budget, required: float, others: Sequence[str], reach: float) -> str:
    fund = f", fund {rule.fund:,.2f} USD" if rule.fund > 0 else ""
    leave = f"{', '.join(others)} leave {reach:,.2f} USD" if others else "there is no account to pay"
    return (
        f"shortfall of {_usd(required - reach - rule.fund)} USD: term {rule.name!r} asks for "
        f"{required:,.2f} USD, and {leave}{fund}; Solvency(shortfall='named') takes the most there is"
    )


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.01 else f"{amount:.3g}"
