"""Prop. 4 as an object: how steep eq. 10 is, and how wide the haircuts of a round."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adl_opt.evaluate.theorems.measured import Measured
from adl_opt.kernels.arrays import scalar, vector
from adl_opt.rounds.columns import Floats
from adl_opt.severity.learners.bound import ROUNDING, Bound


def surrogate_slope(
    x: Floats, capacity: Floats, needed: float, *, track: float = 1.0, fair: float = 1.0
) -> Floats:
    """Return a subgradient of eq. 10 at the haircuts x, (n,): the lowest row among the largest burdens.

    Parameters
    ----------
    x, capacity : (n,) USD
        Capacities > 0 (eps of eq. 10 in its limit 0).
    needed : float
        B, USD.

    Examples
    --------
    >>> surrogate_slope(np.array([1.0, 1.0]), np.array([2.0, 4.0]), 1.0)
    array([1.5, 1. ])
    """
    slope: Floats = np.full(x.size, track * float(np.sign(math.fsum(x) - needed)))
    top = int(np.argmax(x / capacity))
    slope[top] += fair / capacity[top]
    return slope


def prop_4(
    haircuts: npt.ArrayLike,
    capacity: npt.ArrayLike,
    needed: float,
    *,
    track: float = 1.0,
    fair: float = 1.0,
) -> tuple[Measured, Measured]:
    """Prop. 4 on haircuts of one round: the steepest slope of eq. 10, and the widest distance.

    Parameters
    ----------
    haircuts : (k, n) USD
        k >= 1 allocations with 0 <= x <= u.
    capacity : (n,) USD > 0
    needed : float
        B, USD.
    track, fair : float
        l_track, per USD, and l_fair.

    Returns
    -------
    (slope, width)
        max |g|_2 against l_track sqrt n + l_fair / min u (the sharper form), and max |x - y|_2, USD,
        against sqrt(2) U.

    Raises
    ------
    InputError
        Bad capacities or budget.

    References
    ----------
    Paper, Prop. 4.

    Examples
    --------
    >>> slope, width = prop_4([[2.0, 0.0], [0.0, 2.0]], [2.0, 4.0], 1.0)
    >>> slope.within, width.regret < width.bound.value
    (True, True)
    """
    u = vector("capacity", capacity, low=0.0, open_low=True)
    b = scalar("needed", needed, low=0.0)
    rows = np.atleast_2d(np.asarray(haircuts, dtype=np.float64))
    slopes = np.array([surrogate_slope(x, u, b, track=track, fair=fair) for x in rows])
    n, mass, least = u.size, math.fsum(u), float(u.min())
    constants = {"accounts": float(n), "capacity_usd": mass, "smallest_capacity_usd": least}
    feasible = {"haircuts lie within capacity": bool(np.all((rows >= 0.0) & (rows <= u * (1 + 1e-12))))}
    steepest = Bound(
        value=(track * math.sqrt(n) + fair / least) * (1.0 + ROUNDING),
        kind="other",
        theorem="|g|_2 <= l_track sqrt n + l_fair/min u (Prop. 4)",
        constants={**constants, "track": track, "fair": fair},
        assumptions={"every capacity is above 0": True, **feasible},
    )
    widest = Bound(
        value=math.sqrt(2.0) * mass * (1.0 + ROUNDING),
        kind="other",
        theorem="Diam <= sqrt(2) U (Prop. 4)",
        constants=constants,
        assumptions=feasible,
    )
    distance = max(float(np.linalg.norm(rows - x, axis=1).max()) for x in rows)
    return (
        Measured(bound=steepest, regret=float(np.linalg.norm(slopes, axis=1).max())),
        Measured(bound=widest, regret=distance),
    )
