"""Water-filling: pro-rata, capped pro-rata and risk-aware pro-rata in one function."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector, haircut_caps, scalar, vector
from adl_opt.kernels.fill.narrow import meet_budget
from adl_opt.kernels.fill.ramps import Ramps
from adl_opt.kernels.sums import total


def waterfill(
    capacity: npt.ArrayLike,
    budget: float,
    *,
    cap: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Vector:
    """Haircuts ``x_i = u_i * min(cap_i, tau * w_i)`` that sum to the budget, or all caps if they cannot.

    Pro-rata has neither `cap` nor `weights`; capped pro-rata (ADL-1) has `cap`, and is the unique minimiser
    of ``sum u_i phi(h_i)`` for every strictly convex phi; risk-aware pro-rata (RAP, ADL-1) has `weights` too.

    Parameters
    ----------
    capacity : (n,)
        Capacity u of each winner, USD, >= 0.
    budget : float
        Budget B, USD, >= 0. A budget above what the caps allow is no error: then everyone pays
        `capacity * cap`.
    cap : None, float or (n,)
        Largest haircut fraction beta of each winner, unitless, in [0, 1]; None is 1.
    weights : (n,), optional
        Risk weights w, unitless, >= 0; None is 1. Only their ratios matter. A winner of weight zero is
        exempt: it pays nothing, even when the others cannot cover the budget.

    Returns
    -------
    (n,) float64
        Haircuts in USD, ``0 <= x <= capacity * cap``, summing to
        ``min(budget, sum of capacity * cap over positive weights)`` within 1e-12 relative.

    Raises
    ------
    InputError
        NaN, infinite, negative, cap outside [0, 1], or lengths that differ.

    Notes
    -----
    Pro-rata O(n); otherwise expected O(n), O(n log n) at worst. Equal winners (same capacity, cap and
    weight) pay the same to the bit, and money scales by powers of two exactly.

    References
    ----------
    Paper, section 2 (allocations) and Prop. 9 (pro-rata is the optimum of the min-max burden LP).

    Examples
    --------
    >>> waterfill([100.0, 300.0], 80.0)
    array([20., 60.])
    >>> waterfill([100.0, 300.0], 80.0, cap=[0.1, 1.0])
    array([10., 70.])
    >>> waterfill([100.0, 300.0], 80.0, weights=[5.0, 1.0])
    array([50., 30.])
    """
    capacity = vector("capacity", capacity, low=0.0)
    budget = scalar("budget", budget, low=0.0)
    caps = haircut_caps(cap, capacity.size)
    slope = np.broadcast_to(1.0, capacity.size)
    if weights is not None:
        slope = vector("weights", weights, size=capacity.size, low=0.0)
        exempt = slope == 0.0
        if exempt.any():
            caps, slope = np.where(exempt, 0.0, caps), np.where(exempt, 1.0, slope)
    most = capacity * caps
    mass = total(most)
    if budget >= mass:
        return most
    if cap is None and weights is None:
        return capacity * (budget / mass)
    return capacity * meet_budget(Ramps(np.broadcast_to(0.0, capacity.size), slope, caps, capacity), budget)
