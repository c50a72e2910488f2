"""Compensated sums: the rounding error of every addition is kept and added back."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels._arrays import Vector


def prefix_sums(values: Vector) -> tuple[Vector, Vector]:
    """Return running sums in two parts, sum and correction.

    Parameters
    ----------
    values : (n,) float64
        Terms, finite.

    Returns
    -------
    sums, corrections : (n,) float64
        ``sums + corrections`` is the running sum to about twice the working precision.

    Notes
    -----
    O(n). The error of each addition is exact (Knuth's TwoSum), since the running sum is sequential.

    Examples
    --------
    >>> sums, corrections = prefix_sums(np.array([1e16, 1.0, 1.0]))
    >>> float(sums[-1]), float(corrections[-1])
    (1e+16, 2.0)
    """
    sums = np.cumsum(values)
    before = np.zeros_like(sums)
    before[1:] = sums[:-1]
    part = sums - before
    errors = (before - (sums - part)) + (values - part)
    return sums, np.cumsum(errors)


def total(values: Vector) -> float:
    """Return the sum of `values`, rounded about once.

    Parameters
    ----------
    values : (n,) float64
        Terms, finite.

    Returns
    -------
    float
        Zero for no terms.

    Notes
    -----
    O(n): halves are added pairwise and the errors (Knuth's TwoSum) summed beside.

    Examples
    --------
    >>> total(np.array([1e16, 1.0, 1.0, -1e16]))
    2.0
    """
    correction = 0.0
    while values.size > 1:
        half = values.size // 2
        left, right = values[:half], values[half : 2 * half]
        sums = left + right
        part = sums - left
        correction += float(((left - (sums - part)) + (right - part)).sum())
        if values.size % 2:
            sums[-1], correction = _add(float(sums[-1]), float(values[-1]), correction)
        values = sums
    return float(values[0]) + correction if values.size else 0.0


def _add(left: float, right: float, correction: float) -> tuple[float, float]:
    """Add two numbers, and their rounding error to `correction`."""
    result = left + right
    part = result - left
    return result, correction + ((left - (result - part)) + (right - part))
