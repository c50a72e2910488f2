"""What accounts pay at a burden, compiled: the steps of `lots_singles` and `lots_crowd`."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled, pairwise
from adl_opt.kernels.lots_book import SLACK
from adl_opt.kernels.lots_crowd import MISSED
from adl_opt.kernels.lots_singles import BLOCK
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray


@compiled
def singles_pay(rate: FloatArray, value: FloatArray, most: FloatArray, z: float) -> FloatArray:
    """USD that singles pay at burden z, block by block."""
    paid = np.empty(rate.size)
    for i in range(rate.size):
        lots = np.floor(rate[i] * z)
        paid[i] = (lots if lots < most[i] else most[i]) * value[i]
    sums = np.empty((rate.size + BLOCK - 1) // BLOCK)
    for block in range(sums.size):
        sums[block] = pairwise(paid, block * BLOCK, min(BLOCK, rate.size - block * BLOCK))
    return sums


@compiled
def settle_singles(
    rate: FloatArray, value: FloatArray, most: FloatArray, low: float, high: float
) -> tuple[int, FloatArray]:
    """Move the singles that pay more at the higher burden to the front; what the others pay, by block."""
    paid, moves = np.empty(rate.size), np.empty(rate.size, dtype=np.bool_)
    for i in range(rate.size):
        below, above = np.floor(rate[i] * low), np.floor(rate[i] * high)
        below = below if below < most[i] else most[i]
        above = above if above < most[i] else most[i]
        moves[i] = above > below
        paid[i] = 0.0 if moves[i] else below * value[i]
    sums = np.empty((rate.size + BLOCK - 1) // BLOCK)
    for block in range(sums.size):
        sums[block] = pairwise(paid, block * BLOCK, min(BLOCK, rate.size - block * BLOCK))
    count = 0
    for i in range(rate.size):
        rate[count], value[count], most[count] = rate[i], value[i], most[i]
        count += moves[i]
    return count, sums


@compiled
def crowd_bounds(
    z: float,
    base: FloatArray,
    most: FloatArray,
    cheapest: FloatArray,
    best: FloatArray,
    under: FloatArray,
    top: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Room, bounds, and whether the best sum known fits, at a burden that is already widened (USD)."""
    room, lower, upper = np.empty(base.size), np.empty(base.size), np.empty(base.size)
    fits = np.empty(base.size, dtype=np.bool_)
    for i in range(base.size):
        cap = z * base[i]
        cap = cap if cap < most[i] else most[i]
        fits[i] = best[i] <= cap
        least = best[i] if best[i] <= cap else under[i]
        bound = cap if cap < top[i] else top[i]
        bound = bound if cap >= cheapest[i] else 0.0
        room[i], lower[i] = cap, least
        upper[i] = bound if bound > least else least
    return room, lower, upper, fits


@compiled
def crowd_sums(lower: FloatArray, upper: FloatArray, miss: FloatArray) -> tuple[float, float, float]:
    """Add up both bounds, and what the crowd probably pays."""
    expected = np.empty(lower.size)
    for i in range(lower.size):
        slack = upper[i] - lower[i]
        expected[i] = upper[i] - (slack if slack < miss[i] else miss[i])
    size = lower.size
    return pairwise(lower, 0, size), pairwise(upper, 0, size), pairwise(expected, 0, size)


@compiled
def crowd_expected(
    z: float,
    base: FloatArray,
    most: FloatArray,
    cheapest: FloatArray,
    best: FloatArray,
    under: FloatArray,
    top: FloatArray,
    miss: FloatArray,
) -> float:
    """USD that the crowd probably pays at a burden that is already widened."""
    expected = np.empty(base.size)
    for i in range(base.size):
        cap = z * base[i]
        cap = cap if cap < most[i] else most[i]
        least = best[i] if best[i] <= cap else under[i]
        bound = cap if cap < top[i] else top[i]
        bound = bound if cap >= cheapest[i] else 0.0
        bound = bound if bound > least else least
        slack = bound - least
        expected[i] = bound - (slack if slack < miss[i] else miss[i])
    return pairwise(expected, 0, expected.size)


@compiled
def crowd_variance(
    z: float,
    base: FloatArray,
    most: FloatArray,
    cheapest: FloatArray,
    best: FloatArray,
    under: FloatArray,
    top: FloatArray,
    step: FloatArray,
    miss: FloatArray,
    known: BoolArray,
) -> float:
    """Variance of what the crowd leaves below its upper bounds, at a burden that is already widened."""
    variance = np.empty(base.size)
    for i in range(base.size):
        cap = z * base[i]
        cap = cap if cap < most[i] else most[i]
        least = best[i] if best[i] <= cap else under[i]
        bound = cap if cap < top[i] else top[i]
        bound = bound if cap >= cheapest[i] else 0.0
        bound = bound if bound > least else least
        slack = bound - least
        gone = slack if slack < miss[i] else miss[i]
        grown = slack - gone
        grown = grown if grown < step[i] else step[i]
        variance[i] = grown * step[i] if known[i] else gone * gone
    return pairwise(variance, 0, variance.size)


@compiled
def mean_steps(
    room: FloatArray, first: IntArray, size: IntArray, value: FloatArray, most: FloatArray
) -> FloatArray:
    """`Table.mean_step` of every account, times `MISSED`."""
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
def greedy(
    room: FloatArray, first: IntArray, size: IntArray, value: FloatArray, most: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Take dearest lots first: USD paid by every account, and the lots of every line of the book."""
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
def singles_made(rate: FloatArray, value: FloatArray, most: FloatArray, z: float) -> float:
    """Largest burden that the singles' lots at burden z really make."""
    made = 0.0
    for i in range(rate.size):
        lots = min(np.floor(rate[i] * z), most[i])
        made = max(made, lots / rate[i])
    return made * (1 + SLACK)


@compiled
def largest_single(
    rate: FloatArray, value: FloatArray, most: FloatArray, low: float, high: float
) -> tuple[float, float]:
    """Size (USD) and burden of the largest jump of a single inside, zeros where there is none."""
    size, burden = 0.0, 0.0
    for i in range(rate.size):
        lots = min(np.floor(rate[i] * high), most[i])
        if value[i] > size and lots > min(np.floor(rate[i] * low), most[i]):
            size, burden = value[i], lots / rate[i] * (1 + SLACK)
    return size, burden


@compiled
def largest_in_crowd(
    base: FloatArray, step: FloatArray, best: FloatArray, low: float, high: float
) -> tuple[float, float]:
    """`Crowd.largest_step`."""
    size, burden = 0.0, 0.0
    for i in range(base.size):
        made = best[i] / base[i]
        if step[i] > size and low < made <= high:
            size, burden = step[i], made
    return size, burden
