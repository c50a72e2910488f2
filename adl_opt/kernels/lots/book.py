"""The book of a problem: the positions that can pay, sorted by account and lot value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.lots.base import SLACK, FloatArray, IntArray, Leaf
from adl_opt.kernels.lots.problem import LotsProblem

MANY = 256
"""Positions of one account that a leaf may sort by insertion."""


@dataclass(frozen=True)
class LotsBook:
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


def lots_book(problem: LotsProblem, leaf: Leaf) -> LotsBook:
    """Drop what cannot pay, sort by (account, dearest lot, index), join equal lots, cut at capacity."""
    capacity, base, account, value = problem.capacity, problem.base, problem.account, problem.lot_value
    room = np.where(base > 0, capacity, 0.0) * (1 + SLACK)
    if np.any(account[1:] < account[:-1]) or np.any(account[MANY:] == account[:-MANY]):
        order = np.lexsort((-value, account))
    else:
        order = np.arange(account.size)
    kept, origin, who, worth, have, size, paid = leaf.lines(order, account, value, problem.lots, room)
    sure = float(np.sum(paid[paid <= room]))
    total, first = np.minimum(paid, room), np.cumsum(size) - size
    return LotsBook(base, capacity, total, who, worth, have, first, size, kept, origin, sure)
