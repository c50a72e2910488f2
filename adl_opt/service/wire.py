"""Rounds and outcomes as lines of JSON, and back.

A line is ``{"kind": "round", "round": {...}}`` or ``{"kind": "outcome", "number": N, ...}``.  A table in it
is an object of columns, ``{"id": [...], "pnl": [...]}``, or a list of rows, ``[{"id": ..., "pnl": ...}]``.
Names are those of :class:`adl_opt.Accounts` and the other tables; money may carry the suffix ``_usd``.  A
number may be text ("65000.10").  A column of numbers may also be one text: ``f8:`` or ``i8:``, then the
little-endian bytes in base64.  What is not known, or is given twice, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from adl_opt.checks import quoted
from adl_opt.errors import AdlOptError, InputError
from adl_opt.reading.bounded import plain_json
from adl_opt.rounds.columns import Columns, frame_name, named_columns, refuse_row
from adl_opt.rounds.information import Information
from adl_opt.rounds.named import reads_as_row, rows_of
from adl_opt.rounds.round import Outcome, Recorded, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions

ROUND, OUTCOME = "round", "outcome"
PACKED = {"f8:": "<f8", "i8:": "<i8"}
_OF_ROUND = {
    "number": ("number", "round"),
    "start_ms": ("start_ms",),
    "deficit": ("deficit", "deficit_usd"),
    "accounts": ("accounts",),
    "positions": ("positions",),
    "flow": ("flow",),
    "flow_known": ("flow_known",),
}
_OF_OUTCOME = {
    "kind": ("kind",),
    "number": ("number", "round"),
    "needed": ("needed", "needed_usd"),
    "gaps": ("gaps",),
    "recorded": ("recorded",),
    "end_ms": ("end_ms",),
}
_OF_RECORD = {
    "haircut": ("haircut", "haircut_usd"),
    "max_burden": ("max_burden",),
    "reference_burden": ("reference_burden",),
}
T = TypeVar("T", bound=Columns)


class Revealed(NamedTuple):
    """An outcome and the number of its round."""

    number: int
    outcome: Outcome


def read_line(text: str | bytes, where: str = "line 1") -> Round | Revealed:
    """Return the round or the outcome of a line.

    Parameters
    ----------
    text : str or bytes
        One line of JSON, UTF-8.
    where : str
        Where it stands, for messages.

    Raises
    ------
    InputError
        Not JSON, a key that is not known or is given twice, or a value that is refused: with line and field.

    Examples
    --------
    >>> accounts = '{"id": ["a"], "pnl": [9], "equity": [20]}'
    >>> read_line(f'{{"kind": "round", "round": {{"deficit": 5, "accounts": {accounts}}}}}').capacity_usd
    9.0
    """
    given = _parsed(text, where)
    kind = given.get("kind")
    if kind == ROUND:
        fields = _fields(given, {"kind": ("kind",), "round": ("round",)}, ("round",), where)
        return _round(fields["round"], f"{where}, round")
    if kind == OUTCOME:
        return _outcome(given, where)
    known = f"{ROUND} or {OUTCOME}"
    raise InputError(
        f"{where}, field 'kind': a line is of kind {known}",
        got=quoted(kind) if "kind" in given else f"no kind; there are {', '.join(given) or 'no keys'}",
        ways_out=['write {"kind": "round", "round": {...}}', 'write {"kind": "outcome", "number": N, ...}'],
    )


def round_line(round_: Round) -> str:
    """Return a round as a line, numbers packed; :func:`read_line` makes the same round of it, bit for bit.

    Examples
    --------
    >>> round_ = Round(deficit=5.0, accounts=Accounts(id=["a"], pnl=[9.0], equity=[20.0]))
    >>> read_line(round_line(round_)).accounts.pnl
    array([9.])
    """
    made = {"number": compact(int(round_.number)), "start_ms": compact(_whole(round_.start_ms))}
    made |= {"deficit": compact(float(round_.deficit)), "accounts": joined(_columns(round_.accounts))}
    if round_.positions is not None:
        held = _columns(round_.positions)
        if reads_as_row(round_.accounts.id):
            held = {"id": _packed(round_.accounts.id[round_.positions.account])} | held
            del held["account"]
        made["positions"] = joined(held)
    if round_.flow is not None:
        made["flow"] = joined(_columns(round_.flow))
    if round_.flow_known is not Information.START_OF_ROUND:
        made["flow_known"] = compact(round_.flow_known.value)
    return joined({"kind": compact(ROUND), "round": joined(made)})


def outcome_line(number: int, outcome: Outcome) -> str:
    """Return the outcome of a round as a line."""
    made: dict[str, Any] = {"kind": OUTCOME, "number": int(number), "needed": float(outcome.needed)}
    made["end_ms"] = _whole(outcome.end_ms)
    if outcome.recorded is not None:
        known = {name: float(getattr(outcome.recorded, name)) for name in _OF_RECORD}
        made["recorded"] = {name: value for name, value in known.items() if not math.isnan(value)}
    texts = {name: compact(value) for name, value in made.items()}
    if outcome.gaps is not None:
        texts["gaps"] = joined(_columns(outcome.gaps))
    return joined(texts)


def compact(value: Any) -> str:
    """Return JSON on one line without spaces: the one form that hashes are taken of."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def joined(texts: Mapping[str, str]) -> str:
    """Return a JSON object of values that are JSON already, in the form of :func:`compact`.

    Examples
    --------
    >>> joined({"a": compact([1, 2]), "b": compact("c")}) == compact({"a": [1, 2], "b": "c"})
    True
    """
    return "{" + ",".join([f'"{name}":{text}' for name, text in texts.items()]) + "}"


