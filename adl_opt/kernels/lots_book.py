"""The book of a min-max lots problem: positions that can pay, sorted, and cheap bounds on what they pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.subset_sums import FloatArray, IntArray

REL_TOL = 1e-12
"""The one tolerance: a budget is covered from ``budget * (1 - REL_TOL)`` on, a cap or a burden holds up to
``(1 + REL_TOL)`` times itself, and two burdens closer than that are one."""

SLACK = 1e-13
"""Caps are widened by this while searching, so that lots which fill a cap exactly are never lost to rounding."""


def caps(z: float, base: FloatArray, capacity: FloatArray) -> FloatArray:
    """USD that accounts may pay at burden z, widened by `SLACK`."""
    with np.errstate(over="ignore"):
        return np.minimum(z * base, capacity) * (1 + SLACK)


@dataclass(frozen=True)
class Book:
    """Positions that can pay at least one lot, grouped by account, dearest lot first.

    ``base``, ``capacity``, ``total`` (all lots, or the capacity if less) have shape (n,), in USD;
    ``account``, ``value`` (USD per lot), ``lots`` and ``origin`` have one entry per line, where a line is the
    set of an account's positions with the same lot value (``origin`` is the line of each kept position).
    """

    base: FloatArray
    capacity: FloatArray
    total: FloatArray
    account: IntArray
    value: FloatArray
    lots: FloatArray
    rank: IntArray
    first: IntArray
    size: IntArray
    kept: IntArray
    origin: IntArray

    def spread(self, line_lots: FloatArray, lots: IntArray) -> IntArray:
        """Lots of every position from the lots of every line, positions of one line filled in index order."""
        out = np.zeros(lots.size, dtype=np.int64)
        if self.kept.size == 0:
            return out
        have = lots[self.kept]
        starts = np.flatnonzero(np.diff(self.origin, prepend=-1))
        before = np.cumsum(have.astype(float)) - have
        before -= before[starts][self.origin]
        out[self.kept] = np.clip(line_lots[self.origin] - before, 0, have).astype(np.int64)
        return out


def make_book(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> Book:
    """Drop what cannot pay, sort by (account, dearest lot, index), join equal lots, cut lots at the capacity."""
    n = capacity.size
    room = np.where(base > 0, capacity, 0.0) * (1 + SLACK)
    most = np.minimum(lots, np.floor(room[account] / value))
    kept = np.flatnonzero(most > 0)
    if np.any(account[kept][1:] < account[kept][:-1]):
        kept = kept[np.argsort(account[kept], kind="stable")]
    crowd = np.flatnonzero(np.bincount(account[kept], minlength=n)[account[kept]] > 1)
    order = np.lexsort((-value[kept[crowd]], account[kept[crowd]]))
    kept[crowd] = kept[crowd[order]]
    acc, val = account[kept], value[kept]
    fresh = np.ones(kept.size, dtype=bool)
    fresh[1:] = (acc[1:] != acc[:-1]) | (val[1:] != val[:-1])
    origin = np.cumsum(fresh) - 1
    line = np.flatnonzero(fresh)
    acc, val = acc[line], val[line]
    have = lots[kept].astype(float)
    if line.size < kept.size:
        have = np.add.reduceat(have, line)
    have = np.minimum(have, np.floor(room[acc] / val))
    size = np.bincount(acc, minlength=n)
    first = np.cumsum(size) - size
    total = np.minimum(np.bincount(acc, weights=have * val, minlength=n), room)
    rank = np.arange(acc.size) - first[acc]
    return Book(base, capacity, total, acc, val, have, rank, first, size, kept, origin)


class Greedy:
    """Dearest lot first within each account: a fast lower bound on what a book pays at a burden."""

    def __init__(self, book: Book) -> None:
        self.book = book
        by_rank = np.argsort(book.rank, kind="stable")
        self.lines = np.split(by_rank, np.cumsum(np.bincount(book.rank))[:-1]) if by_rank.size else []
        self.single = book.size == 1
        self.cheapest = np.full(book.size.size, np.inf)
        self.cheapest[book.account] = book.value  # the last line written is the cheapest

    def fill(self, z: float) -> FloatArray:
        """Lots of every line."""
        book = self.book
        lots = np.zeros(book.account.size)
        rest = caps(z, book.base, book.capacity)
        for line in self.lines:
            who = book.account[line]
            lots[line] = np.minimum(book.lots[line], np.floor(rest[who] / book.value[line]))
            rest[who] = np.maximum(rest[who] - lots[line] * book.value[line], 0.0)
        return lots

    def bounds(self, z: float) -> tuple[float, float]:
        """Lower and upper bound on the most that all accounts can pay at burden z, in USD."""
        book = self.book
        paid = self.fill(z) * book.value
        room = caps(z, book.base, book.capacity)
        at_most = np.minimum(room, book.total)
        at_most[room < self.cheapest] = 0.0
        loose = ~self.single
        upper = float(np.sum(at_most[loose])) + float(np.sum(paid[self.single[book.account]]))
        return float(np.sum(paid)), upper


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
