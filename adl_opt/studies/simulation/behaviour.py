"""What haircut accounts do: leave when nothing is left, withdraw, or buy back what was closed.

Either two rates say who reacts, at once and in full; or all follow what the users of October 10 did within a
minute and within five.  The record has the fills of users and no transfers: who traded and bought nothing
back stands for who withdraws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.datasets.draws import read_figures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.studies.simulation.book import in_slices, prices, sides, trade
from adl_opt.studies.simulation.settings import RATES, Settings
from adl_opt.studies.simulation.world import CENTS, NEVER, STEP_MS, World

KEPT = 3
"""A withdrawing account keeps this multiple of its maintenance margin."""


@dataclass(frozen=True, eq=False)
class Habits:
    """When each account reacts to a haircut, and how much of it is undone.

    ``withdraws`` and ``returns``, (n,), are steps after the haircut, or ``NEVER``; ``share``, (n,), is the
    part of the closed lots that is bought back.
    """

    withdraws: Ints
    returns: Ints
    share: Floats

    @classmethod
    def of(cls, world: World, settings: Settings) -> Habits:
        """Return the habits of accounts at the start; their whims and their collateral decide."""
        whim = world.whim.T
        if settings.reactions == RATES:
            withdraws = np.where(whim[0] < settings.withdraw, 0, NEVER)
            return cls(withdraws, np.where(whim[1] < settings.undo, 1, NEVER), np.ones(withdraws.size))
        rows = read_figures("oct10_reactions.csv")
        table = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
        size = np.searchsorted(table["least_value_usd"], world.cash / CENTS, side="right") - 1

        def steps(draw: Floats, did: str) -> Ints:
            minute, five = (table[f"{did}_{s}s"][size] / table["users"][size] for s in (60, 300))
            later = 60 + 240 * (draw - minute) / (five - minute)
            seconds = np.where(draw < minute, 60 * draw / minute, later)
            return np.where(draw < five, np.ceil(seconds * 1000 / STEP_MS).clip(1), NEVER).astype(np.int64)

        return cls(steps(whim[0], "trade"), steps(whim[1], "undo"), table["undone_share"][size])


def after_haircuts(world: World, rows: Ints, seen: Ints, habits: Habits, step: int) -> int:
    """Let accounts that paid, (k,), decide; return how many left because all they had was closed.

    ``seen`` are the venue's marks, (m,) cents per lot.
    """
    for column, after in enumerate((habits.withdraws[rows], habits.returns[rows])):
        due = world.due[rows, column]
        world.due[rows, column] = np.where(after < NEVER, np.minimum(due, step + after), due)
    world.pending[rows[habits.returns[rows] == NEVER]] = 0
    gone = rows[~world.lots[rows].any(axis=1)]
    stays = world.pending[gone].any(axis=1)
    world.leave(gone[~stays])
    withdraw(world, seen, step)
    return int((~stays).sum())


def withdraw(world: World, seen: Ints, step: int) -> None:
    """Let accounts whose time has come take out their free collateral; they supply no liquidity any more."""
    rows = np.flatnonzero((world.due[:, 0] <= step) & world.active)
    world.due[rows, 0] = NEVER
    need = KEPT * (np.abs(world.lots[rows]) @ (seen * world.margin_bp) // 10_000)
    free = np.clip(world.equity(seen)[rows] - need, 0, np.maximum(world.cash[rows], 0))
    world.cash[rows] -= free
    world.withdrawn += int(free.sum())
    world.supplies[rows] = False


def undo(world: World, true: Ints, steep: Floats, settings: Settings, habits: Habits, step: int) -> int:
    """Buy back in the book what was closed, where its owner's time has come; return lots traded.

    Only a position that still has its side, or is flat, is opened again, and only with positive equity;
    an account that has neither that nor a position leaves.
    """
    due = (world.due[:, 1] <= step) & world.pending.any(axis=1)
    if not due.any():
        return 0
    solvent = due & world.active & (world.equity(true) > 0)
    rows = np.flatnonzero(solvent)
    wanted = np.rint(world.pending[rows] * habits.share[rows, None]).astype(np.int64)
    change = np.where(wanted * world.lots[rows] >= 0, wanted, 0)
    world.pending[due], world.due[due, 1] = 0, NEVER
    share, world.pressure = in_slices(world.pressure, sides(change) / world.start_lots, steep, settings)
    got = prices(true, share)
    trade(world, rows, change, np.where(change > 0, got[1], got[0]))
    idle = np.flatnonzero(due & world.active)
    world.leave(idle[~world.lots[idle].any(axis=1)])
    return int(np.abs(change).sum())
