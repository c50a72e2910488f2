"""One invented round in contracts, of any size: what rules do differently shows on it."""

from __future__ import annotations

import numpy as np

from adl_opt.checks import whole_between
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Positions


def invented_book(*, accounts: int = 3_000, markets: int = 30, seed: int = 0) -> Episode:
    """Return an episode of one invented round in contracts, the same bits for the same seed.

    Parameters
    ----------
    accounts, markets : int
    seed : int

    Returns
    -------
    Episode
        Nothing in it is fitted to any venue.  Prices have just fallen, so most shorts gain.  Sizes are
        lognormal, leverage runs from 1 to 30, and three accounts in ten hedge: long in one market and short
        in the next.  In every market longs of 2 % of all short contracts are bankrupt, at prices 3 %
        above the mark; the round needs what they give up.

    Examples
    --------
    >>> episode = invented_book(accounts=50, markets=3)
    >>> round_, outcome = episode.rounds[0]
    >>> episode.space, len(round_.flow), outcome.needed == round_.deficit
    ('contracts', 3, True)
    """
    for name, value in (("accounts", accounts), ("markets", markets)):
        whole_between(f"contracts book: {name}", value, 2, 1e6)
    rng = np.random.default_rng(seed)
    mark = np.round(10.0 ** rng.uniform(0.0, 4.0, markets), 4)
    fall = rng.uniform(0.02, 0.25, markets)
    lot = 10.0 / mark  # about 10 USD of notional
    hedges = rng.random(accounts) < 0.3
    short = np.where(hedges, False, rng.random(accounts) < 0.7)
    first = rng.choice(markets, accounts, p=_weights(markets))
    notional = np.round(1e3 * np.exp(1.5 * rng.standard_normal(accounts)), 2) + 20.0
    names = np.array([f"M{k:02d}" for k in range(markets)])
    account = np.concatenate([np.arange(accounts), np.flatnonzero(hedges)])
    market = np.concatenate([first, (first[hedges] + 1) % markets])
    side = np.concatenate([np.where(short, -1, 1), np.full(int(hedges.sum()), -1)])
    size = notional[account]
    entered = 1.0 + fall[market] * rng.uniform(-0.3, 1.0, account.size)
    held = Positions(
        account=account,
        market=names[market],
        lots=np.maximum(np.rint(size / 10.0), 1.0).astype(np.int64),
        side=side,
        entry=mark[market] * entered,
        mark=mark[market],
        lot_size=lot[market],
    )
    value = held.quantity * mark[market]
    pnl = np.bincount(account, held.pnl, minlength=accounts).astype(np.float64)
    gross = np.bincount(account, value, minlength=accounts).astype(np.float64)
    leverage = np.exp(rng.uniform(0.0, np.log(30.0), accounts))
    equity = np.asarray(np.maximum(gross / leverage, 1.0), dtype=np.float64)
    table = Accounts(
        id=np.array([f"a{k:05d}" for k in range(accounts)]),
        pnl=pnl,
        equity=equity,
        notional=gross,
        leverage=gross / equity,
        margin=np.asarray(0.01 * gross, dtype=np.float64),
    )
    shorts = np.bincount(market[side < 0], held.lots[side < 0], minlength=markets)
    quantity = np.floor(0.02 * shorts) * lot
    flow = Flow(
        market=names,
        side=np.ones(markets, dtype=np.int64),
        quantity=quantity,
        mark=mark,
        bankruptcy=np.round(1.03 * mark, 6),
    )
    needed = float(np.round(quantity @ np.round(0.03 * mark, 6), 2))
    round_ = Round(deficit=needed, accounts=table, positions=held, flow=flow)
    return Episode(
        f"book-{seed}", f"invented: {accounts} accounts, {markets} markets", [(round_, Outcome(needed))]
    )


def _weights(markets: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how much is held in each market: the k-th one 1 / k of the first."""
    weight = 1.0 / np.arange(1.0, markets + 1.0)
    return np.asarray(weight / weight.sum(), dtype=np.float64)
