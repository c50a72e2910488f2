"""Prop. 8: a queue has no Lipschitz constant in its score."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.fill.queue import descending, fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.studies.theory.finding import Finding

BUDGET = 3.0
CAPACITY = np.array([4.0, 5.0])


def moves(delta: float) -> tuple[float, float]:
    """Return how far a score change of size delta moves the queue and pro-rata, l1, USD.

    Examples
    --------
    >>> moves(2.0**-40)
    (6.0, 0.0)
    """
    ids = np.array(["a", "b"])
    before, after = np.array([1.0 + delta / 2, 1.0]), np.array([1.0 - delta / 2, 1.0])
    queues = [fill_in_order(CAPACITY, descending(score, ids), BUDGET) for score in (before, after)]
    shares = [waterfill(CAPACITY, BUDGET) for _ in (before, after)]  # pro-rata looks at no score
    return tuple(float(np.abs(a - b).sum()) for a, b in (queues, shares))  # type: ignore[return-value]


def lipschitz_findings() -> list[Finding]:
    """Return the moves for score changes that shrink to 2^-50."""
    made = []
    for k in (1, 10, 25, 50):
        queue, share = moves(2.0**-k)
        what = f"scores move by 2^-{k}: l1 move, $"
        made.append(Finding("Prop. 8", f"queue, {what}", queue, "=", 2 * BUDGET, tolerance=0.0))
    made.append(Finding("Prop. 8", f"pro-rata, {what}", share, "=", 0.0))
    return made
