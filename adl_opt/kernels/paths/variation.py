"""Weighted L1 fit with a price on total variation: one exact path per price, and the dual that proves it.

The forward pass.  Let f_t(x) be the least cost of the rounds up to t for a path that ends at x.  It is convex
and piecewise linear, so its slope is a step function.  Round t adds a step at its target: the slope rises
there from -b_t, the weight below the target, to w_t, the weight above.  Before the next round the path may
move at the price r a unit, so no slope below -r or above r is worth keeping: the pass cuts the steps that lie
beyond, from both ends.  Two heaps hold the steps, one for each end.  The pass notes the two places at which
it cut.

The backward pass.  The last value of the path is where the last slope crosses 0.  Going back, the path keeps
its value as long as that lies between the two places noted for the round.  Otherwise it moves to the nearer
one.

The dual.  Forces between neighbouring rounds, each at most r, prove that no path is cheaper
(:func:`dual_of`, :func:`dual_bound`).

Floats are whole numbers of some power of two, and the passes calculate in these whole numbers.  Nothing is
rounded: weights that should tie do tie, and a small difference of large losses keeps all its digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector

Places = npt.NDArray[np.int64]
Wholes = npt.NDArray[np.object_]

_ULPS = 8.0 * float(np.finfo(float).eps)
"""Relative difference up to which two severities may be one, rounded."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Targets and positive weights of T >= 1 rounds, sorted once for many evaluations.

    Parameters
    ----------
    target : (T,)
        Where the path should be, in [0, 1].
    weight, below : (T,)
        Loss per unit of distance above and below the target, > 0.
    sorted_target : (T,)
    rank : (T,) int
        Place of each round's target in ``sorted_target``.
    levels, masses, less : (T,) int
        ``sorted_target``, ``weight`` and ``below`` in whole numbers.
    level_unit, mass_unit : Fraction
        What one of them is worth.
    """

    target: Vector
    weight: Vector
    below: Vector
    sorted_target: Vector
    rank: Places
    levels: Wholes
    level_unit: Fraction
    masses: Wholes
    less: Wholes
    mass_unit: Fraction

    @classmethod
    def of(cls, target: Vector, weight: Vector, below: Vector) -> Signal:
        """Sort the targets."""
        order = np.argsort(target, kind="stable")
        rank = np.empty(target.size, dtype=np.int64)
        rank[order] = np.arange(target.size)
        levels, level_unit = wholes(target[order])
        both, mass_unit = wholes(np.concatenate([weight, below]))
        masses, less = np.split(both, 2)
        return cls(target, weight, below, target[order], rank, levels, level_unit, masses, less, mass_unit)

    def loss(self, theta: Vector) -> float:
        """Return sum w [theta - target]_+ + b [target - theta]_+, rounded once."""
        return math.fsum(sided_loss(theta, self.target, self.weight, self.below))

    def best_constant(self) -> Places:
        """Return the smallest best constant path, as ranks of the targets that it takes."""
        steps = np.empty_like(self.masses)
        steps[self.rank] = self.masses + self.less
        place = int(np.argmax(np.cumsum(steps) >= self.less.sum()))
        return np.full(self.rank.size, place)

    def path_and_loss(self, places: Places) -> tuple[Fraction, Fraction]:
        """Return variation and loss of the path ``sorted_target[places]``, not rounded."""
        theta = self.levels[places]
        path = int(np.abs(np.diff(theta)).sum())
        apart = theta - self.levels[self.rank]
        loss = int(self.masses @ np.maximum(apart, 0) + self.less @ np.maximum(-apart, 0))
        return path * self.level_unit, loss * self.level_unit * self.mass_unit


def sided_loss(theta: Vector, target: Vector, weight: Vector, below: Vector) -> Vector:
    """Return w [theta - target]_+ + b [target - theta]_+ of each round, (T,).

    Examples
    --------
    >>> sided_loss(np.array([0.5, 0.5]), np.array([0.25, 1.0]), np.ones(2), np.array([2.0, 2.0]))
    array([0.25, 1.  ])
    """
    apart = theta - target
    return np.asarray(np.where(apart > 0, weight, below) * np.abs(apart))


def wholes(values: Vector) -> tuple[Wholes, Fraction]:
    """Return floats as whole numbers, and the power of two that one is worth; not rounded.

    Examples
    --------
    >>> numbers, unit = wholes(np.array([3.0, 0.25]))
    >>> [number * unit for number in numbers]
    [Fraction(3, 1), Fraction(1, 4)]
    """
    part, exponent = np.frexp(values)
    least = int(exponent.min())
    digits = (part * 2.0**53).astype(np.int64).astype(object)
    return digits << (exponent - least).astype(object), Fraction(2) ** (least - 53)


def variation(theta: Vector) -> float:
    """Return sum |theta_t - theta_{t-1}|, rounded once.

    Examples
    --------
    >>> variation(np.array([0.0, 1.0, 0.5]))
    1.5
    """
    return math.fsum(np.abs(np.diff(theta)))


def priced_path(signal: Signal, rate: float) -> Vector:
    """Minimise ``sum of the signal's losses + rate * sum |theta_t - theta_{t-1}|`` exactly.

    The rate is the price of one unit of path, above 0 and finite, in the unit of the weights.  Each value of
    the path, (T,), is one of the targets.
    """
    return signal.sorted_target[priced_places(signal, Fraction(rate))]


def priced_places(signal: Signal, rate: Fraction) -> Places:
    """Do :func:`priced_path` at any rational price; the path as ranks of the targets that it takes.

    Notes
    -----
    O(T log T): the two passes of this module's head.  Weights and price are whole numbers of a common unit,
    so that weights that differ by many orders do not cancel.
    """
    size = signal.rank.size
    jump = [0] * size
    first: list[int] = []
    last: list[int] = []
    floor, ceiling = [-1] * size, [size] * size
    fall = rise = 0  # the slope of f_t runs from -fall to rise
    price, scale = (rate / signal.mass_unit).as_integer_ratio()
    rounds = zip(signal.rank.tolist(), signal.masses * scale, signal.less * scale, strict=True)
    for t, (rank, above, below) in enumerate(rounds):
        jump[rank] = above + below
        heappush(first, rank)
        heappush(last, -rank)
        fall, rise = fall + below, rise + above
        if fall > price:
            floor[t] = _cut(first, 1, jump, fall - price)
            fall = price
        if rise > price:
            ceiling[t] = _cut(last, -1, jump, rise - price)
            rise = price
    place = _cut(first, 1, jump, fall)
    path = [place] * size
    for t in range(size - 2, -1, -1):
        place = min(max(place, floor[t]), ceiling[t])
        path[t] = place
    return np.array(path, dtype=np.int64)


def _cut(heap: list[int], sign: int, jump: list[int], excess: int) -> int:
    """Take `excess` of slope off one end; return the rank at which it is used up.

    The heap of the upper end holds negative ranks (`sign` is -1). Both share `jump`: what one end has cut off
    is left in the other heap with jump 0.
    """
    rank = sign * heap[0]
    rest = jump[rank] - excess
    while rest <= 0 and len(heap) > 1:
        jump[rank] = 0
        heappop(heap)
        rank = sign * heap[0]
        rest += jump[rank]
    jump[rank] = max(rest, 0)
    return rank


def dual_of(target: Vector, weight: Vector, below: Vector, theta: Vector, rate: float) -> Vector:
    """Return forces along a path that are complementary to it: a dual solution, if the path is optimal.

    Force s_t, (T - 1,), acts between rounds t and t + 1, T >= 1.  It is within [-rate, rate], and +-rate
    where the path steps up or down; ``-b_t <= s_t - s_{t-1} <= w_t``, at its end where the path is off its
    target.  The rate is the price of one unit of path, infinite for a constant path.  Weights may be zero.

    Notes
    -----
    O(T). One pass forward over the intervals of possible s_t, one back from s_T = 0. For a path that is not
    optimal the intervals run empty; the result then breaks a condition, and :func:`dual_bound` pays for it.
    Differences of some ulps count as none: a mixture of two paths is rounded.
    """
    side, step = _sign(theta, target), _sign(theta[1:], theta[:-1])
    pull_low = np.where(side > 0, weight, -below).tolist()
    pull_high = np.where(side < 0, -below, weight).tolist()
    room_low = np.where(step > 0, rate, -rate).tolist()
    room_high = np.where(step < 0, -rate, rate).tolist()
    low, high = 0.0, 0.0
    lows, highs = [], []
    for t, (bottom, top) in enumerate(zip(room_low, room_high, strict=True)):
        low = min(max(low + pull_low[t], bottom), top)
        high = min(max(high + pull_high[t], bottom), top)
        lows.append(low)
        highs.append(high)
    force = 0.0
    forces = [0.0] * len(lows)
    for t in range(len(lows) - 1, -1, -1):
        least = max(lows[t], force - pull_high[t + 1])
        most = min(highs[t], force - pull_low[t + 1])
        force = min(max(force, least), most)
        forces[t] = force
    return np.array(forces)


def _sign(one: Vector, other: Vector) -> Vector:
    """Sign of one - other, 0 where rounding may have set them apart."""
    return np.where(np.abs(one - other) <= _ULPS * np.maximum(one, other), 0.0, np.sign(one - other))


def dual_bound(target: Vector, weight: Vector, below: Vector, forces: Vector, path_budget: float) -> float:
    """Lower bound on the loss of every path in [0, 1]^T with variation <= `path_budget`, from any forces s.

    ``loss >= sum z (theta - y) = -sum s_t (theta_{t+1} - theta_t) - sum z y >= -max|s| P - sum z y`` with
    z_t = s_t - s_{t-1}, as long as ``-b_t <= z_t <= w_t``; where it is not, the excess is subtracted
    (distances are at most 1), so that the bound holds for every s.  P >= 0 may be infinite only with forces
    of zero.

    Examples
    --------
    >>> weight = np.array([3.0, 2.0])
    >>> dual_bound(np.array([0.0, 1.0]), weight, weight, np.array([2.0]), 0.25)
    1.5
    """
    pull = np.diff(forces, prepend=0.0, append=0.0)
    excess = np.maximum(np.maximum(pull - weight, -pull - below), 0.0)
    steepest = float(np.max(np.abs(forces), initial=0.0))
    spent = steepest * path_budget if steepest > 0.0 else 0.0
    return math.fsum([*(-pull * target), *-excess, -spent])
