"""The search of the min-max burden over lots: a proven interval around z*, shrunk until nothing fits between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book, Greedy, caps, relaxed_burden
from adl_opt.kernels.subset_sums import COLUMNS, BoolArray, FloatArray, IntArray, best_sums

GAP_GOAL = 1e-9
"""Above `FREE_NODES` the search stops at this proven relative gap; below, it goes on to zero."""

FREE_NODES = 50_000


@dataclass
class Crowd:
    """Accounts with the same number P of positions in play, P >= 2 (arrays over accounts, then positions)."""

    line: IntArray
    base: FloatArray
    capacity: FloatArray
    total: FloatArray
    value: FloatArray
    lots: FloatArray
    width: IntArray
    best: FloatArray  # a reachable sum at the upper end of the interval, and its lots
    best_lots: FloatArray
    sure: BoolArray  # no larger sum is reachable there

    def keep(self, rows: BoolArray) -> None:
        """Drop the other accounts."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name)[rows])

    def cost(self, width: IntArray) -> FloatArray:
        """Pairs to solve for each account, at most."""
        tries = np.minimum(self.lots[:, 2:COLUMNS] + 1, width[:, None])
        return np.asarray(np.prod(tries, axis=1), dtype=np.float64)

    def at(self, z: float) -> CrowdAt:
        """Bounds at burden z; an account whose best sum still fits and is known to be the best is not redone."""
        room = caps(z, self.base, self.capacity)
        lower, lots, sure = self.best.copy(), self.best_lots.copy(), self.sure.copy()
        redo = np.flatnonzero((self.best > room) | ~self.sure)
        found = best_sums(room[redo], self.value[redo], self.lots[redo], self.width[redo])
        sure[redo] = found.exact
        better = (found.total > lower[redo]) | (lower[redo] > room[redo])
        lower[redo[better]], lots[redo[better]] = found.total[better], found.lots[better]
        upper = np.where(sure, lower, np.minimum(room, self.total))
        return CrowdAt(lower, np.maximum(upper, lower), lots, sure, found.nodes)


@dataclass(frozen=True)
class CrowdAt:
    """What a crowd pays at one burden."""

    lower: FloatArray
    upper: FloatArray
    lots: FloatArray
    sure: BoolArray
    nodes: int


@dataclass(frozen=True)
class At:
    """What everybody pays at one burden: the proven bounds on the total and the pieces behind them."""

    z: float
    lower: float
    upper: float
    single_lots: FloatArray
    crowds: list[CrowdAt]


