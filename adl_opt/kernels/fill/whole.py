"""Whole lots towards a quantity: in the order of a queue, or by shares with the largest remainders."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Ties = Callable[[Ints], npt.NDArray[Any]]

SLACK = 1e-9
"""Share of a lot that counts as rounding."""
ROUNDING = 1e-12
"""Share of a quantity that counts as rounding: sums and quotients of floats lose so much."""


def lots_within(contracts: Floats, size: Floats) -> Ints:
    """Return how many whole lots fit into so many contracts; rounding aside."""
    lots = contracts / size
    return np.maximum(np.floor(lots + np.maximum(SLACK, ROUNDING * lots)), 0.0).astype(np.int64)


def _whole(contracts: float, size: float) -> int:
    """Return :func:`lots_within` of one quantity."""
    lots = contracts / size
    return max(math.floor(lots + max(SLACK, ROUNDING * lots)), 0)


def _alike(size: Floats) -> bool:
    """Return whether all lots are of one size: then a quantity is so many lots, and no rounding adds up."""
    return size.size > 0 and bool((size == size[0]).all())


def fill_lots(order: Ints, most: Ints, size: Floats, wanted: float) -> Ints:
    """Return the lots that a queue gives up, (m,): each position in full until the quantity is met.

    Parameters
    ----------
    order : (m,) int
        Rows in the order in which they are closed.
    most : (m,) int
        Lots that each can give up.
    size : (m,) contracts
        In a lot.
    wanted : contracts
        What is to be closed; what is left is less than a lot of any position that has lots left.

    Examples
    --------
    >>> fill_lots(np.array([1, 0]), np.array([5, 3]), np.array([2.0, 2.0]), 9.0)
    array([1, 3])
    """
    if _alike(size):
        return _fill_alike(order, most, _whole(wanted, float(size[0])))
    taken = np.zeros(most.size, dtype=np.int64)
    order = order[most[order] > 0]
    while order.size:
        contracts = most[order] * size[order]
        before = np.cumsum(contracts) - contracts
        lots = np.minimum(lots_within(np.maximum(wanted - before, 0.0), size[order]), most[order])
        short = np.flatnonzero(lots < most[order])
        end = int(short[0]) + 1 if short.size else order.size
        taken[order[:end]] = lots[:end]
        wanted -= float(lots[:end] @ size[order[:end]])
        order = order[end:]
        order = order[size[order] <= wanted * (1.0 + SLACK)]
    return taken


def _fill_alike(order: Ints, most: Ints, wanted: int) -> Ints:
    """Return the lots of a queue, (m,), where all are of one size and so many are wanted."""
    taken, queue = np.zeros(most.size, dtype=np.int64), most[order]
    sums = np.cumsum(queue, dtype=np.float64)
    end = int(np.searchsorted(sums, wanted))
    taken[order[:end]] = queue[:end]
    if end < order.size:
        taken[order[end]] = min(wanted - int(sums[end - 1] if end else 0), int(queue[end]))
    return taken


def fill_shares(ideal: Floats, ties: Ties, most: Ints, size: Floats, wanted: float) -> Ints:
    """Return whole lots near ideal quantities: rounded down, then by the largest remainder.

    Parameters
    ----------
    ideal : (m,) contracts
        At most ``most`` lots; they add up to what is wanted, or to all there is.
    ties : callable
        Given rows, it returns numbers or text: equal remainders come in their order, ascending.
    most, size, wanted
        As in :func:`fill_lots`.

    Examples
    --------
    >>> fill_shares(np.array([2.5, 2.5]), lambda rows: -rows, np.array([9, 9]), np.ones(2), 5.0)
    array([2, 3])
    """
    taken = np.minimum(lots_within(ideal, size), most)
    able = np.flatnonzero(taken < most)
    remainder = np.round(ideal[able] / size[able] - taken[able], 9)
    if _alike(size):
        wanted, size = float(_whole(wanted, float(size[0]))), np.ones(size.size)
        missing = int(wanted) - int(taken.sum())
        if missing <= able.size:
            taken[_largest(remainder, able, ties, missing)] += 1
            return taken
    order = able[np.lexsort((ties(able), -remainder))]
    for most_now in (np.minimum(most, taken + 1), most):
        taken += fill_lots(order, most_now - taken, size, wanted - float(taken @ size))
    return taken


def _largest(values: Floats, rows: Ints, ties: Ties, count: int) -> Ints:
    """Return so many of the rows, those with the largest values; of equals, those whose ties come first."""
    if count <= 0:
        return rows[:0]
    least = np.partition(values, values.size - count)[values.size - count]
    above, equal = rows[values > least], rows[values == least]
    left = count - above.size
    if left < equal.size:
        equal = equal[np.argsort(ties(equal), kind="stable")[:left]]
    return np.concatenate([above, equal])
