"""The bound that prices prove, rounded outward: no way of closing has a lower expected shortfall.

For prices 0 <= w_is <= chance_s of pairs, ``E[x^-] >= sum_s w_is (-x)``.  Summed over accounts this is linear
in k.  Prices y of the pools bring in what must be closed.  So the least expected shortfall is at least

    sum_i -e_i W_i + sum_r [ -q_r V_r + most_r min(0, side_r V_r + g_r W_i - y_r) ] + sum_pools y Q

with ``W_i = sum_s w_is`` and ``V_r = sum_s w_is dP_s`` (of the market of position r).  This holds for any
prices.  V and W are sums of floats.  How far off they can be is bounded, and the term of each position, which
is concave in both, is taken at the worst end.  Products are split exactly (:mod:`adl_opt.proofs.outward`).
The last sum is rounded once and moved down.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adl_opt.kernels.arrays import Ints, Vector
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.pools import Pools, entries_of
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.proofs.outward import UNIT, below, in_range, two_product
from adl_opt.proofs.sums import exact_sum


class Prices(NamedTuple):
    """Prices of pairs; a pair that is not listed has the price 0."""

    account: Ints
    scenario: Ints
    price: Vector


def proven_bound(book: RiskBook, scenarios: PriceMoves, prices: Prices) -> float:
    """Return an expected shortfall, USD, that no way of closing goes below.

    Parameters
    ----------
    book : RiskBook
        With what is given up, if equity is seen after haircuts.
    scenarios : PriceMoves
    prices : Prices

    Returns
    -------
    float
        At least 0, for no shortfall is below that.  -inf where a price lies outside [0, chance], a pair is
        named twice or unknown, or a number is too large or too small to split.

    Examples
    --------
    >>> book = RiskBook.of([10.0], [0], [0], [2.0], [[1.0, 0.0]])
    >>> moves = PriceMoves.of([[-20.0], [20.0]], source="by hand")
    >>> row = np.zeros(1, dtype=np.int64)
    >>> round(proven_bound(book, moves, Prices(row, row, np.array([0.5]))), 9)
    5.0
    """
    account, scenario, price = prices
    if not _allowed(book, scenarios, prices):
        return -math.inf
    weight = np.bincount(account, weights=price, minlength=book.equity.size)
    count = np.bincount(account, minlength=book.equity.size)
    weight_off = (count + 2.0) * UNIT * weight
    pair, row = entries_of(book.account, account, book.equity.size)
    part = price[pair] * scenarios.moves[scenario[pair], book.market[row]]
    value = np.bincount(row, weights=part, minlength=book.size.size)
    value_off = (
        (count[book.account] + 3.0) * UNIT * np.bincount(row, weights=np.abs(part), minlength=value.size)
    )
    level = np.zeros(book.quantity.size)
    open_ = np.flatnonzero(book.can_close > 0)
    pools = Pools.of(book.pool[open_], book.can_close[open_], book.to_close)
    cost = book.side * value + book.gives_up * weight[book.account]
    level[pools.number] = pools.cheapest(cost[open_])[1]
    ends = [
        _positions(book, value + sign * value_off, (weight + other * weight_off)[book.account], level)
        for sign in (-1.0, 1.0)
        for other in (-1.0, 1.0)
    ]
    totals = np.stack([p + e for p, e in ends])
    least = np.argmin(totals, axis=0)
    parts = [np.choose(least, [end[half] for end in ends]) for half in (0, 1)]
    slack = UNIT * np.abs(totals).max(axis=0)  # the ends were compared in floats
    cash = two_product(-book.equity, np.where(book.equity > 0, weight + weight_off, weight - weight_off))
    target = two_product(level, book.to_close)
    return max(below(exact_sum(np.concatenate([*parts, -slack, *cash, *target]))), 0.0)


def _positions(book: RiskBook, value: Vector, weight: Vector, level: Vector) -> tuple[Vector, Vector]:
    """Return the term of each position, as the sum of two floats rounded down a little."""
    price = level[book.pool]
    given = book.gives_up * weight
    rest = book.side * value + given - price
    rest = np.minimum(rest - 4.0 * UNIT * (np.abs(value) + np.abs(given) + np.abs(price)), 0.0)
    held, lost = two_product(-book.size, value)
    closed, lost_too = two_product(book.can_close, rest)
    total = held + closed
    error = UNIT * np.abs(total) + UNIT * (np.abs(lost) + np.abs(lost_too))
    return total, lost + lost_too - error


def _allowed(book: RiskBook, scenarios: PriceMoves, prices: Prices) -> bool:
    """Say whether prices prove anything, and numbers can be split."""
    account, scenario, price = prices
    if not (account.shape == scenario.shape == price.shape and np.all(np.isfinite(price))):
        return False
    inside = (
        (account >= 0) & (account < book.equity.size) & (scenario >= 0) & (scenario < scenarios.chance.size)
    )
    if not inside.all():
        return False
    key = np.sort(account * scenarios.chance.size + scenario)
    if np.any(np.diff(key) == 0) or np.any((price < 0) | (price > scenarios.chance[scenario])):
        return False
    return in_range(
        book.equity, book.size, book.can_close, book.to_close, book.gives_up, scenarios.moves, price
    )
