"""Several losers at several prices in one market: min-max burden as a linear program over rows of losers.

With one closing price in each market and side, dollars say all, and `adl_opt.kernels.minmax_contracts` is
exact.  With several prices, a contract of a leg can be closed once, against one row or another, and gives up
what that row says.  A blended price would leave the burden wrong.  So each leg has a column for each row of
losers in its cell.

Where every leg takes the same share of each row, the kernel says how much.  That can be done, and it is the
best where no account that is short of contracts could take dearer rows.  So it is tried first.  It is an
answer only where the bound of the rows proves it; else HiGHS solves the program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.errors import SolverError
from adl_opt.kernels.arrays import vector
from adl_opt.kernels.contracts.base import REL_TOL, ContractsProblem
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.kernels.contracts.problem import checked_contracts, checked_index
from adl_opt.losses import burden
from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.options import Options
from adl_opt.programs.proof import LinearProof
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints

TOLERANCE = 1e-9
"""Quantities, relative to their row or leg, and the gap of z."""


@dataclass(frozen=True, eq=False)
class LoserRowsResult:
    """Contracts of each leg that are closed against each row of losers.

    Parameters
    ----------
    z, lower_bound, gap : float
        Largest burden; the bound that the prices of the rows prove; ``(z - lower_bound) / z``.
    leg, row : (k,) int
        Pairs of a leg and a row of losers.
    contracts : (k,)
        Contracts that are closed in each pair.
    haircut_usd : (n,) USD
        What every account gives up.
    residual_contracts : (rows,)
        Contracts of each row for which no position is left.
    proof : LinearProof
        ``proof.check()`` checks the bound in fractions, ``proof.write(path)`` writes it.
    """

    z: float
    lower_bound: float
    gap: float
    leg: Ints
    row: Ints
    contracts: Floats
    haircut_usd: Floats
    residual_contracts: Floats
    proof: LinearProof

    @property
    def proven(self) -> bool:
        """The contracts keep all quantities, and the bound meets z, within 1e-9."""
        assert self.proof.v is not None  # noqa: S101
        return self.proof.model.breach(self.proof.v) <= TOLERANCE and self.gap <= TOLERANCE


def minmax_loser_rows(
    capacity: npt.ArrayLike,
    account: npt.ArrayLike,
    cell: npt.ArrayLike,
    quantity: npt.ArrayLike,
    row_cell: npt.ArrayLike,
    row_quantity: npt.ArrayLike,
    row_gap: npt.ArrayLike,
    *,
    options: Options | None = None,
) -> LoserRowsResult:
    """Close rows of losers against positions of their cells, so that the largest burden is the smallest.

    Minimise z subject to ``sum_j k_jr = Q_r`` for each row r, ``sum_r k_jr <= quantity_j`` for each leg j,
    and ``sum_jr k_jr g_r <= z u_i`` over the legs of each account i.

    Parameters
    ----------
    capacity : (n,)
        USD >= 0 by which burdens are measured, u.  An account with capacity 0 cannot pay.
    account, cell : (m,) int
        Account and cell (market and side) of each leg.
    quantity : (m,)
        Contracts >= 0 of the leg.
    row_cell : (rows,) int
        Cell of each row of losers.
    row_quantity : (rows,)
        Contracts >= 0 to close, Q.
    row_gap : (rows,)
        USD that a contract closed against the row gives up, g.  Below 0 it is a gain, and counts as 0.
    options : Options, optional
        Of HiGHS, such as a time limit.

    Returns
    -------
    LoserRowsResult
        Where a cell has fewer contracts than its rows need, rows are served in their order, and the rest is
        ``residual_contracts``.

    Raises
    ------
    InputError
        NaN or infinite values, negative quantities, unknown accounts or cells, lengths that differ.
    SolverError
        HiGHS does not solve the program, or not in time.

    Notes
    -----
    Equal shares of every row are tried first.  Where their bound leaves a gap, HiGHS gives the contracts and
    the prices of the rows.  The bound is computed here from the prices by weak duality, every rounding
    downward.  Where nearly all markets share the level and some accounts are short of contracts, the simplex
    method may take minutes at 20,000 accounts.

    Examples
    --------
    Two losers of one market at 1 USD and 3 USD a contract; the second account holds ten contracts only.

    >>> rows = {"row_cell": [0, 0], "row_quantity": [20.0, 20.0], "row_gap": [1.0, 3.0]}
    >>> found = minmax_loser_rows([100.0, 100.0], [0, 1], [0, 0], [90.0, 10.0], **rows)
    >>> found.haircut_usd.round(9).tolist(), found.proven
    ([50.0, 30.0], True)
    """
    rows = np.asarray(row_gap).size
    where = checked_index("row_cell", row_cell, rows, int(np.max(np.append(cell, row_cell), initial=-1)) + 1)
    cells = int(np.max(np.append(cell, where), initial=-1)) + 1
    legs = checked_contracts(capacity, account, cell, quantity, np.zeros(cells), False)
    needs = vector("row_quantity", row_quantity, size=rows, low=0.0)
    gap = np.maximum(vector("row_gap", row_gap), 0.0)
    needs, residual = _served(legs, where, needs)
    model, leg, row = _model(legs, where, needs, gap)
    found = _result(legs, gap, residual, (model, leg, row), *_shared(legs, where, needs, gap, leg, row))
    if found.proven:
        return found
    answer = run_highs(model, options or Options())
    if answer.verdict != "optimal" or answer.v is None or answer.y is None:
        raise SolverError(
            "HiGHS did not solve the rows of losers",
            got=answer.message,
            ways_out=["scale the amounts to within nine orders of magnitude", "allow more time"],
        )
    return _result(legs, gap, residual, (model, leg, row), answer.v[:-1], answer.y)


def _result(
    legs: ContractsProblem,
    gap: Floats,
    residual: Floats,
    pairs: tuple[LinearModel, Ints, Ints],
    closed: Floats,
    prices: Floats,
) -> LoserRowsResult:
    """Return contracts of pairs with the bound that prices of the rows of the program prove."""
    model, leg, row = pairs
    contracts = np.clip(closed, 0.0, model.col_upper[:-1])
    haircut = np.bincount(legs.account[leg], contracts * gap[row], legs.capacity.size).astype(np.float64)
    z = float(np.max(burden(haircut, legs.capacity), initial=0.0))
    proof = LinearProof(model, prices, np.append(contracts, z))
    lower = min(max(proof.bound(), 0.0), z)
    share = (z - lower) / z if z > 0 else 0.0
    return LoserRowsResult(z, lower, share, leg, row, contracts, haircut, residual, proof)


def _shared(
    legs: ContractsProblem, where: Ints, needs: Floats, gap: Floats, leg: Ints, row: Ints
) -> tuple[Floats, Floats]:
    """Return contracts of pairs where every leg takes the same share of each row, and prices for a bound.

    The bound lets legs that are short of contracts take the dearest row of their cell.
    """
    cells, u = legs.demand.size, legs.capacity
    wanted, usd = (np.bincount(where, part, cells) for part in (needs, needs * gap))
    price = np.divide(usd, wanted, out=np.zeros(cells), where=wanted > 0)[legs.cell]
    kernel = minmax_contracts(u, legs.account, legs.cell, legs.cap * price, usd)
    able = legs.cap * (u[legs.account] > 0)
    costs_nothing = (wanted > 0) & (usd == 0)
    part = np.divide(wanted, np.bincount(legs.cell, able, cells), out=np.zeros(cells), where=costs_nothing)
    each = np.divide(kernel.leg_usd, price, out=able * part[legs.cell], where=price > 0)
    closed = each[leg] * needs[row] / wanted[where[row]]
    dearest = np.zeros(cells)
    np.maximum.at(dearest, where, np.where(needs > 0, gap, 0.0))
    top = burden(kernel.haircut_usd, u) >= kernel.z * (1 - REL_TOL) if kernel.z > 0 else u < 0
    one = 1.0 / exact_sum(u[top]) if top.any() else 0.0
    short = kernel.deciding[legs.cell] & ~top[legs.account]
    of_rows = np.where(kernel.deciding[where], gap, 0.0)
    return closed, one * np.concatenate(
        [of_rows, np.where(short, -dearest[legs.cell], 0.0), np.where(top, -1.0, 0.0)]
    )


def _served(legs: ContractsProblem, where: Ints, needs: Floats) -> tuple[Floats, Floats]:
    """Return what each row gets, rows in their order, and what is left of it."""
    able = legs.cap * (legs.capacity[legs.account] > 0)
    left = np.bincount(legs.cell, able, legs.demand.size)
    served = np.zeros_like(needs)
    for r, (c, quantity) in enumerate(zip(where.tolist(), needs.tolist(), strict=True)):
        served[r] = min(quantity, left[c])
        left[c] -= served[r]
    return served, needs - served


def _model(legs: ContractsProblem, where: Ints, needs: Floats, gap: Floats) -> tuple[LinearModel, Ints, Ints]:
    """Return the linear program, and leg and row of each column but the last one, which is z."""
    by_cell = np.argsort(where, kind="stable")
    count = np.bincount(where, minlength=legs.demand.size)
    able = np.flatnonzero((legs.capacity[legs.account] > 0) & (legs.cap > 0))
    times = count[legs.cell[able]]
    leg = np.repeat(able, times)
    place = np.arange(leg.size) - np.repeat(np.cumsum(times) - times, times)
    row = by_cell[(np.cumsum(count) - count)[legs.cell[leg]] + place]
    kept = needs[row] > 0
    leg, row = leg[kept], row[kept]
    rows, m, n = needs.size, legs.cap.size, legs.capacity.size
    u, who, k = legs.capacity, legs.account[leg], np.arange(leg.size)
    paying = np.flatnonzero(u > 0)
    most = np.bincount(who, legs.cap[leg] * gap[row], n)[paying] / u[paying]
    pieces = (
        (row, k, np.ones(leg.size)),
        (rows + leg, k, np.ones(leg.size)),
        (rows + m + who, k, gap[row]),
        (rows + m + paying, np.full(paying.size, leg.size), -u[paying]),
    )
    index, column, value = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    upper = np.minimum(legs.cap[leg], needs[row])
    unbounded = np.full(m + n, -np.inf)
    model = LinearModel(
        cost=np.append(np.zeros(leg.size), 1.0),
        col_lower=np.zeros(leg.size + 1),
        col_upper=np.append(upper, np.max(most, initial=0.0)),
        integer=np.zeros(leg.size + 1, dtype=bool),
        row=index,
        col=column,
        value=value,
        row_lower=np.concatenate([needs, unbounded]),
        row_upper=np.concatenate([needs, legs.cap, np.zeros(n)]),
        col_unit=np.append(power_of_two(upper), 1.0),
        row_unit=np.concatenate([power_of_two(needs), power_of_two(legs.cap), power_of_two(u)]),
        col_owner=((leg.size, "contracts"), (1, "burden")),
        row_owner=((rows, "losers"), (m, "legs"), (n, "accounts")),
    )
    return model, leg, row
