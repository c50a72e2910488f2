"""The one equation behind water-filling and projections: a sum of clipped lines meets a budget.

Account i has height ``h_i(t) = clip(offset_i + slope_i * t, 0, cap_i)``, slope_i > 0, at the common level t.
The mass ``sum weight_i * h_i(t)`` is nondecreasing and piecewise linear in t.  The heights whose mass is the
budget are wanted.  The search finds two adjacent breakpoints around the budget and interpolates between the
heights there.  This keeps every height within its bounds, and it meets the budget however the level was
rounded.  With many accounts, :mod:`adl_opt.kernels.fill.narrow` looks at a sample first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.sums import total

_FAR = 8e307  # breakpoints are kept within +-_FAR, so that differences of two of them are finite
_CLOSE = 1e-13  # relative to the budget: masses at breakpoints are not known better than this


class Ramps(NamedTuple):
    """Clipped lines, one per account: all (n,) float64, slope > 0, cap >= 0, weight >= 0."""

    offset: Vector
    slope: Vector
    cap: Vector
    weight: Vector

    def breakpoints(self) -> tuple[Vector, Vector]:
        """Levels at which each height leaves 0, and reaches its cap, (n,) both."""
        with np.errstate(over="ignore"):
            leave = -self.offset / self.slope
            reach = (self.cap - self.offset) / self.slope
        return np.clip(leave, -_FAR, _FAR, out=leave), np.clip(reach, -_FAR, _FAR, out=reach)

    def fill(self, level: float, out: Vector) -> Vector:
        """Put the heights at `level` into `out`, (n,)."""
        np.multiply(self.slope, level, out=out)
        out += self.offset
        return np.clip(out, 0.0, self.cap, out=out)

    def take(self, index: npt.NDArray[np.intp]) -> Ramps:
        """Only the accounts in `index`, (k,)."""
        return Ramps(*(array.take(index) for array in self))

    def part(self, start: int, stop: int) -> Ramps:
        """Only the accounts from `start` to `stop`, as views."""
        return Ramps(*(array[start:stop] for array in self))


class Span(NamedTuple):
    """Levels low <= high around the budget, and the mass at both of accounts that are linear between them."""

    low: float
    high: float
    at_low: float = 0.0
    at_high: float = 0.0


class Breaks:
    """Clipped lines with their breakpoints: heights there are exact, and so is the search among them."""

    def __init__(self, ramps: Ramps) -> None:
        self.ramps = ramps
        self.leave, self.reach = ramps.breakpoints()

    def heights(self, level: float) -> Vector:
        """Heights at `level`, (n,), where no rounding turns a 0 or a cap into a neighbour of it."""
        with np.errstate(over="ignore"):
            heights = self.ramps.fill(level, np.empty(self.leave.size))
        np.copyto(heights, 0.0, where=self.leave >= level)
        np.copyto(heights, self.ramps.cap, where=self.reach <= level)
        return heights

    def mass(self, level: float) -> float:
        """Weighted sum of the heights at `level`."""
        heights = self.heights(level)
        heights *= self.ramps.weight
        return float(np.add.reduce(heights))

    def everywhere(self) -> Span:
        """Least and greatest breakpoint."""
        return Span(float(self.leave.min()), float(self.reach.max()))

    def search(self, budget: float, span: Span) -> tuple[Span, tuple[float, float]]:
        """Adjacent breakpoints around the budget within `span`, and all mass at both.

        O(k log k): breakpoints are sorted and halved; now and then a straight line between the ends guesses
        the gap in which the level lies.
        """
        low, high = span.low, span.high
        points = np.concatenate([self.leave, self.reach])
        points = np.sort(points[(low < points) & (points < high)])
        ends, masses = [low, high], [self.mass(low), self.mass(high)]
        first, last, step, gap = 0, points.size, 0, -1
        while first < last:
            middle = (first + last) // 2
            if first < gap < last:  # the breakpoint below the gap was low enough: is this one high enough?
                middle = gap
            elif step % 4 == 0:
                lower, upper = (masses[k] + _at(span, ends[k]) for k in (0, 1))
                level = level_between(ends[0], ends[1], (lower, upper), budget)
                gap = min(max(int(np.searchsorted(points, level)), first + 1), last)
                middle = gap - 1
            pivot = float(points[middle])
            mass = self.mass(pivot)
            under = mass + _at(span, pivot) <= budget
            side = 0 if under else 1
            first, last = (middle + 1, last) if under else (first, middle)
            ends[side], masses[side], step = pivot, mass, step + 1
        at = [_at(span, end) for end in ends]
        return Span(*ends, *at), (masses[0] + at[0], masses[1] + at[1])


def level_between(low: float, high: float, masses: tuple[float, float], budget: float) -> float:
    """Level of the budget on the straight line between two levels, whose masses are given."""
    lower, upper = masses
    share = min(max((budget - lower) / (upper - lower), 0.0), 1.0) if upper > lower else 0.5
    return low + share * (high - low)


def _at(span: Span, level: float) -> float:
    """Mass at `level` of the accounts that are linear within the span."""
    if span.at_low == span.at_high:
        return span.at_low
    return span.at_low + (level - span.low) / (span.high - span.low) * (span.at_high - span.at_low)


def search_all(ramps: Ramps, budget: float) -> Vector:
    """Heights whose mass is `budget`, from a search among all breakpoints.

    Examples
    --------
    >>> one = np.ones(2)
    >>> search_all(Ramps(offset=np.zeros(2), slope=one, cap=np.array([0.2, 1.0]), weight=one), 0.8)
    array([0.2, 0.6])
    """
    breaks = Breaks(ramps)
    span, _ = breaks.search(budget, breaks.everywhere())
    return between(breaks.heights(span.low), breaks.heights(span.high), ramps.cap, ramps.weight, budget)


def near_span(ramps: Ramps, budget: float, span: Span) -> Vector | None:
    """Heights whose mass is `budget`, or None where the levels of the span are not around it."""
    breaks = Breaks(ramps)
    low, high = breaks.heights(span.low), breaks.heights(span.high)
    under = total(ramps.weight * low) <= budget * (1.0 + _CLOSE)
    if not under or total(ramps.weight * high) < budget * (1.0 - _CLOSE):
        return None
    return between(low, high, ramps.cap, ramps.weight, budget)


def between(low: Vector, high: Vector, cap: Vector, weight: Vector, budget: float) -> Vector:
    """Return the point of the path 0, `low`, `high`, `cap` whose mass is `budget` (cap, if none reaches it).

    All are heights, (n,), 0 <= low <= high <= cap, and weight is the mass of one unit of height.  O(n).
    Masses are compensated sums, so the budget is met to a few units in the last place.

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
