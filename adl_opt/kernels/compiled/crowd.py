"""Accounts with several lines, compiled: what they pay at a burden, as `Crowd` and `Table` have it."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import by_class, pairwise
from adl_opt.kernels.lots_book import SLACK
from adl_opt.kernels.lots_crowd import MISSED
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray

Ends = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""What is known of both ends of the interval: base, capacity (widened), cheapest lot, best, under, top."""

Lines = tuple[IntArray, IntArray, FloatArray, FloatArray]
"""First line and number of lines of every account in play; USD per lot and lots of every line of the book."""

KINDS = 70
"""Kinds of accounts: no line, one, and the tables of `make_tables`."""


@compiled
def by_kind(size: IntArray) -> tuple[IntArray, IntArray]:
    """Accounts with one line, and those with several in the order of `make_tables`."""
    kind_of = np.empty(np.max(size) + 1 if size.size else 1, dtype=np.int64)
    kind, most = 0, 0
    for lines in range(kind_of.size):
        if lines > most:
            most = most + 1 if most < 4 else 2 * most
            kind += 1
        kind_of[lines] = kind
    who, ends = by_class(kind_of[size], KINDS)
    return who[ends[0] : ends[1]], who[ends[1] :]


@compiled
def laid_out(
    who: IntArray,
    first: IntArray,
    size: IntArray,
    base: FloatArray,
    capacity: FloatArray,
    total: FloatArray,
    value: FloatArray,
) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """First line, number of lines, base, widened capacity, all lots (USD), and cheapest lot (USD)."""
    lines, sizes = np.empty_like(who), np.empty_like(who)
    bases, rooms = np.empty(who.size), np.empty(who.size)
    tops, cheapest = np.empty(who.size), np.empty(who.size)
    for k in range(who.size):
        i = who[k]
        lines[k], sizes[k] = first[i], size[i]
        bases[k], rooms[k], tops[k] = base[i], capacity[i] * (1 + SLACK), total[i]
        cheapest[k] = value[first[i] + size[i] - 1]
    return lines, sizes, bases, rooms, tops, cheapest


@compiled
def capped(z: float, base: float, most: float) -> float:
    """USD that an account may pay at a burden that is already widened."""
    room = z * base
    return room if room < most else most


@compiled
def rooms(z: float, base: FloatArray, most: FloatArray) -> FloatArray:
    """USD that every account may pay at a burden that is already widened."""
    room = np.empty(base.size)
    for i in range(base.size):
        room[i] = capped(z, base[i], most[i])
    return room


@compiled
def bounds_of(room: float, cheapest: float, best: float, under: float, top: float) -> tuple[float, float]:
    """Bounds on what an account pays within its room, USD."""
    lower = best if best <= room else under
    upper = room if room < top else top
    upper = upper if room >= cheapest else 0.0
    return lower, upper if upper > lower else lower


@compiled
def bounds(z: float, ends: Ends) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Room, bounds, and whether the best sum known fits, at a burden that is already widened (USD)."""
    base, most, cheapest, best, under, top = ends
    room, lower, upper = np.empty(base.size), np.empty(base.size), np.empty(base.size)
    fits = np.empty(base.size, dtype=np.bool_)
    for i in range(base.size):
        cap = capped(z, base[i], most[i])
        room[i], fits[i] = cap, best[i] <= cap
        lower[i], upper[i] = bounds_of(cap, cheapest[i], best[i], under[i], top[i])
    return room, lower, upper, fits


@compiled
def totals(lower: FloatArray, upper: FloatArray, miss: FloatArray) -> tuple[float, float, float]:
    """Add up both bounds, and what the crowd probably pays."""
    expected = np.empty(lower.size)
    for i in range(lower.size):
        slack = upper[i] - lower[i]
        expected[i] = upper[i] - (slack if slack < miss[i] else miss[i])
    size = lower.size
    return pairwise(lower, 0, size), pairwise(upper, 0, size), pairwise(expected, 0, size)


@compiled
def expected(z: float, ends: Ends, miss: FloatArray) -> float:
    """USD that the crowd probably pays at a burden that is already widened."""
    base, most, cheapest, best, under, top = ends
    expected = np.empty(base.size)
    for i in range(base.size):
        cap = capped(z, base[i], most[i])
        least, bound = bounds_of(cap, cheapest[i], best[i], under[i], top[i])
        slack = bound - least
        expected[i] = bound - (slack if slack < miss[i] else miss[i])
    return pairwise(expected, 0, expected.size)


@compiled
def variance(z: float, ends: Ends, step: FloatArray, miss: FloatArray, known: BoolArray) -> float:
    """Variance of what the crowd leaves below its upper bounds, at a burden that is already widened."""
    base, most, cheapest, best, under, top = ends
    variance = np.empty(base.size)
    for i in range(base.size):
        cap = capped(z, base[i], most[i])
        least, bound = bounds_of(cap, cheapest[i], best[i], under[i], top[i])
        slack = bound - least
        gone = slack if slack < miss[i] else miss[i]
        grown = slack - gone
        grown = grown if grown < step[i] else step[i]
        variance[i] = grown * step[i] if known[i] else gone * gone
    return pairwise(variance, 0, variance.size)


@compiled
def mean_steps(room: FloatArray, lines: Lines) -> FloatArray:
    """`Table.mean_step` of every account, times `MISSED`."""
    first, size, value, most = lines
    out = np.empty(room.size)
    for i in range(room.size):
        step, count = room[i], 0.0
        for j in range(first[i] + size[i] - 1, first[i] - 1, -1):
            if value[j] <= room[i]:
                share = min(max(count * value[j] / room[i], 1 / (most[j] + 1)), 1.0)
                step = step * share if count > 0 else value[j]
                count += 1
        out[i] = MISSED * step
    return out


@compiled
def greedy(room: FloatArray, lines: Lines) -> tuple[FloatArray, FloatArray]:
    """Take dearest lots first: USD paid by every account, and the lots of every line of the book."""
    first, size, value, most = lines
    paid, lots = np.empty(room.size), np.zeros(value.size)
    for i in range(room.size):
        rest, total = room[i], 0.0
        for j in range(first[i], first[i] + size[i]):
            taken = min(np.floor(rest / value[j]), most[j])
            lots[j] = taken
            total += taken * value[j]
            rest = max(rest - taken * value[j], 0.0)
        paid[i] = total
    return paid, lots


@compiled
def largest_step(
    base: FloatArray, step: FloatArray, best: FloatArray, low: float, high: float
) -> tuple[float, float]:
    """`Crowd.largest_step`."""
    size, burden = 0.0, 0.0
    for i in range(base.size):
        made = best[i] / base[i]
        if step[i] > size and low < made <= high:
            size, burden = step[i], made
    return size, burden
