"""A sweep's folder: one Parquet file a chunk, whose name holds the SHA-256 of its content."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.errors import InputError, UsageError
from adl_opt.files import new_file, write_bytes, write_text
from adl_opt.locks import only_one, token
from adl_opt.proofs.seals import sealed, sealed_text, sha256_of
from adl_opt.reading.bounded import file_bytes, parquet_table
from adl_opt.studies.sweeps.plan import Plan
from adl_opt.version import __version__

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 2
MANIFEST = "sweep.json"
RESULTS = "results.parquet"
LOCK = ".sweep.lock"
"""The lock of a sweep that is running: there is one for each folder."""


@contextlib.contextmanager
def sweep_folder(folder: Path) -> Iterator[None]:
    """Make a sweep's folder where it is not there, and keep every other process out of it.

    Raises
    ------
    UsageError
        Another process is at work in it.
    InputError
        The disk refuses.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(only_one(folder / LOCK))
        except (OSError, ValueError) as error:
            raise _unusable(folder, error) from error
        yield


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
    facts: dict[str, Any] = {"format": FORMAT, "adl_opt": __version__, "plan": plan.digest()}
    facts = sealed(facts | {"chunks": len(plan.chunks), "markets": len(plan)}, {}, {})
    try:
        (folder / "parts").mkdir(parents=True, exist_ok=True)
        if manifest.exists():
            if not resume and any((folder / "parts").glob("part-*")):
                raise _taken(folder, "a sweep is already there")
            if file_bytes(manifest) != sealed_text(facts).encode():
                raise _taken(folder, "the sweep there is of another plan, or of another version of adl_opt")
        elif _others(folder) or any((folder / "parts").iterdir()):
            raise _taken(folder, "there is something else in the folder")
        else:
            write_text(manifest, sealed_text(facts))
        for stale in (folder / "parts").glob(".part-*.tmp"):
            stale.unlink()  # nobody else is at work here
    except (OSError, ValueError) as error:
        raise _unusable(folder, error) from error
    return [chunk for chunk in range(len(plan.chunks)) if part(folder, chunk) is None]


def part(folder: Path, chunk: int) -> Path | None:
    """Return the file of a chunk whose content is that which its name says; None where there is none."""
    for path in sorted((folder / "parts").glob(f"part-{chunk:08d}-*.parquet")):
        with contextlib.suppress(OSError):
            if path.stem.rpartition("-")[2] == sha256_of(path.read_bytes()):
                return path
    return None


def write_part(folder: Path, chunk: int, frame: pd.DataFrame) -> None:
    """Write the rows of a chunk under a name that holds their SHA-256; what else has its number goes."""
    content = frame.to_parquet(None, index=False)
    path = folder / "parts" / f"part-{chunk:08d}-{sha256_of(content)}.parquet"
    with new_file(path) as file:
        file.write(content)
    for other in path.parent.glob(f"part-{chunk:08d}-*.parquet"):
        if other != path:
            other.unlink()


def write_tables(folder: Path, plan: Plan, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write the tables of a finished sweep, and ``results.json`` with their SHA-256."""
    contents = {name: frame.to_parquet(None, index=False) for name, frame in tables.items()}
    for name, content in contents.items():
        write_bytes(folder / name, content)
    seal = sealed({}, {"adl_opt": __version__, "plan": plan.digest()}, contents)
    write_text(folder / "results.json", sealed_text(seal))


def read_parts(folder: Path, chunks: int) -> pd.DataFrame:
    """Return the rows of all chunks, in the order of their cells."""
    import pandas as pd

    found = [part(folder, chunk) for chunk in range(chunks)]
    if missing := [chunk for chunk, path in enumerate(found) if path is None]:
        raise InputError(
            "a finished part of the sweep is gone, or is not as it was written",
            got=f"{folder}: chunk {missing[0]}",
            ways_out=["run again with --resume: it is run anew"],
        )
    frames: list[pd.DataFrame] = [parquet_table(path).to_pandas() for path in found if path is not None]
    return pd.concat(frames, ignore_index=True)


def _others(folder: Path) -> bool:
    """Say whether a folder without a manifest holds what no sweep has left there."""
    left = re.compile(token(re.escape(MANIFEST)))
    names = {path.name for path in folder.iterdir()} - {"parts", LOCK}
    return not all(left.fullmatch(name) for name in names)


def _unusable(folder: Path, error: Exception) -> InputError:
    got = f"{folder} ({error})"
    return InputError("the folder of the sweep cannot be used", got=got, ways_out=["choose another"])


def _taken(folder: Path, what: str) -> UsageError:
    return UsageError(
        f"{folder.name}: {what}",
        got=str(folder),
        ways_out=["pass --resume to go on with the same plan", "choose another folder"],
    )
