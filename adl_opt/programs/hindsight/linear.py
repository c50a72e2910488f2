"""Linear programs of hindsight: their units, and their optimum by HiGHS."""

from __future__ import annotations

import numpy as np

from adl_opt.errors import SolverError
from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.programs.options import Options
from adl_opt.programs.proof import sound_prices
from adl_opt.rounds.columns import Floats


def round_units(panel: Panel) -> Floats:
    """Return the USD that count as one in each round, (T,): a power of two near its largest amount."""
    largest = panel.needed.copy()
    np.maximum.at(largest, panel.time, panel.capacity)
    return power_of_two(largest)


def optimum_of(model: LinearModel, cost_unit: float) -> tuple[Floats, Floats]:
    """Return an optimal point, and the price of each row (change of the optimum per unit of its side).

    Parameters
    ----------
    model : LinearModel
    cost_unit : float
        USD that count as one in the objective.

    Raises
    ------
    SolverError
        Any status but Optimal.
    InputError
        Data that are not finite.
    """
    answer = run_highs(model, Options(), cost_unit=float(power_of_two(cost_unit)))
    if "nterrupt" in answer.message:
        raise KeyboardInterrupt
    if answer.verdict != "optimal" or answer.v is None or answer.y is None:
        raise SolverError(
            "HiGHS did not solve a linear program",
            got=answer.message,
            ways_out=["take a shorter episode", "scale the amounts to within nine orders of magnitude"],
        )
    return answer.v, answer.y


def optimum_and_bound(model: LinearModel) -> tuple[Floats, float]:
    """Return an optimal point, and the lower bound that its prices prove, rounded downward."""
    v, price = optimum_of(model, model.natural_cost())
    return v, sound_prices(model, price, model.col_lower, model.col_upper)[1]
