"""A first proven interval around the min-max burden, from bounds that cost one pass over the positions."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book, caps
from adl_opt.kernels.subset_sums import FloatArray


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


def coarse_interval(greedy: Greedy, target: float) -> tuple[float, float, bool]:
    """Proven interval from the greedy bounds only, and whether its upper end is known to cover the target."""
    book = greedy.book
    with np.errstate(divide="ignore", invalid="ignore"):
        top = float(np.max(np.where(book.total > 0, book.total / book.base, 0.0), initial=0.0))
    low, high, covered = relaxed_burden(book, target) * (1 - 4 * SLACK), top, False
    slope = float(np.sum(book.base[book.total > 0])) or 1.0
    z, misses = low, 0
    while misses < 2:
        z = min(z, top)
        lower, upper = greedy.bounds(z)
        width = high - low
        if lower >= target:
            high, covered = z, True
        elif upper < target:
            low = z
        if z == top and not covered:
            break
        above = z + 1.1 * (target - lower) / slope
        below = z - 1.1 * (upper - target) / slope
        if not covered:
            z = max(above, 2 * z - low, z * (1 + 1e-9))
            continue
        misses += high - low > 0.6 * width
        if low < above < high - 0.4 * (high - low):
            z = above
        elif low + 0.4 * (high - low) < below < high:
            z = below
        else:
            break
    return low, high, covered
