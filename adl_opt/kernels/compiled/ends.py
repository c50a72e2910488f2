"""What is known of both ends of the interval, compiled: `Crowd.lift`, `Crowd.take` and `Crowd.settle`."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled, pairwise
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray


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
        lines = slice(first[i], first[i] + size[i])
        if fresh[i]:
            under_lots[lines] = fresh_lots[lines]
        elif fits[i] and best[i] > under[i]:
            under_lots[lines] = best_lots[lines]
        if lower[i] > best[i]:
            best_lots[lines] = fresh_lots[lines]
            best[i] = lower[i]
        under[i], known[i] = lower[i], lower[i] >= upper[i]
        miss[i] = room[i] - lower[i] if known[i] else step[i]


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
        lines = slice(first[i], first[i] + size[i])
        if fresh[i]:
            best_lots[lines] = fresh_lots[lines]
        elif not fits[i] and best[i] > under[i]:
            best_lots[lines] = under_lots[lines]
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
    if moves >= 0.9 * base.size:
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
