"""The level at which clipped lines meet a budget, by few passes: Newton's method between two guards."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.fill.narrow import meet_budget
from adl_opt.kernels.fill.ramps import Ramps

_STEPS = 40
_LEAST = 1e-280
_ENOUGH = 1e-13  # relative to the budget; a common factor does the rest


def fill_to_level(
    offset: Vector | None, slope: Vector | None, cap: float, weight: Vector, budget: float
) -> Vector:
    """Return ``h_i = clip(offset_i + slope_i t, 0, cap)`` at the level t where ``weight @ h = budget``.

    Offsets are 0 where None, slopes 1 where None; slopes, weights and the cap are above 0, and the budget is
    in (0, cap sum weight].  Nothing is checked, this is an inner step.  The budget is met within 1e-12
    relative.

    Notes
    -----
    O(n) per step, 3 to 8 steps as a rule.  The mass is piecewise linear in t, so Newton's method ends; where
    it does not within 40 steps, the exact search of :func:`~adl_opt.kernels.fill.narrow.meet_budget` answers.

    References
    ----------
    Paper, section 2 (water-filling) and Prop. 2-3 (projected steps).

    Examples
    --------
    >>> fill_to_level(np.array([0.0, -0.5]), None, 1.0, np.ones(2), 0.75)
    array([0.625, 0.125])
    """
    drive = weight if slope is None else weight * slope
    if not _LEAST < float(np.sum(drive)) < 1.0 / _LEAST:
        return _in_other_units(offset, slope, cap, weight, budget)
    heights, work = np.empty_like(weight), np.empty_like(weight)
    start = 0.0 if offset is None else float(np.sum(np.multiply(weight, offset, out=work)))
    level = (budget - start) / float(np.sum(drive))
    low, high = -np.inf, np.inf
    for _ in range(_STEPS):
        _lines(offset, slope, level, heights)
        np.clip(heights, 0.0, cap, out=heights)
        mass = float(np.sum(np.multiply(weight, heights, out=work)))
        if abs(mass - budget) <= _ENOUGH * budget:
            np.multiply(heights, budget / mass, out=heights)
            return np.minimum(heights, cap, out=heights)
        low, high = (level, high) if mass < budget else (low, level)
        free = float(np.sum(np.where((heights > 0.0) & (heights < cap), drive, 0.0)))
        step = level + (budget - mass) / free if free > 0.0 else np.nan
        level = step if low < step < high else 0.5 * (low + high)
        if not np.isfinite(level):
            break
    return meet_budget(_ramps(offset, slope, cap, weight), budget)


def _in_other_units(
    offset: Vector | None, slope: Vector | None, cap: float, weight: Vector, budget: float
) -> Vector:
    """Return the heights where weight times slope leaves the floats: they do not depend on units."""
    most = -math.frexp(float(np.max(weight)))[1]
    weight, budget = np.ldexp(weight, most), math.ldexp(budget, most)
    if slope is not None:
        slope = np.ldexp(slope, -math.frexp(float(np.max(slope)))[1])
    drive = weight if slope is None else weight * slope
    if float(np.sum(drive)) > _LEAST:
        return fill_to_level(offset, slope, cap, weight, budget)
    return meet_budget(_ramps(offset, slope, cap, weight), budget)


def _ramps(offset: Vector | None, slope: Vector | None, cap: float, weight: Vector) -> Ramps:
    offset = np.zeros(weight.size) if offset is None else offset
    slope = np.ones(weight.size) if slope is None else slope
    return Ramps(offset, slope, np.full(weight.size, cap), weight)


def _lines(offset: Vector | None, slope: Vector | None, level: float, out: Vector) -> None:
    """Write offset + slope x level."""
    if slope is None and offset is not None:
        np.add(offset, level, out=out)
        return
    if slope is None:
        out.fill(level)
    else:
        np.multiply(slope, level, out=out)
    if offset is not None:
        out += offset
