"""Prop. 9: the min-max burden LP, its dual, its one optimum, and queues beside it."""

from __future__ import annotations

import math
from functools import partial
from itertools import permutations

import numpy as np

from adl_opt.evaluate.diagnostics import Neighbours
from adl_opt.kernels.fill.project import project_capped
from adl_opt.kernels.fill.queue import fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.rounds.columns import Floats
from adl_opt.studies.theory.finding import Finding

CASES = 25
OTHERS = 40
"""Other allocations that each case is held against."""

SEED = 9


def case(k: int) -> tuple[Floats, float]:
    """Return capacities, (2..5,) USD, and a budget below their sum, from a fixed seed.

    Examples
    --------
    >>> u, budget = case(0)
    >>> 0 < budget < math.fsum(u)
    True
    """
    rng = np.random.default_rng([SEED, k])
    u = np.round(rng.lognormal(3.0, 1.0, 2 + k % 4), 2) + 0.01
    return u, float(u.sum() * rng.uniform(0.05, 0.95))


def duality_findings() -> list[Finding]:
    """Return primal = dual, queues strictly above, every other allocation strictly above, inversions."""
    duality, queue, other = [], [], []
    for k in range(CASES):
        u, budget = case(k)
        fair = budget / math.fsum(u)  # y = 1/U is feasible in the dual, so y B bounds every burden from below
        duality.append(float((waterfill(u, budget) / u).max()) / fair)
        worst = (float((fill_in_order(u, p, budget) / u).max()) for p in permutations(range(u.size)))
        queue.append(min(worst) / fair)
        other.append(_curvature(u, budget, k))
    found, endowment = partial(Finding, "Prop. 9"), np.array([10.0, 6.0])
    plays = fill_in_order(endowment, [0, 1], 8.0), waterfill(endowment, 8.0)
    by_queue, by_share = (float(Neighbours.of(endowment).inversions(x)) for x in plays)
    distance = f"distance (x U / min u), least of {OTHERS * CASES}"
    return [
        found("pro-rata's burden / dual value B/U", max(duality), "=", 1.0),
        found(f"best order of a queue / optimum, least of {CASES} cases", min(queue), ">", 1.0),
        found(f"other x: excess burden / {distance}", min(other), ">=", 1.0),
        found("inversions of remaining endowments (10, 6), B = 8: queue", by_queue, "=", 1.0),
        found("the same: pro-rata", by_share, "=", 0.0),
    ]


def _curvature(u: Floats, budget: float, k: int) -> float:
    """Return the least (max h - B/U) / (max |h - B/U| min u / U) over other allocations: at least 1.

    As sum u_i (h_i - B/U) = 0, an account below the mean by d puts another above it by at least d min u / U:
    the optimum is unique.
    """
    rng = np.random.default_rng([SEED, k, 1])
    mass, fair = math.fsum(u), budget / math.fsum(u)
    ratios = []
    for _ in range(OTHERS):
        away = project_capped(rng.uniform(-1.0, 1.0, u.size), u, budget) - fair
        ratios.append(float(away.max()) * mass / (float(np.abs(away).max()) * float(u.min())))
    return min(ratios)
