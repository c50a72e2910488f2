"""Prop. 11: closing whole accounts changes what is left; taking a share of each does not."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from adl_opt.kernels.fill.queue import fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.rounds.columns import Floats
from adl_opt.studies.theory.finding import Exponent, Finding, horizons

SLOPES = (1.0, 3.0)
"""a_min, a_max, USD per contract squared."""


def slope_path(rounds: int, rule: str) -> float:
    """Return the path length of the effective slope sum a_i q_i^2 / sum q_i^2 of what is closed.

    Parameters
    ----------
    rounds : int
        T; there are N = 2T accounts of capacity 1 with alternating slopes, and B = 1 in every round.
    rule : str
        ``queue`` (in a fixed order; an account that is closed leaves) or ``pro-rata``.

    Examples
    --------
    >>> slope_path(8, "queue"), slope_path(8, "pro-rata")
    (14.0, 0.0)
    """
    slopes = np.resize(np.array(SLOPES), 2 * rounds)
    left = np.ones(2 * rounds)
    order = np.arange(2 * rounds)
    effective: Floats = np.empty(rounds)
    for t in range(rounds):
        q = fill_in_order(left, order, 1.0) if rule == "queue" else waterfill(left, 1.0)
        left = left - q
        effective[t] = float(np.sum(slopes * q * q)) / float(np.sum(q * q))
    return math.fsum(np.abs(np.diff(effective)))


def churn_findings(rounds: int) -> list[Finding | Exponent]:
    """Return both paths, exactly, and the growth of the queue's."""
    times = tuple(t for t in horizons(min(rounds, 1024)) if t)
    paths = [slope_path(t, "queue") for t in times]
    step, last = SLOPES[1] - SLOPES[0], times[-1]
    found, what = partial(Finding, "Prop. 11"), "path of the effective slope"
    share = slope_path(last, "pro-rata") / paths[-1]
    return [
        *(
            found(f"queue: {what}", path, "=", (t - 1) * step, rounds=t, tolerance=0.0)
            for t, path in zip(times, paths, strict=True)
        ),
        found(f"pro-rata: {what}, a share of the queue's", share, "<=", 1e-12, rounds=last),
        Exponent("Prop. 11", "queue's path", times, tuple(paths), 1.0),
    ]
