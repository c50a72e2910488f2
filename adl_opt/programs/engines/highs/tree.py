"""Branch and bound that leaves a proof behind.

HiGHS solves the linear relaxation of each node.  The cost of its point guides the search and proves nothing.
Where the search would stop, the bound that the prices of HiGHS prove is recomputed with outward rounding
(:mod:`adl_opt.proofs.outward`).  A node whose recomputed bound reaches the target is a leaf; so is a node
that prices prove empty (Farkas).  Any other node is split at a whole column with a fractional value.  A node
that is still open at a limit becomes a leaf with the prices of its parent, so every tree proves a bound.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.highs.session import run_stoppable
from adl_opt.programs.engines.highs.solver import relaxation_in_highs
from adl_opt.programs.exact_prices import exact_prices
from adl_opt.programs.options import Options
from adl_opt.programs.proof import right_signed, sound_prices
from adl_opt.programs.tree import PricedLeaf, Split, leaf_bound
from adl_opt.rounds.columns import Floats, Ints

FRACTIONAL, FINE = 1e-6, 1e-12
"""Distance from a whole number from which a column is split; and where no other is left: an amount can be a
billionth of a lot."""

CLOSE = 1e-9
"""A bound that is nearer to the best point, relative, lacks rounding alone: FINE splits are of no use."""

GUESS = 1e-12
"""By how much a guessed bound is lowered, relative: the proven one must not be the smaller of the two."""

DUAL, PRIMAL = 1, 4
"""HiGHS's numbers for the two simplex methods."""

MOST_NODES = 12_000
MOST_WORK = 1_000_000
"""Nodes, and nodes times columns, where nobody sets a limit: some seconds."""


@dataclass(frozen=True, eq=False)
class Tree:
    """A finished search.

    Parameters
    ----------
    nodes : list of PricedLeaf or Split
        The root is node 0.
    bound : float
        The least bound of the leaves; inf where every leaf is empty.
    open : int
        Leaves that a limit left open: their bounds are below the target.
    """

    nodes: list[PricedLeaf | Split]
    bound: float
    open: int


@dataclass(eq=False)
class _Node:
    place: int
    low: Floats
    high: Floats
    above: PricedLeaf


@dataclass(eq=False)
class _Gains:
    """What splitting a column has gained so far, per unit of its fraction: the guide to the next split."""

    total: Floats
    count: Floats

    def add(self, column: int, gain: float) -> None:
        self.total[column] += gain
        self.count[column] += 1

    def mean(self, columns: Ints) -> Floats:
        usual = float(self.total.sum()) / max(float(self.count.sum()), 1.0) + 1e-12
        count = self.count[columns]
        return np.where(count > 0, self.total[columns] / np.maximum(count, 1), usual)


