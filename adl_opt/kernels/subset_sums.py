"""Bounded subset sums: the most that whole lots of a few positions can pay without passing a cap.

Two positions are solved by Euclid's algorithm (the next smaller remainder of ``cap - k * big`` modulo
``small`` is always one of its convergents), so thousands of lots cost a handful of steps.  More positions
enumerate all but two.  Everything is vectorised over rows; one row is one account.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COLUMNS = 12
"""Positions of one account that are searched; the others, those with fewest lots, are filled greedily."""

BLOCK = 8192
"""Pairs that are solved at once: what they need stays in the cache of a core."""


class BestSums(NamedTuple):
    """Answer of `best_sums`: per row the sum, the lots behind it, and whether no larger sum exists."""

    total: FloatArray
    lots: FloatArray
    exact: BoolArray
    nodes: int


def smallest_remainder(
    start: FloatArray, step: FloatArray, modulus: FloatArray, last: FloatArray
) -> FloatArray:
    """Find the count ``t`` in ``0..last`` that makes ``(start - t * step) mod modulus`` smallest.

    The first count whose remainder of ``t * step`` is at most r is a one-sided convergent of
    ``step / modulus``; going down by such convergents, largest first, visits every record low.

    Parameters
    ----------
    start, step, modulus, last : ndarray of float, shape (r,)
        USD, USD per lot (``step >= modulus > 0`` not required), USD per lot, and whole counts >= 0.

    Returns
    -------
    ndarray of float, shape (r,)
        The first best count, a whole number.

    Notes
    -----
    O(log last) vector operations.  In floats the remainder is right to a few units in the last place of
    ``last * modulus``.

    Examples
    --------
    >>> smallest_remainder(np.array([17.0]), np.array([7.0]), np.array([5.0]), np.array([2.0]))
    array([1.])
    """
    best = last.copy()  # counts left unused at the end; turned round on return
    left = last.copy()
    rest = np.fmod(start, modulus)
    down = np.fmod(step, modulus)  # `down_cost` counts lower the remainder by `down`
    up = modulus - down  # `up_cost` counts raise it by `up`
    down_cost, up_cost = np.ones_like(last), np.ones_like(last)
    row = np.arange(last.size)
    while True:
        go = (left >= down_cost) & (down > 0) & (rest > 0)
        if not go.all():
            best[row[~go]] = left[~go]
            row, left, rest, down, up = row[go], left[go], rest[go], down[go], up[go]
            down_cost, up_cost = down_cost[go], up_cost[go]
        if row.size == 0:
            return last - best
        times = np.minimum(np.floor(rest / down), np.floor(left / down_cost))
        rest -= times * down
        left -= times * down_cost
        # Now rest < down (or left is spent): shrink `down` by `up` until it fits, else shrink `up` too.
        most = np.floor(down / up)
        times = np.clip(np.ceil((down - rest) / up), 0, most)
        down_cost += times * up_cost
        down = np.maximum(down - times * up, 0.0)
        stuck = (down > rest) & (down < up)
        times = np.where(stuck, np.ceil(up / np.where(stuck, down, 1.0)) - 1, 0.0)
        up_cost += times * down_cost
        up = np.where(stuck, np.maximum(up - times * down, np.finfo(float).tiny), up)


def best_pair(cap: FloatArray, value: FloatArray, lots: FloatArray) -> FloatArray:
    """Lots of two positions whose total is the largest that does not pass the cap.

    Parameters
    ----------
    cap : ndarray of float, shape (r,)
        USD, >= 0.
    value, lots : ndarray of float, shape (r, 2)
        USD per lot (> 0) and whole lots (>= 0) of the two positions.

    Returns
    -------
    ndarray of float, shape (r, 2)
        Whole lots.

    Examples
    --------
    >>> best_pair(np.array([13.0]), np.array([[5.0, 3.0]]), np.array([[9.0, 9.0]]))
    array([[2., 1.]])
    """
    swap = value[:, 0] < value[:, 1]
    big, small = np.where(swap, value[:, 1], value[:, 0]), np.where(swap, value[:, 0], value[:, 1])
    big_lots, small_lots = np.where(swap, lots[:, 1], lots[:, 0]), np.where(swap, lots[:, 0], lots[:, 1])
    most = np.minimum(big_lots, np.floor(cap / big))
    # Up to `full` big lots leave room for every small lot; above it the small lots are not used up.
    full = np.minimum(most, np.floor((cap - small_lots * small) / big))
    first = np.maximum(full + 1, 0)
    count = np.where(first <= most, first, most)
    search = first < most
    if search.any():
        start = cap[search] - first[search] * big[search]
        count[search] += smallest_remainder(start, big[search], small[search], (most - first)[search])
    rest = np.minimum(small_lots, np.floor(np.maximum(cap - count * big, 0.0) / small))
    better = (full >= 0) & (full * big + small_lots * small >= count * big + rest * small)
    count, rest = np.where(better, full, count), np.where(better, small_lots, rest)
    return np.column_stack((np.where(swap, rest, count), np.where(swap, count, rest)))


def best_sums(cap: FloatArray, value: FloatArray, lots: FloatArray, width: IntArray) -> BestSums:
    """Largest reachable sum within a cap, per account of P >= 2 positions.

    Parameters
    ----------
    cap : ndarray of float, shape (a,)
        USD, >= 0.
    value, lots : ndarray of float, shape (a, P)
        USD per lot (> 0) and whole lots (>= 0); the two positions with most lots in columns 0 and 1.
    width : ndarray of int, shape (a,)
        Counts tried at each enumerated position, from the largest downwards; too few make `exact` False.

    Returns
    -------
    BestSums
        ``total`` (a,) USD, ``lots`` (a, P) whole, ``exact`` (a,), and ``nodes``, the pairs solved.

    Notes
    -----
    Cost: ``width ** (P - 2)`` pairs an account at most, each O(log lots).

    Examples
    --------
    >>> six = np.array([[6.0, 10.0, 15.0]]), np.array([[9.0, 9.0, 9.0]])
    >>> best_sums(np.array([29.0]), *six, np.array([9])).total
    array([28.])
    """
    rows = np.arange(cap.size)
    exact = np.ones(cap.size, dtype=bool)
    rest = cap
    trail: list[tuple[IntArray, FloatArray]] = []
    for column in range(value.shape[1] - 1, 1, -1):
        most = np.minimum(lots[rows, column], np.floor(rest / value[rows, column]))
        tries = np.minimum(most + 1, width[rows] if column < COLUMNS else 1).astype(np.int64)
        exact[rows[tries < most + 1]] = False
        parent = np.repeat(np.arange(rows.size), tries)
        place = np.arange(parent.size) - np.repeat(np.cumsum(tries) - tries, tries)
        count = most[parent] - place
        rows = rows[parent]
        rest = np.maximum(rest[parent] - count * value[rows, column], 0.0)
        trail.append((parent, count))
    pair = np.empty((rows.size, 2))
    for low in range(0, rows.size, BLOCK):
        part = rows[low : low + BLOCK]
        pair[low : low + BLOCK] = best_pair(rest[low : low + BLOCK], value[part, :2], lots[part, :2])
    total = cap[rows] - rest + pair[:, 0] * value[rows, 0] + pair[:, 1] * value[rows, 1]
    starts = np.searchsorted(rows, np.arange(cap.size))
    node = np.flatnonzero(total == np.maximum.reduceat(total, starts)[rows]) if cap.size else starts
    node = node[np.searchsorted(rows[node], np.arange(cap.size))]
    chosen = np.empty_like(lots)
    chosen[:, :2] = pair[node]
    for column, (parent, count) in zip(range(2, value.shape[1]), reversed(trail), strict=True):
        chosen[:, column] = count[node]
        node = parent[node]
    return BestSums(np.sum(chosen * value, axis=1), chosen, exact, rows.size)
