"""What must hold after every step, to the cent and to the lot."""

from __future__ import annotations

import numpy as np

from adl_opt.errors import ConservationError
from adl_opt.rounds.columns import Ints
from adl_opt.studies.simulation.world import World


def check_books(world: World, money: int, step: int) -> None:
    """Raise unless money is what it was and every market's open interest nets to zero.

    Parameters
    ----------
    world : World
    money : int
        Cents in all at the start.
    step : int

    Raises
    ------
    ConservationError
        Money appeared or vanished, longs differ from shorts, the fund is overdrawn, or a flat position or
        an account that left still carries something.
    """
    if (now := world.ledger()) != money:
        _refuse(step, "money appeared or vanished", f"{now} cents, {money} at the start")
    net = world.lots.sum(axis=0) + world.book_lots
    if net.any():
        _refuse(step, "open interest does not net to zero", f"lots by market: {net.tolist()}")
    if world.fund < 0 or world.loss > 0:
        _refuse(step, "fund or loss has the wrong sign", f"fund {world.fund}, loss {world.loss} cents")
    if world.cost[world.lots == 0].any():
        left = int(np.abs(world.cost[world.lots == 0]).sum())
        _refuse(step, "a flat position still has a cost", f"{left} cents")
    if world.lots[~world.active].any() or world.cash[~world.active].any():
        _refuse(step, "an account that left still holds something", "cash or lots")


def check_haircuts(cents: Ints, gain: Ints, number: int) -> None:
    """Raise unless 0 <= haircut <= positive PNL for every account, in cents."""
    wrong = (cents < 0) | (cents > gain)
    if wrong.any():
        row = int(np.argmax(wrong))
        _refuse(number, "a haircut is above positive PNL", f"{int(cents[row])} of {int(gain[row])} cents")


def _refuse(step: int, what: str, got: str) -> None:
    raise ConservationError(
        f"simulation, step {step}: {what}",
        got=got,
        ways_out=["report this with the seed and the settings: the books of a simulation must balance"],
    )
