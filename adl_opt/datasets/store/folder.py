"""Episodes on disk: a folder of Parquet tables and ``episode.toml``, written whole or not at all.

``rounds.parquet`` has one row per round; ``accounts``, ``positions``, ``flow`` and ``gaps`` have the rows of
all rounds with their round number.  ``episode.toml`` names the format, the source, and the SHA-256 of every
table.  What is read back has the same bits, NaN included.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.checks import quoted
from adl_opt.datasets.store.tables import (
    CONTRACTS_SINCE,
    SCHEMA_VERSION,
    TABLES,
    WAYS_OUT,
    from_tables,
    to_tables,
)
from adl_opt.errors import InputError, UsageError
from adl_opt.files import new_folder
from adl_opt.locks import recover_folder
from adl_opt.proofs.seals import sha256_of
from adl_opt.reading.bounded import LARGEST_TOML, file_bytes, toml_file
from adl_opt.rounds.contracts import SPACES, WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.information import Information
from adl_opt.version import __version__

MANIFEST = "episode.toml"

_SEAL = '\n[manifest]\nsha256 = "'
"""What the manifest ends with: the SHA-256 of all above it."""

_SEALED_SINCE = 4
"""Formats below may lack it."""


def save_episode(episode: Episode, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write an episode to a folder.

    Nothing half-written is ever seen under the folder's name, and a kill at any moment leaves the old episode
    or the new one (:mod:`adl_opt.files`).

    Parameters
    ----------
    episode : Episode
    folder : path
        Its parent must exist.
    overwrite : bool
        Replace an episode that is already there; a folder with anything else in it is never replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        The folder is already there, or is not an episode that could be replaced.
    InputError
        A value cannot be stored.
    AdlOptError
        The parent is missing, or the disk refuses.
    """
    folder = Path(folder)
    check_target(folder, overwrite=overwrite)
    tables = to_tables(episode)
    if len(episode.name) + len(episode.source) > LARGEST_TOML // 8:  # a character may be 6 bytes
        got = f"{len(episode.name):,} and {len(episode.source):,} characters"
        raise InputError("name and source of the episode are too long", got=got, ways_out=["shorten them"])
    with new_folder(folder) as fresh:
        facts = {name: _write_table(tables[name], fresh / f"{name}.parquet") for name in TABLES}
        (fresh / MANIFEST).write_bytes(_manifest(episode, facts).encode("utf-8"))
    return folder


def check_target(folder: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a folder that :func:`save_episode` would refuse, before the work that leads to it.

    Raises
    ------
    UsageError
        The folder is already there, or is not an episode that could be replaced.
    InputError
        It cannot be read.
    """
    folder = Path(folder)
    with _disk(f"{folder.name}: the target cannot be read", folder):
        recover_folder(folder)
        _refuse_target(folder, overwrite)


def load_episode(folder: str | PathLike[str]) -> Episode:
    """Read an episode that :func:`save_episode` wrote; older formats are read as the present one.

    Raises
    ------
    InputError
        The folder is no episode, is of a newer format, lacks a file, or has another than was written.
    """
    folder = Path(folder)
    with _disk(f"{folder.name}: the episode cannot be given its name back", folder):
        recover_folder(folder)
    facts = _read_manifest(folder)
    tables = {}
    for name in TABLES:
        path = folder / f"{name}.parquet"
        with _disk(f"{folder.name}: a table of the episode cannot be read", path):
            data = file_bytes(path)
        if (found := hashlib.sha256(data).hexdigest()) != facts["files"][name]["sha256"]:
            got = f"its SHA-256 is {found}, not that of {MANIFEST}"
            raise _refused(folder, f"{path.name} is not the file that was written", got)
        tables[name] = data
    episode = from_tables(folder.name, facts, tables)
    if facts.get("rounds") != len(episode):
        got = f"rounds = {quoted(facts.get('rounds'))}, the tables have {len(episode)}"
        raise _refused(folder, f"{MANIFEST} has another number of rounds", got)
    return episode


def _refuse_target(folder: Path, overwrite: bool) -> None:
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise UsageError(
            f"{folder.name}: the target is already there",
            got=str(folder),
            ways_out=["pass --overwrite (in Python: overwrite=True)", "choose another folder"],
        )
    ours = {MANIFEST, *(f"{name}.parquet" for name in TABLES)}
    is_folder = folder.is_dir() and not folder.is_symlink()
    names = {path.name for path in folder.iterdir()} if is_folder else set()
    if MANIFEST not in names or names - ours:
        others = ", ".join(sorted(names - ours)[:5]) or f"no {MANIFEST}"
        raise UsageError(
            f"{folder.name}: only a folder that holds an episode and nothing else is overwritten",
            got=f"{folder}: {others if is_folder else 'not a folder'}",
            ways_out=["choose another folder", "remove what is there yourself"],
        )


@contextlib.contextmanager
def _disk(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(
            what,
            got=f"{path} ({error})",
            ways_out=["check the path, your rights and the space on the disk", "choose another folder"],
        ) from error


def _write_table(table: Any, path: Path) -> tuple[str, int]:
    """Write one table; return its SHA-256 and its number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, use_dictionary=False, compression="zstd")
    data = sink.getvalue().to_pybytes()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest(), table.num_rows


