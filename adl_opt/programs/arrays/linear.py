"""The arrays of a linear or mixed-integer model, and what follows from them without any solver."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats, Ints

Bools = npt.NDArray[np.bool_]


def power_of_two(size: Any) -> Floats:
    """Return the power of two at or below each size (1 for a size of zero): scaling by it is exact.

    Examples
    --------
    >>> power_of_two([0.0, 5.0, 0.3])
    array([1.  , 4.  , 0.25])
    """
    sizes = np.asarray(size, dtype=np.float64)
    exponent = np.frexp(sizes)[1] - 1.0
    return np.asarray(np.where(sizes > 0, np.exp2(exponent), 1.0), dtype=np.float64)


class Move(NamedTuple):
    """Rows that move with the capacity of accounts: by ``rate`` for each USD.

    What moves is the coefficient on a column, or the right-hand side where the column is None.
    """

    rows: Ints
    accounts: Ints
    column: int | None
    rate: Floats


@dataclass
class ShadowRates:
    """Where the data of a round enter the arrays, so that duals become total derivatives.

    ``needed`` holds (rows, rate): the right-hand side moves by rate per USD of B.  ``capacity`` holds what
    moves with capacities.  ``upper`` (n,) is the change of the upper bound of each haircut per USD of
    capacity.  ``unknown`` names the prices that do not follow from these: ``budget``, ``capacity``.
    """

    needed: list[tuple[Ints, Floats]] = field(default_factory=list)
    capacity: list[Move] = field(default_factory=list)
    upper: Floats | float = 1.0
    unknown: set[str] = field(default_factory=set)


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearModel:
    """Minimise cost'v, row_lower <= A v <= row_upper, col_lower <= v <= col_upper, some v whole.

    All in USD and natural units; ``col_unit`` and ``row_unit`` say what counts as one in a solver.  The
    matrix is a list of (row, col, value); doubles add up.  ``*_owner`` are
    (size, "term:label") blocks in order.  ``switches`` are (columns, binaries): a column is 0 where its
    binary is.
    """

    cost: Floats
    col_lower: Floats
    col_upper: Floats
    integer: Bools
    row: Ints
    col: Ints
    value: Floats
    row_lower: Floats
    row_upper: Floats
    col_unit: Floats
    row_unit: Floats
    col_owner: tuple[tuple[int, str], ...] = ()
    row_owner: tuple[tuple[int, str], ...] = ()
    blocks: Mapping[str, Ints] = field(default_factory=dict)
    switches: tuple[tuple[Ints, Ints], ...] = ()
    shadow: ShadowRates = field(default_factory=ShadowRates)

    @property
    def is_mip(self) -> bool:
        """Whether a column must be whole."""
        return bool(self.integer.any())

    def activity(self, v: Floats) -> Floats:
        """Return A v."""
        weights = self.value * v[self.col]
        return np.bincount(self.row, weights=weights, minlength=self.row_lower.size).astype(np.float64)

    def breach(self, v: Floats) -> float:
        """Return by how much a point breaks a row or a bound of a column at most, in their units."""
        activity = self.activity(v)
        rows = np.maximum(self.row_lower - activity, activity - self.row_upper) / self.row_unit
        columns = np.maximum(self.col_lower - v, v - self.col_upper) / self.col_unit
        return float(max(np.max(rows, initial=0.0), np.max(columns, initial=0.0)))

    def reduced_costs(self, y: Floats) -> Floats:
        """Return cost - A'y."""
        return self.cost - np.bincount(self.col, weights=self.value * y[self.row], minlength=self.cost.size)

    def rows_of(self, owner: str) -> Ints:
        """Return the row numbers of a block ``term:label``."""
        start = 0
        for size, name in self.row_owner:
            if name == owner:
                return np.arange(start, start + size)
            start += size
        return np.empty(0, dtype=np.int64)

    def dual_bound(self, y: Floats, noise: float = 0.0) -> float:
        """Return the bound on the minimum that the row duals y prove, whatever they are.

        For every y the optimum is at least the minimum of cost'v - y'(A v - r) over the boxes of v and r.  A
        sign that is wrong against an infinite bound makes it -inf; ``noise`` (relative to the unit of each
        column or row) is what counts as zero there.
        """
        return float(
            _box_minimum(y, self.row_lower, self.row_upper, noise / self.row_unit)
            + _box_minimum(self.reduced_costs(y), self.col_lower, self.col_upper, noise / self.col_unit)
        )

    def natural_cost(self) -> float:
        """Return the size of the objective when one column moves by its unit: the scale of its tolerance."""
        return float(np.max(np.abs(self.cost) * self.col_unit, initial=0.0))


def _box_minimum(slope: Floats, low: Floats, high: Floats, noise: Floats) -> float:
    """Minimum of ``slope * v`` over the box, summed."""
    end = np.where(slope > 0, low, high)
    open_end = ~np.isfinite(end)
    if np.any(open_end & ~(np.abs(slope) <= noise)):
        return -np.inf
    idle = open_end | (slope == 0)
    return math.fsum(np.where(idle, 0.0, slope) * np.where(idle, 0.0, end))
