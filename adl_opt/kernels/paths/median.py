"""Weighted median: the point, or interval, of least weighted absolute distance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector, vector


def weighted_median(values: npt.ArrayLike, weights: npt.ArrayLike) -> float:
    """Smallest minimiser of ``sum w_i |v_i - x|``.

    With the deficits D_t as weights and the needed severities theta_t* as values, it is the best fixed
    severity in hindsight for the loss ``sum D_t |theta - theta_t*|``.

    Parameters
    ----------
    values : (n,)
        Points, any unit, finite.
    weights : (n,)
        Weights, any unit, >= 0, not all zero.

    Returns
    -------
    float
        One of the values with a positive weight.

    Raises
    ------
    InputError
        No values, only zero weights, NaN, infinite, a negative weight, or lengths that differ.

    Notes
    -----
    O(n log n). Exact: halves of the weight are compared without rounding.

    References
    ----------
    Paper, Prop. 1 (severity loss) and eq. 12 (best fixed action).

    Examples
    --------
    >>> weighted_median([0.1, 0.9, 0.4], [1.0, 1.0, 1.0])
    0.4
    """
    return weighted_median_interval(values, weights)[0]


def weighted_median_interval(values: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[float, float]:
    """All minimisers of ``sum w_i |v_i - x|``: the closed interval from `low` to `high`.

    Parameters
    ----------
    values : (n,)
        Points, any unit, finite.
    weights : (n,)
        Weights, any unit, >= 0, not all zero.

    Returns
    -------
    low, high : float
        Values with a positive weight; equal unless a half of the weight lies on each side.

    Raises
    ------
    InputError
        No values, only zero weights, NaN, infinite, a negative weight, or lengths that differ.

    Notes
    -----
    O(n log n). Exact: halves of the weight are compared without rounding.

    References
    ----------
    Paper, Prop. 1 (severity loss) and eq. 12 (best fixed action).

    Examples
    --------
    >>> weighted_median_interval([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0])
    (2.0, 3.0)
    """
    points = vector("values", values)
    masses = vector("weights", weights, size=points.size, low=0.0)
    used = np.flatnonzero(masses > 0.0)
    if used.size == 0:
        raise InputError(
            "a median needs a value with a positive weight",
            got=f"{points.size} values, all weights zero" if points.size else "no values",
            ways_out=["give at least one positive weight"],
        )
    order = used[np.argsort(points[used], kind="stable")]
    points, masses = points[order], masses[order]
    place, exactly_half = _half(masses)
    low = float(points[place])
    return low, float(points[place + 1]) if exactly_half else low


def _half(masses: Vector) -> tuple[int, bool]:
    """First place at which at least half of the mass is reached, and whether it is exactly half.

    Rounded running sums leave only the few places near the half in doubt; there the sign of the exact
    difference of the two sides decides (`math.fsum` rounds once, so its sign is exact).
    """
    sums = np.cumsum(masses)
    half, doubt = 0.5 * sums[-1], 4.0 * masses.size * np.finfo(float).eps
    first = int(np.searchsorted(sums, half * (1.0 - doubt)))
    last = min(int(np.searchsorted(sums, half * (1.0 + doubt))), masses.size - 1)

    def lead(place: int) -> float:
        return math.fsum(np.concatenate([masses[: place + 1], -masses[place + 1 :]]))

    while first < last:
        middle = (first + last) // 2
        if lead(middle) >= 0.0:
            last = middle
        else:
            first = middle + 1
    return first, lead(first) == 0.0
