"""The Parquet tables of a stored episode: between nouns and arrow, bit for bit.

One schema per table follows from the declared columns.  ``rounds`` also says, for each of the other tables,
which columns the round has (null: no such table), so that an absent column and an empty one stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

import numpy as np

from adl_opt.errors import InputError
from adl_opt.rounds.columns import Columns, Ints, frame_name
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Recorded, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions

NOUNS: dict[str, type[Columns]] = {"accounts": Accounts, "positions": Positions, "flow": Flow, "gaps": Gaps}
TABLES = ("rounds", *NOUNS)

_RECORDED = {"haircut": "haircut_usd", "max_burden": "max_burden", "reference_burden": "reference_burden"}
_Noun = TypeVar("_Noun", bound=Columns)


def to_tables(episode: Episode) -> dict[str, Any]:
    """Return the arrow tables of an episode, by name.

    Raises
    ------
    InputError
        A value cannot be stored (a text that is no Unicode, a number beyond 64 bits), or the round numbers of
        a lazy episode do not increase.
    """
    import pyarrow as pa

    rounds = Episode(episode.name, episode.source, tuple(episode.rounds)).rounds
    try:
        rows = [_round_row(round_, outcome) for round_, outcome in rounds]
        tables = {"rounds": pa.Table.from_pylist(rows, schema=_schema("rounds"))}
        for name in NOUNS:
            empty = _schema(name).empty_table()
            parts = [_part(name, round_, outcome) for round_, outcome in rounds]
            tables[name] = pa.concat_tables([empty, *(part for part in parts if part is not None)])
    except (pa.ArrowException, UnicodeError, OverflowError, TypeError) as error:
        raise InputError(
            f"episode {episode.name!a}: a value cannot be stored",
            got=str(error).encode("ascii", "backslashreplace").decode(),
            ways_out=["use ids and markets that are plain Unicode text", "use numbers of at most 64 bits"],
        ) from error
    return tables


def from_tables(folder: str, name: str, source: str, files: Mapping[str, bytes]) -> Episode:
    """Build an episode from the bytes of its Parquet files.

    Raises
    ------
    InputError
        A file is not Parquet, has other columns than the format names, or has rows of no round.
    """
    tables = {table: _opened(folder, table, data) for table, data in files.items()}
    rows = tables["rounds"].to_pylist()
    numbers = np.array([row["round"] for row in rows], dtype=np.int64)
    cuts = {noun: _cuts(folder, noun, tables[noun], numbers) for noun in NOUNS}

    def read(noun: str, kind: type[_Noun], i: int) -> _Noun | None:
        if (present := rows[i][noun]) is None:
            return None
        start, stop = cuts[noun][i : i + 2]
        return _noun(folder, noun, kind, tables[noun].slice(start, stop - start), present.split(","))

    pairs = []
    for i, row in enumerate(rows):
        if (accounts := read("accounts", Accounts, i)) is None:
            raise _broken(folder, "rounds", f"round {row['round']} has no accounts")
        values = {key: row[column] for key, column in _RECORDED.items()}
        round_ = Round(
            deficit=row["deficit_usd"],
            accounts=accounts,
            positions=read("positions", Positions, i),
            flow=read("flow", Flow, i),
            number=row["round"],
            start_ms=row["start_ms"],
        )
        outcome = Outcome(
            needed=row["needed_usd"],
            gaps=read("gaps", Gaps, i),
            recorded=None if None in values.values() else Recorded(**values),
            end_ms=row["end_ms"],
        )
        pairs.append((round_, outcome))
    return Episode(name, source, tuple(pairs))


def _held(name: str, round_: Round, outcome: Outcome) -> Columns | None:
    held = {
        "accounts": round_.accounts,
        "positions": round_.positions,
        "flow": round_.flow,
        "gaps": outcome.gaps,
    }
    return held[name]


def _present(noun: Columns) -> list[str]:
    return [spec.name for spec in noun._specs() if getattr(noun, spec.name) is not None]


def _round_row(round_: Round, outcome: Outcome) -> dict[str, Any]:
    recorded = outcome.recorded
    row: dict[str, Any] = {
        "round": round_.number,
        "start_ms": round_.start_ms,
        "end_ms": outcome.end_ms,
        "deficit_usd": float(round_.deficit),
        "needed_usd": float(outcome.needed),
    }
    for key, column in _RECORDED.items():
        row[column] = None if recorded is None else float(getattr(recorded, key))
    for name in NOUNS:
        noun = _held(name, round_, outcome)
        row[name] = None if noun is None else ",".join(_present(noun))
    return row


def _schema(name: str) -> Any:
    import pyarrow as pa

    if name == "rounds":
        required = [("round", pa.int64()), ("deficit_usd", pa.float64()), ("needed_usd", pa.float64())]
        times = [(column, pa.int64()) for column in ("start_ms", "end_ms")]
        recorded = [(column, pa.float64()) for column in _RECORDED.values()]
        optional = times + recorded + [(noun, pa.string()) for noun in NOUNS]
        return pa.schema([pa.field(*f, nullable=False) for f in required] + [pa.field(*f) for f in optional])
    whole = dict.fromkeys(("count", "index", "side"), pa.int64())
    types = {"text": pa.string(), **whole}
    columns = [pa.field("round", pa.int64(), nullable=False)]
    for spec in NOUNS[name]._specs():
        kind = types.get(spec.metadata["kind"], pa.float64())
        columns.append(pa.field(frame_name(spec), kind, nullable=spec.default is None))
    return pa.schema(columns)


def _part(name: str, round_: Round, outcome: Outcome) -> Any:
    import pyarrow as pa

    noun, schema = _held(name, round_, outcome), _schema(name)
    if noun is None:
        return None
    arrays = [pa.array(np.full(len(noun), round_.number, dtype=np.int64))]
    for spec, field in zip(noun._specs(), list(schema)[1:], strict=True):
        values = getattr(noun, spec.name)
        if values is None:
            arrays.append(pa.nulls(len(noun), field.type))
        else:
            arrays.append(pa.array(values.tolist() if values.dtype.kind == "U" else values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _opened(folder: str, name: str, data: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken(folder, name, str(error)) from error
    if not table.schema.equals(_schema(name)):
        raise _broken(folder, name, f"columns {', '.join(table.schema.names)}, or their types")
    return table.combine_chunks()


def _cuts(folder: str, name: str, table: Any, numbers: Ints) -> list[int]:
    """Return where the rows of each round begin and end in a table that is sorted by round."""
    of_row = table.column("round").to_numpy()
    starts = np.searchsorted(of_row, numbers, side="left")
    cuts = [*starts.tolist(), of_row.size]
    owner = np.repeat(numbers, np.diff(cuts)) if not cuts[0] and np.all(np.diff(cuts) >= 0) else numbers[:0]
    if not np.array_equal(owner, of_row):
        raise _broken(folder, name, "rows that belong to no round, or are not sorted by round")
    return cuts


def _noun(folder: str, name: str, kind: type[_Noun], table: Any, present: list[str]) -> _Noun:
    specs = {spec.name: spec for spec in kind._specs()}
    required = {key for key, spec in specs.items() if spec.default is MISSING}
    if set(present) - specs.keys() or required - set(present):
        raise _broken(folder, "rounds", f"columns of {name}: {', '.join(present)}")
    return kind(**{key: table.column(frame_name(specs[key])).to_numpy() for key in present})


def _broken(folder: str, name: str, got: str) -> InputError:
    return InputError(
        f"{folder}: {name}.parquet is not a table of an episode",
        got=got,
        ways_out=["give a folder that save_episode wrote", "save the episode again"],
    )
