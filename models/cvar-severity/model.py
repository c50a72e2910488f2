"""cvar-severity: the budget that is safest against scenarios of the execution price."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adl_opt.programs import CVaR, MaxBurden, ObjectiveTerm, Point, RoundProgram
from adl_opt.rounds.round import Round

KIND = "round"


@dataclass(frozen=True, eq=False)
class ScenarioTail(ObjectiveTerm):
    """CVaR of |H - m B| over scenarios m of the needed budget B, USD."""

    multiples: Sequence[float]
    probabilities: Sequence[float] | None
    alpha: float
    name: str = field(default="cvar-tracking", kw_only=True)
    curvature = "convex"

    def of(self, needed: float) -> CVaR:
        """Return the library's term at the scenarios of one B."""
        return CVaR(np.asarray(self.multiples) * needed, self.probabilities, self.alpha, name=self.name)

    def value(self, point: Point, round_: Round) -> float:
        """Return the mean of the worst tail, USD."""
        return self.of(point.needed).value(point, round_)

    def expression(self, symbols):
        """Return t + E[|H - m B| - t]_+ / (1 - alpha)."""
        cp, t, weights = symbols.cp, symbols.variable(self, "tail"), self.of(1.0)._chances()
        away = cp.abs(symbols.total - symbols.needed * np.asarray(self.multiples))
        return t + (weights / (1 - self.alpha)) @ cp.pos(away - t)

    def rows(self, builder):
        """Write the rows of the library's term."""
        return self.of(builder.needed).rows(builder)


def build(
    multiples: Sequence[float] = (0.5, 0.8, 1.0, 1.25, 2.0),
    probabilities: Sequence[float] | None = None,
    alpha: float = 0.6,
    weight: float = 1.0,
) -> RoundProgram:
    """Minimise CVaR_alpha |H - m B| + weight max burden (weight in USD)."""
    goal = ScenarioTail(multiples, probabilities, alpha) + weight * MaxBurden()
    return RoundProgram(goal, name="cvar-severity")
