"""Legs in the order of their cells: what the search works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.contracts.base import BoolArray, ContractsLeaf, ContractsProblem, FloatArray, IntArray
from adl_opt.proofs.sums import exact_sum

DOUBT = 1e-9
"""Sums of caps that are so near to a demand are computed exactly before they are compared."""


@dataclass(frozen=True, eq=False)
class ContractsBook:
    """Legs that can pay, one for each account and cell.

    Parameters
    ----------
    capacity : (n,) USD
    demand : (cells,) USD
        What legs can pay of it.
    start : (cells + 1,) int
        The legs of cell c are ``start[c]`` to ``start[c + 1]``.
    who, cap : (legs,)
        Account, and USD at most.
    full : (cells,) bool
        All legs of the cell pay all they can.
    leg, share : (m,)
        Leg of the book for each leg of the problem, and its share of the cap; 0 where it cannot pay.
    """

    capacity: FloatArray
    demand: FloatArray
    start: IntArray
    who: IntArray
    cap: FloatArray
    full: BoolArray
    leg: IntArray
    share: FloatArray

    def usd(self, problem: ContractsProblem, y: FloatArray) -> FloatArray:
        """Return what each leg of the problem pays, (m,) USD, where those of the book pay y."""
        if self.cap.size == 0:
            return np.zeros(self.leg.size)
        whole = (y == self.cap)[self.leg] & (self.share > 0)
        return np.where(whole, problem.cap, np.minimum(y[self.leg] * self.share, problem.cap))


def contracts_book(problem: ContractsProblem, leaf: ContractsLeaf) -> ContractsBook:
    """Sort the legs; those of one account in one cell become one."""
    accounts, cells = problem.capacity.size, problem.demand.size
    able = (problem.cap > 0) & (problem.capacity[problem.account] > 0)
    order = leaf.arrange(problem.account, problem.cell, accounts, cells)
    order = order[able[order]]
    who, cell = problem.account[order], problem.cell[order]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (who[1:] != who[:-1]) | (cell[1:] != cell[:-1])
    cap, places = problem.cap[order], np.cumsum(new) - 1
    leg, share = np.zeros(able.size, dtype=np.int64), np.zeros(able.size)
    leg[order] = places
    if not new.all():
        cap = np.bincount(places, cap).astype(np.float64)
    share[order] = problem.cap[order] / cap[places]
    who, cell = who[new], cell[new]
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells))])
    demand, full = _payable(problem.demand, cap, start)
    return ContractsBook(problem.capacity, demand, start, who, cap, full, leg, share)


def _payable(demand: FloatArray, cap: FloatArray, start: IntArray) -> tuple[FloatArray, BoolArray]:
    """Return what the legs of each cell can pay of its demand, and whether that is all they have."""
    most = np.zeros(demand.size)
    has = np.flatnonzero(np.diff(start))
    if has.size:
        most[has] = np.add.reduceat(cap, start[has])
    for c in np.flatnonzero(np.abs(demand - most) <= DOUBT * most).tolist():
        most[c] = exact_sum(cap[start[c] : start[c + 1]])
    return np.minimum(demand, most), demand >= most
