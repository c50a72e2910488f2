"""The search: cells are levelled, sorted by their level, and filled from the highest level down.

If cells are filled in the order of their levels, each beside what its accounts already pay, and the levels do
not rise on the way, then the answer is lexicographically least: a leg pays only if the burden of its account
is at most the level of its cell, and keeps something only if it is at least that.  So the search is for the
order, and for cells that share a level.

1. A few sweeps fill each cell beside all others.  This soon gives the order of most cells.
2. Cells are filled in this order.  Where levels rise on the way, the cells between are made one block.
3. A block is levelled as a whole.  Where a flow shows that its cells cannot share the level, it is cut in
   two, and both parts are levelled in turn.  Then step 2 is repeated with the blocks.

Cells whose legs pay all they can come before all others.
"""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.contracts.base import FloatArray, IntArray, Leaf
from adl_opt.kernels.contracts.blocks import Block
from adl_opt.kernels.contracts.book import ContractsBook

SWEEPS = 12
"""At most so many sweeps give the order of cells."""

STILL = 1e-4
"""Sweeps end when no level moves by more than this share of itself."""

ROUNDS = 12
"""So many times blocks are joined where levels rise; then all cells become one block."""

RISE = 2e-13
"""Levels that rise by no more, relative to themselves, are equal."""


def levelled(book: ContractsBook, leaf: Leaf) -> FloatArray:
    """Return what each leg of the book pays, (legs,) USD, lexicographically least."""
    y = np.where(np.repeat(book.full, np.diff(book.start)), book.cap, 0.0)
    forced = np.bincount(book.who, y, book.capacity.size)
    cells = np.flatnonzero(~book.full & (book.demand > 0))
    if cells.size == 0:
        return y
    work = _Work(book, leaf, forced, y)
    work.sweep(cells)
    order = cells[np.argsort(-work.level[cells], kind="stable")]
    blocks = [order[k : k + 1] for k in range(order.size)]
    for k in range(ROUNDS + 1):
        blocks = work.fill(blocks if k < ROUNDS else [order])
        joined = _joined(blocks, work.level)
        if len(joined) == len(blocks):
            break
        blocks = joined
    return work.y


def _joined(blocks: list[IntArray], level: FloatArray) -> list[IntArray]:
    """Join blocks between which levels rise."""
    levels = np.array([level[cells[0]] for cells in blocks])
    lowest = np.minimum.accumulate(levels)[:-1]
    highest = np.maximum.accumulate(levels[::-1])[::-1][1:]
    cuts = np.flatnonzero(lowest * (1 + RISE) >= highest) + 1
    ends = [0, *cuts.tolist(), len(blocks)]
    return [np.concatenate(blocks[a:b]) for a, b in zip(ends[:-1], ends[1:], strict=True)]


class _Work:
    """What accounts (``x``) and legs (``y``) pay so far, and the level of each cell."""

    def __init__(self, book: ContractsBook, leaf: Leaf, forced: FloatArray, y: FloatArray) -> None:
        self.book, self.leaf, self.forced, self.start = book, leaf, forced, y
        self.x, self.y, self.level = forced.copy(), y.copy(), np.zeros(book.demand.size)

    def cells(self, order: IntArray) -> None:
        """Fill cells one after the other."""
        book = self.book
        self.leaf.fill(
            order, book.start, book.who, book.cap, book.capacity, book.demand, self.x, self.y, self.level
        )

    def sweep(self, cells: IntArray) -> None:
        """Fill each cell beside all others, until levels hardly move."""
        for _ in range(SWEEPS):
            before = self.level[cells]
            self.cells(cells)
            if np.all(np.abs(self.level[cells] - before) <= STILL * self.level[cells]):
                break

    def fill(self, blocks: list[IntArray]) -> list[IntArray]:
        """Fill blocks from nothing, in their order; return the blocks that they are cut into."""
        self.x, self.y, done = self.forced.copy(), self.start.copy(), []
        waiting = blocks[::-1]
        while waiting:
            singles = []
            while waiting and waiting[-1].size == 1:
                singles.append(waiting.pop())
            if singles:
                self.cells(np.concatenate(singles))
                done += singles
            if waiting:
                cells = waiting.pop()
                block = Block(self.book, self.leaf, cells, self.x, float(self.level[cells[0]]))
                above = block.settled()
                if above is None:
                    self._take(block)
                    done.append(cells)
                else:
                    waiting += [cells[~above], cells[above]]
        return done

    def _take(self, block: Block) -> None:
        self.y[block.legs] = block.y
        self.x[block.account] += block.pays
        self.level[block.cells] = block.level
