"""Accounts like those that were deleveraged on October 10, 2025: who is in a round, and what it holds.

The published sums of a round are met exactly: capacity, PNL and equity of its winners.  In each market they
hold more than is closed there.  The rest is drawn: sizes by the quantiles of 19,337 accounts, legs and gains
by those of their rows.  :mod:`adl_opt.datasets.calibration` shows how near that comes to real rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.datasets.draws import Pool, rounded, split_exactly, weighted_choice
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.tables import Accounts, Positions

ACCOUNTS = 19_337
"""Accounts that were deleveraged in the whole event."""
PNL_TO_CLOSED = 1.77
"""PNL of an account over what was closed of it: that of the largest (93.5M of 52.9M USD)."""
WHALES = 40
RETURNING_SHARE = 0.15
"""Share of a round's smaller accounts that paid in an earlier round."""
LOSING_SHARE = 0.30
"""Share of accounts whose other legs lose more than the closed leg wins: rounds 17 and 25 have 0.36."""
HELD_TO_CLOSED = 2.2
"""Contracts held over contracts closed: rounds 17 and 25 close 0.46 of a position on average."""
SPREAD = 1.2
"""Standard deviation of the log of a position, given the size of its account."""
# Quantiles of the gain of a closed leg, PNL over notional at the mark (per-user table of the event).
GAIN = ((0.0, 0.002), (0.05, 0.07), (0.25, 0.235), (0.5, 0.459), (0.75, 0.9), (0.95, 2.08), (1.0, 5.0))
# Quantiles of equity over PNL (per-user table); accounts above a million dollars have at most 5.
EQUITY_TO_PNL = ((0.0, 1.02), (0.1, 1.4), (0.5, 2.95), (0.9, 9.0), (1.0, 60.0))
LARGE_USD, LARGE_RATIO = 1e6, 5.0
OVERDRAWN_SHARE = 0.3
"""Share of accounts whose closed legs may win more than the whole account: their other legs lose."""
LOSS = (0.05, 0.6)
"""Fall of the price since entry of the long legs that lose, from and to."""
MARGIN_RATE = 0.05


@dataclass(frozen=True, eq=False)
class Market:
    """The markets of a round: contracts to close, and what of them is known at the time.

    ``closed`` is the number of contracts, 0 where a market has no flow this round; ``mark`` its price, USD;
    ``lot_size`` the contracts of a lot.
    """

    name: Text
    closed: Floats
    mark: Floats
    lot_size: Floats


