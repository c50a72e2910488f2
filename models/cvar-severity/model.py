"""cvar-severity: the budget that is safest against scenarios of the execution price."""

from collections.abc import Sequence

from adl_opt.programs import CVaR, MaxBurden, RoundProgram

KIND = "round"


def build(
    multiples: Sequence[float] = (0.5, 0.8, 1.0, 1.25, 2.0),
    probabilities: Sequence[float] | None = None,
    alpha: float = 0.6,
    weight: float = 1.0,
) -> RoundProgram:
    """Minimise CVaR_alpha |H - m B| + weight max burden (weight in USD)."""
    goal = CVaR(multiples, probabilities, alpha, relative=True) + weight * MaxBurden()
    return RoundProgram(goal, name="cvar-severity")
