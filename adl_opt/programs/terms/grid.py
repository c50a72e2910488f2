"""What is closed, position by position: whole lots, and quantities by market."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.checks import one_of
from adl_opt.errors import InputError
from adl_opt.programs.terms.base import ConstraintTerm, Need, Point
from adl_opt.rounds.closures import NAMES
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Positions

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


def positions_of(name: str, round_: Round) -> Positions:
    """Return the positions, or say that the round has none."""
    if round_.positions is None:
        raise InputError(
            f"term {name!r} reads positions, and the round has none",
            got=f"round {round_.number}",
            ways_out=["give the round its positions", "leave the term out"],
        )
    return round_.positions


def paid_by_lots(positions: Positions, lots: Any, n: int) -> Floats:
    """Return sum of lots x lot value of each account, (n,) USD."""
    paid = np.bincount(positions.account, weights=np.asarray(lots) * positions.lot_value, minlength=n)
    return np.asarray(paid, dtype=np.float64)


def haircuts_of_lots(positions: Positions, lots: Any, upper: Floats) -> Floats:
    """Return what lots pay, (n,) USD: at most ``upper`` where only rounding is above, untouched beyond."""
    paid = paid_by_lots(positions, lots, upper.size)
    return np.where(paid <= upper * (1 + 1e-9), np.minimum(paid, upper), paid)


@dataclass(frozen=True, eq=False)
class Lots(ConstraintTerm):
    """x_i = sum_j k_ij d_ij with whole 0 <= k_ij <= K_ij: haircuts live on the grid of the positions."""

    name: str = field(default="lots", kw_only=True)
    needs: ClassVar[frozenset[Need]] = frozenset({"mip"})

    def check(self, round_: Round) -> None:
        """Refuse a round without positions."""
        positions_of(self.name, round_)

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest distance from the grid, or lots beyond what is held, USD."""
        positions = positions_of(self.name, round_)
        if point.lots is None or np.shape(point.lots) != (len(positions),):
            return math.inf
        lots = np.asarray(point.lots, dtype=np.float64)
        beyond = np.maximum(np.maximum(lots - positions.lots, -lots), np.abs(lots - np.rint(lots)))
        off = np.abs(point.x - paid_by_lots(positions, lots, point.x.size))
        return max(float(np.max(off, initial=0.0)), float(np.max(beyond * positions.lot_value, initial=0.0)))

    def expression(self, symbols: Any) -> Any:
        """Return x = lots, whole."""
        return symbols.closed(whole=True)

    def rows(self, builder: Builder) -> None:
        """Make the lots whole."""
        builder.closed(whole=True)


@dataclass(frozen=True, eq=False)
class MarketBalance(ConstraintTerm):
    """Each market closes the quantity it must: sum of lots x contracts per lot = (or >=) the quantity.

    In a round in contracts the positions on the other side of the losers close it, market by market and side
    by side.  In wealth a lot holds notional / (mark x lots) contracts where the positions have these columns,
    else one.

    Parameters
    ----------
    quantity : mapping of market to contracts, optional
        Default: the flow of the round.
    sense : str
        ``=`` or ``>=``.
    """

    quantity: Mapping[str, float] | None = None
    sense: str = "="
    name: str = field(default="market-balance", kw_only=True)

    def __post_init__(self) -> None:
        one_of("MarketBalance: sense", self.sense, ("=", ">="))

    def check(self, round_: Round) -> None:
        """Refuse a round without positions or quantities."""
        positions_of(self.name, round_)
        self.demand(round_)

    def demand(self, round_: Round) -> tuple[list[str], Floats, Floats]:
        """Return markets (and losers' sides), contracts to close, marks (USD; 1 where unknown)."""
        flow = round_.flow
        cells = [] if flow is None else _cells(flow.market, self._losers(round_))
        marks = {} if flow is None else dict(zip(cells, flow.mark.tolist(), strict=True))
        if self.quantity is not None:
            wanted = dict(self.quantity)
        elif flow is not None:
            wanted = dict.fromkeys(cells, 0.0)
            for cell, quantity in zip(cells, flow.quantity.tolist(), strict=True):
                wanted[cell] += quantity
        else:
            raise InputError(
                f"term {self.name!r} reads the flow, and the round has none",
                got=f"round {round_.number}",
                ways_out=["give the round its flow", "give MarketBalance(quantity={market: contracts})"],
            )
        names = sorted(wanted)
        amounts = np.array([float(wanted[name]) for name in names])
        if not np.all(np.isfinite(amounts) & (amounts >= 0)):
            raise InputError(
                f"term {self.name!r}: a quantity is not a finite amount of at least 0",
                got=repr(wanted),
                ways_out=["correct the quantity"],
            )
        return names, amounts, np.array([float(marks.get(name, 1.0)) for name in names])

    def _losers(self, round_: Round) -> Ints | None:
        """Return the side of each row of the flow, where sides are kept apart."""
        sided = self.quantity is None and round_.space == CONTRACTS and round_.flow is not None
        return round_.flow.side if sided and round_.flow is not None else None

    def matrix(self, round_: Round) -> tuple[Ints, Floats]:
        """Return market row of each position (-1: none) and contracts in each of its lots."""
        positions, names = positions_of(self.name, round_), self.demand(round_)[0]
        place = {name: k for k, name in enumerate(names)}
        losers = self._losers(round_)
        cells = _cells(
            positions.market, None if losers is None or positions.side is None else -positions.side
        )
        rows = np.array([place.get(cell, -1) for cell in cells], dtype=np.int64)
        if round_.space == CONTRACTS:
            return rows, positions.lot_size
        per_lot = np.ones(len(positions))
        if positions.notional is not None and positions.mark is not None:
            held = positions.mark * np.maximum(positions.lots, 1)
            per_lot = positions.notional / held
        return rows, per_lot

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest imbalance of a market, USD at its mark."""
        _, wanted, marks = self.demand(round_)
        closed = point.lots if point.closed is None else point.closed
        if closed is None:
            return math.inf
        rows, per_lot = self.matrix(round_)
        here = rows >= 0
        done = np.bincount(rows[here], weights=(closed * per_lot)[here], minlength=wanted.size)
        lack = wanted - done
        return float(np.max((np.abs(lack) if self.sense == "=" else lack) * marks, initial=0.0))

    def expression(self, symbols: Any) -> Any:
        """Return the balance of every market."""
        rows, per_lot = self.matrix(symbols.round)
        _, wanted, _ = self.demand(symbols.round)
        weights = np.zeros((wanted.size, rows.size))
        weights[rows[rows >= 0], np.flatnonzero(rows >= 0)] = per_lot[rows >= 0]
        constraints = symbols.closed()
        done = weights @ symbols.lots
        return [*constraints, done == wanted if self.sense == "=" else done >= wanted]

    def rows(self, builder: Builder) -> None:
        """Write one row for each market."""
        closed = builder.closed()
        rows, per_lot = self.matrix(builder.round)
        _, wanted, _ = self.demand(builder.round)
        here = rows >= 0
        most = wanted if self.sense == "=" else np.inf
        size = np.maximum(wanted, 1.0)
        builder.rows(
            "market", wanted.size, wanted, most, [(rows[here], closed[here], per_lot[here])], unit=size
        )


def _cells(market: Text, losers: Ints | None) -> list[str]:
    """Return the name of each market, with the side of the losers where it is known."""
    names: list[str] = market.tolist()
    if losers is None:
        return names
    return [f"{name} {NAMES[side]}" for name, side in zip(names, losers.tolist(), strict=True)]
