"""Every hostile policy beside sound ones: what each did, what it got, and whether a row of another moved."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import adl_opt as adl
from benchmarks.attack import hostile

SOUND = ("pro-rata", "ftrl-exact/min-max", "full-deficit/binance")
EPISODE = "synthetic(accounts=30, rounds=3)"


@contextmanager
def installed(folder: Path, names: Iterable[str], seconds: float) -> Iterator[None]:
    """Install the hostile policies as a package in a folder, for as long as the block lasts."""
    chosen = list(names)
    (folder / "hostile_package.py").write_text(Path(hostile.__file__).read_text())
    targets = {}
    for name in chosen:
        targets[name] = f"hostile_package:make_{name.replace('-', '_')}"
        if name in hostile.IMPORTS:
            module = name.replace("-", "_")
            (folder / f"{module}.py").write_text(hostile.IMPORTS[name])
            targets[name] = f"{module}:policy"
    info = folder / "hostile_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-package\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in targets.items()]
    (info / "entry_points.txt").write_text("\n".join(["[adl_opt.policies]", *lines]))
    sys.path.insert(0, str(folder))
    before = os.environ.get("ADL_OPT_PLUGIN_SECONDS")
    os.environ["ADL_OPT_PLUGIN_SECONDS"] = str(seconds)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if before is None:
            del os.environ["ADL_OPT_PLUGIN_SECONDS"]
        else:
            os.environ["ADL_OPT_PLUGIN_SECONDS"] = before


def rows_of(result: Any, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the rounds of some policies, every bit of them but the seconds."""
    return {
        name: [repr({k: v for k, v in vars(r).items() if k != "seconds"}) for r in result.by_policy[name]]
        for name in names
    }


def attack(folder: Path, names: Iterable[str] = hostile.NAMES, seconds: float = 5.0) -> list[dict[str, Any]]:
    """Replay hostile policies between sound ones; return what each got, and what others lost."""
    before = rows_of(adl.replay(EPISODE, SOUND), SOUND)
    rows = []
    with installed(folder, names, seconds):
        for name in names:
            began = time.perf_counter()
            result = adl.replay(EPISODE, [SOUND[0], name, *SOUND[1:]])
            lines = rows_of(result, SOUND)
            got = next((f.error for f in result.failures), "its rows, like any other")
            rows.append(
                {
                    "policy": name,
                    "what it does": hostile.WHAT[name],
                    "what it gets": got,
                    "rows of others that moved": sum(
                        a != b for n in SOUND for a, b in zip(before[n], lines[n], strict=True)
                    ),
                    "seconds": round(time.perf_counter() - began, 1),
                }
            )
    return rows
