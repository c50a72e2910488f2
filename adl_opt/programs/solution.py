"""Solution: what a solve found, what is proven of it, and the certificate that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from adl_opt.programs.terms.base import Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

PROVEN = 1e-8
"""Relative gap of a linear program, of a kernel, or of a MIP asked for gap 0, that counts as closed."""

PROVEN_CONE = 1e-7
"""The same for answers of an interior-point method, which end near the optimum, not at it."""


class Status(StrEnum):
    """How far an answer may be believed."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no-solution"
    ERROR = "error"


@dataclass(frozen=True, eq=False, kw_only=True)
class Dual:
    """A shadow price: one number, or one for each account.

    Parameters
    ----------
    value : float or (n,)
    unit : str
    orientation : str
        What moves, and which way.
    """

    value: Any
    unit: str
    orientation: str


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Named checks of a solution, recomputed without the engine; ``ok`` says that all hold.

    ``bound`` is what the proof says; ``rederived_bound`` the part of it that follows from the data without a
    solver's word, and ``bound_source`` says in words what ``bound`` rests on: for a mixed-integer program by
    HiGHS it reads ``stated by HiGHS, re-derived root bound X``.

    ``cents:TERM`` (no constraint is broken by a cent), ``objective`` (recomputed in numpy), ``status`` (the
    word agrees with the numbers), ``bound`` and ``gap`` (recomputed from the proof), ``duals`` (stated prices
    follow from the proof) and the proof's own, such as ``dual-signs``, ``complementarity``, ``stationarity``.
    """

    checks: Mapping[str, bool]
    bound: float
    gap: float
    rederived_bound: float = math.nan
    bound_source: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(self.checks.values())

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that do not hold."""
        return tuple(name for name, good in self.checks.items() if not good)

    @property
    def feasible(self) -> bool:
        """Whether the point breaks no constraint."""
        return all(good for name, good in self.checks.items() if name.startswith("cents:"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution:
    """The answer to a program.

    Parameters
    ----------
    status : Status
        OPTIMAL: proven within ``gap``, and certified.  FEASIBLE: no constraint is broken; ``bound`` says how
        much better the optimum can be.  INFEASIBLE: see ``conflict``.  NO_SOLUTION: stopped with
        nothing; no numbers.
    objective, bound, gap : float
        Value, proven lower bound, and (objective - bound) / abs(objective); NaN where there are none.
    x : (n,) USD or None
    lots : (m,) int or None
    budget : float
        H, USD: what the haircuts raise.
    accounts : tuple of str
        Ids that pay.
    duals : mapping of name to Dual
        ``budget`` and ``capacity`` for linear programs by kernel or HiGHS, ``budget`` for smooth ones; absent
        for a MIP.
    fund_usd, shortfall_usd : float
        Drawn from the insurance fund; what haircuts and fund lack of the budget under ``shortfall="named"``.
    conflict : tuple of str
        Names of the terms that cannot hold together.
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
    budget: float = math.nan
    accounts: tuple[str, ...] = field(default=(), repr=False)
    duals: Mapping[str, Dual] = field(default_factory=dict, repr=False)
    fund_usd: float = 0.0
    shortfall_usd: float = 0.0
    nodes: int | None = None
    seconds: float = 0.0
    message: str = ""
    conflict: tuple[str, ...] = ()
    allowed_gap: float = PROVEN
    proof: Any = field(default=None, repr=False)

    @property
    def point(self) -> Point | None:
        """The answer as the numpy faces judge it; None where there is none."""
        if self.x is None:
            return None
        return Point(x=self.x, needed=self.needed, lots=self.lots, fund=self.fund_usd, closed=self.closed)

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
            Without a point all that is checked is that no number is claimed.
        """
        from adl_opt.programs.certify import certify

        return certify(self, enumerate_up_to)


def relative_gap(objective: float, bound: float, scale: float) -> float:
    """Return (objective - bound) relative to the objective, or to its scale where that is nearly 0."""
    if not math.isfinite(bound):
        return math.inf
    gap = max(objective - bound, 0.0)
    return gap / max(abs(objective), abs(bound), 1e-6 * abs(scale), 1e-300)


def payers(round_: Round, x: Floats) -> tuple[str, ...]:
    """Return the ids of the accounts that pay."""
    return tuple(str(name) for name in round_.accounts.id[np.flatnonzero(x > 0)])
