"""`Payers`, compiled: singles and crowd as flat arrays over the accounts in play."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.kernels.compiled import choose, crowd, ends, singles, sums
from adl_opt.kernels.compiled.book import start
from adl_opt.kernels.compiled.crowd import Ends, Lines
from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.lots_crowd import CrowdAt
from adl_opt.kernels.lots_payers import LEFT, At, Start
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray

IN_PLAY = (
    *("first", "size", "width", "known", "base", "most", "top", "cheapest"),
    *("step", "miss", "under", "best"),
)
"""Arrays over the crowd in play, in the order of `ends.settle`."""


class CompiledPayers:
    """Twin of `ArrayPayers`: fields of `Singles` and `Crowd`, the crowd's lots by line of the book."""

    first: IntArray
    size: IntArray
    width: IntArray
    known: BoolArray
    base: FloatArray
    most: FloatArray
    top: FloatArray
    cheapest: FloatArray
    step: FloatArray
    miss: FloatArray
    under: FloatArray
    best: FloatArray

    def __init__(self, book: Book) -> None:
        self.book = book
        self.alone, who = crowd.by_kind(book.size)
        self.singles = singles.laid_out(self.alone, book.first, book.base, book.value, book.lots)
        arrays = (book.first, book.size, book.base, book.capacity, book.total, book.value)
        parts = crowd.laid_out(who, *arrays)
        self.first, self.size, self.base, self.most, self.top, self.cheapest = parts
        self.width, self.known = np.zeros(who.size, dtype=np.int64), np.zeros(who.size, dtype=np.bool_)
        self.step, self.miss = self.cheapest.copy(), self.cheapest.copy()
        self.under, self.best = np.zeros(who.size), np.zeros(who.size)
        self.under_lots = self.best_lots = self.fresh_lots = np.zeros(book.value.size)
        self.settled_singles = self.settled = 0.0

    def start(self, target: float) -> Start:
        """Return the ends of the interval, and what is known there."""
        return Start(*start(self.book.base, self.book.total, target))

    def at(self, z: float) -> At:
        """Bounds at burden z from what is known of both ends of the search's interval."""
        return self._added(At(z, self._fixed(z), self._crowd(z)))

    def expected(self, z: float) -> float:
        """USD that the accounts probably pay at burden z."""
        return self._fixed(z) + crowd.expected(z * (1 + SLACK), self._ends(), self.miss)

    def doubt(self, z: float) -> float:
        """USD by which what they pay is off, about: a standard deviation."""
        guesses = self.step, self.miss, self.known
        return math.sqrt(crowd.variance(z * (1 + SLACK), self._ends(), *guesses))

    def _fixed(self, z: float) -> float:
        """USD that singles and settled accounts pay at burden z."""
        paid = singles.pay(*self.singles, z)
        return math.fsum((self.settled_singles, *paid)) + self.settled

    def _crowd(self, z: float) -> CrowdAt:
        """Bounds of the crowd in play at burden z."""
        room, lower, upper, fits = crowd.bounds(z * (1 + SLACK), self._ends())
        return CrowdAt(z, room, lower, upper, self.step, self.miss, self.known, fits)

    def _ends(self) -> Ends:
        """Return what is known of both ends of the interval."""
        return self.base, self.most, self.cheapest, self.best, self.under, self.top

    def _lines(self) -> Lines:
        """Return the lines of the crowd in play."""
        return self.first, self.size, self.book.value, self.book.lots

    def _added(self, at: At) -> At:
        """Sum the pieces."""
        lower, upper, expected = crowd.totals(at.crowd.lower, at.crowd.upper, self.miss)
        at.lower, at.upper, at.expected = at.fixed + lower, at.fixed + upper, at.fixed + expected
        return at

    def sharpen(self, at: At, target: float, allowance: int, trust: bool) -> int:
        """Search subset sums where the bounds lose most by node; return the nodes, 0: none are allowed."""
        part = at.crowd
        side = (1 if at.expected >= target else -1) if trust else 0
        margin = LEFT * abs(at.expected - target) if trust else 0.0
        known = part.room, part.lower, part.upper
        rows, width, cost = choose.choose(
            side, margin, allowance, *known, self.miss, part.done, self.width, self._lines()
        )
        if rows.size == 0:
            return 0
        self.width[rows], part.done[rows] = width, True
        found = part.lower, part.upper, part.fresh, self.fresh_lots
        nodes = sums.search(rows, width, cost, part.room, self._lines(), *found)
        self._added(at)
        return nodes

    def fill(self, at: At) -> None:
        """Try dearest lots first at the burden of ``at``."""
        part = at.crowd
        paid, lots = crowd.greedy(part.room, self._lines())
        known = part.lower, part.upper, part.fresh
        ends.improve(paid, lots, *known, self.first, self.size, self.fresh_lots)
        self._added(at)

    def lift(self, at: At) -> None:
        """Take ``at`` as the lower end of the interval."""
        part = at.crowd
        ends.lift(
            *(part.room, part.lower, part.upper, part.fits, part.fresh, self.first, self.size),
            *(self.step, self.miss, self.known, self.under, self.best),
            *(self.under_lots, self.best_lots, self.fresh_lots),
        )

    def take(self, at: At) -> float:
        """Take ``at`` as the upper end of the interval; return the largest burden that its lots make."""
        part = at.crowd
        made = ends.take(
            *(part.lower, part.upper, part.fits, part.fresh, self.first, self.size, self.base),
            *(self.top, self.under, self.best, self.under_lots, self.best_lots, self.fresh_lots),
        )
        return max(singles.made(*self.singles, at.z), made)

    def settle(self, low: float, high: float) -> None:
        """Drop every account that pays the same at both ends of the interval."""
        count, paid = singles.settle(*self.singles, low, high)
        if count < self.singles[0].size:
            self.settled_singles = math.fsum((self.settled_singles, *paid))
            rate, value, most = self.singles
            self.singles = rate[:count], value[:count], most[:count]
        count, crowd_paid = ends.settle(*(getattr(self, name) for name in IN_PLAY))
        if count < self.base.size:
            self.settled += crowd_paid
            for name in IN_PLAY:
                setattr(self, name, getattr(self, name)[:count])

    def largest_step(self, low: float, high: float) -> tuple[float, float]:
        """Size (USD, about) and burden of the largest known jump inside, zeros where there is none."""
        alone = singles.largest_step(*self.singles, low, high)
        return max(alone, crowd.largest_step(self.base, self.step, self.best, low, high))

    def measure(self, z: float) -> None:
        """Note how far apart the sums near burden z lie."""
        room = crowd.rooms(z * (1 + SLACK), self.base, self.most)
        self.step = crowd.mean_steps(room, self._lines())
        self.miss = self.step.copy()
        self.known[:] = False

    def begin(self, z: float) -> None:
        """Take dearest lots first at burden z as all that is known of both ends."""
        room = crowd.rooms(z * (1 + SLACK), self.base, self.most)
        found = crowd.greedy(room, self._lines())
        self.under, self.under_lots = found
        self.best, self.best_lots = self.under.copy(), self.under_lots.copy()

    def lots(self, z: float) -> FloatArray:
        """Lots of every line of the book at the upper end z of the interval."""
        book, lots = self.book, self.best_lots
        singles.write_lots(z, self.alone, book.first, book.base, book.value, book.lots, lots)
        return lots
