"""The LP (10), tracking plus largest burden, as cvxpy states it."""

from __future__ import annotations

import time
import warnings

import numpy as np

from benchmarks.answer import Answer

EPS_USD = 1.0  # epsilon of eq. 10
L_TRACK, L_FAIR = 1.0, 1.0  # per budget, per unit of burden


def objective(h: np.ndarray, capacity: np.ndarray, budget: float) -> float:
    """Eq. 10 in budgets: ``l_track |H/B - 1| + l_fair max x_i / (u_i + eps)`` at x = u h."""
    paid = h * capacity
    worst = float(np.max(paid / (capacity + EPS_USD), initial=0.0))
    return L_TRACK * abs(float(paid.sum()) / budget - 1.0) + L_FAIR * worst


def clarabel(capacity: np.ndarray, budget: float, limit: float) -> Answer:
    """Interior point."""
    return _solve(capacity, budget, "CLARABEL", {"time_limit": limit})


def highs(capacity: np.ndarray, budget: float, limit: float) -> Answer:
    """Simplex or interior point, as HiGHS chooses."""
    return _solve(capacity, budget, "HIGHS", {"time_limit": limit})


def _solve(capacity: np.ndarray, budget: float, solver: str, options: dict[str, float]) -> Answer:
    """Haircut fractions h in [0, 1] and one burden."""
    import cvxpy as cp

    start = time.perf_counter()
    warnings.simplefilter("ignore")  # an inaccurate status is reported, not warned about
    h, z = cp.Variable(capacity.size), cp.Variable()
    cost = L_TRACK * cp.abs((capacity / budget) @ h - 1) + L_FAIR * z
    rows = [h >= 0, h <= 1, cp.multiply(capacity / (capacity + EPS_USD), h) <= z]
    program = cp.Problem(cp.Minimize(cost), rows)
    program.solve(solver=solver, **options)
    value = None if h.value is None else float(program.value)
    return Answer(str(program.status), time.perf_counter() - start, value, None, h.value)


PEERS = {"cvxpy + Clarabel": clarabel, "cvxpy + HiGHS": highs}
