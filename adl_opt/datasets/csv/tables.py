"""CSV files read with care: text stays text, numbers are finite, every refusal names file, line and column.

Only the standard library and numpy are used, so that an offending cell can be named by its line in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from adl_opt.checks import Mask, column_of, quoted, refuse, text_array
from adl_opt.datasets.csv.text import csv_records
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Columns, Ints, Text, named_columns

Struct = TypeVar("Struct", bound=Columns)


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

    def refuse(self, name: str, wrong: Mask, why: str, ways_out: Iterable[str] = ()) -> None:
        """Raise an InputError that names the line and the value of the first wrong cell, if there is one."""
        column, cells = self.spelled[name], self.cells[name]
        refuse(
            f"{self.path.name}: a value of column {column!r} {why}",
            wrong,
            lambda row: f"line {self.lines[row]}, column {column!r}: {quoted(cells[row])}",
            ways_out or ("correct the value in the file", "drop the line, if it does not belong there"),
        )

    def in_file(self, error: InputError, rows: Ints) -> InputError:
        """Return the refusal of a cell of a struct as one of this file; ``rows`` are the struct's rows here.

        A column that the file does not have, for it follows from others, is shown by the whole line.
        """
        noun, name, at = error.cell or ("", "", 0)
        row = int(rows[at])
        shown = {self.spelled[n]: cells[row] for n, cells in self.cells.items() if n == name}
        shown = shown or {self.spelled[n]: cells[row] for n, cells in self.cells.items()}
        values = ", ".join(f"column {column!r}: {quoted(value)}" for column, value in shown.items())
        what = error.what.replace(f"{noun}: ", f"{self.path.name}: ", 1)
        return InputError(what, got=f"line {self.lines[row]}, {values}", ways_out=error.ways_out)

    def refuse_twice(
        self, keys: Iterable[tuple[Any, ...]], what: str, show: Callable[..., str], ways_out: Iterable[str]
    ) -> None:
        """Raise an InputError where two lines have the same key, which ``show`` puts into words."""
        seen: dict[tuple[Any, ...], int] = {}
        for line, key in zip(self.lines.tolist(), keys, strict=True):
            if (first := seen.setdefault(key, line)) != line:
                got = f"{show(*key)} on lines {first} and {line}"
                raise InputError(f"{self.path.name}: {what}", got=got, ways_out=ways_out)

    def columns(self, kind: type[Columns], without: Collection[str] = ()) -> dict[str, npt.NDArray[Any]]:
        """Return those columns of a struct that the file has, but for some."""
        return {
            spec.name: self.column(spec.name, spec.metadata["kind"])
            for spec in kind._specs()
            if spec.name in self and spec.name not in without
        }

    def column(self, name: str, kind: str) -> npt.NDArray[Any]:
        """Return a column as :func:`adl_opt.rounds.columns.column` declares its kind.

        Raises
        ------
        InputError
            A cell is blank, cannot be read, or is outside of the limits of its kind.
        """
        if kind == "text":
            return self.text(name)
        return column_of(kind, np.array(self.cells[name], dtype=object), partial(self.refuse, name))

    def text(self, name: str) -> Text:
        """Return a column as text: never blank, never padded; "NA" and "null" stay what they are."""
        cells = self.cells[name]
        self.refuse(name, _which(not cell.strip() for cell in cells), "is blank")
        self.refuse(name, _which(cell != cell.strip() for cell in cells), "begins or ends with a blank")
        return text_array(cells, partial(self.refuse, name))

    def times(self, name: str) -> Ints:
        """Return a column of times in milliseconds since the epoch (UTC); any other unit is refused."""
        values = self.column(name, "ratio+")
        for unit, wrong, convert in (
            ("seconds", values < 1e11, "multiply the column by 1000"),
            ("nanoseconds", values > 1e17, "divide the column by 1,000,000"),
            ("microseconds", values > 1e14, "divide the column by 1000"),
        ):
            why = f"has the wrong time unit: it looks like {unit}, milliseconds since the epoch are expected"
            self.refuse(name, wrong, why, [convert, "correct the value, if it is a slip"])
        return self.column(name, "count")


def read_table(
    path: str | PathLike[str],
    spellings: Mapping[str, tuple[str, ...]] | None = None,
    *,
    required: Iterable[str],
    extra: str = "ignore",
) -> Table:
    """Read a CSV file: UTF-8, comma separated, one header line, at least one row.

    ``spellings`` has the columns that are known, and the names that each may have in the file.  What happens
    to other columns says ``extra``, as in :meth:`adl_opt.rounds.columns.Columns.from_frame`.

    Raises
    ------
    InputError
        The file cannot be read, has no header or no row, lacks a column, has an unknown or doubled one, or
        has a row with too many or too few fields.
    """
    path, required = Path(path), list(required)
    header, rows, lines = csv_records(path)
    if "" in header:
        raise InputError(
            f"{path.name}: a column has no name",
            got=f"line 1: column {header.index('') + 1} of {len(header)}",
            ways_out=["name the column", "write the file without an index column"],
        )
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise InputError(
            f"{path.name}: the file has one column only",
            got=f"line 1: {quoted(header[0])}; missing {', '.join(required)}",
            ways_out=["separate the fields by commas"],
        )
    known = spellings or {name: (name,) for name in required}
    spelled = named_columns(f"{path.name}: line 1", header, known, required, extra=extra)
    if not rows:
        raise InputError(
            f"{path.name}: the file has a header but no rows",
            got="0 rows",
            ways_out=["give at least one row", "check the export that wrote the file"],
        )
    cells = {name: list(column) for name, column in zip(spelled, zip(*rows, strict=True), strict=True)}
    return Table(path=path, cells=cells, spelled=spelled, lines=np.array(lines, dtype=np.int64))


Places = dict[str, tuple[Table, Ints]]
"""By the name of a struct (``accounts``, ``flow``), its file and the row there of each of its rows."""


@contextmanager
def shown_in_files(places: Places) -> Iterator[None]:
    """Name file, line and column where a struct is refused that was read from a file."""
    try:
        yield
    except InputError as error:
        if error.cell is None or error.cell[0] not in places:
            raise
        table, rows = places[error.cell[0]]
        raise table.in_file(error, rows) from error


def read_by_round(path: str | PathLike[str], kind: type[Struct], rounds: int) -> list[tuple[Struct, Places]]:
    """Read the flow or the gaps of several rounds from one CSV file.

    Parameters
    ----------
    path : path
        Columns of ``kind``, and ``round``, from 1 on; it may be left out where there is one round.
    kind : subclass of Columns
    rounds : int

    Returns
    -------
    list of (struct, places)
        One for each round, without rows where the file has none of it.

    Raises
    ------
    InputError
        With file, line and column: a value is refused, a column is not known, or a round is none of these.
    """
    spellings = kind.spellings() | {"round": ("round", "wave")}
    table = read_table(path, spellings, required=kind.required(), extra="refuse")
    number = table.column("round", "index") if "round" in table else np.ones(len(table), dtype=np.int64)
    if "round" in table:
        table.refuse("round", (number < 1) | (number > rounds), f"is no round from 1 to {rounds}")
    elif rounds > 1:
        got, ways_out = f"{rounds} rounds", ["add a column round, 1 for the first file of accounts"]
        raise InputError(
            f"{table.path.name}: rows of several rounds must say theirs", got=got, ways_out=ways_out
        )
    columns, made = table.columns(kind), []
    for k in range(1, rounds + 1):
        rows = np.flatnonzero(number == k)
        places = {kind.__name__.lower(): (table, rows)}
        with shown_in_files(places):
            made.append((kind(**{name: values[rows] for name, values in columns.items()}), places))
    return made


def groups(*keys: Sequence[str] | Text) -> tuple[Ints, Ints]:
    """Return the first row of each group, in order of appearance, and the group of every row."""
    seen: dict[tuple[str, ...], int] = {}
    group = np.array([seen.setdefault(key, len(seen)) for key in zip(*keys, strict=True)], dtype=np.int64)
    return np.unique(group, return_index=True)[1].astype(np.int64), group


def _which(flags: Iterable[bool]) -> Mask:
    return np.fromiter(flags, dtype=np.bool_)
