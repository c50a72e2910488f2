"""Scenarios s of the needed budget, B_s: the worst tail, the worst case, and cover of most of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.checks import number_between
from adl_opt.errors import UsageError
from adl_opt.losses import overshoot, undershoot
from adl_opt.programs.terms.base import ConstraintTerm, Need, ObjectiveTerm, Point, Term
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


@dataclass(frozen=True, eq=False)
class OverScenarios(Term):
    """A term that speaks of scenarios of the needed budget.

    Parameters
    ----------
    needed : (s,)
        B_s: what each scenario needs, USD; or its multiple of B.
    probabilities : (s,), optional
        Default: equal.
    relative : bool
        Whether ``needed`` holds multiples of B.

    Raises
    ------
    UsageError
        Amounts that are not finite, or probabilities that do not sum to 1.
    """

    needed: npt.ArrayLike
    probabilities: npt.ArrayLike | None = None
    relative: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        needed, chances = np.asarray(self.needed, dtype=np.float64), self.chances
        bad = needed.ndim != 1 or needed.size == 0 or chances.shape != needed.shape
        finite = bool(np.all(np.isfinite(needed)))
        if bad or not finite or not np.all(chances >= 0) or abs(chances.sum() - 1) > 1e-9:
            raise UsageError(
                f"term {self.name!r} asks for finite needed amounts and as many probabilities >= 0, sum 1",
                got=f"shapes {needed.shape} and {chances.shape}, sum {chances.sum():g}",
                ways_out=["give one probability for each scenario", "leave them out for equal ones"],
            )

    @property
    def chances(self) -> Floats:
        """The (s,) probabilities."""
        size = np.size(self.needed)
        if self.probabilities is None:
            return np.full(size, 1 / max(size, 1))
        return np.asarray(self.probabilities, dtype=np.float64)

    @property
    def rates(self) -> Floats:
        """The (s,) derivatives of B_s by B."""
        needed = np.asarray(self.needed, dtype=np.float64)
        return needed if self.relative else np.zeros_like(needed)

    def amounts(self, needed: Any) -> Any:
        """Return B_s at a needed budget B, (s,) USD: numbers of a number, an expression of cvxpy's symbol."""
        return needed * self.rates if self.relative else np.asarray(self.needed, dtype=np.float64)

    def beyond(self, builder: Builder) -> float:
        """Return more than H can ever be away from a B_s, USD: a bound that never binds has no price."""
        away = float(np.max(np.abs(self.amounts(builder.needed))))
        return 2.0 * (float(np.sum(builder.upper)) + away)


