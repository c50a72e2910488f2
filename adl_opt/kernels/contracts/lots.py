"""Min-max burden in whole lots in contract space: floor and repair, with an integer bound.

Bound.  The legs of a set of cells, paying for these cells together, are the problem of `minmax_lots`: its
bound is one here too.  The sets that count are each cell by itself, where it is a closed form, and the cells
that decide the answer in dollars.

Lots.  The dollars of `minmax_contracts` are rounded to whole lots with burdens up to an aim (`repair`).  The
first aim is the bound.  It rises until all cells are covered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adl_opt.kernels.contracts.base import REL_TOL, BoolArray, FloatArray
from adl_opt.kernels.contracts.lots_result import ContractLots, ContractLotsResult, contract_lots_result
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.kernels.contracts.problem import checked_contracts
from adl_opt.kernels.contracts.repair import MANY, Repair
from adl_opt.kernels.contracts.result import ContractsResult
from adl_opt.kernels.lots.base import SLACK
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.kernels.lots.problem import checked_problem

HALVINGS = 64
"""Steps to the least burden at which one cell is covered: all bits of it, in the logarithm."""

AIMS = (0.0001, 0.0003, 0.001, 0.003, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Aims, as shares above the bound, where the bound itself fails; after these the burden is not limited."""


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
    of its cell; with the hard cap it is not proven to be the
    least, and then there is no bound on the burden (0).

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
    repair = Repair(problem, dollars)
    first = [(0.0, False)] if np.count_nonzero(deciding) <= MANY else []  # no room where all share a level
    for aim, level_anew in [*first, (0.0, True), *((aim, True) for aim in AIMS)] if lower > 0 else ():
        if repair.reach(lower * (1 + aim), level_anew):
            break
    else:
        repair.reach(np.inf, level_anew=False)
    repair.give_back()
    return contract_lots_result(problem, repair.lots.astype(np.int64), lower, deciding)


def _bound(problem: ContractLots, dollars: ContractsResult) -> tuple[float, BoolArray]:
    """Return the largest bound of one cell, or of the cells that decide in dollars, and these cells."""
    if dollars.z == 0 or (problem.hard_cap and dollars.residual_usd.any()):
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
