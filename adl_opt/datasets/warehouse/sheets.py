"""From the files of a table to its columns: CSV with any delimiter, Parquet, globs, the standard input.

The header is matched to the names of the configuration letter by letter; where that fails, without regard to
case and to blanks around it.  Two columns that match one name are refused.  Columns that are not named in the
configuration are left aside, and the report lists them.
"""

from __future__ import annotations

import csv
import glob
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.checks import near_names, quoted
from adl_opt.datasets.warehouse.cells import Array, Mask, parsed_cells
from adl_opt.datasets.warehouse.config import Form, TableConfig
from adl_opt.errors import InputError
from adl_opt.reading.bounded import refuse_devices, unreadable
from adl_opt.rounds.columns import Ints

if TYPE_CHECKING:
    import pandas as pd

STDIN = "-"
MARKS = ",;\t|"


@dataclass(frozen=True, eq=False)
class Sheet:
    """The rows of a table, of all its files.

    Parameters
    ----------
    config : TableConfig
    columns : dict of (n,) array
        By the names here; only those that are mapped.
    files : tuple of str
    file, row : (n,) int
        Where each row stands: which file, and its number from 1 below the header.
    aside : tuple of str
        Columns of the files that are not mapped.
    """

    config: TableConfig
    columns: dict[str, Array]
    files: tuple[str, ...]
    file: Ints
    row: Ints
    aside: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.row.size)

    def get(self, key: str, default: Any = None) -> Array:
        """Return a column, or a value for every row where it is not mapped."""
        if key in self.columns:
            return self.columns[key]
        return np.full(len(self), default, dtype=object if default is None else None)

    def place(self, key: str, at: int) -> str:
        """Return table, row and column of a cell, in words."""
        column = self.config.columns.get(key, key)
        return f"{self.files[self.file[at]]}, table {self.config.name}, row {self.row[at]}, column {column!r}"

    def refuse(self, key: str, wrong: Mask, why: str, *ways_out: str) -> None:
        """Raise an InputError with the first wrong cell, if there is one."""
        if wrong.any():
            at = int(np.argmax(wrong))
            more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
            value = quoted(str(self.columns[key][at])) if key in self.columns else "not mapped"
            raise InputError(
                f"{self.files[self.file[at]]}: a value of column {self.config.columns.get(key, key)!r} {why}",
                got=f"{self.place(key, at)}: {value}{more}",
                ways_out=ways_out or ("correct the value in the export", "leave the row out of the export"),
            )


def read_sheet(config: TableConfig, folder: Path) -> Sheet:
    """Read all files of a table; globs in the order of names.

    Raises
    ------
    InputError
        With file, row, column and value: no file, no column, or a cell that cannot be read.
    """
    parts, aside, names = [], dict[str, None](), []
    for path in _paths(config, folder):
        name, data = (path.name, None) if path is not None else _unnamed(config)
        frame = _frame(path, name, data, config.form)
        found = matched(name, [str(c) for c in frame.columns], config)
        aside |= dict.fromkeys(c for c in map(str, frame.columns) if c not in found.values())
        parts.append({key: parsed_cells(config, key, frame[spelled], name) for key, spelled in found.items()})
        parts[-1] |= {"": np.arange(1, len(frame) + 1)}
        names.append(name)
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    file = np.repeat(np.arange(len(parts)), [part[""].size for part in parts])
    row = columns.pop("")
    return Sheet(config, columns, tuple(names), file, row, tuple(aside))


def _unnamed(config: TableConfig) -> tuple[str, bytes]:
    """Return what stands in no file: the rows of the configuration, or the standard input."""
    if config.rows:
        return f"rows of [{config.name}]", config.rows.encode()
    return "stdin", sys.stdin.buffer.read()


def _paths(config: TableConfig, folder: Path) -> list[Path | None]:
    found: list[Path | None] = [None] if config.rows else []
    for pattern in config.files:
        if pattern == STDIN:
            found.append(None)
            continue
        here = sorted(glob.glob(str(folder / pattern)))
        if not here:
            raise InputError(
                f"table {config.name}: there is no such file",
                got=f"{pattern} in {folder}",
                ways_out=[
                    "correct files in the configuration",
                    "paths begin at the folder of the configuration",
                ],
            )
        found += [Path(path) for path in here]
    return found