@dataclass(frozen=True, eq=False)
class CVaR(OverScenarios, ObjectiveTerm):
    """Conditional value at risk of the tracking error over price scenarios, USD.

    The mean of abs(H - B_s) over the worst ``1 - alpha`` of the scenarios (Rockafellar-Uryasev).

    Parameters
    ----------
    needed, probabilities, relative
        As of :class:`OverScenarios`.
    alpha : float
        Level in [0, 1); 0 is the plain mean.
    """

    alpha: float = 0.95
    name: str = field(default="cvar-tracking", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def __post_init__(self) -> None:
        super().__post_init__()
        number_between("CVaR: alpha", self.alpha, 0.0, 0.999999)

    def value(self, point: Point, round_: Round) -> float:
        """Return the mean of the worst tail, USD."""
        losses = np.abs(point.executed - self.amounts(point.needed))
        order = np.argsort(-losses, kind="stable")
        tail, chances = 1.0 - self.alpha, self.chances[order]
        before = np.cumsum(chances) - chances
        share = np.clip(tail - before, 0.0, chances)
        return math.fsum(share * losses[order]) / max(float(np.sum(share)), 1e-300)

    def expression(self, symbols: Any) -> Any:
        """Return t + E[abs(H - B_s) - t]_+ / (1 - alpha)."""
        cp, t = symbols.cp, symbols.variable(self, "tail")
        worse = cp.pos(cp.abs(symbols.total - self.amounts(symbols.needed)) - t)
        return t + (self.chances / (1.0 - self.alpha)) @ worse

    def rows(self, builder: Builder) -> tuple[Ints, Floats]:
        """Write the excess over the tail threshold of every scenario."""
        total, needed, rates = builder.total(), self.amounts(builder.needed), self.rates
        size, most = needed.size, self.beyond(builder)
        t = builder.columns(f"{self.name}:tail", 1, 0.0, most, unit=builder.unit)
        e = builder.columns(f"{self.name}:excess", size, 0.0, most, unit=builder.unit)
        rows = np.arange(size)
        above, below = (
            [(rows, e, 1.0), (rows, t, 1.0), (rows, total, -1.0)],
            [(rows, e, 1.0), (rows, t, 1.0), (rows, total, 1.0)],
        )
        builder.rows("above", size, -needed, np.inf, above, needed_rate=-rates)
        builder.rows("below", size, needed, np.inf, below, needed_rate=rates)
        return np.concatenate([t, e]), np.concatenate([[1.0], self.chances / (1.0 - self.alpha)])


@dataclass(frozen=True, eq=False)
class WorstLoss(OverScenarios, ObjectiveTerm):
    """max_s (under [B_s - H]_+ + over [H - B_s]_+), USD: the loss in the worst scenario (robust).

    Parameters
    ----------
    needed, probabilities, relative
        As of :class:`OverScenarios`; the probabilities do not matter here.
    under, over : float
        USD lost for each USD that lacks, or is too much.

    Examples
    --------
    >>> term = WorstLoss([0.5, 2.0], relative=True, over=3.0)
    >>> term.value(Point(x=np.array([10.0]), needed=8.0), None)
    18.0
    """

    under: float = 1.0
    over: float = 1.0
    name: str = field(default="worst-loss", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def __post_init__(self) -> None:
        super().__post_init__()
        number_between("WorstLoss: under", self.under, 0.0, math.inf)
        number_between("WorstLoss: over", self.over, 0.0, math.inf)

    def value(self, point: Point, round_: Round) -> float:
        """Return the loss in the worst scenario, USD."""
        needed, executed = self.amounts(point.needed), point.executed
        losses = self.under * undershoot(executed, needed) + self.over * overshoot(executed, needed)
        return float(np.max(losses))

    def expression(self, symbols: Any) -> Any:
        """Return the largest loss."""
        cp, gap = symbols.cp, symbols.total - self.amounts(symbols.needed)
        return cp.max(cp.maximum(-self.under * gap, self.over * gap))

    def rows(self, builder: Builder) -> tuple[Ints, float]:
        """Write loss >= under (B_s - H) and loss >= over (H - B_s) for every scenario."""
        total, needed, rates = builder.total(), self.amounts(builder.needed), self.rates
        most = max(self.under, self.over) * self.beyond(builder)
        loss = builder.columns(f"{self.name}:loss", 1, 0.0, most, unit=builder.unit)
        rows = np.arange(needed.size)
        for label, weight in (("under", self.under), ("over", -self.over)):
            entries = [(rows, loss, 1.0), (rows, total, weight)]
            builder.rows(label, rows.size, weight * needed, np.inf, entries, needed_rate=weight * rates)
        return loss, 1.0


@dataclass(frozen=True, eq=False)
class Coverage(OverScenarios, ConstraintTerm):
    """P(H < B_s) <= epsilon: at most this share of the scenarios may be uncovered (chance constraint).

    Parameters
    ----------
    needed, probabilities, relative
        As of :class:`OverScenarios`; amounts of at least 0.
    epsilon : float
        In [0, 1].

    Examples
    --------
    >>> rule = Coverage([1.0, 2.0, 4.0], relative=True, epsilon=0.4)
    >>> rule.violation(Point(x=np.array([15.0]), needed=8.0), None)
    1.0
    """

    epsilon: float = 0.05
    name: str = field(default="coverage", kw_only=True)
    needs: ClassVar[frozenset[Need]] = frozenset({"mip"})

    def __post_init__(self) -> None:
        super().__post_init__()
        number_between("Coverage: epsilon", self.epsilon, 0.0, 1.0)
        number_between("Coverage: the least amount", float(np.min(np.asarray(self.needed))), 0.0, math.inf)

    def level(self, needed: float) -> float:
        """Return the least H that covers enough of the scenarios, USD."""
        amounts = np.asarray(self.amounts(needed))
        order = np.argsort(-amounts, kind="stable")
        uncovered = np.cumsum(self.chances[order])  # if H stays below the k-th largest
        worst = np.flatnonzero(uncovered > self.epsilon + 1e-12)
        return float(amounts[order[worst[0]]]) if worst.size else 0.0

    def violation(self, point: Point, round_: Round) -> float:
        """Return how much more must be raised, USD."""
        return max(math.fsum([self.level(point.needed), *(-point.x)]), 0.0)

    def expression(self, symbols: Any) -> Any:
        """Return H + B_s uncovered_s >= B_s and E[uncovered] <= epsilon."""
        needed, cp = self.amounts(symbols.needed), symbols.cp
        uncovered = symbols.variable(self, "uncovered", np.size(self.needed), boolean=True)
        share = self.chances @ uncovered
        return [symbols.total + cp.multiply(needed, uncovered) >= needed, share <= self.epsilon + 1e-12]

    def rows(self, builder: Builder) -> None:
        """Write H + B_s uncovered_s >= B_s and E[uncovered] <= epsilon."""
        needed = self.amounts(builder.needed)
        rows = np.arange(needed.size)
        uncovered = builder.columns(f"{self.name}:uncovered", rows.size, 0.0, 1.0, integer=True)
        entries = [(rows, builder.total(), 1.0), (rows, uncovered, needed)]
        builder.rows("covered", rows.size, needed, np.inf, entries, needed_rate=self.rates)
        most = self.epsilon + 1e-12
        builder.rows("share", 1, -np.inf, most, [(0, uncovered, self.chances)], unit=1.0)
