"""The subset sums of accounts in numpy: pair problems, and boxes of choices that leave one each.

The pair problem: the most that whole lots of two positions pay without passing a cap.  It is solved by
Euclid's algorithm: the next smaller remainder of ``cap - k * big`` modulo ``small`` is always one of its
convergents, so thousands of lots cost a handful of steps.  One row is one problem.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adl_opt.kernels.lots.base import REL_TOL, FloatArray, IntArray

NOISE = 2e-15
"""Remainders that are no larger, relative to the cap, are rounding errors: going on would multiply them."""


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

    Notes
    -----
    O(log lots) vector operations.  The count of the dearer position is found by its convergents; the
    cheaper takes what it can.

    Examples
    --------
    >>> best_pair(np.array([13.0]), np.array([[5.0, 3.0]]), np.array([[9.0, 9.0]]))
    array([[2., 1.]])
    """
    fit = np.minimum(lots, np.floor(cap[:, None] / value))
    swap = value[:, 0] < value[:, 1]
    big, small = np.max(value, axis=1), np.min(value, axis=1)
    most, small_lots = np.where(swap, fit[:, 1], fit[:, 0]), np.where(swap, fit[:, 0], fit[:, 1])
    # Up to `full` big lots leave room for every small lot; above it the small lots are not used up.
    full = np.minimum(most, np.floor((cap - small_lots * small) / big))
    first = np.maximum(full + 1, 0)
    count = np.where(first <= most, first, most)
    row = np.flatnonzero(first < most)
    if row.size:
        count[row] += _smallest_remainder(
            cap[row] - first[row] * big[row], big[row], small[row], (most - first)[row]
        )
    rest = np.minimum(small_lots, np.floor(np.maximum(cap - count * big, 0.0) / small))
    better = (full >= 0) & (full * big + small_lots * small >= count * big + rest * small)
    count, rest = np.where(better, full, count), np.where(better, small_lots, rest)
    return np.column_stack((np.where(swap, rest, count), np.where(swap, count, rest)))


def _smallest_remainder(
    start: FloatArray, step: FloatArray, modulus: FloatArray, last: FloatArray
) -> FloatArray:
    """Find the count ``t`` in ``0..last`` that makes ``(start - t * step) mod modulus`` smallest.

    The first count whose remainder of ``t * step`` is at most r is a one-sided convergent of
    ``step / modulus``; going down by such convergents, largest first, visits every record low.
    Remainders below `NOISE` times ``start`` count as 0.
    """
    best = last.copy()  # counts left unused at the end; turned round on return
    left = last.copy()
    rest = np.fmod(start, modulus)
    down = np.fmod(step, modulus)  # `down_cost` counts lower the remainder by `down`
    up = modulus - down  # `up_cost` counts raise it by `up`
    down_cost, up_cost = np.ones_like(last), np.ones_like(last)
    row, noise = np.arange(last.size), NOISE * start
    while True:
        go = (left >= down_cost) & (down > noise) & (rest > noise)
        if not go.all():
            best[row[~go]] = left[~go]
            row, left, rest, down, up = row[go], left[go], rest[go], down[go], up[go]
            noise = noise[go]
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


class Box:
    """Counts of all positions but the first two of every account: a box of choices, at most so many.

    The box lies where the others leave about as much as the two can fill in many ways.  Arrays are of
    shape (accounts, positions), the position with most lots first: ``low`` is the least count, ``wide``
    how many counts are tried; ``start`` and ``end`` are where the choices of every account stand in
    a list of all, and ``least`` is what the least counts are worth, USD.
    """

    def __init__(self, room: FloatArray, tries: FloatArray, value: FloatArray, fit: FloatArray) -> None:
        self.room, self.value, self.fit = room, value, fit
        self.low, wide = np.zeros_like(fit), np.ones_like(fit)
        rest, roof = room, np.max(fit[:, :2] * value[:, :2], axis=1)
        for k in range(fit.shape[1] - 1, 1, -1):
            v, most = value[:, k], fit[:, k]
            wide[:, k] = np.minimum(most + 1, np.maximum(np.floor(tries ** (1.0 / (k - 1)) + 1e-9), 1.0))
            tries = np.maximum(tries / wide[:, k], 1.0)
            middle = np.minimum(most, np.floor(rest / v))
            middle = np.minimum(middle, np.ceil(np.maximum(rest - roof, 0.0) / v))
            self.low[:, k] = np.clip(middle - np.floor(wide[:, k] / 2), 0.0, most + 1 - wide[:, k])
            rest = np.maximum(rest - middle * v, 0.0)
        self.wide = wide.astype(np.int64)
        many = np.prod(self.wide, axis=1)
        self.end = np.cumsum(many)
        self.start, self.least = self.end - many, np.sum(self.low * value, axis=1)

    def choices(self, start: int, stop: int) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return choices that fit: account, counts (those of the first two are 0), and worth, USD."""
        stop = min(stop, int(self.end[-1]))
        first, last = np.searchsorted(self.end, (start, stop - 1), side="right")
        ends = np.minimum(self.end[first : last + 1], stop)
        mine = np.repeat(np.arange(first, last + 1), np.diff(ends, prepend=start))
        left = np.arange(start, stop) - self.start[mine]
        spent, counts = self.least[mine], {}
        for k in 2 + np.flatnonzero(np.any(self.wide[first : last + 1, 2:] > 1, axis=0)):
            left, counts[k] = np.divmod(left, self.wide[mine, k])
            spent += counts[k] * self.value[mine, k]
        near = np.flatnonzero(spent <= self.room[mine] * (1 + REL_TOL))  # few: only their lots are written
        mine = mine[near]
        lots = self.low[mine]
        for k, count in counts.items():
            lots[:, k] += count[near]
        spent = np.sum(lots * self.value[mine], axis=1)
        fits = np.flatnonzero(spent <= self.room[mine])
        return mine[fits], lots[fits], spent[fits]


def by_size(size: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Accounts with 2 (or 1), 3, 4, 5 to 8, 9 to 16, ... lines, and the columns of their table."""
    least = 0
    for columns in (2, 3, 4, *(2**power for power in range(3, 64))):
        if least >= np.max(size, initial=0.0):
            return
        rows = np.flatnonzero((size > least) & (size <= columns))
        if rows.size:
            yield rows, np.arange(columns)
        least = columns
