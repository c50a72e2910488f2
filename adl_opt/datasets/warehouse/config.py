"""The file of TOML that maps a warehouse export to the tables of a book."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adl_opt.checks import near_names, quoted
from adl_opt.datasets.warehouse.fields import CAUSES, REQUIRED, TABLES
from adl_opt.errors import InputError

_ONE_LETTER = ("delimiter", "decimal", "quote")
_CHOICES = {
    "time": ("iso", "s", "ms", "us", "ns"),
    "executed_at": ("fills", "mark"),
    "isolated_margin_in": ("usd", "settlement"),
    "losers": ("each", "by side"),
}
"""Keys that take one of a few words."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """How cells are written.

    Parameters
    ----------
    delimiter, decimal, quote : str
        One character each.
    thousands : str
        Character between groups of three digits; none by default, and then such numbers are refused.
    encoding : str
        A byte order mark is skipped.
    time : str
        ``iso`` (ISO 8601), or the unit of a number since the epoch: ``s``, ``ms``, ``us``, ``ns``.
    timezone : str
        Zone (IANA) of times that name none; without it they are refused.
    blank : list of str
        Cells that stand for no value.
    """

    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    quote: str = '"'
    encoding: str = "utf-8"
    time: str = "iso"
    timezone: str = ""
    blank: tuple[str, ...] = ("",)


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """Where a table is, and how its columns are called there.

    Parameters
    ----------
    name : str
    files : tuple of str
        Paths or globs, from the folder of the configuration; ``-`` is the standard input.
    columns : dict
        Name in the files by name here.
    form : Form
    words : dict of dict
        Further words of a column, such as ``{"side": {"BUY": "long"}}``.
    rows : str
        CSV in the place of files, with a header.
    """

    name: str
    files: tuple[str, ...]
    columns: dict[str, str]
    form: Form
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What no table says.

    Parameters
    ----------
    executed_at : str
        Where liquidated contracts were executed: ``fills`` of their market and side, or the ``mark``.
    isolated_margin_in : str
        Unit of the isolated margin: ``usd``, or ``settlement`` for the settlement asset of the market.
    losers : str
        Whether the venue closes the contracts of ``each`` loser at its own bankruptcy price, or those of all
        losers of a market and side at their mean price: ``by side``.
    isolated_margin_in_collateral : bool, optional
        Whether the table of collateral counts isolated margin too.  It must be said where there is any.
    """

    executed_at: str = "fills"
    isolated_margin_in: str = "usd"
    losers: str = "each"
    isolated_margin_in_collateral: bool | None = None


@dataclass(frozen=True, kw_only=True)
class BookConfig:
    """A configuration: tables, rules, and which differences from the venue's own columns are accepted."""

    path: Path
    tables: dict[str, TableConfig]
    rules: Rules
    name: str = ""
    source: str = ""
    tolerance_usd: float = 0.01
    accept: tuple[str, ...] = ()


def read_config(path: Path) -> BookConfig:
    """Read a configuration.

    Raises
    ------
    InputError
        No TOML, a key that is not known, a table that is missing, or a value of the wrong kind.
    """
    try:
        given = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        ways_out = ["give a TOML file", "write a first one: adl-opt import book --sniff FILES"]
        raise InputError(
            "the configuration cannot be read", got=f"{path}: {error}", ways_out=ways_out
        ) from error
    where = path.name
    _known(where, given, ("name", "source", "format", "rules", "reconcile", *TABLES))
    form = _filled(f"{where} [format]", Form(), given.get("format", {}))
    rules = _filled(f"{where} [rules]", Rules(), given.get("rules", {}))
    agreed = _dict(where, "reconcile", given.get("reconcile", {}))
    _known(f"{where} [reconcile]", agreed, ("tolerance_usd", "accept"))
    accept = _texts(f"{where} [reconcile]", "accept", agreed.get("accept", []))
    _known(f"{where} [reconcile] accept", accept, CAUSES)
    tolerance = agreed.get("tolerance_usd", 0.01)
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not tolerance > 0:
        raise _wrong(f"{where} [reconcile]", "tolerance_usd", tolerance, "an amount in USD above 0")
    tables = {name: _table(where, name, given[name], form) for name in TABLES if name in given}
    if lacking := [name for name in REQUIRED if name not in tables]:
        raise InputError(
            f"{where}: tables are missing",
            got=f"missing {', '.join(lacking)}; there are {', '.join(tables) or 'none'}",
            ways_out=[f"add [{name}] with files and columns" for name in lacking],
        )
    texts = {key: _text(where, key, given.get(key, "")) for key in ("name", "source")}
    return BookConfig(
        path=path, tables=tables, rules=rules, tolerance_usd=float(tolerance), accept=accept, **texts
    )


