"""Who pays how much at a burden: singles by a closed form, the crowd by bounds that searches sharpen.

A *single* is an account with one line: what it pays is known at every burden.  The *crowd* are the other
accounts.  Of each of them the field knows sums that it can pay: one fits at the lower end of the search's
interval, one at the upper end; and it knows an upper bound at the upper end.
"""

from __future__ import annotations

import math

import numpy as np

from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.base import (
    BESIDE,
    MORE,
    SLACK,
    FloatArray,
    IntArray,
    Leaf,
    Sums,
    lot_rates,
    whole_lots,
)
from adl_opt.kernels.lots.book import LotsBook

CUT = 0.8
"""Accounts that pay the same at both ends are dropped once so small a share is left, or a smaller one."""

FEW = 1000
"""So few accounts are never dropped: that takes longer than to look at them."""


class Field:
    """The accounts of a book between two burdens.

    At the present burden ``z`` all accounts pay between ``lower`` and ``upper``, and probably ``expected``
    (USD).  ``crowd`` is a table with the rows of `row`.
    """

    def __init__(self, book: LotsBook, leaf: Leaf, *, singles: bool = True) -> None:
        self.book, self.leaf, self.settled = book, leaf, 0.0
        self.z = self.fixed = self.lower = self.upper = self.expected = 0.0
        one = np.flatnonzero(book.size == 1) if singles else np.zeros(0, dtype=np.int64)
        many = book.size > (1 if singles else 0)
        who, self.line = np.flatnonzero(many), book.first[one]
        worth, have = book.value[self.line], book.lots[self.line]
        self.singles = self.alone = np.array((lot_rates(book.base[one], worth), worth, have))
        self.lines = np.flatnonzero(many[book.account])
        self.value, self.most = book.value[self.lines], book.lots[self.lines]
        self.size = book.size[who]
        end = np.cumsum(self.size)
        self.crowd = crowd = np.full((row.ROWS, who.size), 0.0)  # pages of `np.zeros` are slow until written
        crowd[row.PLACE], crowd[row.FIRST], crowd[row.SIZE] = np.arange(who.size), end - self.size, self.size
        crowd[row.BASE], crowd[row.CAP] = book.base[who] * (1 + SLACK), book.capacity[who] * (1 + SLACK)
        crowd[row.TOP], crowd[row.COUNT] = book.total[who], 1.0
        crowd[[row.CHEAPEST, row.GAP, row.MISS, row.STEP]] = self.value[end - 1]
        self.slot = np.zeros(who.size)
        self.lots = np.zeros(row.SLOTS * self.value.size)

    def ends(self, target: float) -> tuple[float, float, float]:
        """Burdens at which the target (USD) is out of reach and all lots are paid; slope (USD) at most."""
        base, total = self.book.base, self.book.total
        burden = np.divide(total, base, out=np.zeros(total.size), where=total > 0)
        slope = float(np.sum(base, where=total > 0)) or 1.0
        return target / slope * BESIDE, float(np.max(burden, initial=0.0)), slope

    def sums(self, z: float) -> tuple[float, float, float, float]:
        """Lower bound, upper bound and estimate of what all pay (USD); variance of the estimate."""
        low, high, expected, variance = self.leaf.sums(z, self.singles, self.crowd)
        return self.settled + low, self.settled + high, self.settled + expected, variance

    def at(self, z: float) -> None:
        """Make z the present burden."""
        lower = self.sums(z)[0]
        sums = self.leaf.look(z, self.crowd)
        self.z, self.fixed = z, lower - sums[0]
        self._add(sums)

    def _add(self, sums: Sums) -> None:
        self.lower = self.fixed + sums[0]
        self.upper = self.lower + sums[1]
        self.expected = self.upper - sums[2]

    def greedy(self) -> None:
        """Try dearest lots first, and note how hard every account is at the present burden."""
        self._add(self.leaf.greedy(self.crowd, self.value, self.most, self.lots))

    def search(self) -> int:
        """Carry out the plan at the present burden; return the pair problems solved."""
        nodes, sums = self.leaf.search(self.crowd, self.value, self.most, self.lots)
        self._add(sums)
        return nodes

    def ladder(self, step: int, left: float, rows: IntArray | None = None) -> float:
        """Plan 4 ** step problems for every account with open bounds, while they last; return the cost."""
        crowd = self.crowd
        if rows is None:
            rows = np.flatnonzero(crowd[row.MOST] > crowd[row.LEAST])
        tries = np.minimum(np.maximum(MORE * crowd[row.COUNT, rows] + 1, 1.0), 4.0**step)
        order = np.argsort(tries, kind="stable")
        chosen = order[: int(np.searchsorted(np.cumsum(tries[order]), left, side="right"))]
        crowd[[row.TRIES, row.NEAR]] = 0.0
        crowd[row.TRIES, rows[chosen]] = tries[chosen]
        return float(np.sum(tries[chosen]))

    def lift(self) -> None:
        """Take the present burden as the lower end of the interval."""
        crowd = self.crowd
        least, known = crowd[row.LEAST], crowd[row.LEAST] >= crowd[row.MOST]
        np.copyto(crowd[row.BEST_SLOT], crowd[row.SLOT], where=least > crowd[row.BEST])
        np.maximum(crowd[row.BEST], least, out=crowd[row.BEST])
        crowd[row.UNDER], crowd[row.UNDER_SLOT], crowd[row.KNOWN] = least, crowd[row.SLOT], known
        crowd[row.MISS] = np.where(known, np.maximum(crowd[row.ROOM] - least, 0.0), crowd[row.STEP])

    def take(self) -> float:
        """Take the present burden as the upper end; return the largest burden that its lots make."""
        crowd, (rate, _, have) = self.crowd, self.singles
        crowd[row.BEST], crowd[row.TOP] = crowd[row.LEAST], crowd[row.MOST]
        crowd[row.BEST_SLOT] = crowd[row.SLOT]
        made = float(np.max(crowd[row.BEST] / crowd[row.BASE], initial=0.0))
        alone = float(np.max(whole_lots(rate, have, self.z) / rate, initial=0.0))
        return max(made, alone) * (1 + SLACK)

    def settle(self, low: float, high: float) -> None:
        """Drop every account that pays the same at both ends of the interval."""
        rate, worth, have = self.singles
        if rate.size > FEW:
            lots = whole_lots(rate, have, low)
            kept = np.flatnonzero(whole_lots(rate, have, high) > lots)
            if kept.size < CUT * rate.size:
                lots[kept] = 0.0
                self.settled = math.fsum((self.settled, float(np.sum(lots * worth))))
                self.singles = np.take(self.singles, kept, axis=1)
        if self.crowd.shape[1] > FEW:
            moves = self.crowd[row.UNDER] < self.crowd[row.TOP]
            kept = np.flatnonzero(moves)
            if kept.size < CUT * moves.size:
                self.settled = math.fsum((self.settled, float(np.sum(self.crowd[row.UNDER, ~moves]))))
                self._keep()
                self.crowd = np.take(self.crowd, kept, axis=1)

    def _keep(self) -> None:
        """Note where the lots of the upper end stand."""
        self.slot[self.crowd[row.PLACE].astype(np.int64)] = self.crowd[row.BEST_SLOT]

    def lots_in(self, slot: FloatArray) -> FloatArray:
        """Lots of every line of the crowd, in the slot of its account."""
        start = np.repeat(slot.astype(np.int64) * self.value.size, self.size)
        lots: FloatArray = self.lots[start + np.arange(self.value.size)]
        return lots

    def line_lots(self, z: float) -> FloatArray:
        """Lots of every line of the book at the upper end z of the interval."""
        self._keep()
        rate, _, have = self.alone
        lots = np.empty(self.book.value.size)
        lots[self.lines], lots[self.line] = self.lots_in(self.slot), whole_lots(rate, have, z)
        return lots
