"""Run one measurement in a process of its own: its own peak memory, and a hard end at its limit."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

FEW = 50
GRACE = 20.0  # seconds for imports, building and reading back beyond the stated limit


@dataclass
class Outcome:
    """Value of the call, or why there is none; processor seconds and peak memory (MiB) of the process."""

    value: Any = None
    cpu_seconds: float | None = None
    failure: str = ""
    peak_mib: float | None = None


@contextmanager
def spread(count: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Give a `map` over all cores; over few items it stays in this process."""
    if count < FEW:
        yield map
        return
    pool = ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def run(function: Callable[..., Any], *args: Any, limit: float = 600.0) -> Outcome:
    """Call `function(*args)` in a fresh process; kill it (and what it started) well beyond the limit."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread for numpy, in the floor as in the kernels
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, function, args))
    process.start()
    theirs.close()
    outcome = Outcome(failure=f"killed {GRACE:.0f} s beyond the limit")
    with suppress(EOFError):
        if ours.poll(1.2 * limit + GRACE):
            outcome = Outcome(failure="died without an answer")
            outcome = ours.recv()
    process.join(2.0)
    if process.is_alive() and process.pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
    return outcome


def seconds(outcome: Outcome) -> float:
    """Time of a peer: wall or processor time, whichever is less: other work does not count against it."""
    wall = float(outcome.value.seconds)
    return wall if outcome.cpu_seconds is None else min(wall, outcome.cpu_seconds)


def peak_mib() -> float:
    """Peak resident memory of this process, MiB (Linux counts it afresh for each program)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def answered(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """Call `function(*args)` here; a peer's failure is a result, told as such."""
    try:
        outcome = Outcome(function(*args))
    except ImportError as error:
        outcome = Outcome(failure=f"not installed ({error.name})")
    except Exception as error:
        outcome = Outcome(failure=f"error: {type(error).__name__}: {' '.join(str(error).split())[:120]}")
    outcome.peak_mib = peak_mib()
    return outcome


def _child(pipe: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Run in the new process: a session of its own, silent on the terminal."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    outcome = answered(function, args)
    outcome.cpu_seconds = sum(os.times()[:4])  # with those of ended children, such as CBC
    pipe.send(outcome)
    pipe.close()