def _table(where: str, name: str, given: Any, form: Form) -> TableConfig:
    specs = TABLES[name]
    at = f"{where} [{name}]"
    _known(at, _dict(where, name, given), ("files", "rows", "columns", "format", "words"))
    columns = _dict(at, "columns", given.get("columns", {}))
    _known(f"{at} columns", columns, specs)
    for key, value in columns.items():
        _text(f"{at} columns", key, value)
    if lacking := [key for key, spec in specs.items() if spec.required and key not in columns]:
        raise InputError(
            f"{at}: columns are not mapped",
            got=f"missing {', '.join(lacking)}",
            ways_out=[f'write {key} = "NAME IN THE FILE" under [{name}.columns]' for key in lacking],
        )
    words = _dict(at, "words", given.get("words", {}))
    _known(f"{at} words", words, [key for key, spec in specs.items() if spec.words])
    for key, meant in words.items():
        for word, value in _dict(f"{at} words", key, meant).items():
            _known(f"{at} words.{key}: {word} =", [_text(f"{at} words.{key}", word, value)], specs[key].words)
    files, rows = given.get("files", ""), _text(at, "rows", given.get("rows", ""))
    if rows and files:
        raise _wrong(at, "rows", rows, "left out where files are named")
    if not rows:
        files = (files,) if isinstance(files, str) and files else _texts(at, "files", files or None)
    own = _filled(f"{at} format", Form() if rows else form, given.get("format", {}))
    return TableConfig(name=name, files=tuple(files), columns=columns, form=own, words=words, rows=rows)


def _filled(where: str, default: Any, given: Any) -> Any:
    """Return a dataclass with what is given in the place of its defaults."""
    _dict(where, "it", given)
    _known(where, given, [f.name for f in fields(default)])
    made: dict[str, Any] = {}
    for key, value in given.items():
        if key in _CHOICES and value not in _CHOICES[key]:
            raise _wrong(where, key, value, f"one of {', '.join(_CHOICES[key])}")
        if key == "blank":
            made[key] = _texts(where, key, value)
        elif key == "isolated_margin_in_collateral":
            if not isinstance(value, bool):
                raise _wrong(where, key, value, "true or false")
            made[key] = value
        else:
            made[key] = _text(where, key, value)
            if (key in _ONE_LETTER and len(value) != 1) or (key == "thousands" and len(value) > 1):
                raise _wrong(where, key, value, "one character")
    out = replace(default, **made)
    if isinstance(out, Form):
        _refuse_form(where, out)
    return out


def _refuse_form(where: str, form: Form) -> None:
    if form.decimal == form.thousands:
        raise _wrong(where, "thousands", form.thousands, "another character than decimal")
    try:
        "".encode(form.encoding)
        _ = ZoneInfo(form.timezone) if form.timezone else None
    except (LookupError, ValueError, OSError) as error:
        raise _wrong(where, "encoding or timezone", error, "one that Python knows") from error


def _known(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    if strange := [key for key in given if key not in known]:
        hints = (
            quoted(k) + "".join(f" (did you mean {m!r}?)" for m in near_names(k, known)) for k in strange
        )
        raise InputError(
            f"{where}: there are keys that are not known",
            got=", ".join(hints),
            ways_out=[f"known: {', '.join(known)}"],
        )


def _dict(where: str, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, key, value, "a table")
    return value


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or re.search(r"[\0]", value):
        raise _wrong(where, key, value, "a text")
    return value


def _texts(where: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise _wrong(where, key, value, "a text, or a list of texts")
    return tuple(value)


def _wrong(where: str, key: str, value: object, kind: str) -> InputError:
    return InputError(
        f"{where}: {key} must be {kind}", got=f"{key} = {quoted(value)}", ways_out=[f"give {kind}"]
    )
