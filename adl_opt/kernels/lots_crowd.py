"""Accounts with several positions in play: bounds on what they pay, sharpened where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from adl_opt.kernels.lots_book import Book, caps
from adl_opt.kernels.lots_tables import make_tables
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray

WIDER = 8
"""A subset sum that is still open is searched again with so many times the counts."""


@dataclass(eq=False)
class CrowdAt:
    """What the accounts in play pay at one burden: bounds (USD), whose best sum so far ``fits``, whose subset
    sums are ``done`` at this very burden, and whose ``fresh`` lots are better than those known before."""

    z: float
    room: FloatArray
    lower: FloatArray
    upper: FloatArray
    step: FloatArray
    fits: BoolArray
    done: BoolArray = field(init=False)
    fresh: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self.done, self.fresh = np.zeros(self.lower.size, dtype=bool), np.zeros(self.lower.size, dtype=bool)

    def missed(self) -> FloatArray:
        """USD that accounts probably leave below their upper bounds."""
        return np.minimum(self.upper - self.lower, self.step)

    def slack(self) -> FloatArray:
        """USD between the bounds."""
        return self.upper - self.lower


class Crowd:
    """Accounts with several lines, as arrays over those in play.

    ``under`` is a sum reachable at the lower end of the search's interval, ``best`` one reachable at the upper
    end, ``top`` a sum that nobody passes there (all USD).  The lots behind ``under`` and ``best``, and behind
    the searches of the present burden, are kept by account in tables that are never cut.
    """

    def __init__(self, book: Book) -> None:
        self.tables = make_tables(book)
        sizes = [table.who.size for table in self.tables]
        self.start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        who = np.concatenate([np.empty(0, dtype=np.int64), *(table.who for table in self.tables)])
        self.place = np.arange(who.size)
        self.base, self.capacity, self.top = book.base[who], book.capacity[who], book.total[who]
        self.cheapest = np.concatenate([np.zeros(0), *(cheapest_lot(t.value, t.most) for t in self.tables)])
        self.width = np.zeros(who.size, dtype=np.int64)  # counts tried of every enumerated position
        self.step = self.cheapest  # USD between neighbouring sums, on average
        self.open: list[FloatArray] = []
        self.settled = 0.0
        self.under, self.best = np.zeros(who.size), np.zeros(who.size)
        self.under_lots, self.best_lots, self.fresh_lots = (
            [np.zeros_like(table.value) for table in self.tables] for _ in range(3)
        )

    def at(self, z: float) -> CrowdAt:
        """Bounds at burden z, from what is known of both ends of the interval."""
        room = caps(z, self.base, self.capacity)
        fits = self.best <= room
        lower = np.where(fits, self.best, self.under)
        upper = np.minimum(room, self.top)
        upper *= room >= self.cheapest
        return CrowdAt(z, room, lower, np.maximum(upper, lower, out=upper), self.step, fits)

    def measure(self, high: float) -> None:
        """Note how far apart the sums near ``high`` lie, and what it costs at most to search them."""
        room = caps(high, self.base, self.capacity)
        steps = [self.tables[k].mean_step(room[mine]) for k, mine, _ in self.groups(self.place)]
        self.step = np.concatenate([np.zeros(0), *steps])
        self.open = [self.tables[k].enumerated(room[mine]) for k, mine, _ in self.groups(self.place)]

    def next_width(self, at: CrowdAt, rows: IntArray) -> IntArray:
        """Counts to try next."""
        width = self.width[rows]
        return np.maximum(np.where(at.done[rows], WIDER * width, width), 1)

    def cost(self, rows: IntArray, width: IntArray) -> FloatArray:
        """Pairs to solve for some accounts, at most."""
        cost = np.ones(rows.size)
        for k, mine, column in self.groups(rows):
            if len(self.open[k]):
                cost[mine] = np.prod(np.minimum(self.open[k][:, column] + 1, width[mine]), axis=0)
        return cost

    def spent(self, rows: IntArray) -> BoolArray:
        """Say for some accounts whether no wider search exists."""
        most = np.zeros(rows.size)
        for k, mine, column in self.groups(rows):
            most[mine] = np.max(self.open[k][:, column], axis=0, initial=0.0)
        spent: BoolArray = self.width[rows] > most
        return spent

    def search(self, at: CrowdAt, rows: IntArray, width: IntArray) -> int:
        """Search subset sums of these accounts at the burden of ``at``; return the pairs solved."""
        nodes = 0
        self.width[rows] = width
        at.done[rows] = True
        for k, mine, column in self.groups(rows):
            who = rows[mine]
            found = self.tables[k].best(column, at.room[who], width[mine])
            self.improve(at, k, who, found.total, found.lots)
            at.upper[who] = np.where(found.exact, at.lower[who], np.maximum(at.upper[who], at.lower[who]))
            nodes += found.nodes
        return nodes

    def fill(self, at: CrowdAt) -> None:
        """Try dearest lots first at the burden of ``at``, for every account in play."""
        for k, mine, column in self.groups(np.arange(self.place.size)):
            lots, paid = self.tables[k].greedy(column, at.room[mine])
            self.improve(at, k, np.arange(mine.start, mine.stop), paid, lots)
        np.maximum(at.upper, at.lower, out=at.upper)

    def improve(self, at: CrowdAt, k: int, who: IntArray, paid: FloatArray, lots: FloatArray) -> None:
        """Keep the sums, and the lots behind them, that are larger than those known."""
        better = np.flatnonzero(paid > at.lower[who])
        rows = who[better]
        at.lower[rows], at.fresh[rows] = paid[better], True
        self.fresh_lots[k][:, self.place[rows] - self.start[k]] = lots[:, better]

    def groups(self, rows: IntArray) -> Iterator[tuple[int, slice, IntArray]]:
        """Part some accounts in play (ascending) by table: its number, which of them, and their columns."""
        place = self.place[rows]
        cut = np.searchsorted(place, self.start).tolist()
        for k in range(len(self.tables)):
            if cut[k + 1] > cut[k]:
                mine = slice(cut[k], cut[k + 1])
                yield k, mine, place[mine] - self.start[k]

    def lift(self, at: CrowdAt) -> None:
        """Take ``at`` as the lower end of the interval."""
        self.copy(self.under_lots, self.best_lots, at.fits & ~at.fresh)
        self.copy(self.under_lots, self.fresh_lots, at.fresh)
        self.copy(self.best_lots, self.fresh_lots, at.lower > self.best)
        self.under, self.best = at.lower, np.maximum(at.lower, self.best)

    def take(self, at: CrowdAt) -> None:
        """Take ``at`` as the upper end of the interval."""
        self.copy(self.best_lots, self.under_lots, ~at.fits & ~at.fresh)
        self.copy(self.best_lots, self.fresh_lots, at.fresh)
        self.best, self.top = at.lower, at.upper

    def copy(self, into: list[FloatArray], source: list[FloatArray], chosen: BoolArray) -> None:
        """Copy the lots of some accounts in play."""
        for k, _, column in self.groups(np.flatnonzero(chosen)):
            into[k][:, column] = source[k][:, column]

    def settle(self) -> None:
        """Drop the accounts that pay the same at both ends."""
        moves = self.under < self.top
        kept = np.flatnonzero(moves)
        if kept.size < moves.size:
            self.settled += float(np.sum(self.under[~moves]))
            for name in ("place", "base", "capacity", "top", "cheapest", "step", "width", "under", "best"):
                setattr(self, name, getattr(self, name)[kept])

    def last_step(self, low: float, high: float) -> float:
        """Largest burden inside at which a known best sum begins to fit, 0 where none does."""
        burden = self.best / self.base
        return float(np.max(burden[(low < burden) & (burden <= high)], initial=0.0))


def cheapest_lot(value: FloatArray, most: FloatArray) -> FloatArray:
    """USD of the cheapest lot that every account holds."""
    return np.min(np.where(most > 0, value, np.inf), axis=0, initial=np.inf)
