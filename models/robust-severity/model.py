"""robust-severity: the budget that loses least in the worst scenario, or that covers most scenarios."""

from collections.abc import Sequence

from adl_opt.programs import Coverage, MaxBurden, RoundProgram, WorstLoss

KIND = "round"


def build(
    multiples: Sequence[float] = (0.5, 0.8, 1.0, 1.25, 2.0),
    probabilities: Sequence[float] | None = None,
    epsilon: float | None = None,
    under: float = 1.0,
    over: float = 1.0,
    weight: float = 1.0,
    base: str = "capacity",
) -> RoundProgram:
    """Minimise max_m under [m B - H]_+ + over [H - m B]_+ and weight max burden (weight in USD).

    With ``epsilon`` at most this share of the scenarios may be uncovered (mixed-integer).
    """
    goal = WorstLoss(multiples, under=under, over=over, relative=True) + weight * MaxBurden(base)
    most = [] if epsilon is None else [Coverage(multiples, probabilities, epsilon, relative=True)]
    return RoundProgram(goal, most, name="robust-severity")
