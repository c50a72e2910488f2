"""Small rounds in contracts that several tests share, and random ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import adl_opt as adl

LINEAR, INVERSE = "linear", "inverse"


def book(**changes):
    """Return a round in contracts with hedge mode, an inverse market and isolated margin."""
    held = {
        "account": [0, 0, 1, 1, 2, 2],
        "market": ["BTC", "BTC", "BTC", "COIN", "BTC", "COIN"],
        "lots": [10, 4, 5, 200, 8, 100],
        "side": ["short", "long", "long", "short", "short", "long"],
        "entry": [700.0, 650.0, 500.0, 62_000.0, 640.0, 66_000.0],
        "mark": [600.0, 600.0, 600.0, 60_000.0, 600.0, 60_000.0],
        "lot_size": [0.1, 0.1, 0.1, 1.0, 0.1, 1.0],
        "kind": [LINEAR, LINEAR, LINEAR, INVERSE, LINEAR, INVERSE],
        "multiplier": [1.0, 1.0, 1.0, 100.0, 1.0, 100.0],
        "margin_mode": ["cross"] * 4 + ["isolated", "cross"],
        "isolated_margin": [0.0] * 4 + [100.0, 0.0],
    }
    positions = adl.Positions(**held | changes)
    pnl = np.bincount(positions.account, positions.pnl, minlength=3)
    accounts = adl.Accounts(id=["a", "b", "c"], pnl=pnl, equity=np.abs(pnl) + 1_000.0)
    flow = adl.Flow(
        market=["BTC", "COIN"],
        side=["long", "long"],
        quantity=[1.5, 150.0],
        mark=[600.0, 60_000.0],
        bankruptcy=[650.0, 61_000.0],
    )
    return adl.Round(deficit=100.0, accounts=accounts, positions=positions, flow=flow)


def small_book(
    lots, *, side, entry, mark, losers, quantity, bankruptcy, equity=None, leverage=None, **contract
):
    """Return a round of one market and one losers' side; every account has one position."""
    n = len(lots)
    held = adl.Positions(
        account=np.arange(n),
        market=["XBT"] * n,
        lots=lots,
        side=[side] * n,
        entry=np.broadcast_to(entry, n),
        mark=np.full(n, mark),
        **contract,
    )
    accounts = adl.Accounts(
        id=[f"a{k}" for k in range(n)],
        pnl=held.pnl,
        equity=np.abs(held.pnl) + 10_000.0 if equity is None else equity,
        leverage=leverage,
    )
    flow = adl.Flow(market=["XBT"], side=[losers], quantity=[quantity], mark=[mark], bankruptcy=[bankruptcy])
    return adl.Round(deficit=1_000.0, accounts=accounts, positions=held, flow=flow)


def any_book(seed):
    """Return a random round: several markets, both sides, hedge mode, inverse, isolated, several losers."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 12)), int(rng.integers(1, 5))
    markets = np.array([f"M{j}" for j in range(k)])
    mark = np.round(10.0 ** rng.uniform(0, 4, k), 2)
    inverse = rng.random(k) < 0.3
    size = 10.0 ** rng.integers(-2, 2, k)
    keys = np.flatnonzero(rng.random(n * k * 2) < 0.6)
    keys = keys if keys.size else np.array([0])
    account, rest = np.divmod(keys, k * 2)
    market, long = np.divmod(rest, 2)
    isolated = rng.random(keys.size) < 0.25
    held = adl.Positions(
        account=account,
        market=markets[market],
        lots=rng.integers(0, 30, keys.size),
        side=np.where(long > 0, 1, -1),
        entry=mark[market] * rng.uniform(0.7, 1.4, keys.size),
        mark=mark[market],
        lot_size=size[market],
        kind=np.where(inverse, INVERSE, LINEAR)[market],
        multiplier=np.where(inverse, 100.0, 1.0)[market],
        margin_mode=np.where(isolated, "isolated", "cross"),
        isolated_margin=np.where(isolated, rng.uniform(1, 100, keys.size), 0.0),
    )
    pnl = np.bincount(held.account, held.pnl, minlength=n)
    of_isolated = np.bincount(held.account, held.isolated_margin + np.abs(held.pnl), minlength=n)
    equity = pnl + of_isolated + np.bincount(account, rng.uniform(-20.0, 200.0, keys.size), minlength=n)
    rows = int(rng.integers(1, 6))
    of_row = rng.integers(0, k, rows)
    losers = rng.choice([-1, 1], rows)
    accounts = adl.Accounts(
        id=[f"a{j:02d}" for j in rng.permutation(n)],
        pnl=pnl,
        equity=equity,
        notional=rng.uniform(1, 1e4, n),
        leverage=rng.uniform(0, 20, n),
        margin=rng.uniform(1, 100, n),
    )
    flow = adl.Flow(
        market=markets[of_row],
        side=losers,
        quantity=rng.integers(0, 60, rows) * size[of_row] * rng.choice([1.0, 0.7], rows),
        mark=mark[of_row],
        bankruptcy=mark[of_row] * (1 + losers * rng.uniform(-0.02, 0.1, rows)),
    )
    return adl.Round(deficit=100.0, accounts=accounts, positions=held, flow=flow, number=seed + 1)


def with_options(round_, seed=0):
    """Return a round with every option: exempt accounts, caps, owners, pairs, bands, least quantities."""
    rng = np.random.default_rng([seed, 9])
    accounts, held, flow = round_.accounts, round_.positions, round_.flow
    n, k = len(accounts), len(flow)
    usd = np.maximum(accounts.pnl, 1.0)
    alone = np.bincount(held.account[held.margin_mode == "isolated"], minlength=n) > 0
    owner = np.where(alone, n + np.arange(n), rng.integers(0, max(n // 2, 1), n))
    cohort = owner % 3
    hedge = np.zeros(len(held), dtype=np.int64)
    for account in range(n):
        legs = np.flatnonzero((held.account == account) & (held.lots > 0))
        if legs.size > 1 and rng.random() < 0.5:
            hedge[rng.choice(legs, 2, replace=False)] = 1
    return replace(
        round_,
        accounts=replace(
            accounts,
            exempt=rng.random(n) < 0.15,
            cap=usd * rng.choice([0.2, 0.6, 2.0], n),
            cohort=np.array(["desks", "funds", "others"])[cohort],
            cohort_cap=np.array([0.3, 1.0, 3.0])[cohort] * float(usd.mean()),
            owner=np.array([f"o{j}" for j in owner]),
        ),
        positions=replace(held, hedge=hedge, hedge_tolerance=np.where(hedge > 0, 0.3, 0.0)),
        flow=replace(
            flow,
            band=rng.choice([0.03, 0.06, 1.0], k),
            min_quantity=rng.choice([0.0, 0.3, 2.0], k) * 0.1,
            previous_mark=flow.mark * (1 + rng.uniform(-0.02, 0.02, k)),
        ),
    )
