"""Who pays how much at a burden: singles by a closed form, the crowd by bounds that searches sharpen.

A *single* is an account with one line: what it pays is known at every burden.  The *crowd* are the accounts
with several lines.  Of each of them the field knows sums that it can pay: ``under`` fits at the lower end
of the search's interval, ``best`` fits at the upper end.  ``top`` is an upper bound at the upper end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.lots.base import (
    BESIDE,
    SLACK,
    BoolArray,
    FloatArray,
    IntArray,
    Leaf,
    lot_rates,
    whole_lots,
)
from adl_opt.kernels.lots.book import LotsBook

MISSED = 0.7
"""The best sum lies below the cap by about so many of the distances that a leaf expects."""

CUT = 0.9
"""Accounts that pay the same at both ends are dropped once so small a share is left, or a smaller one."""

IN_PLAY = (
    *("first", "size", "place", "base", "cap", "cheapest", "best", "under", "top", "miss"),
    *("gap", "step", "count", "known", "best_slot", "under_slot"),
)
"""Arrays over the crowd in play."""

SLOTS = 4
FREE_SLOT = np.array(
    [[[min({0, 1, 2, 3} - {a, b, c}) for c in range(SLOTS)] for b in range(SLOTS)] for a in range(SLOTS)]
)
"""The lots behind ``under``, ``best`` and the present burden stand in up to three slots: one that is free."""


@dataclass(eq=False)
class At:
    """What is known of burden z, USD: sums over all accounts, and bounds of the crowd in play.

    ``room`` is the cap of every account, ``slot`` says where the lots behind ``least`` stand; ``fixed`` is
    what singles and settled accounts pay; ``expected`` is what all probably pay.
    """

    z: float
    room: FloatArray
    least: FloatArray
    most: FloatArray
    slot: IntArray
    fixed: float
    lower: float
    upper: float
    expected: float


class Field:
    """The accounts of a book between two burdens."""

    def __init__(self, book: LotsBook, leaf: Leaf) -> None:
        self.book, self.leaf, self.settled = book, leaf, 0.0
        self.one = np.flatnonzero(book.size == 1)
        self.line = line = book.first[self.one]
        worth, have = book.value[line], book.lots[line]
        self.rates = lot_rates(book.base[self.one], worth)
        self.singles = self.rates, worth, have
        who = np.flatnonzero(book.size > 1)
        self.first, self.size, self.place = book.first[who], book.size[who], np.arange(who.size)
        self.base, self.cap = book.base[who] * (1 + SLACK), book.capacity[who] * (1 + SLACK)
        self.top, self.cheapest = book.total[who], book.value[self.first + self.size - 1]
        self.under, self.best = np.zeros(who.size), np.zeros(who.size)
        self.gap = self.miss = self.step = self.cheapest
        self.count, self.known = np.ones(who.size), np.zeros(who.size, dtype=bool)
        self.best_slot, self.under_slot = np.zeros((2, who.size), dtype=np.int64)
        self.last_slot = np.zeros(who.size, dtype=np.int64)
        self.lots = np.zeros(SLOTS * book.value.size)

    def ends(self, target: float) -> tuple[float, float, float]:
        """Burdens at which the target (USD) is out of reach and all lots are paid; slope (USD) at most.

        The first is the burden at which divisible lots would cover the target (Newton's method, finite).
        """
        base, total, low = self.book.base, self.book.total, 0.0
        pays = np.flatnonzero(total > 0)
        base, total = base[pays], total[pays]
        high, slope = float(np.max(total / base, initial=0.0)), float(np.sum(base))
        steep, fixed = slope, 0.0
        while steep > 0 and (target - fixed) / steep > low * (1 + SLACK):
            low = (target - fixed) / steep
            with np.errstate(over="ignore"):
                full = low * base >= total
            steep, fixed = float(np.sum(base[~full])), float(np.sum(total[full]))
        return low * BESIDE, high, slope or 1.0

    def sums(self, z: float) -> tuple[float, float, float, float]:
        """Lower bound, upper bound and estimate of what all pay (USD); variance of the estimate."""
        ends = self.base, self.cap, self.cheapest, self.best, self.under, self.top, self.miss, self.step
        low, high, expected, variance = self.leaf.bounds(z, self.singles, ends, self.known)
        return self.settled + low, self.settled + high, self.settled + expected, variance

    def room(self, z: float) -> FloatArray:
        """USD that the crowd may pay at burden z, widened by `SLACK`."""
        with np.errstate(over="ignore"):
            room: FloatArray = np.minimum(self.base * z, self.cap)
        return room

    def at(self, z: float) -> At:
        """Return what is known of burden z."""
        lower, upper, expected, _ = self.sums(z)
        room = self.room(z)
        fits = self.best <= room
        least = np.where(fits, self.best, self.under)
        most = np.minimum(room, self.top)
        most *= room >= self.cheapest
        np.maximum(most, least, out=most)
        slot = np.where(fits, self.best_slot, self.under_slot)
        return At(z, room, least, most, slot, lower - float(np.sum(least)), lower, upper, expected)

    def improve(self, at: At, rows: IntArray, paid: FloatArray, exact: BoolArray, slot: IntArray) -> None:
        """Take sums that some accounts can pay at the burden of ``at``; none is larger where exact."""
        better = paid > at.least[rows]
        at.least[rows[better]], at.slot[rows[better]] = paid[better], slot[better]
        least = at.least[rows]
        at.most[rows] = np.where(exact, least, np.maximum(at.most[rows], least))
        slack = at.most - at.least
        at.lower = at.fixed + float(np.sum(at.least))
        at.upper = at.lower + float(np.sum(slack))
        at.expected = at.upper - float(np.sum(np.minimum(slack, self.miss)))

    def search(self, at: At, rows: IntArray, tries: FloatArray, near: FloatArray) -> int:
        """Search subset sums of some accounts at the burden of ``at``; return the pair problems solved."""
        slot = FREE_SLOT[self.best_slot[rows], self.under_slot[rows], at.slot[rows]]
        lines = self.first[rows], self.size[rows], self.book.value, self.book.lots
        place = slot * self.book.value.size + lines[0]
        paid, exact, nodes = self.leaf.best_sums(at.room[rows], tries, near, lines, self.lots, place)
        failed = rows[(tries >= self.count[rows]) & ~exact]
        self.count[failed] *= 4  # more choices than were counted at another burden
        left = np.where(exact, 0.0, at.room[rows] - paid)
        self.gap[rows] = np.maximum(self.gap[rows], 0.5 * left * tries)  # coarser than it seemed
        self.improve(at, rows, paid, exact, slot)
        return nodes

    def greedy(self, at: At) -> None:
        """Try dearest lots first at the burden of ``at``, and note how hard every account is there."""
        lines = self.first, self.size, self.book.value, self.book.lots
        slot = FREE_SLOT[self.best_slot, self.under_slot, at.slot]
        place = slot * self.book.value.size + self.first
        paid, self.gap, missed, self.count = self.leaf.greedy(at.room, lines, self.lots, place)
        self.step = MISSED * missed
        self.miss = np.where(self.known, self.miss, self.step)
        self.improve(at, np.arange(paid.size), paid, np.zeros(paid.size, dtype=bool), slot)

    def lift(self, at: At) -> None:
        """Take ``at`` as the lower end of the interval."""
        better = at.least > self.best
        self.best = np.maximum(self.best, at.least)
        self.best_slot = np.where(better, at.slot, self.best_slot)
        self.under, self.under_slot, self.known = at.least, at.slot, at.least >= at.most
        self.miss = np.where(self.known, np.maximum(at.room - at.least, 0.0), self.step)

    def take(self, at: At) -> float:
        """Take ``at`` as the upper end of the interval; return the largest burden that its lots make."""
        self.best, self.best_slot, self.top = at.least, at.slot, at.most
        made = float(np.max(self.best / self.base, initial=0.0))
        rate, _, have = self.singles
        alone = float(np.max(whole_lots(rate, have, at.z) / rate, initial=0.0))
        return max(made, alone) * (1 + SLACK)

    def settle(self, low: float, high: float) -> None:
        """Drop every account that pays the same at both ends of the interval."""
        rate, worth, have = self.singles
        lots = whole_lots(rate, have, low)
        moves = whole_lots(rate, have, high) > lots
        kept = np.flatnonzero(moves)
        if kept.size < CUT * rate.size:
            lots[kept] = 0.0
            self.settled = math.fsum((self.settled, float(np.sum(lots * worth))))
            self.singles = rate[kept], worth[kept], have[kept]
        moves = self.under < self.top
        kept = np.flatnonzero(moves)
        if kept.size < CUT * moves.size:
            self.settled = math.fsum((self.settled, float(np.sum(self.under[~moves]))))
            self.last_slot[self.place] = self.best_slot
            for name in IN_PLAY:
                setattr(self, name, getattr(self, name)[kept])

    def largest_step(self, low: float, high: float) -> tuple[float, float]:
        """Size (USD, about) and burden of the largest known jump inside, zeros where there is none."""
        found = [(0.0, 0.0)]
        rate, worth, have = self.singles
        lots = whole_lots(rate, have, high)
        inside = np.flatnonzero(lots > whole_lots(rate, have, low))
        if inside.size:
            who = inside[np.argmax(worth[inside])]
            found.append((float(worth[who]), float(lots[who] / rate[who]) * (1 + SLACK)))
        burden = self.best / self.base
        inside = np.flatnonzero((low < burden) & (burden <= high))
        if inside.size:
            who = inside[np.argmax(self.step[inside])]
            found.append((float(self.step[who]), float(burden[who]) * (1 + SLACK)))
        return max(found)

    def line_lots(self, z: float) -> FloatArray:
        """Lots of every line of the book at the upper end z of the interval."""
        book = self.book
        self.last_slot[self.place] = self.best_slot
        slot = np.zeros(book.size.size, dtype=np.int64)
        slot[book.size > 1] = self.last_slot
        lots: FloatArray = self.lots[slot[book.account] * book.value.size + np.arange(book.value.size)]
        lots[self.line] = whole_lots(self.rates, book.lots[self.line], z)
        return lots
