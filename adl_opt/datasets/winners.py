"""Accounts like those that were deleveraged on October 10, 2025: who is in a round, and what it holds.

The published sums of a round are met exactly: capacity, PNL and equity of its winners.  In each market they
hold more than is closed there, on the side opposite to its losers.  The rest is drawn: sizes by the quantiles
of 19,337 accounts, legs by the accounts and fills that were counted, gains by the rows of the event.
:mod:`adl_opt.datasets.calibration` shows how near that comes to real rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.datasets.draws import Pool, rounded, split_exactly, weighted_choice
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.tables import Accounts, Positions

Bools = npt.NDArray[np.bool_]

ACCOUNTS = 19_337
"""Accounts that were deleveraged in the whole event."""
PNL_TO_CLOSED, PNL_SPREAD = 1.3, 0.9
"""Median of an account's PNL over what was closed of it (rounds 17 and 25), and deviation of its log."""
LARGEST_USD = 95e6
"""PNL of the largest account of round 17, 93.5M USD, and a little."""
WHALES, WHALES_COME = 40, 0.7
"""The largest accounts, which come back round after round, and the share of them that is in a round."""
SMALL_SHARE = 0.4
"""Most that the other accounts hold of a round's capacity (per-user table: the top ten hold 0.40)."""
RETURNING_SHARE = 0.15
"""Share of a round's smaller accounts that paid in an earlier round."""
LOSING_SHARE = 0.36
"""Share of accounts whose other legs lose more than the closed leg wins (rounds 17 and 25: 0.36)."""
OVERDRAWN_SHARE = 0.45
"""Share of the others whose other legs lose less than that (rounds 17 and 25: half of them)."""
LEG_POWER, MARKET_POWER = 0.33, 0.45
"""Closed legs of an account grow with its size (events by account), those in a market with its notional."""
LEG_SHARE = (0.45, 0.3)
"""PNL of the closed legs over capacity, c (closed notional / capacity)^p: fits rounds 1, 8, 10, 17."""
LEAST_HELD = 1.3
"""Contracts that accounts with capacity hold at least, over contracts closed."""
SPREAD = 1.2
"""Standard deviation of the log of a position, given the size of its account."""
# Quantiles of the gain of a closed leg, PNL over notional at the mark (per-user table of the event).
GAIN = ((0.0, 0.002), (0.05, 0.07), (0.25, 0.235), (0.5, 0.459), (0.75, 0.9), (0.95, 2.08), (1.0, 5.0))
# Quantiles of equity over PNL (per-user table); accounts above a million dollars have at most 5.
EQUITY_TO_PNL = ((0.0, 1.02), (0.1, 1.4), (0.5, 2.95), (0.9, 9.0), (1.0, 60.0))
LARGE_USD, LARGE_RATIO = 1e6, 5.0
LOSS = (0.05, 0.6)
"""Move of the price against a losing leg since its entry, from and to."""
MARGIN_RATE = 0.05


@dataclass(frozen=True, eq=False)
class Market:
    """The markets of a round: contracts to close, and what of them is known at the time.

    ``closed`` is the number of contracts, 0 where a market has no flow this round; ``side`` that of the
    losers; ``mark`` the price, USD; ``lot_size`` the contracts of a lot.
    """

    name: Text
    closed: Floats
    side: Ints
    mark: Floats
    lot_size: Floats


@dataclass(frozen=True)
class Sums:
    """What a round's winners add up to: capacity, PNL and equity in USD, and their legs in its markets."""

    capacity: float
    pnl: float
    equity: float
    legs: int


