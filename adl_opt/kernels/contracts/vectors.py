"""The inner loops in numpy: see `ContractsLeaf`."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.contracts.base import TRIES, BoolArray, ContractsLeaf, FloatArray, IntArray
from adl_opt.kernels.contracts.flow import maximum_flow
from adl_opt.kernels.sums import total


def _arrange(account: IntArray, cell: IntArray, accounts: int, cells: int) -> IntArray:
    """See `ContractsLeaf`."""
    return np.lexsort((account, cell))


def _fill(
    order: IntArray,
    start: IntArray,
    who: IntArray,
    cap: FloatArray,
    capacity: FloatArray,
    demand: FloatArray,
    x: FloatArray,
    y: FloatArray,
    level: FloatArray,
) -> None:
    """See `ContractsLeaf`."""
    for c in order.tolist():
        legs = slice(start[c], start[c + 1])
        rows = who[legs]
        u, other = capacity[rows], np.maximum(x[rows] - y[legs], 0.0)
        y[legs], level[c] = _level_of(u, other, cap[legs], float(demand[c]), float(level[c]))
        x[rows] = other + y[legs]


def _level_of(
    u: FloatArray, other: FloatArray, cap: FloatArray, demand: float, level: float
) -> tuple[FloatArray, float]:
    """Return ``clip(level u - other, 0, cap)`` with the sum ``demand``, and the level: Newton, or halving."""
    low, high = float(np.min(other / u)), float(np.max((other + cap) / u))
    level = min(max(level, low), high)
    for _ in range(TRIES):
        pays = level * u - other
        free = (pays > 0) & (pays < cap)
        np.clip(pays, 0.0, cap, out=pays)
        more, slope = total(pays) - demand, float(np.sum(u[free]))
        step = more / slope if slope > 0 else 0.0
        low, high = (low, level) if more > 0 else (level, high)
        if more == 0 or (slope > 0 and abs(step) <= 4e-16 * level):
            pays[free] -= step * u[free]
            return np.clip(pays, 0.0, cap), level
        level = level - step
        if slope == 0 or not low < level < high:
            level = _between(low, high)
    return pays, level


def _between(low: float, high: float) -> float:
    """Return a level between two others that halves the number of floats between them, about."""
    if low > 0 and high > 4 * low:
        return float(np.sqrt(low) * np.sqrt(high))
    return high * 2.0**-10 if low == 0 and high > 0 else low + 0.5 * (high - low)


def _augment(
    first: IntArray, edge: IntArray, head: IntArray, residual: FloatArray, source: int, sink: int
) -> BoolArray:
    """See `ContractsLeaf`: the loop of `flow` on lists, which Python reads faster than arrays."""
    nodes, left = first.size - 1, residual.tolist()
    scratch = [[0] * (nodes + 1) for _ in range(4)]
    maximum_flow(first.tolist(), edge.tolist(), head.tolist(), left, source, sink, *scratch)
    residual[:] = left
    return np.array(scratch[0][:nodes]) >= 0


NUMPY = ContractsLeaf("numpy", _arrange, _fill, _augment)
