"""The best severity path with at most K switches, exactly.

The method is dynamic programming over rounds.  A best path only takes values that are targets, because the
best value of a stretch is a weighted median of its targets.  For each number of switches k and each value v,
a table keeps the least loss of the rounds so far for a path that ends at v.  In the next round the path
either stays at v, or switches to v from the best path with one switch fewer; the smaller loss is kept, with
the round at which the stretch began.  The path is then read off from the last round back to the first.
"""

from __future__ import annotations

import math
import operator
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.paths.bounded import checked_rounds
from adl_opt.kernels.paths.variation import Places, sided_loss


def best_path_with_switches(
    target: npt.ArrayLike,
    weight: npt.ArrayLike,
    switches: SupportsIndex,
    below: npt.ArrayLike | None = None,
) -> tuple[Vector, float]:
    """Minimise ``sum w_t |theta_t - y_t|`` over paths that change their value at most K times, exactly.

    Parameters
    ----------
    target : (T,)
        Needed severities y, unitless, in [0, 1]. T = 0 is allowed: the empty path of loss 0.
    weight : (T,)
        Weights w (deficits D, USD), >= 0. Rounds of weight zero keep the severity before them (the first
        ones that after them); with all weights zero the path is 0.
    switches : int
        K >= 0.
    below : (T,), optional
        Weights of the distance below the target, positive where ``weight`` is; by default the same.

    Returns
    -------
    theta : (T,) float64
        An optimal path; each value is one of the targets.
    loss : float
        Its loss, in the unit of the weights.

    Raises
    ------
    InputError
        NaN, infinite or negative weights, targets outside [0, 1], lengths that differ, or a negative or
        fractional number of switches.

    Notes
    -----
    O((K + 1) T M) time with M distinct targets, one numpy pass over a (K + 1, M) table per round, and
    O((K + 1) (T + M)) memory. T = M = 3,000 and K = 10 take below a second. Dynamic programming over
    (switches used, last value); an optimal segment sits at a weighted median (with weights of two sides, at a
    quantile), hence at a target. The usual
    speed-ups over segments (divide and conquer, SMAWK) are not valid here: the weighted-median cost of a
    segment breaks the quadrangle inequality when targets are not sorted in time, e.g. targets 1, 0, 1 of
    equal weight w, where the whole and the middle cost w + 0 but the two overlapping pairs w + w.

    References
    ----------
    Paper, eq. 13 (dynamic regret, moving comparator); Herbster and Warmuth (1998), switching comparators.

    Examples
    --------
    >>> best_path_with_switches([0.1, 0.1, 0.9, 0.8], [1.0, 1.0, 2.0, 1.0], 1)
    (array([0.1, 0.1, 0.9, 0.9]), 0.09999999999999998)
    """
    values, masses, less = checked_rounds(target, weight, below)
    most = _count(switches)
    used = np.flatnonzero(masses)
    if used.size == 0:
        return np.zeros(values.size), 0.0
    y, w, b = values[used], masses[used], less[used]
    theta = y.copy()
    if np.count_nonzero(np.diff(y)) > most:
        levels = np.unique(y)
        theta = levels[_trace(*_tables(y, w, b, levels, most))]
    filled = np.maximum(np.searchsorted(used, np.arange(values.size), side="right") - 1, 0)
    return theta[filled], math.fsum(sided_loss(theta, y, w, b))


def _count(switches: SupportsIndex) -> int:
    try:
        count = operator.index(switches)
    except TypeError:
        count = -1
    if count < 0:
        raise InputError(
            "switches must be a whole number of at least 0",
            got=f"switches = {switches!r}",
            ways_out=["give 0 for the best fixed severity, or a positive int"],
        )
    return count


def _tables(y: Vector, w: Vector, b: Vector, levels: Vector, most: int) -> tuple[Places, Places]:
    """For each round t and number k: the best last value (its level), and the start of its segment.

    ``cost[k, v]`` is the least loss of rounds 0..t with at most k switches and severity v in round t.
    """
    size = y.size
    best, begin = np.zeros((size, most + 1), np.int64), np.zeros((size, most + 1), np.int64)
    rows = np.arange(most + 1)
    start = np.zeros((most + 1, levels.size), np.int64)
    cost = np.tile(sided_loss(levels, y[0], w[0], b[0]), (most + 1, 1))
    for t in range(size):
        if t > 0:
            before = cost[rows[:-1], best[t - 1, :-1], None]
            switch = before < cost[1:]
            np.copyto(cost[1:], before, where=switch)
            np.copyto(start[1:], t, where=switch)
            cost += sided_loss(levels, y[t], w[t], b[t])
        best[t] = np.argmin(cost, axis=1)
        begin[t] = start[rows, best[t]]
    return best, begin


def _trace(best: Places, begin: Places) -> Places:
    """Follow the segments back from the last round; return the level of each round."""
    end, k = best.shape[0], best.shape[1] - 1
    path = np.zeros(end, np.int64)
    while end > 0:
        first = int(begin[end - 1, k])
        path[first:end] = best[end - 1, k]
        end, k = first, k - 1
    return path
