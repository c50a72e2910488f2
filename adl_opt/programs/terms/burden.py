"""Who carries how much: the largest burden, the sum of haircuts, risk weights, disutility, fund draw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.checks import one_of
from adl_opt.errors import InputError, UsageError
from adl_opt.losses import BASES, burden, burden_base, entropy, share
from adl_opt.programs.arrays.linear import power_of_two
from adl_opt.programs.terms.base import Need, ObjectiveTerm, Point
from adl_opt.proofs.document import entropy_curve
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder, Entries


@dataclass(frozen=True, eq=False)
class MaxBurden(ObjectiveTerm):
    """max_i x_i / (base_i + eps), no unit: the fairness term of eq. 10; eq. 8 minimises it.

    Parameters
    ----------
    base : str
        ``capacity`` or ``equity``.

    Examples
    --------
    >>> from adl_opt.rounds.round import Round
    >>> from adl_opt.rounds.tables import Accounts
    >>> from adl_opt.programs import Point
    >>> round_ = Round(deficit=1.0, accounts=Accounts(id=["a"], pnl=[4.0], equity=[8.0]))
    >>> round(MaxBurden(base="equity").value(Point(x=np.array([2.0]), needed=2.0), round_), 9)
    0.25
    """

    base: str = "capacity"
    name: str = field(default="max-burden", kw_only=True)
    unit: ClassVar[str] = "1"
    curvature: ClassVar[str] = "convex"

    def __post_init__(self) -> None:
        one_of("MaxBurden: base", self.base, BASES)

    def value(self, point: Point, round_: Round) -> float:
        """Return the largest burden."""
        return float(np.max(burden(point.x, burden_base(round_, self.base)), initial=0.0))

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the burden of an account that pays its whole capacity, and what it may pay at all, USD."""
        u, base = round_.accounts.capacity, burden_base(round_, self.base)
        return {"full": share(u, base), "most": np.where(base > 0, u, 0.0)}

    def expression(self, symbols: Any) -> Any:
        """Return max(full * h): x / base in fractions h of the capacity."""
        cp, own = symbols.cp, symbols.of(self)
        if self.base != "capacity":  # who has no equity pays nothing
            symbols.extra.append(symbols.x <= own["most"])
        return cp.max(cp.multiply(own["full"], symbols.h)) if symbols.n else cp.Constant(0.0)

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Write x_i <= z base_i."""
        base = burden_base(builder.round, self.base)
        most = float(np.max(burden(builder.upper, base)[base > 0], initial=0.0))
        z = builder.columns(f"{self.name}:z", 1, 0.0, max(most, 1.0) * 2.0)
        rows = np.arange(builder.n)
        entries: list[Entries] = [(rows, builder.x, 1.0), (rows, z, -base)]
        numbers = builder.rows("burden", builder.n, -np.inf, 0.0, entries, unit=power_of_two(base))
        if self.base == "capacity":
            builder.moves(numbers, -1.0, column=int(z[0]))
        return z, 1.0


@dataclass(frozen=True, eq=False)
class TotalHaircut(ObjectiveTerm):
    """H = sum x, USD."""

    name: str = field(default="total-haircut", kw_only=True)
    curvature: ClassVar[str] = "affine"

    def value(self, point: Point, round_: Round) -> float:
        """Return H, USD."""
        return point.executed

    def expression(self, symbols: Any) -> Any:
        """Return sum x."""
        return symbols.total

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Cost on the column H."""
        return builder.total(), 1.0


