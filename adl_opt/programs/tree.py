"""A branch-and-bound tree as a proof: prices at its leaves bound every whole choice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.exact_prices import exact_bound
from adl_opt.programs.proof import Proof, Statement, model_problem
from adl_opt.proofs import document
from adl_opt.proofs.certificate import Check, once
from adl_opt.proofs.outward import safe_dual_bound
from adl_opt.rounds.columns import Floats, Ints


@dataclass(frozen=True, eq=False)
class PricedLeaf:
    """Prices of the rows (floats, or fractions), and what they prove: that the node is empty, or a bound."""

    rows: Ints
    prices: Floats
    empty: bool
    bound: float


@dataclass(frozen=True, eq=False)
class Split:
    """Column <= at goes on at node ``down``, column >= at + 1 at node ``up``."""

    column: int
    at: int
    down: int
    up: int


@dataclass(frozen=True, eq=False)
class TreeProof(Proof):
    """The leaves of a tree cover every whole choice, and the prices of each prove its bound.

    Parameters
    ----------
    model : LinearModel
    nodes : tuple of PricedLeaf or Split
    v : (columns,), optional
        The best point known.
    """

    model: LinearModel
    nodes: tuple[PricedLeaf | Split, ...]
    v: Floats | None = None
    source: ClassVar[str] = "branch and bound with prices at its leaves"

    @property
    def scale(self) -> float:
        """Cost of one unit of the dearest column."""
        return self.model.natural_cost()

    @once
    def bound(self) -> float:
        """Walk the tree and return the least bound of its leaves, recomputed from their prices."""
        stack = [(0, self.model.col_lower, self.model.col_upper)]
        seen, least = 0, math.inf
        while stack:
            at, low, high = stack.pop()
            node, seen = self.nodes[at], seen + 1
            if seen > len(self.nodes):
                return -math.inf
            if isinstance(node, Split):
                under, over = high.copy(), low.copy()
                under[node.column], over[node.column] = node.at, node.at + 1
                stack += [(node.down, low, under), (node.up, over, high)]
                if not self.model.integer[node.column]:
                    return -math.inf
                continue
            y = np.zeros(self.model.row_lower.size, dtype=node.prices.dtype)
            y[node.rows] = node.prices
            bound = leaf_bound(self.model, low, high, y, empty=node.empty)
            if node.empty:
                bound = math.inf if bound > 0 else -math.inf
            least = min(least, bound)
        return least

    def checks(self) -> dict[str, Check]:
        """Return ``tree``: the leaves prove a number."""
        return {"tree": Check.that(self.bound() > -math.inf)}

    def statement(self) -> Statement:
        """Return the arrays, the tree and the point."""
        tree, y = [], np.zeros(self.model.row_lower.size, dtype=object)
        for node in self.nodes:
            if isinstance(node, Split):
                tree.append(document.split(node.column, node.at, node.down, node.up))
                continue
            y[node.rows] = node.prices
            tree.append(document.leaf(y, empty=node.empty))
            y[node.rows] = 0.0
        return Statement(model_problem(self.model), {"tree": tree}, self.v)


def leaf_bound(model: LinearModel, low: Floats, high: Floats, y: Floats, *, empty: bool) -> float:
    """Return what prices prove of a node; with ``empty`` every cost counts as 0, and above 0 it is empty."""
    cost = np.zeros_like(model.cost) if empty else model.cost
    if y.dtype == object:
        return exact_bound(model, cost, low, high, y)
    rows, entries = (model.row_lower, model.row_upper), (model.row, model.col, model.value)
    return safe_dual_bound(cost, (low, high), rows, entries, y)
