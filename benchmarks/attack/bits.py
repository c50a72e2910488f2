"""Flipped bits in everything that is sealed: how many are found, and whether a sweep heals its parts."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

import adl_opt as adl
from adl_opt.datasets.store.folder import save_episode
from adl_opt.studies.sweeps.plan import Plan
from adl_opt.studies.sweeps.run import sweep

PLAN = Plan(
    policies=("pro-rata", "min-max"),
    scenarios=("no-deficit",),
    seeds=4,
    chunk=1,
    parameters={"accounts": (30,)},
)
LATER = ("times.json", ".sweep.lock")
"""Files without a seal: they say nothing of a figure."""


def written(folder: Path) -> dict[str, Path]:
    """Write one of each thing that is sealed; return them by kind."""
    episode = adl.load("synthetic(accounts=6, rounds=2)")
    save_episode(episode, folder / "episode")
    adl.replay(episode, ["pro-rata", "ogd"], out=folder / "result")
    sweep(PLAN, folder / "sweep")
    adl.solve("oct10:28", model="min-max-lp", proof=folder / "proof.json")
    return {kind: folder / kind for kind in ("episode", "result", "sweep")} | {"proof": folder / "proof.json"}


def flipped(things: dict[str, Path], flips: int, seed: int = 0) -> dict[str, Counter[str]]:
    """Flip single bits, each put back afterwards; return how many were found in each kind."""
    rng, found = random.Random(seed), {kind: Counter[str]() for kind in things}  # noqa: S311
    for kind, path in things.items():
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        files = [file for file in files if file.name not in LATER]
        contents = {file: file.read_bytes() for file in files}
        for _ in range(flips):
            file = rng.choice(files)
            damaged = bytearray(contents[file])
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
            file.write_bytes(damaged)
            try:
                adl.verify(path)
            except adl.AdlOptError:
                found[kind]["found"] += 1
            except Exception as error:
                found[kind][f"traceback: {type(error).__name__}"] += 1
            else:
                found[kind]["not found"] += 1
            file.write_bytes(contents[file])
    return found


def healed(folder: Path, flips: int, seed: int = 1) -> Counter[str]:
    """Flip a bit of a part and go on with the sweep; return how often its rows are what they were."""
    rng, seen = random.Random(seed), Counter[str]()  # noqa: S311
    whole = sweep(PLAN, folder, resume=True).rows
    for _ in range(flips):
        part = rng.choice(sorted((folder / "parts").iterdir()))
        damaged = bytearray(part.read_bytes())
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        part.write_bytes(damaged)
        try:
            pd.testing.assert_frame_equal(sweep(PLAN, folder, resume=True).rows, whole)
            adl.verify(folder)
        except Exception as error:
            seen[f"not healed: {type(error).__name__}"] += 1
        else:
            seen["healed"] += 1
    return seen


def bits(folder: Path, flips: int | str = 25_000, healings: int | str = 300) -> list[dict[str, Any]]:
    """Return a row for each kind of thing: flips, and what became of them."""
    things, flips, healings = written(folder), int(flips), int(healings)
    rows = [{"kind": k, "flips": flips, "seen": dict(c)} for k, c in flipped(things, flips).items()]
    shutil.copytree(things["sweep"], folder / "healed")
    seen = dict(healed(folder / "healed", healings))
    return [*rows, {"kind": "sweep part, then --resume", "flips": healings, "seen": seen}]
