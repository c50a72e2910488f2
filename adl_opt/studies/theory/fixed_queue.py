"""Section 4.1, eq. 18: two accounts whose capacities swap every round defeat every fixed queue."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from adl_opt.kernels.fill.queue import fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.losses import burden, surrogate
from adl_opt.rounds.columns import Floats
from adl_opt.studies.theory.finding import Exponent, Finding, horizons

LARGE = 4.0
"""M; a power of two, so that the predicted sums are exact in floats."""


def capacities(rounds: int, large: float = LARGE) -> Floats:
    """Return u_t, (T, 2) USD: (1, M), (M, 1), (1, M), ...; B = 1 in every round.

    Examples
    --------
    >>> capacities(2)
    array([[1., 4.],
           [4., 1.]])
    """
    return np.where((np.arange(rounds) % 2 == 0)[:, None], [1.0, large], [large, 1.0])


def losses(rounds: int, large: float = LARGE, fair: float = 1.0) -> dict[str, float]:
    """Return the summed eq. 10 of the fixed queue, of the better queue of each round, and of the optimum.

    Examples
    --------
    >>> losses(4)["fixed queue"], losses(4)["best queue"]
    (2.5, 1.0)
    """
    sums: dict[str, list[float]] = {"fixed queue": [], "best queue": [], "optimum": []}
    for u in capacities(rounds, large):
        plays = {
            "fixed queue": fill_in_order(u, [0, 1], 1.0),
            "best queue": fill_in_order(u, np.argsort(-u), 1.0),
            "optimum": waterfill(u, 1.0),
        }
        for name, x in plays.items():
            loss = surrogate(math.fsum(x), 1.0, burden(x, u).max(), fair=fair)
            sums[name].append(float(loss))
    return {name: math.fsum(values) for name, values in sums.items()}


def fixed_queue_findings(rounds: int) -> list[Finding | Exponent]:
    """Return the queue's regret, exactly, and its growth.

    Notes
    -----
    The printed T/2 l_fair (1 - 1/M) is the distance to the best *queue* of each round (the large account
    pays all, burden 1/M).  The optimum of Prop. 9 is lower still, 1 / (1 + M) a round: the queue's regret
    against it is T/2 l_fair (1 + 1/M - 2/(1 + M)).
    """
    times = horizons(rounds)
    totals = [losses(t) for t in times]
    regrets = [total["fixed queue"] - total["best queue"] for total in totals]
    found, what = partial(Finding, "eq. 18"), "fixed queue - best queue a round"
    apart = totals[-1]["fixed queue"] - totals[-1]["optimum"]
    most = times[-1] / 2 * (1.0 + 1.0 / LARGE - 2.0 / (1.0 + LARGE))
    return [
        *(
            found(what, regret, "=", t / 2 * (1.0 - 1.0 / LARGE), rounds=t, tolerance=0.0)
            for t, regret in zip(times, regrets, strict=True)
        ),
        found("fixed queue - min-max optimum a round", apart, "=", most, rounds=times[-1]),
        Exponent("eq. 18", "fixed queue", times, tuple(regrets), 1.0, tolerance=1e-9),
    ]
