"""Projections on the haircuts that meet a budget: Euclidean and Kullback-Leibler (KL)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector, haircut_caps, scalar, vector
from adl_opt.kernels.fill.exponentials import meet_budget_exponential
from adl_opt.kernels.fill.narrow import meet_budget
from adl_opt.kernels.fill.ramps import Ramps
from adl_opt.kernels.sums import total

_SLACK = 1e-12  # a budget above weights @ cap by this relative amount is taken as rounding


def project_capped(
    y: npt.ArrayLike,
    weights: npt.ArrayLike,
    budget: float,
    *,
    cap: npt.ArrayLike | None = 1.0,
    weighted: bool = False,
) -> Vector:
    """Nearest point to `y` in ``{h : weights @ h = budget, 0 <= h <= cap}``, Euclidean distance.

    - ``sum (h_i - y_i)^2`` by default; the answer is ``h_i = clip(y_i + t * w_i, 0, cap_i)`` at the level t
      that meets the budget;
    - ``sum w_i (h_i - y_i)^2`` when `weighted`; the answer is ``h_i = clip(y_i + t, 0, cap_i)``, which does
      not depend on the unit or the split of an account.

    Parameters
    ----------
    y : (n,)
        Point to project, haircut fractions before projection, unitless, any finite sign and size.
    weights : (n,)
        Capacities, USD, > 0 (drop accounts without capacity: their haircut does not matter).
    budget : float
        Budget, USD, in [0, weights @ cap].
    cap : None, float or (n,)
        Largest haircut fractions, unitless, in [0, 1]; None is 1.
    weighted : bool
        Weight the squares by capacity.

    Returns
    -------
    (n,) float64
        Haircut fractions; ``weights @ h`` is the budget within 1e-12 relative.

    Raises
    ------
    InputError
        Bad values, or an empty set: a budget below 0 or above ``weights @ cap`` (beyond 1e-12 relative).

    Notes
    -----
    Expected O(n), O(n log n) at worst; exact up to rounding: no iteration tolerance. The error of h is of
    order ``1e-16 * max(1, |y|)``.

    References
    ----------
    Paper, section 2 (vector mirror descent) and Prop. 2-3 (projected steps).

    Examples
    --------
    >>> project_capped([0.9, 0.1], [1.0, 1.0], 0.5)
    array([0.5, 0. ])
    >>> project_capped([0.0, 0.25], [1.0, 3.0], 1.75, weighted=True)
    array([0.25, 0.5 ])
    """
    point, weights, budget, caps = _checked(y, weights, budget, cap)
    slope = np.broadcast_to(1.0, point.size) if weighted else weights
    return meet_budget(Ramps(point, slope, caps, weights), budget)


def project_capped_kl(
    y: npt.ArrayLike,
    weights: npt.ArrayLike,
    budget: float,
    *,
    cap: npt.ArrayLike | None = 1.0,
    weighted: bool = False,
) -> Vector:
    """Nearest point to `y` in ``{h : weights @ h = budget, 0 <= h <= cap}``, generalised relative entropy.

    With ``d_i = h_i log(h_i / y_i) - h_i + y_i``, the distance is

    - ``sum d_i`` by default; the answer is ``h_i = min(cap_i, y_i * exp(t * w_i))``: a multiplicative step;
    - ``sum w_i d_i`` when `weighted`; the answer is ``h_i = min(cap_i, c * y_i)``: water-filling with
      risk weights y, which does not depend on the unit or the split of an account.

    Parameters
    ----------
    y : (n,)
        Point to project, haircut fractions before projection, unitless, > 0.
    weights : (n,)
        Capacities, USD, > 0.
    budget : float
        Budget, USD, in [0, weights @ cap].
    cap : None, float or (n,)
        Largest haircut fractions, unitless, in [0, 1]; None is 1.
    weighted : bool
        Weight the divergence of each account by its capacity.

    Returns
    -------
    (n,) float64
        Haircut fractions; ``weights @ h`` is the budget within 1e-12 relative.

    Raises
    ------
    InputError
        Bad values, or an empty set: a budget below 0 or above ``weights @ cap`` (beyond 1e-12 relative).

    Notes
    -----
    Weighted: expected O(n), O(n log n) at worst. Otherwise O(n) per step of a safeguarded Newton method on
    the logarithm of the mass: about six steps, from a level that few breakpoints (or a sample) give; some
    tens when nearly all pay their caps.

    References
    ----------
    Paper, section 2 (vector mirror descent) and Prop. 2-3, with the entropy as mirror map.

    Examples
    --------
    >>> project_capped_kl([0.2, 0.2], [1.0, 1.0], 0.6)
    array([0.3, 0.3])
    >>> project_capped_kl([0.1, 0.3], [1.0, 2.0], 0.35, weighted=True)
    array([0.05, 0.15])
    """
    point, weights, budget, caps = _checked(y, weights, budget, cap, positive=True)
    if weighted:
        return meet_budget(Ramps(np.broadcast_to(0.0, point.size), point, caps, weights), budget)
    return meet_budget_exponential(point, weights, caps, budget)


def _checked(
    y: npt.ArrayLike,
    weights: npt.ArrayLike,
    budget: float,
    cap: npt.ArrayLike | None,
    *,
    positive: bool = False,
) -> tuple[Vector, Vector, float, Vector]:
    """Return point, weights, budget and caps, or refuse them; the set they describe is not empty."""
    point = vector("y", y, low=0.0 if positive else -np.inf, open_low=positive)
    weights = vector("weights", weights, size=point.size, low=0.0, open_low=True)
    budget = scalar("budget", budget, low=0.0)
    caps = haircut_caps(cap, point.size)
    most = total(weights * caps)
    if budget > most * (1.0 + _SLACK):
        raise InputError(
            "no haircuts within their caps meet the budget, so there is no projection",
            got=f"budget = {budget!r}, weights @ cap = {most!r}",
            ways_out=["lower the budget to weights @ cap", "use waterfill, which then pays the caps"],
        )
    return point, weights, budget, caps