def sha256(text: str | bytes) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)


def _columns(table: Columns) -> dict[str, str]:
    """Return the columns that are there, each as JSON: large texts of digits would be slow in ``compact``."""
    kinds = {spec.name: frame_name(spec) for spec in table._specs()}
    return {kinds[name]: _packed(getattr(table, name)) for name in table.present()}


def _packed(values: npt.NDArray[Any]) -> str:
    if values.dtype.kind == "U":
        return compact(values.tolist())
    prefix = "i8:" if values.dtype.kind == "i" else "f8:"
    data = np.ascontiguousarray(values, dtype=PACKED[prefix]).tobytes()
    return f'"{prefix}{base64.b64encode(data).decode("ascii")}"'


def _parsed(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        given = plain_json(text)
    except ValueError as error:
        shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
        raise InputError(
            f"{where}: this is not JSON",
            got=f"{error}: {quoted(shown)}",
            ways_out=["write one object a line"],
        ) from error
    if not isinstance(given, dict):
        raise InputError(
            f"{where}: a line is a JSON object", got=quoted(given), ways_out=["write one object a line"]
        )
    return given


def _fields(
    given: Any, spellings: Mapping[str, tuple[str, ...]], required: Iterable[str], where: str
) -> dict[str, Any]:
    """Return the fields of an object by their own names; null counts as left out."""
    if not isinstance(given, dict):
        raise InputError(f"{where}: this is no object", got=quoted(given), ways_out=["write {...}"])
    names = named_columns(where, list(given), spellings, list(required), extra="refuse")
    found = {name: given[spelled] for name, spelled in names.items() if given[spelled] is not None}
    for name in required:
        if name not in found:
            raise InputError(f"{where}, field {name!r}: is null", got="null", ways_out=["give a value"])
    return found


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say on which line a value was refused."""
    try:
        yield
    except AdlOptError as error:
        raise InputError(f"{where}: {error.what}", got=error.got, ways_out=error.ways_out) from error


def _round(given: Any, where: str) -> Round:
    fields = _fields(given, _OF_ROUND, ("deficit", "accounts"), where)
    accounts = _table(Accounts, fields.pop("accounts"), f"{where}.accounts")
    made: dict[str, Any] = {"accounts": accounts}
    if "positions" in fields:
        made["positions"] = _table(Positions, fields.pop("positions"), f"{where}.positions", accounts)
    if "flow" in fields:
        made["flow"] = _table(Flow, fields.pop("flow"), f"{where}.flow")
    with _told(where):
        return Round(**made, **fields)


def _outcome(given: dict[str, Any], where: str) -> Revealed:
    fields = _fields(given, _OF_OUTCOME, ("number",), where)
    number = fields.pop("number")
    if type(number) is not int:
        way = "give the number of the round that is revealed"
        raise InputError(f"{where}, field 'number': is no whole number", got=quoted(number), ways_out=[way])
    del fields["kind"]
    if "gaps" in fields:
        fields["gaps"] = _table(Gaps, fields["gaps"], f"{where}, gaps")
        fields.setdefault("needed", math.fsum(fields["gaps"].gap))
    if "needed" not in fields:
        ways_out = ["give needed_usd, or gaps that add up to it"]
        raise InputError(f"{where}, field 'needed': is missing", got=", ".join(given), ways_out=ways_out)
    with _told(where):
        if "recorded" in fields:
            fields["recorded"] = Recorded(
                **_fields(fields["recorded"], _OF_RECORD, ("haircut",), f"{where}, recorded")
            )
        return Revealed(number, Outcome(**fields))


def _table(noun: type[T], given: Any, where: str, accounts: Accounts | None = None) -> T:
    columns = _by_column(given, where)
    spellings = noun.spellings()
    names = named_columns(where, list(columns), spellings, noun.required(), extra="refuse")
    kinds = {spec.name: spec.metadata["kind"] for spec in noun._specs()}
    arrays = {name: _array(columns[own], kinds[name], f"{where}.{own}") for name, own in names.items()}
    with _told(where):
        if accounts is not None:
            refuse = partial(refuse_row, "positions", "account")
            by_row = names["account"] != "id"
            arrays["account"] = rows_of(arrays["account"], accounts.index, refuse, rows_too=by_row)
        return noun(**arrays)


def _by_column(given: Any, where: str) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        ways_out = ['write columns: {"id": [...], ...}', 'write rows: [{"id": ..., ...}, ...]']
        raise InputError(f"{where}: this is no table", got=quoted(given), ways_out=ways_out)
    names = list(given[0]) if given else []
    for place, row in enumerate(given):
        if row.keys() != set(names):
            other = sorted(row.keys() ^ set(names))
            raise InputError(
                f"{where}, row {place}: the rows have different keys",
                got=", ".join(map(quoted, other)),
                ways_out=["give every row the same keys"],
            )
    return {name: [row[name] for row in given] for name in names}


def _array(values: Any, kind: str, where: str) -> npt.NDArray[Any]:
    prefix = values[:3] if isinstance(values, str) else ""
    if prefix in PACKED and kind != "text":
        try:
            return np.frombuffer(base64.b64decode(values[3:], validate=True), dtype=PACKED[prefix])
        except (ValueError, binascii.Error) as error:
            raise InputError(f"{where}: the packed numbers are damaged", got=str(error)) from error
    if not isinstance(values, list):
        ways_out = ["write a list with one value a row"]
        raise InputError(f"{where}: this is no column", got=quoted(values), ways_out=ways_out)
    allowed = {str, int} if kind == "text" else {str, int, float}
    kinds = set(map(type, values))
    if strange := kinds - allowed:
        row = next(k for k, value in enumerate(values) if type(value) in strange)
        what = "a text" if kind == "text" else "a number"
        raise InputError(
            f"{where}, row {row}: is not {what}",
            got=quoted(compact(values[row])),
            ways_out=["correct the value", "leave an optional column out as a whole"],
        )
    if kind == "text" and int in kinds:
        values = list(map(str, values))
    # as text, numpy would give each value the room of the longest one
    return np.array(values, dtype=object if kind == "text" or str in kinds else None)
