"""The book of a min-max lots problem: the positions that can pay, sorted by account and lot value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.subset_sums import FloatArray, IntArray

REL_TOL = 1e-12
"""The one tolerance: a budget is covered from ``budget * (1 - REL_TOL)`` on, a cap or a burden holds up to
``(1 + REL_TOL)`` times itself, and two burdens closer than that are one."""

SLACK = 1e-13
"""Caps are widened by this while searching, so that no lot that fills a cap is lost to rounding."""


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
    ``sure`` is what the accounts whose lots all fit into their capacity can pay together, USD.
    """

    base: FloatArray
    capacity: FloatArray
    total: FloatArray
    account: IntArray
    value: FloatArray
    lots: FloatArray
    first: IntArray
    size: IntArray
    kept: IntArray
    origin: IntArray
    sure: float

    def spread(self, line_lots: FloatArray, lots: IntArray) -> IntArray:
        """Lots of every position from the lots of every line, positions of one line filled in index order."""
        out = np.zeros(lots.size, dtype=np.int64)
        if self.kept.size == self.value.size:
            out[self.kept] = line_lots.astype(np.int64)
            return out
        line = line_lots.astype(np.int64)[self.origin]
        have = np.minimum(lots[self.kept], line)
        starts = np.flatnonzero(np.diff(self.origin, prepend=-1))
        before = np.cumsum(have) - have  # whole numbers: what wraps round comes back in the difference
        before -= before[starts][self.origin]
        out[self.kept] = np.clip(line - before, 0, have)
        return out


def make_book(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> Book:
    """Drop what cannot pay, sort by (account, dearest lot, index), join equal lots, cut at capacity."""
    n = capacity.size
    room = np.where(base > 0, capacity, 0.0) * (1 + SLACK)
    with np.errstate(over="ignore"):
        fit = np.floor(room[account] / value)
    most = np.minimum(lots, fit)
    kept = np.flatnonzero(most > 0)
    if np.any(account[kept][1:] < account[kept][:-1]):
        kept = kept[np.argsort(account[kept], kind="stable")]
    _dearest_first(kept, account, value, n)
    acc, val = account[kept], value[kept]
    fresh = np.ones(kept.size, dtype=bool)
    fresh[1:] = (acc[1:] != acc[:-1]) | (val[1:] != val[:-1])
    origin = np.cumsum(fresh) - 1
    have = most[kept]
    if not fresh.all():
        line = np.flatnonzero(fresh)
        acc, val, have = acc[line], val[line], np.bincount(origin, weights=have)
        have = np.minimum(have, fit[kept[line]])
    size = np.bincount(acc, minlength=n)
    first = np.cumsum(size) - size
    paid = np.bincount(acc, weights=have * val, minlength=n)
    sure = float(np.sum(np.where(paid <= room, paid, 0.0)))
    return Book(base, capacity, np.minimum(paid, room), acc, val, have, first, size, kept, origin, sure)


def _dearest_first(kept: IntArray, account: IntArray, value: FloatArray, n: int) -> None:
    """Sort the positions of every account in place, dearest lot first, equal ones in index order."""
    size = np.bincount(account[kept], minlength=n)
    first = np.cumsum(size) - size
    for lines in range(2, int(size.max(initial=0)) + 1):
        place = first[size == lines]
        place = place[(np.diff(value[kept[place + np.arange(lines)[:, None]]], axis=0) > 0).any(axis=0)]
        if place.size:
            places = place + np.arange(lines)[:, None]
            line = kept[places]
            order = np.argsort(-value[line], axis=0, kind="stable")
            kept[places] = np.take_along_axis(line, order, axis=0)
