"""Singles and crowd of a book as flat arrays, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.lots_book import SLACK
from adl_opt.kernels.lots_singles import MOST_RATE
from adl_opt.kernels.subset_sums import FloatArray, IntArray

TABLES = 64


@compiled
def singles_of(
    first: IntArray, size: IntArray, base: FloatArray, value: FloatArray, most: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rate, USD per lot and lots of the accounts with one line."""
    count = 0
    for i in range(size.size):
        count += size[i] == 1
    rate, worth, have = np.empty(count), np.empty(count), np.empty(count)
    count = 0
    for i in range(size.size):
        if size[i] == 1:
            line = first[i]
            rate[count] = min(base[i] / value[line] * (1 + SLACK), MOST_RATE)
            worth[count], have[count] = value[line], most[line]
            count += 1
    return rate, worth, have


@compiled
def singles_lots(
    z: float,
    first: IntArray,
    size: IntArray,
    base: FloatArray,
    value: FloatArray,
    most: FloatArray,
    lots: FloatArray,
) -> None:
    """Write the lots of the accounts with one line at burden z."""
    for i in range(size.size):
        if size[i] == 1:
            line = first[i]
            lots[line] = min(np.floor(min(base[i] / value[line] * (1 + SLACK), MOST_RATE) * z), most[line])


@compiled
def crowd_of(size: IntArray) -> IntArray:
    """Accounts with several lines, in the order of `make_tables`."""
    ends, kind = np.zeros(TABLES, dtype=np.int64), np.empty_like(size)
    for i in range(size.size):
        kind[i], most = 0, 1
        while most < size[i]:
            most = most + 1 if most < 4 else 2 * most
            kind[i] += 1
        ends[kind[i]] += 1
    place = np.cumsum(ends) - ends - ends[0]
    who = np.empty(size.size - ends[0], dtype=np.int64)
    for i in range(size.size):
        if kind[i]:
            who[place[kind[i]]] = i
            place[kind[i]] += 1
    return who


@compiled
def crowd_arrays(
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
