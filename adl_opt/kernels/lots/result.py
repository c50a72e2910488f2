"""Result of the min-max over lots, and its certificate, computed without the code of the search."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels._sums import total
from adl_opt.kernels.lots.base import REL_TOL, IntArray
from adl_opt.kernels.lots.problem import LotsProblem

SUMS_LIMIT = 4_000_000
"""Sums listed for one account by the certificate; above it, the cap itself is the upper bound."""


@dataclass(frozen=True)
class LotsCertificate:
    """Named checks of a `LotsResult`; ``ok`` says that all hold.

    ``integral``: whole lots, within what each position has.  ``haircuts_match``: haircuts, executed,
    overshoot and shortfall follow from the lots.  ``covers``: the budget, or the most that is reachable.
    ``burden``: no account above z.  ``lower_bound``: below it the budget is out of reach.
    """

    integral: bool
    within_capacity: bool
    haircuts_match: bool
    covers: bool
    burden: bool
    lower_bound: bool

    @property
    def ok(self) -> bool:
        """Say whether every check holds."""
        return all(bool(getattr(self, name)) for name in self.__dataclass_fields__)


@dataclass(frozen=True)
class LotsResult:
    """Whole lots that cover a budget at the smallest largest burden.

    Attributes
    ----------
    z : float
        Largest burden made (unitless).
    lower_bound : float
        No cover of the budget has a largest burden below it (proven).
    gap : float
        ``(z - lower_bound) / z``; 0 when closed; 1 when nothing is proven.
    lots : ndarray of int64, shape (m,)
        Whole lots taken of every position.
    haircut_usd : ndarray, shape (n,)
        USD that every account gives up.
    executed_usd, overshoot_usd, shortfall_usd : float
        Sum of the haircuts in USD; what it has above the budget; what it lacks.
    overshoot_proven : bool
        True when no cover with burdens up to `z` overshoots less, or as much with fewer lots.
    nodes : int
        Enumerated combinations: pair problems solved.
    """

    z: float
    lower_bound: float
    gap: float
    lots: NDArray[np.int64]
    haircut_usd: NDArray[np.float64]
    executed_usd: float
    overshoot_usd: float
    shortfall_usd: float
    overshoot_proven: bool
    nodes: int
    problem: LotsProblem = field(repr=False)

    def certify(self) -> LotsCertificate:
        """Check the answer against the problem, by code that the search does not use.

        Returns
        -------
        LotsCertificate
            Never raises for a result of `minmax_lots`, however its fields were changed.

        Notes
        -----
        The lower bound is confirmed when closed forms (one position) and listed subset sums (more) cannot
        reach the budget at ``lower_bound * (1 - 1e-12)``; accounts with more than `SUMS_LIMIT` sums count
        with their cap, so a true bound may, rarely, stay unconfirmed (False).

        Examples
        --------
        >>> from adl_opt.kernels import minmax_lots
        >>> minmax_lots([10.0, 10.0], [0, 1], [3.0, 4.0], [3, 2], 8.0).certify().ok
        True
        """
        try:
            with np.errstate(all="ignore"):
                return LotsCertificate(*lots_checks(self, self.problem, _payable))
        except (TypeError, ValueError, ArithmeticError, IndexError):
            return LotsCertificate(False, False, False, False, False, False)


def result_of(problem: LotsProblem, lots: IntArray, lower: float, proven: bool, nodes: int) -> LotsResult:
    """Recompute every figure from the lots."""
    paid = np.bincount(problem.account, weights=lots * problem.lot_value, minlength=problem.capacity.size)
    haircut = np.minimum(paid, problem.capacity)
    executed = total(haircut)
    burden = np.divide(haircut, problem.base, out=np.zeros(haircut.size), where=haircut > 0)
    z = float(np.max(burden, initial=0.0))
    lower = z if lower >= z * (1 - REL_TOL) else lower
    short = problem.budget - executed
    return LotsResult(
        z=z,
        lower_bound=lower,
        gap=(z - lower) / z if z > 0 else 0.0,
        lots=lots,
        haircut_usd=haircut,
        executed_usd=executed,
        overshoot_usd=max(-short, 0.0),
        shortfall_usd=short if short > REL_TOL * problem.budget else 0.0,
        overshoot_proven=proven or problem.budget == 0,
        nodes=nodes,
        problem=problem,
    )


Payable = Callable[[LotsProblem, float, float], float]


def near(a: float, b: float, scale: float) -> bool:
    """Say whether two amounts agree within the tolerance of their scale."""
    return abs(a - b) <= REL_TOL * abs(scale)


def lots_checks(result: LotsResult, problem: LotsProblem, payable: Payable) -> tuple[bool, ...]:
    """Compute the checks of `LotsCertificate` one by one; ``payable(problem, z, goal)`` bounds the total."""
    budget, taken = problem.budget, np.asarray(result.lots)
    whole = taken.shape == problem.lots.shape and bool(np.all(taken == np.floor(taken)))
    integral = whole and bool(np.all((taken >= 0) & (taken <= problem.lots)))
    pays: list[list[float]] = [[] for _ in range(problem.capacity.size)]
    for j in np.flatnonzero(taken):
        pays[int(problem.account[j])].append(int(taken[j]) * float(problem.lot_value[j]))
    haircut = np.array([math.fsum(parts) for parts in pays])
    total = math.fsum(haircut)
    given = np.asarray(result.haircut_usd)
    within = bool(np.all(haircut <= problem.capacity * (1 + REL_TOL))) and bool(
        np.all(given <= problem.capacity)
    )
    match = given.shape == haircut.shape and bool(np.all(np.abs(given - haircut) <= REL_TOL * haircut))
    match = match and near(result.executed_usd, total, total)
    scale = max(budget, total)
    match = match and near(result.overshoot_usd, max(total - budget, 0.0), scale)
    match = match and near(result.shortfall_usd, max(budget - total, 0.0), scale)
    proven_most = result.shortfall_usd > 0 and result.gap == 0
    if result.shortfall_usd > 0:
        covers = not proven_most or payable(problem, math.inf, -math.inf) <= total * (1 + REL_TOL)
    else:
        covers = total >= budget * (1 - REL_TOL)
    burden = bool(np.all(haircut <= result.z * problem.base * (1 + REL_TOL)))
    gap = (result.z - result.lower_bound) / result.z if result.z > 0 else 0.0
    bound = 0 <= result.lower_bound <= result.z and (near(result.gap, gap, 1.0))
    if bound and result.lower_bound > 0 and not result.shortfall_usd > 0:  # no cover: every bound holds
        goal = budget * (1 - REL_TOL)
        bound = payable(problem, result.lower_bound * (1 - REL_TOL), goal) < goal
    return integral, within, match, covers, burden, bound


class LooseBounds(NamedTuple):
    """Caps (n,) USD, lots that fit (m,), accounts in play, their positions, and bounds (n,) USD.

    ``worth`` is the cheapest lot of each account in play, USD; 0 where its bound is exact.
    """

    room: NDArray[np.float64]
    fit: NDArray[np.float64]
    owner: NDArray[np.int64]
    groups: list[NDArray[np.int64]]
    bound: NDArray[np.float64]
    worth: NDArray[np.float64]


def loose_bounds(problem: LotsProblem, z: float) -> LooseBounds:
    """Bounds on what every account can pay at burden z: its cap, or all lots that fit."""
    limit = np.where(problem.base > 0, problem.capacity, 0.0)
    if math.isfinite(z):
        limit = np.minimum(limit, z * problem.base)
    room = limit * (1 + 2e-13)  # lots that fill the cap exactly are not lost to rounding
    fit = np.minimum(problem.lots, room[problem.account] // problem.lot_value)
    in_play = np.flatnonzero(fit > 0)
    in_play = in_play[np.argsort(problem.account[in_play], kind="stable")]
    owner, starts = np.unique(problem.account[in_play], return_index=True)
    groups = np.split(in_play, starts[1:]) if owner.size else []
    sums = np.bincount(problem.account, weights=fit * problem.lot_value, minlength=room.size)
    bound = np.minimum(sums, room)
    worth = np.array([np.min(problem.lot_value[rows]) if rows.size > 1 else 0.0 for rows in groups])
    return LooseBounds(room, fit, owner, groups, bound, worth)


def _payable(problem: LotsProblem, z: float, goal: float) -> float:
    """Upper bound on the total at burden z, sharpened until it is below the goal or nothing is loose."""
    room, fit, owner, groups, bound, worth = loose_bounds(problem, z)
    loose = [int(place) for place in np.argsort(-worth, kind="stable") if worth[place] > 0]
    total = math.fsum(bound)
    for limit_of_sums in (SUMS_LIMIT // 200, SUMS_LIMIT):
        still = []
        for place in loose:
            if total < goal and math.fsum(bound) < goal:
                break
            who, rows = int(owner[place]), groups[place]
            best = most_below(problem.lot_value[rows], fit[rows], float(room[who]), limit_of_sums)
            if best == room[who]:
                still.append(place)
            total += min(best - bound[who], 0.0)
            bound[who] = min(bound[who], best)
        loose = still
    return math.fsum(bound)


def most_below(value: NDArray[Any], lots: NDArray[Any], cap: float, limit: int = SUMS_LIMIT) -> float:
    """Largest subset sum within the cap, by listing the sums of two halves; the cap if too many."""
    halves = [np.zeros(1), np.zeros(1)]
    for j in np.argsort(-lots, kind="stable"):
        small = int(halves[0].size > halves[1].size)
        if halves[small].size * (lots[j] + 1) > limit:
            return cap
        steps = np.arange(int(lots[j]) + 1) * value[j]
        listed = np.unique((halves[small][:, None] + steps).ravel())
        halves[small] = listed[listed <= cap]
    place = np.searchsorted(halves[1], cap - halves[0], side="right") - 1
    total = halves[0] + halves[1][np.maximum(place, 0)]
    return float(np.max(total[place >= 0], initial=0.0))
