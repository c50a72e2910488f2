"""The one equation behind water-filling and projections: a sum of clipped lines meets a budget.

Account i has height ``h_i(t) = clip(offset_i + slope_i * t, 0, cap_i)``, slope_i > 0, at the common level t.
The mass ``sum weight_i * h_i(t)`` is nondecreasing and piecewise linear in t.  `meet_budget` returns the
heights whose mass is the budget: it finds two adjacent breakpoints around the budget and interpolates
between the heights there, which keeps the box and meets the budget whatever rounding the level suffered.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.kernels._arrays import Vector
from adl_opt.kernels._sums import total

_FAR = 8e307  # breakpoints are kept within +-_FAR, so that differences of two of them are finite
_TINY = 1e-300
_SAMPLE = 4096  # accounts in the sample that guesses where to look first
_MANY = 4 * _SAMPLE  # from here on, guessing pays


class Ramps(NamedTuple):
    """Clipped lines, one per account: all (n,) float64, slope > 0, cap >= 0, weight >= 0."""

    offset: Vector
    slope: Vector
    cap: Vector
    weight: Vector
    leave: Vector  # level at which the height leaves 0
    reach: Vector  # level at which it reaches the cap

    @classmethod
    def of(cls, offset: Vector, slope: Vector, cap: Vector, weight: Vector) -> Ramps:
        """Clipped lines with their breakpoints."""
        with np.errstate(over="ignore"):
            leave = -offset / slope
            reach = (cap - offset) / slope
        np.clip(leave, -_FAR, _FAR, out=leave)
        np.clip(reach, -_FAR, _FAR, out=reach)
        return cls(offset, slope, cap, weight, leave, reach)

    def clipped(self, level: float) -> Vector:
        """Heights at `level`, (n,), up to rounding."""
        with np.errstate(over="ignore"):
            heights = self.slope * level
        heights += self.offset
        return np.clip(heights, 0.0, self.cap, out=heights)

    def heights(self, level: float) -> Vector:
        """Heights at `level`, (n,), where no rounding turns a 0 or a cap into a neighbour of it."""
        heights = self.clipped(level)
        np.copyto(heights, 0.0, where=self.leave >= level)
        np.copyto(heights, self.cap, where=self.reach <= level)
        return heights

    def mass(self, level: float) -> float:
        """Weighted sum of the heights at `level`; while there are many, the faster heights do."""
        heights = self.clipped(level) if self.cap.size > _MANY else self.heights(level)
        return float(np.sum(self.weight * heights))

    def take(self, index: npt.NDArray[np.intp]) -> Ramps:
        """Only the accounts in `index`, (k,)."""
        return Ramps(*(array.take(index) for array in self))


def meet_budget(ramps: Ramps, budget: float) -> Vector:
    """Heights whose mass is `budget`, or all caps when they cannot reach it.

    Parameters
    ----------
    ramps : Ramps
        The clipped lines.
    budget : float
        Mass to reach, >= 0.

    Returns
    -------
    (n,) float64
        Heights in [0, cap].

    Notes
    -----
    O(n): the number of breakpoints left at least halves in every step.

    Examples
    --------
    >>> one = np.ones(2)
    >>> meet_budget(Ramps.of(offset=np.zeros(2), slope=one, cap=np.array([0.2, 1.0]), weight=one), 0.8)
    array([0.2, 0.6])
    """
    if budget <= 0.0 or ramps.cap.size == 0:
        return np.zeros(ramps.cap.size)
    low, high = _bracket(ramps, budget)
    return between(ramps.heights(low), ramps.heights(high), ramps.cap, ramps.weight, budget)


def between(low: Vector, high: Vector, cap: Vector, weight: Vector, budget: float) -> Vector:
    """Point of the path 0, `low`, `high`, `cap` whose mass is `budget` (the cap, if none reaches it).

    Parameters
    ----------
    low, high, cap : (n,) float64
        Heights with 0 <= low <= high <= cap.
    weight : (n,) float64
        Mass of one unit of height.
    budget : float
        Mass to reach, > 0.

    Returns
    -------
    (n,) float64
        Heights in [0, cap].

    Notes
    -----
    O(n). Masses are compensated sums, so the budget is met to a few units in the last place.

    Examples
    --------
    >>> one = np.ones(1)
    >>> between(0.25 * one, 0.5 * one, one, one, 0.3)
    array([0.3])
    """
    start, start_mass = np.zeros_like(low), 0.0
    for end in (low, high, cap):
        end_mass = total(weight * end)
        if budget <= end_mass:
            share = (budget - start_mass) / (end_mass - start_mass)
            return np.minimum(start + share * (end - start), end)
        start, start_mass = end, end_mass
    return cap.copy()


def _bracket(ramps: Ramps, budget: float) -> tuple[float, float]:
    """Adjacent breakpoints low, high with mass(low) <= budget <= mass(high), up to rounding.

    Accounts without a breakpoint inside (low, high) are linear there: they are dropped, and only
    their mass at both ends is kept (`at_low`, `at_high`).
    """
    low, high = float(ramps.leave.min()), float(ramps.reach.max())
    at_low = at_high = 0.0
    pivots = _guesses(ramps, budget) if ramps.cap.size > _MANY else ()
    while True:
        for pivot in pivots:
            if not low < pivot < high:
                continue
            share = (pivot - low) / (high - low)
            at_pivot = at_low + share * (at_high - at_low)
            if at_pivot + ramps.mass(pivot) <= budget:
                low, at_low = pivot, at_pivot
            else:
                high, at_high = pivot, at_pivot
        leaves = (low < ramps.leave) & (ramps.leave < high)
        reaches = (low < ramps.reach) & (ramps.reach < high)
        keep = leaves | reaches
        index = np.flatnonzero(keep)
        if index.size == 0:
            return low, high
        if 2 * index.size <= keep.size:
            dropped = ramps._replace(weight=np.where(keep, 0.0, ramps.weight))
            at_low += dropped.mass(low)
            at_high += dropped.mass(high)
            ramps, leaves, reaches = ramps.take(index), leaves.take(index), reaches.take(index)
        inside = np.concatenate([ramps.leave[leaves], ramps.reach[reaches]])
        middle = inside.size // 2
        pivots = (float(np.partition(inside, middle)[middle]),)


def _guesses(ramps: Ramps, budget: float) -> tuple[float, ...]:
    """Two levels likely to lie closely around the budget, from a sample of accounts.

    The sample is systematic, proportional to the greatest mass of an account, so that each stands for
    the same mass and heavy tails do no harm. A poor guess costs two passes and nothing else.
    """
    masses = np.cumsum(ramps.weight * ramps.cap)
    most = float(masses[-1])
    if not budget < most:
        return ()
    share = budget / most
    index = np.searchsorted(masses, (np.arange(_SAMPLE) + 0.5) * (most / _SAMPLE))
    sample = ramps.take(index)
    sample = sample._replace(weight=1.0 / np.maximum(sample.cap, _TINY))
    spread = 3.0 * np.sqrt(share * (1.0 - share) / _SAMPLE)
    return tuple(
        _bracket(sample, _SAMPLE * float(target))[side]
        for side, target in ((0, share - spread), (1, share + spread))
        if 0.0 < target < 1.0
    )
