"""The best severity path whose total variation is bounded, and the frontier of loss against path length.

The problem: minimise ``sum w_t [theta_t - y_t]_+ + b_t [y_t - theta_t]_+`` over paths in [0, 1]^T whose
total variation ``sum |theta_t - theta_{t-1}|`` is at most P; b is w unless said.  The bounds 0 and 1 never
bind, because all targets y are between them.

The method has three parts.

1. A price.  Instead of the limit P, every unit of path gets a price r.  The priced problem is solved exactly
   by dynamic programming (:mod:`adl_opt.kernels.paths.variation`).  Its answer is one point of the frontier:
   a path length and a loss.
2. The search.  The least loss L(P) is convex and piecewise linear in P, so the frontier is a chain of
   straight edges.  Take two known points on both sides of P.  The slope of the chord between them is the next
   price.  The priced answer either lies below the chord, and the chord is split there; or nothing lies below,
   and the chord is an edge (:mod:`adl_opt.kernels.paths.frontier`).
3. The mixture.  Both ends of an edge are optimal at the same price.  Every weighted mean of the two paths is
   optimal too.  The mean whose length is P is the answer.

Prices and points are whole numbers or fractions, so ties are recognised and no digits are lost.  Only the
path that is returned is rounded.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector, vector
from adl_opt.kernels.paths.frontier import Search, breakpoints
from adl_opt.kernels.paths.variation import Signal

MOST_ROUNDS = 2000
"""Rounds up to which the whole frontier is listed; beyond, it has too many breakpoints to be of use."""


def best_path_within(
    target: npt.ArrayLike, weight: npt.ArrayLike, path_budget: float, below: npt.ArrayLike | None = None
) -> tuple[Vector, float, float]:
    """Minimise ``sum w_t |theta_t - y_t|`` over paths with ``sum |theta_t - theta_{t-1}| <= P``, exactly.

    Parameters
    ----------
    target : (T,)
        Needed severities y, unitless, in [0, 1]. T = 0 is allowed: the empty path of loss 0.
    weight : (T,)
        Weights w (deficits D, USD), >= 0. Rounds of weight zero keep the severity before them (the first
        ones that after them); with all weights zero the path is 0.
    path_budget : float
        P >= 0, unitless; may be infinite.
    below : (T,), optional
        Weights of the distance below the target, positive where ``weight`` is; by default the same.

    Returns
    -------
    theta : (T,) float64
        An optimal path in [0, 1].
    loss : float
        Its loss, in the unit of the weights.
    rate : float
        A price of path at which the path is optimal: the loss that one more unit of path would save, which is
        the slope of the frontier right of P, rounded once.  For P = 0 it is infinite (no search).  A path
        whose length rounds to P counts as one of length P.

    Raises
    ------
    InputError
        NaN, infinite or negative weights, targets outside [0, 1], a negative or NaN budget, or lengths that
        differ.

    Notes
    -----
    O(T log T) for each price tried, about 20 prices for T = 100,000. Exact, however close the targets and
    however small P: the search is in whole numbers, and ends when an edge of the frontier is proven, not at a
    tolerance on the price. What is rounded is the mixture of two paths that is returned: the path may be
    longer than P by some 1e-16 for each step, and where the floats near a severity are further apart than it
    should move, it does not move.

    References
    ----------
    Paper, Prop. 1 (severity loss, path length) and eq. 13 (dynamic regret).

    Examples
    --------
    >>> best_path_within([0.0, 1.0, 0.0], [4.0, 4.0, 4.0], 1.0)
    (array([0. , 0.5, 0. ]), 2.0, 2.0)
    """
    values, masses, less = checked_rounds(target, weight, below)
    budget = vector("path_budget", [path_budget], low=0.0, infinite=True)[0]
    used = np.flatnonzero(masses)
    if used.size == 0:
        return np.zeros(values.size), 0.0, 0.0
    signal = Signal.of(values[used], masses[used], less[used])
    search = Search(signal, paths=True)
    point, rate = search.at(float(budget)) if budget > 0.0 else (search.points[0], math.inf)
    filled = np.maximum(np.searchsorted(used, np.arange(values.size), side="right") - 1, 0)
    assert point.theta is not None  # noqa: S101
    return point.theta[filled], float(point.loss), rate


def path_frontier(
    target: npt.ArrayLike,
    weight: npt.ArrayLike,
    budgets: npt.ArrayLike | None = None,
    below: npt.ArrayLike | None = None,
) -> tuple[Vector, Vector, Vector]:
    """Least loss for each path budget: all breakpoints of the frontier, or the given budgets.

    Parameters
    ----------
    target, weight : (T,)
        As in :func:`best_path_within`.
    budgets : (k,), optional
        Path budgets, >= 0, any order. None lists every breakpoint, from P = 0 (the best fixed severity) to
        the least path of loss zero; between two of them the frontier is a straight line.
    below : (T,), optional
        As in :func:`best_path_within`.

    Returns
    -------
    path : (k,) float64
        Budgets: increasing breakpoints, or `budgets` as given.
    loss : (k,) float64
        Least loss within each budget.
    rate : (k,) float64
        Slope right of each point: the loss that one more unit of path saves.

    Raises
    ------
    InputError
        As in :func:`best_path_within`; or more than 2,000 rounds without budgets.

    Notes
    -----
    O(T log T) for each price; the whole frontier needs two prices for each breakpoint, a grid shares the
    points that it has found. Losses on a grid are exact but for one rounding. Not listed are breakpoints that
    floats hardly tell from a straight line: less than 1e-14 of its height below it, a slope that changes by
    less than 1e-9 of itself, or a path length that rounds to that of the next one.

    Examples
    --------
    >>> path_frontier([0.0, 1.0, 0.0], [3.0, 4.0, 3.0])
    (array([0., 2.]), array([4., 0.]), array([2., 0.]))
    """
    values, masses, less = checked_rounds(target, weight, below)
    grid = None if budgets is None else np.array(vector("budgets", budgets, low=0.0, infinite=True))
    used = np.flatnonzero(masses)
    if grid is None and used.size > MOST_ROUNDS:
        raise InputError(
            f"the whole frontier is listed for at most {MOST_ROUNDS} rounds",
            got=f"{used.size} rounds with a positive weight",
            ways_out=["give a grid of budgets"],
        )
    if used.size == 0:
        path = np.zeros(1) if grid is None else grid
        return path, np.zeros(path.size), np.zeros(path.size)
    signal = Signal.of(values[used], masses[used], less[used])
    if grid is None:
        return breakpoints(signal)
    search = Search(signal, paths=False)
    found = [search.at(float(budget)) for budget in grid]
    return grid, np.array([float(p.loss) for p, _ in found]), np.array([rate for _, rate in found])


def checked_rounds(
    target: npt.ArrayLike, weight: npt.ArrayLike, below: npt.ArrayLike | None = None
) -> tuple[Vector, Vector, Vector]:
    """Return targets in [0, 1] and weights >= 0 above and below them, or raise InputError.

    Examples
    --------
    >>> checked_rounds([1], [2])
    (array([1.]), array([2.]), array([2.]))
    """
    values, masses = vector("target", target, low=0.0, high=1.0), vector("weight", weight, low=0.0)
    less = masses if below is None else vector("below", below, low=0.0)
    if not values.size == masses.size == less.size:
        raise InputError(
            "target and weight have different lengths",
            got=f"{values.size} targets, {masses.size} weights"
            + ("" if below is None else f", {less.size} below"),
            ways_out=["give one target and one weight for each round"],
        )
    if np.any((masses > 0) != (less > 0)):
        raise InputError(
            "a round has a weight on one side of its target only",
            got=f"round {int(np.argmax((masses > 0) != (less > 0)))}",
            ways_out=["give both weights above 0, or both as 0"],
        )
    return values, masses, less