@dataclass(frozen=True, eq=False)
class RiskWeighted(ObjectiveTerm):
    """sum w_i x_i, USD: haircuts weighed by account; with w = -score it is the queue's programme (eq. 40).

    Parameters
    ----------
    weights : (n,), optional
        One finite weight for each account; default the leverage column of the round.
    """

    weights: npt.ArrayLike | None = None
    name: str = field(default="risk-weighted", kw_only=True)
    curvature: ClassVar[str] = "affine"

    def check(self, round_: Round) -> None:
        """Refuse a round without the weights."""
        self.resolved(round_)

    def resolved(self, round_: Round) -> Floats:
        """Return the (n,) weights of a round."""
        if self.weights is None:
            if round_.accounts.leverage is None:
                raise InputError(
                    f"term {self.name!r} reads the leverage of the accounts, and the round has none",
                    got=f"round {round_.number}",
                    ways_out=["give the column leverage", "give RiskWeighted(weights=...)"],
                )
            return round_.accounts.leverage
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != (len(round_.accounts),) or not np.all(np.isfinite(weights)):
            raise InputError(
                f"term {self.name!r} needs one finite weight for each account",
                got=f"shape {weights.shape} for {len(round_.accounts)} accounts",
                ways_out=["give (n,) finite weights"],
            )
        return weights

    def value(self, point: Point, round_: Round) -> float:
        """Return sum w x, USD."""
        return math.fsum(self.resolved(round_) * point.x)

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return capacity x weight, so that the face stays affine in the parameters."""
        return {"worth": self.resolved(round_) * round_.accounts.capacity}

    def expression(self, symbols: Any) -> Any:
        """Return sum (w u) h."""
        return symbols.cp.sum(symbols.cp.multiply(symbols.of(self)["worth"], symbols.h))

    def rows(self, builder: Builder) -> tuple[Ints, Floats]:
        """Cost on the haircuts."""
        return builder.x, self.resolved(builder.round)


@dataclass(frozen=True, eq=False)
class Entropy(ObjectiveTerm):
    """sum u_i phi(x_i / u_i), USD, phi(h) = (1 - h) ln(1 - h) + h: convex disutility of haircut fractions.

    phi is 0 at 0, 1 at 1, strictly convex, with phi'(h) = -ln(1 - h).  By ADL-1 the optimum at a given total
    is (capped) pro-rata, for this and every strictly convex phi.  It is not linear: Clarabel takes it.
    """

    name: str = field(default="entropy", kw_only=True)
    curvature: ClassVar[str] = "convex"
    needs: ClassVar[frozenset[Need]] = frozenset({"cone"})

    def value(self, point: Point, round_: Round) -> float:
        """Return sum u phi(x / u), USD."""
        u = round_.accounts.capacity
        return math.fsum(u * entropy(np.clip(share(point.x, u), 0.0, 1.0)))

    def slopes(self, x: Floats, round_: Round) -> tuple[Floats, Floats]:
        """Return -ln(1 - x / u) and 1 / (u - x), with h kept below 1 by 1e-12."""
        u = round_.accounts.capacity
        h = np.minimum(share(x, u), 1 - 1e-12)
        return -np.log1p(-h), share(1.0, u * (1 - h))

    def curves(self, round_: Round) -> list[dict[str, str] | None]:
        """Return u phi(x / u) for each account with capacity."""
        return [entropy_curve(1.0, u) if u > 0 else None for u in round_.accounts.capacity.tolist()]

    def expression(self, symbols: Any) -> Any:
        """Return sum u kl_div(1 - h, 1)."""
        cp = symbols.cp
        return cp.sum(cp.multiply(symbols.capacity, cp.kl_div(1.0 - symbols.h, 1.0)))


@dataclass(frozen=True, eq=False)
class FundDraw(ObjectiveTerm):
    """USD drawn from the insurance fund that ``Solvency(fund=...)`` makes available."""

    name: str = field(default="fund-draw", kw_only=True)
    curvature: ClassVar[str] = "affine"

    def value(self, point: Point, round_: Round) -> float:
        """Return the draw, USD."""
        return point.fund

    def expression(self, symbols: Any) -> Any:
        """Return the draw."""
        return symbols.fund

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Cost on the draw."""
        if not builder.has("fund"):
            raise UsageError(
                f"term {self.name!r} prices a fund that no constraint offers",
                got="no Solvency(fund=...) in the program",
                ways_out=["add Solvency(fund=USD)"],
            )
        return builder.block("fund"), 1.0
