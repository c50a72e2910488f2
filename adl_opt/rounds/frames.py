"""Episodes as pandas frames: one row per round, and tables whose rows name their round and account.

Text, numbers and what is lacking come back as they were.  A column that only some rounds have is empty in the
rows of the others.  A table that is there and has no rows cannot be seen in its frame, so the frame of rounds
then names its columns (``empty_positions`` and the like).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.checks import column_of, quoted
from adl_opt.errors import InputError
from adl_opt.rounds.columns import (
    Columns,
    Floats,
    Ints,
    Text,
    column,
    columns_of,
    frame_name,
    refuse_row,
)
from adl_opt.rounds.information import Information
from adl_opt.rounds.named import rows_of
from adl_opt.rounds.round import Outcome, Pair, Recorded, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions

if TYPE_CHECKING:
    import pandas as pd

NOUNS: dict[str, type[Columns]] = {"accounts": Accounts, "positions": Positions, "flow": Flow, "gaps": Gaps}
"""The tables of a round, by name."""

_ROUND = ("round", "wave", "number")
_TYPE = {"text": object, **dict.fromkeys(("count", "side", "flag"), np.int64)}
Part = Callable[[int], dict[str, npt.NDArray[Any]]]


class Frames(NamedTuple):
    """An episode as five frames, as :meth:`adl_opt.Episode.from_frames` takes them.

    Each of the last four has the columns of its noun and ``round``.  Positions name their account by ``id``.
    """

    rounds: pd.DataFrame
    accounts: pd.DataFrame
    positions: pd.DataFrame
    flow: pd.DataFrame
    gaps: pd.DataFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class _Rounds(Columns):
    """The frame of rounds; of the optional columns, single values may be lacking."""

    round: Ints = column("index", also=["number", "wave"])
    deficit: Floats = column("usd+")
    needed: Floats = column("usd+")
    start_ms: Ints | None = column("count", optional=True, also=["t_start_ms"])
    end_ms: Ints | None = column("count", optional=True, also=["t_end_ms"])
    flow_known: Text | None = column("text", optional=True)
    recorded_haircut: Floats | None = column("usd+", optional=True, also=["haircut", "production"])
    recorded_max_burden: Floats | None = column(
        "ratio+", optional=True, also=["max_burden", "production_max_burden"]
    )
    reference_burden: Floats | None = column("ratio+", optional=True)


def tables_of(round_: Round, outcome: Outcome) -> dict[str, Columns | None]:
    """Return the tables of a round and its outcome by name; None where there is no such table."""
    tables = {"accounts": round_.accounts, "positions": round_.positions, "flow": round_.flow}
    return {**tables, "gaps": outcome.gaps}


def may_lack(spec: Field[Any]) -> bool:
    """Say whether a column may be left out of frames and files."""
    return spec.default is None or spec.metadata["silent"]


def frames_of(pairs: Iterable[Pair]) -> Frames:
    """Return rounds and outcomes as frames."""
    import pandas as pd

    pairs = list(pairs)
    rows = [_row(round_, outcome) for round_, outcome in pairs]
    rounds = pd.DataFrame(rows).astype({"start_ms": "Int64", "end_ms": "Int64"})
    empty = [name for name in rounds.columns if name.startswith("empty_") and rounds[name].isna().all()]
    tables = [_stacked(name, pairs) for name in NOUNS]
    return Frames(rounds.drop(columns=empty), *tables)


def facts_of(round_: Round, outcome: Outcome) -> dict[str, Any]:
    """Return number, times and amounts of a round, and a late flow, by their names in frames and files."""
    return {
        "round": round_.number,
        "start_ms": round_.start_ms,
        "end_ms": outcome.end_ms,
        "deficit_usd": float(round_.deficit),
        "needed_usd": float(outcome.needed),
    } | ({} if round_.flow_known is Information.START_OF_ROUND else {"flow_known": round_.flow_known.value})


def pair_of(facts: Mapping[str, Any], tables: dict[str, Any], recorded: Recorded | None) -> Pair:
    """Return a round and its outcome, from its facts (without ``_usd``), its tables and the record."""
    gaps, ends = tables["gaps"], facts.get("end_ms")
    outcome = Outcome(needed=facts["needed"], gaps=gaps, recorded=recorded, end_ms=ends)
    round_ = Round(
        deficit=facts["deficit"],
        accounts=tables["accounts"],
        positions=tables["positions"],
        flow=tables["flow"],
        number=facts["round"],
        start_ms=facts.get("start_ms"),
        flow_known=facts.get("flow_known") or Information.START_OF_ROUND,
    )
    return round_, outcome


def _row(round_: Round, outcome: Outcome) -> dict[str, Any]:
    recorded = outcome.recorded or Recorded(haircut=0.0)
    row = facts_of(round_, outcome) | {
        "recorded_haircut_usd": float(recorded.haircut) if outcome.recorded else math.nan,
        "recorded_max_burden": float(recorded.max_burden),
        "reference_burden": float(recorded.reference_burden),
    }
    for name, table in tables_of(round_, outcome).items():
        row[f"empty_{name}"] = None if table is None or len(table) else ",".join(table.present())
    return row


def _stacked(name: str, pairs: list[Pair]) -> pd.DataFrame:
    """Return one table of all rounds, with their numbers; NaN where a round lacks a column."""
    import pandas as pd

    found = [(r, table) for r, o in pairs if (table := tables_of(r, o)[name]) is not None and len(table)]
    sizes = [len(table) for _, table in found]
    data: dict[str, npt.NDArray[Any]] = {
        "round": np.repeat(np.array([r.number for r, _ in found], dtype=np.int64), sizes)
    }
    for spec in NOUNS[name]._specs():
        key, kind = frame_name(spec), spec.metadata["kind"]
        values = [getattr(table, spec.name) for _, table in found]
        if may_lack(spec) and not any(table._says(spec) for _, table in found):
            continue
        if kind == "index":  # an account goes by its id
            key, kind = "id", "text"
            values = [r.accounts.id[v] for (r, _), v in zip(found, values, strict=True)]
        filled = [np.full(n, np.nan) if v is None else v for n, v in zip(sizes, values, strict=True)]
        filled = [v.astype(object) if kind == "text" else v for v in filled]
        data[key] = np.concatenate(filled) if filled else np.empty(0, dtype=_TYPE.get(kind, np.float64))
    return pd.DataFrame(data)


def pairs_of(
    frames: dict[str, pd.DataFrame | None], *, extra: str = "ignore"
) -> tuple[list[Pair], list[str]]:
    """Return the rounds and outcomes of frames by name, and the names of the columns that were left aside.

    ``rounds`` and ``accounts`` must be there; ``extra`` is as in :meth:`adl_opt.Accounts.from_frame`.

    Raises
    ------
    InputError
        A column or value is refused, a row belongs to no round, or a position to no account.
    UsageError
        Something is no frame.
    """
    rows, left = _rounds(frames["rounds"], extra)
    numbers = [row["round"] for row in rows]
    tables: dict[str, Part] = {}
    for name in NOUNS:
        tables[name], others = _by_round(name, frames.get(name), numbers, extra)
        left += [f"{name}.{column}" for column in others]
    pairs = []
    for row in rows:
        try:
            pairs.append(_pair(row, tables))
        except InputError as error:
            what = f"round {row['round']}: {error.what}"
            raise InputError(what, got=error.got, ways_out=error.ways_out) from error
    return pairs, left


def _rounds(frame: Any, extra: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of the frame of rounds, None where a value is lacking."""
    import pandas as pd

    kinds = {spec.name: spec.metadata["kind"] for spec in _Rounds._specs()}
    kinds |= dict.fromkeys((f"empty_{name}" for name in NOUNS), "text")
    spellings = {name: (name,) for name in kinds} | _Rounds.spellings()
    columns, left = columns_of("rounds", frame, spellings, _Rounds.required(), extra=extra)
    values: dict[str, list[Any]] = {}
    for name, array in columns.items():
        lacking = np.zeros(array.size, dtype=bool) if name in _Rounds.required() else pd.isna(array)
        there = np.flatnonzero(~lacking)
        refuse_cell = partial(refuse_row, "rounds", name, array[there], rows=there)
        cells = column_of(kinds[name], array[there], refuse_cell)
        values[name] = [None] * array.size
        for row, value in zip(there.tolist(), cells.tolist(), strict=True):
            values[name][row] = value
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return rows, [f"rounds.{column}" for column in left]


