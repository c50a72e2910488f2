"""Min-max over lots on more draws of few accounts: some a general solver proves in time, some it does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import isolate
from benchmarks.answer import judge_lots
from benchmarks.instances import LotsInstance, draw_lots
from benchmarks.lots import ENGINES, measure_kernel
from benchmarks.peers import PEERS
from benchmarks.sections import Section

FIRST, SECOND = "HiGHS (arrays)", "CP-SAT (rounded)"
TEXT = (
    "The same instances as above with other seeds, taken in order, none left out. The two peers that prove "
    f"fastest at this size: {FIRST} gets the limit; {SECOND}, where that proves 1e-4, as long as it took "
    "(it could only matter by being faster). Peer seconds are wall or processor time, whichever is less. "
    "`times kernel` is over the first engine, for the fastest that proves or, where none does, a lower bound "
    "by the limit. Some draws are easy for a general solver, and there the ratio is small."
)
COLUMNS = [
    "seed",
    "accounts",
    "positions",
    *(f"{engine} seconds" for engine in ENGINES),
    "kernel gap",
    "z",
    *(FIRST, SECOND),
    "times kernel",
]
TARGET = 1000


def draws_section(n: int, seeds: list[int], limit: float, repeats: int) -> Section:
    """Measure every draw, the kernel first, and hold the ratios against the target."""
    section = Section(f"Min-max over lots: more draws of {n} accounts", TEXT, COLUMNS)
    for seed in seeds:
        section.rows.append(_row(n, seed, limit, repeats))
    proven = [row["times kernel"] for row in section.rows if row["proven"]]
    if proven:
        held = sum(times >= TARGET for times in proven)
        shown = (
            f"{held} of {len(proven)} draws that a peer proves in {limit:g} s (of {len(seeds)}); "
            f"least {min(proven):,.0f}, median {float(np.median(proven)):,.0f} times"
        )
        what = f"more draws of {n} accounts: >= 1,000 times faster than the fastest peer that proves 1e-4"
        section.targets.append((what, shown, held == len(proven)))
    return section


def _row(n: int, seed: int, limit: float, repeats: int) -> dict[str, Any]:
    """One draw."""
    instance = draw_lots(n, seed=seed)
    row = {"seed": seed, "accounts": n, "positions": int(instance.account.size)}
    for engine in ENGINES[::-1]:
        ours = isolate.run(measure_kernel, instance, repeats, engine)
        if ours.failure:
            raise RuntimeError(f"the kernel failed on draw {seed} of {n} accounts: {ours.failure}")
        own = ours.value["seconds"]
        row |= {f"{engine} seconds": own, "kernel gap": ours.value["gap"], "z": ours.value["row"]["z"]}
    first, row[FIRST] = _peer(FIRST, instance, limit, row["z"])
    second = None
    if first is not None:
        second, row[SECOND] = _peer(SECOND, instance, max(first, 1.0), row["z"])
    proven = [seconds for seconds in (first, second) if seconds is not None]
    return row | {"proven": bool(proven), "times kernel": min(proven, default=limit) / own}


def _peer(name: str, instance: LotsInstance, limit: float, z: float) -> tuple[float | None, str]:
    """Seconds of a proof that holds against our z (None: none), and what to show."""
    outcome = isolate.run(PEERS[name], instance, limit, limit=limit)
    if outcome.value is None:
        return None, outcome.failure
    verdict, seconds = judge_lots(instance, outcome.value.x), isolate.seconds(outcome)
    shown = f"{outcome.value.status}, {seconds:.3g} s"
    if not outcome.value.status.startswith("proven"):
        return None, shown
    if not verdict.holds or verdict.z is None or verdict.z > z * (1 + 2e-4):
        return None, f"{shown}, refused"
    return seconds, shown
