"""Cells that share a level: their common level, whether it can hold, and where it breaks.

At a common level every account pays ``clip(level u - o, 0, all its caps)`` in the cells together, where o is
what it pays in cells of a higher level.  These sums fix all but how an account with several legs splits its
own sum.  It may move dollars from one cell to another, so this is a flow between cells:

* an account with two legs joins two cells, and all accounts that join the same two are one edge;
* an account with more legs is a node of its own, with an edge to each of its cells.

Cells that lack dollars are the sources, those with too many the sinks.  If a maximum flow settles all, the
level holds.  If not, the cells that can still be reached from a source need more than the accounts give at
this level.  They are a block of a higher level, and the other cells are one of a lower level.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from adl_opt.kernels.contracts.base import AIM, BoolArray, ContractsLeaf, FloatArray, IntArray
from adl_opt.kernels.contracts.book import ContractsBook


class LevelBlock:
    """Cells (k,) at one level, given what accounts pay in other cells, ``x`` (n,) USD."""

    def __init__(
        self, book: ContractsBook, leaf: ContractsLeaf, cells: IntArray, x: FloatArray, level: float
    ) -> None:
        sizes = book.start[cells + 1] - book.start[cells]
        self.cells, self.demand, self.leaf = cells, book.demand[cells], leaf
        self.ends = np.cumsum(sizes)
        self.legs = np.arange(self.ends[-1]) + np.repeat(book.start[cells] - self.ends + sizes, sizes)
        self.cell = np.repeat(np.arange(cells.size), sizes)
        self.cap = book.cap[self.legs]
        self.account, self.row = _numbered(book.who[self.legs], book.capacity.size)
        self.all = np.bincount(self.row, self.cap)
        self.pays = np.zeros(self.account.size)
        self.level = self._fill(book.capacity[self.account], x[self.account], level)
        self.cap = np.minimum(self.cap, self.pays[self.row])
        self.y = self._split()

    def _fill(self, capacity: FloatArray, x: FloatArray, level: float) -> float:
        """Fill the block as if it were one cell."""
        size, levels = self.account.size, np.array([level])
        demand = np.array([np.sum(self.demand) * (1 - AIM / 2)])
        ends = (np.zeros(1, np.int64), np.array([0, size]), np.arange(size))
        self.leaf.fill(*ends, self.all, capacity, demand, x, self.pays, levels)
        return float(levels[0])

    def _split(self) -> FloatArray:
        """Split what accounts pay over their legs: within the caps, and about as cells need it."""
        part = self.cap * (self.demand / np.maximum(np.bincount(self.cell, self.cap), self.demand))[self.cell]
        low, high = np.bincount(self.row, part), np.bincount(self.row, self.cap)
        down = np.divide(self.pays, low, out=np.ones_like(low), where=low > self.pays)[self.row]
        up = np.divide(self.pays - low, high - low, out=np.zeros_like(low), where=high > low)[self.row]
        split: FloatArray = np.where(
            up >= 1, self.cap, part * down + (self.cap - part) * np.clip(up, 0.0, 1.0)
        )
        return split

    def settled(self) -> BoolArray | None:
        """Move dollars until every cell has its demand, or say which cells need a higher level."""
        net = _Net(self, self.demand - self._paid(self.y))
        above = net.send(self.leaf)
        lacks = self.demand - self._paid(net.moved(self.y))
        open_ = np.abs(lacks) > AIM * self.demand
        if open_.any() and not np.any(open_ & (lacks < 0) & ~above):
            above = net.send(self.leaf, AIM * self.demand)
            open_ = net.unsent() > 0
        if open_.any() and not above.all():
            return above
        self.y = net.moved(self.y)
        return None

    def _paid(self, y: FloatArray) -> FloatArray:
        """Sum what the legs of each cell pay; numpy adds a slice in pairs, which bincount does not."""
        ends = self.ends.tolist()
        return np.array([np.add.reduce(y[a:b]) for a, b in pairwise([0, *ends])])


class _Net:
    """The flow between cells: nodes are cells, accounts with three legs or more, a source and a sink."""

    def __init__(self, block: LevelBlock, lacks: FloatArray) -> None:
        count = np.bincount(block.row)
        moves = (block.pays > 0) & (block.pays < block.all) & (count > 1)
        legs = np.flatnonzero(moves[block.row])
        legs = legs[np.argsort(block.row[legs], kind="stable")]
        few = count[block.row[legs]] == 2
        self.size = size = block.cells.size
        self.one, self.two, self.many = legs[few][::2], legs[few][1::2], legs[~few]
        room, y, cell = block.cap - block.y, block.y, block.cell
        self.forth = np.minimum(room[self.one], y[self.two])
        self.back = np.minimum(room[self.two], y[self.one])
        key = cell[self.one] * size + cell[self.two]
        forth, back = (np.bincount(key, each, size * size) for each in (self.forth, self.back))
        pairs = np.flatnonzero(forth + back)
        self.key, self.pairs, self.all_forth, self.all_back = key, pairs, forth, back
        rows = block.row[self.many]
        new = np.diff(rows, prepend=-1) > 0
        node = size + np.cumsum(new) - 1
        self.nodes = size + int(np.count_nonzero(new)) + 2
        source, sink, each = self.nodes - 2, self.nodes - 1, np.arange(size)
        tail = np.concatenate([pairs // size, cell[self.many], np.full(size, source), each])
        head = np.concatenate([pairs % size, node, each, np.full(size, sink)])
        forward = np.concatenate([forth[pairs], room[self.many], np.maximum(lacks, 0), np.maximum(-lacks, 0)])
        backward = np.concatenate([back[pairs], y[self.many], np.zeros(2 * size)])
        self.cap = block.cap
        self.head = np.column_stack([head, tail]).ravel()
        self.residual = np.column_stack([forward, backward]).ravel()
        self.before = forward
        tails = np.column_stack([tail, head]).ravel()
        self.edge = np.argsort(tails, kind="stable")
        self.first = np.concatenate([[0], np.cumsum(np.bincount(tails, minlength=self.nodes))])

    def send(self, leaf: ContractsLeaf, more: FloatArray | None = None) -> BoolArray:
        """Send all that is possible; sinks take so much ``more``."""
        if more is not None:
            self.residual[self.residual.size - 2 * self.size :: 2] += more
            self.before = self.before.copy()
            self.before[self.before.size - self.size :] += more
        net = (self.first, self.edge, self.head, self.residual, self.nodes - 2, self.nodes - 1)
        return leaf.augment(*net)[: self.size]

    def unsent(self) -> FloatArray:
        """Return what each cell still lacks, (cells,) USD."""
        last = self.residual.size - 2 * self.size
        return self.residual[last - 2 * self.size : last : 2]

    def moved(self, y: FloatArray) -> FloatArray:
        """Return what legs pay after the flow."""
        sent, pairs = self.before - self.residual[::2], self.pairs.size
        flow = np.zeros(self.size * self.size)
        flow[self.pairs] = sent[:pairs]
        net = flow[self.key]
        limit = np.where(net > 0, self.all_forth[self.key], self.all_back[self.key])
        each = np.where(net > 0, self.forth, self.back)
        step = np.divide(net, limit, out=np.zeros_like(net), where=limit > 0) * each
        y = y.copy()
        y[self.one] += step
        y[self.two] -= step
        y[self.many] += sent[pairs : pairs + self.many.size]
        return np.clip(y, 0.0, self.cap)


def _numbered(who: IntArray, accounts: int) -> tuple[IntArray, IntArray]:
    """Different accounts in some order, and the place of each among them."""
    place = np.empty(accounts, np.int64)
    place[who] = np.arange(who.size)
    own = place[who] == np.arange(who.size)
    place[who[own]] = np.arange(np.count_nonzero(own))
    return who[own], place[who]
