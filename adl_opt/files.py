"""Writing results: whole or not at all, lasting, and nothing that a spreadsheet would run.

Every file and folder that this package writes goes through here.  A file is written under a temporary name
in the same folder, flushed to the disk (fsync), and renamed; then the folder is flushed.  A kill at any
moment leaves the old file or the new one.  The temporary name is the target's name with 32 random digits, so
no other program uses it.  A failure removes the temporary file.  A kill cannot: a later write of the same
name removes what is left, if it has not changed for a day.

A folder is written in the same way.  Replacing a folder takes two renames: the old one becomes
``.NAME.DIGITS.old``, then ``.NAME.DIGITS.tmp`` becomes the new one.  A kill between the two leaves both, and
:func:`recover_folder` gives the old folder its name back.  If only the ``.old`` one is left, the new folder
was complete, and the old one is not recovered.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from adl_opt.errors import AdlOptError, UsageError

if TYPE_CHECKING:
    import pandas as pd

STALE_S = 86_400
"""A temporary file or folder that has not changed for so many seconds was left by a kill."""

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """Return text that a spreadsheet takes as text (account ids may be chosen by an attacker; CWE-1236).

    Examples
    --------
    >>> safe_cell("=HYPERLINK(1)"), safe_cell("0xab")
    ("'=HYPERLINK(1)", '0xab')
    """
    return f"'{text}" if text.startswith(_ACTIVE) and text != "-" else text


def to_csv(frame: pd.DataFrame, *, index: bool = True) -> str:
    """Return a frame as CSV with every text cell made safe; numbers keep all their digits."""
    frame = frame.reset_index() if index else frame
    frame = frame.map(lambda v: safe_cell(v) if isinstance(v, str) else v)
    return str(frame.to_csv(index=False, lineterminator="\n"))


def to_json(value: Any) -> str:
    """Return JSON with two-space indent; figures that are not known (NaN) become null."""
    return json.dumps(_plain(value), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_folder(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write several files into a folder, texts as UTF-8: all are on the disk before the first takes its name.

    The folder and those above it are made where they are not there.

    Raises
    ------
    AdlOptError
        A target is not a plain file, or the folder cannot be written.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name, content in contents.items():
            file = stack.enter_context(new_file(folder / name))
            with _told(folder / name):
                file.write(content.encode() if isinstance(content, str) else content)
                _to_disk(file)


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8, whole or not at all (see :func:`write_folder`)."""
    write_folder(path.parent, {path.name: text})


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all (see :func:`write_folder`)."""
    write_folder(path.parent, {path.name: content})


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give an open file; when the block ends well it takes the name ``path``, else nothing is left of it.

    Its folder must exist.  It keeps the permissions of the file that it replaces.

    Raises
    ------
    AdlOptError
        The target is not a plain file, or the disk refuses.
    """
    with _told(path):
        odd = path.is_symlink() or (path.exists() and not path.is_file())
    if odd:
        raise UsageError(
            "the output is not a plain file",
            got=f"{path} is a link, a folder, a pipe or a device",
            ways_out=["choose another name", "remove it first"],
        )
    remove_leftovers(path)
    with _told(path):
        fresh = _beside(path, ".tmp")
        try:
            with fresh.open("xb") as file:
                yield file
                _to_disk(file)
            if path.exists():
                fresh.chmod(stat.S_IMODE(path.stat().st_mode))
            os.replace(fresh, path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        _folder_to_disk(path.parent)


def take_name(part: Path, path: Path) -> None:
    """Give a complete file its name: for a download, whose part is kept after a failure.

    Raises
    ------
    OSError
        The disk refuses.
    """
    _file_to_disk(part)
    os.replace(part, path)
    _folder_to_disk(path.parent)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder; when the block ends well it takes the name ``folder`` as one.

    A folder of that name is replaced: the caller must know that it may be.  The folder above must exist.

    Raises
    ------
    AdlOptError
        The disk refuses.
    """
    with _told(folder):
        fresh = _beside(folder, ".tmp")
        aside = fresh.with_suffix(".old")
        remove_leftovers(folder)
        fresh.mkdir()
        try:
            yield fresh
            for path in fresh.iterdir():
                _file_to_disk(path)
            _folder_to_disk(fresh)
            if folder.exists():
                os.rename(folder, aside)
            os.rename(fresh, folder)
            _folder_to_disk(folder.parent)
        except BaseException:
            if aside.exists() and not folder.exists():
                os.rename(aside, folder)
            raise
        finally:
            if folder.exists() or not aside.exists():  # else the pair is what recover_folder needs
                shutil.rmtree(fresh, ignore_errors=True)
                shutil.rmtree(aside, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Give a folder its name back where a writer was killed between its two renames.

    Raises
    ------
    OSError
        The disk refuses.
    """
    if os.path.lexists(folder):
        return
    for aside in _leftovers(folder, ".old"):
        fresh = aside.with_suffix(".tmp")
        if fresh.is_dir():
            try:
                os.rename(aside, folder)
            except OSError:
                if not os.path.lexists(folder):
                    raise
            else:
                shutil.rmtree(fresh, ignore_errors=True)
            return


def remove_leftovers(path: Path) -> None:
    """Remove what killed writers of this name have left."""
    old = time.time() - STALE_S
    for left in _leftovers(path, ".tmp"):
        try:
            if max(p.lstat().st_mtime for p in (left, *left.glob("*"))) > old:
                continue
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        except OSError:
            continue  # another writer removed it first, or we may not
    for left in _leftovers(path, ".old"):
        if not left.with_suffix(".tmp").exists():
            shutil.rmtree(left, ignore_errors=True)


def refuse_replacing(out: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse an output that would replace one of the inputs.

    Raises
    ------
    UsageError
        They are the same file.
    """
    if out.exists() and any(os.path.exists(given) and out.samefile(given) for given in inputs):
        raise UsageError(
            "the output would replace its own input", got=str(out), ways_out=["choose another output"]
        )


def _folder_to_disk(folder: Path) -> None:
    """Flush the names in a folder to the disk (Windows cannot open folders, and needs no flush)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def as_paths(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None) -> list[Path]:
    """Return one path, several, or none (None) as a list.

    Examples
    --------
    >>> as_paths(None), [str(path) for path in as_paths("a")]
    ([], ['a'])
    """
    return [Path(path) for path in ([given] if isinstance(given, (str, os.PathLike)) else given or ())]


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{suffix}")


def _leftovers(path: Path, suffix: str) -> list[Path]:
    name = re.compile(re.escape(f".{path.name}.") + "[0-9a-f]{32}" + re.escape(suffix))
    try:
        return [path.with_name(entry) for entry in os.listdir(path.parent) if name.fullmatch(entry)]
    except (OSError, ValueError):
        return []  # no such folder: nothing can be left in it


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say plainly that a path cannot be written."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise AdlOptError(
            "the output cannot be written",
            got=f"{path}: {getattr(error, 'strerror', None) or str(error).partition(chr(10))[0]}",
            ways_out=["choose another place", "check that the folder exists, your rights and the free space"],
        ) from error


def _file_to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        _to_disk(file)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
