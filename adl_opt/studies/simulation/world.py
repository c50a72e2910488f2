"""The books of a simulated venue: integer cents and whole lots, so that sums are exact."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from adl_opt.rounds.columns import Floats, Ints, Text

CENTS = 100
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
        self.pending[rows] = 0
        self.active[rows] = False
        self.supplies[rows] = False
