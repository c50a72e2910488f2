"""The books of a simulated venue, in integer cents and whole lots; their sums are exact, and are checked."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from adl_opt.errors import ConservationError
from adl_opt.rounds.columns import Floats, Ints, Text

CENTS = 100
STEP_MS = 10_000
"""A step of the simulation, milliseconds."""

NEVER = 2**62
"""A step that does not come."""

LARGEST = 2**60
"""Cents: sums of the books stay below, with room for what rounds of trading add."""
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(eq=False)
class World:
    """Everything that changes in an episode.

    Parameters
    ----------
    id : (n,) text
    cash : (n,) cents
        Collateral with all that was realised.
    lots, cost : (n, m) lots (long > 0, short < 0) and cents
        Positions, and what was paid for them (received, for shorts): unrealised PNL is lots x mark - cost.
    active : (n,) bool
        The account has not left.
    supplies : (n,) bool
        The account supplies liquidity: it has neither left nor withdrawn.
    slope : (n,)
        a, the slope of the liquidity that the account stands for (Prop. 11), no unit.
    whim : (n, 2)
        Uniform draws that decide withdrawal and undo, the same for every policy.
    weight : (n,)
        Collateral at the start, as a share of all.
    start_lots : (m,) lots
        Open interest at the start.
    margin_bp : (m,) basis points
        Maintenance margin.
    book_lots, book_cash : (m,) lots, cents
        What the book holds: the counterparty of every trade.
    fund, loss, withdrawn : cents
        Insurance fund; losses that nobody covered; what accounts took out.
    pressure : (2, m)
        Sales and purchases that the book has not digested, as shares of the open interest at the start.
    drift : (m,)
        Log of the factor that impact left in the marks.
    pending : (n, m) lots
        Haircut positions that their owners will buy back.
    due : (n, 2) step
        When the account withdraws, and when it buys back; ``NEVER`` where it does not.
    """

    id: Text
    cash: Ints
    lots: Ints
    cost: Ints
    active: Flags
    supplies: Flags
    slope: Floats
    whim: Floats
    weight: Floats
    start_lots: Ints
    margin_bp: Ints
    book_lots: Ints
    book_cash: Ints
    pressure: Floats
    drift: Floats
    pending: Ints
    due: Ints
    fund: int = 0
    loss: int = 0
    withdrawn: int = 0

    def copy(self) -> World:
        """Return the same books, to be changed apart."""
        made = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(made, name, value.copy())
        return made

    def equity(self, mark: Ints) -> Ints:
        """Return (n,) cents: collateral and unrealised PNL."""
        return np.asarray(self.cash + self.lots @ mark - self.cost.sum(axis=1), dtype=np.int64)

    def ledger(self) -> int:
        """Return all money in cents; it never changes."""
        inside = int(self.cash.sum()) - int(self.cost.sum()) + int(self.book_cash.sum())
        return inside + self.fund + self.loss + self.withdrawn

    @property
    def highest(self) -> int:
        """Return the highest mark, cents per lot, at which no sum of the books leaves 64 bits."""
        held = np.abs(self.lots).sum(axis=1)
        margin = int(held.max(initial=0)) * int(self.margin_bp.max(initial=1))
        return LARGEST // max(margin, int(held.sum()), 1)

    def leave(self, rows: Ints) -> None:
        """Let accounts without positions go, with what they have."""
        self.withdrawn += int(self.cash[rows].sum())
        self.cash[rows] = 0
        self.pending[rows], self.due[rows] = 0, NEVER
        self.active[rows] = False
        self.supplies[rows] = False


def check_books(world: World, money: int, step: int) -> None:
    """Raise unless money (cents) is what it was at the start and every market's open interest nets to zero.

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
