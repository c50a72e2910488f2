"""The search of the min-max burden over lots and payers: at burden z the k accounts that can pay most pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.lots.base import BESIDE, FloatArray, IntArray, Leaf, caps
from adl_opt.kernels.lots.book import LotsBook
from adl_opt.kernels.lots.effort import ladder
from adl_opt.kernels.lots.search import FREE_NODES, GAP_GOAL, RUNGS

PROBES = 2_000
"""Burdens tried at most; bisection needs about 50."""

FRACTIONS = (0.5, 0.25, 0.8, 0.1, 0.9)
"""Where in the interval to try next: each burden whose bounds stay undecided moves one place on."""


@dataclass
class Payable:
    """What every account can pay at one burden: bounds in USD, (n,), and the lots of every line.

    ``count`` are the pair problems that settle an account, about.
    """

    z: float
    room: FloatArray
    lower: FloatArray
    upper: FloatArray
    count: FloatArray
    lots: FloatArray

    def of_largest(self, k: int) -> tuple[float, float]:
        """Bounds on the total of the k accounts that can pay most, USD."""
        return _largest(self.lower, k), _largest(self.upper, k)

    def loose(self, k: int) -> IntArray:
        """Accounts that may be among the k largest, with bounds that differ."""
        rank = self.lower.size - k
        edge = float(np.partition(self.lower, rank)[rank])
        return np.flatnonzero((self.lower < self.upper) & (self.upper >= edge))


class ChoiceSearch:
    """Interval ``(low, high]`` that holds z*: k accounts cannot reach the target at ``low``, can at ``high``.

    ``lots`` (of every line of the book) are those of the chosen accounts at ``high``; ``covered`` says that
    they reach the target.  Without a cover, ``most_proven`` says that they are the most that k accounts pay.
    """

    def __init__(self, book: LotsBook, leaf: Leaf, target: float, accounts: int, node_limit: int) -> None:
        self.book, self.target, self.k, self.node_limit = book, target, accounts, node_limit
        self.leaf, self.nodes = leaf, 0
        self.cheapest = np.full(book.size.size, np.inf)
        self.cheapest[book.account] = book.value  # the last line written is the cheapest
        self.lots = np.zeros(book.account.size)
        self.covered = self.most_proven = False
        able = book.total > 0
        with np.errstate(over="ignore"):
            widest = _largest(np.where(able, book.base, 0.0), self.k)
        self.low = target / widest * BESIDE
        self.high = float(np.max(book.total[able] / book.base[able]))

    def closed(self) -> bool:
        """Say whether no burden is left strictly inside the interval."""
        return self.high * BESIDE <= self.low

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
        book, room = self.book, caps(z, self.book.base, self.book.capacity)
        lots = np.zeros(book.value.size)
        lower, _, _, count = self.leaf.greedy(room, self.lines(slice(None)), lots, book.first)
        upper = np.where(room < self.cheapest, 0.0, np.minimum(room, book.total))
        upper = np.where(book.size == 1, lower, np.maximum(upper, lower))
        return Payable(z, room, lower, upper, count, lots)

    def lines(self, accounts: IntArray | slice) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Lines of some accounts, for a leaf."""
        book = self.book
        return book.first[accounts], book.size[accounts], book.value, book.lots

    def sharpen(self, at: Payable, allowance: int, target: float) -> None:
        """Search subset sums, ever wider, of the accounts that keep the bounds apart; target 0: of all."""
        for rung in range(RUNGS):
            lower, upper = at.of_largest(self.k)
            if lower == upper or (target > 0 and not lower < target <= upper):
                return
            spent = self.search(at, at.loose(self.k), rung, allowance)
            allowance -= spent
            self.nodes += spent

    def search(self, at: Payable, accounts: IntArray, rung: int, allowance: int) -> int:
        """Search these accounts, cheap ones first, while the allowance lasts; return the nodes spent."""
        plan = ladder(at.upper[accounts] - at.lower[accounts], at.count[accounts], rung, allowance)
        who, lines = accounts[plan.rows], self.lines(accounts[plan.rows])
        place, found = np.cumsum(lines[1]) - lines[1], np.zeros(int(np.sum(lines[1])))
        paid, exact, nodes = self.leaf.best_sums(at.room[who], plan.tries, plan.near, lines, found, place)
        better = np.repeat(paid > at.lower[who], lines[1])
        line = np.repeat(lines[0] - place, lines[1]) + np.arange(found.size)
        at.lots[line[better]] = found[better]
        at.lower[who] = np.maximum(at.lower[who], paid)
        at.upper[who] = np.where(exact, at.lower[who], np.maximum(at.upper[who], at.lower[who]))
        return nodes

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
