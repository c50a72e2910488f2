"""The level at which clipped lines meet a budget, by few passes: Newton's method between two guards."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels._arrays import Vector
from adl_opt.kernels._narrow import meet_budget
from adl_opt.kernels._ramps import Ramps

_STEPS = 40
_ENOUGH = 1e-13  # relative to the budget; a common factor does the rest


def fill_to_level(offset: Vector, slope: Vector, cap: float, weight: Vector, budget: float) -> Vector:
    """Return ``h_i = clip(offset_i + slope_i t, 0, cap)`` at the level t where ``weight @ h = budget``.

    Parameters
    ----------
    offset : (n,) float64
        Any finite sign; not checked, this is an inner step.
    slope, weight : (n,) float64
        > 0.
    cap : float
        Largest height, > 0.
    budget : float
        In (0, cap sum weight].

    Returns
    -------
    (n,) float64
        Heights in [0, cap]; ``weight @ h`` is the budget within 1e-12 relative.

    Notes
    -----
    O(n) per step, 3 to 8 steps as a rule.  The mass is piecewise linear in t, so Newton's method ends; where
    it does not within 40 steps, the exact search of :func:`~adl_opt.kernels._narrow.meet_budget` answers.

    References
    ----------
    Paper, section 2 (water-filling) and Prop. 2-3 (projected steps).

    Examples
    --------
    >>> one = np.ones(2)
    >>> fill_to_level(np.array([0.0, -0.5]), one, 1.0, one, 0.75)
    array([0.625, 0.125])
    """
    drive = weight * slope
    level = (budget - float(np.sum(weight * offset))) / float(np.sum(drive))
    low, high = -np.inf, np.inf
    heights = np.empty_like(offset)
    for _ in range(_STEPS):
        np.multiply(slope, level, out=heights)
        heights += offset
        np.clip(heights, 0.0, cap, out=heights)
        mass = float(np.sum(weight * heights))
        if abs(mass - budget) <= _ENOUGH * budget:
            return np.minimum(heights * (budget / mass), cap)
        low, high = (level, high) if mass < budget else (low, level)
        free = float(np.sum(drive, where=(heights > 0.0) & (heights < cap)))
        step = level + (budget - mass) / free if free > 0.0 else np.nan
        level = step if low < step < high else 0.5 * (low + high)
        if not np.isfinite(level):
            break
    caps = np.full(offset.size, cap)
    return meet_budget(Ramps(offset, slope, caps, weight), budget)
