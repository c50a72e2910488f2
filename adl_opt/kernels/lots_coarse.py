"""First bounds that cost one pass over the positions: dearest lots first, and divisible lots."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book, caps
from adl_opt.kernels.subset_sums import FloatArray, IntArray


class Greedy:
    """Dearest lot first within each account: a fast lower bound on what a book pays at a burden.

    Accounts with one line are apart: for them the bound is exact, and one pass over contiguous columns.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        alone = (book.size == 1)[book.account]
        self.alone: IntArray | slice = slice(None) if alone.all() else np.flatnonzero(alone)
        who = book.account[self.alone]
        self.base, self.capacity = book.base[who], book.capacity[who]
        self.value, self.most = book.value[self.alone], book.lots[self.alone]
        crowd = np.flatnonzero(~alone)
        by_rank = crowd[np.argsort(book.rank[crowd], kind="stable")]
        self.lines = np.split(by_rank, np.cumsum(np.bincount(book.rank[crowd]))[:-1]) if crowd.size else []
        self.single = book.size == 1
        self.cheapest = np.full(book.size.size, np.inf)
        self.cheapest[book.account] = book.value  # the last line written is the cheapest

    def fill_alone(self, z: float) -> FloatArray:
        """Lots of the accounts with one line."""
        lots = caps(z, self.base, self.capacity)
        lots /= self.value
        np.floor(lots, out=lots)
        return np.minimum(lots, self.most, out=lots)

    def fill(self, z: float) -> FloatArray:
        """Lots of every line."""
        book, alone = self.book, self.fill_alone(z)
        if not self.lines:
            return alone
        lots = np.zeros(book.account.size)
        lots[self.alone] = alone
        rest = caps(z, book.base, book.capacity)
        for line in self.lines:
            who, value = book.account[line], book.value[line]
            taken = np.minimum(book.lots[line], np.floor(rest[who] / value))
            lots[line] = taken
            rest[who] = np.maximum(rest[who] - taken * value, 0.0)
        return lots


def relaxed_burden(book: Book, target: float) -> float:
    """Burden at which divisible lots would cover the target: a proven lower bound (Newton, finite)."""
    z = 0.0
    pays = book.total > 0
    base, total = book.base[pays], book.total[pays]
    while True:
        with np.errstate(over="ignore"):
            full = z * base >= total
        slope, fixed = float(np.sum(base[~full])), float(np.sum(total[full]))
        if slope <= 0:
            return z
        step = (target - fixed) / slope
        if not step > z * (1 + SLACK):
            return z
        z = step
