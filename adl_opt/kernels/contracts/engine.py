"""Which leaf runs: numpy always can; numba is faster where it is installed and can keep its machine code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from adl_opt.kernels.contracts import base, flow
from adl_opt.kernels.contracts.base import ContractsLeaf
from adl_opt.kernels.contracts.vectors import NUMPY
from adl_opt.kernels.lots.engine import fastest, imported, made_ready


@cache
def contracts_leaf() -> ContractsLeaf:
    """Return the leaf of this process: compiled where numba works (the extra ``fast``), else numpy."""
    return fastest(compiled_leaf, NUMPY)


def compiled_leaf() -> ContractsLeaf:
    """Return the compiled leaf; any error where numba does not compile or has no folder for its code."""
    machine = imported("adl_opt.kernels.contracts.machine")
    leaf = ContractsLeaf("numba", machine.arrange_legs, machine.fill_cells, machine.send_flow)
    made_ready(Path(machine.fill_cells.stats.cache_path), [machine, flow, base], lambda: _try_out(leaf))
    return leaf


def _try_out(leaf: ContractsLeaf) -> None:
    """Call every function once on one account with one leg: it is loaded, or compiled, now."""
    zero, ends, one = np.zeros(1, np.int64), np.array([0, 1]), np.ones(1)
    leaf.arrange(zero, zero, 1, 1)
    leaf.fill(zero, ends, zero, one, one, 0.5 * one, 0.0 * one, 0.0 * one, 0.0 * one)
    leaf.augment(np.arange(3), np.arange(2), np.array([1, 0]), np.array([1.0, 0.0]), 0, 1)
