"""A linear program handed to HiGHS as arrays, and the scaling of money in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from adl_opt.errors import InputError, SolverError
from adl_opt.rounds.columns import Floats, Ints


@dataclass(frozen=True, eq=False)
class Linear:
    """``min cost x`` subject to ``row_low <= A x <= row_high`` and ``low <= x <= high``.

    Parameters
    ----------
    cost, low, high : (n,)
    row_low, row_high : (m,)
    row, column, value : (k,)
        Entries of A, each pair at most once.
    """

    cost: Floats
    low: Floats
    high: Floats
    row_low: Floats
    row_high: Floats
    row: Ints
    column: Ints
    value: Floats

    def solve(self) -> tuple[Floats, Floats]:
        """Return an optimal x and the dual of each row (d optimum / d right-hand side).

        Raises
        ------
        SolverError
            Data that are not finite, or any status but Optimal.
        """
        import highspy

        for name in ("cost", "value", "low", "high", "row_low", "row_high"):
            data = getattr(self, name)
            if np.isnan(data).any() or (name in ("cost", "value") and np.isinf(data).any()):
                raise SolverError(f"the {name} of a linear program is not finite")
        order = np.lexsort((self.row, self.column))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.cost.size, self.row_low.size
        model.col_cost_, model.col_lower_, model.col_upper_ = self.cost, self.low, self.high
        model.row_lower_, model.row_upper_ = self.row_low, self.row_high
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        starts = np.searchsorted(self.column[order], np.arange(self.cost.size + 1))
        model.a_matrix_.start_ = starts.astype(np.int32)
        model.a_matrix_.index_ = self.row[order].astype(np.int32)
        model.a_matrix_.value_ = self.value[order]
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in _OPTIONS.items():
            solver.setOptionValue(option, value)
        if solver.passModel(model) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refuses a linear program", ways_out=["report it with the episode"])
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SolverError(
                "HiGHS did not solve a linear program",
                got=solver.modelStatusToString(solver.getModelStatus()),
                ways_out=["take a shorter episode", "scale the amounts to within nine orders of magnitude"],
            )
        solution = solver.getSolution()
        return np.array(solution.col_value), np.array(solution.row_dual)


_OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "small_matrix_value": 1e-12,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}


def power_of_two(amounts: Floats) -> float:
    """Return the power of two just above the largest amount (1 for none): scaling by it is exact.

    Examples
    --------
    >>> power_of_two(np.array([3.0, 0.5]))
    4.0
    """
    largest = float(np.max(amounts, initial=0.0))
    return math.ldexp(1.0, math.frexp(largest)[1]) if largest > 0.0 else 1.0


def checked_weight(name: str, value: float) -> float:
    """Return a weight in USD per unit of burden, or raise InputError.

    Examples
    --------
    >>> checked_weight("lam", 2)
    2.0
    """
    if isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= 0.0:
        return float(value)
    raise InputError(
        f"{name} must be a finite weight of at least 0, USD per unit of burden",
        got=f"{name} = {value!r}",
        ways_out=["give 0 for tracking alone, or the USD that a burden of 1 is worth"],
    )
