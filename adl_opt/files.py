"""Writing results: nothing half-written, nothing that a spreadsheet would run."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.errors import AdlOptError, UsageError

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


def write_folder(folder: Path, texts: dict[str, str]) -> None:
    """Write several files into a folder; none is touched when one of them cannot be a file.

    Raises
    ------
    AdlOptError
        A target is a folder, or the folder cannot be written.
    """
    for name in texts:
        _check_target(folder / name)
    for name, text in texts.items():
        write_text(folder / name, text)


def _check_target(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(
            "the output is not a plain file",
            got=f"{path} is a link, a folder, a pipe or a device",
            ways_out=["choose another name", "remove it first"],
        )


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8 (see :func:`write_bytes`)."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by a temporary name and a rename, so that it is there whole or not at all.

    Raises
    ------
    AdlOptError
        The folder cannot be written.
    """
    _check_target(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise AdlOptError(
            "the output cannot be written",
            got=f"{path}: {error.strerror or error}",
            ways_out=["choose another place", "check permissions and free space"],
        ) from error
