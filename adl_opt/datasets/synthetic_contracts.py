"""Synthetic rounds in contracts: both sides of every market, losing legs, hedge mode, several losers.

Prices have fallen, so most shorts gain and most longs lose.  All markets hang on one factor, each with its
own beta, so that the marks of the rounds before say how they move together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.datasets.draws import MAX_NOTIONAL_TO_EQUITY, Markets, Pool, draw_markets, split_exactly
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import (
    CROSS,
    INVERSE,
    ISOLATED,
    LINEAR,
    given_up_per_contract,
    notional_per_contract,
    pnl_per_contract,
)
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions

MOST_LOST = 0.8
"""No position has lost more than this share of its collateral: the others are closed already."""

MOST_CLOSED = 0.5
"""What is to be closed of a market is about this share of its other side at most."""

SHORTS_TOO = 1 / 3
"""In this share of the markets shorts are bankrupt too."""

TWO_LOSERS = 0.3
"""Share of the (market, side) with two losers, each at its own bankruptcy price, near the other's."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Contracts:
    """The contracts of an episode, by market: what stays as it is from round to round.

    ``start`` is the mark at the start, ``fall`` how far prices have fallen since most positions were entered.
    """

    markets: Markets
    kind: Text
    multiplier: Floats
    lot_size: Floats
    beta: Floats
    fall: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator, markets: Markets, inverse: float) -> Contracts:
        """Draw them; a share of the markets, the smallest ones, has inverse contracts of 1 USD."""
        k = markets.mark.size
        kind = np.where(np.arange(k) >= k - round(inverse * k), INVERSE, LINEAR)
        size = np.where(kind == INVERSE, markets.lot_notional, markets.lot_notional / markets.mark)
        return cls(
            markets=markets,
            kind=kind,
            multiplier=np.ones(k),
            lot_size=np.asarray(10.0 ** np.round(np.log10(size)), dtype=np.float64),
            beta=rng.uniform(0.5, 1.5, k),
            fall=rng.uniform(0.02, 0.25, k),
        )

    def marks(self, rng: np.random.Generator, factor: float) -> Floats:
        """Return the marks where the log of the common factor is this, USD."""
        own = 0.01 * rng.standard_normal(self.beta.size)
        return np.maximum(np.round(self.markets.mark * np.exp(self.beta * factor + own), 8), 1e-8)

    def terms(self, mark: Floats, at: Ints) -> tuple[Text, Floats, Floats]:
        """Return kind, multiplier and settlement rate of contracts of some markets."""
        kind = self.kind[at]
        return kind, self.multiplier[at], np.where(kind == INVERSE, mark[at], 1.0)


def draw_book(
    rng: np.random.Generator,
    pool: Pool,
    rows: Ints,
    contracts: Contracts,
    mark: Floats,
    *,
    capacity: float,
    hedged: float,
    isolated: float,
) -> tuple[Accounts, Positions]:
    """Give the pool's accounts in ``rows`` positions on both sides, with about this capacity in all, USD.

    A share ``hedged`` of the accounts holds the other side of its first market too; a share ``isolated`` of
    the positions has its own margin.
    """
    n = rows.size
    account, market = draw_markets(rng, n, contracts.markets)
    side = rng.choice([-1, 1], account.size)
    legs = np.flatnonzero((rng.random(n) < hedged)[account] & (np.diff(account, prepend=-1) > 0))
    account, market = np.append(account, account[legs]), np.append(market, market[legs])
    side, place = np.append(side, -side[legs]), np.lexsort((market, account))
    account, market, side = account[place], market[place], side[place]

    entered = mark[market] * (1.0 + contracts.fall[market] * rng.uniform(-0.3, 1.0, account.size))
    kind, *terms = contracts.terms(mark, market)
    share = 0.05 + rng.random(account.size)
    share /= _sums(account, share, n)[account]
    collateral = (pool.size * pool.ratio)[rows][account] * share
    each = notional_per_contract(kind, mark[market], *terms)
    quantity = collateral * np.clip(pool.leverage[rows], 1.0, MAX_NOTIONAL_TO_EQUITY)[account] / each
    gain = pnl_per_contract(kind, side, entered, mark[market], *terms)
    in_all = _sums(account, quantity * gain, n)
    whole = float(np.maximum(np.minimum(in_all, in_all + _sums(account, collateral, n)), 0.0).sum())
    scale = capacity / whole if whole > 0.0 else 1.0
    lots = np.clip(np.floor(scale * quantity / contracts.lot_size[market]), 1.0, 2.0**40)
    alone = rng.random(account.size) < isolated
    lost = np.maximum(-lots * contracts.lot_size[market] * gain, 0.0)
    own = np.maximum(scale * collateral, lost / MOST_LOST)
    held = Positions(
        account=account,
        market=contracts.markets.name[market],
        lots=lots,
        side=side,
        entry=entered,
        mark=mark[market],
        lot_size=contracts.lot_size[market],
        kind=kind,
        multiplier=terms[0],
        settlement_rate=terms[1],
        margin_mode=np.where(alone, ISOLATED, CROSS),
        isolated_margin=np.where(alone, own, 0.0),
    )
    pnl = _sums(account, held.pnl, n)
    equity = _sums(account, own, n) + pnl
    notional = _sums(account, held.quantity * each, n)
    rate = contracts.markets.margin_rate[market]
    return Accounts(
        id=pool.id[rows],
        pnl=pnl,
        equity=equity,
        notional=notional,
        leverage=notional / equity,
        margin=_sums(account, held.quantity * each * rate, n),
    ), held