class TreeSearch:
    """One search over one mixed-integer model.

    Parameters
    ----------
    model : LinearModel
        Every column bounded, or bounds are lost to rounding against infinity.
    options : Options
    incumbent : float
        The objective of the best point known; inf without.
    offer : callable
        Takes a point whose whole columns are whole; returns its true objective, inf where it breaks a rule.
    """

    def __init__(
        self, model: LinearModel, options: Options, incumbent: float, offer: Callable[[Floats], float]
    ) -> None:
        self.model, self.gap, self.best, self.offer = model, options.mip_gap, incumbent, offer
        self.highs, self.unit = relaxation_in_highs(model, options)
        self.low, self.high = model.col_lower, model.col_upper
        self.whole = np.flatnonzero(model.integer)
        own = MOST_NODES if options.node_limit is None else max(options.node_limit, 1)
        self.most = min(own, MOST_WORK // max(model.cost.size, 1))
        self.until = options.until
        self.nodes: list[PricedLeaf | Split | None] = [None]
        size = model.cost.size
        self.down, self.up = (_Gains(np.zeros(size), np.zeros(size)) for _ in range(2))
        self.solved = 0

    def run(self) -> Tree:
        """Search until the gap is closed or a limit is reached."""
        nothing = PricedLeaf(np.empty(0, dtype=np.int64), np.empty(0), False, -math.inf)
        first = _Node(0, self.model.col_lower, self.model.col_upper, nothing)
        heap = [(-math.inf, 0, first)]
        try:
            while heap and heap[0][0] < self.target and not self._limited():
                heap = self._plunge(heapq.heappop(heap)[2], heap)
        except KeyboardInterrupt:
            pass
        for _, _, node in heap:
            self.nodes[node.place] = self._at(node, node.above)
        self.nodes = [node or nothing for node in self.nodes]  # Ctrl-C can leave a hole
        return self._finished(sum(bound < self.target for bound, _, _ in heap))

    @property
    def target(self) -> float:
        """The bound at which a node needs no further search."""
        return self.best - self.gap * abs(self.best) if math.isfinite(self.best) else math.inf

    def _limited(self) -> bool:
        return self.solved >= self.most or time.monotonic() > self.until

    def _plunge(self, node: _Node, heap: list[tuple[float, int, _Node]]) -> list[tuple[float, int, _Node]]:
        """Follow one path down to a leaf; the other sides of its splits are put on the heap."""
        taken: tuple[_Gains, int, float] | None = None
        while True:
            v, leaf = self._relaxed(node)
            if taken is not None and not leaf.empty:
                gains, before, share = taken
                gains.add(before, max(leaf.bound - node.above.bound, 0.0) / share)
            column = self._branching(v, node, leaf.bound)
            if column is None and v is not None:
                leaf = self._proven(node, leaf)
                column = self._branching(v, node, leaf.bound)
            if column is None or v is None:
                self.nodes[node.place] = leaf
                return heap
            part = float(v[column]) - math.floor(float(v[column]) + FINE)
            down, up = self._split(node, column, float(v[column]), leaf)
            taken = (self.down, column, part) if part <= 0.5 else (self.up, column, 1.0 - part)
            node, other = (down, up) if part <= 0.5 else (up, down)
            heapq.heappush(heap, (leaf.bound, -other.place, other))
            if self._limited():
                heapq.heappush(heap, (leaf.bound, -node.place, node))
                return heap

    def _relaxed(self, node: _Node) -> tuple[Floats | None, PricedLeaf]:
        """Solve the relaxation of a node; return its point and the leaf that its prices make.

        With a point, the bound of the leaf is the cost of the point: it guides the search and proves nothing.
        """
        moved = np.flatnonzero((node.low != self.low) | (node.high != self.high))
        if moved.size:
            unit = self.model.col_unit[moved]
            low, high = (np.ascontiguousarray(side[moved] / unit) for side in (node.low, node.high))
            self.highs.changeColsBounds(moved.size, moved.astype(np.int32), low, high)
        self.low, self.high, self.solved = node.low, node.high, self.solved + 1
        status, solution = self._run(), self.highs.getSolution()
        if status != "kOptimal":  # a ray can be right where HiGHS does not know
            _, found, ray = self.highs.getDualRay()
            rays = [np.asarray(ray) / self.model.row_unit] if found else []
            for y in self._rays(node, [*rays, _worst_row(self.model, node.low, node.high)]):
                if (leaf := self._empty(node, y)).empty:
                    return None, leaf
            return None, self._at(node, node.above)
        y = np.asarray(solution.row_dual) * self.unit / self.model.row_unit
        v = np.clip(np.asarray(solution.col_value) * self.model.col_unit, node.low, node.high)
        rows, value = np.flatnonzero(y), float(self.model.cost @ v)
        leaf = PricedLeaf(rows, y[rows], False, value - GUESS * abs(value))
        self._offer(v, leaf)
        return v, leaf

    def _run(self) -> str:
        """Run HiGHS; where its dual simplex does not know, from scratch by the primal one."""
        stopped = run_stoppable(self.highs, self.until)
        if not stopped and self.highs.getModelStatus().name not in ("kOptimal", "kInfeasible", "kTimeLimit"):
            self.highs.clearSolver()
            self.highs.setOptionValue("simplex_strategy", PRIMAL)
            stopped = run_stoppable(self.highs, self.until)
            self.highs.setOptionValue("simplex_strategy", DUAL)
        if stopped:
            self.until = -math.inf
        return str(self.highs.getModelStatus().name)

    def _rays(self, node: _Node, rays: list[Floats]) -> Iterator[Any]:
        """Yield prices that may show that a node is empty: rays, then fractions near them."""
        signed = [side for y in rays for side in (y, -y)]
        yield from signed
        for y in signed:
            near = exact_prices(self.model, node.low, node.high, right_signed(self.model, y))
            if near is not None:
                yield near

    def _offer(self, v: Floats, leaf: PricedLeaf) -> None:
        part = np.abs(v[self.whole] - np.rint(v[self.whole]))
        if float(np.max(part, initial=0.0)) <= FRACTIONAL and leaf.bound < self.best:
            self.best = min(self.best, self.offer(np.where(self.model.integer, np.rint(v), v)))

    def _empty(self, node: _Node, y: Floats) -> PricedLeaf:
        y = right_signed(self.model, y)
        rows = np.flatnonzero(y)
        proven = leaf_bound(self.model, node.low, node.high, y, empty=True) > 0
        return PricedLeaf(rows, y[rows], proven, -math.inf)

    def _proven(self, node: _Node, leaf: PricedLeaf) -> PricedLeaf:
        """Return the better of two leaves: by the prices of the node, or by those of the node above."""
        leaf = self._at(node, leaf)
        if leaf.bound >= min(node.above.bound, self.target):
            return leaf
        return max(leaf, self._at(node, node.above), key=lambda made: made.bound)

    def _at(self, node: _Node, leaf: PricedLeaf) -> PricedLeaf:
        """Return the leaf that these prices, or prices near them, make of a node, with its proven bound."""
        y = np.zeros(self.model.row_lower.size)
        y[leaf.rows] = leaf.prices
        y, bound = sound_prices(self.model, y, node.low, node.high)
        rows = np.flatnonzero(y)
        return PricedLeaf(rows, y[rows], False, bound)

    def _branching(self, v: Floats | None, node: _Node, bound: float) -> int | None:
        """Return the fractional column whose split has promised most; None where the bound is enough."""
        if v is None or bound >= self.target:
            return None
        part, free = v[self.whole] - np.floor(v[self.whole] + FINE), (node.high > node.low)[self.whole]
        able = free & (part > FRACTIONAL) & (part < 1 - FRACTIONAL)
        if not able.any() and (math.isinf(self.best) or bound < self.best - CLOSE * abs(self.best)):
            able = free & (part > FINE)
        if not able.any():
            return None
        columns, part = self.whole[able], part[able]
        gains = np.maximum(self.down.mean(columns) * part, 1e-12) * np.maximum(
            self.up.mean(columns) * (1 - part), 1e-12
        )
        return int(columns[np.argmax(gains)])

    def _split(self, node: _Node, column: int, value: float, leaf: PricedLeaf) -> tuple[_Node, _Node]:
        at, down = math.floor(value + FINE), len(self.nodes)
        high, low = node.high.copy(), node.low.copy()
        high[column], low[column] = at, at + 1
        self.nodes[node.place] = Split(column, at, down, down + 1)
        self.nodes += [None, None]
        return _Node(down, node.low, high, leaf), _Node(down + 1, low, node.high, leaf)

    def _finished(self, open_: int) -> Tree:
        nodes = [node for node in self.nodes if node is not None]
        assert len(nodes) == len(self.nodes)  # noqa: S101
        bounds = [node.bound for node in nodes if isinstance(node, PricedLeaf) and not node.empty]
        return Tree(nodes, min(bounds, default=math.inf), open_)


def _worst_row(model: LinearModel, low: Floats, high: Floats) -> Floats:
    """Return a price of 1 for the row that the box of the columns misses by most, 0 for the others."""
    size = model.row_lower.size
    used = model.value != 0
    ends = [
        np.multiply(model.value, side[model.col], out=np.zeros(used.size), where=used) for side in (low, high)
    ]
    least = np.bincount(model.row, weights=np.minimum(*ends), minlength=size)
    most = np.bincount(model.row, weights=np.maximum(*ends), minlength=size)
    missed = np.maximum(model.row_lower - most, least - model.row_upper) / model.row_unit
    return np.where(np.arange(size) == np.argmax(missed), 1.0, 0.0) if size else np.zeros(0)