def _manifest(episode: Episode, facts: dict[str, tuple[str, int]]) -> str:
    lines = [
        f"schema_version = {SCHEMA_VERSION}",
        f"name = {_toml(episode.name)}",
        f"source = {_toml(episode.source)}",
        f"space = {_toml(episode.space)}",
        f"adl_opt = {_toml(__version__)}",
        'units = "USD"',
        f"rounds = {len(episode)}",
    ]
    late = [round_.number for round_, _ in episode if round_.flow_known is Information.WHOLE_ROUND_FLOW]
    lines += [f"{Information.WHOLE_ROUND_FLOW.value} = {late}"] * bool(late)
    for name, (sha256, rows) in facts.items():
        lines += ["", f"[files.{name}]", f"sha256 = {_toml(sha256)}", f"rows = {rows}"]
    text = "\n".join(lines) + "\n"
    return f'{text}{_SEAL}{sha256_of(text)}"\n'


def _toml(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's, but for DEL, which JSON leaves bare."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        text, facts = toml_file(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise _refused(folder, f"{MANIFEST} cannot be read", str(error)) from error
    above, seal, own = text.partition(_SEAL)
    if seal and own != f'{sha256_of(above)}"\n':
        raise _refused(folder, f"{MANIFEST} is not the file that was written", "its SHA-256 is another")
    version = facts.get("schema_version")
    if type(version) is not int or version < 1:
        raise _refused(folder, f"{MANIFEST} has no schema_version", f"schema_version = {quoted(version)}")
    if version > SCHEMA_VERSION:
        got = f"schema_version = {version}, this adl_opt reads up to {SCHEMA_VERSION}"
        raise _refused(folder, "its format is newer", got, "update adl_opt")
    if not seal and version >= _SEALED_SINCE:
        raise _refused(folder, f"{MANIFEST} is not the file that was written", "it has no SHA-256 of its own")
    if facts.get("units") != "USD":
        raise _refused(folder, "the units are not USD", f"units = {quoted(facts.get('units'))}")
    if version < CONTRACTS_SINCE:
        facts["space"] = WEALTH
    if facts.get("space") not in SPACES:
        raise _refused(folder, f"{MANIFEST} has no space", f"space = {quoted(facts.get('space'))}")
    for key in ("name", "source"):
        if not isinstance(facts.get(key), str):
            raise _refused(folder, f"{MANIFEST} lacks a text", f"{key} = {quoted(facts.get(key))}")
    files = facts.get("files")
    for name in TABLES:
        entry = files.get(name) if isinstance(files, dict) else None
        if not (isinstance(entry, dict) and isinstance(entry.get("sha256"), str)):
            raise _refused(folder, f"{MANIFEST} lacks a SHA-256", f"files.{name} = {quoted(entry)}")
    if version == 1:  # it names the rows of the rounds table, not the rounds
        facts["rounds"] = facts["files"]["rounds"].get("rows")
    return facts


def _refused(folder: Path, why: str, got: str, *ways_out: str) -> InputError:
    return InputError(
        f"{folder.name}: not an episode that can be loaded: {why}",
        got=f"{folder}: {got}",
        ways_out=[*ways_out, *WAYS_OUT],
    )
