"""Plans for a whole round in contracts: how many contracts each position gives up, before whole lots."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.limits import Book
from adl_opt.allocation.shares import lots_near
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.flows import tables_in_contracts
from adl_opt.rounds.legs import Legs

Plan = tuple[Legs, Floats]
"""Legs, and the contracts that each of them gives up, fractions of lots included."""


class PlannedRule(AllocationRule):
    """A rule that plans all markets at once, and closes whole lots near its plan."""

    spaces: ClassVar[tuple[str, ...]] = (CONTRACTS,)

    def close(self, state: Plan, cell: Cell) -> Ints:
        """Return the plan of a cell in whole lots: rounded down, then by the largest remainder."""
        return close_near(state, cell)


def close_near(plan: Plan, cell: Cell) -> Ints:
    """Return whole lots near a plan, (c,), that add up to what is wanted, or to all that can be closed.

    Equal remainders come by account id.  What the plan cannot close in whole lots, others close.
    """
    legs, contracts = plan
    return lots_near(contracts[legs.of_cell(cell.row)][cell.at], cell)


def room_of(book: Book, position: npt.NDArray[np.int64], given_up: Floats) -> Floats:
    """Return the contracts that positions could give up by themselves, at so many USD each, (l,)."""
    _, held = tables_in_contracts(book.round_)
    most = book.room.lots[position] * held.lot_size[position]
    g = np.where(given_up > 0.0, given_up, 1.0)
    return np.where(given_up > 0.0, np.minimum(most, book.room.usd(position) / g), most)


def by_row(book: Book, legs: Legs, closed: Floats) -> Floats:
    """Return the contracts of each leg, (l,), where positions close so many, (m,): rows share by quantity."""
    wanted = np.bincount(legs.of_row, book.quantity)[legs.of_row]
    share = np.divide(book.quantity, wanted, out=np.zeros(wanted.size), where=wanted > 0)
    return closed[legs.position] * share[legs.row]
