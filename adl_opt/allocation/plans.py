"""Plans for a whole round in contracts: how many contracts each position gives up, before whole lots."""

from __future__ import annotations

from dataclasses import dataclass
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
from adl_opt.rounds.round import Round


@dataclass(frozen=True, eq=False, kw_only=True)
class Legs:
    """Pairs of a row of the flow and a position on the other side of its market.

    Parameters
    ----------
    row, position : (l,) int
    cell : (l,) int
        Market and side of the row, counted from 0.
    of_row : (k,) int
        The same of each row of the flow.
    """

    row: Ints
    position: Ints
    cell: Ints
    of_row: Ints

    @classmethod
    def of(cls, round_: Round) -> Legs:
        """Return the legs of a round in contracts, row by row."""
        flow, held = tables_in_contracts(round_)
        assert flow.side is not None  # noqa: S101
        assert held.side is not None  # noqa: S101
        names, code = held.markets
        place: dict[str, int] = {}
        for name in [*names.tolist(), *flow.market.tolist()]:
            place.setdefault(name, len(place))
        key = 2 * np.array([place[m] for m in flow.market.tolist()], dtype=np.int64) + (flow.side > 0)
        taken = 2 * code + (held.side < 0)  # positions of the other side have the key of the losers
        of_row = np.unique(key, return_inverse=True)[1]
        sorted_by, here = np.argsort(taken, kind="stable"), np.sort(taken)
        start, stop = (np.searchsorted(here, key, side) for side in ("left", "right"))
        position = [sorted_by[a:b] for a, b in zip(start, stop, strict=True)]
        count = stop - start
        row = np.repeat(np.arange(len(flow)), count)
        joined = np.concatenate([np.empty(0, dtype=np.int64), *position])
        return cls(row=row, position=joined, cell=of_row[row], of_row=of_row)


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
    here, ideal = legs.row == cell.row, np.zeros(len(cell.positions))
    ideal[legs.position[here]] = contracts[here]
    return lots_near(ideal[cell.rows], cell)


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