class Crowd:
    """All accounts of the event, the largest first, and which of them have been in a round so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        pool = Pool.draw(rng, ACCOUNTS)
        order = np.argsort(-pool.size, kind="stable")
        self.id, self.size = pool.id, PNL_TO_CLOSED * pool.size[order]
        levels, ratios = np.array(EQUITY_TO_PNL).T
        ratio = np.exp(np.interp((rng.permutation(ACCOUNTS) + 0.5) / ACCOUNTS, levels, np.log(ratios)))
        self.ratio = np.where(self.size > LARGE_USD, np.minimum(ratio, LARGE_RATIO), ratio)
        self._small = WHALES + rng.permutation(ACCOUNTS - WHALES)
        self._seen = 0

    def members(self, rng: np.random.Generator, count: int, capacity: float) -> Ints:
        """Return the accounts of a round, the largest first, whose sizes come near a capacity, USD."""
        fits = self._small[: self._seen][self.size[self._small[: self._seen]] < capacity / 4]
        back = weighted_choice(rng, np.sqrt(self.size[fits]), min(int(RETURNING_SHARE * count), fits.size))
        small = np.concatenate([fits[back], self._fresh(count - back.size, capacity / 4)])
        room = capacity - float(self.size[small].sum())
        whales = []
        for k in np.flatnonzero(rng.random(WHALES) < 0.8).tolist():  # a fifth of them sit a round out
            if self.size[k] <= room and len(whales) < count // 3:
                whales.append(k)
                room -= float(self.size[k])
        kept = small[: count - len(whales)]
        return np.sort(np.concatenate([np.array(whales, dtype=np.int64), kept]))

    def _fresh(self, count: int, at_most: float) -> Ints:
        """Return accounts that have not been in a round yet, of at most a size, USD."""
        waiting = self._small[self._seen :]
        fits = np.flatnonzero(self.size[waiting] < at_most)[:count]
        taken = waiting[fits]
        self._small = np.concatenate([self._small[: self._seen], taken, np.delete(waiting, fits)])
        self._seen += taken.size
        return taken


def winners(
    rng: np.random.Generator,
    crowd: Crowd,
    members: Ints,
    markets: Market,
    capacity: float,
    pnl: float,
    equity: float,
) -> tuple[Accounts, Positions]:
    """Return the accounts of a round and what they hold; capacity, PNL and equity are their sums, USD."""
    size = crowd.size[members]
    loses = rng.random(size.size) < LOSING_SHARE
    loses[: max(3, size.size // 50)] = False
    loses[-1] |= not loses.any()
    least = pnl - capacity  # below 0: what the losers lack; above 0: profit beyond the equity of some
    u = np.zeros(size.size)
    u[~loses] = split_exactly(size[~loses], capacity)
    goal = u * (1 + 1e-9) + 1e-6 * ~loses
    if least < 0:
        goal[loses] = -split_exactly(np.sqrt(size[loses]), -least)
    else:
        goal[loses] = -rounded(1e-3 * size[loses] + 1e-6)
        beyond = np.flatnonzero(~loses)[1 : 2 + size.size // 50]
        goal[beyond] += split_exactly(u[beyond], least + float(-goal[loses].sum()))
    held = _positions(rng, size, goal, markets)
    account_pnl = np.bincount(held.account, held.pnl, minlength=size.size)
    account_pnl = np.where(u > 0, np.maximum(account_pnl, u), account_pnl)
    lost = (account_pnl > u * (1 + 1e-6) + 1e-3) & ~loses  # of their collateral a part is gone
    own = np.where(lost, u, np.maximum(account_pnl, 0.0))
    collateral = np.where(lost, 0.0, (np.where(loses, size, u) + 1.0) * (crowd.ratio[members] - 1.0))
    rest = equity - float(own.sum())
    worth = own + rounded(collateral * (rest / float(collateral.sum())))
    notional = np.bincount(held.account, held.notional, minlength=size.size)
    accounts = Accounts(
        id=crowd.id[members],
        pnl=account_pnl,
        equity=worth,
        capacity=u,
        leverage=rounded(np.divide(notional, worth, out=np.zeros_like(worth), where=worth > 0), 9),
        notional=notional,
        margin=rounded(MARGIN_RATE * notional),
    )
    return accounts, held


def _positions(rng: np.random.Generator, size: Floats, goal: Floats, markets: Market) -> Positions:
    """Return short legs in the markets of the flow, and legs that bring each account to its PNL, USD."""
    account, market = _legs(rng, size, np.flatnonzero(markets.closed > 0), markets)
    n, k = size.size, markets.name.size
    weight = (size[account] + 10.0) ** 0.95 * np.exp(SPREAD * rng.standard_normal(account.size))
    pays = goal[account] > 0
    total = np.bincount(market[pays], weight[pays], minlength=k)  # those with capacity can close the flow
    lots = HELD_TO_CLOSED * (markets.closed / markets.lot_size)[market] * weight / total[market]
    lots = np.ceil(np.maximum(lots, 1.0))
    levels, gains = np.array(GAIN).T
    gain = np.interp(rng.random(account.size), levels, gains)
    value = lots * (markets.lot_size * markets.mark)[market]
    won = np.bincount(account, value * gain, minlength=n)
    free = (rng.random(n) < OVERDRAWN_SHARE) | (goal <= 0)
    lower = np.where(free, 1.0, np.minimum(1.0, rng.uniform(0.2, 1.0, n) * np.maximum(goal, 0.0) / won))
    gain = np.maximum(gain * lower[account], 1e-9)
    rest = goal - np.bincount(account, value * gain, minlength=n)
    other = _elsewhere(rng, n, account, market, markets)
    rate = np.where(rest > 0, np.interp(rng.uniform(0.3, 1.0, n), levels, gains), rng.uniform(*LOSS, n))
    lot = (markets.lot_size * markets.mark)[other]
    rest_lots = np.maximum(np.round(np.abs(rest) / (np.maximum(rate, 0.02) * lot)), 1.0)
    rate = np.abs(rest) / (rest_lots * lot)
    account = np.concatenate([account, np.arange(n)])
    market, lots = np.concatenate([market, other]), np.concatenate([lots, rest_lots])
    moved = np.concatenate([gain, rate])  # up from the mark: entry of a short that wins, of a long that loses
    side = np.concatenate([-np.ones(value.size), np.where(rest > 0, -1.0, 1.0)])
    order = np.lexsort((market, account))
    account, market, lots, moved, side = (a[order] for a in (account, market, lots, moved, side))
    mark = markets.mark[market]
    return Positions(
        account=account,
        market=markets.name[market],
        lots=lots.astype(np.int64),
        lot_size=markets.lot_size[market],
        side=side.astype(np.int64),
        entry=mark * (1.0 + moved),
        mark=mark,
        notional=lots * (markets.lot_size * markets.mark)[market],
    )


def _legs(rng: np.random.Generator, size: Floats, flowing: Ints, markets: Market) -> tuple[Ints, Ints]:
    """Return the accounts and markets of the legs that the flow is closed against, each pair once."""
    many = np.minimum(1 + rng.poisson(0.02 * (size / 1e3) ** 0.55), flowing.size)
    account = np.repeat(np.arange(size.size), many)
    weight = np.cumsum((markets.closed * markets.mark)[flowing] ** 0.7)
    market = np.minimum(np.searchsorted(weight / weight[-1], rng.random(account.size)), flowing.size - 1)
    whale = rng.integers(0, max(3, size.size // 50), flowing.size)  # somebody large is in every market
    keys = np.unique(
        np.concatenate([account * flowing.size + market, whale * flowing.size + np.arange(flowing.size)])
    )
    account, market = np.divmod(keys, flowing.size)
    return account, flowing[market]


def _elsewhere(rng: np.random.Generator, n: int, account: Ints, market: Ints, markets: Market) -> Ints:
    """Return for each of n accounts a market in which it has no leg yet."""
    k = markets.name.size
    taken = set((account * k + market).tolist())
    out = rng.integers(0, k, n)
    while again := [i for i, m in enumerate(out.tolist()) if i * k + m in taken]:
        out[again] = rng.integers(0, k, len(again))
    return out
