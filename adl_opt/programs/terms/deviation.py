"""How far the executed severity H = sum x is from the needed budget B: over, under, tracking, CVaR."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.checks import number_between
from adl_opt.errors import UsageError
from adl_opt.losses import overshoot, tracking, undershoot
from adl_opt.programs.terms.base import ObjectiveTerm, Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


def _gap(builder: Builder) -> tuple[Ints, Ints]:
    """Return the columns (over, under) with H - over + under = B; where both cost, one of them is zero."""
    if not builder.has("over"):
        total = builder.total()
        most = float(np.sum(builder.upper))
        over = builder.columns("over", 1, 0.0, most + builder.needed, unit=builder.unit)
        under = builder.columns("under", 1, 0.0, most + builder.needed, unit=builder.unit)
        entries = [(0, total, 1.0), (0, over, -1.0), (0, under, 1.0)]
        builder.rows("gap", 1, builder.needed, builder.needed, entries, needed_rate=1.0)
        return over, under
    return builder.block("over"), builder.block("under")


@dataclass(frozen=True, eq=False)
class Overshoot(ObjectiveTerm):
    """[H - B]_+, USD: profit taken that was not needed (eq. 9).

    Examples
    --------
    >>> from adl_opt.programs import Point
    >>> Overshoot().value(Point(x=np.array([3.0]), needed=2.0), None)
    1.0
    """

    name: str = field(default="overshoot", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def value(self, point: Point, round_: Round) -> float:
        """Return [H - B]_+, USD."""
        return float(overshoot(point.executed, point.needed))

    def expression(self, symbols: Any) -> Any:
        """Return pos(sum x - B)."""
        return symbols.cp.pos(symbols.total - symbols.needed)

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Cost on the column over."""
        return _gap(builder)[0], 1.0


@dataclass(frozen=True, eq=False)
class Undershoot(ObjectiveTerm):
    """[B - H]_+, USD: what stays uncovered (eq. 9)."""

    name: str = field(default="undershoot", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def value(self, point: Point, round_: Round) -> float:
        """Return [B - H]_+, USD."""
        return float(undershoot(point.executed, point.needed))

    def expression(self, symbols: Any) -> Any:
        """Return pos(B - sum x)."""
        return symbols.cp.pos(symbols.needed - symbols.total)

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Cost on the column under."""
        return _gap(builder)[1], 1.0


@dataclass(frozen=True, eq=False)
class Tracking(ObjectiveTerm):
    """abs(H - B), USD: the tracking error of the deployed surrogate (eq. 10)."""

    name: str = field(default="tracking", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def value(self, point: Point, round_: Round) -> float:
        """Return abs(H - B), USD."""
        return float(tracking(point.executed, point.needed))

    def expression(self, symbols: Any) -> Any:
        """Return abs(sum x - B)."""
        return symbols.cp.abs(symbols.total - symbols.needed)

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Cost on both columns."""
        return np.concatenate(_gap(builder)), 1.0


@dataclass(frozen=True, eq=False)
class CVaR(ObjectiveTerm):
    """Conditional value at risk of the tracking error over price scenarios, USD.

    The mean of abs(H - B_s) over the worst ``1 - alpha`` of the scenarios (Rockafellar-Uryasev).

    Parameters
    ----------
    needed : (s,) USD
        B_s: what each scenario needs.
    probabilities : (s,), optional
        Default: equal.
    alpha : float
        Level in [0, 1); 0 is the plain mean.
    """

    needed: npt.ArrayLike
    probabilities: npt.ArrayLike | None = None
    alpha: float = 0.95
    name: str = field(default="cvar-tracking", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def __post_init__(self) -> None:
        number_between("CVaR: alpha", self.alpha, 0.0, 0.999999)
        needed = np.asarray(self.needed, dtype=np.float64)
        weights = self._chances()
        fits = needed.ndim == 1 and needed.size > 0 and weights.shape == needed.shape
        sums = bool(np.all(weights >= 0)) and abs(weights.sum() - 1) <= 1e-9
        if not (fits and np.all(np.isfinite(needed)) and sums):
            raise UsageError(
                "CVaR asks for finite needed amounts and as many probabilities >= 0 that sum to 1",
                got=f"shapes {needed.shape} and {weights.shape}, sum {weights.sum():g}",
                ways_out=["give one probability for each scenario", "leave them out for equal ones"],
            )

    def _chances(self) -> Floats:
        if self.probabilities is not None:
            return np.asarray(self.probabilities, float)
        size = np.size(self.needed)
        return np.full(size, 1 / max(size, 1))

    def value(self, point: Point, round_: Round) -> float:
        """Return the mean of the worst tail, USD."""
        losses = np.abs(point.executed - np.asarray(self.needed, dtype=np.float64))
        order = np.argsort(-losses, kind="stable")
        tail, chances = 1.0 - self.alpha, self._chances()[order]
        before = np.cumsum(chances) - chances
        share = np.clip(tail - before, 0.0, chances)
        return math.fsum(share * losses[order]) / max(float(np.sum(share)), 1e-300)

    def expression(self, symbols: Any) -> Any:
        """Return t + E[abs(H - B_s) - t]_+ / (1 - alpha)."""
        cp, t = symbols.cp, symbols.variable(self, "tail")
        worse = cp.pos(cp.abs(symbols.total - np.asarray(self.needed, dtype=np.float64)) - t)
        return t + (self._chances() / (1.0 - self.alpha)) @ worse

    def rows(self, builder: Builder) -> tuple[Ints, Floats]:
        """Write the excess over the tail threshold of every scenario."""
        total, needed = builder.total(), np.asarray(self.needed, dtype=np.float64)
        size, most = needed.size, float(np.sum(builder.upper)) + float(np.max(np.abs(needed)))
        t = builder.columns(f"{self.name}:tail", 1, 0.0, most, unit=builder.unit)
        e = builder.columns(f"{self.name}:excess", size, 0.0, most, unit=builder.unit)
        rows = np.arange(size)
        builder.rows("above", size, -needed, np.inf, [(rows, e, 1.0), (rows, t, 1.0), (rows, total, -1.0)])
        builder.rows("below", size, needed, np.inf, [(rows, e, 1.0), (rows, t, 1.0), (rows, total, 1.0)])
        return np.concatenate([t, e]), np.concatenate([[1.0], self._chances() / (1.0 - self.alpha)])
