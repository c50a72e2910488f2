"""Accounts with one line, compiled: the steps of `Singles`."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import pairwise
from adl_opt.kernels.lots_book import SLACK
from adl_opt.kernels.lots_singles import BLOCK, MOST_RATE
from adl_opt.kernels.subset_sums import FloatArray, IntArray


@compiled
def laid_out(
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
def pay(rate: FloatArray, value: FloatArray, most: FloatArray, z: float) -> FloatArray:
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
def settle(
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
def made(rate: FloatArray, value: FloatArray, most: FloatArray, z: float) -> float:
    """Largest burden that the singles' lots at burden z really make."""
    made = 0.0
    for i in range(rate.size):
        lots = min(np.floor(rate[i] * z), most[i])
        made = max(made, lots / rate[i])
    return made * (1 + SLACK)


@compiled
def largest_step(
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
def write_lots(
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
