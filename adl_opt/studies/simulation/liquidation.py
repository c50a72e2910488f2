"""Liquidations: accounts below maintenance are sold into the book, and what they owe is the hole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.rounds.columns import Floats, Ints
from adl_opt.studies.simulation.book import impact, in_slices, prices, sides, trade
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import World


@dataclass(frozen=True, eq=False)
class Liquidation:
    """What a step's liquidations did.

    Parameters
    ----------
    accounts : int
    closed : (2, m) lots
        Contracts of liquidated longs, and of shorts.
    holes : (2, m) cents
        What liquidated accounts owe, by the losing positions that it comes from.
    deficit : int
        D, cents: the hole beyond the fund that the venue sees at the start of the round, were everything
        closed at once into the book as it stands.
    needed : int
        B, cents: the hole beyond the fund after the execution in slices (eq. 6).
    hole : int
        Cents that liquidated accounts owe after the execution.
    cost : int
        Cents lost to impact.
    """

    accounts: int
    closed: Ints
    holes: Floats
    deficit: int
    needed: int
    hole: int
    cost: int


def liquidate(world: World, seen: Ints, true: Ints, steep: Floats, settings: Settings) -> Liquidation | None:
    """Close every account below maintenance at the venue's marks; None when there is none.

    ``seen`` are the venue's marks (late, where the oracle lags) and ``true`` the prices that the book trades
    at, (m,) cents per lot; ``steep`` is the factor on impact, (m,).
    """
    held = np.abs(world.lots)
    required = held @ (seen * world.margin_bp) // 10_000
    rows = np.flatnonzero((world.equity(seen) < required) & held.any(axis=1))
    if rows.size == 0:
        world.pressure *= 1.0 - settings.resilience  # the book recovers
        return None
    lots = world.lots[rows]
    closed = sides(-lots)
    size = closed / world.start_lots
    at_once = prices(seen, impact(world.pressure, size, steep, settings))
    share, world.pressure = in_slices(world.pressure, size, steep, settings)
    got = prices(true, share)
    moved = np.where(size > 0, share, 0.0)
    world.drift += settings.permanent * (np.log1p(moved[1]) + np.log1p(-moved[0]))

    owed = world.cash[rows] + np.where(lots > 0, lots * at_once[0], lots * at_once[1]).sum(axis=1)
    expected = int(np.maximum(world.cost[rows].sum(axis=1) - owed, 0).sum())
    price = np.where(lots > 0, got[0], got[1])
    lost = np.maximum(world.cost[rows] - lots * price, 0)
    trade(world, rows, -lots, price)
    hole = int(np.maximum(-world.cash[rows], 0).sum())
    deficit, needed = max(expected - world.fund, 0), max(hole - world.fund, 0)
    share = np.maximum(-world.cash[rows], 0) / np.maximum(lost.sum(axis=1), 1)
    holes = np.stack([np.where(lots * s > 0, lost, 0).T @ share for s in (1, -1)])
    world.cash[rows] = np.maximum(world.cash[rows], 0)
    world.fund -= hole - needed
    world.loss -= needed  # until haircuts cover it
    world.leave(rows)
    cost = int((closed[0] * (true - got[0]) + closed[1] * (got[1] - true)).sum())
    return Liquidation(rows.size, closed, holes, deficit, needed, hole, cost)
