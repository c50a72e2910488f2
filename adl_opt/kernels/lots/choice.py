"""Min-max over lots when at most k accounts may pay: who pays, and how many lots, at the smallest burden."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import ArrayLike

from adl_opt.kernels.lots.base import AIM
from adl_opt.kernels.lots.book import lots_book
from adl_opt.kernels.lots.choice_result import LotsChoiceResult
from adl_opt.kernels.lots.choice_search import ChoiceSearch
from adl_opt.kernels.lots.engine import engine
from adl_opt.kernels.lots.field import Field
from adl_opt.kernels.lots.minmax import NODE_LIMIT, minmax_lots
from adl_opt.kernels.lots.problem import checked_count, checked_problem
from adl_opt.kernels.lots.result import LotsResult, result_of
from adl_opt.kernels.lots.trim import second_goal


def minmax_lots_choice(
    capacity: ArrayLike,
    account: ArrayLike,
    lot_value: ArrayLike,
    lots: ArrayLike,
    budget: float,
    accounts: int,
    *,
    base: ArrayLike | None = None,
    node_limit: int = NODE_LIMIT,
) -> LotsChoiceResult:
    """Cover a budget with whole lots of at most k accounts so that the largest burden is smallest.

    The problem of `minmax_lots` with one more rule: at most ``accounts`` accounts pay.

    Parameters
    ----------
    capacity : array_like, shape (n,)
        USD that each account can give up, finite and >= 0.
    account : array_like of int, shape (m,)
        Account of each position, in ``0..n-1``.
    lot_value : array_like, shape (m,)
        USD of PNL that one lot of the position gives up, finite and > 0.
    lots : array_like of int, shape (m,)
        Whole lots of the position, ``0..2**53``.
    budget : float
        USD to cover, finite and >= 0; 0 takes nothing.
    accounts : int
        How many accounts may pay, >= 0.
    base : array_like, shape (n,), optional
        USD by which burdens are measured, finite and >= 0, by default the capacity.  An account with base 0
        cannot pay.
    node_limit : int, optional
        Combinations to enumerate at most, >= 1.

    Returns
    -------
    LotsChoiceResult
        With a proven ``lower_bound`` and ``gap``, the rows ``chosen``, and `LotsChoiceResult.certify`.  A
        budget that k accounts cannot cover is no error: the answer is the most that they can pay, and
        ``shortfall_usd`` > 0.

    Raises
    ------
    InputError
        What `minmax_lots` refuses; accounts that is not a whole number >= 0.

    Notes
    -----
    Once z is fixed, accounts do not depend on each other: account i can pay f_i, the largest bounded subset
    sum up to ``min(z * base_i, capacity_i)``, and k accounts together the sum of the k largest f_i.  That is
    a step function of z, so its crossing with the budget is found by bisection.  Subset sums are searched
    only for accounts that may be among the k largest, as far as the decision needs: about 50 probes, each
    O(n + m) and a few subset sums.

    *Gap.* 0 within the first 16,000 nodes, at most 1e-9 beyond, unless ``node_limit`` ends the search.

    *Overshoot.* At that z lots are given back within the chosen accounts, by least total where at most 48
    lines (account, lot value) are in play, else greedily.  Other accounts with the same z may overshoot less:
    ``overshoot_proven`` only where all that can pay may pay.

    *Tolerance.* As in `minmax_lots`.

    References
    ----------
    Chitra et al., "Autodeleveraging as Online Learning", arXiv 2602.15182, eq. 8; the choice of payers is
    this library's own.

    Examples
    --------
    One account alone must sell two lots worth 4; both together need 6 of 10 at most.

    >>> arrays = [10.0, 10.0], [0, 1], [3.0, 4.0], [3, 2]
    >>> minmax_lots_choice(*arrays, 8.0, 1).z, minmax_lots_choice(*arrays, 8.0, 2).z
    (0.8, 0.6)
    """
    checked_count("accounts", accounts, 0)
    checked_count("node_limit", node_limit, 1)
    problem = checked_problem(capacity, account, lot_value, lots, budget, base)
    nothing = np.zeros(problem.lots.size, dtype=np.int64)
    if problem.budget == 0 or accounts == 0:
        return _choice(result_of(problem, nothing, 0.0, True, 0), int(accounts))
    leaf = engine()
    book = lots_book(problem, leaf)
    if accounts >= np.count_nonzero(book.total > 0):
        return _choice(
            minmax_lots(capacity, account, lot_value, lots, budget, base=base, node_limit=node_limit),
            int(accounts),
        )
    target = problem.budget * AIM
    search = ChoiceSearch(Field(book, leaf, singles=False), target, int(accounts), int(node_limit))
    search.run()
    line_lots = search.lots
    if search.covered:
        lower = search.high if search.closed() else search.low
        own = replace(book, lots=np.where(np.isin(book.account, book.account[line_lots > 0]), book.lots, 0.0))
        line_lots, _ = second_goal(own, leaf, line_lots, search.high, problem.budget)
    else:
        lower = search.high if search.most_proven else 0.0
    result = result_of(problem, book.spread(line_lots, problem.lots), lower, False, search.nodes)
    return _choice(result, int(accounts))


def _choice(result: LotsResult, accounts: int) -> LotsChoiceResult:
    """Add who pays."""
    chosen = np.unique(result.problem.account[result.lots > 0])
    parts = {spec.name: getattr(result, spec.name) for spec in fields(result)}
    return LotsChoiceResult(**parts, chosen=chosen, accounts=accounts)
