"""The LP (10): its optimum is one water-filling and a dual price; peers state it in cvxpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from adl_opt.kernels import waterfill
from benchmarks import isolate
from benchmarks.instances import SHARE, capacities
from benchmarks.peers.lp_cvxpy import EPS_USD, L_FAIR, L_TRACK, PEERS, objective
from benchmarks.sections import Section, best_of

TEXT = (
    "`l_track |H/B - 1| + l_fair max x/(u + 1 USD)`, both weights 1, 0 <= x <= u. The kernel is "
    "water-filling with weights (u + 1)/u; its certificate is the dual price of the cover. The "
    "objective of peers is recomputed from their haircuts, clipped to [0, 1]."
)
COLUMNS = [
    "accounts",
    "peer",
    "status",
    "objective",
    "above bound",
    "certificate",
    "times kernel",
    "peak MiB",
]


def lp_section(sizes: list[int], limit: float, repeats: int) -> Section:
    """Measure every size."""
    section = Section("LP (10): tracking and largest burden", TEXT, COLUMNS)
    for n in sizes:
        capacity = capacities(n)
        budget = SHARE * float(capacity.sum())
        ours = isolate.run(measure_kernel, capacity, budget, repeats)
        kernel: dict[str, Any] = ours.value
        section.rows.append(
            {"accounts": n} | kernel["row"] | {"peak MiB": ours.peak_mib, "times kernel": 1.0}
        )
        for name, solve in PEERS.items():
            outcome = isolate.run(solve, capacity, budget, limit, limit=limit)
            row: dict[str, Any] = {"accounts": n, "peer": name, "status": outcome.failure, "limit": limit}
            if (answer := outcome.value) is not None:
                row |= {"status": answer.status, "times kernel": isolate.seconds(outcome) / kernel["seconds"]}
                row |= {"peak MiB": outcome.peak_mib, "seconds": isolate.seconds(outcome)}
                row |= _quality(answer.x, capacity, budget, kernel["bound"])
            section.rows.append(row)
    return section


def measure_kernel(capacity: np.ndarray, budget: float, repeats: int) -> dict[str, Any]:
    """Time the water-filling; its dual price, times what those at their cap leave over, is a bound."""
    weights = (capacity + EPS_USD) / capacity
    seconds, x = best_of(lambda: waterfill(capacity, budget, weights=weights), repeats)
    free = x < capacity
    price = min(L_FAIR * budget / float(np.sum(capacity[free] + EPS_USD)), L_TRACK)
    bound = price * (1.0 - float(np.sum(capacity[~free])) / budget)
    row = {"peer": "adl_opt kernel", "status": "closed form"} | _quality(
        x / capacity, capacity, budget, bound
    )
    return {"row": row, "seconds": seconds, "bound": bound}


def _quality(h: np.ndarray | None, capacity: np.ndarray, budget: float, bound: float) -> dict[str, Any]:
    """Objective of the clipped haircuts, and its distance from the proven bound."""
    if h is None:
        return {"objective": None, "certificate": "no haircuts"}
    value = objective(np.clip(h, 0.0, 1.0), capacity, budget)
    above = value / bound - 1
    return {
        "objective": value,
        "above bound": above,
        "certificate": "holds" if above <= 1e-6 else "not optimal",
    }
