"""What holds in contracts: the flow is closed market by market and side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.checks import one_of
from adl_opt.programs.arrays.linear import power_of_two
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.terms.base import TRIFLE, InContracts, Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder, Entries

EQUAL, FREE = SHARES = "equal", "free"

WHOLE = 1e-12
"""Lots that lack this share of a whole one are whole."""


@dataclass(frozen=True, eq=False)
class Clearing(InContracts):
    """Contracts close contracts: of each row of the flow at most what is to be closed, by its own legs.

    ``sum over legs of row r: contracts <= theta_r Q_r``, and no lot of a position is closed twice.  Every
    program on a round in contracts has it; it is put in when it is left out.

    Parameters
    ----------
    shares : str
        ``equal``: theta = min(1, B / sum Q g), the same of every market and side; put in where the program
        says what the haircuts must raise.  ``free``: theta = 1, so the program chooses what it closes.
    whole : bool
        Only whole lots are closed: where all lots of a row have one size, no part of a lot is left to close.
    """

    shares: str = EQUAL
    whole: bool = False
    name: str = field(default="clearing", kw_only=True)
    money_rows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        one_of("Clearing: shares", self.shares, SHARES)

    def wanted(self, round_: PricedRound, needed: float) -> Floats:
        """Return the contracts to close of each row of the flow, (k,)."""
        return round_.rows.quantity * (round_.share(needed) if self.shares == EQUAL else 1.0)

    def most(self, round_: PricedRound, needed: float) -> Floats:
        """Return the contracts that can be closed of each row of the flow at most, (k,)."""
        wanted, size = self.wanted(round_, needed), round_.held.lot_size
        if not self.whole:
            return wanted
        low, high = np.full(wanted.size, np.inf), np.zeros(wanted.size)
        np.minimum.at(low, round_.legs.row, size)
        np.maximum.at(high, round_.legs.row, size)
        size = np.where(low == high, high, 1.0)
        return np.where(low == high, np.floor(wanted / size * (1 + WHOLE)) * size, wanted)

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess of a row or position, in USD that it takes from winners."""
        round_ = in_legs(round_)
        lots, held = round_.lots_of(point), round_.held
        if np.isnan(lots).any():
            return np.inf
        excess = round_.closed(lots) - self.wanted(round_, point.needed)
        each = np.maximum(np.abs(round_.given_up), TRIFLE * round_.rows.mark)
        twice = np.bincount(round_.legs.position, lots, round_.source_lots.size) - round_.source_lots
        worth = np.zeros(twice.size)
        np.maximum.at(worth, round_.legs.position, held.lot_value)
        broken = np.concatenate([excess * each, twice * worth, -lots * held.lot_value])
        return float(np.max(broken, initial=0.0))

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return what can be closed of each row."""
        return {"most": self.most(in_legs(round_), needed)}

    def expression(self, symbols: Any) -> Any:
        """Return the limits of rows and positions."""
        round_ = in_legs(symbols.round)
        rules, most = symbols.closed(), symbols.of(self)["most"]
        size = len(round_.held)
        shape, each = (len(round_.rows), size), np.arange(size)
        if len(round_.rows):
            by_row = symbols.matrix(round_.legs.row, each, round_.held.lot_size, shape)
            rules.append(by_row @ symbols.lots <= most)
        positions, legs, place = _several(round_)
        if positions.size:
            once = symbols.matrix(place, legs, np.ones(legs.size), (positions.size, size))
            rules.append(once @ symbols.lots <= round_.source_lots[positions])
        return rules

    def rows(self, builder: Builder) -> None:
        """Write one row for each row of the flow, and one for each position with several legs."""
        round_ = in_legs(builder.round)
        most, closed = self.most(round_, builder.needed), builder.closed()
        moves = self.shares == EQUAL and not self.whole and builder.needed < round_.flow_usd
        rate = round_.rows.quantity / round_.flow_usd if moves else 0.0
        entries = [(round_.legs.row, closed, round_.held.lot_size)]
        unit = power_of_two(np.where(most > 0.0, most, round_.rows.quantity))
        builder.rows("flow", most.size, -np.inf, most, entries, unit=unit, needed_rate=rate)
        positions, legs, place = _several(round_)
        if positions.size:
            have = round_.source_lots[positions]
            once: list[Entries] = [(place, closed[legs], 1.0)]
            builder.rows("held", positions.size, -np.inf, have, once, unit=power_of_two(have))


def _several(round_: PricedRound) -> tuple[Ints, Ints, Ints]:
    """Return positions with several legs, these legs, and the place of the position of each."""
    count = np.bincount(round_.legs.position, minlength=round_.source_lots.size)
    legs = np.flatnonzero(count[round_.legs.position] > 1)
    positions, place = np.unique(round_.legs.position[legs], return_inverse=True)
    return positions, legs, place
