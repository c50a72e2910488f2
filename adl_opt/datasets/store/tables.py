"""The Parquet tables of a stored episode: between nouns and arrow, bit for bit.

One schema per table follows from the declared columns.  ``rounds`` also says, for each of the other tables,
which columns the round has (null: no such table), so that an absent column and an empty one stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adl_opt.errors import InputError
from adl_opt.reading import parquet_table
from adl_opt.rounds.columns import Columns, Ints, frame_name, may_lack
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.frames import NOUNS, facts_of, pair_of, tables_of
from adl_opt.rounds.round import Outcome, Recorded, Round

TABLES = ("rounds", *NOUNS)
WAYS_OUT = ("give a folder that save_episode wrote", "save the episode again")
"""What to do about a folder that is not an episode."""

SCHEMA_VERSION = 4
"""Version of the format that is written; all older ones are read."""

CONTRACTS_SINCE = 3
"""The version of the format that brought the columns of rounds in contracts."""

_SINCE = {
    CONTRACTS_SINCE: {
        "positions": (
            "lot_size",
            "kind",
            "multiplier",
            "settlement_rate_usd",
            "margin_mode",
            "isolated_margin_usd",
        ),
        "flow": ("side", "bankruptcy_usd", "close_usd"),
        "gaps": ("side",),
    },
    4: {
        "accounts": ("exempt", "cap_usd", "cohort", "cohort_cap_usd", "owner"),
        "positions": ("hedge", "hedge_tolerance"),
        "flow": ("previous_mark_usd", "band", "min_quantity"),
    },
}
"""The columns that each version of the format brought, by table."""

_RECORDED = {"haircut": "haircut_usd", "max_burden": "max_burden", "reference_burden": "reference_burden"}


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
            found = [(r.number, noun) for r, o in rounds if (noun := tables_of(r, o)[name]) is not None]
            tables[name] = pa.concat_tables([empty, *(_part(*one, empty.schema) for one in found)])
    except (pa.ArrowException, UnicodeError, OverflowError, TypeError) as error:
        raise InputError(
            f"episode {episode.name!a}: a value cannot be stored",
            got=str(error).encode("ascii", "backslashreplace").decode(),
            ways_out=["use ids and markets that are plain Unicode text", "use numbers of at most 64 bits"],
        ) from error
    return tables


def from_tables(folder: str, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Episode:
    """Build an episode from the facts of its manifest and the bytes of its Parquet files.

    Raises
    ------
    InputError
        A file is not Parquet, has other columns than the format names, or has rows of no round.
    """
    version = facts["schema_version"]
    rows = _opened(folder, "rounds", files["rounds"], version, _schema("rounds").names).to_pylist()
    tables = {}
    for noun, nouns in NOUNS.items():
        said = {key for row in rows for key in (row[noun] or "").split(",")}
        names = [frame_name(spec) for spec in nouns._specs() if spec.name in said]
        tables[noun] = _opened(folder, noun, files[noun], version, ["round", *names])
    numbers = np.array([row["round"] for row in rows], dtype=np.int64)
    cuts = {noun: _cuts(folder, noun, tables[noun], numbers) for noun in NOUNS}

    def read(noun: str, i: int) -> Columns | None:
        if (present := rows[i][noun]) is None:
            return None
        start, stop = cuts[noun][i : i + 2]
        return _noun(folder, noun, tables[noun].slice(start, stop - start), present.split(","))

    pairs = []
    for i, row in enumerate(rows):
        if row["accounts"] is None:
            raise _broken(folder, "rounds", f"round {row['round']} has no accounts")
        plain = {column.removesuffix("_usd"): value for column, value in row.items()}
        values = {key: plain[key] for key in _RECORDED}
        recorded = None if None in values.values() else Recorded(**values)
        pairs.append(pair_of(plain, {noun: read(noun, i) for noun in NOUNS}, recorded))
    return Episode(facts["name"], facts["source"], tuple(pairs), space=facts["space"])


def _round_row(round_: Round, outcome: Outcome) -> dict[str, Any]:
    recorded, row = outcome.recorded, facts_of(round_, outcome)
    for key, column in _RECORDED.items():
        row[column] = None if recorded is None else float(getattr(recorded, key))
    for name, noun in tables_of(round_, outcome).items():
        row[name] = None if noun is None else ",".join(noun.present())
    return row


def _schema(name: str, version: int = SCHEMA_VERSION) -> Any:
    import pyarrow as pa

    if name == "rounds":
        required = [("round", pa.int64()), ("deficit_usd", pa.float64()), ("needed_usd", pa.float64())]
        times = [(column, pa.int64()) for column in ("start_ms", "end_ms")]
        recorded = [(column, pa.float64()) for column in _RECORDED.values()]
        optional = times + recorded + [(noun, pa.string()) for noun in NOUNS]
        return pa.schema([pa.field(*f, nullable=False) for f in required] + [pa.field(*f) for f in optional])
    whole = dict.fromkeys(("count", "index", "side", "flag"), pa.int64())
    types = {"text": pa.string(), **whole}
    later = {column for since, new in _SINCE.items() if since > version for column in new.get(name, ())}
    columns = [pa.field("round", pa.int64(), nullable=False)]
    for spec in NOUNS[name]._specs():
        kind = types.get(spec.metadata["kind"], pa.float64())
        if frame_name(spec) not in later:
            columns.append(pa.field(frame_name(spec), kind, nullable=may_lack(spec)))
    return pa.schema(columns)


def _part(number: int, noun: Columns, schema: Any) -> Any:
    import pyarrow as pa

    arrays = [pa.array(np.full(len(noun), number, dtype=np.int64))]
    for spec, field in zip(noun._specs(), list(schema)[1:], strict=True):
        values = getattr(noun, spec.name) if noun._says(spec) or not may_lack(spec) else None
        if values is None:
            arrays.append(pa.nulls(len(noun), field.type))
        else:
            arrays.append(pa.array(values.tolist() if values.dtype.kind == "U" else values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _opened(folder: str, name: str, data: bytes, version: int, columns: list[str]) -> Any:
    import pyarrow as pa

    def known(schema: Any) -> list[str]:
        if not schema.equals(_schema(name, version)) or set(columns) - set(schema.names):
            raise ValueError(f"columns {', '.join(schema.names)}, or their types")
        return columns

    try:
        return parquet_table(data, known).combine_chunks()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken(folder, name, str(error)) from error


def _cuts(folder: str, name: str, table: Any, numbers: Ints) -> list[int]:
    """Return where the rows of each round begin and end in a table that is sorted by round."""
    of_row = table.column("round").to_numpy()
    starts = np.searchsorted(of_row, numbers, side="left")
    cuts = [*starts.tolist(), of_row.size]
    owner = np.repeat(numbers, np.diff(cuts)) if not cuts[0] and np.all(np.diff(cuts) >= 0) else numbers[:0]
    if not np.array_equal(owner, of_row):
        raise _broken(folder, name, "rows that belong to no round, or are not sorted by round")
    return cuts


def _noun(folder: str, name: str, table: Any, present: list[str]) -> Columns:
    specs = {spec.name: spec for spec in NOUNS[name]._specs()}
    required = {key for key, spec in specs.items() if not may_lack(spec)}
    if set(present) - specs.keys() or required - set(present):
        raise _broken(folder, "rounds", f"columns of {name}: {', '.join(present)}")
    return NOUNS[name](**{key: table.column(frame_name(specs[key])).to_numpy() for key in present})


def _broken(folder: str, name: str, got: str) -> InputError:
    return InputError(
        f"{folder}: {name}.parquet is not a table of an episode",
        got=got,
        ways_out=WAYS_OUT,
    )
