"""Which accounts pay at all: a fixed cost for each, at most k of them, a smallest ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.checks import checked_usd
from adl_opt.errors import UsageError
from adl_opt.programs.terms.base import ConstraintTerm, Need, ObjectiveTerm, Point
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


@dataclass(frozen=True, eq=False)
class AccountsTouched(ObjectiveTerm):
    """Number of accounts that pay: a fixed cost for each."""

    name: str = field(default="accounts-touched", kw_only=True)
    unit: ClassVar[str] = "accounts"
    curvature: ClassVar[str] = "affine"
    needs: ClassVar[frozenset[Need]] = frozenset({"mip"})

    def value(self, point: Point, round_: Round) -> float:
        """Return how many haircuts are above zero."""
        return float(np.count_nonzero(point.x > 0))

    def expression(self, symbols: Any) -> Any:
        """Return the sum of the binaries."""
        return symbols.cp.sum(symbols.pays)

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Cost on the binaries."""
        return builder.pays(), 1.0


@dataclass(frozen=True, eq=False)
class MaxAccounts(ConstraintTerm):
    """At most k accounts pay (cardinality).

    Parameters
    ----------
    k : int
    """

    k: int
    name: str = field(default="max-accounts", kw_only=True)
    money_rows: ClassVar[bool] = False
    needs: ClassVar[frozenset[Need]] = frozenset({"mip"})

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, (int, np.integer)) or self.k < 0:
            raise UsageError(
                "MaxAccounts: k must be a whole number", got=repr(self.k), ways_out=["give k >= 0"]
            )

    def violation(self, point: Point, round_: Round) -> float:
        """Return the haircuts beyond the k largest, USD."""
        paying = np.sort(point.x[point.x > 0])[::-1]
        return float(np.sum(paying[self.k :]))

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return k."""
        return {"k": np.float64(self.k)}

    def expression(self, symbols: Any) -> Any:
        """Return sum of the binaries <= k."""
        return [symbols.cp.sum(symbols.pays) <= symbols.of(self)["k"]]

    def rows(self, builder: Builder) -> None:
        """Write sum of the binaries <= k."""
        builder.rows("count", 1, -np.inf, float(self.k), [(0, builder.pays(), 1.0)], unit=1.0)


@dataclass(frozen=True, eq=False)
class MinTicket(ConstraintTerm):
    """A haircut is zero or at least ``usd`` (semi-continuous).

    Parameters
    ----------
    usd : float
    """

    usd: float
    name: str = field(default="min-ticket", kw_only=True)
    needs: ClassVar[frozenset[Need]] = frozenset({"mip"})

    def __post_init__(self) -> None:
        checked_usd("MinTicket", "usd", self.usd)

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest distance of a haircut from {0} and [usd, inf), USD."""
        small = point.x[(point.x > 0) & (point.x < self.usd)]
        return float(np.max(np.minimum(small, self.usd - small), initial=0.0))

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the ticket."""
        return {"usd": np.float64(self.usd)}

    def expression(self, symbols: Any) -> Any:
        """Return x >= usd * pays."""
        return [symbols.x >= symbols.of(self)["usd"] * symbols.pays]

    def rows(self, builder: Builder) -> None:
        """Write x_i >= usd * pays_i; an account that cannot pay a ticket does not pay."""
        rows, pays = np.arange(builder.n), builder.pays()
        entries = [(rows, builder.x, 1.0), (rows, pays, -self.usd)]
        builder.rows("ticket", builder.n, 0.0, np.inf, entries, unit=builder.money_units(self.usd))
