"""What every part shares: the problem, types of arrays, tolerances, and the leaf of inner loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

REL_TOL = 1e-12
"""The one tolerance: burdens, levels and dollars that differ by less, relative to their size, are one."""

AIM = 2.0**-46
"""Share of a demand (1e-14) that is left open while cells share a level, so that rounding has a place."""

TRIES = 60
"""So many levels are tried to fill a cell; halving alone needs as many for all bits of a level."""


@dataclass(frozen=True, eq=False)
class ContractsProblem:
    """The checked input of `minmax_contracts`: what a certificate needs."""

    capacity: FloatArray
    account: IntArray
    cell: IntArray
    cap: FloatArray
    demand: FloatArray
    hard_cap: bool = False


class ContractsLeaf(NamedTuple):
    """The inner loops.  They exist twice: in numpy, and compiled by numba.

    ``arrange(account, cell, accounts, cells)`` returns the legs in the order of their cells, and of their
    accounts within a cell.
    ``fill(order, start, who, cap, capacity, demand, x, y, level)`` fills one cell after the other: its legs
    pay ``clip(level u_i - o_i, 0, cap)``, where o_i is what the account pays elsewhere, and the level is such
    that they pay the demand.  ``x``, ``y`` and ``level`` are changed.
    ``augment(net, residual, source, sink)`` sends as much as possible from source to sink and changes
    ``residual``; it says which nodes can still be reached from the source.
    """

    name: str
    arrange: Callable[[IntArray, IntArray, int, int], IntArray]
    fill: Callable[..., None]
    augment: Callable[..., BoolArray]
