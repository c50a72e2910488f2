"""Growth in n: time, passes over the floor and peak memory of every kernel, and the fitted exponent."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adl_opt.kernels import descending, fill_in_order, minmax_lots, project_capped, waterfill
from adl_opt.kernels.lots.engine import SWITCH
from benchmarks import isolate
from benchmarks.instances import SHARE, draw_lots, draw_point, one_pass
from benchmarks.lots import ENGINES
from benchmarks.sections import Section, best_of

TEXT = (
    "Each cell in a process of its own; peak memory is that of the whole process, `before` what it "
    "held with its data just before the first call. The exponent is the least-squares slope of log "
    "time over log n, over all sizes; `from 10,000` leaves out the sizes at which fixed costs of numpy "
    "calls rule, and `floor from 10,000`, that of the floor itself, shows what caches and memory do to "
    "any pass."
)
COLUMNS = [
    "kernel",
    "accounts",
    "passes",
    "seconds",
    "peak MiB",
    "before MiB",
    "exponent",
    "from 10,000",
    "floor from 10,000",
]
FIT_FROM = 10_000
LIMIT = 120.0


def growth_section(sizes: list[int], repeats: int) -> Section:
    """Measure every kernel at every size, stopping a kernel that dies."""
    section = Section("Growth in n", TEXT, COLUMNS)
    for kernel in KERNELS:
        rows: list[dict[str, Any]] = []
        for n in sizes:
            outcome = isolate.run(measure, kernel, n, repeats if n < 1_000_000 else 2, limit=LIMIT)
            if outcome.failure:
                rows.append({"kernel": kernel, "accounts": n, "exponent": outcome.failure})
                break
            rows.append(outcome.value | {"peak MiB": outcome.peak_mib})
        _fit(rows)
        section.rows.extend(rows)
        if kernel in LOTS:
            _judge(section, rows, kernel)
    return section


def measure(kernel: str, n: int, repeats: int) -> dict[str, Any]:
    """One kernel at one size."""
    call = KERNELS[kernel](n)
    before = isolate.peak_mib()
    seconds, _ = best_of(call, repeats)
    lots = draw_lots(n, single=True)
    have = lots.lots.astype(float)
    floor, _ = best_of(lambda: one_pass(SHARE, lots.capacity, lots.lot_value, have), 10)
    figures = {"passes": seconds / floor, "seconds": seconds, "floor": floor, "before MiB": before}
    return {"kernel": kernel, "accounts": n} | figures


def exponent(n: list[int], seconds: list[float]) -> float:
    """Least-squares slope of log seconds over log n."""
    return float(np.polyfit(np.log(n), np.log(seconds), 1)[0])


def _waterfill(n: int) -> Callable[[], Any]:
    _, w, budget = draw_point(n)
    return lambda: waterfill(w, budget)


def _weighted(n: int) -> Callable[[], Any]:
    y, w, budget = draw_point(n)
    return lambda: waterfill(w, budget, cap=0.5, weights=y)


def _project(n: int) -> Callable[[], Any]:
    y, w, budget = draw_point(n)
    return lambda: project_capped(y, w, budget)


def _queue(n: int) -> Callable[[], Any]:
    y, w, budget = draw_point(n)
    return lambda: fill_in_order(w, descending(y), budget)


def _lots(n: int, engine: str) -> Callable[[], Any]:
    os.environ[SWITCH] = "0" if engine == "numpy" else "1"
    i = draw_lots(n, single=True)
    return lambda: minmax_lots(i.capacity, i.account, i.lot_value, i.lots, i.budget)


LOTS = {f"min-max, single lots ({engine})": partial(_lots, engine=engine) for engine in ENGINES}
KERNELS: dict[str, Callable[[int], Callable[[], Any]]] = {
    "pro-rata": _waterfill,
    "water-filling, capped and weighted": _weighted,
    "Euclidean projection": _project,
    "queue (sort and fill)": _queue,
}
KERNELS |= LOTS


def _fit(rows: list[dict[str, Any]]) -> None:
    """Put the exponents into the last measured row."""
    known = [row for row in rows if "seconds" in row]
    large = [row for row in known if row["accounts"] >= FIT_FROM]
    fits = {"exponent": (known, "seconds"), "from 10,000": (large, "seconds")}
    fits["floor from 10,000"] = (large, "floor")
    for name, (sizes, what) in fits.items():
        if len(sizes) >= 2:
            known[-1][name] = exponent([row["accounts"] for row in sizes], [row[what] for row in sizes])


def _judge(section: Section, rows: list[dict[str, Any]], kernel: str) -> None:
    """Hold the single-lot figures against the targets."""
    for row in rows:
        if row["accounts"] == 1_000_000 and "seconds" in row:
            held = row["seconds"] <= 1.5 and row["peak MiB"] <= 1024
            shown = f"{row['seconds']:.2f} s, {row['peak MiB']:.0f} MiB"
            what = f"{kernel}: 1,000,000 accounts in about 1 s, <= 1 GiB"
            section.targets.append((what, shown, held))
        if isinstance(row.get("exponent"), float):
            slope, shown = row["exponent"], f"{row['exponent']:.2f}"
            if "from 10,000" in row:
                shown += (
                    f"; from 10,000 on {row['from 10,000']:.2f}, the floor {row['floor from 10,000']:.2f}"
                )
            what = f"{kernel}: exponent of growth to {row['accounts']} <= 1.1"
            section.targets.append((what, shown, slope <= 1.1))
