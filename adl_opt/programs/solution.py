"""Solution: what a solve found, and the checker that takes nothing from the engine on trust."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Any

import numpy as np

from adl_opt.programs.duals import Dual, prices_of
from adl_opt.programs.options import Options
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.proof import Proof
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import Solvency
from adl_opt.programs.terms.clearing import EQUAL, Clearing
from adl_opt.programs.terms.grid import Lots, haircuts_of_lots
from adl_opt.proofs.certificate import Certificate, Check, once, relative_gap
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round
from adl_opt.tabular import Noun

VALUE = 1e-9
"""Relative tolerance at which a stated figure agrees with the recomputed one."""

HALF_A_CENT = math.nextafter(0.005, 0.0)
"""A constraint broken by less counts as kept, USD."""

PROVEN = 1e-8
"""Relative gap of a linear program, of a kernel, or of a MIP asked for gap 0, that counts as closed."""

UNPROVEN = "stated by a solver, not re-derived"

PROVEN_CONE = 1e-7
"""The same for answers of an interior-point method, which end near the optimum, not at it."""


class Status(StrEnum):
    """How far an answer may be believed."""

    OPTIMAL = "optimal"
    STATED = "stated"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no-solution"
    ERROR = "error"


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution(Noun):
    """The answer to a program.

    Parameters
    ----------
    status : Status
        OPTIMAL: the bound was re-derived here and the gap is closed.  STATED: optimal, says a solver; no
        bound that is re-derived closes the gap.  FEASIBLE: no constraint is broken; ``bound`` says how
        much better the optimum can be.  INFEASIBLE: it is proven that no point keeps all constraints;
        see ``conflict``.  NO_SOLUTION: neither a point nor that proof was found; no numbers.
    objective, bound, gap : float
        Value, proven lower bound, and (objective - bound) / abs(objective); NaN where there are none.
    x : (n,) USD or None
    lots : (m,) int or None
        Whole lots of each position.
    closed : array or None
        Lots of each position where they may be split; in contracts of each leg of ``round``, whole or not.
    executed : float
        H, USD: what the haircuts raise.
    paying : tuple of str
        Ids of the accounts that pay.
    duals : mapping of name to Dual
        Of an optimal answer: ``budget``, ``capacity``, and each constraint by its name
        (:func:`adl_opt.programs.duals.prices_of`); ``capacity`` for linear programs alone, none for a MIP.
    fund_usd, shortfall_usd : float
        Drawn from the insurance fund; what haircuts and fund lack under ``shortfall="named"``.
    conflict : tuple of str
        Names of the terms that cannot hold together, and can without any one of them.
    proof : Proof, optional
        What the bound rests on, or under INFEASIBLE an
        :class:`~adl_opt.programs.infeasible.InfeasibleProof`.
    """

    status: Status
    engine: str
    program: Any = field(repr=False)
    round: Round = field(repr=False)
    needed: float
    objective: float = math.nan
    bound: float = math.nan
    gap: float = math.nan
    x: Floats | None = field(default=None, repr=False)
    lots: Ints | None = field(default=None, repr=False)
    closed: Floats | None = field(default=None, repr=False)
    executed: float = math.nan
    paying: tuple[str, ...] = field(default=(), repr=False)
    duals: Mapping[str, Dual] = field(default_factory=dict, repr=False)
    fund_usd: float = 0.0
    shortfall_usd: float = 0.0
    nodes: int | None = None
    seconds: float = 0.0
    message: str = ""
    conflict: tuple[str, ...] = ()
    allowed_gap: float = PROVEN
    proof: Proof | None = field(default=None, repr=False)

    @property
    def point(self) -> Point | None:
        """The answer as the numpy faces judge it; None where there is none."""
        if self.x is None:
            return None
        lots, closed = self.lots, self.closed
        if isinstance(self.round, PricedRound) and lots is not None and closed is not None:
            lots, closed = np.rint(closed).astype(np.int64), None
        return Point(x=self.x, needed=self.needed, lots=lots, fund=self.fund_usd, closed=closed)

    @property
    def closures(self) -> Closures | None:
        """In contracts: which lots of which position are closed against which row of the flow."""
        if not isinstance(self.round, PricedRound) or self.closed is None:
            return None
        rule = next((r for r in self.program.subject_to if isinstance(r, Clearing)), Clearing())
        equal = rule.shares == EQUAL
        wanted = rule.wanted(self.round, self.needed) if equal else self.round.closed(self.closed)
        lots = self.closed if self.lots is None else np.rint(self.closed).astype(np.int64)
        return self.round.closures(lots, wanted)

    @property
    def residual(self) -> dict[tuple[str, str], float]:
        """Contracts that were to be closed and are not, by (market, losers' side); empty in wealth."""
        closures = self.closures
        return {} if closures is None else closures.residual()

    def certify(self, *, enumerate_up_to: int = 0) -> Certificate:
        """Recompute feasibility in cents, the objective, the bound and the duals, without the engine.

        Parameters
        ----------
        enumerate_up_to : int
            Where whole lots are all there is to choose, and not more combinations than this, the optimum is
            listed in full, and a bound that a solver only states becomes a re-derived one.

        Returns
        -------
        Certificate
            ``cents:TERM`` (no constraint is broken by half a cent), ``objective``, ``executed`` and
            ``paying`` (recomputed in numpy), ``bound`` and ``gap`` (recomputed from the proof), ``duals``
            (stated prices follow from the proof), ``status`` (the word agrees with the numbers), and the
            proof's own, such as ``dual-signs``, ``complementarity``, ``stationarity``.  Without a point all
            that is checked is that no number is claimed.
        """
        return _certified(self, enumerate_up_to) if enumerate_up_to else self._certificate()

    @once
    def _certificate(self) -> Certificate:
        return _certified(self, 0)


def _certified(solution: Solution, enumerate_up_to: int) -> Certificate:
    """Recompute the named checks of a solution; see :meth:`Solution.certify`."""
    point, proof = solution.point, solution.proof
    if point is None:
        quiet = math.isnan(solution.objective) and solution.lots is None and not solution.paying
        honest = solution.status not in (Status.OPTIMAL, Status.STATED, Status.FEASIBLE)
        checks = {"no-numbers": Check.that(quiet), "status": Check.that(honest)}
        return Certificate(checks=checks | infeasibility(solution))
    value = solution.program.objective.value(point, solution.round)
    scale, rounding = (0.0, 0.0) if proof is None else (proof.scale, proof.rounding)
    checks = _feasibility(solution, point)
    checks["objective"] = _near(solution.objective, value, scale)
    checks["executed"] = _near(solution.executed, point.executed, point.executed)
    checks["paying"] = Check.that(len(solution.paying) == int(np.count_nonzero(point.x > 0)))
    bound = -math.inf if proof is None else proof.bound()
    own, source = (-math.inf, "no proof") if proof is None else proof.rederived()
    listed = listed_optimum(solution, enumerate_up_to)
    if listed is not None:
        best = abs(listed - value) <= VALUE * max(abs(value), scale)
        worse = solution.status is Status.FEASIBLE and listed <= value
        checks["enumeration"] = Check.that(best or worse)
        bound, own, source = max(bound, listed), listed, "re-derived: every combination of lots listed"
    bound, source = believed(bound, own, source, relative_gap(value, own, scale) <= solution.allowed_gap)
    gap = relative_gap(value, bound, scale)
    checks |= {} if proof is None else proof.checks()
    checks["bound"] = Check(bound - value, max(VALUE * max(abs(value), rounding), 1e-7 * abs(value)))
    checks["gap"] = Check(gap - solution.gap if math.isfinite(gap) else 0.0, VALUE * (1 + gap))
    checks["duals"] = Check.that(_duals_follow(solution))
    if solution.status in (Status.OPTIMAL, Status.STATED):
        sure = solution.status is Status.OPTIMAL
        checks["status"] = Check(relative_gap(value, own, scale) if sure else gap, solution.allowed_gap)
    return Certificate(checks=checks, bound=bound, gap=gap, rederived_bound=own, bound_source=source)


def infeasibility(solution: Any) -> dict[str, Check]:
    """Return the checks of the word INFEASIBLE: there is a proof, it holds, and the conflict is minimal."""
    if solution.status is not Status.INFEASIBLE:
        return {}
    proof = solution.proof
    return {"proof": Check.that(proof is not None and proof.bound() == math.inf)} | (
        {} if proof is None else proof.checks()
    )


def believed(bound: float, own: float, source: str, enough: bool) -> tuple[float, str]:
    """Return the bound that counts, and what it rests on.

    Parameters
    ----------
    bound, own : float
        With a solver's word, and without.
    source : str
        What the re-derived bound rests on.
    enough : bool
        Whether the re-derived bound closes the gap.

    Examples
    --------
    >>> believed(2.0, 1.0, "re-derived: weak duality", True)
    (1.0, 're-derived: weak duality')
    """
    if enough or not bound > own:
        return (own if enough else bound), source
    return bound, f"stated by a solver, re-derived bound {own:.12g}" if math.isfinite(own) else UNPROVEN


def listed_optimum(solution: Solution, most: int) -> float | None:
    """Return the least objective over every feasible combination of whole lots.

    None where lots are not all there is to choose, or there are too many combinations.
    """
    held, program = solution.round.positions, solution.program
    whole = any(isinstance(rule, Lots) for rule in program.subject_to)
    funded = any(isinstance(rule, Solvency) and rule.fund > 0 for rule in program.subject_to)
    if held is None or not whole or funded or np.count_nonzero(held.lots) > most.bit_length():
        return None  # 2 to the power of the positions is more already
    if math.prod(int(k) + 1 for k in held.lots) > most:
        return None
    u, best = solution.round.accounts.capacity, math.inf
    for choice in product(*(range(int(k) + 1) for k in held.lots)):
        lots = np.array(choice, dtype=np.int64)
        point = Point(x=haircuts_of_lots(held, lots, u), needed=solution.needed, lots=lots)
        money = max(point.needed, point.executed)
        broken = max(rule.violation(point, solution.round) for rule in program.subject_to)
        if within_cents(broken, 0.01 * money).passed:
            best = min(best, program.objective.value(point, solution.round))
    return best


def within_cents(broken: float, money: float) -> Check:
    """Return the check that a constraint is broken by less than half a cent and a millionth of the money.

    Where no money is asked for and none is taken, nothing may be broken at all.

    Parameters
    ----------
    broken, money : float
        USD.

    Examples
    --------
    >>> [within_cents(usd, 1e6).passed for usd in (0.0049, 0.005)], within_cents(0.0049, 1.0).passed
    ([True, False], False)
    """
    return Check(broken, min(HALF_A_CENT, 1e-6 * money))


def _feasibility(solution: Solution, point: Point) -> dict[str, Check]:
    if point.x.shape != (len(solution.round.accounts),) or not np.all(np.isfinite(point.x)):
        return {"cents:finite": Check.that(False)}
    money = max(point.needed, point.executed)
    return {
        f"cents:{rule.name}": within_cents(rule.violation(point, solution.round), money)
        for rule in solution.program.subject_to
    }


def _near(stated: float, value: float, scale: float) -> Check:
    return Check(abs(stated - value), VALUE * max(abs(value), abs(scale)))


def _duals_follow(solution: Solution) -> bool:
    if not solution.duals:
        return True
    case = Case(solution.program, solution.round, solution.needed, Options())
    again = prices_of(solution.proof, case)
    return set(again) == set(solution.duals) and all(
        np.allclose(again[name].value, dual.value, rtol=VALUE, atol=0.0)
        for name, dual in solution.duals.items()
    )
