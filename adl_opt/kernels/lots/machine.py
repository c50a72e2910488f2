"""The inner loops of the search, compiled by numba: one account after the other.

This module imports numba and is imported only by `engine`.  It takes nothing from other files of the
package, so numba notices every change of the code that it keeps on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

TINY = float(np.finfo(float).tiny)

NOISE = 2e-15
"""Remainders that are no larger, relative to the cap, are rounding errors: going on would multiply them."""

LISTED = 6
"""Up to so many counts are tried one by one; beyond, Euclid's algorithm is faster."""

DEEP = 16
"""So many steps a position may the sorting by insertion take."""


def _compiled(function: Function, **options: Any) -> Function:
    """Compile at the first call, with IEEE arithmetic as written, and keep the machine code on disk."""
    made: Function = numba.njit(function, cache=True, error_model="numpy", nogil=True, **options)
    return made


def _ordered(account: Any, value: Any) -> Any:
    """See `Leaf`: stable insertion sort within the accounts; an empty order where that would take long."""
    size = account.size
    order, cheapest, moved = np.empty(size, np.int64), 0.0, 0
    for i in range(size):
        j, v = i, value[i]
        if i > 0 and account[i] == account[i - 1] and cheapest < v:
            while j > 0 and account[j - 1] == account[i] and value[order[j - 1]] < v:
                order[j] = order[j - 1]
                j -= 1
            moved += i - j
        else:
            cheapest = v
        order[j] = i
        if moved > DEEP * size:
            return order[:0]
    return order


def _bounds(z: float, singles: Any, ends: Any, known: Any) -> Any:
    """See `Leaf`: one pass over the accounts, whose sums may be added in any order."""
    rate, worth, most = singles
    fixed = 0.0
    for i in range(rate.size):
        fixed += min(np.floor(rate[i] * z), most[i]) * worth[i]
    base, cap, cheapest, best, under, top, miss, gap = ends
    lower, upper, missed, variance = 0.0, 0.0, 0.0, 0.0
    for i in range(base.size):
        room = min(base[i] * z, cap[i])
        least = best[i] if best[i] <= room else under[i]
        roof = min(room, top[i]) if room >= cheapest[i] else 0.0
        slack = max(roof - least, 0.0)
        gone = min(slack, miss[i])
        grown = min(slack - gone, gap[i])
        lower += least
        upper += slack
        missed += gone
        variance += grown * gap[i] if known[i] else gone * gone
    lower += fixed
    return lower, lower + upper, lower + (upper - missed), variance


def _greedy(room: Any, lines: Any, out: Any, place: Any) -> Any:
    """See `Leaf`."""
    first, size, value, most = lines
    paid, gap, miss, count = np.zeros(room.size), np.empty(room.size), np.empty(room.size), np.ones(room.size)
    for i in range(room.size):
        cap = rest = room[i]
        one, two, v1, v2 = 0.0, 0.0, 0.0, 0.0  # the two positions with most lots
        for j in range(size[i]):
            v, have = value[first[i] + j], most[first[i] + j]
            lots, fit = min(np.floor(rest / v), have), min(np.floor(cap / v), have)
            out[place[i] + j] = lots
            paid[i] += lots * v
            rest = max(rest - lots * v, 0.0)
            if fit > two:
                count[i] *= two + 1
                two, v2 = fit, v
                if fit > one:
                    two, v2, one, v1 = one, v1, two, v2
            else:
                count[i] *= fit + 1
        gap[i] = v1 * v2 / min(one * v1, two * v2) if two > 0 else cap
        step, hole, reach, used = cap, 0.0, 0.0, 0.0
        for j in range(first[i] + size[i] - 1, first[i] - 1, -1):  # the cheapest lots first
            v, have = value[j], most[j]
            if v <= cap:
                step = step * min(max(used * v / cap, 1 / (have + 1)), 1.0) if used else v
                if v > reach > 0:  # so much the cheaper lots cannot fill
                    hole = max(hole, 0.5 * (v - reach) * (1 - reach / v))
                reach += have * v
                used += 1
        miss[i] = max(step, hole, cap - reach)
    return paid, gap, miss, count


