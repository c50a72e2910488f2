"""CSV files read with care: text stays text, numbers are finite, every refusal names file, line and column.

Only the standard library and numpy are used, so that an offending cell can be named by its line in the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.datasets.csv.text import csv_records
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Floats, Ints, Text

LONGEST_TEXT = 256
"""Longest id, market or coin, in characters (one giant cell would blow up a whole numpy text column)."""

EXACT = 2.0**53
"""Largest number up to which floats count exactly."""

LARGEST = 1e15
"""Largest amount, price or size that is believed (beyond 9e13 USD a float no longer resolves a cent)."""

_CORRECT = ("correct the value in the file", "drop the line, if it does not belong there")


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of a CSV file, as text, by the names that the loader uses.

    Parameters
    ----------
    path : Path
    cells : dict of name to list of str
    spelled : dict of name to str
        The header of each column as the file spells it.
    lines : (n,) int
        Line of the file, counted from 1, on which each row starts.
    """

    path: Path
    cells: dict[str, list[str]]
    spelled: dict[str, str]
    lines: Ints

    def __len__(self) -> int:
        return int(self.lines.size)

    def __contains__(self, name: str) -> bool:
        return name in self.cells

    def refuse(
        self, name: str, wrong: npt.NDArray[np.bool_], why: str, ways_out: Iterable[str] = _CORRECT
    ) -> None:
        """Raise an InputError that names the line and the value of the first wrong cell, if there is one."""
        if not wrong.any():
            return
        row, count = int(np.argmax(wrong)), int(wrong.sum())
        more = f" (and {count - 1} more lines)" if count > 1 else ""
        column = self.spelled[name]
        raise InputError(
            f"{self.path.name}: a value of column {column!r} {why}",
            got=f"line {self.lines[row]}, column {column!r}: {shown(self.cells[name][row])}{more}",
            ways_out=ways_out,
        )

    def text(self, name: str) -> Text:
        """Return a column as text: never blank, never padded; "NA" and "null" stay what they are."""
        cells = self.cells[name]
        self.refuse(name, _which(not cell.strip() for cell in cells), "is blank")
        self.refuse(name, _which(cell != cell.strip() for cell in cells), "begins or ends with a blank")
        too_long = _which(len(cell) > LONGEST_TEXT for cell in cells)
        self.refuse(name, too_long, f"is longer than {LONGEST_TEXT} characters")
        return np.array(cells, dtype=np.str_)

    def numbers(self, name: str, kind: str = "usd") -> Floats:
        """Return a column as finite numbers.

        Parameters
        ----------
        name : str
        kind : str
            As in :func:`adl_opt.rounds.columns.column`: ``usd`` (any sign), ``usd+`` (>= 0), ``usd>0``, all
            below LARGEST in size; ``ratio+`` (>= 0).

        Returns
        -------
        (n,) float array

        Raises
        ------
        InputError
            A cell is blank, not a number, NaN or infinite, or outside of the bounds of its kind.
        """
        cells = self.cells[name]
        parsed = [_number(cell) for cell in cells]
        self.refuse(name, _which(not cell.strip() for cell in cells), "is blank")
        self.refuse(name, _which(value is None for value in parsed), "is not a number")
        values = np.array(parsed, dtype=np.float64)
        self.refuse(name, ~np.isfinite(values), "is not a finite number")
        if kind != "ratio+":
            self.refuse(name, np.abs(values) > LARGEST, f"is larger than {LARGEST:g}")
        if kind == "usd>0":
            self.refuse(name, values <= 0, "must be above 0")
        elif kind != "usd":
            self.refuse(name, values < 0, "must be at least 0")
        return values

    def whole(self, name: str) -> Ints:
        """Return a column as whole numbers >= 0 (``3.0`` is whole), refused above 2^53."""
        values = self.numbers(name, "ratio+")
        self.refuse(name, values != np.rint(values), "is not a whole number")
        self.refuse(name, values > EXACT, "is too large to be counted exactly (over 2^53)")
        return values.astype(np.int64)

    def times(self, name: str) -> Ints:
        """Return a column of times in milliseconds since the epoch (UTC); any other unit is refused."""
        values = self.numbers(name, "ratio+")
        for unit, wrong, convert in (
            ("seconds", values < 1e11, "multiply the column by 1000"),
            ("nanoseconds", values > 1e17, "divide the column by 1,000,000"),
            ("microseconds", values > 1e14, "divide the column by 1000"),
        ):
            why = f"has the wrong time unit: it looks like {unit}, milliseconds since the epoch are expected"
            self.refuse(name, wrong, why, [convert, "correct the value, if it is a slip"])
        return self.whole(name)


