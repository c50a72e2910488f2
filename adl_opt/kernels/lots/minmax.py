"""Min-max over lots (eq. 8): whole lots that cover a budget at the smallest largest burden."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adl_opt.kernels.lots.base import AIM
from adl_opt.kernels.lots.book import lots_book
from adl_opt.kernels.lots.engine import engine
from adl_opt.kernels.lots.field import Field
from adl_opt.kernels.lots.problem import checked_count, checked_problem
from adl_opt.kernels.lots.result import LotsResult, result_of
from adl_opt.kernels.lots.search import LotsSearch
from adl_opt.kernels.lots.trim import second_goal

NODE_LIMIT = 10_000_000
"""Default limit on enumerated combinations, a few seconds."""

MOST_NODES = 2**62
"""More nodes than anybody can wait for: a larger limit is cut to it."""


def minmax_lots(
    capacity: ArrayLike,
    account: ArrayLike,
    lot_value: ArrayLike,
    lots: ArrayLike,
    budget: float,
    *,
    base: ArrayLike | None = None,
    node_limit: int = NODE_LIMIT,
) -> LotsResult:
    """Cover a budget with whole lots so that the largest burden is as small as possible.

    Minimise z over whole lots ``0 <= k_j <= lots_j`` subject to ``sum_j k_j lot_value_j >= budget`` and, for
    the haircut ``x_i`` of every account, ``x_i <= capacity_i`` and ``x_i <= z * base_i``.  Among the answers
    with that z, overshoot little, then use few lots.

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
    base : array_like, shape (n,), optional
        USD by which burdens are measured, finite and >= 0, by default the capacity.  An account with base 0
        cannot pay.
    node_limit : int, optional
        Combinations to enumerate at most, >= 1.  A count, not a time: the same input gives the same answer.

    Returns
    -------
    LotsResult
        With a proven ``lower_bound`` and ``gap``, and `LotsResult.certify`.  A budget that all lots cannot
        cover is no error: the answer is the largest reachable haircuts, and ``shortfall_usd`` > 0.

    Raises
    ------
    InputError
        NaN or infinite values, negative capacity, base, lots or budget, lot values <= 0, lots that are not
        whole or above 2**53, unknown accounts, shapes that do not match, node_limit below 1.

    Notes
    -----
    *z.* The most that accounts can pay is a step function of z; an interval around its crossing with the
    budget is shrunk until no step is left inside, at burdens where the pay that is expected crosses the
    budget.  One position is a closed form, two are Euclid's algorithm, more enumerate all but two (a bounded
    subset sum is NP-hard in general); they are searched only for accounts whose bounds decide.  About linear
    in accounts for few positions each.  The gap goes to 0 within the first 16,000 nodes and is at most 1e-9
    beyond, unless `node_limit` ends the search: then ``gap`` says so.  One search goes over at most 2**22
    combinations; an account that may need more (five positions of many hundred lots) stays open.

    *Overshoot.* Proven least, and lots proven fewest, when ``overshoot_proven`` (at most 48 lot values in
    play, few sums).  Otherwise lots are given back greedily, about the dearest first: no single lot can
    be taken away any more, but another combination may overshoot less or use fewer lots.

    *Shortfall.* With gap 0 the haircuts are proven maximal.  Gap 1 says that the node limit ended the search
    for a cover: neither is then proven.

    *Tolerance.* One relative tolerance, 1e-12: a budget is covered from ``budget * (1 - 1e-12)``, caps and
    burdens hold within it, equal burdens are equal within it.  ``haircut_usd`` never exceeds the capacity.

    References
    ----------
    Chitra et al., "Autodeleveraging as Online Learning", arXiv 2602.15182, eq. 8.

    Examples
    --------
    Two accounts with capacity 10; a lot is worth 3 in the first and 4 in the second.

    >>> answer = minmax_lots([10.0, 10.0], [0, 1], [3.0, 4.0], [3, 2], 8.0)
    >>> answer.lots, answer.z, answer.overshoot_usd
    (array([2, 1]), 0.6, 2.0)
    """
    problem = checked_problem(capacity, account, lot_value, lots, budget, base)
    checked_count("node_limit", node_limit, 1)
    if problem.budget == 0:
        return result_of(problem, np.zeros(problem.lots.size, dtype=np.int64), 0.0, True, 0)
    leaf = engine()
    book = lots_book(problem, leaf)
    search = LotsSearch(Field(book, leaf), problem.budget * AIM, min(int(node_limit), MOST_NODES))
    search.run()
    lower = search.high if search.closed() else search.low
    line_lots, proven = search.field.line_lots(search.high), False
    if search.covered:
        line_lots, proven = second_goal(book, leaf, line_lots, search.high, problem.budget)
    else:
        lower = search.high if search.most_proven else 0.0
    return result_of(problem, book.spread(line_lots, problem.lots), lower, proven, search.nodes)