def draw_flow(
    rng: np.random.Generator,
    contracts: Contracts,
    mark: Floats,
    held: Positions,
    deficit: float,
    needed: float,
) -> tuple[Flow, Gaps, float]:
    """Return what is to be closed, what that really gave up by market and side, and the deficit, USD.

    Parameters
    ----------
    rng : Generator
    contracts : Contracts
    mark : (k,) USD
    held : Positions
    deficit : float
        What all contracts are to give up at the mark, USD; whole lots make it less, and so does a market
        where nearly all of the other side would be closed.
    needed : float
        B as a share of the deficit.
    """
    names, k = contracts.markets.name, mark.size
    code = np.searchsorted(names, held.market)
    across = np.stack([_sums(code[held.side == -s], held.quantity[held.side == -s], k) for s in (1, -1)])
    across[1] *= rng.random(k) < SHORTS_TOO
    which, market = np.nonzero(across > 0.0)
    market, which = (v[np.lexsort((which, market))] for v in (market, which))
    cell = np.repeat(np.arange(market.size), 1 + (rng.random(market.size) < TWO_LOSERS))
    size = contracts.lot_size[market[cell]]
    wanted = rng.uniform(0.5, 1.5, cell.size) * across[which, market][cell] / np.bincount(cell)[cell]
    side = np.where(which == 0, 1, -1)[cell]
    depth = rng.uniform(0.005, 0.04, market.size)[cell] * rng.uniform(0.95, 1.05, cell.size)
    bankruptcy = mark[market[cell]] * (1.0 + side * depth)
    kind, *terms = contracts.terms(mark, market[cell])
    given_up = given_up_per_contract(kind, side, bankruptcy, mark[market[cell]], *terms)
    total = float(wanted @ given_up)
    scale = min(deficit / total, MOST_CLOSED) if total > 0.0 else 0.0
    quantity = np.floor(scale * wanted / size) * size
    flow = Flow(
        market=names[market[cell]],
        side=side,
        quantity=quantity,
        mark=mark[market[cell]],
        bankruptcy=bankruptcy,
    )
    usd = _sums(cell, quantity * given_up, market.size)
    closed = np.flatnonzero(usd > 0.0)
    deficit = round(float(usd.sum()), 2)
    gap = np.zeros(market.size)
    if (budget := round(needed * deficit, 2)) > 0.0:
        gap[closed] = split_exactly((usd * rng.uniform(0.5, 1.5, usd.size))[closed], budget)
    in_all = _sums(cell, quantity, market.size)
    gaps = Gaps(market=names[market], side=np.where(which == 0, 1, -1), quantity=in_all, gap=gap)
    return flow, gaps, deficit


def _sums(group: Ints, values: Floats, n: int) -> Floats:
    return np.bincount(group, values, minlength=n).astype(np.float64)
