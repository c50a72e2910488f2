"""The search: cells are levelled, sorted by their level, and filled from the highest level down.

If cells are filled in the order of their levels, each beside what its accounts already pay, and the levels do
not rise on the way, then the answer is lexicographically least: a leg pays only if the burden of its account
is at most the level of its cell, and keeps something only if it is at least that.  So the search is for the
order, and for cells that share a level.

1. A few sweeps fill each cell beside all others.  This soon gives the order of most cells.  Cells whose
   levels are too close to be told apart yet are made one block.
2. Blocks are filled in this order.  A block is levelled as a whole.  Where a flow shows that its cells cannot
   share the level, it is cut in two, and both parts are levelled in turn.
3. Where levels rise on the way, the blocks between are made one, and step 2 is repeated.

Cells whose legs pay all they can come before all others.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from adl_opt.kernels.contracts.base import ContractsLeaf, FloatArray, IntArray
from adl_opt.kernels.contracts.blocks import LevelBlock
from adl_opt.kernels.contracts.book import ContractsBook

SWEEPS = 14
"""So many sweeps give the order of cells."""

CALM = 1e-6
"""Cells whose level moves by no more than this share of it are left out of the next sweeps."""

AWAY = 8.0
"""Levels are still about so many times away from their end as the last sweep moved them."""

STILL = 1e-9
"""Share of a level that the sweeps cannot tell apart in any case."""

ROUNDS = 12
"""So many times blocks are joined where levels rise; then all cells become one block."""

RISE = 2e-13
"""Levels that rise by no more, relative to themselves, are equal."""


def levelled(book: ContractsBook, leaf: ContractsLeaf) -> FloatArray:
    """Return what each leg of the book pays, (legs,) USD, lexicographically least."""
    y = np.where(np.repeat(book.full, np.diff(book.start)), book.cap, 0.0)
    cells = np.flatnonzero(~book.full & (book.demand > 0))
    if cells.size == 0:
        return y
    work = _Work(book, leaf, y)
    away = work.sweep(cells)
    order = cells[np.argsort(-work.level[cells], kind="stable")]
    level = work.level[order]
    blocks = _joined([order[k : k + 1] for k in range(order.size)], level - away[order], level + away[order])
    done: list[IntArray] = []
    for k in range(ROUNDS + 1):
        blocks = work.fill(done, blocks) if k < ROUNDS else work.fill([], [order])
        levels = work.level[[cells[0] for cells in blocks]]
        joined = _joined(blocks, levels * (1 + RISE), levels)
        if len(joined) == len(blocks):
            break
        same = next(k for k, cells in enumerate(joined) if cells.size > blocks[k].size)
        done, blocks = blocks[:same], joined[same:]
    return work.y


def _joined(blocks: list[IntArray], low: FloatArray, high: FloatArray) -> list[IntArray]:
    """Join blocks between which levels rise: from ``low`` of an earlier one to ``high`` of a later one."""
    lowest = np.minimum.accumulate(low)[:-1]
    highest = np.maximum.accumulate(high[::-1])[::-1][1:]
    cuts = np.flatnonzero(lowest >= highest) + 1
    ends = [0, *cuts.tolist(), len(blocks)]
    return [np.concatenate(blocks[a:b]) for a, b in pairwise(ends)]


class _Work:
    """What accounts (``x``) and legs (``y``) pay so far, and the level of each cell."""

    def __init__(self, book: ContractsBook, leaf: ContractsLeaf, y: FloatArray) -> None:
        self.book, self.leaf, self.start, self.y = book, leaf, y, y.copy()
        self.x = np.bincount(book.who, y, book.capacity.size).astype(np.float64)
        self.level = np.zeros(book.demand.size)

    def cells(self, order: IntArray) -> None:
        """Fill cells one after the other."""
        book = self.book
        self.leaf.fill(
            order, book.start, book.who, book.cap, book.capacity, book.demand, self.x, self.y, self.level
        )

    def sweep(self, cells: IntArray) -> FloatArray:
        """Fill each cell beside all others, some times; return how far levels may still be from their end."""
        move = np.zeros_like(self.level)
        for _ in range(SWEEPS):
            before = self.level[cells]
            self.cells(cells)
            move[cells] = np.abs(self.level[cells] - before)
            cells = cells[move[cells] > CALM * self.level[cells]]
        away: FloatArray = AWAY * move + STILL * self.level
        return away

    def fill(self, done: list[IntArray], blocks: list[IntArray]) -> list[IntArray]:
        """Fill blocks in their order, after those that are done; return all, as they are cut."""
        kept = np.zeros(self.level.size, dtype=bool)
        kept[np.concatenate([np.zeros(0, np.int64), *done])] = True
        self.y = np.where(np.repeat(kept, np.diff(self.book.start)), self.y, self.start)
        self.x = np.bincount(self.book.who, self.y, self.x.size).astype(np.float64)
        done, waiting = done.copy(), blocks[::-1]
        while waiting:
            singles = []
            while waiting and waiting[-1].size == 1:
                singles.append(waiting.pop())
            if singles:
                self.cells(np.concatenate(singles))
                done += singles
            if waiting:
                cells = waiting.pop()
                block = LevelBlock(self.book, self.leaf, cells, self.x, float(self.level[cells[0]]))
                above = block.settled()
                if above is None:
                    self._take(block)
                    done.append(cells)
                else:
                    waiting += [cells[~above], cells[above]]
        return done

    def _take(self, block: LevelBlock) -> None:
        self.y[block.legs] = block.y
        self.x[block.account] += block.pays
        self.level[block.cells] = block.level
