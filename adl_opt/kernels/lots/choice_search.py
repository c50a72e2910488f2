"""The search of the min-max burden over lots and payers: at burden z the k accounts that can pay most pay."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.base import BESIDE, SLACK, FloatArray, IntArray
from adl_opt.kernels.lots.field import Field
from adl_opt.kernels.lots.search import FREE_NODES, GAP_GOAL, RUNGS

PROBES = 2_000
"""Burdens tried at most; bisection needs about 50."""

FRACTIONS = (0.5, 0.25, 0.8, 0.1, 0.9)
"""Where in the interval to try next: each burden whose bounds stay undecided moves one place on."""


class ChoiceSearch:
    """Interval ``(low, high]`` that holds z*: k accounts cannot reach the target at ``low``, can at ``high``.

    ``lots`` (of every line of the book) are those of the chosen accounts at ``high``; ``covered`` says that
    they reach the target.  Without a cover, ``most_proven`` says that they are the most that k accounts pay.
    """

    def __init__(self, field: Field, target: float, accounts: int, node_limit: int) -> None:
        self.field, self.target, self.k, self.node_limit, self.nodes = field, target, accounts, node_limit, 0
        book = field.book
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
        self.sharpen(self.high, self.node_limit, self.target)
        if self.of_largest()[0] < self.target:
            self.sharpen(self.high, self.node_limit - self.nodes, 0.0)
        lower, upper = self.of_largest()
        self.take()
        self.covered = lower >= self.target
        self.most_proven = lower == upper

    def between(self, fraction: float) -> float:
        """Burden inside the interval: by ratio while the ends are far apart."""
        if self.high > 4 * self.low > 0:
            return self.low * float((self.high / self.low) ** fraction)
        return self.low + fraction * (self.high - self.low)

    def probe(self, z: float, allowance: int) -> bool:
        """Shrink the interval to one side of z; False where the bounds leave open which."""
        self.sharpen(z, allowance, self.target)
        lower, upper = self.of_largest()
        if lower >= self.target:
            self.take()
        elif upper < self.target:
            self.low = z
        return lower >= self.target or upper < self.target

    def of_largest(self) -> tuple[float, float]:
        """Bounds at the present burden on the total of the k accounts that can pay most, USD."""
        return _largest(self.field.crowd[row.LEAST], self.k), _largest(self.field.crowd[row.MOST], self.k)

    def loose(self) -> IntArray:
        """Accounts that may be among the k largest, with bounds that differ."""
        lower, upper = self.field.crowd[row.LEAST], self.field.crowd[row.MOST]
        rank = lower.size - self.k
        return np.flatnonzero((lower < upper) & (upper >= np.partition(lower, rank)[rank]))

    def sharpen(self, z: float, allowance: int, target: float) -> None:
        """Search subset sums, ever wider, of the accounts that keep the bounds apart; target 0: of all."""
        if z != self.field.z:
            self.field.at(z)
            self.field.greedy()
        for rung in range(RUNGS):
            lower, upper = self.of_largest()
            if lower == upper or (target > 0 and not lower < target <= upper):
                return
            self.field.ladder(rung, allowance, self.loose())
            spent = self.field.search()
            allowance -= spent
            self.nodes += spent

    def take(self) -> None:
        """Take the lots of the k accounts that pay most; the upper end is the burden that they make."""
        crowd = self.field.crowd
        chosen = np.argsort(-crowd[row.LEAST], kind="stable")[: self.k]
        chosen = chosen[crowd[row.LEAST, chosen] > 0]
        mine = np.zeros(crowd.shape[1], dtype=bool)
        mine[chosen] = True
        self.lots = np.where(np.repeat(mine, self.field.size), self.field.lots_in(crowd[row.SLOT]), 0.0)
        made = float(np.max(crowd[row.LEAST, chosen] / crowd[row.BASE, chosen], initial=0.0)) * (1 + SLACK)
        self.high = max(min(self.field.z, made), self.low)


def _largest(amounts: FloatArray, k: int) -> float:
    """Sum of the k largest."""
    rank = amounts.size - k
    return float(np.sum(np.sort(np.partition(amounts, rank)[rank:])))
