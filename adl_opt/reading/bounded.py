"""Reading what others wrote: no reader takes more time or memory than the size of its input explains.

Every reader of this package gets bytes, lines, JSON, TOML and Parquet from here.  What is refused is a
ValueError or an OSError, which the reader puts into its own words.

A file may be small and what it stands for large: it is compressed, or a value is repeated.  So what a text
or a table unpacks to is held against the bytes that it was unpacked from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from adl_opt.errors import InputError
from adl_opt.proofs.check import object_of

DEEPEST = 64
"""Most lists and objects inside one another, in JSON and TOML."""

LARGEST_TOML = 1 << 20
"""Most bytes of a TOML file: it holds settings, and no data."""

MOST_COLUMNS = 2_000
"""Most columns of a table: a column of moves for each market of a venue, and room."""

LONGEST_LINE = 1 << 28
"""Most bytes of a line of a stream: a round of a million accounts is shorter."""

_FREE_VALUES, _BYTES_A_VALUE = 1 << 16, 16
_FREE_ROWS, _BYTES_A_ROW = 1 << 17, 4
_FREE_BYTES, _BYTES_A_BYTE = 1 << 24, 32
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[[ord("["), ord("{")]], _STEPS[[ord("]"), ord("}")]] = 1, -1
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)


def refuse_devices(path: Path) -> None:
    """Raise an OSError where a path is there and is neither file nor folder: reading it might never end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError("a pipe or device, not a file")


def unreadable(path: Path, error: Exception, way_out: str) -> InputError:
    """Return the error of a file that the disk does not give."""
    kind = "is a folder" if isinstance(error, IsADirectoryError) else "cannot be read"
    kind = "does not exist" if isinstance(error, FileNotFoundError) else kind
    what = f"{path.name or path}: the file {kind}"
    return InputError(what, got=f"{path} ({error})", ways_out=["check the path", way_out])


def file_bytes(path: Path, most: int | None = None) -> bytes:
    """Return the content of a file.

    Raises
    ------
    OSError, ValueError
        It cannot be read, is a pipe or a device, or has more than ``most`` bytes.
    """
    refuse_devices(path)
    with path.open("rb") as file:
        data = file.read(-1 if most is None else most + 1)
    if most is not None and len(data) > most:
        raise ValueError(f"more than {most:,} bytes")
    return data


def plain_json(text: str | bytes, *, unpacked: bool = False, infinite: bool = False) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    text : str or bytes
        UTF-8, where it is bytes.
    unpacked : bool
        It comes out of a compressed file: the number of its values is limited by its length.
    infinite : bool
        It may have NaN and Infinity, as proofs and what policies of others answer.

    Raises
    ------
    ValueError
        It is no JSON, gives a key of an object twice, has other numbers than JSON has, or is nested too deep.

    Examples
    --------
    >>> plain_json('{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> plain_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the key 'a' is given twice
    """
    data = text.encode() if isinstance(text, str) else text
    _refuse_deep(data)
    values = sum(map(data.count, (b",", b"[", b"{"))) if unpacked else 0
    if values > _FREE_VALUES + len(data) // _BYTES_A_VALUE:
        raise ValueError(f"more than {_FREE_VALUES + len(data) // _BYTES_A_VALUE:,} values")
    try:
        constant = float if infinite else _no_number
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=object_of, parse_constant=constant)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _refuse_deep(data: bytes) -> None:
    """Refuse a text with too many open brackets at a place; brackets in strings count only if needed."""
    if data.count(b"[") + data.count(b"{") <= DEEPEST or _depth(data) <= DEEPEST:
        return
    if _depth(_STRING.sub(b"", data)) > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST}")


def _depth(data: bytes) -> int:
    return int(_STEPS[np.frombuffer(data, dtype=np.uint8)].cumsum(dtype=np.int32).max(initial=0))


def toml_file(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file, and what it says.

    Raises
    ------
    OSError, ValueError
        The file cannot be read, is too large, or is no TOML.
    """
    import tomllib

    data = file_bytes(path, LARGEST_TOML)
    _refuse_deep(data)
    longest = max(map(len, re.findall(rb"[^\s=,'\"]+", _STRING.sub(b"", data))), default=0)
    if longest > 16 * DEEPEST:  # a key with many dots is a table in a table in a table
        raise ValueError(f"a key or a number of {longest:,} bytes")
    text = data.decode("utf-8")
    try:
        return text, tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def split_lines(
    pieces: Iterator[bytes], longest: int = LONGEST_LINE
) -> Iterator[tuple[int, bytes | None, bool]]:
    """Yield (number from 1, line without its end or None if it is too long, whether its end is missing)."""
    parts: list[bytes] = []
    number, held = 1, 0
    for piece in pieces:
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            held += end - start
            parts.append(piece[start:end])
            line = None if held > longest else b"".join(parts) if len(parts) > 1 else parts[0]
            parts.clear()
            yield number, line, False
            number, held, start = number + 1, 0, end + 1
        held += len(piece) - start
        if held > longest:
            parts.clear()
        elif start < len(piece):
            parts.append(piece[start:])
    if held:
        yield number, None if held > longest else b"".join(parts), True


def parquet_table(source: Path | bytes, columns: Callable[[Any], Sequence[str]] | None = None) -> Any:
    """Return columns of a Parquet file as an arrow table.

    Parameters
    ----------
    source : path or bytes
    columns : callable, optional
        From the arrow schema of the file to the names of the columns that are read; all by default.

    Raises
    ------
    OSError, ValueError, pyarrow.ArrowException
        It cannot be read, or says that it holds far more than its bytes explain.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = file_bytes(source) if isinstance(source, Path) else source
    footer = pq.read_metadata(pa.BufferReader(data))
    if footer.num_columns > MOST_COLUMNS:
        raise ValueError(f"{footer.num_columns:,} columns, at most {MOST_COLUMNS:,} are read")
    schema = footer.schema.to_arrow_schema()
    names = list(columns(schema) if columns else schema.names)
    texts = [field.name for field in schema if field.name in names and pa.types.is_string(field.type)]
    with pq.ParquetFile(pa.BufferReader(data), metadata=footer, read_dictionary=texts) as file:
        groups = [footer.row_group(k) for k in range(footer.num_row_groups)]
        unpacked = sum(g.column(k).total_uncompressed_size for g in groups for k in range(g.num_columns))
        if footer.num_rows > _FREE_ROWS + len(data) // _BYTES_A_ROW:
            raise ValueError(f"{footer.num_rows:,} rows in {len(data):,} bytes")
        _refuse_large(unpacked, len(data))
        table = file.read(columns=names)
    for name in texts:
        place, column = table.schema.get_field_index(name), table.column(name)
        _refuse_large(sum(map(_characters, column.chunks)), len(data))
        table = table.set_column(place, schema.field(name), column.cast(pa.string()))
    return table


def _refuse_large(unpacked: int, size: int) -> None:
    if unpacked > _FREE_BYTES + size * _BYTES_A_BYTE:
        raise ValueError(f"{size:,} bytes unpack to {unpacked:,}")


def _characters(texts: Any) -> int:
    """Return the bytes of all texts of a dictionary array; one that is repeated counts each time."""
    import pyarrow.compute as pc

    lengths = pc.binary_length(texts.dictionary).take(texts.indices)
    return int(pc.sum(lengths).as_py() or 0)
