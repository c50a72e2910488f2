"""Time of a decision in shadow: ``python -m benchmarks.shadow_latency [--sizes 1000 20000] [--rounds 40]``.

A decision counts with its proof, its line in the log and the flush to the disk.  Processor seconds of this
process and wall seconds; beside it, one ``replay`` of that round alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from adl_opt.datasets.episodes import load
from adl_opt.evaluate.replay import replay
from adl_opt.service.shadow import Shadow

POLICY = "ftrl-exact/min-max-lots"


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return processor and wall seconds of some work."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def main(size: int, rounds: int) -> dict[str, Any]:
    """Decide so many rounds of so many accounts, and return the quantiles, milliseconds."""
    pairs = list(load(f"synthetic(accounts={size}, rounds={rounds})"))
    shadow_s, replay_s = [], []
    with tempfile.TemporaryDirectory() as folder, Shadow(POLICY, folder) as shadow:
        for round_, outcome in pairs:
            shadow_s.append(timed(lambda round_=round_: shadow.decide(round_)))
            shadow.reveal(outcome)
            if len(replay_s) < 5:
                alone = [(round_, outcome)]
                replay_s.append(timed(lambda alone=alone: replay(alone, POLICY)))
    row: dict[str, Any] = {"accounts": size, "rounds": rounds, "policy": POLICY}
    for name, seconds in (("shadow", shadow_s[1:]), ("replay", replay_s)):
        for kind, column in zip(("processor", "wall"), np.array(seconds).T, strict=True):
            p50, p99 = (round(1e3 * float(q), 1) for q in np.quantile(column, [0.5, 0.99]))
            row[f"{name}_{kind}_ms"] = {"p50": p50, "p99": p99}
    return row


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 20_000, 100_000])
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    for each in given.sizes:
        print(json.dumps(main(each, given.rounds)), flush=True)
