"""Choices of lots of many accounts at once, in numpy: all their positions but two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.base import FloatArray, IntArray


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

    def choices(self, start: int, stop: int) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return choices that fit: account, counts (those of the first two are 0), and worth, USD."""
        choice = np.arange(start, min(stop, int(self.end[-1])))
        mine = np.searchsorted(self.end, choice, side="right")
        left = choice - np.where(mine > 0, self.end[mine - 1], 0)
        lots = np.zeros((mine.size, self.fit.shape[1]))
        for k in range(2, lots.shape[1]):
            lots[:, k] = self.low[mine, k] + left % self.wide[mine, k]
            left //= self.wide[mine, k]
        spent = np.sum(lots * self.value[mine], axis=1)
        fits = np.flatnonzero(spent <= self.room[mine])
        return mine[fits], lots[fits], spent[fits]


def by_size(crowd: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Accounts of a plan with 2 (or 1), 3, 4, 5 to 8, 9 to 16, ... lines, and the columns of their table."""
    least, size = 0, np.where(crowd[row.TRIES] > 0, crowd[row.SIZE], 0.0)
    for columns in (2, 3, 4, *(2**power for power in range(3, 64))):
        if least >= np.max(size, initial=0.0):
            return
        rows = np.flatnonzero((size > least) & (size <= columns))
        if rows.size:
            yield rows, np.arange(columns)
        least = columns
