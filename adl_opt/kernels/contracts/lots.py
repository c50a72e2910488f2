"""Min-max burden in whole lots in contract space: floor and repair, with an integer bound.

Bound.  The legs of a set of cells, paying for these cells together, are the problem of `minmax_lots`: its
bound is one here too.  The sets that count are each cell by itself, where it is a closed form, and the cells
that decide the answer in dollars.

Lots.  The dollars of `minmax_contracts` are rounded down to whole lots.  Then cells, from the highest level
down, take what they lack where the burden stays lowest, and at most at a burden that is aimed at.  The first
aim is the bound.  Where cells that share a level cannot reach it, accounts that pay in only one of them take
all that fits, and the others are levelled anew over what is left.  The aim rises until this covers all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adl_opt.kernels.contracts.base import REL_TOL, BoolArray, FloatArray, IntArray
from adl_opt.kernels.contracts.engine import contracts_leaf
from adl_opt.kernels.contracts.lots_result import ContractLots, ContractLotsResult, contract_lots_result
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.kernels.contracts.problem import checked_contracts
from adl_opt.kernels.contracts.result import ContractsResult
from adl_opt.kernels.lots.base import SLACK
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.kernels.lots.problem import checked_problem

HALVINGS = 64
"""Steps to the least burden at which one cell is covered: all bits of it, in the logarithm."""

AIMS = (0.0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.04, 0.1, 0.3, 1.0)
"""Aims, as shares above the bound; after these the burden is not limited."""

SHARE = 0.1
"""Cells whose level is at most so much below the aim are levelled anew."""


def minmax_contract_lots(
    capacity: ArrayLike,
    account: ArrayLike,
    cell: ArrayLike,
    lot_value: ArrayLike,
    lots: ArrayLike,
    demand: ArrayLike,
    *,
    hard_cap: bool = False,
) -> ContractLotsResult:
    """Cover what each market and side needs with whole lots of its own positions, at a small largest burden.

    Parameters
    ----------
    capacity : array_like, shape (n,)
        USD >= 0 by which burdens are measured.  An account with capacity 0 cannot pay.
    account, cell : array_like of int, shape (m,)
        Account and cell of each leg: see `minmax_contracts`.
    lot_value : array_like, shape (m,)
        USD > 0 that one lot of the leg gives up; as a rule the same for all legs of a cell.
    lots : array_like of int, shape (m,)
        Whole lots of the leg.
    demand : array_like, shape (cells,)
        USD >= 0 that each cell needs at least.
    hard_cap : bool
        No account pays more than its capacity.

    Returns
    -------
    ContractLotsResult
        With a proven ``lower_bound``, the ``gap`` and `ContractLotsResult.certify`.

    Raises
    ------
    InputError
        As `minmax_contracts` and `minmax_lots`.

    Notes
    -----
    Where one cell decides the burden, the gap is 0.  Where many share a level, it is small for lots that are
    small beside what an account pays, and stated in any case.  What lots cannot cover is the ``residual_usd``
    of its cell; with the hard cap it is not proven to be the least.

    Examples
    --------
    >>> answer = minmax_contract_lots([10.0, 10.0], [0, 1], [0, 0], [3.0, 3.0], [3, 3], [8.0])
    >>> answer.lots, answer.z, answer.gap
    (array([2, 1]), 0.6, 0.0)
    """
    flat = checked_problem(capacity, account, lot_value, lots, 0.0, None)
    whole = checked_contracts(capacity, account, cell, flat.lot_value * flat.lots, demand, hard_cap)
    problem = ContractLots(
        flat.capacity, flat.account, whole.cell, flat.lot_value, flat.lots, whole.demand, hard_cap
    )
    dollars = minmax_contracts(
        flat.capacity, flat.account, whole.cell, whole.cap, whole.demand, hard_cap=hard_cap
    )
    lower, deciding = _bound(problem, dollars)
    repair = _Repair(problem, dollars)
    for aim in AIMS:
        if repair.reach(lower * (1 + aim), level_anew=aim > 0):
            break
    else:
        repair.reach(np.inf, level_anew=False)
    return contract_lots_result(problem, repair.lots.astype(np.int64), lower, deciding)


def _bound(problem: ContractLots, dollars: ContractsResult) -> tuple[float, BoolArray]:
    """Return the largest bound of one cell, or of the cells that decide in dollars, and these cells."""
    if dollars.z == 0 or dollars.residual_usd.any():
        if problem.hard_cap or dollars.z == 0:
            return 0.0, np.zeros(problem.demand.size, dtype=bool)
    needs = problem.payable()
    low = _cell_bounds(problem, dollars.level, needs)
    best = int(np.argmax(low))
    cells = np.arange(low.size) == best
    if np.count_nonzero(dollars.deciding) == 1 and low[best] >= dollars.z:
        return float(low[best]), cells
    pool = problem.pool(dollars.deciding, needs)
    together = minmax_lots(
        pool.capacity, pool.account, pool.lot_value, pool.lots, pool.budget, base=pool.base
    ).lower_bound
    return (together, dollars.deciding) if together > low[best] else (float(low[best]), cells)


def _cell_bounds(problem: ContractLots, level: FloatArray, needs: FloatArray) -> FloatArray:
    """Return burdens at which the whole lots of each cell, by itself, do not cover what it needs."""
    u, value, cells = problem.capacity[problem.account], problem.lot_value, needs.size
    legs = np.flatnonzero((u > 0) & (problem.lots > 0) & (needs > 0)[problem.cell])
    u, value, cell, most = u[legs], value[legs], problem.cell[legs], problem.lots[legs].astype(np.float64)
    high = np.zeros(cells)
    np.maximum.at(high, cell, most * value / u)
    low = np.minimum(level * 0.5, high)
    rate = u / value * (1 + SLACK)
    for _ in range(HALVINGS):
        middle = np.sqrt(low) * np.sqrt(high)
        paid = np.bincount(cell, np.minimum(np.floor(rate * middle[cell]), most) * value, cells)
        short = paid < needs * (1 - REL_TOL / 2)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return low


class _Repair:
    """Lots of each leg, and what accounts pay with them."""

    def __init__(self, problem: ContractLots, dollars: ContractsResult) -> None:
        self.problem, self.dollars = problem, dollars
        self.u, self.value = problem.capacity[problem.account], problem.lot_value
        self.most = np.where(self.u > 0, problem.lots, 0).astype(np.float64)
        self.needs = problem.payable()
        self.order = np.argsort(-dollars.level, kind="stable")
        by_cell = np.argsort(problem.cell, kind="stable")
        ends = np.cumsum(np.bincount(problem.cell, minlength=self.needs.size))
        self.legs = np.split(by_cell, ends[:-1]) if ends.size else []
        self.lots = np.zeros(self.u.size)

    def reach(self, aim: float, level_anew: bool) -> bool:
        """Cover all cells at burdens up to the aim, and say whether that went well."""
        self.limit = aim * self.problem.capacity * (1 + SLACK)
        if self.problem.hard_cap:
            self.limit = np.minimum(self.limit, self.problem.capacity)
        self.lots = np.minimum(np.floor(self.dollars.leg_usd / self.value * (1 + SLACK)), self.most)
        if level_anew:
            self._level(self.dollars.level >= aim * (1 - SHARE))
        self.x = np.bincount(self.problem.account, self.lots * self.value, self.problem.capacity.size)
        over = self.x > self.limit * (1 + REL_TOL)
        if over.any():  # accounts that pay more in cells that were levelled anew
            self.lots[over[self.problem.account]] = 0.0
            self.x[over] = 0.0
        return all([self._cover(int(c)) for c in self.order])

    def _level(self, cells: BoolArray) -> None:
        """Let accounts with one leg in these cells pay what fits, and level the others over what is left."""
        here = cells[self.problem.cell] & (self.most > 0)
        count = np.bincount(self.problem.account[here], minlength=self.limit.size)
        one = here & (count == 1)[self.problem.account]
        legs = np.flatnonzero(here & ~one)
        self.lots[one] = np.minimum(np.floor(self.limit[self.problem.account] / self.value), self.most)[one]
        paid = np.bincount(self.problem.cell[one], (self.lots * self.value)[one], self.needs.size)
        left = np.where(cells, self.needs - paid, 0.0)
        lower = one & (left < 0)[self.problem.cell]
        self.lots[lower] = np.minimum(np.floor(self.dollars.leg_usd / self.value), self.most)[lower]
        anew = minmax_contracts(
            self.problem.capacity,
            self.problem.account[legs],
            self.problem.cell[legs],
            self.most[legs] * self.value[legs],
            np.maximum(left, 0.0),
        )
        self.lots[legs] = np.minimum(np.floor(anew.leg_usd / self.value[legs] * (1 + SLACK)), self.most[legs])

    def _cover(self, c: int) -> bool:
        """Take what a cell lacks where burdens stay lowest: most of it by a level, the rest lot by lot."""
        legs = self.legs[c]
        lacks = self.needs[c] - float(np.sum(self.lots[legs] * self.value[legs]))
        if lacks <= REL_TOL / 2 * self.needs[c]:
            return True
        self._add(legs, self._levelled(legs, lacks))
        while (lacks := self.needs[c] - float(np.sum(self.lots[legs] * self.value[legs]))) > REL_TOL / 2 * self.needs[c]:
            rows, value = self.problem.account[legs], self.value[legs]
            fits = (self.lots[legs] < self.most[legs]) & (self.x[rows] + value <= self.limit[rows])
            able = legs[fits]
            if able.size == 0:
                return False
            rows = self.problem.account[able]
            burden = (self.x[rows] + self.value[able]) / self.u[able]
            order = np.argsort(burden, kind="stable")
            _, first = np.unique(rows[order], return_index=True)  # one lot of an account at a time
            order = order[np.sort(first)]
            upto = int(np.searchsorted(np.cumsum(self.value[able[order]]), lacks * (1 - REL_TOL))) + 1
            self._add(able[order[:upto]], 1.0)
        return True

    def _levelled(self, legs: IntArray, lacks: float) -> FloatArray:
        """Whole lots of legs that are levelled over what their accounts pay already."""
        rows, value = self.problem.account[legs], self.value[legs]
        room = np.maximum(np.floor((self.limit[rows] - self.x[rows]) / value), 0.0)
        cap = np.minimum(self.most[legs] - self.lots[legs], room) * value
        cap = np.where(self.u[legs] > 0, cap, 0.0)
        some = np.flatnonzero(cap > 0)
        if np.unique(rows[some]).size < some.size or some.size == 0:
            return np.zeros(legs.size)
        y, level = np.zeros(some.size), np.zeros(1)
        ends, demand = np.array([0, some.size]), np.array([min(lacks, float(np.sum(cap)))])
        contracts_leaf().fill(
            np.zeros(1, np.int64), ends, rows[some], cap[some], self.problem.capacity, demand, self.x.copy(), y, level
        )
        added = np.zeros(legs.size)
        added[some] = np.floor(y / value[some])
        return added

    def _add(self, legs: IntArray, lots: FloatArray | float) -> None:
        self.lots[legs] += lots
        np.add.at(self.x, self.problem.account[legs], lots * self.value[legs])