class Search:
    """Interval ``(low, high]`` that holds z*: at ``low`` the budget is out of reach, at ``high`` it is covered.

    ``lots`` are the lots of every line of the book at ``high``; ``covered`` says that they reach the target.
    """

    def __init__(self, book: Book, target: float, node_limit: int) -> None:
        self.book, self.target, self.node_limit = book, target, node_limit
        self.nodes = 0
        self.greedy = Greedy(book)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.top = float(np.max(np.where(book.total > 0, book.total / book.base, 0.0), initial=0.0))
        self.low, self.high, self.covered = 0.0, self.top, False
        self.under, self.over = 0.0, 0.0  # best known totals at both ends
        self.settled = 0.0
        self.coarse()
        self.lots = self.greedy.fill(self.high)
        self.split()

    def coarse(self) -> None:
        """Shrink the interval with the greedy bounds only."""
        z = self.low = relaxed_burden(self.book, self.target) * (1 - 4 * SLACK)
        slope = float(np.sum(self.book.base[self.book.total > 0])) or 1.0
        for _ in range(16):
            z = min(z, self.top)
            lower, upper = self.greedy.bounds(z)
            if lower >= self.target:
                self.high, self.over, self.covered = z, (lower + upper) / 2, True
            elif upper < self.target:
                self.low, self.under = z, (lower + upper) / 2
            if z == self.top and not self.covered:
                return
            if self.over > self.under > 0 and self.high > self.low:
                slope = (self.over - self.under) / (self.high - self.low)
            above = z + 1.05 * (self.target - lower) / slope
            below = z - 1.05 * (upper - self.target) / slope
            if not self.covered:
                z = max(above, 2 * z - self.low, z * (1 + 1e-9))
            elif self.low < above < self.high - 0.2 * (self.high - self.low):
                z = above
            elif self.low + 0.2 * (self.high - self.low) < below < self.high:
                z = below
            else:
                return

    def split(self) -> None:
        """Part the accounts in play at ``high`` into singles (closed form) and crowds (subset sums)."""
        book = self.book
        room = caps(self.high, book.base, book.capacity)
        lots = np.minimum(book.lots, np.floor(room[book.account] / book.value))
        line = np.flatnonzero(lots > 0)
        size = np.bincount(book.account[line], minlength=room.size)
        alone = size[book.account[line]] == 1
        self.single = line[alone]
        self.single_lots = self.lots[self.single]
        self.crowds: list[Crowd] = []
        line = line[~alone]
        line = line[np.lexsort((-lots[line], book.account[line]))]
        for p in np.flatnonzero(np.bincount(size)[2:]) + 2:
            rows = line[size[book.account[line]] == p].reshape(-1, p)
            who = book.account[rows[:, 0]]
            have, value = self.lots[rows], book.value[rows]
            paid = np.sum(have * value, axis=1)
            total = np.minimum(np.sum(book.lots[rows] * value, axis=1), book.total[who])
            wide = np.ones(who.size, dtype=np.int64)
            sure = np.zeros(who.size, dtype=bool)
            crowd = (rows, book.base[who], book.capacity[who], total, value, lots[rows], wide, paid, have, sure)
            self.crowds.append(Crowd(*crowd))
        self.read_singles()
        self.settle()

    def read_singles(self) -> None:
        """Copy the columns of the singles in play."""
        book, who = self.book, self.book.account[self.single]
        self.base, self.capacity = book.base[who], book.capacity[who]
        self.value, self.most = book.value[self.single], book.lots[self.single]

    def single_at(self, z: float) -> FloatArray:
        """Lots of the singles at burden z."""
        return np.minimum(self.most, np.floor(caps(z, self.base, self.capacity) / self.value))

    def at(self, z: float) -> At | None:
        """Bounds on the total at burden z, or None where the node limit forbids them."""
        if self.nodes + sum(float(np.sum(c.cost(c.width))) for c in self.crowds) > self.node_limit:
            return None
        lots = self.single_at(z)
        crowds = [crowd.at(z) for crowd in self.crowds]
        self.nodes += sum(c.nodes for c in crowds)
        fixed = self.settled + float(np.sum(lots * self.value))
        lower = fixed + sum(float(np.sum(c.lower)) for c in crowds)
        upper = fixed + sum(float(np.sum(c.upper)) for c in crowds)
        return At(z, lower, upper, lots, crowds)

    def raise_low(self, at: At) -> None:
        """Accept that the budget is out of reach at ``at.z``."""
        self.low, self.under = at.z, (at.lower + at.upper) / 2
        self.settle()

    def take(self, at: At) -> None:
        """Take over the lots of an evaluation as those at the upper end."""
        self.single_lots = at.single_lots
        self.lots[self.single] = at.single_lots
        for crowd, got in zip(self.crowds, at.crowds, strict=True):
            crowd.best, crowd.best_lots, crowd.sure = got.lower, got.lots, got.sure
            self.lots[crowd.line] = got.lots

    def lower_high(self, at: At) -> None:
        """Accept a cover at ``at.z``: the new upper end is the largest burden that its lots really make."""
        self.take(at)
        self.covered, self.over = True, (at.lower + at.upper) / 2
        tops = [float(np.max(self.single_lots * self.value / self.base, initial=0.0))]
        tops += [float(np.max(crowd.best / crowd.base, initial=0.0)) for crowd in self.crowds]
        self.high = min(at.z, max(*tops, self.low))
        self.settle()

    def settle(self) -> None:
        """Drop every account that pays the same at both ends of the interval."""
        moves = self.single_at(self.low) < self.single_lots
        if not moves.all():
            self.settled += float(np.sum((self.single_lots * self.value)[~moves]))
            self.single, self.single_lots = self.single[moves], self.single_lots[moves]
            self.read_singles()
        for crowd in self.crowds:
            still = crowd.sure & (crowd.best <= caps(self.low, crowd.base, crowd.capacity))
            if still.any():
                self.settled += float(np.sum(crowd.best[still]))
                crowd.keep(~still)
        self.crowds = [crowd for crowd in self.crowds if crowd.best.size]

    def sharpen(self, at: At) -> bool:
        """Search the loosest accounts wider; False where nothing is loose or the node limit is near."""
        slack = [c.upper - c.lower for c in at.crowds]
        wider = [np.where(c.width > 1, 4 * c.width, 8) for c in self.crowds]
        cost = [c.cost(w) for c, w in zip(self.crowds, wider, strict=True)]
        room = np.concatenate([np.zeros(0), *slack])
        worth = room / np.concatenate([np.ones(0), *cost])
        order = np.argsort(-worth, kind="stable")
        keep = np.cumsum(room[order]) <= 0.7 * np.sum(room)
        keep[:1] = True
        chosen = np.zeros(room.size, dtype=bool)
        chosen[order[keep]] = True
        chosen &= room > 0
        grown, start = False, 0
        for crowd, width in zip(self.crowds, wider, strict=True):
            rows = chosen[start : start + crowd.best.size] & np.any(crowd.lots[:, 2:COLUMNS] >= crowd.width[:, None], axis=1)
            start += crowd.best.size
            grown |= bool(rows.any())
            crowd.width = np.where(rows, width, crowd.width)
        return grown

    def closed(self) -> bool:
        """Say whether no burden is left strictly inside the interval."""
        return self.high * (1 - 4 * SLACK) <= self.low

    def good_enough(self) -> bool:
        """Say whether the gap is at its goal and more nodes would no longer be free."""
        return self.nodes > FREE_NODES and self.high - self.low <= GAP_GOAL * self.high

    def cover(self) -> At | None:
        """Look for a cover at the upper end itself when the greedy fill has none."""
        while True:
            at = self.at(self.high)
            if at is None:
                return None
            if at.lower >= self.target:
                self.lower_high(at)
                return at
            self.take(at)
            if not self.sharpen(at):
                return at

    def run(self) -> None:
        """Shrink the interval until it is closed, good enough, or the node limit is reached."""
        if not self.covered:
            at = self.cover()
            if not self.covered:
                if at is not None and at.upper == at.lower:
                    self.low = self.high
                return
        z = self.high * (1 - 4 * SLACK) if self.few() else (self.low + self.high) / 2
        while not self.closed():
            width = self.high - self.low
            at = self.at(z)
            if at is None:
                return
            decided = True
            if at.lower >= self.target:
                self.lower_high(at)
            elif at.upper < self.target:
                self.raise_low(at)
            else:
                decided = False
            z = self.next_probe(at, decided, self.high - self.low < 0.6 * width)
            if not self.low < z < self.high:
                if self.good_enough() or not self.sharpen(at):
                    return
                z = at.z

    def few(self) -> bool:
        """Say whether so few accounts can still move that stepping down from the top is quickest."""
        return self.single.size + sum(c.best.size for c in self.crowds) <= 3

    def next_probe(self, at: At, decided: bool, shrunk: bool) -> float:
        """Burden to try next; ``high`` itself where only sharper bounds help."""
        low, high = self.low, self.high
        if decided and self.few():
            return high * (1 - 4 * SLACK)
        if decided and not shrunk:
            return (low + high) / 2
        rise = self.over - self.under
        slope = rise / (high - low) if rise > 0 and high > low else np.inf
        above = at.z + 1.1 * (self.target - at.lower) / slope
        below = at.z - 1.1 * (at.upper - self.target) / slope
        options = []
        if low < above < high:
            options.append((above - low, above))
        if low < below < high:
            options.append((high - below, below))
        width, z = min(options, default=(np.inf, high))
        if width <= 0.6 * (high - low):
            return z
        return (low + high) / 2 if decided else high
