"""Sums with care for rounding: compensated, and running sums within groups."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from adl_opt.proofs.sums import BLOCK, HUGE

Vector = npt.NDArray[np.float64]

_FEW = 32  # so many are left to math.fsum


def prefix_sums(values: Vector) -> tuple[Vector, Vector]:
    """Return running sums of finite terms in two parts, sum and correction, (n,) each.

    Their sum is the running sum to about twice the working precision.  O(n).  The error of each addition is
    exact (Knuth's TwoSum), since the running sum is sequential.

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
    """Return the sum of finite terms, rounded about once.

    O(n), in blocks that fit the cache; see :func:`split_sum`.

    Examples
    --------
    >>> total(np.array([1e16, 1.0, 1.0, -1e16]))
    2.0
    """
    if values.size <= _FEW:
        return math.fsum(values.tolist())
    scratch = np.empty(min(BLOCK, values.size))
    parts: list[float] = []
    for start in range(0, values.size, BLOCK):
        parts += split_sum(values[start : start + BLOCK], scratch)
    return math.fsum(parts)


def split_sum(values: Vector, scratch: Vector) -> tuple[float, float]:
    """Return the sum of a block in two parts, large and small; adding them loses what a float cannot hold.

    A block has at most `BLOCK` terms, finite; as many places of ``scratch`` are overwritten.  Every term is
    split at one common bit so high that the upper parts add up exactly; the sum of the lower parts is off by
    less than 1e-21 of the largest term.

    References
    ----------
    S. M. Rump, T. Ogita, S. Oishi, Accurate floating-point summation, part I, SIAM J. Sci. Comput. 31, 2008
    (error-free extraction).

    Examples
    --------
    >>> sum(split_sum(np.array([1e16, 3.0, -1e16]), np.empty(3)))
    3.0
    """
    if values.size == 0:
        return 0.0, 0.0
    exponent = math.frexp(max(float(values.max()), -float(values.min())))[1]
    if exponent > HUGE:
        return math.fsum(values.tolist()), 0.0
    upper, shift = scratch[: values.size], math.ldexp(1.0, exponent + 15)
    np.add(values, shift, out=upper)
    upper -= shift
    large = float(upper.sum())
    np.subtract(values, upper, out=upper)
    return large, float(upper.sum())


def sums_before(
    group: npt.NDArray[np.int64], values: npt.NDArray[np.float64], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Sum, for each of m rows, the values of the rows of its group that come before it in an order.

    Groups are whole numbers >= 0.  Rows that the order leaves out have the sum 0.  O(k log k) for an order of
    k rows, one vectorised step per place within the largest group.

    Examples
    --------
    >>> sums_before(np.array([0, 1, 0]), np.array([1.0, 2.0, 4.0]), np.array([2, 1, 0]))
    array([4., 0., 0.])
    """
    sums = np.zeros(values.size)
    if order.size == 0:
        return sums
    rows = order[np.argsort(group[order], kind="stable")]
    first = np.flatnonzero(np.diff(group[rows], prepend=-1))
    place = np.arange(rows.size) - np.repeat(first, np.diff(first, append=rows.size))
    by_place = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[by_place], np.arange(1, place.max() + 2))
    for start, stop in pairwise(starts.tolist()):
        here = by_place[start:stop]
        before = rows[here - 1]
        sums[rows[here]] = sums[before] + values[before]
    return sums
