"""Severities as they are executed: no round can take more than its capacity."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.losses import severity_loss
from adl_opt.rounds.columns import Floats


def capped(deficit: Floats, capacity: Floats) -> Floats:
    """Return the largest severity that can be executed, min(1, U / D), (T,); 1 where D is 0.

    Examples
    --------
    >>> capped(np.array([4.0, 4.0, 0.0]), np.array([1.0, 8.0, 0.0]))
    array([0.25, 1.  , 1.  ])
    """
    return np.where(capacity < deficit, capacity / np.where(deficit > 0.0, deficit, 1.0), 1.0)


def best_executed(
    deficit: Floats, target: Floats, capacity: Floats, under: float = 1.0, over: float = 1.0
) -> tuple[float, float]:
    """Return the best fixed severity as it is executed, min(theta D, U), and its loss, USD.

    Notes
    -----
    The loss is piecewise linear in theta, and not convex: it is flat where a round is cut.  It is followed
    over its corners in order, O(T log T).

    Examples
    --------
    >>> best_executed(np.array([10.0, 10.0]), np.array([0.1, 0.9]), np.array([20.0, 2.0]))
    (0.1, 8.0)
    """
    cut = capped(deficit, capacity)
    bends = np.where(target < cut, under + over, under) * deficit
    flat = np.where(target < cut, over, 0.0) * deficit
    corner = np.concatenate([[0.0], np.minimum(target, cut), cut])
    turn = np.concatenate([[-under * math.fsum(deficit)], bends, -flat])
    order = np.argsort(corner, kind="stable")
    corner, slope = corner[order], np.cumsum(turn[order])
    fallen = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(corner))])
    theta = float(corner[int(np.argmin(fallen))])
    return theta, math.fsum(severity_loss(np.minimum(theta, cut), target, deficit, under, over))
