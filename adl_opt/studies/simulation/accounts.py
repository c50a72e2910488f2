"""Drawing the accounts of a simulated venue from the calibrated distributions."""

from __future__ import annotations

import numpy as np

from adl_opt.datasets.draws import MAX_NOTIONAL_TO_EQUITY, POSITION_COUNT_SHARES, Pool
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import CENTS, NEVER, World

LOT = 10_000
"""Cents of one lot at the start, in every market: a tick is a basis point."""
MAJOR_BP, OTHER_BP = 125, 500
MAX_OF_MARGIN = 0.6
"""At the start nobody uses more than this share of the leverage that maintenance allows."""
WHALE_LEVERAGE = 10
MAX_LOTS = 2_000_000


def draw_world(settings: Settings, rng: np.random.Generator) -> World:
    """Return the books at the start: every position at the mark, longs equal to shorts in every market.

    Collateral and leverage have the October 10 quantiles of PNL times equity / PNL, and of leverage.

    Examples
    --------
    >>> world = draw_world(Settings(accounts=20), np.random.default_rng(0))
    >>> world.lots.sum(axis=0).tolist()
    [0, 0, 0, 0, 0, 0]
    """
    n, m = settings.accounts, settings.markets
    pool = Pool.draw(rng, n)
    cash = np.maximum(np.rint(pool.size * pool.ratio * CENTS), 100 * CENTS)
    margin = np.where(np.arange(m) < settings.majors, MAJOR_BP, OTHER_BP).astype(np.int64)
    most = min(MAX_NOTIONAL_TO_EQUITY, MAX_OF_MARGIN * 10_000 / float(margin.max()))
    leverage = np.minimum(pool.leverage * settings.leverage, most)
    lots = _balanced(_drawn(cash * leverage, settings, rng))
    cash = cash.astype(np.int64)
    if settings.whale:  # one account holds this share of the longs of the first market, and nothing else
        lots[0] = 0
        lots = _balanced(lots, settings.whale)
        lots[0, 0] = -lots[:, 0].sum()
        cash[0] = max(int(lots[0, 0]) * LOT // WHALE_LEVERAGE, 100 * CENTS)
    spread = np.where(np.arange(n) % 2 == 0, 1.0, settings.slope_spread)  # alternating, as in Prop. 11
    return World(
        id=pool.id,
        cash=cash,
        lots=lots,
        cost=lots * LOT,
        active=np.ones(n, dtype=bool),
        supplies=np.ones(n, dtype=bool),
        slope=spread,
        whim=rng.random((n, 2)),
        weight=cash / float(cash.sum()),
        start_lots=np.maximum(np.where(lots > 0, lots, 0).sum(axis=0), 1),
        margin_bp=margin,
        book_lots=np.zeros(m, dtype=np.int64),
        book_cash=np.zeros(m, dtype=np.int64),
        pressure=np.zeros((2, m)),
        drift=np.zeros(m),
        pending=np.zeros((n, m), dtype=np.int64),
        due=np.full((n, 2), NEVER),
        fund=int(settings.fund * float(cash.sum())),
    )


def _drawn(notional: Floats, settings: Settings, rng: np.random.Generator) -> Ints:
    """Split notionals (cents) over markets and sides; a market weighs one over its rank."""
    n, m = settings.accounts, settings.markets
    count = np.minimum(1 + np.searchsorted(np.cumsum(POSITION_COUNT_SHARES)[:-1], rng.random(n)), m)
    hedged = rng.random(n) < settings.hedged if settings.hedged else np.zeros(n, dtype=bool)
    count = np.where(hedged, np.minimum(np.maximum(count, 2), m), count)
    keys = np.log(rng.random((n, m))) * np.arange(1, m + 1)  # without replacement, by weight
    chosen = np.argsort(np.argsort(-keys, axis=1), axis=1) < count[:, None]
    share = np.where(chosen, np.where(hedged[:, None], 1.0, 0.05 + rng.random((n, m))), 0.0)
    share /= share.sum(axis=1, keepdims=True)
    side = np.where(rng.random((n, m)) < settings.long_share, 1, -1)
    turn = np.where(np.cumsum(chosen, axis=1) % 2 > 0, side[:, :1], -side[:, :1])
    side = np.where(hedged[:, None], turn, side)
    lots = np.minimum(np.floor(share * notional[:, None] / LOT), MAX_LOTS).astype(np.int64)
    return np.asarray(side * lots, dtype=np.int64)


def _balanced(lots: Ints, free: float = 0.0) -> Ints:
    """Scale the heavier side of every market down to the lighter one, lot for lot.

    In the first market a share of the shorts stays free: without a long against it.
    """
    made = lots.copy()
    for market, column in enumerate(lots.T):
        longs, shorts = np.maximum(column, 0), np.maximum(-column, 0)
        total = int(shorts.sum())
        taken = int(free * total) if market == 0 else 0
        light = min(int(longs.sum()), total - taken)
        made[:, market] = apportion(longs, light) - apportion(shorts, light + taken)
    return made


def apportion(weights: Ints, total: int) -> Ints:
    """Split a whole total by whole weights, largest remainders first; nobody gets more than its weight.

    Examples
    --------
    >>> apportion(np.array([3, 3, 1]), 4).tolist()
    [2, 2, 0]
    """
    whole = int(weights.sum())
    if whole == 0 or total == 0:
        return np.zeros_like(weights)
    parts, rests = np.divmod(weights * total, whole)
    left = total - int(parts.sum())
    parts[np.argsort(-rests, kind="stable")[:left]] += 1
    return np.asarray(parts, dtype=np.int64)
