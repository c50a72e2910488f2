"""Time of a decision in shadow: with its proof, its line in the log and the flush to the disk."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adl_opt.datasets.episodes import load
from adl_opt.evaluate.replay import replay
from adl_opt.rounds.round import Outcome, Round
from adl_opt.service.deciding import uncollected
from adl_opt.service.shadow import Shadow
from adl_opt.service.wire import compact, read_line, round_line
from benchmarks.sections import Section

POLICY = "ftrl-exact/min-max-lots"
TARGET = (20_000, 50.0)
"""So many accounts, and so many milliseconds for 99 of 100 decisions."""
TEXT = (
    "Decisions of `{policy}`, one after the other, with their outcomes between them; the first one, which "
    "loads compiled code, is left out. Whole lots, up to the number in `lots`; the proof that the largest "
    "burden is the least possible is derived again in each. `decide`: `adl.Shadow.decide(round_)` from "
    "Python. `line`: from a line of JSON whose numbers are packed, as `decide` writes them. `plain line`: "
    "from a line whose numbers are written out. All end when the decision is in the log and on the disk. "
    "`replay`: what one `adl.replay` of that round alone takes, without proof, log or disk. Milliseconds of "
    "the process, and of the clock (`wall`). The episode is played {plays} times, and the least time of "
    "each round counts; p99 is over rounds. `load` is how many processes wanted a core meanwhile: where it "
    "is above the number of cores, other work made all times longer, and those of the clock most."
)
COLUMNS = ["accounts", "lots", "way", "rounds", "p50", "p99", "wall p50", "wall p99", "load"]
PLAYS = 3
Pair = tuple[Round, Outcome]


def latency_section(sizes: list[int], rounds: int) -> Section:
    """Decide so many rounds of each size, each way; fewer of sizes above the target's."""
    section = Section("Shadow: time of a decision", TEXT.format(policy=POLICY, plays=PLAYS), COLUMNS)
    for size in sizes:
        many = rounds if size <= TARGET[0] else max(3, rounds // 5)
        pairs = list(load(f"synthetic(accounts={size}, rounds={many}, capacity=3e9)"))
        lots = max(int(r.positions.lots.max()) for r, _ in pairs if r.positions is not None)
        ways = {
            "decide": decided,
            "line": told,
            "plain line": partial(told, write=plain_line),
            "replay": alone,
        }
        for way, play in ways.items():
            least = np.min([play(pairs) for _ in range(PLAYS)], axis=0)[1:]
            (p50, wall50), (p99, wall99) = (1e3 * np.quantile(least, [0.5, 0.99], axis=0)).tolist()
            row = {"accounts": size, "lots": lots, "way": way, "rounds": len(least), "p50": p50, "p99": p99}
            row |= {"wall p50": wall50, "wall p99": wall99, "load": os.getloadavg()[0]}
            section.rows.append(row)
            if size == TARGET[0] and way in ("decide", "line"):
                claim = f"{size:,} accounts, {way}: p99 at most {TARGET[1]:.0f} ms of the process, with proof"
                section.targets.append((claim, f"{p99:.1f} ms ({wall99:.1f} by the clock)", p99 <= TARGET[1]))
    return section


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return processor and wall seconds of some work."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def decided(pairs: list[Pair]) -> list[tuple[float, float]]:
    """Return the seconds of each round that is given from Python."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder, Shadow(POLICY, folder) as shadow:
        for round_, outcome in pairs:
            seconds.append(timed(lambda round_=round_: shadow.decide(round_)))
            shadow.reveal(outcome)
    return seconds


def told(pairs: list[Pair], write: Callable[[Round], str] = round_line) -> list[tuple[float, float]]:
    """Return the seconds of each round that comes as a line, as `adl-opt shadow` takes it."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder, Shadow(POLICY, folder) as shadow:
        for round_, outcome in pairs:
            text = write(round_)

            def work(text: str = text) -> None:
                with uncollected():
                    given = read_line(text)
                    assert isinstance(given, Round)  # noqa: S101
                    shadow.decide_line(given, text)

            seconds.append(timed(work))
            shadow.reveal(outcome)
    return seconds


def alone(pairs: list[Pair]) -> list[tuple[float, float]]:
    """Return the seconds of a replay of each round alone, of the first few."""
    return [timed(lambda pair=pair: replay([pair], POLICY)) for pair in pairs[:9]]


def plain_line(round_: Round) -> str:
    """Return a round as a venue might write it: ids and numbers written out."""
    accounts, held = round_.accounts, round_.positions
    made: dict[str, Any] = {"number": int(round_.number), "deficit": float(round_.deficit)}
    made["accounts"] = {name: getattr(accounts, name).tolist() for name in accounts.present()}
    if held is not None:
        columns = {name: getattr(held, name).tolist() for name in held.present() if name != "account"}
        made["positions"] = columns | {"id": accounts.id[held.account].tolist()}
    if round_.flow is not None:
        made["flow"] = {name: getattr(round_.flow, name).tolist() for name in round_.flow.present()}
    return compact({"kind": "round", "round": made})
