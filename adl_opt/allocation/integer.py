"""Integer pro-rata: pro-rata rounded to whole lots by largest remainder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, clipped, ratio, require_positions
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.shares import close_by_share
from adl_opt.kernels.fill.heads import leaders
from adl_opt.kernels.fill.queue import descending
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.kernels.sums import sums_before
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.round import Allocation, Round
from adl_opt.rounds.tables import Positions


@dataclass(frozen=True)
class IntegerProRata(AllocationRule):
    """Pro-rata in whole lots: round down, then add lots by largest remainder until the budget is met.

    Rule: each account's pro-rata haircut is spread over its positions in proportion to their PNL and rounded
    down to lots; further lots follow by largest fractional remainder, never above an account's capacity.
    Overshoots by less than one lot.  In contracts, lots of each cell in proportion to the contracts held.
    Source: the paper's code, integer contracts pro-rata (there per coin,
    with rounding of quantities).  Information: start of round.  Tie-break: remainder, then account row, then
    market.
    """

    name: ClassVar[str] = "integer-pro-rata"
    claims: ClassVar[Claims] = Claims(permutation=False, monotone=False)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return pro-rata rounded to lots."""
        positions = require_positions(self.name, round_)
        capacity, account = round_.accounts.capacity, positions.account
        n = len(round_.accounts)
        held = np.bincount(account, positions.pnl, minlength=n)
        reach = np.minimum(capacity, held)
        share = ratio(waterfill(reach, asked), held)
        ideal = np.minimum(share[account] * positions.lots, positions.lots)
        lots = np.minimum(np.floor(ideal * (1.0 + 1e-12)), positions.lots).astype(np.int64)
        lots = _top_up(positions, capacity, lots, ideal - lots, min(asked, float(reach.sum())))
        x = np.bincount(account, positions.lot_value * lots, minlength=n)
        return Allocation(x=clipped(x, round_), asked=asked, lots=lots)

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to the contracts held."""
        return close_by_share(cell.positions.quantity[cell.rows], cell)


@dataclass(frozen=True)
class Metaflux(IntegerProRata):
    """MetaFlux: integer pro-rata by capacity; the severity of Prop. 1 is chosen beside it.

    Rule: integer pro-rata; in contracts, lots of each cell in proportion to capacity.
    Source: MetaFlux documentation; its estimator of the severity is not published.
    Information: start of round.  Tie-break: remainder, then account row, then market.
    """

    name: ClassVar[str] = "metaflux"

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to the capacity of each position's pot."""
        return close_by_share(cell.capacity, cell)


def _top_up(positions: Positions, capacity: Floats, lots: Ints, remainder: Floats, asked: float) -> Ints:
    """Add lots until the budget is met: what is missing by pro-rata first, then by largest remainder.

    A pass of single lots leaves less than one lot of every position that still can; where capacities block
    some positions, the others share what is missing anew.  Each round of passes closes a position or ends.
    """
    account, value = positions.account, positions.lot_value
    tolerance = 1e-12 * asked
    for _ in range(2 * len(positions) + 2):
        paid = np.bincount(account, value * lots, minlength=capacity.size)
        missing = asked - float(paid.sum())
        room = (capacity - paid)[account] + 1e-12 * capacity[account]
        can = np.flatnonzero((lots < positions.lots) & (value <= room))
        if missing <= tolerance or can.size == 0:
            break
        for most in (2.0 * missing, math.inf):  # the head of the queue, unless capacities block too much
            first = can[leaders(remainder[can], value[can], most)]
            order = first[descending(remainder[first], account[first], positions.market[first])]
            before = sums_before(account[order], value[order], np.arange(order.size))
            order = order[before + value[order] <= room[order]]
            enough = int(np.searchsorted(np.cumsum(value[order]), missing - tolerance)) + 1
            if enough <= order.size or first.size == can.size:
                break
        if enough > order.size:  # single lots do not do: many at once
            more = _many(positions, np.maximum(capacity - paid, 0.0), lots, can, missing)
            if more.any():
                lots = lots + more
                continue
        lots = lots.copy()
        lots[order[:enough]] += 1
    return lots


def _many(positions: Positions, room: Floats, lots: Ints, can: Ints, missing: float) -> Ints:
    """Share what is missing over the positions that can, within the room of accounts, rounded down."""
    account, value = positions.account[can], positions.lot_value[can]
    left = value * (positions.lots - lots)[can]
    held = np.bincount(account, left, minlength=room.size)
    share = ratio(waterfill(np.minimum(room, held), missing), held)
    more = np.zeros(len(positions), dtype=np.int64)
    more[can] = np.minimum(np.floor(share[account] * left / value), (positions.lots - lots)[can])
    return more
