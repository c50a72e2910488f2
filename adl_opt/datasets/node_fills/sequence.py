"""Files in the order of their hours: a node names them by date and hour, without a leading zero.

The hour is in the name (``node_fills_20251010_21.lz4``) or in the folder and the name (``20260717/9.lz4``).
Files that are named by nothing but the hour are sorted by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from adl_opt.datasets.node_fills.lines import in_parts

Named = tuple[str, tuple[Path, ...]]
_HOUR = re.compile(r"(?<!\d)(\d{8})[_/-](\d{1,2})(?!\d)", re.ASCII)
_BARE = re.compile(r"(\d{1,2})(\.\w+)*", re.ASCII)


def in_sequence(paths: Sequence[Path], notes: list[str]) -> list[Named]:
    """Return (name, parts) sorted by hour where all have one, and note which hours are not there.

    Examples
    --------
    >>> files = [Path("hourly/20260717/10.lz4"), Path("hourly/20260717/9.lz4")]
    >>> notes = []
    >>> [name for name, _ in in_sequence(files, notes)], notes
    (['20260717/9.lz4', '20260717/10.lz4'], ['the files were put in the order of their hours'])
    """
    named = [(_told(name, files), files) for name, files in in_parts(paths)]
    hours = [hour for name, files in named if (hour := _hour_of(name, files[0])) is not None]
    if len(hours) < len(named):
        return named
    rows = sorted(range(len(named)), key=lambda row: hours[row])
    if rows != list(range(len(named))):
        notes.append("the files were put in the order of their hours")
    for before, after in pairwise(rows):
        if hours[after] > hours[before] + 1:
            notes.append(f"hours are missing between {named[before][0]} and {named[after][0]}")
    return [named[row] for row in rows]


def _told(name: str, files: tuple[Path, ...]) -> str:
    """Return the name of a file, with its folder where the name is a mere hour."""
    folder = files[0].parent.name
    return f"{folder}/{name}" if folder and _BARE.fullmatch(name) else name


def _hour_of(name: str, path: Path) -> int | None:
    """Return the hour that a name carries, counted from year 1, or from its day where it carries no date."""
    match = _HOUR.search(name)
    date, hour = match.groups() if match else ("00010101", _hour_alone(path))
    if hour is None or int(hour) > 23:
        return None
    try:
        return datetime.strptime(date, "%Y%m%d").toordinal() * 24 + int(hour)
    except ValueError:
        return None


def _hour_alone(path: Path) -> str | None:
    match = _BARE.fullmatch(path.name)
    return match[1] if match else None
