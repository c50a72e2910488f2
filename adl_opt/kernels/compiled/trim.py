"""`give_back`, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled, pairwise
from adl_opt.kernels.lots_book import REL_TOL
from adl_opt.kernels.lots_trim import PART, ROUNDING, SORTED
from adl_opt.kernels.subset_sums import FloatArray, IntArray


@compiled
def give_back(lots: FloatArray, value: FloatArray, overshoot: float) -> FloatArray:
    """Take lots away, dearest first, while they fit into the overshoot; see `lots_trim.give_back`."""
    paid, lots = lots * value, lots.copy()
    overshoot -= ROUNDING * pairwise(paid, 0, paid.size)
    line, worth, count = np.empty(lots.size, dtype=np.int64), np.empty(lots.size), 0
    for j in range(lots.size):
        line[count], worth[count] = j, value[j]
        count += (lots[j] > 0) & (value[j] <= overshoot)
    while overshoot > 0 and count:
        part, least = _dearest(line[:count], worth[:count])
        overshoot = _give_back_sorted(lots, value, part, overshoot)
        every, count = count, 0
        for k in range(every):
            v = worth[k]
            line[count], worth[count] = line[k], v
            count += (v < least) & (v <= overshoot)
    return lots


@compiled
def _dearest(line: IntArray, worth: FloatArray) -> tuple[IntArray, float]:
    """Lines of the dearest lots, dearest first, and the least worth among them (USD per lot)."""
    least, count = np.max(worth) / PART, 0
    part = np.empty_like(line)
    for k in range(line.size):
        part[count] = k
        count += worth[k] >= least
    part = part[:count]
    if count > SORTED:
        least = np.partition(worth[part], count - SORTED)[count - SORTED]
        part = part[worth[part] >= least]
    return line[part[np.argsort(-worth[part], kind="mergesort")]], least


@compiled
def _give_back_sorted(lots: FloatArray, value: FloatArray, line: IntArray, overshoot: float) -> float:
    """Take lots of these lines, dearest first, away in place; return the overshoot that is left."""
    paid = lots[line] * value[line]
    worth, at = np.cumsum(paid), 0
    while overshoot > 0 and at < line.size:
        while at < line.size and value[line[at]] > overshoot:
            at += 1
        spent = worth[at - 1] if at else 0.0
        stop = int(np.searchsorted(worth, spent + overshoot * (1 - REL_TOL), side="right"))
        overshoot -= pairwise(paid, at, stop - at)
        for j in range(at, stop):
            lots[line[j]] = 0.0
        if stop < line.size:
            dearest = line[stop]
            part = min(np.floor(max(overshoot, 0.0) / value[dearest]), lots[dearest])
            lots[dearest] -= part
            overshoot -= part * value[dearest]
        at = stop + 1
    return overshoot
