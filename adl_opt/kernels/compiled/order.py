"""Orders that both engines keep, compiled: numpy's order of addition, and stable sorting by class."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.subset_sums import FloatArray, IntArray

INSERTED = 64
"""Accounts with more positions are sorted by merging instead of by insertion."""

UNROLLED = 8
"""Partial sums that numpy keeps side by side."""

PAIRED = 128
"""Up to so many numbers numpy adds in one go; more are halved."""

DEPTH, BOTH = 128, -1
"""Halves that wait at most, and the mark of two halves that are to be added."""


@compiled
def pairwise(values: FloatArray, start: int, size: int) -> float:
    """``np.sum(values[start : start + size])``, added in the same order: halves of halves."""
    if size <= PAIRED:
        return _in_one_go(values, start, size)
    sums, starts, sizes = np.empty(DEPTH), np.empty(DEPTH, dtype=np.int64), np.empty(DEPTH, dtype=np.int64)
    starts[0], sizes[0], waiting, done = start, size, 1, 0
    while waiting:
        waiting -= 1
        start, size = starts[waiting], sizes[waiting]
        if size == BOTH:
            done -= 1
            sums[done - 1] += sums[done]
        elif size <= PAIRED:
            sums[done] = _in_one_go(values, start, size)
            done += 1
        else:
            half = size // 2
            half -= half % UNROLLED
            sizes[waiting] = BOTH
            starts[waiting + 1], sizes[waiting + 1] = start + half, size - half
            starts[waiting + 2], sizes[waiting + 2] = start, half
            waiting += 3
    return float(sums[0])


@compiled
def _in_one_go(values: FloatArray, start: int, size: int) -> float:
    """``np.sum`` of at most `PAIRED` values."""
    if size < UNROLLED:
        total = 0.0
        for i in range(start, start + size):
            total += float(values[i])
        return total
    r0, r1, r2, r3 = values[start], values[start + 1], values[start + 2], values[start + 3]
    r4, r5, r6, r7 = values[start + 4], values[start + 5], values[start + 6], values[start + 7]
    whole = size - size % UNROLLED
    for i in range(start + UNROLLED, start + whole, UNROLLED):
        r0 += values[i]
        r1 += values[i + 1]
        r2 += values[i + 2]
        r3 += values[i + 3]
        r4 += values[i + 4]
        r5 += values[i + 5]
        r6 += values[i + 6]
        r7 += values[i + 7]
    total = float(((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7)))
    for i in range(start + whole, start + size):
        total += float(values[i])
    return total


@compiled
def by_class(kind: IntArray, classes: int) -> tuple[IntArray, IntArray]:
    """Order whole numbers 0..classes-1, stably; return it and where every class ends in it."""
    order, place = np.empty(kind.size, dtype=np.int64), np.zeros(classes + 1, dtype=np.int64)
    for k in kind:
        place[k + 1] += 1
    place = np.cumsum(place)
    for i in range(kind.size):
        order[place[kind[i]]] = i
        place[kind[i]] += 1
    return order, place[:classes]
