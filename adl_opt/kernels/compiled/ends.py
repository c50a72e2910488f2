"""What is known of both ends of the interval, compiled: `improve`, `lift`, `take`, `settle` of `Crowd`."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import pairwise
from adl_opt.kernels.lots_crowd import CUT
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray


@compiled
def copy(into: FloatArray, source: FloatArray, first: int, size: int) -> None:
    """Copy the lots of one account."""
    for j in range(first, first + size):
        into[j] = source[j]


@compiled
def improve(
    paid: FloatArray,
    lots: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    fresh: BoolArray,
    first: IntArray,
    size: IntArray,
    fresh_lots: FloatArray,
) -> None:
    """Keep the sums, and the lots behind them, that are larger than those known."""
    for i in range(paid.size):
        if paid[i] > lower[i]:
            copy(fresh_lots, lots, first[i], size[i])
            lower[i], fresh[i] = paid[i], True
            upper[i] = max(upper[i], paid[i])


@compiled
def lift(
    room: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    fits: BoolArray,
    fresh: BoolArray,
    first: IntArray,
    size: IntArray,
    step: FloatArray,
    miss: FloatArray,
    known: BoolArray,
    under: FloatArray,
    best: FloatArray,
    under_lots: FloatArray,
    best_lots: FloatArray,
    fresh_lots: FloatArray,
) -> None:
    """Take bounds as those of the lower end."""
    for i in range(room.size):
        if fresh[i]:
            copy(under_lots, fresh_lots, first[i], size[i])
        elif fits[i] & (best[i] > under[i]):
            copy(under_lots, best_lots, first[i], size[i])
        if lower[i] > best[i]:
            copy(best_lots, fresh_lots, first[i], size[i])
            best[i] = lower[i]
        under[i], known[i] = lower[i], lower[i] >= upper[i]
        miss[i] = max(room[i] - lower[i], 0.0) if known[i] else step[i]


@compiled
def take(
    lower: FloatArray,
    upper: FloatArray,
    fits: BoolArray,
    fresh: BoolArray,
    first: IntArray,
    size: IntArray,
    base: FloatArray,
    top: FloatArray,
    under: FloatArray,
    best: FloatArray,
    under_lots: FloatArray,
    best_lots: FloatArray,
    fresh_lots: FloatArray,
) -> float:
    """Take bounds as those of the upper end; return the largest burden that its lots make."""
    made = 0.0
    for i in range(lower.size):
        if fresh[i]:
            copy(best_lots, fresh_lots, first[i], size[i])
        elif (not fits[i]) & (best[i] > under[i]):
            copy(best_lots, under_lots, first[i], size[i])
        best[i], top[i] = lower[i], upper[i]
        made = max(made, best[i] / base[i])
    return made


@compiled
def settle(
    first: IntArray,
    size: IntArray,
    width: IntArray,
    known: BoolArray,
    base: FloatArray,
    room: FloatArray,
    top: FloatArray,
    cheapest: FloatArray,
    step: FloatArray,
    miss: FloatArray,
    under: FloatArray,
    best: FloatArray,
) -> tuple[int, float]:
    """Move the accounts that pay more at the upper end to the front, if they are few enough.

    Return how many they are, and what the others pay.
    """
    stay, paid, moves = 0, np.empty(base.size), 0
    for i in range(base.size):
        moves += under[i] < top[i]
    if moves >= CUT * base.size:
        return base.size, 0.0
    count = 0
    for i in range(base.size):
        if under[i] < top[i]:
            first[count], size[count], width[count], known[count] = first[i], size[i], width[i], known[i]
            base[count], room[count], top[count], cheapest[count] = base[i], room[i], top[i], cheapest[i]
            step[count], miss[count], under[count], best[count] = step[i], miss[i], under[i], best[i]
            count += 1
        else:
            paid[stay] = under[i]
            stay += 1
    return count, pairwise(paid, 0, stay)
