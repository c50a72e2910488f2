"""Min-max burden in contract space: haircuts by market and side, at the lexicographically least burdens."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adl_opt.kernels.contracts.book import contracts_book
from adl_opt.kernels.contracts.certificate import Figures
from adl_opt.kernels.contracts.engine import contracts_leaf
from adl_opt.kernels.contracts.levels import levelled
from adl_opt.kernels.contracts.problem import checked_contracts
from adl_opt.kernels.contracts.result import ContractsResult, contracts_result

BELOW = 1e-15
"""Accounts at their capacity stay below it by so much, relatively: no rounding leads above it."""


def minmax_contracts(
    capacity: ArrayLike,
    account: ArrayLike,
    cell: ArrayLike,
    cap: ArrayLike,
    demand: ArrayLike,
    *,
    hard_cap: bool = False,
) -> ContractsResult:
    """Cover what each market and side needs, from its own positions, at the least burdens.

    A *cell* is a market with a side; it has one closing price.  A *leg* is what an account can give up in a
    cell.  Find dollars ``0 <= y_j <= cap_j`` of the legs which add up to the demand of each cell, so that the
    burdens ``x_i / u_i`` of accounts, sorted from the largest down, are lexicographically least: the largest
    burden is as small as possible, then the next, and so on.  So each cell is as level as it can be.

    Parameters
    ----------
    capacity : array_like, shape (n,)
        USD >= 0 by which burdens are measured, u.  An account with capacity 0 cannot pay.
    account, cell : array_like of int, shape (m,)
        Account in ``0..n-1`` and cell in ``0..cells-1`` of each leg.
    cap : array_like, shape (m,)
        USD >= 0 that the leg can give up: its quantity times what a contract gives up.
    demand : array_like, shape (cells,)
        USD >= 0 that each cell needs.
    hard_cap : bool
        No account pays more than its capacity (positive PNL only).

    Returns
    -------
    ContractsResult
        With the cells that decide z as proof, and `ContractsResult.certify`.  What the legs of a cell cannot
        cover is no error but its ``residual_usd``.  Without `hard_cap`, z may be above 1.

    Raises
    ------
    InputError
        NaN or infinite values, negative amounts, unknown accounts or cells, lengths that differ.

    Notes
    -----
    With one price in each cell this is a parametric maximum flow.  z is the maximum over sets S of cells of
    the least z with ``sum_i min(z u_i, c_i(S)) = D(S)``, where c_i(S) is what account i can give in S, and
    D(S) what S needs.  About linear in legs for a fixed number of cells.

    *Hard cap.*  The residual is the least in total.  An account that would pay more than its capacity pays
    its capacity, and each of its legs the same share of what it would pay otherwise.

    *Tolerance.*  1e-12, relative to the size of a burden, a level or a demand.

    References
    ----------
    N. Megiddo, Optimal flows in networks with multiple sources and sinks, Math. Programming 7, 1974.
    S. Fujishige, Lexicographically optimal base of a polymatroid with respect to a weight vector, Math. of
    Operations Research 5, 1980 (cutting a set of cells at their common level).

    Examples
    --------
    The first account holds little of the market, so the second one pays the rest.

    >>> minmax_contracts([100.0, 100.0], [0, 1], [0, 0], [10.0, 100.0], [50.0]).haircut_usd
    array([10., 40.])

    The first account alone can pay in cell 1, so the others pay more in cell 0.

    >>> answer = minmax_contracts([60.0, 40.0], [0, 1, 0], [0, 0, 1], [50.0, 50.0, 50.0], [30.0, 30.0])
    >>> round(answer.z, 9), answer.haircut_usd, answer.deciding
    (0.6, array([36., 24.]), array([ True,  True]))
    """
    problem = checked_contracts(capacity, account, cell, cap, demand, hard_cap)
    leaf = contracts_leaf()
    book = contracts_book(problem, leaf)
    usd = book.usd(problem, levelled(book, leaf))
    if hard_cap:
        over = Figures(problem, usd).burden * (1 + BELOW)
        usd /= np.where(over > 1, over, 1.0)[problem.account]
    return contracts_result(problem, usd)
