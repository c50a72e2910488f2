"""How far the executed severity H = sum x is from the needed budget B: over, under, tracking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.losses import overshoot, tracking, undershoot
from adl_opt.programs.terms.base import ObjectiveTerm, Point
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


def _gap(builder: Builder) -> tuple[Ints, Ints]:
    """Return the columns (over, under) with H - over + under = B; where both cost, one of them is zero."""
    if not builder.has("over"):
        total = builder.total()
        most = 2.0 * (float(np.sum(builder.upper)) + builder.needed)  # never binds, so it has no price
        over = builder.columns("over", 1, 0.0, most, unit=builder.unit)
        under = builder.columns("under", 1, 0.0, most, unit=builder.unit)
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
