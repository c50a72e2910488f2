"""Bounded subset sums, compiled: the steps of `subset_sums`, account by account and pair by pair."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.crowd import Lines
from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import INSERTED
from adl_opt.kernels.subset_sums import BLOCK, COLUMNS, LISTED, BoolArray, FloatArray, IntArray

TINY = float(np.finfo(float).tiny)


@compiled
def search(
    rows: IntArray,
    width: IntArray,
    cost: FloatArray,
    room: FloatArray,
    lines: Lines,
    lower: FloatArray,
    upper: FloatArray,
    fresh: BoolArray,
    fresh_lots: FloatArray,
) -> int:
    """Sharpen the bounds of some accounts by their subset sums, keep better lots; return the pairs solved.

    ``cost`` is how many pairs an account has at most.
    """
    first, size, value, most = lines
    end = np.cumsum(size[rows])
    line, fit, count = np.empty(end[-1], dtype=np.int64), np.empty(end[-1]), np.empty(end[-1])
    rest, stop = np.empty(int(cost.sum())), np.empty(rows.size, dtype=np.int64)
    exact, pairs = np.empty(rows.size, dtype=np.bool_), 0
    for k in range(rows.size):
        row, low = rows[k], end[k] - size[rows[k]]
        most_first(room[row], first[row], value, most, line, fit, low, end[k])
        pairs, exact[k] = leaves(room[row], value, line, fit, low, end[k], width[k], count, rest, pairs, -1)
        stop[k] = pairs
    node, lots = best_nodes(rest, pairs, stop, end, line, fit, value, room[rows])
    for k in range(rows.size):
        row, low, paid = rows[k], end[k] - size[rows[k]], 0.0
        leaves(room[row], value, line, fit, low, end[k], width[k], count, rest, 0, node[k])
        count[low], count[low + 1] = lots[k]
        for j in range(low, end[k]):
            paid += count[j] * value[line[j]]
        if paid > lower[row]:
            lower[row], fresh[row] = paid, True
            for j in range(low, end[k]):
                fresh_lots[line[j]] = count[j]
        upper[row] = lower[row] if exact[k] else max(upper[row], lower[row])
    return pairs


@compiled
def most_first(
    room: float,
    first: int,
    value: FloatArray,
    most: FloatArray,
    line: IntArray,
    fit: FloatArray,
    low: int,
    high: int,
) -> None:
    """Write lines of an account and the lots that fit to places low..high-1, most first; two as they are."""
    if high - low > INSERTED:
        held = np.minimum(
            most[first : first + high - low], np.floor(room / value[first : first + high - low])
        )
        order = np.argsort(-held, kind="mergesort")
        line[low:high], fit[low:high] = first + order, held[order]
        return
    for k in range(high - low):
        lots, place = min(most[first + k], np.floor(room / value[first + k])), low + k
        while high - low > 2 and place > low and fit[place - 1] < lots:
            line[place], fit[place] = line[place - 1], fit[place - 1]
            place -= 1
        line[place], fit[place] = first + k, lots


@compiled
def leaves(
    room: float,
    value: FloatArray,
    line: IntArray,
    fit: FloatArray,
    low: int,
    high: int,
    width: int,
    count: FloatArray,
    out: FloatArray,
    found: int,
    only: int,
) -> tuple[int, bool]:
    """Choose counts of all lines but two, from the largest down; what is left of the room goes to ``out``.

    The lines are at places low..high-1.  Return where the choices end in ``out``, which begin at ``found``,
    and whether they are all.  With ``only`` >= 0 nothing is written, and ``count`` is that choice.
    """
    if high - low == 2:
        out[found] = room if only < 0 else out[found]
        return found + 1, True
    rest, most = np.empty(high - low + 1), np.empty(high - low)
    tries, tried = np.empty(high - low), np.empty(high - low)
    column, exact = high, True
    rest[high - low] = room
    while True:
        while column > low + 2:
            column -= 1
            k, left, worth = column - low, rest[column + 1 - low], value[line[column]]
            most[k] = min(fit[column], np.floor(left / worth))
            tries[k], tried[k] = min(most[k] + 1, width if k < COLUMNS else 1), 0.0
            exact = exact and tries[k] >= most[k] + 1
            count[column] = most[k]
            rest[k] = max(left - most[k] * worth, 0.0)
        if found == only:
            return found, exact
        if only < 0:
            out[found] = rest[2]
        found += 1
        while column < high and tried[column - low] + 1 >= tries[column - low]:
            column += 1
        if column == high:
            return found, exact
        k = column - low
        tried[k] += 1
        count[column] = most[k] - tried[k]
        rest[k] = max(rest[k + 1] - count[column] * value[line[column]], 0.0)


@compiled
def best_nodes(
    rest: FloatArray,
    pairs: int,
    stop: IntArray,
    end: IntArray,
    line: IntArray,
    fit: FloatArray,
    value: FloatArray,
    room: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """First best choice of every account, and the lots of its two lines that are left."""
    node, lots = np.zeros(stop.size, dtype=np.int64), np.empty((stop.size, 2))
    fits, owner = np.empty((min(BLOCK, pairs), 2)), np.empty(min(BLOCK, pairs), dtype=np.int64)
    best, k, begun = 0.0, 0, 0
    for low in range(0, pairs, BLOCK):
        high, tries, who = min(low + BLOCK, pairs), 0.0, k
        for p in range(low, high):
            while p >= stop[who]:
                who += 1
            at = end[who - 1] if who else 0
            owner[p - low] = at
            for side in range(2):
                fits[p - low, side] = min(fit[at + side], np.floor(rest[p] / value[line[at + side]]))
            tries += min(fits[p - low, 0], fits[p - low, 1])
        listed = tries + (high - low) <= LISTED
        for p in range(low, high):
            while p >= stop[k]:
                begun = stop[k]
                k += 1
            at = owner[p - low]
            v0, v1 = value[line[at]], value[line[at + 1]]
            one, two = best_pair(rest[p], v0, v1, fits[p - low, 0], fits[p - low, 1], listed)
            paid = (room[k] - rest[p]) + one * v0 + two * v1
            if p == begun or paid > best:
                best, node[k], lots[k, 0], lots[k, 1] = paid, p - begun, one, two
    return node, lots


@compiled
def best_pair(
    cap: float, v0: float, v1: float, fit0: float, fit1: float, listed: bool
) -> tuple[float, float]:
    """`subset_sums.best_pair` of lots that fit."""
    if fit1 < fit0:
        one, two = _solve(cap, v1, v0, fit1, fit0, listed)
        return two, one
    return _solve(cap, v0, v1, fit0, fit1, listed)


@compiled
def _solve(cap: float, v0: float, v1: float, fit0: float, fit1: float, listed: bool) -> tuple[float, float]:
    """Solve by listing or by Euclid; the first position has fewer counts to try."""
    if listed:
        return _by_listing(cap, v0, v1, fit0, fit1)
    if v0 < v1:
        two, one = _by_euclid(cap, v1, v0, fit1, fit0)
        return one, two
    return _by_euclid(cap, v0, v1, fit0, fit1)


@compiled
def _by_listing(cap: float, v0: float, v1: float, fit0: float, fit1: float) -> tuple[float, float]:
    """Try every count of the first position; the second takes what it can."""
    best, one, two, count = -1.0, 0.0, 0.0, 0.0
    while count <= fit0:
        paid = count * v0
        left = min(np.floor(max(cap - paid, 0.0) / v1), fit1)
        paid += left * v1
        if paid > best:
            best, one, two = paid, count, left
        count += 1
    return one, two


@compiled
def _by_euclid(cap: float, big: float, small: float, most: float, small_lots: float) -> tuple[float, float]:
    """Find the count of the dearer position by its convergents; the cheaper takes what it can."""
    full = min(most, np.floor((cap - small_lots * small) / big))
    first = max(full + 1, 0.0)
    count = first if first <= most else most
    if first < most:
        count += smallest_remainder(cap - first * big, big, small, most - first)
    left = min(small_lots, np.floor(max(cap - count * big, 0.0) / small))
    if full >= 0 and full * big + small_lots * small >= count * big + left * small:
        return full, small_lots
    return count, left


@compiled
def smallest_remainder(start: float, step: float, modulus: float, last: float) -> float:
    """`subset_sums.smallest_remainder` of one row."""
    left = last
    rest, down = np.fmod(start, modulus), np.fmod(step, modulus)
    up = modulus - down
    down_cost, up_cost = 1.0, 1.0
    while left >= down_cost and down > 0 and rest > 0:
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
    return last - left
