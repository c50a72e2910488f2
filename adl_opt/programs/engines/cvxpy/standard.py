"""cvxpy's standard form as a :class:`LinearModel`, so that HiGHS is run and read in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.rounds.columns import Floats

SWEEPS = 4
"""Rounds of equilibration; each halves the spread of the entries in logarithms."""


def standard_model(data: Any) -> LinearModel:
    """Return ``min c'v, A v = b (first rows), A v <= b (rest)``, bounds and whole columns as in the data."""
    matrix = data["A"].tocoo()
    rows, columns = matrix.shape
    equal = np.arange(rows) < int(data["dims"].zero)
    right = np.asarray(data["b"], dtype=np.float64)
    lower, upper = data.get("lower_bounds"), data.get("upper_bounds")
    low = np.full(columns, -np.inf) if lower is None else np.array(lower, dtype=np.float64)
    high = np.full(columns, np.inf) if upper is None else np.array(upper, dtype=np.float64)
    integer = np.zeros(columns, dtype=bool)
    binary = np.asarray(data.get("bool_vars_idx") or [], dtype=np.int64)
    whole = np.asarray(data.get("int_vars_idx") or [], dtype=np.int64)
    integer[binary] = integer[whole] = True
    low[binary], high[binary] = np.maximum(low[binary], 0.0), np.minimum(high[binary], 1.0)
    col_unit, row_unit = _units(matrix, integer)
    return LinearModel(
        cost=np.asarray(data["c"], dtype=np.float64),
        col_lower=low,
        col_upper=high,
        integer=integer,
        row=matrix.row.astype(np.int64),
        col=matrix.col.astype(np.int64),
        value=np.asarray(matrix.data, dtype=np.float64),
        row_lower=np.where(equal, right, -np.inf),
        row_upper=right,
        col_unit=col_unit,
        row_unit=row_unit,
    )


def singletons_as_bounds(model: LinearModel) -> LinearModel:
    """Return the model with rows of one entry of 1 or -1 as bounds of their column; the rows stay."""
    count = np.bincount(model.row, minlength=model.row_lower.size)
    low, high = model.col_lower.copy(), model.col_upper.copy()
    for at in np.flatnonzero((count[model.row] == 1) & (np.abs(model.value) == 1.0)):
        j, i, plus = model.col[at], model.row[at], model.value[at] > 0
        ends = (model.row_lower[i], model.row_upper[i])
        least, most = ends if plus else (-ends[1], -ends[0])
        low[j], high[j] = max(low[j], least), min(high[j], most)
    return replace(model, col_lower=low, col_upper=high)


def _units(matrix: Any, integer: Any) -> tuple[Floats, Floats]:
    """Return units of columns and rows that bring all entries near one, powers of two; whole columns stay."""
    rows, columns = matrix.shape
    col_unit, row_unit = np.ones(columns), np.ones(rows)
    size = np.abs(matrix.data)
    for _ in range(SWEEPS):
        scaled = size * col_unit[matrix.col] / row_unit[matrix.row]
        by_row, by_col = np.zeros(rows), np.zeros(columns)
        np.maximum.at(by_row, matrix.row, scaled)
        np.maximum.at(by_col, matrix.col, scaled)
        row_unit = row_unit * power_of_two(np.sqrt(by_row))
        col_unit = np.where(integer, 1.0, col_unit / power_of_two(np.sqrt(by_col)))
    return col_unit, row_unit
