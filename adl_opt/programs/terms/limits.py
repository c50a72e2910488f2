"""What a haircut must obey account by account: positive PNL, a cap on the fraction, burdens over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.programs.terms.base import ConstraintTerm, Point
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round


class _Cap(ConstraintTerm):
    """A constraint that is an upper bound on every haircut."""

    money_rows: ClassVar[bool] = False

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the bound as a fraction of the capacity."""
        u, most = round_.accounts.capacity, self.upper(round_)
        assert most is not None  # noqa: S101
        return {"fraction": np.clip(np.divide(most, u, out=np.ones_like(u), where=u > 0), 0.0, 1.0)}

    def expression(self, symbols: Any) -> Any:
        """Return h <= fraction."""
        return [symbols.h <= symbols.of(self)["fraction"]]

    def rows(self, builder: Any) -> None:
        """Nothing: the builder takes the bound from ``upper``."""

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess of an account, USD."""
        most = self.upper(round_)
        assert most is not None  # noqa: S101
        return float(np.max(point.x - most, initial=0.0))


@dataclass(frozen=True, eq=False)
class PositivePnl(_Cap):
    """0 <= x <= u: haircuts touch positive PNL only, never collateral.  Every program has it."""

    name: str = field(default="positive-pnl", kw_only=True)
    upper_rate: ClassVar[float] = 1.0

    def upper(self, round_: Round) -> Floats:
        """Return the capacity u."""
        return round_.accounts.capacity

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess or negative haircut, USD."""
        return max(super().violation(point, round_), float(np.max(-point.x, initial=0.0)))

    def expression(self, symbols: Any) -> Any:
        """Return 0 <= h <= 1."""
        return [symbols.h >= 0, symbols.h <= 1]


@dataclass(frozen=True, eq=False)
class HaircutCap(_Cap):
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
class CumulativeBurden(_Cap):
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
