"""The search on the frontier of loss against path length: points, edges, breakpoints.

The search starts with the two ends of the frontier: the best constant, and the targets themselves.  It keeps
its points sorted by path length.  To test the edge between two neighbours, it solves the problem whose price
is the slope of their chord.  An answer below the chord becomes a new point between them.  No answer below the
chord proves the edge.

Points are fractions.  The slope of an edge is a difference of losses over a difference of lengths.  If both
were rounded, a short edge would keep few correct digits of its slope, or none.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.paths.variation import Places, Signal, priced_places

_SLACK = Fraction(1, 10**14)
"""Depth below a chord, relative to the chord, from which on a point is listed as a breakpoint."""


@dataclass(frozen=True, eq=False)
class Knot:
    """A point of the frontier: path length, loss, and the path if it is kept."""

    path: Fraction
    loss: Fraction
    theta: Vector | None


class Search:
    """Known points of one frontier, sorted by path length, and the search for more.

    Points keep their paths where ``paths`` says so.  Where the frontier lies no deeper below a chord than
    ``slack``, relative to the chord, the chord still is an edge.
    """

    def __init__(self, signal: Signal, *, paths: bool, slack: Fraction = Fraction(0)) -> None:
        self.signal, self.paths, self.slack = signal, paths, slack
        self.points = [self._point(signal.best_constant()), self._point(signal.rank)]

    def at(self, budget: float) -> tuple[Knot, float]:
        """Return the frontier's point at a budget, and the slope right of it.

        A path whose length rounds to the budget is within it.
        """
        if budget >= float(self.points[-1].path):
            return self.points[-1], 0.0
        place = bisect_right(self.points, budget, key=lambda p: float(p.path))
        while not self.is_edge(place):
            place += float(self.points[place].path) <= budget
        return self._mix(self.points[place - 1], self.points[place], Fraction(budget))

    def is_edge(self, place: int) -> bool:
        """Whether the frontier is straight between a place and the one before; if not, split it."""
        left, right = self.points[place - 1], self.points[place]
        rate = chord_slope(left, right)
        new = self._point(priced_places(self.signal, rate))
        worth = left.loss + rate * left.path
        if worth - (new.loss + rate * new.path) <= self.slack * worth:
            return True
        self.points.insert(place, new)
        return False

    def _point(self, places: Places) -> Knot:
        path, loss = self.signal.path_and_loss(places)
        return Knot(path, loss, self.signal.sorted_target[places] if self.paths else None)

    def _mix(self, left: Knot, right: Knot, budget: Fraction) -> tuple[Knot, float]:
        """Return the point of an edge at a budget, the mixture of the paths at its ends, and the slope."""
        share = max(Fraction(0), (budget - left.path) / (right.path - left.path))
        rate = float(chord_slope(left, right))
        if left.theta is None or right.theta is None:
            return Knot(budget, left.loss + share * (right.loss - left.loss), None), rate
        theta = mixture(left.theta, right.theta, share)
        return Knot(budget, Fraction(self.signal.loss(theta)), theta), rate


def mixture(left: Vector, right: Vector, share: Fraction) -> Vector:
    """Return a share of one path and the rest of another: each value to some ulps, and between theirs.

    Examples
    --------
    >>> mixture(np.array([0.3, 0.0]), np.array([0.3, 0.4]), Fraction(1, 4))
    array([0.3, 0.1])
    """
    if share > Fraction(1, 2):
        left, right, share = right, left, 1 - share
    theta = left + float(share) * (right - left)
    return np.clip(theta, np.minimum(left, right), np.maximum(left, right))


def chord_slope(left: Knot, right: Knot) -> Fraction:
    """Return the loss saved per unit of path between two points."""
    return (left.loss - right.loss) / (right.path - left.path)


def breakpoints(signal: Signal) -> tuple[Vector, Vector, Vector]:
    """Split every gap until all are edges; drop points inside an edge, or too close for floats.

    Examples
    --------
    >>> weight = np.array([3.0, 4.0, 3.0])
    >>> breakpoints(Signal.of(np.array([0.0, 1.0, 0.0]), weight, weight))
    (array([0., 2.]), array([4., 0.]), array([2., 0.]))
    """
    search = Search(signal, paths=False, slack=_SLACK)
    if search.points[-1].path == 0:
        return np.zeros(1), np.zeros(1), np.zeros(1)
    place = 1
    while place < len(search.points):
        place += search.is_edge(place)
    kept: list[Knot] = []
    for point in search.points:
        while len(kept) > 1 and _superfluous(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    rates = [*(float(chord_slope(a, b)) for a, b in pairwise(kept)), 0.0]
    return np.array([float(p.path) for p in kept]), np.array([float(p.loss) for p in kept]), np.array(rates)


def _superfluous(left: Knot, point: Knot, right: Knot) -> bool:
    before, after = float(chord_slope(left, point)), float(chord_slope(point, right))
    return before <= (1 + 1e-9) * after or float(point.path) == float(right.path)
