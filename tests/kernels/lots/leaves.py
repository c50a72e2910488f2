"""The search with a leaf of one's choice."""

from __future__ import annotations

from unittest.mock import patch

from adl_opt.kernels.lots import minmax
from adl_opt.kernels.lots.base import Leaf
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.kernels.lots.result import LotsResult


def solved(problem: LotsProblem, node_limit: int, leaf: Leaf) -> LotsResult:
    """Solve a problem with this leaf."""
    data = problem.capacity, problem.account, problem.lot_value, problem.lots, problem.budget
    with patch.object(minmax, "engine", lambda: leaf):
        return minmax.minmax_lots(*data, base=problem.base, node_limit=node_limit)
