"""The search on the frontier of loss against path length: points, edges, breakpoints."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from adl_opt.kernels._arrays import Vector
from adl_opt.kernels._variation import Signal, priced_path, variation
from adl_opt.kernels.median import weighted_median

_SLACK = 1e-14
"""Relative difference below which two sums of T terms are the same number."""


@dataclass(frozen=True, eq=False)
class Point:
    """A point of the frontier: path length, loss, and the path if it is kept."""

    path: float
    loss: float
    theta: Vector | None


def ends(signal: Signal) -> tuple[Point, Point]:
    """Return the two ends of the frontier: the best constant, and the targets themselves."""
    fixed = np.full(signal.target.size, weighted_median(signal.target, signal.weight))
    right = Point(variation(signal.target), 0.0, signal.target)
    return Point(0.0, signal.loss(fixed), fixed), right


@dataclass(eq=False)
class Search:
    """Known points of one frontier, sorted by path length, and the search for more."""

    signal: Signal
    points: list[Point]
    paths: bool

    def at(self, budget: float) -> tuple[Point, float]:
        """Return the frontier's point at a budget, and the slope right of it."""
        if budget >= self.points[-1].path:
            return self.points[-1], 0.0
        place = bisect_right(self.points, budget, key=lambda p: p.path)
        while not self.is_edge(place):
            place += self.points[place].path <= budget
        return self._mix(self.points[place - 1], self.points[place], budget)

    def is_edge(self, place: int) -> bool:
        """Whether the frontier is straight between a place and the one before; if not, split it."""
        left, right = self.points[place - 1], self.points[place]
        rate = chord_slope(left, right)
        theta = priced_path(self.signal, rate)
        new = Point(variation(theta), self.signal.loss(theta), theta if self.paths else None)
        worth = min(point.loss + rate * point.path for point in (left, right))
        below = new.loss + rate * new.path < worth * (1.0 - _SLACK)
        if not (below and left.path < new.path < right.path):
            return True
        self.points.insert(place, new)
        return False

    def _mix(self, left: Point, right: Point, budget: float) -> tuple[Point, float]:
        """Return the point of an edge at a budget, the mixture of the paths at its ends, and the slope."""
        share, rate = (budget - left.path) / (right.path - left.path), chord_slope(left, right)
        if left.theta is None or right.theta is None:
            return Point(budget, left.loss + share * (right.loss - left.loss), None), rate
        theta = left.theta + share * (right.theta - left.theta)
        return Point(budget, self.signal.loss(theta), theta), rate


def chord_slope(left: Point, right: Point) -> float:
    """Return the loss saved per unit of path between two points."""
    return (left.loss - right.loss) / (right.path - left.path)


def breakpoints(search: Search) -> tuple[Vector, Vector, Vector]:
    """Split every gap until all are edges; drop points inside an edge."""
    if search.points[-1].path == 0.0:
        return np.zeros(1), np.zeros(1), np.zeros(1)
    place = 1
    while place < len(search.points):
        place += search.is_edge(place)
    kept: list[Point] = []
    for point in search.points:
        while len(kept) > 1 and chord_slope(kept[-2], kept[-1]) <= (1 + 1e-9) * chord_slope(kept[-1], point):
            kept.pop()
        kept.append(point)
    rates = [*(chord_slope(a, b) for a, b in pairwise(kept)), 0.0]
    return np.array([p.path for p in kept]), np.array([p.loss for p in kept]), np.array(rates)
