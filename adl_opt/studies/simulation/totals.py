"""Figures of a whole simulated episode, from its rounds."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.losses import fairness, overshoot, tracking, undershoot

METRICS = (
    *("rounds", "deficit_usd", "needed_usd", "haircut_usd", "tracking_usd"),
    *(
        "overshoot_usd",
        "undershoot_usd",
        "fairness_usd",
        "max_burden",
        "accounts_paid",
        "accounts_left",
        "accounts_liquidated",
    ),
    *("impact_cost_usd", "slope_path", "fund_end_usd", "uncovered_usd", "withdrawn_usd", "money_created_usd"),
)
"""Every figure of an episode."""


def summed_rounds(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Return sums over rounds; burdens are held against B / U, the least possible on the capacity base.

    Examples
    --------
    >>> summed_rounds([])["needed_usd"]
    0.0
    """
    names = ("deficit_usd", "needed_usd", "haircut_usd", "capacity_usd", "max_burden")
    d, b, h, u, m = (np.array([r[name] for r in rounds]) for name in names)
    least = np.minimum(np.divide(b, u, out=np.ones_like(b), where=u > 0), 1.0)
    made = {"rounds": float(len(rounds)), "deficit_usd": math.fsum(d), "needed_usd": math.fsum(b)}
    made |= {"haircut_usd": math.fsum(h), "tracking_usd": math.fsum(tracking(h, b))}
    made |= {"overshoot_usd": math.fsum(overshoot(h, b)), "undershoot_usd": math.fsum(undershoot(h, b))}
    made |= {"fairness_usd": math.fsum(fairness(b, m, least)), "max_burden": float(m.max(initial=0.0))}
    return made | {k: math.fsum(r[k] for r in rounds) for k in ("accounts_paid", "accounts_left")}
