"""What a haircut must obey account by account: positive PNL, a cap on the fraction, burdens over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.losses import share
from adl_opt.programs.arrays.linear import power_of_two
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.terms.base import Cap, Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Round


@dataclass(frozen=True, eq=False)
class PositivePnl(Cap):
    """0 <= x <= u: haircuts touch positive PNL only, never collateral.  Every program has it."""

    name: str = field(default="positive-pnl", kw_only=True)
    upper_rate: ClassVar[float] = 1.0

    def upper(self, round_: Round) -> Floats:
        """Return the capacity u."""
        return round_.accounts.capacity

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess or negative haircut, USD; in contracts also that of a pot."""
        most = max(super().violation(point, round_), float(np.max(-point.x, initial=0.0)))
        if round_.space == WEALTH:
            return most
        book = in_legs(round_)
        pot, legs, capacity = _pots(book)
        worth = book.lots_of(point) * book.held.lot_value
        paid = np.bincount(pot, worth[legs], minlength=capacity.size)
        return max(most, float(np.max(paid - capacity, initial=0.0)))

    def expression(self, symbols: Any) -> Any:
        """Return 0 <= h <= 1."""
        rules = [symbols.h >= 0, symbols.h <= 1]
        if not symbols.in_contracts:
            return rules
        round_ = symbols.round
        pot, legs, capacity = _pots(round_)
        if not capacity.size:
            return rules
        shape = (capacity.size, len(round_.held))
        weights = symbols.matrix(pot, legs, round_.held.lot_value[legs], shape)
        return [*rules, *symbols.closed(), weights @ symbols.lots <= capacity]

    def rows(self, builder: Any) -> None:
        """Write what each pot can pay; the builder takes the bounds of accounts from ``upper``."""
        if isinstance(builder.round, PricedRound):
            pot, legs, capacity = _pots(builder.round)
            if capacity.size:
                entries = [(pot, builder.closed()[legs], builder.round.held.lot_value[legs])]
                builder.rows("pots", capacity.size, -np.inf, capacity, entries, unit=power_of_two(capacity))


def _pots(round_: PricedRound) -> tuple[Ints, Ints, Floats]:
    """Return pot and leg of each entry, and what each pot can pay, USD: of accounts that have several."""
    pots, n = round_.pots, len(round_.accounts)
    several = np.zeros(pots.capacity.size, dtype=bool)
    alone = np.flatnonzero(pots.of_position >= n)
    held = round_.source.positions
    assert held is not None  # noqa: S101
    several[pots.of_position[alone]] = several[held.account[alone]] = True
    place = np.cumsum(several) - 1
    of_leg = pots.of_position[round_.legs.position]
    legs = np.flatnonzero(several[of_leg])
    return place[of_leg[legs]], legs, pots.capacity[several]


@dataclass(frozen=True, eq=False)
class WithinPositions(PositivePnl):
    """0 <= x, and no more than positions give up, in contracts: for venues that take more than positive PNL.

    It stands in the place of :class:`PositivePnl`.  An account without capacity still pays nothing, for
    burdens are measured against it.
    """

    name: str = field(default="within-positions", kw_only=True)
    upper_rate: ClassVar[float] = 0.0

    def check(self, round_: Round) -> None:
        """Refuse a round in wealth."""
        in_legs(round_)

    def upper(self, round_: Round) -> Floats:
        """Return what all lots of an account give up, (n,) USD."""
        held, u = in_legs(round_).held, round_.accounts.capacity
        most = np.bincount(held.account, held.lots * held.lot_value, minlength=u.size)
        return np.where(u > 0, most, 0.0)

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess or negative haircut, USD."""
        return max(Cap.violation(self, point, round_), float(np.max(-point.x, initial=0.0)))

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the bound as a multiple of the capacity."""
        return {"fraction": share(self.upper(round_), round_.accounts.capacity)}

    def expression(self, symbols: Any) -> Any:
        """Return 0 <= h <= fraction."""
        return [symbols.h >= 0, symbols.h <= symbols.of(self)["fraction"]]

    def rows(self, builder: Any) -> None:
        """Nothing: the builder takes the bound from ``upper``."""


@dataclass(frozen=True, eq=False)
class HaircutCap(Cap):
    """x_i <= hbar u_i with hbar < 1: nobody is closed in full.

    Parameters
    ----------
    hbar : float
        In [0, 1).
    """

    hbar: float
    name: str = field(default="haircut-cap", kw_only=True)

    def __post_init__(self) -> None:
        if not (isinstance(self.hbar, (int, float)) and 0 <= self.hbar < 1):
            raise UsageError(
                "HaircutCap: hbar must be below 1", got=repr(self.hbar), ways_out=["give a number in [0, 1)"]
            )

    def upper_rates(self, round_: Round) -> float:
        """Return hbar."""
        return self.hbar

    def upper(self, round_: Round) -> Floats:
        """Return hbar u."""
        return self.hbar * round_.accounts.capacity


@dataclass(frozen=True, eq=False)
class CumulativeBurden(Cap):
    """Paid so far plus this haircut is at most ``cap`` times the base, account by account.

    In an :class:`~adl_opt.programs.EpisodeProgram` it links the rounds: what an id pays in all of them.

    Parameters
    ----------
    cap : float
        Largest cumulative burden, >= 0.
    paid : mapping of account id to USD
        Paid before this round (default: nothing).
    base : mapping of account id to USD, optional
        Default: the capacity of now plus what was paid; in an episode the largest of the rounds.
    """

    cap: float
    paid: Mapping[str, float] | None = None
    base: Mapping[str, float] | None = None
    name: str = field(default="cumulative-burden", kw_only=True)

    def __post_init__(self) -> None:
        amounts = [self.cap, *(self.paid or {}).values(), *(self.base or {}).values()]
        if not all(np.isfinite(a) and a >= 0 for a in amounts):
            raise UsageError(
                "CumulativeBurden: cap, paid and base must be finite and >= 0",
                got=f"cap = {self.cap!r}",
                ways_out=["give amounts of at least 0"],
            )

    def paid_by(self, round_: Round) -> Floats:
        """Return what each account of the round has paid before, (n,) USD."""
        paid = self.paid or {}
        return np.array([float(paid.get(str(key), 0.0)) for key in round_.accounts.id])

    def base_by(self, round_: Round) -> Floats:
        """Return the base of each account of the round, (n,) USD."""
        default = round_.accounts.capacity + self.paid_by(round_)
        if self.base is None:
            return default
        base = self.base
        return np.array(
            [float(base.get(str(key), own)) for key, own in zip(round_.accounts.id, default, strict=True)]
        )

    def upper(self, round_: Round) -> Floats:
        """Return what is left of the cap, never negative."""
        return np.maximum(self.cap * self.base_by(round_) - self.paid_by(round_), 0.0)

    def upper_rates(self, round_: Round) -> Floats:
        """Return the cap where the base is the capacity, and 0 where a base is given or nothing is left."""
        own = ~np.isin(round_.accounts.id, list(self.base or {}))
        return np.where(own & (self.upper(round_) > 0), self.cap, 0.0)
