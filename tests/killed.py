"""Kills a writer before each of its calls that touch the disk, one by one: run by tests/test_files.py.

``python -m tests.killed KIND FOLDER`` prints, for each kill, the content that is then found: old or new.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adl_opt.chunked.solve import solve_chunked
from adl_opt.datasets.episodes import load
from adl_opt.datasets.store.folder import save_episode
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.files import new_file, write_folder, write_text
from adl_opt.locks import recover_folder
from adl_opt.studies.sweeps.plan import Plan
from adl_opt.studies.sweeps.run import sweep as run_sweep

TIMES = "times.json"
CALLS = ("fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "open")


def text(path: Path, word: str) -> None:
    """Write a text."""
    write_text(path, word * 100_000)


def texts(path: Path, word: str) -> None:
    """Write a folder of texts."""
    write_folder(path, {"a.csv": word, "b.json": word * 2})


def stream(path: Path, word: str) -> None:
    """Write a file piece by piece."""
    with new_file(path) as file:
        for _ in range(5):
            file.write(word.encode() * 100_000)


def chunked(path: Path, word: str) -> None:
    """Solve a round chunk by chunk."""

    accounts = path.with_name("accounts.parquet")
    if not accounts.exists():
        pq.write_table(pa.table({"id": ["a", "b"], "capacity_usd": [100.0, 300.0]}), accounts)
    solve_chunked(accounts, path, "pro-rata", float(len(word)), overwrite=True)


def result(path: Path, word: str) -> None:
    """Write the tables of a replay."""
    replayed(word).write(path)


@cache
def replayed(word: str) -> Result:
    """Return a replay, made once and before anything is killed."""
    return replay(f"synthetic(accounts=5, rounds=1, seed={len(word)})", "pro-rata")


def sweep(path: Path) -> None:
    """Run a sweep, or go on with it."""
    plan = Plan(policies=("pro-rata",), scenarios=("no-deficit",), seeds=2, chunk=1)
    run_sweep(plan, path, resume=True)


def episode(path: Path, word: str) -> None:
    """Save an episode."""
    save_episode(load(f"synthetic(accounts=5, rounds=1, seed={len(word)})"), path, overwrite=True)


KINDS = (text, texts, stream, chunked, result, episode)


def found(path: Path) -> dict[str, bytes]:
    """Return what a reader finds: the content of every file by its place; none under a temporary name."""
    recover_folder(path)
    files = (
        [path]
        if path.is_file()
        else sorted(p for p in path.rglob("[!.]*") if p.is_file() and p.name != TIMES)
    )
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def child(work: Callable[[], None]) -> bool:
    """Do some work in a child process; say whether it lived to the end."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def killed_before(call: int, write: Callable[[], None]) -> None:
    """Write, and be killed before that call (from 1)."""
    calls = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **more: object) -> object:
            nonlocal calls
            calls += 1
            if calls == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)

        return run

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    write()


def main(kind: str, folder: str) -> None:
    """Kill a writer at each of its calls."""
    write = next(k for k in KINDS if k.__name__ == kind)
    path, contents = Path(folder) / "target", []
    if kind == "result":
        replayed("new!"), replayed("old")
    for word in ("new!", "old"):
        assert child(lambda word=word: write(path, word))
        contents.append(found(path))
    call, alive = 0, False
    while not alive:
        call += 1
        assert child(lambda: write(path, "old"))
        left = [p for p in Path(folder).rglob(".*") if p.suffix in (".tmp", ".old")]
        alive = child(lambda call=call: killed_before(call, lambda: write(path, "new!")))
        now, (new, old) = found(path), contents
        state = "new" if now == new else "old" if now == old else f"broken: {sorted(now)}"
        print(state, f"({len(now) - len(old)} more, {len(left)} left)", flush=True)


def sweeps(folder: str, step: str = "1") -> None:
    """Kill a sweep at each of its calls, or at every so many, and go on with it."""
    path = Path(folder) / "target"
    assert child(lambda: sweep(path))
    whole, call, alive = found(path), 0, False
    while not alive:
        call += int(step)
        shutil.rmtree(path)
        alive = child(lambda call=call: killed_before(call, lambda: sweep(path)))
        assert child(lambda: sweep(path))
        left = [p.name for p in path.rglob(".*")]
        print("whole" if found(path) == whole else f"broken: {sorted(found(path))}", left, flush=True)


if __name__ == "__main__":
    sweeps(*sys.argv[2:]) if sys.argv[1] == "sweep" else main(*sys.argv[1:])
