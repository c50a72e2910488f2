"""The search of the min-max burden over lots: a proven interval around z*, shrunk until it is closed."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.lots_book import SLACK, Book, caps
from adl_opt.kernels.lots_coarse import Greedy, coarse_interval
from adl_opt.kernels.lots_crowd import At, Crowd
from adl_opt.kernels.subset_sums import FloatArray, IntArray

GAP_GOAL = 1e-9
"""Above `FREE_NODES` the search stops at this proven relative gap; below, it goes on to zero."""

FREE_NODES = 50_000


class Search:
    """Interval ``(low, high]`` that holds z*: the budget is out of reach at ``low``, covered at ``high``.

    ``lots`` are the lots of every line of the book at ``high``; ``covered`` says that they reach the target.
    """

    def __init__(self, book: Book, target: float, node_limit: int) -> None:
        self.book, self.target, self.node_limit = book, target, node_limit
        self.nodes = 0
        self.settled = 0.0
        self.slope = 0.0  # USD per unit of burden across the interval, 0 while unknown
        greedy = Greedy(book)
        self.low, self.high, self.covered = coarse_interval(greedy, target)
        self.lots = greedy.fill(self.high)
        self.roof = float(np.sum(self.lots * book.value))
        self.known_low = self.known_high = False  # whether floor and roof come from a search
        self.split()
        self.floor = self.settled + float(np.sum(self.single_at(self.low) * self.value))
        self.floor += sum(float(np.sum(crowd.under)) for crowd in self.crowds)

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
        line = line[~alone]
        line = line[np.lexsort((-lots[line], book.account[line]))]
        self.crowds: list[Crowd] = []
        start = 2
        for columns in (2, 3, 4, *(2**power for power in range(3, 64))):
            if start > size.max(initial=0):
                break
            mine = line[(size[book.account[line]] >= start) & (size[book.account[line]] <= columns)]
            if mine.size:
                self.crowds.append(self.gather(mine, lots, columns))
            start = columns + 1
        self.read_singles()
        self.settle()

    def gather(self, line: IntArray, most: FloatArray, columns: int) -> Crowd:
        """Put the lines of some accounts into a padded table."""
        book = self.book
        who, row, count = np.unique(book.account[line], return_inverse=True, return_counts=True)
        place = np.arange(line.size) - (np.cumsum(count) - count)[row]
        table = np.full((who.size, columns), -1)
        table[row, place] = line
        real = table >= 0
        value = np.where(real, book.value[table], 1.0)
        have = np.where(real, self.lots[table], 0.0)
        total = np.minimum(np.sum(np.where(real, book.lots[table], 0.0) * value, axis=1), book.total[who])
        return Crowd(
            line=table,
            base=book.base[who],
            capacity=book.capacity[who],
            total=total,
            value=value,
            lots=np.where(real, most[table], 0.0),
            width=np.zeros(who.size, dtype=np.int64),
            under=np.minimum(caps(self.low, book.base[who], book.capacity[who]), total),
            best=np.sum(have * value, axis=1),
            best_lots=have,
            sure=np.zeros(who.size, dtype=bool),
        )

    def read_singles(self) -> None:
        """Copy the columns of the singles in play."""
        book, who = self.book, self.book.account[self.single]
        self.base, self.capacity = book.base[who], book.capacity[who]
        self.value, self.most = book.value[self.single], book.lots[self.single]

    def single_at(self, z: float) -> FloatArray:
        """Lots of the singles at burden z."""
        lots: FloatArray = np.minimum(self.most, np.floor(caps(z, self.base, self.capacity) / self.value))
        return lots

    def at(self, z: float) -> At | None:
        """Bounds on the total at burden z, or None where the node limit forbids them."""
        if self.nodes + sum(c.planned(z) for c in self.crowds) > self.node_limit:
            return None
        lots = self.single_at(z)
        at = At(z, self.settled + float(np.sum(lots * self.value)), lots, [c.at(z) for c in self.crowds])
        self.nodes += sum(c.nodes for c in at.crowds)
        return at

    def sharpen(self, at: At) -> bool:
        """Search wider where the bounds lose most per node; False where that is not possible."""
        pairs = list(zip(self.crowds, at.crowds, strict=True))
        wider = [np.maximum(np.where(part.done, 8, 1) * crowd.width, 1) for crowd, part in pairs]
        cost = np.concatenate([np.ones(0), *(c.cost(w) for c, w in zip(self.crowds, wider, strict=True))])
        slack = at.slack()
        slack[
            np.concatenate([np.zeros(0, dtype=bool), *(part.done & crowd.spent() for crowd, part in pairs)])
        ] = 0.0
        order = np.flatnonzero(slack > 0)
        order = order[np.argsort(-slack[order] / cost[order], kind="stable")]
        need = min(0.9 * float(np.sum(slack)), 3 * min(self.target - at.lower, at.upper - self.target))
        count = int(np.searchsorted(np.cumsum(slack[order]), need)) + 1
        chosen = np.zeros(slack.size, dtype=bool)
        chosen[order[:count]] = True
        if not chosen.any() or self.nodes + float(np.sum(cost[chosen])) > self.node_limit:
            return False
        start = 0
        for (crowd, part), width in zip(pairs, wider, strict=True):
            rows = np.flatnonzero(chosen[start : start + width.size])
            start += width.size
            crowd.width[rows] = width[rows]
            self.nodes -= part.nodes
            crowd.redo(part, rows)
            self.nodes += part.nodes
        at.add()
        return True

    def raise_low(self, at: At) -> None:
        """Accept that the budget is out of reach at ``at.z``."""
        self.low, self.floor, self.known_low = at.z, (at.lower + at.upper) / 2, True
        for crowd, got in zip(self.crowds, at.crowds, strict=True):
            crowd.under = got.lower
            better = got.lower > crowd.best
            crowd.best[better], crowd.best_lots[better] = got.lower[better], got.lots[better]
            self.write(crowd)
        self.settle()

    def write(self, crowd: Crowd) -> None:
        """Note the lots at the upper end."""
        real = crowd.line >= 0
        self.lots[crowd.line[real]] = crowd.best_lots[real]

    def take(self, at: At) -> None:
        """Take over the lots of an evaluation as those at the upper end."""
        self.single_lots = at.single_lots
        self.lots[self.single] = at.single_lots
        for crowd, got in zip(self.crowds, at.crowds, strict=True):
            crowd.best, crowd.best_lots, crowd.sure = got.lower, got.lots, got.sure
            self.write(crowd)

    def lower_high(self, at: At) -> None:
        """Accept a cover at ``at.z``: the new upper end is the largest burden that its lots really make."""
        self.take(at)
        self.covered, self.roof, self.known_high = True, (at.lower + at.upper) / 2, True
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

    def closed(self) -> bool:
        """Say whether no burden is left strictly inside the interval."""
        return self.high * (1 - 4 * SLACK) <= self.low

    def good_enough(self) -> bool:
        """Say whether the gap is at its goal and more nodes would no longer be free."""
        return self.nodes > FREE_NODES and self.high - self.low <= GAP_GOAL * self.high

    def cover(self) -> None:
        """Look for a cover at the upper end when the greedy fill has none, else for the most it pays."""
        at = self.at(self.high)
        while at is not None:
            if at.lower >= self.target:
                self.lower_high(at)
                return
            self.take(at)
            if not self.sharpen(at):
                if at.lower == at.upper:
                    self.low = self.high
                return

    def run(self) -> None:
        """Shrink the interval until it is closed, good enough, or the node limit is reached."""
        if not self.covered:
            self.cover()
        if not self.covered:
            return
        z, patient = self.next_probe(0.0), True
        while not (self.closed() or self.good_enough()):
            at, width = self.at(z), self.high - self.low
            if at is None:
                return
            if at.lower < self.target <= at.upper:
                z = self.beside(at) if patient else at.z
                patient = False
                while z == at.z and at.lower < self.target <= at.upper:
                    if not self.sharpen(at):
                        return
            if at.lower >= self.target:
                self.lower_high(at)
            elif at.upper < self.target:
                self.raise_low(at)
            else:
                continue
            patient = True
            shrunk = self.high - self.low < 0.7 * width
            z = self.next_probe(at.upper - at.lower) if shrunk else (self.low + self.high) / 2

    def steepness(self) -> float:
        """USD per unit of burden between the ends of the interval, on average."""
        return max(self.roof - self.floor, abs(self.target) * SLACK) / (self.high - self.low)

    def beside(self, at: At) -> float:
        """Burden just outside the range that the present bounds leave open, if that shrinks the interval."""
        slope = self.steepness()
        above = at.z + 1.2 * (self.target - at.lower) / slope
        below = at.z - 1.2 * (at.upper - self.target) / slope
        width, z = min((above - self.low, above), (self.high - below, below))
        return z if width < 0.6 * (self.high - self.low) and self.low < z < self.high else at.z

    def moves(self) -> tuple[FloatArray, FloatArray, float]:
        """Forecast inside the interval: burdens and sizes of the jumps, and USD that come evenly spread."""
        width = self.high - self.low
        steps = self.single_lots - self.single_at(self.low)
        once = steps == 1
        at = [(self.single_lots * self.value / self.base)[once]]
        size = [self.value[once]]
        spread = float(np.sum((steps * self.value)[~once]))
        for crowd in self.crowds:
            gain = crowd.best - crowd.under
            rare = crowd.sure & (gain > 3 * crowd.base * width)
            at.append((crowd.best / crowd.base)[rare])
            size.append(gain[rare])
            ends = (
                np.minimum(caps(z, crowd.base, crowd.capacity), crowd.total) for z in (self.high, self.low)
            )
            spread += float(np.sum(np.where(crowd.sure, gain, np.subtract(*ends))[~rare]))
        jumps = np.concatenate(at)
        order = np.argsort(jumps, kind="stable")
        return jumps[order], np.concatenate(size)[order], max(spread, 0.0)

    def next_probe(self, slack: float) -> float:
        """Burden to try next: a little beside the place where the forecast crosses the target."""
        low, high = self.low, self.high
        jumps, size, spread = self.moves()
        after = np.cumsum(size)
        floor = self.floor
        if self.known_high and not self.known_low:
            floor = self.roof - spread - float(np.sum(size))
        total = floor + after + spread * (jumps - low) / (high - low)
        doubt = 0.6 * slack + 0.02 * spread
        options = [(0.6 * (high - low), (low + high) / 2)]
        for error in (doubt, -doubt):
            place = int(np.searchsorted(total, self.target + error))
            before = float(after[place - 1]) if place else 0.0
            z = low + (self.target + error - floor - before) / spread * (high - low) if spread else high
            if place < jumps.size and z >= jumps[place]:
                z = float(jumps[place]) * (1 - 4 * SLACK * (error <= 0))
            if low < z < high:
                options.append((z - low, z) if error > 0 else (high - z, z))
        return min(options)[1]