def _by_round(name: str, frame: Any, numbers: list[int], extra: str) -> tuple[Part, list[str]]:
    """Return what gives the columns of a table for each round, and the columns that were left aside."""
    import pandas as pd

    noun = NOUNS[name]
    if frame is None:
        return lambda _: {}, []
    spellings = {**noun.spellings(), "round": _ROUND}
    columns, left = columns_of(name, frame, spellings, [*noun.required(), "round"], extra=extra)
    given = columns.pop("round")
    of_row = column_of("index", given, partial(refuse_row, name, "round", given))
    ways_out = ["add the round to the frame of rounds", "drop its rows"]
    strange = ~np.isin(of_row, numbers)
    refuse_row(name, "round", given, strange, "is no round of the frame of rounds", ways_out)
    order = np.argsort(of_row, kind="stable")
    sorted_rows = of_row[order]
    lacking = {n: pd.isna(values) for n, values in columns.items() if n not in noun.required()}

    def part(number: int) -> dict[str, npt.NDArray[Any]]:
        start, stop = np.searchsorted(sorted_rows, [number, number + 1])
        rows = order[start:stop]
        kept = (n for n in columns if rows.size and not (n in lacking and lacking[n][rows].all()))
        return {n: columns[n][rows] for n in kept}

    return part, left


