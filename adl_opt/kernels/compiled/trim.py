"""`give_back`, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import pairwise
from adl_opt.kernels.lots_book import REL_TOL
from adl_opt.kernels.lots_trim import PART, SORTED
from adl_opt.kernels.subset_sums import FloatArray, IntArray


@compiled
def give_back(lots: FloatArray, value: FloatArray, overshoot: float) -> FloatArray:
    """Take lots away, dearest first, while they fit into the overshoot; see `lots_trim.give_back`."""
    worth = np.empty(lots.size)
    for j in range(lots.size):
        worth[j] = value[j] if lots[j] > 0 else np.inf
    lots, line, most = lots.copy(), np.empty(0, dtype=np.int64), SORTED  # no lines listed: all of them
    while overshoot > 0:
        dearest = _largest(worth, overshoot)
        if dearest == 0:
            break
        part, least = _dearest(worth, dearest / PART, overshoot, most)
        most = min(2 * most, value.size + SORTED)
        overshoot = _give_back_sorted(lots, value, line[part] if line.size else part, overshoot)
        rest = _between(worth, 0.0, min(overshoot, np.nextafter(least, 0.0)))
        line, worth = line[rest] if line.size else rest, worth[rest]
    return lots


@compiled
def _largest(worth: FloatArray, most: float) -> float:
    """Return the largest worth up to ``most``, or 0; positive floats are ordered as their bits."""
    bits, largest, top = worth.view(np.int64), np.empty(1, dtype=np.int64), 0
    for k in range(worth.size):
        top = max(top, bits[k] if worth[k] <= most else 0)
    largest[0] = top
    return float(largest.view(np.float64)[0])


@compiled
def _between(worth: FloatArray, least: float, most: float) -> IntArray:
    """Places of the lots that are worth so much."""
    count = 0
    for k in range(worth.size):
        count += (worth[k] >= least) & (worth[k] <= most)
    places, found = np.empty(count + 1, dtype=np.int64), 0
    for k in range(worth.size):
        places[found] = k
        found += (worth[k] >= least) & (worth[k] <= most)
    return places[:count]


@compiled
def _dearest(worth: FloatArray, least: float, highest: float, most: int) -> tuple[IntArray, float]:
    """Places of lots worth ``least`` to ``highest``, dearest first, about ``most``, and their least worth."""
    part = _between(worth, least, highest)
    if part.size > most:
        least = np.partition(worth[part], part.size - most)[part.size - most]
        part = part[worth[part] >= least]
    return part[np.argsort(-worth[part], kind="mergesort")], least


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
