"""Compensated sums: the rounding error of every addition is kept and added back."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.kernels._arrays import Vector

_BLOCK = 2**15
_FEW = 32  # so many are left to math.fsum


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
    O(n): halves are added pairwise and the errors (Knuth's TwoSum) summed beside, in blocks that fit
    the cache.

    Examples
    --------
    >>> total(np.array([1e16, 1.0, 1.0, -1e16]))
    2.0
    """
    if values.size > _BLOCK:
        return math.fsum(total(values[i : i + _BLOCK]) for i in range(0, values.size, _BLOCK))
    rest: list[float] = []
    while values.size > _FEW:
        half = values.size // 2
        rest.extend(values[2 * half :].tolist())
        left, right = values[:half], values[half : 2 * half]
        values = left + right
        part = values - left
        rest.append(float(((left - (values - part)) + (right - part)).sum()))
    return math.fsum(values.tolist() + rest)
