"""Fuzzed loaders: every case ends in an episode or a refusal, in time, with nothing half-written."""

from __future__ import annotations

import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks import isolate
from benchmarks.sections import Section

TEXT = (
    "Cases made by hypothesis, on bytes and on structure (`benchmarks/fuzz_cases.py`, the strategies of the "
    "tests). Each is loaded and, if it gives an episode, saved and loaded again. Anything but an episode or "
    "an `AdlOptError` of three parts is a failure; so is a case over the limit, and any file left behind."
)
COLUMNS = ["loader", "cases", "episodes", "refused", "failures", "slowest ms", "seconds"]
SHARES = {
    "node fills, bytes": 0.3,
    "node fills, structure": 0.3,
    "hyperreplay": 0.15,
    "accounts": 0.15,
    "store": 0.1,
}
HANG = 20.0
"""Seconds that one case may take."""


def fuzz_section(cases: int) -> Section:
    """Fuzz every loader, each in a process of its own."""
    section = Section("Fuzzed loaders", TEXT, COLUMNS)
    for loader, share in SHARES.items():
        outcome = isolate.run(measure, loader, round(cases * share), limit=3000.0)
        section.rows.append(outcome.value or {"loader": loader, "cases": 0, "failures": outcome.failure})
    done = sum(row["cases"] for row in section.rows)
    failed = [row for row in section.rows if row["failures"] != 0]
    claim = f"{cases:,} cases or more: no crash, no hang, no partial output"
    shown = f"{done:,} cases, {len(failed)} loaders with failures"
    section.targets.append((claim, shown, not failed and done >= cases))
    return section


def measure(loader: str, cases: int) -> dict[str, Any]:
    """Run so many cases of one loader."""
    from hypothesis import HealthCheck, given, settings

    from benchmarks.fuzz_cases import TARGETS, Files, attempt

    target, counts, slowest = TARGETS[loader], Counter[str](), [0.0]
    signal.signal(signal.SIGALRM, _hang)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as root:

        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(target.cases)
        def run(files: Files) -> None:
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, HANG)
            try:
                counts[attempt(target, files, Path(root) / "case")] += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            slowest[0] = max(slowest[0], time.perf_counter() - start)

        failure: int | str = 0
        try:
            run()
        except Exception as error:  # what hypothesis found is a result, told as such
            failure = f"{type(error).__name__}: {str(error)[:200]}"
    return {
        "loader": loader,
        "cases": counts.total(),
        "episodes": counts["episode"],
        "refused": counts["refused"],
        "failures": failure,
        "slowest ms": 1000 * slowest[0],
        "seconds": time.perf_counter() - began,
    }


def _hang(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a case took more than {HANG:.0f} s")