def _frame(path: Path | None, name: str, data: bytes | None, form: Form) -> pd.DataFrame:
    if data is None and path is not None:
        try:
            refuse_devices(path)
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            raise unreadable(path, error, "give a file that you may read") from error
    assert data is not None  # noqa: S101
    return parquet_frame(data, name) if data[:4] == b"PAR1" else csv_frame(data, name, form)


def parquet_frame(data: bytes, name: str) -> pd.DataFrame:
    """Return a Parquet file as a frame; decimals become floats."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
        wide = [pa.float64() if pa.types.is_decimal(f.type) else f.type for f in table.schema]
        table = table.cast(pa.schema(list(zip(table.schema.names, wide, strict=True))))
        frame: pd.DataFrame = table.to_pandas(date_as_object=False, integer_object_nulls=True)
    except (pa.ArrowException, ValueError, OSError) as error:
        ways_out = ["write the Parquet file anew", "export CSV"]
        raise InputError(
            f"{name}: the file is no Parquet", got=str(error)[:300], ways_out=ways_out
        ) from error
    return frame


def csv_frame(data: bytes, name: str, form: Form) -> pd.DataFrame:
    """Return a CSV file as a frame of text."""
    import pyarrow as pa
    from pyarrow import csv as fast

    try:
        text = data.decode("utf-8-sig" if form.encoding == "utf-8" else form.encoding).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = f"line {line}, byte {error.start}: {error.reason}"
        ways_out = ['set encoding under format, such as encoding = "cp1252"']
        raise InputError(
            f"{name}: the file is not {form.encoding} text", got=got, ways_out=ways_out
        ) from error
    first = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, quotechar=form.quote)
    header = [column.strip() for column in next((fields for fields in first if fields), [])]
    if len(header) < 2 and any(mark in "".join(header) for mark in MARKS):
        raise InputError(
            f"{name}: the file has one column only with delimiter {form.delimiter!r}",
            got=f"header: {quoted(','.join(header))}",
            ways_out=[f"set delimiter under format: one of {', '.join(map(repr, MARKS))}"],
        )
    skip = first.line_num
    if not header or not any(fields for fields in first):
        got = f"{len(text)} characters"
        raise InputError(f"{name}: the file has no rows", got=got, ways_out=["check the export"])
    numbered = [f"{k}" for k in range(len(header))]
    try:
        table = fast.read_csv(
            pa.BufferReader(text.encode()),
            read_options=fast.ReadOptions(column_names=numbered, skip_rows=skip),
            parse_options=fast.ParseOptions(
                delimiter=form.delimiter, quote_char=form.quote, newlines_in_values=True
            ),
            convert_options=fast.ConvertOptions(column_types=dict.fromkeys(numbered, pa.string())),
        )
    except (pa.ArrowException, ValueError) as error:
        ways_out = ["give every row as many fields as the header", "correct delimiter and quote under format"]
        raise InputError(f"{name}: a row is malformed", got=str(error)[:300], ways_out=ways_out) from error
    frame: pd.DataFrame = table.to_pandas()
    frame.columns = header
    return frame


def matched(name: str, header: list[str], config: TableConfig) -> dict[str, str]:
    """Return how each mapped column is spelled in the header of a file."""
    found = {}
    for key, wanted in config.columns.items():
        same = [c for c in header if c == wanted] or [
            c for c in header if c.strip().casefold() == wanted.strip().casefold()
        ]
        if len(same) != 1:
            near = [f"did you mean {n!r}?" for n in near_names(wanted, header)] if not same else []
            why = "is there twice" if same else "is not there"
            raise InputError(
                f"{name}: the column {wanted!r} {why}",
                got=f"table {config.name}, header: {quoted(', '.join(header), 400)}",
                ways_out=[*near, f"correct {key} under [{config.name}.columns]"],
            )
        found[key] = same[0]
    return found
