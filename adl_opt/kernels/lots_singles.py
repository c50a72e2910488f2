"""Accounts with one position in play: what they pay at a burden is a closed form."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.subset_sums import FloatArray, IntArray

BLOCK = 1 << 14
"""Lines worked on at a time, so that what lies between two steps stays in the cache."""

MOST_RATE = 1e300
"""Lots by unit of burden beyond it are one: no account has as many."""


class Singles:
    """The accounts of a book with one line: ``min(lots, floor(z * rate))`` lots at burden z.

    ``rate`` are lots by unit of burden, widened by `SLACK`.  Accounts that pay the same at both ends of the
    search's interval are dropped by `settle`, and their sum is kept in ``settled`` (USD).
    """

    def __init__(self, book: Book) -> None:
        alone = book.size[book.account] == 1
        self.line: IntArray | slice = slice(None) if alone.all() else np.flatnonzero(alone)
        self.value, self.most = book.value[self.line], book.lots[self.line]
        self.rate = self.all_rates = lot_rates(book.base[book.account[self.line]], self.value)
        self.all_most = self.most
        self.settled = 0.0

    def blocks(self) -> Iterator[slice]:
        """Parts of the accounts in play."""
        return (slice(i, i + BLOCK) for i in range(0, self.rate.size, BLOCK))

    def lots(self, z: float, part: slice) -> FloatArray:
        """Lots of some accounts in play at burden z."""
        return whole_lots(self.rate[part], self.most[part], z)

    def pay(self, z: float) -> float:
        """USD that all of them pay at burden z, the settled ones included."""
        paid = [self.settled]
        for part in self.blocks():
            lots = self.lots(z, part)
            lots *= self.value[part]
            paid.append(float(np.sum(lots)))
        return math.fsum(paid)

    def all_lots(self, z: float) -> FloatArray:
        """Lots of every line at burden z, the settled ones included."""
        return whole_lots(self.all_rates, self.all_most, z)

    def made(self, z: float) -> float:
        """Largest burden that the lots in play at burden z really make."""
        tops = [0.0]
        for part in self.blocks():
            tops.append(float(np.max(self.lots(z, part) / self.rate[part])) * (1 + SLACK))
        return max(tops)

    def settle(self, low: float, high: float) -> None:
        """Drop the accounts that pay the same at both burdens."""
        paid, kept = [self.settled], []
        for part in self.blocks():
            lots = self.lots(low, part)
            moves = self.lots(high, part) > lots
            lots *= self.value[part]
            lots[moves] = 0.0
            paid.append(float(np.sum(lots)))
            kept.append(np.flatnonzero(moves) + part.start)
        rows = np.concatenate(kept) if kept else np.empty(0, dtype=np.int64)
        if rows.size < self.rate.size:
            self.settled = math.fsum(paid)
            self.rate, self.value, self.most = self.rate[rows], self.value[rows], self.most[rows]

    def largest_step(self, low: float, high: float) -> tuple[float, float]:
        """Size (USD) and burden of the largest jump inside, zeros where there is none."""
        best = 0.0, 0.0
        for part in self.blocks():
            lots = self.lots(high, part)
            size = np.where(lots > self.lots(low, part), self.value[part], 0.0)
            who = int(np.argmax(size))
            if size[who] > best[0]:
                best = float(size[who]), float(lots[who] / self.rate[part][who]) * (1 + SLACK)
        return best


def lot_rates(base: FloatArray, value: FloatArray) -> FloatArray:
    """Lots by unit of burden, not yet whole, widened by `SLACK`: ``base`` is USD, ``value`` USD per lot."""
    with np.errstate(over="ignore"):
        rate = base / value
        rate *= 1 + SLACK
    return np.minimum(rate, MOST_RATE, out=rate)


def whole_lots(rate: FloatArray, most: FloatArray, z: float, out: FloatArray | None = None) -> FloatArray:
    """Whole lots at burden z, at most what each account has."""
    with np.errstate(over="ignore"):
        lots = np.multiply(rate, z, out=out)
    np.floor(lots, out=lots)
    return np.minimum(lots, most, out=lots)
