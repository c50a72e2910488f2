"""What holds in contracts: the flow is closed market by market and side by side, and hedges stay whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.checks import number_between, one_of
from adl_opt.errors import LackError
from adl_opt.programs.arrays.linear import power_of_two
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.terms.base import ConstraintTerm, Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder, Entries

EQUAL, FREE = SHARES = "equal", "free"

WHOLE = 1e-12
"""Lots that lack this share of a whole one are whole."""

TRIFLE = 1e-6
"""Share of the mark that a contract which takes nothing counts for, where more is closed than there is."""


class _InContracts(ConstraintTerm):
    """A term that reads the legs of a round in contracts."""

    def check(self, round_: Round) -> None:
        """Refuse a round in wealth."""
        if round_.space != CONTRACTS:
            raise LackError(
                f"term {self.name!r} does not serve rounds in wealth",
                got=f"round {round_.number}: its space is wealth",
                ways_out=["give a round in contracts", "leave the term out"],
            )


@dataclass(frozen=True, eq=False)
class Clearing(_InContracts):
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
        by_row = np.zeros((len(round_.rows), size))
        by_row[round_.legs.row, np.arange(size)] = round_.held.lot_size
        if len(round_.rows):
            rules.append(by_row @ symbols.lots <= most)
        positions, legs, place = _several(round_)
        if positions.size:
            once = np.zeros((positions.size, size))
            once[place, legs] = 1.0
            rules.append(once @ symbols.lots <= round_.source_lots[positions])
        return rules

    def rows(self, builder: Builder) -> None:
        """Write one row for each row of the flow, and one for each position with several legs."""
        round_ = in_legs(builder.round)
        most, closed = self.most(round_, builder.needed), builder.closed()
        moves = self.shares == EQUAL and not self.whole and builder.needed < round_.flow_usd
        rate = round_.rows.quantity / round_.flow_usd if moves else 0.0
        entries = [(round_.legs.row, closed, round_.held.lot_size)]
        unit = power_of_two(round_.rows.quantity)
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


@dataclass(frozen=True, eq=False)
class HedgedPairs(_InContracts):
    """Both legs of a hedge are closed together or not at all: the net of an account in a market never grows.

    An account may hold both sides of a market (hedge mode), q_long and q_short.  What is closed of the two
    keeps ``-t h - [q_short - q_long]_+ <= closed_long - closed_short <= [q_long - q_short]_+ + t h`` with the
    hedged quantity h = min(q_long, q_short), in contracts.

    Parameters
    ----------
    tolerance : float
        Share t of the hedged quantity by which the two may differ, in [0, 1].
    """

    tolerance: float = 0.0
    name: str = field(default="hedged-pairs", kw_only=True)
    money_rows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        number_between("HedgedPairs: tolerance", self.tolerance, 0.0, 1.0)

    def _pairs(self, round_: PricedRound) -> tuple[Ints, Ints, Floats, Floats, Floats]:
        """Return pair, leg, and signed contracts in a lot, of each entry; bounds of each pair, contracts."""
        held = round_.source.positions
        assert held is not None  # noqa: S101
        assert held.side is not None  # noqa: S101
        names, code = held.markets
        key = held.account * max(names.size, 1) + code
        order = np.lexsort((held.side, key))
        short = order[:-1][key[order[:-1]] == key[order[1:]]]  # one row for each account, market and side
        long = order[1:][key[order[:-1]] == key[order[1:]]]
        pair = np.full(len(held), -1)
        pair[short], pair[long] = np.arange(short.size), np.arange(short.size)
        legs = np.flatnonzero(pair[round_.legs.position] >= 0)
        at = round_.legs.position[legs]
        q_short, q_long = held.quantity[short], held.quantity[long]
        slack = self.tolerance * np.minimum(q_short, q_long)
        low, high = -np.maximum(q_short - q_long, 0.0) - slack, np.maximum(q_long - q_short, 0.0) + slack
        return pair[at], legs, held.side[at] * held.lot_size[at], low, high

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess of a net, in USD at the mark."""
        round_ = in_legs(round_)
        lots = round_.lots_of(point)
        if np.isnan(lots).any():
            return np.inf
        pair, legs, size, low, high = self._pairs(round_)
        net = np.bincount(pair, size * lots[legs], minlength=low.size)
        worth = np.zeros(low.size)
        mark = round_.held.mark
        assert mark is not None  # noqa: S101
        np.maximum.at(worth, pair, mark[legs])
        return float(np.max(np.maximum(low - net, net - high) * worth, initial=0.0))

    def expression(self, symbols: Any) -> Any:
        """Return the bounds of every net."""
        round_ = in_legs(symbols.round)
        pair, legs, size, low, high = self._pairs(round_)
        rules = symbols.closed()
        if not low.size:
            return rules
        weights = np.zeros((low.size, len(round_.held)))
        weights[pair, legs] = size
        net = weights @ symbols.lots
        return [*rules, net >= low, net <= high]

    def rows(self, builder: Builder) -> None:
        """Write one row for each hedge."""
        pair, legs, size, low, high = self._pairs(in_legs(builder.round))
        closed = builder.closed()
        unit = power_of_two(np.maximum(high, -low))
        builder.rows("net", low.size, low, high, [(pair, closed[legs], size)], unit=unit)
