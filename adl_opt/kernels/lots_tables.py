"""Accounts with several positions, in padded tables by the number of their lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.lots_book import Book
from adl_opt.kernels.subset_sums import COLUMNS, FloatArray, IntArray, Nodes


@dataclass(frozen=True)
class Table:
    """Some accounts: columns are accounts, rows their lines, dearest lot first; zero lots pad.

    ``line`` is -1 where padded; ``value`` is USD per lot, ``most`` the lots held.
    """

    who: IntArray
    line: IntArray
    value: FloatArray
    most: FloatArray

    def greedy(self, column: IntArray, room: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Dearest lots first: lots of every line, and USD paid by every account, within its room."""
        values, mosts = self.value, self.most
        if column.size < self.who.size:
            values, mosts = values[:, column], mosts[:, column]
        lots, paid = np.empty_like(values), np.zeros(room.size)
        rest = room.copy()
        for row, (value, most) in enumerate(zip(values, mosts, strict=True)):
            taken = np.minimum(np.floor(rest / value), most, out=lots[row])
            worth = taken * value
            paid += worth
            rest = np.maximum(rest - worth, 0.0, out=rest)
        return lots, paid

    def nodes(self, column: IntArray, room: FloatArray, width: IntArray) -> tuple[Nodes, IntArray | None]:
        """Pairs to solve for the largest sums of some accounts, and the order in which their lines come."""
        value, most = self.value[:, column], self.most[:, column]
        most = np.minimum(most, np.floor(room / value))
        if len(value) == 2:
            return Nodes(room, value.T, most.T, width), None
        order = np.argsort(-most, axis=0, kind="stable")
        value, most = np.take_along_axis(value, order, 0), np.take_along_axis(most, order, 0)
        return Nodes(room, value.T, most.T, width), order

    def mean_step(self, room: FloatArray) -> FloatArray:
        """USD between neighbouring sums near the room, on average: ``(P-1)! prod(value) / room ** (P-1)``."""
        step, count = room.copy(), np.zeros(room.size)
        for value, most in zip(self.value[::-1], self.most[::-1], strict=True):
            fits = (most > 0) & (value <= room)
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                share = np.minimum(np.maximum(count * value / room, 1 / (most + 1)), 1.0)
            step = np.where(fits, np.where(count > 0, step * share, value), step)
            count += fits
        return step

    def enumerated(self, column: IntArray, room: FloatArray) -> FloatArray:
        """Lots that fit of the positions that a subset sum enumerates: all but the two with most."""
        fit = np.minimum(self.most[:, column], np.floor(room / self.value[:, column]))
        fewest: FloatArray = np.sort(fit, axis=0)[::-1][2:COLUMNS] if len(fit) > 3 else fit.min(axis=0)[None]
        return fewest


def in_order(lots: FloatArray, order: IntArray | None) -> FloatArray:
    """Lots (accounts, lines) of `Table.nodes` as a table has them (lines, accounts)."""
    if order is None:
        return lots.T
    out = np.empty(order.shape)
    np.put_along_axis(out, order, lots.T, 0)
    return out


def make_tables(book: Book) -> list[Table]:
    """Tables of the accounts with 2, 3, 4, 5 to 8, 9 to 16, ... lines."""
    tables, start, largest = [], 2, int(book.size.max(initial=0))
    for columns in (2, 3, 4, *(2**power for power in range(3, 64))):
        if start > largest:
            break
        who = np.flatnonzero((book.size >= start) & (book.size <= columns))
        if who.size:
            place = np.arange(columns)[:, None]
            real = place < book.size[who]
            line = np.where(real, book.first[who] + place, -1)
            value, most = np.where(real, book.value[line], 1.0), np.where(real, book.lots[line], 0.0)
            tables.append(Table(who, line, value, most))
        start = columns + 1
    return tables
