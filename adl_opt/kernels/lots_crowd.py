"""Accounts with several positions in play: bounds on what they pay, sharpened where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.lots_tables import in_order, make_tables
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray, best_of_many

MISSED = 0.6
"""The best sum lies below the room by about so many mean distances of neighbouring sums."""

CUT = 0.9
"""Accounts that pay the same at both ends are dropped once so small a share is left, or a smaller one."""

WIDER = 8
"""A subset sum that is still open is searched again with so many times the counts."""

IN_PLAY = ("place", "base", "room", "top", "cheapest", "step", "miss", "known", "width", "under", "best")
"""Arrays of a crowd over the accounts in play."""


@dataclass(eq=False)
class CrowdAt:
    """What the accounts in play pay at one burden z: bounds, USD.

    Flags: the best sum known ``fits``; subset sums are ``done`` at this very burden; ``fresh`` lots are
    better than those known before.
    """

    z: float
    room: FloatArray
    lower: FloatArray
    upper: FloatArray
    step: FloatArray
    miss: FloatArray
    known: BoolArray
    fits: BoolArray
    done: BoolArray = field(init=False)
    fresh: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self.done, self.fresh = np.zeros(self.lower.size, dtype=bool), np.zeros(self.lower.size, dtype=bool)

    def missed(self) -> FloatArray:
        """USD that accounts probably leave below their upper bounds."""
        return np.minimum(self.slack(), self.miss)

    def variance(self) -> FloatArray:
        """Variance of what accounts leave below their upper bounds."""
        slack = self.slack()
        missed = np.minimum(slack, self.miss)
        grown = np.minimum(slack - missed, self.step)
        return np.where(self.known, grown * self.step, missed * missed)

    def slack(self) -> FloatArray:
        """USD between the bounds."""
        return self.upper - self.lower


class Crowd:
    """Accounts with several lines, as arrays over those in play.

    ``under`` is a sum reachable at the lower end of the search's interval, ``best`` one reachable at the
    upper end, ``top`` a sum that nobody passes there (all USD).  The lots behind ``under`` and ``best``, and
    behind the searches of the present burden, are kept by account in tables that are never cut.
    """

    def __init__(self, book: Book) -> None:
        self.tables = make_tables(book)
        sizes = [table.who.size for table in self.tables]
        self.start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        who = np.concatenate([np.empty(0, dtype=np.int64), *(table.who for table in self.tables)])
        self.place = np.arange(who.size)
        self.base, self.top = book.base[who], book.total[who]
        self.room = book.capacity[who] * (1 + SLACK)
        self.cheapest = np.concatenate([np.zeros(0), *(cheapest_lot(t.value, t.most) for t in self.tables)])
        self.width = np.zeros(who.size, dtype=np.int64)  # counts tried of every enumerated position
        self.step = self.cheapest  # USD between neighbouring sums, on average
        self.miss = self.step  # USD that the best sum at the lower end leaves below the room, about
        self.known = np.zeros(who.size, dtype=bool)  # where that is exact
        self.settled = 0.0
        self.under, self.best = np.zeros(who.size), np.zeros(who.size)
        self.under_lots, self.best_lots, self.fresh_lots = (
            [np.zeros_like(table.value) for table in self.tables] for _ in range(3)
        )

    def caps(self, z: float) -> FloatArray:
        """USD that accounts may pay at burden z, widened by `SLACK`."""
        with np.errstate(over="ignore"):
            room: FloatArray = np.minimum(self.base * (z * (1 + SLACK)), self.room)
        return room

    def at(self, z: float) -> CrowdAt:
        """Bounds at burden z, from what is known of both ends of the interval."""
        room = self.caps(z)
        fits = self.best <= room
        lower = np.where(fits, self.best, self.under)
        upper = np.minimum(room, self.top)
        upper *= room >= self.cheapest
        return CrowdAt(
            z, room, lower, np.maximum(upper, lower, out=upper), self.step, self.miss, self.known, fits
        )

    def measure(self, z: float) -> None:
        """Note how far apart the sums near burden z lie."""
        room = self.caps(z)
        steps = [self.tables[k].mean_step(room[mine]) for k, mine, _ in self.groups(self.rows())]
        self.step = self.miss = MISSED * np.concatenate([np.zeros(0), *steps])
        self.known[:] = False

    def begin(self, z: float) -> None:
        """Take dearest lots first at burden z as all that is known of both ends."""
        room = self.caps(z)
        for k, mine, column in self.groups(self.rows()):
            self.under_lots[k], self.under[mine] = self.tables[k].greedy(column, room[mine])
        self.best_lots, self.best = [lots.copy() for lots in self.under_lots], self.under.copy()

    def effort(self, at: CrowdAt, rows: IntArray) -> tuple[IntArray, FloatArray, BoolArray]:
        """Next width of some accounts, the pairs to solve then, and whether no wider search exists."""
        width = self.width[rows]
        wider = np.maximum(np.where(at.done[rows], WIDER * width, width), 1)
        cost, spent = np.ones(rows.size), at.done[rows]
        for k, mine, column in self.groups(rows):
            if len(self.tables[k].value) > 2:
                open_ = self.tables[k].enumerated(column, at.room[rows[mine]])
                cost[mine] = np.prod(np.minimum(open_ + 1, wider[mine]), axis=0)
                spent[mine] &= width[mine] > np.max(open_, axis=0)
        return wider, cost, spent

    def search(self, at: CrowdAt, rows: IntArray, width: IntArray) -> int:
        """Search subset sums of these accounts at the burden of ``at``; return the pairs solved."""
        self.width[rows] = width
        at.done[rows] = True
        groups = list(self.groups(rows))
        parts = [self.tables[k].nodes(column, at.room[rows[mine]], width[mine]) for k, mine, column in groups]
        best = best_of_many([nodes for nodes, _ in parts])
        for (k, mine, _), (_, order), found in zip(groups, parts, best, strict=True):
            who = rows[mine]
            self.improve(at, k, who, found.total, in_order(found.lots, order))
            at.upper[who] = np.where(found.exact, at.lower[who], np.maximum(at.upper[who], at.lower[who]))
        return sum(found.nodes for found in best)

    def fill(self, at: CrowdAt) -> None:
        """Try dearest lots first at the burden of ``at``, for every account in play."""
        for k, mine, column in self.groups(self.rows()):
            lots, paid = self.tables[k].greedy(column, at.room[mine])
            self.improve(at, k, np.arange(mine.start, mine.stop), paid, lots)
        np.maximum(at.upper, at.lower, out=at.upper)

    def improve(self, at: CrowdAt, k: int, who: IntArray, paid: FloatArray, lots: FloatArray) -> None:
        """Keep the sums, and the lots behind them, that are larger than those known."""
        better = np.flatnonzero(paid > at.lower[who])
        rows = who[better]
        at.lower[rows], at.fresh[rows] = paid[better], True
        self.fresh_lots[k][:, self.place[rows] - self.start[k]] = lots[:, better]

    def rows(self) -> IntArray:
        """All rows in play."""
        return np.arange(self.base.size)

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
        self.copy(self.under_lots, self.best_lots, at.fits & ~at.fresh & (self.best > self.under))
        self.copy(self.under_lots, self.fresh_lots, at.fresh)
        self.copy(self.best_lots, self.fresh_lots, at.lower > self.best)
        self.under, self.best = at.lower, np.maximum(at.lower, self.best)
        self.known = at.lower >= at.upper
        self.miss = np.where(self.known, np.maximum(at.room - at.lower, 0.0), self.step)

    def take(self, at: CrowdAt) -> None:
        """Take ``at`` as the upper end of the interval."""
        self.copy(self.best_lots, self.under_lots, ~(at.fits | at.fresh) & (self.best > self.under))
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
        if kept.size < CUT * moves.size:
            self.settled += float(np.sum(self.under[~moves]))
            for name in IN_PLAY:
                setattr(self, name, getattr(self, name)[kept])

    def largest_step(self, low: float, high: float) -> tuple[float, float]:
        """Size (USD, about) and burden of the largest known jump inside, zeros where there is none."""
        burden = self.best / self.base
        inside = np.flatnonzero((low < burden) & (burden <= high))
        if inside.size == 0:
            return 0.0, 0.0
        who = inside[np.argmax(self.step[inside])]
        return float(self.step[who]), float(burden[who])


def cheapest_lot(value: FloatArray, most: FloatArray) -> FloatArray:
    """USD of the cheapest lot that every account holds."""
    cheapest: FloatArray = np.min(np.where(most > 0, value, np.inf), axis=0, initial=np.inf)
    return cheapest