def _best_sums(room: Any, tries: Any, near: Any, lines: Any, out: Any, place: Any) -> Any:
    """See `Leaf`: counts of all positions but two are chosen one after the other, within a box.

    Rows of ``work`` are the lines of one account, most lots first: value, lots that fit, least, greatest
    and present count, and place.
    """
    first, size, value, most = lines
    widest = 0
    for i in range(size.size):
        widest = max(widest, size[i])
    work = np.empty((6, widest))
    total, exact, nodes = np.zeros(room.size), np.zeros(room.size, np.bool_), 0
    for i in range(room.size):
        cap, used, at = room[i], 0, place[i]
        for j in range(size[i]):
            out[at + j] = 0.0
            lots = min(np.floor(cap / value[first[i] + j]), most[first[i] + j])
            if lots >= 1:
                _insert(work, used, value[first[i] + j], lots, at + j)
                used += 1
        if used < 2:
            if used:
                out[int(work[5, 0])] = work[1, 0]
                total[i] = work[0, 0] * work[1, 0]
            exact[i] = True
            continue
        big, small, bigs, smalls = work[0, 0], work[0, 1], work[1, 0], work[1, 1]
        swap = big < small
        if swap:
            big, small, bigs, smalls = small, big, smalls, bigs
        step = big - np.floor(big / small) * small
        whole = _box(work, used, cap, tries[i])
        best, more = -1.0, True
        while more:
            spent = 0.0
            for k in range(2, used):
                spent += work[4, k] * work[0, k]
            nodes += 1
            if spent <= cap:
                rest = cap - spent
                b = _pair(rest, big, small, min(bigs, np.floor(rest / big)), smalls, step)
                s = min(smalls, np.floor(max(rest - b * big, 0.0) / small))
                paid = spent + b * big + s * small
                if paid > best:
                    best = paid
                    work[4, 0], work[4, 1] = (s, b) if swap else (b, s)
                    for k in range(used):
                        out[int(work[5, k])] = work[4, k]
                    if cap - best <= near[i]:
                        break
            more = _next(work, used)
        total[i], exact[i] = best, whole and not more
    return total, exact, nodes


def _insert(work: Any, used: int, value: float, lots: float, place: int) -> None:
    """Insert a line of so many lots, most first."""
    k = used
    while k > 0 and work[1, k - 1] < lots:
        work[0, k], work[1, k], work[5, k] = work[0, k - 1], work[1, k - 1], work[5, k - 1]
        k -= 1
    work[0, k], work[1, k], work[5, k] = value, lots, place


def _box(work: Any, used: int, room: float, tries: float) -> bool:
    """Choose least and greatest counts of all lines but two; say whether so many tries are all choices.

    The box lies where the others leave about as much as the two lines can fill in many ways, the roof.
    """
    rest, whole = room, True
    roof = max(work[0, 0] * work[1, 0], work[0, 1] * work[1, 1])
    for k in range(used - 1, 1, -1):
        value, fit = work[0, k], work[1, k]
        wide = min(fit + 1, max(np.floor(tries ** (1.0 / (k - 1)) + 1e-9), 1.0))
        tries = max(tries / wide, 1.0)
        whole = whole and wide > fit
        middle = min(fit, np.floor(rest / value), np.ceil(max(rest - roof, 0.0) / value))
        work[2, k] = work[4, k] = max(min(middle - np.floor(wide / 2), fit + 1 - wide), 0.0)
        work[3, k] = work[2, k] + wide - 1
        rest = max(rest - middle * value, 0.0)
    return whole


def _next(work: Any, used: int) -> bool:
    """Count on, as an odometer does; False after the last choice."""
    for k in range(2, used):
        if work[4, k] < work[3, k]:
            work[4, k] += 1
            return True
        work[4, k] = work[2, k]
    return False


def _pair(cap: float, big: float, small: float, bigs: float, smalls: float, step: float) -> Any:
    """Lots of the dearer position, 0..bigs, in the largest sum of two positions within the cap.

    ``step`` is big modulo small.  See `pairs.best_pair`.
    """
    full = min(np.floor((cap - smalls * small) / big), bigs)
    count = max(full + 1, 0.0)
    if count > bigs:
        return bigs
    best, found = full * big + smalls * small if full >= 0 else -1.0, full
    if bigs - count < LISTED:
        while count <= bigs:
            paid = count * big + np.floor(max(cap - count * big, 0.0) / small) * small
            if paid > best:
                best, found = paid, count
            count += 1
        return max(found, 0.0)
    rest = cap - count * big
    rest -= np.floor(rest / small) * small
    left = last = bigs - count
    down, up, down_cost, up_cost = step, small - step, 1.0, 1.0
    noise = cap * NOISE
    while left >= down_cost and down > noise and rest > noise:
        times = min(np.floor(rest / down), np.floor(left / down_cost))
        rest -= times * down
        left -= times * down_cost
        times = min(max(np.ceil((down - rest) / up), 0.0), np.floor(down / up))
        down_cost += times * up_cost
        down = max(down - times * up, 0.0)
        if rest < down < up:
            times = np.ceil(up / down) - 1
            up_cost += times * down_cost
            up = max(up - times * down, TINY)
    count += last - left
    paid = count * big + np.floor(max(cap - count * big, 0.0) / small) * small
    return count if paid > best else max(found, 0.0)


ordered, greedy = _compiled(_ordered), _compiled(_greedy)
bounds = _compiled(_bounds, fastmath={"reassoc", "nsz"})
_insert, _box = _compiled(_insert), _compiled(_box)
_next, _pair = _compiled(_next), _compiled(_pair)
best_sums = _compiled(_best_sums)
