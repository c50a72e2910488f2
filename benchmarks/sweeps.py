"""Sweeps: throughput of simulated episodes, two workers against one, identical rows, projected cost."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from adl_opt.studies.simulation.runs import POLICIES
from adl_opt.studies.sweeps.plan import Plan
from adl_opt.studies.sweeps.run import Sweep, sweep
from benchmarks.sections import Section

EPISODES = 1000
MILLION = 1_000_000
TEXT = (
    "`flash-crash`, 300 accounts, 6 markets, 40 steps, eight policies an episode (a run is one policy on "
    "one episode); wall time with the start of the processes and the writing of Parquet. `hours per million` "
    "is the projected time of 1,000,000 episodes x 8 policies at that rate. Other work on the machine counts."
)


def sweeps_section(episodes: int) -> Section:
    """Run the whole sweep on two workers, a quarter of it on one and on two."""
    columns = ["workers", "episodes", "runs", "seconds", "runs per second", "hours per million"]
    section = Section("Sweeps: simulated episodes x 8 policies", TEXT, columns)
    part = max(2, episodes // 4)
    with tempfile.TemporaryDirectory() as folder:
        alone = _row(section, Path(folder) / "one", part, 1)
        two = _row(section, Path(folder) / "two", part, 2)
        _row(section, Path(folder) / "all", episodes, 2)
    same = bool(alone.rows.equals(two.rows))
    section.targets.append(
        ("one and two workers give identical rows", "identical" if same else "differ", same)
    )
    if episodes >= EPISODES:
        ratio = section.rows[0]["seconds"] / section.rows[1]["seconds"]
        section.targets.append(("two workers at least 1.7 times one", f"{ratio:.2f} times", ratio >= 1.7))
    return section


def _row(section: Section, folder: Path, episodes: int, workers: int) -> Sweep:
    plan = Plan(policies=POLICIES, scenarios=("flash-crash",), seeds=episodes)
    start = time.perf_counter()
    made = sweep(plan, folder, workers=workers)
    seconds = time.perf_counter() - start
    row: dict[str, Any] = {
        "workers": workers,
        "episodes": episodes,
        "runs": len(made.rows),
        "seconds": seconds,
    }
    row |= {"runs per second": len(made.rows) / seconds}
    section.rows.append(row | {"hours per million": seconds / episodes * MILLION / 3600})
    return made
