"""Replays at scale: all default policies over synthetic rounds, time and peak memory of the whole process."""

from __future__ import annotations

import time
from typing import Any

from benchmarks import isolate
from benchmarks.sections import Section

ROUNDS, MILLION = 3, 1_000_000
SECONDS, PEAK_MIB = 20.0, 2560.0
TEXT = (
    "`adl.replay` of a synthetic episode (20 markets, 1.6 positions an account) under every default policy, "
    "in a process of its own: making the rounds, deciding, learning, checking and measuring; compiled "
    "kernels are loaded before. All runs on one thread, so that processor seconds are the wall time of an "
    "idle machine, and other work does not enter; shown is the run with the fewest. Peak memory is that of "
    "the whole process. `slowest` is the rule with the most seconds (wall) of its own in one round."
)
COLUMNS = [
    "accounts",
    "rounds",
    "policies",
    "processor seconds",
    "wall seconds",
    "peak MiB",
    "slowest",
    "its seconds",
]


def replays_section(sizes: list[int], repeats: int) -> Section:
    """Replay at every size, each time in a fresh process."""
    section = Section("Replays: all default policies", TEXT, COLUMNS)
    for n in sizes:
        outcomes = [isolate.run(measure, n) for _ in range(repeats)]
        if failed := [outcome for outcome in outcomes if outcome.failure]:
            section.rows.append({"accounts": n, "slowest": failed[0].failure})
            continue
        best = min(outcomes, key=lambda outcome: float(outcome.value["processor seconds"]))
        peak = max(float(outcome.peak_mib or 0.0) for outcome in outcomes)
        section.rows.append(best.value | {"peak MiB": peak})
        if n >= MILLION:
            name, seconds = f"{ROUNDS} rounds of {n:,} accounts", best.value["processor seconds"]
            section.targets += [
                (f"{name}: <= {SECONDS:.0f} s", f"{seconds:.1f} s", seconds <= SECONDS),
                (f"{name}: <= {PEAK_MIB:.0f} MiB", f"{peak:.0f} MiB", peak <= PEAK_MIB),
            ]
    return section


def measure(accounts: int) -> dict[str, Any]:
    """Replay once; a small replay before it loads what is loaded once."""
    import adl_opt as adl

    adl.replay("synthetic(accounts=5000, rounds=1)")
    wall, processor = time.perf_counter(), time.process_time()
    result = adl.replay(f"synthetic(accounts={accounts}, rounds={ROUNDS})")
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    slowest = max(result.records, key=lambda record: record.seconds)
    return {
        "accounts": accounts,
        "rounds": ROUNDS,
        "policies": len(result.by_policy),
        "wall seconds": wall,
        "processor seconds": processor,
        "slowest": slowest.policy,
        "its seconds": slowest.seconds,
    }