def _pair(row: dict[str, Any], tables: dict[str, Part]) -> Pair:
    made: dict[str, Any] = {"accounts": None}
    for name, noun in NOUNS.items():
        columns = tables[name](row["round"]) or _empty(noun, row.get(f"empty_{name}"))
        if name == "positions" and columns and columns["account"].size:
            refuse = partial(refuse_row, "positions", "account")
            columns["account"] = rows_of(columns["account"], made["accounts"].index, refuse)
        if name == "accounts" and not columns:
            columns = _empty(noun, ",".join(noun.required()))
        made[name] = noun(**columns) if columns else None
    haircut = row.get("recorded_haircut")
    names = {"max_burden": "recorded_max_burden", "reference_burden": "reference_burden"}
    burdens = {own: row[name] for own, name in names.items() if row.get(name) is not None}
    if haircut is None and burdens:
        raise InputError(
            "rounds: burdens are recorded without the haircut",
            got=", ".join(f"{name} = {value}" for name, value in burdens.items()),
            ways_out=["give recorded_haircut_usd", "leave the burdens out"],
        )
    return pair_of(row, made, None if haircut is None else Recorded(haircut=haircut, **burdens))


def _empty(noun: type[Columns], names: str | None) -> dict[str, npt.NDArray[Any]]:
    """Return the named columns of a table without rows; nothing where none is named."""
    found = names.split(",") if names else []
    known = [spec.name for spec in noun._specs()]
    if strange := [name for name in found if name not in known]:
        raise InputError(
            f"an empty table of {noun._noun()} has columns that are not known",
            got=", ".join(quoted(name) for name in strange),
            ways_out=[f"known columns: {', '.join(known)}", "leave the column that names them out"],
        )
    return {name: np.empty(0) for name in found}
