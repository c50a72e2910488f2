"""What haircut accounts do: leave when nothing is left, withdraw, or buy back what was closed."""

from __future__ import annotations

import numpy as np

from adl_opt.rounds.columns import Floats, Ints
from adl_opt.studies.simulation.book import in_slices, prices, sides, trade
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import World

KEPT = 3
"""A withdrawing account keeps this multiple of its maintenance margin."""


def after_haircuts(world: World, rows: Ints, seen: Ints, settings: Settings) -> int:
    """Let accounts that paid, (k,), react; return how many left because all they had was closed.

    ``seen`` are the venue's marks, (m,) cents per lot.  An account acts when its draw is below ``withdraw``
    or ``undo`` of the settings.
    """
    undoes = world.whim[rows, 1] < settings.undo
    world.pending[rows[~undoes]] = 0
    gone = rows[~world.lots[rows].any(axis=1)]
    stays = world.pending[gone].any(axis=1)
    world.leave(gone[~stays])
    if settings.withdraw:
        _withdraw(world, rows[(world.whim[rows, 0] < settings.withdraw) & world.active[rows]], seen)
    return int((~stays).sum())


def _withdraw(world: World, rows: Ints, seen: Ints) -> None:
    need = KEPT * (np.abs(world.lots[rows]) @ (seen * world.margin_bp) // 10_000)
    free = np.clip(world.equity(seen)[rows] - need, 0, np.maximum(world.cash[rows], 0))
    world.cash[rows] -= free
    world.withdrawn += int(free.sum())
    world.supplies[rows] = False


def undo(world: World, true: Ints, steep: Floats, settings: Settings) -> int:
    """Buy back in the book what the last round closed, where its owner wants to; return lots traded.

    Only a position that still has its side, or is flat, is opened again, and only with positive equity;
    an account that has neither that nor a position leaves.
    """
    if not world.pending.any():
        return 0
    rows = np.flatnonzero(world.pending.any(axis=1) & world.active & (world.equity(true) > 0))
    change = np.where(world.pending[rows] * world.lots[rows] >= 0, world.pending[rows], 0)
    idle = np.setdiff1d(np.flatnonzero(world.pending.any(axis=1) & world.active), rows)
    world.pending[:] = 0
    world.leave(idle[~world.lots[idle].any(axis=1)])
    share, world.pressure = in_slices(world.pressure, sides(change) / world.start_lots, steep, settings)
    got = prices(true, share)
    trade(world, rows, change, np.where(change > 0, got[1], got[0]))
    return int(np.abs(change).sum())
