"""Farkas prices where a column has no bound: its rate must be exactly zero, and only fractions give that.

A ray of HiGHS is right up to its last digits.  It shows that a node is empty if every column is bounded.  A
column without a bound must have a rate of zero, or one of the right sign.  Here the prices of some rows are
moved by as little as makes these rates zero: one square system, solved in fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.rounds.columns import Floats

TINY, MOST_COLUMNS, TRIES = 1e-11, 40, 5
"""Prices that are dropped, relative to the largest; rates that are made zero; rounds of doing so."""

MOST_ENTRIES = 1_000_000
"""Columns times priced rows that are looked at."""


def exact_prices(model: LinearModel, low: Floats, high: Floats, y: Floats) -> npt.NDArray[np.object_] | None:
    """Return fractions near y that no rate contradicts, (rows,); None where none are found.

    Parameters
    ----------
    model : LinearModel
    low, high : (columns,)
        The box of the columns.
    y : (rows,)
        A ray, in natural units.
    """
    size = np.abs(y) * model.row_unit
    rows = np.flatnonzero(size > TINY * np.max(size, initial=0.0))
    if not 0 < rows.size * model.cost.size <= MOST_ENTRIES or not np.all(np.isfinite(size)):
        return None
    matrix = np.zeros((model.cost.size, rows.size))
    place = np.full(y.size, -1)
    place[rows] = np.arange(rows.size)
    used = place[model.row] >= 0
    np.add.at(matrix, (model.col[used], place[model.row[used]]), model.value[used])
    prices, zero = [Fraction(float(price)) for price in y[rows]], list[int]()
    for _ in range(TRIES):
        rates = {j: _rate(matrix[j], prices) for j in np.flatnonzero(matrix.any(axis=1)).tolist()}
        wrong = [j for j, rate in rates.items() if math.isinf(low[j] if rate > 0 else high[j]) and rate != 0]
        if not wrong:
            found = np.zeros(y.size, dtype=object)
            found[rows] = prices
            return found
        zero = sorted({*zero, *wrong})
        if len(zero) > MOST_COLUMNS:
            return None
        moved = _moves(matrix[zero] * np.abs(y[rows]), matrix[zero], [rates[j] for j in zero])
        if moved is None:
            return None
        for at, by in moved.items():
            prices[at] += by
    return None


def exact_bound(model: LinearModel, cost: Floats, low: Floats, high: Floats, y: npt.NDArray[Any]) -> float:
    """Return the bound that fractions as prices prove, as :func:`~adl_opt.proofs.outward.safe_dual_bound`."""
    rates = {j: Fraction(price) for j, price in enumerate(cost.tolist()) if price}
    for i, j, value in zip(model.row.tolist(), model.col.tolist(), model.value.tolist(), strict=True):
        if y[i]:
            rates[j] = rates.get(j, Fraction(0)) - y[i] * Fraction(value)
    total = Fraction(0)
    priced = [(y[i], model.row_lower[i], model.row_upper[i]) for i in np.flatnonzero(y).tolist()]
    for rate, least, most in [*priced, *((rate, low[j], high[j]) for j, rate in rates.items() if rate)]:
        end = float(least if rate > 0 else most)
        if math.isinf(end):
            return -math.inf
        total += rate * Fraction(end)
    return math.nextafter(float(total), -math.inf) if total else 0.0


def _rate(column: Floats, prices: list[Fraction]) -> Fraction:
    """Return minus the price of a column."""
    at = np.flatnonzero(column).tolist()
    return -sum((Fraction(float(column[k])) * prices[k] for k in at), Fraction(0))


def _moves(weighed: Floats, matrix: Floats, rates: list[Fraction]) -> dict[int, Fraction] | None:
    """Return changes of prices that take all rates to zero, from pivots of the weighed matrix."""
    left, pivots = weighed.copy(), list[tuple[int, int]]()
    first = float(np.max(np.abs(left), initial=0.0))
    for _ in range(min(left.shape)):
        j, i = np.unravel_index(int(np.argmax(np.abs(left))), left.shape)
        if abs(left[j, i]) <= 1e-9 * first:
            break
        pivots.append((int(j), int(i)))
        left = left - np.outer(left[:, i] / left[j, i], left[j])
        left[j], left[:, i] = 0.0, 0.0
    at, where = [j for j, _ in pivots], [i for _, i in pivots]
    system = [[Fraction(float(matrix[j, i])) for i in where] + [rates[j]] for j in at]
    solved = _solved(system)
    return None if solved is None else dict(zip(where, solved, strict=True))


def _solved(system: list[list[Fraction]]) -> list[Fraction] | None:
    """Return the solution of a square system whose right-hand sides are its last column."""
    n = len(system)
    for k in range(n):
        best = max(range(k, n), key=lambda row: abs(system[row][k]))
        system[k], system[best] = system[best], system[k]
        if system[k][k] == 0:
            return None
        for row in range(k + 1, n):
            if share := system[row][k] / system[k][k]:
                system[row] = [a - share * b for a, b in zip(system[row], system[k], strict=True)]
    found = [Fraction(0)] * n
    for k in reversed(range(n)):
        rest = sum((system[k][i] * found[i] for i in range(k + 1, n)), Fraction(0))
        found[k] = (system[k][n] - rest) / system[k][k]
    return found
