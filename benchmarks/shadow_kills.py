"""Kills of a running shadow: ``python -m benchmarks.shadow_kills [--kills 1000] [--seed 0]``.

A child reads a file of rounds and outcomes and is killed (SIGKILL): at a random moment, or before a random
call that touches the disk, or in the middle of one that writes.  The next child goes on.  When one lives to
the end, its output must have the bytes of a run that nobody killed, and its log the same chain of hashes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adl_opt.datasets.episodes import load
from adl_opt.service.log import read_log
from adl_opt.service.serve import shadow
from adl_opt.service.wire import outcome_line, round_line

CALLS = ("fsync", "replace", "write")
EPISODE = "synthetic(accounts=30, rounds=12)"
POLICIES = ("ftrl-exact/min-max-lots", "full-deficit/mirror-descent-kl", "hinted(ogd, market-gap)/pro-rata")
MOST_BYTES = 1 << 14


def fed(folder: Path) -> Path:
    """Write the input, and return its path."""
    lines = [text for r, o in load(EPISODE) for text in (round_line(r), outcome_line(r.number, o))]
    path = folder / "in.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def killed_at_call(call: int) -> None:
    """Let this process be killed at its so-many-th call; in the middle of it where it writes."""
    calls = 0

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call:
                if name == "write":
                    real(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args)

        return run

    for name in CALLS:
        setattr(os, name, counted(name, getattr(os, name)))


def child(work: Callable[[], None], kill_after: float | None = None) -> bool:
    """Do some work in a child, which may be killed after so many seconds; say whether it lived to the end."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print("FAILED", type(error).__name__, error, flush=True)
            os._exit(3)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run that goes on after a kill failed")
    return os.WIFEXITED(status)


def found(folder: Path) -> tuple[bytes, list[str]]:
    """Return the output, and the hashes of the chain."""
    chain = [line.hash for _, line in read_log(folder / "state") if line.kind != "start" or line.after == ""]
    return (folder / "out.jsonl").read_bytes(), chain


def main(kills: int, seed: int) -> dict[str, Any]:
    """Kill so often, and return what was found."""
    draw = random.Random(seed)  # noqa: S311
    done = runs = 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        source = fed(root)
        while done < kills:
            policy = POLICIES[runs % len(POLICIES)]

            def run(folder: Path, policy: str = policy) -> None:
                shadow(policy, folder / "state", source, folder / "out.jsonl", most_bytes=MOST_BYTES)

            began = time.perf_counter()
            (root / "whole").mkdir()
            run(root / "whole")  # in this process: its children then have all code loaded
            span = time.perf_counter() - began
            (root / "cut").mkdir()
            alive = False
            while not alive:
                by_call, left = draw.random() < 0.6, done < kills
                at = draw.randrange(1, 40)

                def work(at: int = at, by_call: bool = by_call, left: bool = left) -> None:
                    if by_call and left:
                        killed_at_call(at)
                    run(root / "cut")

                alive = child(work, None if by_call or not left else draw.uniform(0.0, span))
                done += not alive
            if found(root / "whole") != found(root / "cut"):
                raise SystemExit(f"after {done} kills: {policy} differs from the run that nobody killed")
            for folder in ("whole", "cut"):
                shutil.rmtree(root / folder)
            runs += 1
    return {"kills": done, "runs": runs, "identical": runs}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(json.dumps(main(given.kills, given.seed)))
