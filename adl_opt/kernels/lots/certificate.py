"""The certificate of an answer over lots, computed without the code of the search.

Sums of whole lots are listed.  Only accounts with too many sums to list, such as two positions of a million
lots, are settled by the pair problem of `pairs`, which the search in numpy uses too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.lots.base import REL_TOL
from adl_opt.kernels.lots.pairs import best_pair
from adl_opt.kernels.lots.problem import LotsProblem

SUMS_LIMIT = 4_000_000
"""Sums listed for one account by the certificate; above it, the cap itself is the upper bound."""

WORK_LIMIT = 40_000_000
"""Sums listed by one certificate, a few seconds; beyond, a bound stays unconfirmed."""


Payable = Callable[[LotsProblem, float, float], float]


def near(a: float, b: float, scale: float) -> bool:
    """Say whether two amounts agree within the tolerance of their scale."""
    return abs(a - b) <= REL_TOL * abs(scale)


def lots_checks(result: Any, payable: Payable) -> tuple[bool, ...]:
    """Compute the checks of `LotsCertificate` one by one; ``payable(problem, z, goal)`` bounds the total."""
    problem, budget = result.problem, result.problem.budget
    taken = np.asarray(result.lots)
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

    ``cost`` is how many sums of an account in play are to be listed, and ``worth`` about how much each of
    them may take from its bound, USD; 0 where the bound is exact.
    """

    room: NDArray[np.float64]
    fit: NDArray[np.float64]
    owner: NDArray[np.int64]
    groups: list[NDArray[np.int64]]
    bound: NDArray[np.float64]
    cost: NDArray[np.float64]
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
    cost, worth = np.zeros(owner.size), np.zeros(owner.size)
    for place, rows in enumerate(groups):
        if rows.size > 1:
            cap = float(room[owner[place]])
            cost[place] = _listed(fit[rows])
            gain = cap * float(np.prod(np.minimum(problem.lot_value[rows] / cap, 1.0)))
            worth[place] = max(gain, 1e-300) / cost[place]
    return LooseBounds(room, fit, owner, groups, bound, cost, worth)


def payable(problem: LotsProblem, z: float, goal: float) -> float:
    """Upper bound on the total at burden z, sharpened until it is below the goal or the work is done."""
    loose = loose_bounds(problem, z)
    bound, total, work = loose.bound, math.fsum(loose.bound), 0.0
    for limit in (SUMS_LIMIT // 200, SUMS_LIMIT):
        for place in np.argsort(-loose.worth, kind="stable"):
            if (total < goal and math.fsum(bound) < goal) or work > WORK_LIMIT or not loose.worth[place] > 0:
                break
            who, rows = int(loose.owner[place]), loose.groups[place]
            best = most_below(problem.lot_value[rows], loose.fit[rows], float(loose.room[who]), limit)
            work += min(float(loose.cost[place]), limit)
            loose.worth[place] *= best == loose.room[who]  # listed
            total += min(best - bound[who], 0.0)
            bound[who] = min(bound[who], best)
    return math.fsum(bound)


def _listed(fit: NDArray[Any]) -> float:
    """How many sums `most_below` lists, at most."""
    halves = [1.0, 1.0]
    for lots in -np.sort(-fit):
        halves[int(halves[0] > halves[1])] *= float(lots) + 1
    return sum(halves)


def most_below(value: NDArray[Any], lots: NDArray[Any], cap: float, limit: int = SUMS_LIMIT) -> float:
    """Largest subset sum within the cap, by listing the sums of two halves; the cap if far too many."""
    halves = [np.zeros(1), np.zeros(1)]
    for j in np.argsort(-lots, kind="stable"):
        small = int(halves[0].size > halves[1].size)
        if halves[small].size * (lots[j] + 1) > limit:
            return _most_by_pairs(value, lots, cap, limit // 20)
        steps = np.arange(int(lots[j]) + 1) * value[j]
        listed = np.unique((halves[small][:, None] + steps).ravel())
        halves[small] = listed[listed <= cap]
    place = np.searchsorted(halves[1], cap - halves[0], side="right") - 1
    total = halves[0] + halves[1][np.maximum(place, 0)]
    return float(np.max(total[place >= 0], initial=0.0))


def _most_by_pairs(value: NDArray[Any], lots: NDArray[Any], cap: float, limit: int) -> float:
    """Largest subset sum within the cap: all sums but of two positions are listed, these by Euclid."""
    order = np.argsort(-lots, kind="stable")
    if order.size < 2 or float(np.prod(lots[order[2:]] + 1.0)) > limit:
        return cap
    others = np.zeros(1)
    for j in order[2:]:
        others = (others[:, None] + np.arange(int(lots[j]) + 1) * value[j]).ravel()
        others = others[others <= cap]
    two = order[:2]
    pair = best_pair(
        cap - others, np.tile(value[two], (others.size, 1)), np.tile(lots[two], (others.size, 1))
    )
    return min(float(np.max(others + pair @ value[two], initial=0.0)), cap)
