"""The equation behind the unweighted KL projection: a sum of capped exponentials meets a budget."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.kernels._arrays import Vector
from adl_opt.kernels._ramps import between
from adl_opt.kernels._sums import total

_FAR = 8e307
_TOLERANCE = 1e-14  # relative to the budget
_STEPS = 400  # bisection alone ends well before: a level has 64 bits


def meet_budget_exponential(point: Vector, weights: Vector, caps: Vector, budget: float) -> Vector:
    """Haircuts ``min(cap_i, y_i * exp(t * w_i))`` at the level t where ``weights @ h`` is the budget.

    Parameters
    ----------
    point : (n,) float64
        y, > 0.
    weights : (n,) float64
        w, USD, > 0.
    caps : (n,) float64
        In [0, 1].
    budget : float
        USD, >= 0; all caps when ``weights @ caps`` cannot reach it.

    Returns
    -------
    (n,) float64
        Haircut fractions in [0, caps].

    Notes
    -----
    O(n) per step. Newton on the logarithm of the mass (one step for equal weights without caps), with
    bisection whenever three steps have not halved the bracket. It ends at a level that meets the budget to
    1e-14, and a common factor of the haircuts below their caps does the rest; or at two neighbouring levels,
    which are interpolated.

    Examples
    --------
    >>> one = np.ones(2)
    >>> meet_budget_exponential(0.5 * one, one, np.array([0.1, 1.0]), 0.9)
    array([0.1, 0.8])
    """
    most = total(weights * caps)
    if budget >= most:
        return caps.copy()
    if budget <= 0.0:
        return np.zeros(point.size)
    logs = np.log(point)
    low, high = _ends(logs, weights, caps, budget / most)
    low, high = _narrow(logs, weights, caps, budget, low, high)
    if low == high:
        heights = _heights(logs, weights, caps, low)
        return np.minimum(caps, heights * (budget / total(weights * heights)))
    ends = [_heights(logs, weights, caps, level) for level in (low, high)]
    return between(ends[0], ends[1], caps, weights, budget)


def _heights(logs: Vector, weights: Vector, caps: Vector, level: float) -> Vector:
    with np.errstate(over="ignore", under="ignore"):
        exponents = np.minimum(logs + weights * level, 1.0)  # caps are at most 1 < e
        heights: Vector = np.minimum(caps, np.exp(exponents))
    return heights


def _ends(logs: Vector, weights: Vector, caps: Vector, share: float) -> tuple[float, float]:
    """Levels at which every haircut is at most, and at least, `share` of its cap."""
    paying = caps > 0.0
    with np.errstate(over="ignore"):
        levels = (np.log(share) + np.log(caps[paying]) - logs[paying]) / weights[paying]
    levels = np.clip(levels, -_FAR, _FAR)
    return float(levels.min()), float(levels.max())


def _narrow(
    logs: Vector, weights: Vector, caps: Vector, budget: float, low: float, high: float
) -> tuple[float, float]:
    """Shrink the bracket until a level meets the budget (returned twice) or none lies between."""
    level = 0.0 if low < 0.0 < high else low + 0.5 * (high - low)
    widths = [np.inf, np.inf, np.inf]
    for _ in range(_STEPS):
        if not low < level < high:
            break
        heights = _heights(logs, weights, caps, level)
        masses = weights * heights
        mass = float(masses.sum())
        if abs(mass - budget) <= _TOLERANCE * budget:
            return level, level
        if mass <= budget:
            low = level
        else:
            high = level
        free = heights < caps
        slope = float(np.sum(weights[free] * masses[free]))
        middle = low + 0.5 * (high - low)
        if mass > 0.0 and slope > 0.0:
            level += (math.log(budget) - math.log(mass)) * (mass / slope)
        if high - low > 0.5 * widths.pop(0) or not low < level < high:
            level = middle
        widths.append(high - low)
    return low, high