def read_table(
    path: str | PathLike[str],
    *,
    required: Iterable[str],
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    known: Collection[str] | None = None,
) -> Table:
    """Read a CSV file: UTF-8, comma separated, one header line, at least one row.

    Parameters
    ----------
    path : path
    required : iterable of str
        Columns that must be there.
    aliases : mapping of name to other spellings, optional
        Spellings that a column may have instead of its name, such as ``pnl_usd`` for ``pnl``.
    known : collection of str, optional
        All columns that may be there; left out, columns that nobody asks for are ignored.

    Raises
    ------
    InputError
        The file cannot be read, has no header or no row, lacks a column, has an unknown or doubled one, or
        has a row with too many or too few fields.
    """
    path = Path(path)
    header, rows, lines = csv_records(path)
    spelled = _named(path, header, aliases or {})
    if known is not None:
        _refuse_unknown(path, [name for name in spelled if name not in known], known)
    if missing := [name for name in required if name not in spelled]:
        ways_out = ["add the columns", "rename yours to these names"]
        if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            ways_out.append("separate the fields by commas")
        raise InputError(
            f"{path.name}: columns are missing",
            got=f"missing {', '.join(missing)}; there are {shown(', '.join(header), 600)}",
            ways_out=ways_out,
        )
    if not rows:
        raise InputError(
            f"{path.name}: the file has a header but no rows",
            got="0 rows",
            ways_out=["give at least one row", "check the export that wrote the file"],
        )
    cells = {name: list(column) for name, column in zip(spelled, zip(*rows, strict=True), strict=True)}
    return Table(path=path, cells=cells, spelled=spelled, lines=np.array(lines, dtype=np.int64))


def money(*names: str) -> dict[str, tuple[str, ...]]:
    """Return the aliases that allow the suffix ``_usd`` on these columns.

    Examples
    --------
    >>> money("pnl")
    {'pnl': ('pnl_usd',)}
    """
    return {name: (f"{name}_usd",) for name in names}


def shown(value: Any, longest: int = 60) -> str:
    """Return a value as it may stand in a message: quoted, and cut when it is long."""
    text = value if isinstance(value, str) else str(value)
    return repr(text) if len(text) <= longest else f"{text[:longest]!r}... ({len(text)} characters)"


def _named(path: Path, header: list[str], aliases: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    canonical = {other: name for name, others in aliases.items() for other in others}
    spelled: dict[str, str] = {}
    for position, column in enumerate(header, start=1):
        name = canonical.get(column, column)
        if not name:
            raise InputError(
                f"{path.name}: a column has no name",
                got=f"line 1: column {position} of {len(header)}",
                ways_out=["name the column", "write the file without an index column"],
            )
        if name in spelled:
            raise InputError(
                f"{path.name}: a column is given twice",
                got=f"line 1: {shown(spelled[name])} and {shown(column)}",
                ways_out=["keep one of the two"],
            )
        spelled[name] = column
    return spelled


def _refuse_unknown(path: Path, unknown: list[str], known: Collection[str]) -> None:
    if not unknown:
        return
    hints = []
    for name in unknown:
        close = difflib.get_close_matches(name[:LONGEST_TEXT], known, n=1)
        hints.append(shown(name) + (f" (did you mean {close[0]!r}?)" if close else ""))
    raise InputError(
        f"{path.name}: the file has columns that are not known",
        got=", ".join(hints),
        ways_out=[f"known columns: {', '.join(known)}", "rename or drop the others"],
    )


def _which(flags: Iterable[bool]) -> npt.NDArray[np.bool_]:
    return np.fromiter(flags, dtype=np.bool_)


def _number(cell: str) -> float | None:
    """Return the number in a cell, or None; Python's own liberties (1_000, other digits) are no numbers."""
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None
