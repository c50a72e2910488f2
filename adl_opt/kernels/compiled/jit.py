"""How functions are compiled, and numpy's order of addition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from adl_opt.kernels.subset_sums import FloatArray, IntArray

Function = TypeVar("Function", bound=Callable[..., Any])

UNROLLED = 8
"""Partial sums that numpy keeps side by side."""

PAIRED = 128
"""Up to so many numbers numpy adds in one go; more are halved."""

DEPTH, BOTH = 128, -1
"""Halves that wait at most, and the mark of two halves that are to be added."""


def compiled(function: Function) -> Function:
    """Compile at the first call, with IEEE arithmetic as written; kept on disk where a folder is writable."""
    options = {"error_model": "numpy", "nogil": True}
    try:
        made: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache
        made = numba.njit(**options)(function)
    return made


@compiled
def pairwise(values: FloatArray, start: int, size: int) -> float:
    """``np.sum(values[start : start + size])``, added in the same order: halves of halves."""
    ends = leaves(size)
    sums, low = np.empty(ends.size), 0
    for k in range(ends.size):
        sums[k] = leaf_sum(values, start + low, ends[k] - low)
        low = ends[k]
    return folded(sums, size)


@compiled
def leaves(size: int) -> IntArray:
    """Ends of the parts that numpy adds in one go, of so many values."""
    ends, waiting = np.empty(size // (PAIRED // 2 - UNROLLED) + 2, dtype=np.int64), np.empty(DEPTH, dtype=np.int64)
    waiting[0], count, left, end = size, 0, 1, 0
    while left:
        size = waiting[left - 1]
        if size <= PAIRED:
            left -= 1
            end += size
            ends[count] = end
            count += 1
        else:
            half = size // 2
            half -= half % UNROLLED
            waiting[left - 1], waiting[left] = size - half, half
            left += 1
    return ends[:count]


@compiled
def folded(sums: FloatArray, size: int) -> float:
    """Add the sums of `leaves` in numpy's order; they are overwritten."""
    waiting, left, leaf, done = np.empty(2 * DEPTH, dtype=np.int64), 1, 0, 0
    waiting[0] = size
    while left:
        left -= 1
        size = waiting[left]
        if size == BOTH:
            done -= 1
            sums[done - 1] += sums[done]
        elif size <= PAIRED:
            sums[done] = sums[leaf]
            leaf, done = leaf + 1, done + 1
        else:
            half = size // 2
            half -= half % UNROLLED
            waiting[left], waiting[left + 1], waiting[left + 2] = BOTH, size - half, half
            left += 3
    return sums[0]


@compiled
def leaf_sum(values: FloatArray, start: int, size: int) -> float:
    """``np.sum`` of at most `PAIRED` values."""
    if size < UNROLLED:
        total = 0.0
        for i in range(start, start + size):
            total += values[i]
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
    total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    for i in range(start + whole, start + size):
        total += values[i]
    return total
