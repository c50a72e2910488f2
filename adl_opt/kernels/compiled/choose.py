"""Whose subset sums are searched, and how far, compiled: the choice of `ArrayPayers.sharpen`."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.crowd import Lines
from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import by_class, pairwise
from adl_opt.kernels.lots_crowd import WIDER
from adl_opt.kernels.lots_payers import EXPONENT, KEEP, SMALL
from adl_opt.kernels.subset_sums import COLUMNS, BoolArray, FloatArray, IntArray

CLASSES = 1 << 13
"""More than `lots_payers.size_classes` gives."""


@compiled
def choose(
    trust: int,
    margin: float,
    allowance: int,
    room: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    miss: FloatArray,
    done: BoolArray,
    have: IntArray,
    lines: Lines,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Accounts to search (ascending), their widths, and the pairs to solve for them; none: not allowed.

    The bounds to sharpen are both (``trust`` 0), the upper ones (-1) or the lower ones (1).
    """
    loss = np.empty(room.size)
    for i in range(loss.size):
        slack = upper[i] - lower[i]
        missed = slack if slack < miss[i] else miss[i]
        loss[i] = slack if trust == 0 else missed if trust < 0 else slack - missed
    lost = pairwise(loss, 0, loss.size)
    keep = max(KEEP * lost, margin)
    rows = large_parts(loss, SMALL * keep)
    rows, width, cost = effort(rows, allowance, room, done, have, lines)
    if rows.size == 0:
        rows = np.flatnonzero(upper > lower)
        rows, width, cost = effort(rows, allowance, room, done, have, lines)
    chosen = np.zeros(rows.size, dtype=np.bool_)
    gained, spent = 0.0, 0.0
    for row in by_size(loss[rows] / cost):
        spent += cost[row]
        if spent > allowance:
            break
        chosen[row] = True
        gained += loss[rows[row]]
        if not gained < lost - keep:
            break
    return rows[chosen], width[chosen], cost[chosen]


@compiled
def large_parts(loss: FloatArray, spare: float) -> IntArray:
    """`lots_payers.large_parts`."""
    size, most = loss.view(np.int64) >> EXPONENT, 0
    sums = np.zeros(1 << 11)
    for i in range(loss.size):
        sums[size[i]] += loss[i]
        most = max(most, size[i])
    edge, total = 0, sums[0]
    while total <= spare and edge < most:
        edge += 1
        total += sums[edge]
    rows, count = np.empty(loss.size, dtype=np.int64), 0
    for i in range(loss.size):
        rows[count] = i
        count += (size[i] >= edge) & (loss[i] > 0)
    return rows[:count]


@compiled
def by_size(values: FloatArray) -> IntArray:
    """Order by `lots_payers.size_classes`, the largest first, stably."""
    return by_class(CLASSES - 1 - (values.view(np.int64) >> (EXPONENT - 2)), CLASSES)[0]


@compiled
def effort(
    rows: IntArray,
    allowance: int,
    room: FloatArray,
    done: BoolArray,
    have: IntArray,
    lines: Lines,
) -> tuple[IntArray, IntArray, FloatArray]:
    """`Crowd.effort`, cut to the accounts that have a wider search within the allowance."""
    first, size, value, most = lines
    able, width, cost = np.empty_like(rows), np.empty_like(rows), np.empty(rows.size)
    fit, count = np.empty(COLUMNS), 0
    for row in rows:
        wide, pairs, spent = max(WIDER * have[row] if done[row] else have[row], 1), 1.0, done[row]
        if size[row] > 2:
            for k in range(size[row]):  # the largest lots that fit, most first
                line, place = first[row] + k, min(k, COLUMNS)
                lots = min(most[line], np.floor(room[row] / value[line]))
                while place > 0 and fit[place - 1] < lots:
                    if place < COLUMNS:
                        fit[place] = fit[place - 1]
                    place -= 1
                if place < COLUMNS:
                    fit[place] = lots
            for k in range(2, min(size[row], COLUMNS)):
                pairs *= min(fit[k] + 1, wide)
            spent = spent and have[row] > fit[2]
        if not spent and pairs <= allowance:
            able[count], width[count], cost[count] = row, wide, pairs
            count += 1
    return able[:count], width[:count], cost[:count]
