"""From the path of a CSV file to its header and rows of text: UTF-8, comma separated."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from adl_opt.errors import InputError
from adl_opt.reading import file_bytes, unreadable

MOST_COLUMNS = 2_000
"""Most columns of a CSV file: a column of moves for each market of a venue, and room."""


def csv_records(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the header, the rows, and the line of the file (from 1) on which each row starts.

    Raises
    ------
    InputError
        The file cannot be read, is empty, is not UTF-8 text, or has a malformed row.
    """
    reader = csv.reader(io.StringIO(_decoded(path), newline=""), strict=True)
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for fields in reader:
            if fields and not header:
                header = [name.strip() for name in fields]
                if len(header) > MOST_COLUMNS:
                    raise csv.Error(f"{len(header):,} columns, at most {MOST_COLUMNS:,} are read")
            elif fields:
                rows.append(fields)
                lines.append(line)
                if len(fields) != len(header):
                    raise csv.Error(f"{len(fields)} fields, the header has {len(header)}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path.name}: a row is malformed",
            got=f"line {line}: {error}",
            ways_out=[
                "give every row as many fields as the header",
                "put cells with commas in double quotes",
            ],
        ) from error
    return header, rows, lines


def _decoded(path: Path) -> str:
    try:
        data = file_bytes(path)
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "give the path of a CSV file that you may read") from error
    if not data.strip():
        raise InputError(
            f"{path.name}: the file is empty",
            got=f"{path}, {len(data)} bytes",
            ways_out=["check the export that wrote the file"],
        )
    ways_out = ["save the file as UTF-8 text, comma separated", "unpack it first, if it is compressed"]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = f"line {line}: byte 0x{data[error.start]:02x} at offset {error.start}"
        raise InputError(f"{path.name}: the file is not UTF-8 text", got=got, ways_out=ways_out) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path.name}: the file is not text", got=f"line {line}: a NUL", ways_out=ways_out)
    return text
