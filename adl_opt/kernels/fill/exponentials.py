"""The equation behind the unweighted KL projection: a sum of capped exponentials meets a budget.

Account i pays ``min(cap_i, y_i exp(w_i t))`` of its capacity w_i.  What all pay together, the mass, grows
with the level t.  The task is to find the t at which the mass is the budget.

1. Start.  Each account reaches a given share of its cap at some level.  The search starts at the level that
   half of the mass has passed.  Many accounts start at the level that a sample of them gives.
2. Step.  Newton's method on the logarithm of the mass gives the next level.  Every level that was tried also
   shortens an interval around the answer.  Whenever three steps have not halved what is missing, the next
   level is the middle of that interval instead.
3. End.  The search stops at a level that meets the budget but for rounding, and a common factor of the
   haircuts below their caps removes what is left.  If no float lies between the two ends of the interval, the
   answer is interpolated between the haircuts at both ends.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.fill.narrow import MANY, blocks, sample, settle
from adl_opt.kernels.fill.ramps import between
from adl_opt.kernels.sums import total
from adl_opt.proofs.sums import BLOCK

_FAR = 8e307
_TOLERANCE = 1e-14  # relative to the budget
_ULPS = 4.0 * np.finfo(float).eps  # what a level means when it is off by a few units in the last place
_SETTLED = 1e-11  # relative to the budget: what a common factor may settle
_STEPS = 400  # bisection alone ends well before: a level has 64 bits
_FEW_STEPS = 12  # from a level that a sample gives


class Curves(NamedTuple):
    """Haircuts ``min(cap, exp(log + rate * t))`` of mass ``weight * haircut``; all (n,) float64, rate > 0."""

    log: Vector
    rate: Vector
    cap: Vector
    weight: Vector

    def fill(self, level: float, out: Vector) -> Vector:
        """Put the haircuts at `level` into `out`, (n,)."""
        np.multiply(self.rate, level, out=out)
        out += self.log
        np.minimum(out, 1.0, out=out)  # caps are at most 1 < e
        np.exp(out, out=out)
        return np.minimum(out, self.cap, out=out)

    def part(self, start: int, stop: int) -> Curves:
        """Only the accounts from `start` to `stop`, as views."""
        return Curves(*(array[start:stop] for array in self))

    def mass(self, level: float) -> tuple[float, float]:
        """Mass at `level` and its slope there."""
        mass, slope, space = [], [], np.empty((2, min(BLOCK, self.cap.size)))
        with np.errstate(over="ignore", under="ignore"):
            for start, stop in blocks(self.cap.size):
                part, (heights, masses) = self.part(start, stop), space[:, : stop - start]
                part.fill(level, heights)
                np.multiply(part.weight, heights, out=masses)
                mass.append(float(np.add.reduce(masses)))
                masses *= part.rate
                masses *= heights < part.cap
                slope.append(float(np.add.reduce(masses)))
        return math.fsum(mass), math.fsum(slope)


def meet_budget_exponential(point: Vector, weights: Vector, caps: Vector, budget: float) -> Vector:
    """Return fractions ``h_i = min(cap_i, y_i * exp(t * w_i))`` at the t where ``weights @ h = budget``.

    The point y is above 0, weights w are USD above 0, caps are in [0, 1], the budget is USD of at least 0.
    All caps are returned when ``weights @ caps`` cannot reach it.

    Notes
    -----
    O(n) per step. Newton on the logarithm of the mass (one step for equal weights without caps), with
    bisection whenever three steps have not halved what is missing; many accounts start from the level of a
    sample. It ends at a level that meets the budget to 1e-14, or to what a unit in the last place of the
    level means, and a common factor of the haircuts below their caps does the rest; or at two neighbouring
    levels, which are interpolated.

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
    curves = Curves(np.log(point), weights, caps, weights)
    if point.size > MANY:
        low, high = _narrow(curves, budget, -np.inf, np.inf, _sampled(curves, budget), _FEW_STEPS)
        settled = _settled(curves, budget, low) if low == high else None
        if settled is not None:
            return settled
    low, high = _narrow(curves, budget, *_ends(curves, math.log(budget) - math.log(most)), _STEPS)
    settled = _settled(curves, budget, low) if low == high else None
    if settled is not None:
        return settled
    with np.errstate(over="ignore", under="ignore"):
        ends = [curves.fill(level, np.empty(point.size)) for level in (low, high)]
    return between(ends[0], ends[1], caps, weights, budget)


def _sampled(curves: Curves, budget: float) -> float:
    """Level that a sample of accounts gives."""
    index, each = sample(curves.weight, curves.cap)
    rows = Curves(*(array.take(index) for array in curves))
    rows = rows._replace(weight=each / rows.cap)
    low, high = _narrow(
        rows, budget, *_ends(rows, math.log(budget) - math.log(each) - math.log(index.size)), _STEPS
    )
    return low + 0.5 * (high - low)


def _settled(curves: Curves, budget: float, level: float) -> Vector | None:
    return settle(
        lambda start, stop, out: curves.part(start, stop).fill(level, out),
        *(curves.cap, curves.weight, budget, _SETTLED),
    )


def _ends(curves: Curves, share: float) -> tuple[float, float, float]:
    """Levels at which every haircut is at most, and at least, a share (its logarithm) of its cap; a start.

    The start is the level at which half of the mass has reached that share.
    """
    paying = np.flatnonzero(curves.cap > 0.0)
    with np.errstate(over="ignore"):
        levels = (share + np.log(curves.cap[paying]) - curves.log[paying]) / curves.rate[paying]
    levels = np.clip(levels, -_FAR, _FAR)
    order = np.argsort(levels)
    masses = np.cumsum((curves.weight * curves.cap)[paying][order])
    half = int(np.searchsorted(masses, 0.5 * masses[-1]))
    return float(levels[order[0]]), float(levels[order[-1]]), float(levels[order[half]])


def _narrow(
    curves: Curves, budget: float, low: float, high: float, level: float, steps: int
) -> tuple[float, float]:
    """Shrink the bracket until a level meets the budget (returned twice) or none lies between."""
    misses = [math.inf, math.inf, math.inf]
    for _ in range(steps):
        if not low < level < high:
            level = low + 0.5 * (high - low)
            if not low < level < high:
                break
        mass, slope = curves.mass(level)
        blur = _ULPS * abs(level) * slope
        if abs(mass - budget) <= max(_TOLERANCE * budget, min(blur, 0.1 * _SETTLED * budget)):
            return level, level
        if mass <= budget:
            low = level
        else:
            high = level
        miss = math.log(budget) - math.log(mass) if mass > 0.0 else math.inf
        slow = abs(miss) > 0.5 * misses.pop(0)
        misses.append(abs(miss))
        if slow or not slope > 0.0 or not mass > 0.0:
            level = low + 0.5 * (high - low)
            misses = [math.inf, math.inf, math.inf]
        else:
            level += miss * (mass / slope)
    return low, high