class Crowd:
    """All accounts of the event, the largest first, and which of them have been in a round so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        pool = Pool.draw(rng, ACCOUNTS)
        pnl = PNL_TO_CLOSED * pool.size * np.exp(PNL_SPREAD * rng.standard_normal(ACCOUNTS))
        self.id, self.size = pool.id, rounded(np.sort(np.minimum(pnl, LARGEST_USD))[::-1])
        levels, ratios = np.array(EQUITY_TO_PNL).T
        ratio = np.exp(np.interp((rng.permutation(ACCOUNTS) + 0.5) / ACCOUNTS, levels, np.log(ratios)))
        self.ratio = np.where(self.size > LARGE_USD, np.minimum(ratio, LARGE_RATIO), ratio)
        self._small = WHALES + rng.permutation(ACCOUNTS - WHALES)
        self._seen = 0

    def members(self, rng: np.random.Generator, count: int, capacity: float) -> tuple[Ints, Floats]:
        """Return the accounts of a round, the largest first, and weights for its capacity, USD."""
        most = capacity / 5
        seen = self._small[: self._seen]
        fits = seen[self.size[seen] < most]
        back = weighted_choice(rng, np.sqrt(self.size[fits]), min(int(RETURNING_SHARE * count), fits.size))
        small = np.concatenate([fits[back], self._fresh(count - back.size, most)])
        total = float(self.size[small].sum())
        scale = min(1.0, SMALL_SHARE * capacity / total)
        large = self._large(rng, 1 + count // 8, capacity - scale * total)
        small = np.setdiff1d(small, large)[: count - large.size]
        weight = np.concatenate([self.size[large], scale * self.size[small]])
        members = np.concatenate([large, small])
        order = np.argsort(members)
        return members[order], weight[order]

    def _large(self, rng: np.random.Generator, at_most: int, room: float) -> Ints:
        """Return the largest accounts that come and fit into what is left of a round's capacity, USD."""
        found: list[int] = []
        for k in np.flatnonzero(rng.random(ACCOUNTS) < WHALES_COME).tolist():
            if self.size[k] <= room:
                found.append(k)
                room -= float(self.size[k])
            if len(found) == min(at_most, WHALES):
                break
        return np.array(found, dtype=np.int64)

    def _fresh(self, count: int, at_most: float) -> Ints:
        """Return accounts that have not been in a round yet, of at most a size, USD."""
        waiting = self._small[self._seen :]
        fits = np.flatnonzero(self.size[waiting] < at_most)[:count]
        taken = waiting[fits]
        self._small = np.concatenate([self._small[: self._seen], taken, np.delete(waiting, fits)])
        self._seen += taken.size
        return taken


