"""Writing results: whole or not at all, lasting, and nothing that a spreadsheet would run.

Every file and folder that this package writes goes through here.  A file is written under a temporary name
in the same folder, flushed to the disk (fsync), and renamed; then the folder is flushed.  A kill at any
moment leaves the old file or the new one.  The temporary name is the target's name with 32 random digits, so
no other program uses it.  A failure removes the temporary file.  A kill cannot: the next write of the same
name removes what is left, unless another process writes there at that moment (:mod:`adl_opt.locks`).

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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from adl_opt.errors import AdlOptError, UsageError
from adl_opt.locks import beside, recover_folder, refuse_inputs, remove_leftovers, token, writing_in

if TYPE_CHECKING:
    import pandas as pd

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

    Where the folder holds nothing else, it is replaced as one, so that the files of two runs never stand side
    by side.  The folder and those above it are made where they are not there.

    Raises
    ------
    AdlOptError
        A target is not a plain file, or the folder cannot be written.
    """
    folder = Path(os.path.realpath(folder))
    with _told(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover_folder(folder)
        refuse_inputs(folder, whole=True)
        alone = not os.path.lexists(folder) or not _others(folder, contents)
    if alone and folder.name:
        for name in contents:
            _refuse_odd(folder / name)
        with new_folder(folder) as fresh, _told(folder):
            for name, content in contents.items():
                (fresh / name).write_bytes(_bytes(content))
        return

    def clean(nobody: bool) -> None:
        for name in contents:
            remove_leftovers(folder / name, nobody)

    with writing_in(folder, clean), ExitStack() as stack:
        for name, content in contents.items():
            file = stack.enter_context(_new_file(folder / name))
            with _told(folder / name):
                file.write(_bytes(content))
                _to_disk(file)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _others(folder: Path, contents: Iterable[str]) -> bool:
    """Say whether a folder holds anything but plain files of these names, and what kills left of them."""
    own = re.compile("|".join([re.escape(n) for n in contents] + [token(re.escape(n)) for n in contents]))
    is_plain = folder.is_dir() and not folder.is_symlink()
    return not is_plain or any(not own.fullmatch(e.name) or e.is_dir() for e in folder.iterdir())


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8, whole or not at all; folders are made where they are not there."""
    write_bytes(path, text)


def write_bytes(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; folders are made where they are not there."""
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as file, _told(path):
        file.write(_bytes(content))


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give an open file; when the block ends well it takes the name ``path``, else nothing is left of it.

    Its folder must exist.  It keeps the permissions of the file that it replaces.

    Raises
    ------
    AdlOptError
        The target is not a plain file, lies in an episode, or the disk refuses.
    """
    with writing_in(path.parent, partial(remove_leftovers, path)), _new_file(path) as file:
        yield file


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    _refuse_odd(path)
    with _told(path):
        fresh = beside(path, ".tmp")
        try:
            with fresh.open("xb") as file:
                _same_mode(path, fresh)
                yield file
                _to_disk(file)
            os.replace(fresh, path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        _folder_to_disk(path.parent)


def _refuse_odd(path: Path) -> None:
    """Refuse a target that is not a plain file, is read, or lies in the folder of an episode."""
    refuse_inputs(path)
    with _told(path):
        odd = path.is_symlink() or (path.exists() and not path.is_file())
        inside = (path.parent / "episode.toml").exists()
    if odd:
        raise UsageError(
            "the output is not a plain file",
            got=f"{path} is a link, a folder, a pipe or a device",
            ways_out=["choose another name", "remove it first"],
        )
    if inside:
        raise UsageError(
            "the output lies in the folder of an episode, which holds nothing else",
            got=str(path),
            ways_out=["choose a place outside of that folder"],
        )


def _same_mode(before: Path, fresh: Path) -> None:
    """Give a new file or folder the permissions of the one that it replaces."""
    if before.exists():
        fresh.chmod(stat.S_IMODE(before.stat().st_mode))


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
    lock = writing_in(folder.parent, partial(remove_leftovers, folder))
    with _told(folder), lock:
        fresh = beside(folder, ".tmp")
        aside = fresh.with_suffix(".old")
        fresh.mkdir()
        try:
            yield fresh
            for path in fresh.iterdir():
                _same_mode(folder / path.name, path)
                _file_to_disk(path)
            _same_mode(folder, fresh)
            _folder_to_disk(fresh)
            if folder.exists():
                refuse_inputs(folder, whole=True)
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
