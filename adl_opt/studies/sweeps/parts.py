"""A sweep's folder: one Parquet file a chunk, written under a temporary name and renamed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from adl_opt.errors import InputError, UsageError
from adl_opt.files import new_file, write_text
from adl_opt.studies.sweeps.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
MANIFEST = "sweep.json"
RESULTS = "results.parquet"


def open_folder(folder: Path, plan: Plan, resume: bool) -> list[int]:
    """Make or reopen a sweep's folder; return the chunks that are still to be run.

    Raises
    ------
    UsageError
        The folder holds finished work and ``resume`` is off, or it is that of another plan.
    InputError
        The disk refuses, or the manifest cannot be read.
    """
    manifest = folder / MANIFEST
    facts = {"format": FORMAT, "plan": plan.digest(), "chunks": len(plan.chunks), "markets": len(plan)}
    try:
        (folder / "parts").mkdir(parents=True, exist_ok=True)
        if manifest.exists():
            if not resume and any((folder / "parts").glob("part-*")):
                raise _taken(folder, "a sweep is already there")
            if json.loads(manifest.read_text(encoding="utf-8")) != facts:
                raise _taken(folder, "the sweep there is of another plan")
        elif {p.name for p in folder.iterdir()} - {"parts"} or any((folder / "parts").iterdir()):
            raise _taken(folder, "there is something else in the folder")
        else:
            write_text(manifest, json.dumps(facts, indent=1) + "\n")
        for stale in (folder / "parts").glob(".*.tmp"):
            stale.unlink()
    except (OSError, ValueError) as error:
        raise InputError(
            "the folder of the sweep cannot be used", got=f"{folder} ({error})", ways_out=["choose another"]
        ) from error
    return [c for c in range(len(plan.chunks)) if not _whole(part(folder, c), plan, c)]


def part(folder: Path, chunk: int) -> Path:
    """Return the file of a chunk."""
    return folder / "parts" / f"part-{chunk:08d}.parquet"


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as Parquet, whole or not at all."""
    with new_file(path) as file:
        file.write(frame.to_parquet(None, index=False))


def read_parts(folder: Path, chunks: int) -> pd.DataFrame:
    """Return the rows of all chunks, in the order of their cells."""
    import pandas as pd

    return pd.concat([pd.read_parquet(part(folder, c)) for c in range(chunks)], ignore_index=True)


def _whole(path: Path, plan: Plan, chunk: int) -> bool:
    """Tell whether a part is there with all its cells; one that is damaged is run again."""
    if not path.exists():
        return False
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        cells = pq.read_table(path, columns=["cell"])["cell"].to_pylist()
    except (OSError, pa.ArrowException):
        return False
    width, jobs = len(plan.policies), plan.chunks[chunk]
    return bool(cells == list(range(jobs.start * width, jobs.stop * width)))


def _taken(folder: Path, what: str) -> UsageError:
    return UsageError(
        f"{folder.name}: {what}",
        got=str(folder),
        ways_out=["pass --resume to go on with the same plan", "choose another folder"],
    )