def winners(
    rng: np.random.Generator, crowd: Crowd, count: int, markets: Market, sums: Sums
) -> tuple[Accounts, Positions]:
    """Return the accounts of a round and what they hold."""
    members, size = crowd.members(rng, count, sums.capacity)
    loses = rng.random(size.size) < LOSING_SHARE
    loses[: max(1, size.size // 50)] = False
    loses[-1] |= not loses.any()
    u = np.zeros(size.size)
    u[~loses] = split_exactly(size[~loses], sums.capacity)
    goal = _goals(size, u, loses, sums.pnl - sums.capacity)
    held = _positions(rng, size, goal, markets, sums)
    summed = np.bincount(held.account, held.pnl, minlength=size.size).astype(np.float64)
    account_pnl = np.where(u > 0, np.maximum(summed, u), summed)
    lost = (account_pnl > u * (1 + 1e-6) + 1e-3) & ~loses  # of their collateral a part is gone
    own = np.where(lost, u, np.maximum(account_pnl, 0.0))
    collateral = np.where(lost, 0.0, (np.where(loses, size, u) + 1.0) * (crowd.ratio[members] - 1.0))
    rest = sums.equity - float(own.sum())
    worth = own + rounded(collateral * (rest / float(collateral.sum())))
    notional = np.bincount(held.account, held.notional, minlength=size.size).astype(np.float64)
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


def _goals(size: Floats, u: Floats, loses: Bools, beyond: float) -> Floats:
    """Return the PNL of each account, USD; ``beyond`` is what all of them lack to capacity, or have above."""
    goal = u * (1 + 1e-9) + 1e-6 * ~loses
    if beyond < 0:
        goal[loses] = -split_exactly(np.sqrt(size[loses]), -beyond)
    else:
        goal[loses] = -rounded(1e-3 * size[loses] + 1e-6)
        richer = np.flatnonzero(~loses)[1 : 2 + size.size // 50]  # profit beyond the equity of some
        goal[richer] += split_exactly(u[richer], beyond + float(-goal[loses].sum()))
    return goal


def _positions(
    rng: np.random.Generator, size: Floats, goal: Floats, markets: Market, sums: Sums
) -> Positions:
    """Return legs opposite to the losers, and legs that bring each account to its PNL, USD."""
    n, k = size.size, markets.name.size
    account, market = _legs(rng, size, goal > 0, markets, sums.legs)
    short = markets.side[market] > 0
    gain = _gains(rng.random(account.size))
    gain = np.where(short, gain, gain / (1.0 + gain))  # a price falls by less than all of it
    lots = _lots(rng, size, goal > 0, account, market, gain, markets, sums)
    value = lots * (markets.lot_size * markets.mark)[market]
    won = np.bincount(account, value * gain, minlength=n)
    most = np.where(goal > 0, goal, 0.5 * size) * rng.uniform(0.2, 1.0, n)
    overdrawn = (rng.random(n) < OVERDRAWN_SHARE) & (goal > 0)
    overdrawn[: 1 + n // 50] = False
    wanted = np.where(overdrawn, goal * rng.uniform(1.05, 3.0, n), np.minimum(most, won))
    gain = np.clip(gain * (wanted / won)[account], 1e-9, np.where(short, GAIN[-1][1], 0.9))
    rest = goal - np.bincount(account, value * gain, minlength=n)
    other = _others(rng, size, rest, account * k + market, markets)
    account, market = np.concatenate([account, other[0]]), np.concatenate([market, other[1]])
    lots = np.concatenate([lots, other[2]])
    # the move from the mark to entry: above it for a short that wins and a long that loses
    moved = np.concatenate([np.where(short, gain, -gain), other[3]])
    side = np.concatenate([np.where(short, -1, 1), np.where(rest[other[0]] > 0, -1, 1)])
    order = np.lexsort((market, account))
    market, lots = market[order], lots[order]
    mark = markets.mark[market]
    return Positions(
        account=account[order],
        market=markets.name[market],
        lots=lots.astype(np.int64),
        lot_size=markets.lot_size[market],
        side=side[order],
        entry=mark * (1.0 + moved[order]),
        mark=mark,
        notional=lots * (markets.lot_size * markets.mark)[market],
    )


def _gains(level: Floats) -> Floats:
    """Return gains at these levels: PNL over notional."""
    levels, gains = np.array(GAIN).T
    return np.asarray(np.interp(level, levels, gains), dtype=np.float64)


def _legs(
    rng: np.random.Generator, size: Floats, pays: Bools, markets: Market, legs: int
) -> tuple[Ints, Ints]:
    """Return the accounts and markets of the legs that the flow is closed against, each pair once."""
    flowing = np.flatnonzero(markets.closed > 0)
    more = size**LEG_POWER
    more *= max(legs - size.size, 0) / more.sum()
    account = np.repeat(np.arange(size.size), np.minimum(1 + rng.poisson(more), flowing.size))
    weight = np.cumsum((markets.closed * markets.mark)[flowing] ** MARKET_POWER)
    place = np.minimum(np.searchsorted(weight / weight[-1], rng.random(account.size)), flowing.size - 1)
    lacking = np.setdiff1d(np.arange(flowing.size), place[pays[account]])  # the largest is there
    keys = np.unique(np.concatenate([account * flowing.size + place, lacking]))
    account, place = np.divmod(keys, flowing.size)
    return account, flowing[place]


def _lots(
    rng: np.random.Generator,
    size: Floats,
    pays: Bools,
    account: Ints,
    market: Ints,
    gain: Floats,
    markets: Market,
    sums: Sums,
) -> Floats:
    """Return the lots of each leg: those with capacity hold all that is closed, and more."""
    weight = (size[account] + 10.0) ** 0.95 * np.exp(SPREAD * rng.standard_normal(account.size))
    paying = pays[account]
    total = np.bincount(market[paying], weight[paying], minlength=markets.name.size)
    contracts = LEAST_HELD * markets.closed[market] * np.minimum(weight / total[market], 1.0)
    value = contracts * markets.mark[market]
    notional = float(markets.closed @ markets.mark)
    part, power = LEG_SHARE
    wanted = part * (notional / sums.capacity) ** power * sums.capacity
    room = np.maximum(2.0 * size[account] / np.bincount(account)[account] - value, 0.0) * paying
    more = max(wanted - float((value * gain)[paying].sum()), 0.0) / max(float((room * gain).sum()), 1e-9)
    lots = (value + min(more, 1.0) * room) / (markets.mark * markets.lot_size)[market]
    return np.asarray(np.ceil(np.maximum(lots, 1.0)), dtype=np.float64)


def _others(
    rng: np.random.Generator, size: Floats, rest: Floats, taken: Ints, markets: Market
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return accounts, markets, lots and moves of the other legs: shorts that win, longs that lose."""
    n, k = size.size, markets.name.size
    account = np.repeat(np.arange(n), np.minimum(1 + rng.poisson(0.1 * size**LEG_POWER / 3), 20))
    market = rng.integers(0, k, account.size)
    for _ in range(50):  # a market once an account
        key = account * k + market
        again = np.isin(key, taken)
        order = np.argsort(key, kind="stable")
        again[order[1:]] |= np.diff(key[order]) == 0
        if not again.any():
            break
        market[again] = rng.integers(0, k, int(again.sum()))
    share = rng.uniform(0.2, 1.0, account.size)
    share *= (rest / np.bincount(account, share, minlength=n))[account]
    rate = np.where(share > 0, _gains(rng.uniform(0.3, 1.0, share.size)), rng.uniform(*LOSS, share.size))
    lot = (markets.lot_size * markets.mark)[market]
    lots = np.maximum(np.round(np.abs(share) / (rate * lot)), 1.0)
    return account, market, lots, np.abs(share) / (lots * lot)
