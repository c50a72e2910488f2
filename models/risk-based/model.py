"""risk-based: those contracts go that leave the least expected equity shortfall after the next move."""

from collections.abc import Sequence

import numpy as np

from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.kernels import PriceMoves
from adl_opt.programs import ExactBudget, FutureShortfall, MaxBurden, RoundProgram

KIND = "round"


def build(
    moves: Sequence[Sequence[float]] | None = None,
    chance: Sequence[float] | None = None,
    volatility: float = 0.1,
    correlation: float = 0.8,
    count: int = 64,
    seed: int = 0,
    weight: float = 0.0,
) -> RoundProgram:
    """Minimise expected shortfall + weight max burden (weight in USD).

    ``moves`` are relative: a row for each scenario, and a column for each market, those of the flow first.
    Without them moves are drawn.
    """
    source = ScenarioSource(volatility, correlation, count, seed)
    if moves is not None:
        table = np.array(moves)
        source = ScenarioSource(read=lambda _, worth: PriceMoves.of(table * worth, chance, source="given"))
    goal = FutureShortfall(lambda round_: source.of([], round_))
    return RoundProgram(goal + weight * MaxBurden(), [ExactBudget()], name="risk-based")
