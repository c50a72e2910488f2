"""A battery of min-max over lots: heavy tails, coarse and fine lots, small and large budgets."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from adl_opt.datasets.draws import POSITION_COUNT_SHARES
from adl_opt.kernels import minmax_lots
from adl_opt.kernels.lots.engine import SWITCH
from benchmarks import isolate
from benchmarks.instances import LotsInstance, capacities, one_pass
from benchmarks.lots import ENGINES
from benchmarks.sections import Section, best_of

SHARES = (0.001, 0.01, 0.02, 0.1, 0.3)
"""Budgets, as shares of all capacity."""

MIXES = {"1.6 a head": POSITION_COUNT_SHARES, "3 a head": (0.2,) * 5}
"""Shares of accounts with 1, 2, ... 5 positions: those of October 10, and all alike."""

MOST_PASSES = {"median passes": 300, "most passes": 1000}
TEXT = (
    "Accounts with the heavy tails of October 10, one to five positions each, lots of a position 10^U(0, 4), "
    "budgets B as shares of all capacity U. `3 a head` is the harder mix: every number of positions as "
    "frequent as any other. Every row is the same seeds; a pass is one look at all positions, on the same "
    "instance."
)
COLUMNS = ["positions", "B/U", "engine", "draws", "median passes", "most passes", "largest gap", "most nodes"]


def draw_battery(
    n: int, share: float, seed: int, mix: tuple[float, ...] = POSITION_COUNT_SHARES
) -> LotsInstance:
    """Draw n accounts with one to five positions of 1 to 10,000 lots."""
    capacity, rng = capacities(n, seed), np.random.default_rng([seed, n, len(mix), 7])
    account = np.repeat(np.arange(n), rng.choice(1 + np.arange(len(mix)), n, p=mix))
    part = 0.05 + rng.random(account.size)
    part /= np.bincount(account, part)[account]
    lots = np.floor(10.0 ** rng.uniform(0.0, 4.0, account.size))
    value = capacity[account] * part / lots
    return LotsInstance(capacity, account, value, lots.astype(np.int64), share * float(capacity.sum()))


def lots_battery_section(n: int, seeds: int, repeats: int) -> Section:
    """Measure every mix of positions, budget and engine, each engine in a process of its own."""
    section = Section("A battery of min-max over lots", TEXT, COLUMNS)
    for mix in MIXES:
        for share in SHARES:
            for engine in ENGINES:
                ours = isolate.run(measure_battery, mix, share, engine, n, seeds, repeats, limit=3600.0)
                if ours.failure:
                    raise RuntimeError(f"the kernel ({engine}) failed on {mix}, B/U {share}: {ours.failure}")
                section.rows.append(ours.value)
    gap = max(row["largest gap"] for row in section.rows)
    section.targets.append(("battery of lots: proven gap <= 1e-9 on all", f"gap {gap:.1e}", gap <= 1e-9))
    for mix in MIXES:
        for name, most in MOST_PASSES.items():
            found = max(r[name] for r in section.rows if (r["positions"], r["engine"]) == (mix, ENGINES[0]))
            claim = f"battery of lots, {mix}: at most {most} {name} at every B/U ({ENGINES[0]})"
            section.targets.append((claim, f"{found:.0f} at most", found <= most))
    return section


def measure_battery(mix: str, share: float, engine: str, n: int, seeds: int, repeats: int) -> dict[str, Any]:
    """Measure passes, gaps and nodes of one engine on all seeds."""
    os.environ[SWITCH] = "0" if engine == "numpy" else "1"
    passes, gaps, nodes = [], [], []
    for seed in range(seeds):
        drawn = draw_battery(n, share, seed, MIXES[mix])
        u, have = drawn.capacity[drawn.account], drawn.lots.astype(float)
        data = (drawn.capacity, drawn.account, drawn.lot_value, drawn.lots, drawn.budget)
        seconds, answer = best_of(lambda data=data: minmax_lots(*data), repeats)
        floor, _ = best_of(lambda z=answer.z, u=u, d=drawn, k=have: one_pass(z, u, d.lot_value, k), 100)
        passes.append(seconds / floor)
        gaps.append(answer.gap)
        nodes.append(answer.nodes)
    return {
        "positions": mix,
        "B/U": share,
        "engine": engine,
        "draws": seeds,
        "median passes": float(np.median(passes)),
        "most passes": max(passes),
        "largest gap": max(gaps),
        "most nodes": max(nodes),
    }
