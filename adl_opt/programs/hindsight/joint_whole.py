"""Whole lots of one round in contracts: from a fractional plan, and by a search over the largest burden.

Where no account passes a burden of z, a leg closes at most ``floor(z base / worth)`` whole lots.  Where the
largest burden lies between two levels, the linear program with the bounds of the upper one is a lower bound,
and its plan is nearly whole.  The search splits the interval whose bound is the least.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from adl_opt.losses import Loss, burden, share
from adl_opt.programs.hindsight.joint_model import Payers, Rounds, least_loss_model
from adl_opt.programs.hindsight.joint_ties import EXACT
from adl_opt.programs.hindsight.linear import optimum_and_bound
from adl_opt.rounds.columns import Floats

WHOLE = 1e-9
"""Lots that lack this share of one are whole: solvers round."""

ALL, NEAR, TRIED = 1e-6, 1e-4, 20
"""Whole lots that leave this share of what they can close close all; the least level is found to this share;
so many levels are tried."""

MOST, WORK = 40, 60_000
"""Linear programs that are worth their time, and these times their columns."""


def in_lots(payers: Payers, asked: Rounds, units: Floats, level: float) -> Floats:
    """Return whole units near those of a plan of one round: rounded down, then the dearest that fit, upward.

    The amount of the plan is filled up as far as whole units go; no account passes a burden of ``level``.
    """
    lots = np.floor(units + WHOLE)
    row, column, value = payers.ties
    room = payers.room * (1 + EXACT) - np.bincount(row, value * lots[column], minlength=payers.room.size)
    own = payers.worth * lots
    cap = np.minimum(payers.capacity, level * payers.base) * (1 + EXACT)
    spare = cap - np.bincount(payers.payer, own, minlength=cap.size)
    goal = min(float(payers.worth @ units), float(asked.limit[0]))
    left = goal * (1 + EXACT) - float(own.sum())
    order = np.argsort(column, kind="stable")
    start = np.searchsorted(column[order], np.arange(lots.size + 1))
    able = np.flatnonzero((np.floor(payers.most + WHOLE) > lots) & (payers.worth <= spare[payers.payer]))
    least = float(np.min(payers.worth[able], initial=np.inf))
    for c in able[np.argsort(-payers.worth[able], kind="stable")].tolist():
        if left < least:
            break
        mine = order[start[c] : start[c + 1]]
        worth, who = float(payers.worth[c]), payers.payer[c]
        most = min(left / worth, float(spare[who]) / worth, float(payers.most[c] - lots[c]))
        most = min(most, float(np.min(room[row[mine]] / value[mine], initial=np.inf)))
        if (more := np.floor(most + WHOLE)) > 0:
            lots[c] += more
            room[row[mine]] -= more * value[mine]
            spare[who] -= more * worth
            left -= more * worth
    return lots


def by_levels(
    payers: Payers, asked: Rounds, loss: Loss, bound: float, offer: Callable[[Floats], float], goal: float
) -> float:
    """Offer whole lots of one round at many levels, and return a lower bound on the loss of all whole lots.

    Parameters
    ----------
    payers : Payers
        Whole.
    asked : Rounds
        One round.
    loss : Loss
    bound : float
        What no fractional plan loses less than, USD.
    offer : callable
        Takes whole units, and returns the loss of the best so far, USD.
    goal : float
        The gap that is small enough, USD.
    """
    weight, reference = loss.fair * float(asked.needed[0]), float(asked.reference[0])
    best, size = offer(np.zeros(payers.payer.size)), payers.payer.size
    model = least_loss_model(asked, loss, replace(payers, whole=False), np.empty(0, dtype=np.int64))
    above, below = size + 2, size + 3  # columns of the largest burden less m*, and of m* less it
    heap = [(bound, 0.0, reference + best / weight)]
    for _ in range(min(MOST, WORK // max(size, 1))):
        if heap[0][0] >= best - goal:
            break
        least, low, high = heapq.heappop(heap)
        cut = high if high <= low * (1 + 1e-9) else 0.5 * (low + high)
        for start, end in ((low, cut), (cut, high)):
            lower, upper = model.col_lower.copy(), model.col_upper.copy()
            upper[:size] = _below(payers, end)
            lower[above], lower[below] = max(start - reference, 0.0), max(reference - end, 0.0)
            upper[above] = max(end - reference, 0.0)
            v, proven = optimum_and_bound(replace(model, col_lower=lower, col_upper=upper))
            best = offer(in_lots(payers, asked, v[:size], end))
            heapq.heappush(heap, (max(proven, least), start, end))
    return heap[0][0]


def least_level(payers: Payers, asked: Rounds, loss: Loss) -> Floats:
    """Return whole lots of one round that close all that whole lots can, at a small largest burden.

    Parameters
    ----------
    payers : Payers
        Whole.
    asked : Rounds
        One round; its m* is the least largest burden of a fractional plan that closes all.
    loss : Loss
        With fairness, or burdens do not count.
    """
    model = least_loss_model(asked, loss, replace(payers, whole=False), np.empty(0, dtype=np.int64))
    low, size = float(asked.reference[0]), payers.payer.size
    cost = np.where(np.arange(model.cost.size) == size + 2, 0.0, model.cost)  # a level costs nothing
    tall = float(np.max(share(payers.capacity, payers.base), initial=0.0))

    def at(level: float) -> tuple[Floats, float, float]:
        upper = model.col_upper.copy()
        upper[:size], upper[size + 2] = _below(payers, level), max(level - low, 0.0)
        v, _ = optimum_and_bound(replace(model, cost=cost, col_upper=upper))
        lots = in_lots(payers, asked, v[:size], level)
        return lots, float(payers.worth @ lots), float(np.max(burden(payers.amounts(lots), payers.base)))

    best, most, high = at(tall)
    failed, level = low, low * (1.0 + NEAR)
    for _ in range(TRIED):
        if high <= failed * (1.0 + NEAR):
            break
        lots, closed, worst = at(level)
        if closed >= most * (1.0 - ALL):
            best, high = lots, worst
        else:
            failed = level
        level = min(failed + 8.0 * (failed - low) + NEAR * low, 0.5 * (failed + high))
    return best


def _below(payers: Payers, level: float) -> Floats:
    """Return the most whole units of each column at a largest burden."""
    rate = share(payers.base[payers.payer], payers.worth)
    return np.minimum(payers.most, np.floor(level * rate + WHOLE))
