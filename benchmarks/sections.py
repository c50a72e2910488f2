"""A section of the report: rows as plain dictionaries, one set of columns, from which every table is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Section:
    """Title, what is measured, columns in order, rows by column; ``targets`` are (claim, measured, holds)."""

    title: str
    text: str
    columns: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    targets: list[tuple[str, str, bool]] = field(default_factory=list)


def best_of(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest processor time of some calls in seconds, after one warm-up call, and the value.

    Kernels and floor run on one thread, so this is their wall time on an idle machine; other work on the
    machine does not enter.
    """
    value = call()
    shortest = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        value = call()
        shortest = min(shortest, time.process_time() - start)
    return shortest, value
