"""Exact sums of floats, in array operations."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

BLOCK = 2**14
"""Values of a block: it and some scratch stay in the cache, and its exact parts add up without rounding."""

HUGE = 1000
"""Binary exponent from which splitting could overflow."""

SOME = 1024
"""So many values are left to math.fsum."""


def exact_sum(values: npt.NDArray[np.float64]) -> float:
    """Return the exact sum of `values`, rounded once: `math.fsum` to the bit, in array operations.

    O(n) for each 37 bits between the greatest and the last bit of a block, two or three times as a rule: the
    parts that are added with rounding are split again, until nothing is left of them.  What
    is not finite is left to `math.fsum`.

    Raises
    ------
    OverflowError, ValueError
        As `math.fsum` does: sums that no float can hold, infinities of both signs.

    Examples
    --------
    >>> exact_sum(np.array([1e16, 1.0, 1e-30, -1e16] * 10))
    10.0
    """
    if values.size <= SOME:
        return math.fsum(values.tolist())
    upper, rest = np.empty((2, min(BLOCK, values.size)))
    parts: list[float] = []
    for start in range(0, values.size, BLOCK):
        left = values[start : start + BLOCK]
        above, below = upper[: left.size], rest[: left.size]
        while (most := max(float(left.max()), -float(left.min()))) > 0.0:
            exponent = math.frexp(most)[1]
            if exponent > HUGE or most == math.inf:
                return math.fsum(values.tolist())
            shift = math.ldexp(1.0, exponent + 15)
            np.add(left, shift, out=above)
            above -= shift
            parts.append(float(above.sum()))
            left = np.subtract(left, above, out=below)
        if math.isnan(most):
            return math.nan
    return math.fsum(parts)
