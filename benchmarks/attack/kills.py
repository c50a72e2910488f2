"""SIGKILL before every call of a writer that touches the disk, and in the middle of every write, one by one.

What is then found must be the old content or the new one, whole; what stands beside it must be as it was, and
the next run must leave nothing of the killed one.  ``python -m benchmarks.attack kills`` does it all.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

import adl_opt as adl
from adl_opt.chunked.solve import solve_chunked
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.datasets.store.folder import save_episode
from adl_opt.files import new_file, write_folder, write_text
from adl_opt.locks import recover_folder
from adl_opt.reports.figures import write as figure_files
from adl_opt.reports.figures.draw import draw
from adl_opt.reports.figures.style import rendered
from adl_opt.studies.sweeps.plan import Plan
from adl_opt.studies.sweeps.run import sweep as run_sweep

CALLS = ("fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "open")
TIMES = "times.json"
FILLS = Path(__file__).parents[2] / "tests" / "datasets" / "node_fills" / "data"


def text(path: Path, word: str) -> None:
    """Write a text."""
    write_text(path / "a", word * 100_000)


def texts(path: Path, word: str) -> None:
    """Write a folder of texts, as one."""
    write_folder(path, {"a.csv": word, "b.json": word * 2})


def among(path: Path, word: str) -> None:
    """Write texts into a folder that holds others."""
    write_folder(path.parent, {"a.csv": word, "b.json": word * 2})


def stream(path: Path, word: str) -> None:
    """Write a file piece by piece."""
    with new_file(path) as file:
        for _ in range(5):
            file.write(word.encode() * 100_000)


def chunked(path: Path, word: str) -> None:
    """Solve a round chunk by chunk."""
    accounts = path.with_name("accounts.parquet")
    solve_chunked(accounts, path, "pro-rata", float(len(word)), overwrite=True)


@cache
def episode_of(word: str) -> adl.Episode:
    """Return an episode for each word."""
    return adl.load(f"synthetic(accounts=5, rounds=1, seed={len(word)})")


def episode(path: Path, word: str) -> None:
    """Save an episode, as one."""
    save_episode(episode_of(word), path, overwrite=True)


def result(path: Path, word: str) -> None:
    """Write the tables of a replay, as one."""
    adl.replay(episode_of(word), "pro-rata", out=path)


def solved(path: Path, word: str) -> None:
    """Write all rows and the proof of a round."""
    rows, proof = path / "rows.csv", path / "proof.json"
    adl.solve("oct10:28", float(len(word)), model="min-max-lp", out=rows, proof=proof)


def exported(path: Path, word: str) -> None:
    """Write a program for other solvers."""
    adl.export("oct10:28", model="min-max-lp", budget=float(len(word)), out=path / "a.mps")


def vectors(path: Path, word: str) -> None:
    """Write test vectors."""
    adl.vectors("pro-rata", path / "vectors.json", count=2, seed=len(word))


def report(path: Path, word: str) -> None:
    """Write a report."""
    adl.report(episode_of(word), out=path / "report.html")


def figures(path: Path, word: str) -> None:
    """Write figures; each is drawn once for each word, since drawing touches no disk and takes long."""
    kept, places = DRAWN.setdefault(word, {}), count()

    def once(draw_it: Callable[[], Any], kind: str) -> bytes:
        place = next(places)
        if place not in kept:
            kept[place] = rendered(draw_it(), kind)
        return kept[place]

    later = lambda figure, **more: partial(draw, figure, **more)  # noqa: E731
    with mock.patch.multiple(figure_files, draw=later, rendered=once):
        adl.figures(episode_of(word), path, ["pro-rata"], formats="svg")


def explained(path: Path, word: str) -> None:
    """Explain every account of a round."""
    path.mkdir(exist_ok=True)
    round_ = f"synthetic(accounts=3, rounds=1, seed={len(word)}):1"
    adl.explain(round_, policy="pro-rata", everything=True, out=path / "all.jsonl")


def imported(path: Path, word: str) -> None:
    """Import node fills, with haircuts beside the episode."""
    path.mkdir(exist_ok=True)
    given = sorted(FILLS.glob("node_fills*.json"))
    import_node_fills(
        given, path / "e", haircuts=path / "haircuts.csv", gap_ms=5000 + len(word), overwrite=True
    )


DRAWN: dict[str, dict[int, bytes]] = {}
QUICK = (text, texts, among, stream, chunked, episode, result)
"""Every way of :mod:`adl_opt.files` to write; the commands below come down to them."""

KINDS = (*QUICK, solved, exported, vectors, explained, imported, report, figures)
WHOLE = (texts, episode, result, figures)
"""Folders that are old or new as one; elsewhere each file is."""


def found(path: Path) -> dict[str, bytes]:
    """Return what a reader finds: the content of every file by its place; none under a temporary name."""
    recover_folder(path)
    recover_folder(path / "e")  # the episode of an import
    if path.is_file():
        return {"": path.read_bytes()}
    files = [p for p in path.rglob("*") if p.is_file() and p.name != TIMES and not _temporary(p, path)]
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(files)}


def _temporary(file: Path, root: Path) -> bool:
    return any(re.fullmatch(r"\..*\.[0-9a-f]{32}\.(tmp|old)", part) for part in file.relative_to(root).parts)


def child(work: Callable[[], None]) -> bool:
    """Do some work in a child process; say whether it lived to the end."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def killed_before(call: int, write: Callable[[], None]) -> None:
    """Write, and be killed before that call (from 1), or in the middle of it where it writes."""
    calls = 0

    def due() -> bool:
        nonlocal calls
        calls += 1
        return calls == call

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **more: object) -> object:
            if due():
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)

        return run

    class Torn(io.FileIO):
        def write(self, data: Any) -> int:
            if due():
                super().write(memoryview(data).cast("B")[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return super().write(data)

    real_open = io.open

    def opened(file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
        if mode.strip("b") in ("w", "x", "a", "r+") and "b" in mode:
            raw = Torn(file, "r+" if "+" in mode else mode.strip("b"))
            return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return real_open(file, mode, *args, **more)

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    io.open = opened  # type: ignore[assignment]
    write()


def attacked(kind: Callable[[Path, str], None], folder: Path, share: int = 1) -> Counter[str]:
    """Kill a writer at each so-many-th of its calls; return how often each state was found."""
    folder.mkdir()
    path, foreign = folder / "target", folder / ".target.old"
    foreign.write_text("mine")
    pq.write_table(pa.table({"id": ["a", "b"], "capacity_usd": [100.0, 300.0]}), folder / "accounts.parquet")
    root = folder if kind is among else path
    kept, seen = {}, Counter[str]()
    for word in ("new!", "old"):
        kind(path, word)
        kept[word] = found(root)
    shutil.copytree(folder, aside := folder.with_name(f"{folder.name}-old"))
    call, alive = 1 - share, False
    while not alive:
        call += share
        shutil.rmtree(folder)
        shutil.copytree(aside, folder)
        alive = child(partial(killed_before, call, partial(kind, path, "new!")))
        seen[_state(kind, found(root), kept)] += 1
        child(partial(kind, path, "new!"))
        left = [p.name for p in folder.rglob("*") if _temporary(p, folder)]
        now = found(root)
        if left or now != kept["new!"] or foreign.read_text() != "mine":
            seen[f"not mended: {left or sorted(now)}"] += 1
    seen["calls"] = call
    return seen


def _state(kind: Callable[..., None], now: dict[str, bytes], kept: dict[str, dict[str, bytes]]) -> str:
    words = {word for word, content in kept.items() if now == content}
    if words or kind in WHOLE:
        return " or ".join(sorted(words)) or f"torn: {sorted(now)}"
    files = kept["old"].keys() | kept["new!"].keys()
    same = all(now.get(f) in (kept["old"].get(f), kept["new!"].get(f)) for f in files | now.keys())
    return "each file old or new!" if same else f"torn: {sorted(now)}"


PLAN = Plan(policies=("pro-rata",), scenarios=("no-deficit",), seeds=2, chunk=1)


def swept(folder: Path, share: int = 1) -> Counter[str]:
    """Kill a sweep at each so-many-th of its calls and go on with it; return how often it ends the same."""
    work = partial(run_sweep, PLAN, folder, resume=True)
    work()
    whole, seen = found(folder), Counter[str]()
    call, alive = 1 - share, False
    while not alive:
        call += share
        shutil.rmtree(folder)
        alive = child(partial(killed_before, call, work))
        child(work)
        left = [p.name for p in folder.rglob(".*")]
        seen["whole" if found(folder) == whole and not left else f"broken: {left}"] += 1
    seen["calls"] = call
    return seen


def kills(folder: Path, share: int | str = 1, *names: str) -> list[dict[str, Any]]:
    """Return a row for each writer: its calls, and what was found after a kill at every so-many-th.

    ``names`` are some of them, by default all.
    """
    share = int(share)
    os.fsync = lambda file: None  # a kill loses nothing that the system has
    rows = []
    writers = {kind.__name__: kind for kind in KINDS} | {"sweep": None}
    for name in names or writers:
        kind = writers[name]
        seen = attacked(kind, folder / name, share) if kind else swept(folder / name, share)
        rows.append({"writer": name, "calls": seen.pop("calls"), "found": dict(seen)})
        print(rows[-1], file=sys.stderr, flush=True)
    return rows
