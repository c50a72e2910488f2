"""Singles and crowd of a book as flat arrays, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled, pairwise
from adl_opt.kernels.lots_book import SLACK
from adl_opt.kernels.lots_singles import MOST_RATE
from adl_opt.kernels.subset_sums import FloatArray, IntArray

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
    place = np.zeros(KINDS, dtype=np.int64)
    for i in range(size.size):
        place[kind_of[size[i]] + 1] += 1
    place = np.cumsum(place)
    singles, crowd = place[1], place[2]
    who = np.empty_like(size)
    for i in range(size.size):
        kind = kind_of[size[i]]
        who[place[kind]] = i
        place[kind] += 1
    return who[singles:crowd], who[crowd:]


@compiled
def singles_of(
    who: IntArray, first: IntArray, base: FloatArray, value: FloatArray, most: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rate, USD per lot and lots of the accounts with one line."""
    rate, worth, have = np.empty(who.size), np.empty(who.size), np.empty(who.size)
    for k in range(who.size):
        line = first[who[k]]
        rate[k] = min(base[who[k]] / value[line] * (1 + SLACK), MOST_RATE)
        worth[k], have[k] = value[line], most[line]
    return rate, worth, have


@compiled
def singles_lots(
    z: float,
    who: IntArray,
    first: IntArray,
    base: FloatArray,
    value: FloatArray,
    most: FloatArray,
    lots: FloatArray,
) -> None:
    """Write the lots of the accounts with one line at burden z."""
    for i in who:
        line = first[i]
        lots[line] = min(np.floor(min(base[i] / value[line] * (1 + SLACK), MOST_RATE) * z), most[line])


@compiled
def crowd_of(
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
def start(base: FloatArray, total: FloatArray, target: float) -> tuple[float, float, float, float]:
    """`ArrayPayers.start`."""
    high, slopes, paid = 0.0, np.empty(base.size), np.empty(base.size)
    for i in range(base.size):
        pays = total[i] > 0
        high = max(high, total[i] / base[i] if pays else 0.0)
        slopes[i] = base[i] if pays else 0.0
    slope, roof = pairwise(slopes, 0, base.size), pairwise(total, 0, base.size)
    open_, fixed, low = slope, 0.0, 0.0
    while open_ > 0:
        step = (target - fixed) / open_
        if not step > low * (1 + SLACK):
            break
        low = step
        for i in range(base.size):
            full = low * base[i] >= total[i]
            slopes[i], paid[i] = 0.0 if full else base[i], total[i] if full else 0.0
        open_, fixed = pairwise(slopes, 0, base.size), pairwise(paid, 0, base.size)
    return low, high, slope, roof
