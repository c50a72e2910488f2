"""The certificate of an answer over lots, computed without the code of the search.

What every account can pay at most is bounded by its cap.  Where that is not enough, its best sum of whole
lots is found: all counts of its positions but two are listed, and the rest is a pair problem, which `pairs`
solves.  Accounts that promise most for their work come first, many at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adl_opt.kernels.lots.base import AIM, REL_TOL, FloatArray, IntArray
from adl_opt.kernels.lots.pairs import best_pair
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.proofs.sums import exact_sum

MOST_PAIRS = 4_000_000
"""Pair problems solved by one certificate, some seconds; beyond, a bound stays unconfirmed."""

BLOCK = 1 << 14
"""Pair problems solved at once."""

FIRST, MORE = 2000, 1.5
"""So many pair problems are solved before a bound is looked at again, and so many times those before."""

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
    paid = taken * problem.lot_value
    haircut = np.bincount(problem.account, paid, problem.capacity.size).astype(np.float64)
    total = exact_sum(haircut)
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
        goal = budget * AIM
        bound = payable(problem, result.lower_bound * (1 - REL_TOL), goal) < goal
    return integral, within, match, covers, burden, bound


class Caps:
    """What every account can pay at most at burden z: ``bound``, USD, its cap or all lots that fit.

    Accounts whose lots in play have one value, ``alike``, pay whole multiples of it.  ``open`` are accounts
    whose bound may be too high: with several positions of different values in play.  ``cost`` is how many
    pair problems the best sum of each of them takes, and ``gain`` about how much lower it is, USD.
    """

    def __init__(self, problem: LotsProblem, z: float) -> None:
        limit = np.where(problem.base > 0, problem.capacity, 0.0)
        room = np.minimum(limit, z * problem.base) if math.isfinite(z) else limit
        room = room * (1 + 2e-13)  # lots that fill the cap exactly are not lost to rounding
        fit = np.minimum(problem.lots, room[problem.account] // problem.lot_value)
        sums = np.bincount(problem.account, fit * problem.lot_value, room.size)
        self.bound: FloatArray = np.minimum(sums, room)
        count = np.bincount(problem.account, fit > 0, room.size)
        unsure = (count > 1) & (sums > room)
        line = np.flatnonzero((fit > 0) & unsure[problem.account])
        who, value = problem.account[line], problem.lot_value[line]
        low, high = np.full(room.size, math.inf), np.zeros(room.size)
        np.minimum.at(low, who, value)
        np.maximum.at(high, who, value)
        self.alike = np.flatnonzero(unsure & (low == high))
        self.bound[self.alike] = room[self.alike] // low[self.alike] * low[self.alike]
        self.open = np.flatnonzero(unsure & (low < high))
        line = line[(low < high)[who]]
        line = line[np.lexsort((-fit[line], problem.account[line]))]  # most lots first
        self.room, self.size = room[self.open], count[self.open].astype(np.int64)
        self.first = np.cumsum(self.size) - self.size
        self.fit, self.value = fit[line], problem.lot_value[line]
        wide = self.fit + 1
        wide[self.first] = wide[self.first + 1] = 1.0
        self.cost = np.multiply.reduceat(wide, self.first) if line.size else np.zeros(0)
        ways = self.cost * (self.fit[self.first] + 1) * (self.fit[self.first + 1] + 1)
        self.gain = self.room / ways

    def sharpen(self, places: IntArray) -> None:
        """Replace the bounds of some open accounts by their best sums."""
        end = np.cumsum(self.cost[places]).astype(np.int64)
        best = np.zeros(places.size)
        for start in range(0, int(end[-1]), BLOCK):
            choice = np.arange(start, min(start + BLOCK, int(end[-1])))
            row = np.searchsorted(end, choice, side="right")
            choice -= np.where(row > 0, end[row - 1], 0)
            who = places[row]
            spent = np.zeros(row.size)
            for column in range(2, int(self.size[who].max())):
                has = np.flatnonzero(self.size[who] > column)
                line = self.first[who[has]] + column
                wide = self.fit[line].astype(np.int64) + 1
                spent[has] += (choice[has] % wide) * self.value[line]
                choice[has] //= wide
            fits = np.flatnonzero(spent <= self.room[who])
            row, who, spent = row[fits], who[fits], spent[fits]
            two = self.first[who][:, None] + np.arange(2)
            pair = best_pair(self.room[who] - spent, self.value[two], self.fit[two])
            np.maximum.at(best, row, spent + np.sum(pair * self.value[two], axis=1))
        who = self.open[places]
        self.bound[who] = np.minimum(self.bound[who], best)


def payable(problem: LotsProblem, z: float, goal: float) -> float:
    """Upper bound on the total at burden z, sharpened until it is below the goal or the work is done."""
    caps, work = Caps(problem, z), 0.0
    order = np.argsort(-caps.gain / caps.cost, kind="stable")
    cost = np.cumsum(caps.cost[order])
    done = 0
    while done < order.size and cost[done] <= MOST_PAIRS and not exact_sum(caps.bound) < goal:
        stop = max(int(np.searchsorted(cost, FIRST + MORE * work, side="right")), done + 1)
        caps.sharpen(order[done:stop])
        work, done = float(cost[stop - 1]), stop
    return exact_sum(caps.bound)
