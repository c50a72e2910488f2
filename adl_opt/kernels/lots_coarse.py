"""First bounds that cost one pass over the positions: dearest lots first, and divisible lots."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book, caps
from adl_opt.kernels.lots_singles import Singles
from adl_opt.kernels.lots_tables import Table, make_tables
from adl_opt.kernels.subset_sums import FloatArray


class Greedy:
    """Dearest lot first within each account: a fast lower bound on what a book pays at a burden.

    For accounts with one line, ``single``, the bound is exact; ``cheapest`` is USD per lot, inf without lots.
    """

    def __init__(self, book: Book) -> None:
        self.book, self.single = book, book.size == 1
        self.singles, self.tables = Singles(book), make_tables(book)
        self.cheapest = np.full(book.size.size, np.inf)
        self.cheapest[book.account] = book.value  # the last line written is the cheapest

    def fill(self, z: float) -> FloatArray:
        """Lots of every line."""
        room = caps(z, self.book.base, self.book.capacity)
        taken = [table.greedy(np.arange(table.who.size), room[table.who])[0] for table in self.tables]
        return line_lots(self.book, self.singles, z, self.tables, taken)


def line_lots(
    book: Book, singles: Singles, z: float, tables: list[Table], taken: list[FloatArray]
) -> FloatArray:
    """Lots of every line of a book: the singles' at burden z, and those taken in every table."""
    lots = np.zeros(book.account.size)
    lots[singles.line] = singles.all_lots(z)
    for table, part in zip(tables, taken, strict=True):
        real = table.line >= 0
        lots[table.line[real]] = part[real]
    return lots


def relaxed_burden(book: Book, target: float) -> float:
    """Burden at which divisible lots would cover the target: a proven lower bound (Newton, finite)."""
    z, base, total = 0.0, book.base, book.total
    while True:
        with np.errstate(over="ignore"):
            full = z * base >= total
        slope, fixed = float(np.sum(np.where(full, 0.0, base))), float(np.sum(np.where(full, total, 0.0)))
        if slope <= 0:
            return z
        step = (target - fixed) / slope
        if not step > z * (1 + SLACK):
            return z
        z = step
