"""The search of the min-max burden over lots and payers: at burden z the k accounts that can pay most pay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book, caps
from adl_opt.kernels.lots_coarse import Greedy
from adl_opt.kernels.lots_search import FREE_NODES, GAP_GOAL
from adl_opt.kernels.subset_sums import COLUMNS, BoolArray, FloatArray, IntArray, best_sums

PROBES = 2_000
"""Burdens tried at most; bisection needs about 50."""

FRACTIONS = (0.5, 0.25, 0.8, 0.1, 0.9)
"""Where in the interval to try next: each burden whose bounds stay undecided moves one place on."""


@dataclass
class Payable:
    """What every account can pay at one burden: bounds in USD, (n,), and the lots of every line."""

    z: float
    room: FloatArray
    lower: FloatArray
    upper: FloatArray
    lots: FloatArray

    def of_largest(self, k: int) -> tuple[float, float]:
        """Bounds on the total of the k accounts that can pay most, USD."""
        return _largest(self.lower, k), _largest(self.upper, k)

    def loose(self, k: int) -> IntArray:
        """Accounts that may be among the k largest, with bounds that differ."""
        rank = self.lower.size - k
        edge = float(np.partition(self.lower, rank)[rank])
        return np.flatnonzero((self.lower < self.upper) & (self.upper >= edge))


class Table(NamedTuple):
    """Lines of some accounts, padded: rows are accounts, most lots first; ``line`` is -1 where padded."""

    who: IntArray
    line: IntArray
    value: FloatArray
    lots: FloatArray

    def cost(self, width: int) -> FloatArray:
        """Pairs to solve for each account, at most."""
        return np.asarray(np.prod(np.minimum(self.lots[:, 2:COLUMNS] + 1, width), axis=1), dtype=np.float64)

    def some(self, rows: IntArray | BoolArray) -> Table:
        """Return some rows."""
        return Table(self.who[rows], self.line[rows], self.value[rows], self.lots[rows])


class ChoiceSearch:
    """Interval ``(low, high]`` that holds z*: k accounts cannot reach the target at ``low``, can at ``high``.

    ``lots`` (of every line of the book) are those of the chosen accounts at ``high``; ``covered`` says that
    they reach the target.  Without a cover, ``most_proven`` says that they are the most that k accounts pay.
    """

    def __init__(self, book: Book, target: float, accounts: int, node_limit: int) -> None:
        self.book, self.target, self.k, self.node_limit = book, target, accounts, node_limit
        self.greedy = Greedy(book)
        self.nodes = 0
        self.lots = np.zeros(book.account.size)
        self.covered = self.most_proven = False
        able = book.total > 0
        with np.errstate(over="ignore"):
            widest = _largest(np.where(able, book.base, 0.0), self.k)
        self.low = target / widest * (1 - 4 * SLACK)
        self.high = float(np.max(book.total[able] / book.base[able]))

    def closed(self) -> bool:
        """Say whether no burden is left strictly inside the interval."""
        return self.high * (1 - 4 * SLACK) <= self.low

    def good_enough(self) -> bool:
        """Say whether the gap is at its goal and more nodes would no longer be free."""
        return self.nodes > FREE_NODES and self.high - self.low <= GAP_GOAL * self.high

    def run(self) -> None:
        """Shrink the interval until it is closed, good enough, or the node limit is reached."""
        self.cover()
        misses = 0
        for _ in range(PROBES if self.covered else 0):
            left, allowance = self.node_limit - self.nodes, 500 * 2**misses
            if self.closed() or self.good_enough() or left <= 0:
                return
            if self.probe(self.between(FRACTIONS[misses % len(FRACTIONS)]), min(allowance, left)):
                misses = max(misses - 1, 0)
            elif allowance >= left:
                return
            else:
                misses += 1

    def cover(self) -> None:
        """Look for a cover at the largest burden that can be made, else for the most that k accounts pay."""
        at = self.bounds(self.high)
        self.sharpen(at, self.node_limit, self.target)
        if at.of_largest(self.k)[0] < self.target:
            self.sharpen(at, self.node_limit - self.nodes, 0.0)
        lower, upper = at.of_largest(self.k)
        self.take(at)
        self.covered = lower >= self.target
        self.most_proven = lower == upper

    def between(self, fraction: float) -> float:
        """Burden inside the interval: by ratio while the ends are far apart."""
        if self.high > 4 * self.low > 0:
            return self.low * float((self.high / self.low) ** fraction)
        return self.low + fraction * (self.high - self.low)

    def probe(self, z: float, allowance: int) -> bool:
        """Shrink the interval to one side of z; False where the bounds leave open which."""
        at = self.bounds(z)
        self.sharpen(at, allowance, self.target)
        lower, upper = at.of_largest(self.k)
        if lower >= self.target:
            self.take(at)
        elif upper < self.target:
            self.low = z
        return lower >= self.target or upper < self.target

    def bounds(self, z: float) -> Payable:
        """Bounds from one pass: dearest lots first, and the cap."""
        book = self.book
        lots, room = self.greedy.fill(z), caps(z, book.base, book.capacity)
        lower = np.zeros(room.size) + np.bincount(book.account, lots * book.value, room.size)
        upper = np.where(room < self.greedy.cheapest, 0.0, np.minimum(room, book.total))
        upper = np.where(self.greedy.single, lower, np.maximum(upper, lower))
        return Payable(z, room, lower, upper, lots)

    def sharpen(self, at: Payable, allowance: int, target: float) -> None:
        """Search subset sums, ever wider, of the accounts that keep the bounds apart; target 0: of all."""
        for power in range(28):  # 4**27 counts are more than any position has lots
            lower, upper = at.of_largest(self.k)
            if lower == upper or (target > 0 and not lower < target <= upper):
                return
            spent = self.search(at, at.loose(self.k), 4**power, allowance)
            allowance -= spent
            self.nodes += spent

    def search(self, at: Payable, accounts: IntArray, width: int, allowance: int) -> int:
        """Search these accounts, cheap ones first, while the allowance lasts; return the nodes spent."""
        spent = 0
        for whole in self.tables(at, accounts):
            cost = whole.cost(width)
            cheap = np.argsort(cost, kind="stable")
            table = whole.some(np.sort(cheap[np.cumsum(cost[cheap]) <= allowance - spent]))
            if table.who.size == 0:
                continue
            who = table.who
            found = best_sums(at.room[who], table.value, table.lots, np.full(who.size, width))
            spent += found.nodes
            better = found.total > at.lower[who]
            at.lower[who[better]] = found.total[better]
            line, lots = table.line[better], found.lots[better]
            at.lots[line[line >= 0]] = lots[line >= 0]
            at.upper[who] = np.where(found.exact, at.lower[who], np.maximum(at.upper[who], at.lower[who]))
        return spent

    def tables(self, at: Payable, accounts: IntArray) -> Iterator[Table]:
        """Tables of the lines of some accounts, by powers of two of their number."""
        size, book = self.book.size[accounts], self.book
        for power in range(1, int(np.max(size, initial=1)).bit_length() + 1):
            who = accounts[(size > 2 ** (power - 1) - (power == 1)) & (size <= 2**power)]
            place = np.arange(2**power)
            line = np.where(place < book.size[who][:, None], book.first[who][:, None] + place, -1)
            most = np.minimum(book.lots[line], np.floor(at.room[who][:, None] / book.value[line]))
            lots = np.where(line >= 0, most, 0.0)
            order = np.argsort(-lots, axis=1, kind="stable")
            line, lots = (np.take_along_axis(part, order, axis=1) for part in (line, lots))
            if who.size:
                yield Table(who, line, np.where(line >= 0, book.value[line], 1.0), lots)

    def take(self, at: Payable) -> None:
        """Take the lots of the k accounts that pay most; the upper end is the burden that they make."""
        chosen = np.argsort(-at.lower, kind="stable")[: self.k]
        chosen = chosen[at.lower[chosen] > 0]
        mine = np.zeros(at.lower.size, dtype=bool)
        mine[chosen] = True
        self.lots = np.where(mine[self.book.account], at.lots, 0.0)
        made = float(np.max(at.lower[chosen] / self.book.base[chosen], initial=0.0))
        self.high = max(min(at.z, made), self.low)


def _largest(amounts: FloatArray, k: int) -> float:
    """Sum of the k largest."""
    rank = amounts.size - k
    return float(np.sum(np.sort(np.partition(amounts, rank)[rank:])))
