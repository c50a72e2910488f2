"""The inner loops of the search in numpy: all accounts at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adl_opt.kernels.lots.base import BoolArray, FloatArray, IntArray, Leaf, Lines
from adl_opt.kernels.lots.pairs import best_pair, first_best

BLOCK = 1 << 15
"""Pairs that are solved at once: what they need stays in the cache of a core."""

ROUNDS = 12
"""Rounds of swaps of neighbours before the sorting is given up."""


def _ordered(account: IntArray, value: FloatArray) -> IntArray:
    """See `Leaf`: rounds of swaps of neighbours; an empty order where that would take long."""
    order, value = np.arange(account.size), value.copy()
    same = account[1:] == account[:-1]
    for _ in range(ROUNDS):
        place = np.flatnonzero(same & (value[1:] > value[:-1]))
        if place.size == 0:
            return order
        place = place[np.diff(place, prepend=-2) > 1]
        for array in (order, value):
            array[place], array[place + 1] = array[place + 1], array[place]
    return order[:0]


def _bounds(
    z: float,
    singles: tuple[FloatArray, FloatArray, FloatArray],
    ends: tuple[FloatArray, ...],
    known: BoolArray,
) -> tuple[float, float, float, float]:
    """See `Leaf`."""
    rate, worth, most = singles
    base, cap, cheapest, best, under, top, miss, gap = ends
    with np.errstate(over="ignore"):
        fixed = float(np.sum(np.minimum(np.floor(rate * z), most) * worth))
        room = np.minimum(base * z, cap)
    lower = np.where(best <= room, best, under)
    slack = np.minimum(room, top)
    slack *= room >= cheapest
    slack -= lower
    np.maximum(slack, 0.0, out=slack)
    gone = np.minimum(slack, miss)
    grown = np.minimum(slack - gone, gap)
    with np.errstate(over="ignore"):
        variance = float(np.sum(np.where(known, grown * gap, gone * gone)))
    least, most_slack = fixed + float(np.sum(lower)), float(np.sum(slack))
    return least, least + most_slack, least + (most_slack - float(np.sum(gone))), variance


def _greedy(
    room: FloatArray, lines: Lines, out: FloatArray, place: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """See `Leaf`."""
    first, size, value, most = lines
    paid, rest, count = np.zeros(room.size), room.copy(), np.ones(room.size)
    fits, worth = np.zeros((3, room.size)), np.ones((3, room.size))  # the two most lots, and one more
    for column in range(int(np.max(size, initial=0))):
        rows = np.flatnonzero(size > column)
        line = first[rows] + column
        v, have, left = value[line], most[line], rest[rows]
        lots = np.minimum(np.floor(left / v), have)
        out[place[rows] + column] = lots
        lots *= v
        paid[rows] += lots
        rest[rows] = np.maximum(left - lots, 0.0)
        fits[2, rows], worth[2, rows] = np.minimum(np.floor(room[rows] / v), have), v
        for low, high in ((1, 2), (0, 1)):
            swap = rows[fits[high, rows] > fits[low, rows]]
            for array in (fits, worth):
                array[low, swap], array[high, swap] = array[high, swap], array[low, swap]
        with np.errstate(over="ignore"):
            count[rows] *= fits[2, rows] + 1
    both = np.minimum(fits[0] * worth[0], fits[1] * worth[1])
    gap = np.divide(worth[0] * worth[1], both, out=room.copy(), where=both > 0)
    return paid, gap, _misses(room, lines), count


def _misses(room: FloatArray, lines: Lines) -> FloatArray:
    """USD by which the best sum of every account probably lies below its room: cheapest lots first."""
    first, size, value, most = lines
    step, hole, reach, used = room.copy(), np.zeros(room.size), np.zeros(room.size), np.zeros(room.size)
    for column in range(int(np.max(size, initial=0)) - 1, -1, -1):
        rows = np.flatnonzero(size > column)
        rows = rows[value[first[rows] + column] <= room[rows]]
        v, have = value[first[rows] + column], most[first[rows] + column]
        near, before = reach[rows], used[rows]
        share = np.minimum(np.maximum(before * v / room[rows], 1 / (have + 1)), 1.0)
        step[rows] = np.where(before > 0, step[rows] * share, v)
        lost = np.where((v > near) & (near > 0), 0.5 * (v - near) * (1 - near / v), 0.0)
        hole[rows] = np.maximum(hole[rows], lost)  # so much the cheaper lots cannot fill
        reach[rows] += have * v
        used[rows] += 1
    return np.maximum(np.maximum(step, hole), room - reach)


def _best_sums(
    room: FloatArray, tries: FloatArray, near: FloatArray, lines: Lines, out: FloatArray, place: IntArray
) -> tuple[FloatArray, BoolArray, int]:
    """See `Leaf`; every try is made, however near the sums are."""
    first, size, value, most = lines
    total, exact, nodes = np.zeros(room.size), np.zeros(room.size, dtype=bool), 0
    for rows, columns in _by_size(size):
        column = np.arange(columns)
        real = column < size[rows][:, None]
        line = np.where(real, first[rows][:, None] + column, 0)
        worth = np.where(real, value[line], 1.0)
        fit = np.where(real, np.minimum(most[line], np.floor(room[rows][:, None] / worth)), 0.0)
        order = np.argsort(-fit, axis=1, kind="stable")
        worth, fit = np.take_along_axis(worth, order, 1), np.take_along_axis(fit, order, 1)
        box = Box(room[rows], tries[rows], worth, fit)
        total[rows], lots = box.best()
        exact[rows] = np.all(box.wide[:, 2:] > fit[:, 2:], axis=1)
        nodes += int(box.end[-1])
        into = place[rows][:, None] + order
        out[into[np.take_along_axis(real, order, 1)]] = lots[np.take_along_axis(real, order, 1)]
    return total, exact, nodes


def _by_size(size: IntArray) -> Iterator[tuple[IntArray, int]]:
    """Accounts with 2 (or 1), 3, 4, 5 to 8, 9 to 16, ... lines, and the columns of their table."""
    least, largest = 0, int(np.max(size, initial=0))
    for columns in (2, 3, 4, *(2**power for power in range(3, 64))):
        if least >= largest:
            return
        rows = np.flatnonzero((size > least) & (size <= columns))
        if rows.size:
            yield rows, columns
        least = columns


class Box:
    """Counts of all positions but the first two of every account: a box of choices, at most so many.

    The box lies where the others leave about as much as the two can fill in many ways.  Arrays are of
    shape (accounts, positions), the position with most lots first: ``low`` is the least count, ``wide``
    how many counts are tried; ``end`` is where the choices of every account end in a list of all.
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
        self.end = np.cumsum(np.prod(self.wide, axis=1))

    def counts(self, row: IntArray, choice: IntArray) -> FloatArray:
        """Return the counts behind choices, by place in the list of all; those of the first two are 0."""
        left = choice - np.where(row > 0, self.end[row - 1], 0)
        lots = np.zeros((row.size, self.fit.shape[1]))
        for k in range(2, lots.shape[1]):
            lots[:, k] = self.low[row, k] + left % self.wide[row, k]
            left //= self.wide[row, k]
        return lots

    def best(self) -> tuple[FloatArray, FloatArray]:
        """Largest sum of every account within its room (USD), and the lots of every position behind it."""
        total, lots = np.full(self.room.size, -1.0), np.zeros_like(self.fit)
        for start in range(0, int(self.end[-1]), BLOCK):
            choice = np.arange(start, min(start + BLOCK, int(self.end[-1])))
            row = np.searchsorted(self.end, choice, side="right")
            tried = self.counts(row, choice)
            spent = np.sum(tried * self.value[row], axis=1)
            fits = np.flatnonzero(spent <= self.room[row])
            if fits.size == 0:
                continue
            row, tried, spent = row[fits], tried[fits], spent[fits]
            tried[:, :2] = best_pair(self.room[row] - spent, self.value[row, :2], self.fit[row, :2])
            spent += tried[:, 0] * self.value[row, 0] + tried[:, 1] * self.value[row, 1]
            begin = np.flatnonzero(np.diff(row, prepend=-1))
            group = np.cumsum((np.diff(row, prepend=row[0]) > 0).astype(np.int64))
            node = first_best(spent, group, begin)
            node = node[spent[node] > total[row[node]]]
            total[row[node]], lots[row[node]] = spent[node], tried[node]
        return np.maximum(total, 0.0), lots


NUMPY = Leaf("numpy", _ordered, _bounds, _greedy, _best_sums)
