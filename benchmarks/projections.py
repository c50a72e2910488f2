"""Euclidean projection and water-filling against bisection and scipy, in passes over the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adl_opt.kernels import project_capped, project_capped_kl, waterfill
from benchmarks import isolate
from benchmarks.instances import SHARE, draw_lots, draw_point, one_pass
from benchmarks.sections import Section, best_of

TEXT = (
    "Projection on {w'h = B, 0 <= h <= 1}, B = 2 %. Bisection: 100 steps of `np.clip(y + t w, 0, 1) @"
    " w`; scipy: `brentq` on the same function (to 1e-15), and SLSQP on the program itself where it "
    "is small. `off budget` is relative; `farther` is the relative excess of the squared distance "
    "over the kernel's (negative: the budget is missed); passes are over the floor of one numpy pass "
    "of as many rows."
)
COLUMNS = ["accounts", "what", "by", "off budget", "farther", "times kernel", "passes"]
SLSQP_MOST = 500


def bisect(y: np.ndarray, w: np.ndarray, budget: float) -> np.ndarray:
    """Plain bisection on the level, 100 steps."""
    low, high = float(np.min(-y / w)), float(np.max((1.0 - y) / w))
    for _ in range(100):
        middle = 0.5 * (low + high)
        if float(np.clip(y + middle * w, 0.0, 1.0) @ w) < budget:
            low = middle
        else:
            high = middle
    return np.clip(y + high * w, 0.0, 1.0)


def brentq(y: np.ndarray, w: np.ndarray, budget: float) -> np.ndarray:
    """Root finding by scipy."""
    from scipy import optimize

    ends = float(np.min(-y / w)), float(np.max((1.0 - y) / w))
    level = optimize.brentq(
        lambda t: float(np.clip(y + t * w, 0.0, 1.0) @ w) - budget, *ends, xtol=1e-300, rtol=1e-15
    )
    return np.clip(y + level * w, 0.0, 1.0)


def slsqp(y: np.ndarray, w: np.ndarray, budget: float) -> np.ndarray:
    """Solve the program itself by scipy."""
    from scipy import optimize

    share = w / budget
    return optimize.minimize(
        lambda h: 0.5 * float((h - y) @ (h - y)),
        np.full(y.size, SHARE),
        jac=lambda h: h - y,
        bounds=[(0.0, 1.0)] * y.size,
        constraints={"type": "eq", "fun": lambda h: share @ h - 1.0, "jac": lambda h: share},
        method="SLSQP",
        options={"maxiter": 200, "ftol": 1e-14},
    ).x


def projections_section(sizes: list[int], repeats: int) -> Section:
    """Measure every size, all ways side by side in one process."""
    section = Section("Projections and water-filling", TEXT, COLUMNS)
    for n in sizes:
        outcome = isolate.run(measure, n, repeats)
        if outcome.failure:
            section.rows.append({"accounts": n, "what": outcome.failure})
            continue
        section.rows.extend(outcome.value)
        rows = {row["by"]: row for row in outcome.value if row["what"] == "Euclidean"}
        if n >= 1_000_000:
            passes, times = rows["adl_opt kernel"]["passes"], rows["100-step bisection"]["times kernel"]
            off = rows["adl_opt kernel"]["off budget"]
            section.targets += [
                (f"projection at {n}: at most 60 passes", f"{passes:.0f} passes", passes <= 60),
                (f"projection at {n}: >= 4 times faster than bisection", f"{times:.1f} times", times >= 4),
                (f"projection at {n}: exact to 1e-12", f"off budget {off:.1e}", off <= 1e-12),
            ]
    return section


def measure(n: int, repeats: int) -> list[dict[str, Any]]:
    """Rows of one size."""
    y, w, budget = draw_point(n)
    lots = draw_lots(n, single=True)
    have = lots.lots.astype(float)
    floor, _ = best_of(lambda: one_pass(SHARE, lots.capacity, lots.lot_value, have), 10 * repeats)
    ways: list[tuple[str, str, Callable[[], np.ndarray]]] = [
        ("Euclidean", "adl_opt kernel", lambda: project_capped(y, w, budget)),
        ("Euclidean", "100-step bisection", lambda: bisect(y, w, budget)),
        ("Euclidean", "scipy brentq", lambda: brentq(y, w, budget)),
        ("relative entropy", "adl_opt kernel", lambda: project_capped_kl(y, w, budget)),
        ("weighted entropy", "adl_opt kernel", lambda: project_capped_kl(y, w, budget, weighted=True)),
        ("water-filling, weighted", "adl_opt kernel", lambda: waterfill(w, budget, weights=y) / w),
    ]
    if n <= SLSQP_MOST:
        ways.insert(3, ("Euclidean", "scipy SLSQP", lambda: slsqp(y, w, budget)))
    rows: list[dict[str, Any]] = []
    for what, by, way in ways:
        seconds, h = best_of(way, repeats)
        off = abs(float(np.sum(np.asarray(w * h, dtype=np.longdouble))) / budget - 1)
        rows.append({"accounts": n, "what": what, "by": by, "off budget": off, "passes": seconds / floor})
        if by == "adl_opt kernel":
            own, distance = seconds, float(np.sum((h - y) ** 2))
        rows[-1]["times kernel"] = seconds / own
        rows[-1]["farther"] = float(np.sum((h - y) ** 2)) / distance - 1
    return rows
