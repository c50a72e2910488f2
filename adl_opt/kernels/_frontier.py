"""The search on the frontier of loss against path length: points, edges, breakpoints."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from adl_opt.kernels._arrays import Vector
from adl_opt.kernels._variation import Signal, priced_path, variation
from adl_opt.kernels.median import weighted_median

_SLACK = 1e-14
"""Relative difference below which two sums of T terms are the same number."""


@dataclass(frozen=True, eq=False)
class Point:
    """A point of the frontier: path length, loss, a price it is optimal for, and the path if it is kept."""

    path: float
    loss: float
    rate: float
    theta: Vector | None


def ends(signal: Signal) -> tuple[Point, Point]:
    """Return the two ends of the frontier: the best constant, and the targets themselves."""
    fixed = np.full(signal.target.size, weighted_median(signal.target, signal.weight))
    right = Point(variation(signal.target), 0.0, 0.0, signal.target)
    return Point(0.0, signal.loss(fixed), math.inf, fixed), right


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
        by_chord = False
        while True:
            place = bisect_right(self.points, budget, key=lambda p: p.path)
            left, right = self.points[place - 1], self.points[place]
            chord = chord_slope(left, right)
            by_chord = not by_chord
            rate = chord if by_chord else _guess(left, right, budget, chord)
            if self.split(place, rate) and rate == chord:
                return self._mix(left, right, budget, chord), chord

    def split(self, place: int, rate: float) -> bool:
        """Price the gap before a place; keep a new point, or return True where there is none below."""
        left, right = self.points[place - 1], self.points[place]
        theta = priced_path(self.signal, rate)
        new = Point(variation(theta), self.signal.loss(theta), rate, theta if self.paths else None)
        if left.path < new.path < right.path:
            worth = min(p.loss + rate * p.path for p in (left, right))
            if new.loss + rate * new.path < worth * (1.0 - _SLACK):
                self.points.insert(place, new)
                return False
        elif new.path <= left.path:
            self.points[place - 1] = replace(left, rate=min(left.rate, rate))
        else:
            self.points[place] = replace(right, rate=max(right.rate, rate))
        return True

    def _mix(self, left: Point, right: Point, budget: float, rate: float) -> Point:
        """Return the point of an edge at a budget: the mixture of the paths at its ends."""
        share = (budget - left.path) / (right.path - left.path)
        if left.theta is None or right.theta is None:
            return Point(budget, left.loss + share * (right.loss - left.loss), rate, None)
        theta = left.theta + share * (right.theta - left.theta)
        return Point(budget, self.signal.loss(theta), rate, theta)


def chord_slope(left: Point, right: Point) -> float:
    """Return the loss saved per unit of path between two points."""
    return (left.loss - right.loss) / (right.path - left.path)


def _guess(left: Point, right: Point, budget: float, chord: float) -> float:
    """Interpolate the prices of two points, geometrically: few steps where the frontier is smooth."""
    if not (0.0 < right.rate < left.rate < math.inf):
        return chord
    share = (budget - left.path) / (right.path - left.path)
    return float(left.rate * (right.rate / left.rate) ** share)


def breakpoints(search: Search) -> tuple[Vector, Vector, Vector]:
    """Split every gap until all are edges; drop points inside an edge."""
    place = 1
    while place < len(search.points) and search.points[-1].path > 0.0:
        if search.split(place, chord_slope(search.points[place - 1], search.points[place])):
            place += 1
    kept: list[Point] = []
    for point in search.points if search.points[-1].path > 0.0 else search.points[-1:]:
        while len(kept) > 1 and chord_slope(kept[-2], kept[-1]) <= chord_slope(kept[-1], point) * (
            1.0 + 1e-9
        ):
            kept.pop()
        kept.append(point)
    rates = [*(chord_slope(a, b) for a, b in pairwise(kept)), 0.0]
    return np.array([p.path for p in kept]), np.array([p.loss for p in kept]), np.array(rates)
