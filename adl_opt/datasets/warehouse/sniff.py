"""A first configuration for files that nobody has described: every guess and every doubt is marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adl_opt.datasets.warehouse.config import Form
from adl_opt.datasets.warehouse.fields import REQUIRED, SERVED, TABLES
from adl_opt.datasets.warehouse.sheets import MARKS, csv_frame, parquet_frame
from adl_opt.datasets.warehouse.terms import USD
from adl_opt.reading.bounded import refuse_devices, unreadable

_LOOKED_AT = 1 << 20
LEAST = 2
"""A file must have so many columns of a table to look like it."""

_SHARED = ("round", "time", "account", "id", "market", "asset", "side", "quantity")
"""Columns that two tables of one file both read."""

_POINT = re.compile(r"[+-]?\d{1,3}(,\d{3})*\.\d+|[+-]?\d{1,3}(,\d{3}){2,}")
_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})*,\d+|[+-]?\d{1,3}(\.\d{3}){2,}")


@dataclass(frozen=True)
class _File:
    path: Path
    frame: Any
    form: Form
    doubts: list[str]

    @property
    def header(self) -> list[str]:
        return [str(column) for column in self.frame.columns]


@dataclass(frozen=True)
class _Guess:
    file: _File
    columns: dict[str, str]
    doubts: list[str]


def sniffed(paths: Sequence[Path]) -> str:
    """Return a configuration for files by the names of their columns.

    A file is of the table that it looks like most.  A table that no file is of is read from the rows of
    another table, where they hold its columns.

    Raises
    ------
    InputError
        A file cannot be read, or has no rows.
    """
    by_table: dict[str, list[_Guess]] = {}
    for path in paths:
        file = _read(path)
        table = _best(file)
        by_table.setdefault(table, []).append(_guess(file, table))
    for table, homes in SERVED.items():
        if table not in by_table and (
            also := _served(table, [g for h in homes for g in by_table.get(h, ())])
        ):
            by_table[table] = also
    lines = [
        "# A first configuration. Everything in it is a guess from names and cells: check every line.",
        "# Lines that begin with `# doubt:` need a decision.",
        "",
    ]
    every = [guess for of in by_table.values() for guess in of]
    for table, of in by_table.items():
        lines += [*_section(table, of, every), ""]
    lines += _lacking(by_table, every)
    lines += ["[rules]", "# doubt: does the table of collateral count isolated margin too?"]
    lines += [
        "# isolated_margin_in_collateral = false",
        "",
        "[reconcile]",
        "tolerance_usd = 0.01",
        "accept = []",
    ]
    return "\n".join(lines) + "\n"


def _served(table: str, homes: list[_Guess]) -> list[_Guess]:
    """Return a table from the rows of others, without the columns that these take for themselves."""
    made = []
    for home in homes:
        own = {name for key, name in home.columns.items() if key not in _SHARED}
        rest = [name for name in home.file.header if name not in own]
        if _score(table, rest, ""):
            columns = {
                key: name for key, name in _mapped(table, rest).items() if key not in ("pnl", "margin")
            }
            doubts = ["its rows are those of another table: is there no file of its own?"]
            made.append(_Guess(home.file, columns, [*doubts, *_words(home.file.frame, columns, table)]))
    return made


def _lacking(by_table: dict[str, list[_Guess]], every: list[_Guess]) -> Iterator[str]:
    """Say which tables are not there; contracts and assets are written with what must be filled in."""
    markets = _named(every, "market")
    for name in REQUIRED:
        if name not in by_table and not (name == "contracts" and markets):
            yield f"# doubt: no file looks like [{name}], which is needed"
    if "collateral" not in by_table:
        yield "# doubt: no file looks like [collateral]: equity would be PNL and isolated margin alone"
    if "fills" not in by_table:
        yield '# doubt: no fills: write executed_at = "mark" under [rules], or add them'
    coins = [name for name in _named(every, "asset") if name != USD]
    for table, names in (("contracts", markets), ("assets", coins)):
        if table in by_table or not names:
            continue
        keys = [key for key in TABLES[table] if key not in ("round", "time")]
        yield f"# doubt: no file looks like [{table}]: fill in every ?, or name a file in place of rows"
        if table == "contracts":
            yield "# kind: linear or inverse; multiplier, lot_size, settlement, maintenance_rate may be blank"
        yield f"[{table}]"
        yield "rows = '''"
        yield ",".join(keys)
        for name in names:
            quoted = '"' + name.replace('"', '""') + '"' if "," in name or '"' in name else name
            yield quoted + ",?" * (len(keys) - 1)
        yield "'''"
        yield f"[{table}.columns]"
        yield from (f'{key} = "{key}"' for key in keys)
        yield ""


def _named(every: list[_Guess], key: str) -> list[str]:
    """Return the markets or the assets that are in the files."""
    cells = (guess.file.frame[guess.columns[key]] for guess in every if key in guess.columns)
    names = {str(cell).strip() for column in cells for cell in column.dropna().unique()}
    return sorted(name for name in names if name and name.isprintable() and "'''" not in name)


def _section(table: str, of: list[_Guess], every: list[_Guess]) -> Iterator[str]:
    first = of[0]
    yield f"[{table}]" if table else "# [?]"
    mark = "" if table else "# "
    yield f"{mark}files = {json.dumps([guess.file.path.name for guess in of])}"
    for doubt in dict.fromkeys(doubt for guess in of for doubt in guess.doubts):
        names = ", ".join(guess.file.path.name for guess in of if doubt in guess.doubts)
        yield f"# doubt: {doubt} ({names})"
    for guess in of:
        if (guess.columns, guess.file.form) != (first.columns, first.file.form):
            ours, theirs = guess.file.path.name, first.file.path.name
            yield f"# doubt: {ours} is not written as {theirs} is: {guess.columns}"
    files = [guess.file for guess in of]
    taken = {name for guess in every if guess.file in files for name in guess.columns.values()}
    if aside := [n for n in dict.fromkeys(n for file in files for n in file.header) if n not in taken]:
        yield f"# left aside: {', '.join(aside)}"
    if not table:
        return
    yield f"[{table}.columns]"
    for key, spelled in first.columns.items():
        yield f"{key} = {json.dumps(spelled, ensure_ascii=False)}  # guess: by its name"
    form = first.file.form
    if changed := {key: value for key, value in vars(form).items() if value != getattr(Form(), key)}:
        yield f"[{table}.format]"
        for key, value in changed.items():
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}  # guess: from its cells"


def _read(path: Path) -> _File:
    try:
        refuse_devices(path)
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "give a file that you may read") from error
    if data[:4] == b"PAR1":
        return _File(path, parquet_frame(data, path.name), Form(), [])
    line = data[:_LOOKED_AT].decode("utf-8-sig", errors="replace").partition("\n")[0]
    delimiter = max(MARKS, key=line.count)
    form = replace(Form(), delimiter=delimiter if line.count(delimiter) else ",")
    frame = csv_frame(data, path.name, form)
    return _File(path, frame, *_written(frame.head(1000), form))


def _best(file: _File) -> str:
    """Return the table that a file looks like most; ``""`` where it is none."""
    scores = {table: _score(table, file.header, file.path.stem) for table in TABLES}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else ""


def _guess(file: _File, table: str) -> _Guess:
    if not table:
        return _Guess(file, {}, [*file.doubts, "its columns are those of no table"])
    columns = _mapped(table, file.header)
    doubts = [*file.doubts, *_words(file.frame, columns, table)]
    score = _score(table, file.header, file.path.stem)
    rivals = [t for t in TABLES if t != table and _score(t, file.header, file.path.stem) == score]
    if rivals:
        doubts.append(f"it looks like {', '.join(rivals)} as well")
    return _Guess(file, columns, doubts)


def _plain(name: str) -> str:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|\W+", "_", name.strip()).lower().strip("_")
    return re.sub(r"(?<=.)_usd[tc]?$", "", parts)


def _mapped(table: str, header: list[str]) -> dict[str, str]:
    """Return the columns of a table by the first of their names that is in the header."""
    plain = {_plain(column): column for column in reversed(header)}
    found: dict[str, str] = {}
    for key, spec in TABLES[table].items():
        for name in (key, *spec.names):
            if name in plain and plain[name] not in found.values():
                found[key] = plain[name]
                break
    return found


def _score(table: str, header: list[str], name: str) -> float:
    """Return how well a header fits a table: 0 where a column that is needed is not there.

    A file whose name has that of the table fits a little better.
    """
    found = _mapped(table, header)
    needed = [key for key, spec in TABLES[table].items() if spec.required]
    if not all(key in found for key in needed):
        return 0.0
    own = [key for key in found if key not in ("round", "time")]
    named = table.removesuffix("s") in name.lower()
    return len(own) + len(own) / len(TABLES[table]) + named if len(own) >= LEAST else 0.0


def _written(frame: Any, form: Form) -> tuple[Form, list[str]]:
    """Return how numbers and times are written in cells of text, and what is not clear."""
    cells = [cell.strip() for column in range(frame.shape[1]) for cell in frame.iloc[:, column].dropna()]
    point = sum(bool(_POINT.fullmatch(cell)) for cell in cells)
    comma = sum(bool(_COMMA.fullmatch(cell)) for cell in cells)
    doubts = []
    if comma > point:
        form = replace(form, decimal=",", thousands=".")
    elif any("," in cell for cell in cells if _POINT.fullmatch(cell)):
        form = replace(form, thousands=",")
    if point and comma:
        doubts.append(f"{point} cells have a decimal point, {comma} a decimal comma")
    elif any(re.fullmatch(r"\d{1,3}[.,]\d{3}", cell) for cell in cells) and not (point and comma):
        doubts.append("cells such as 1,234 or 1.234 may be thousands or decimals")
    stamps = [cell for cell in cells if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", cell)]
    if any(not re.search(r"([Zz]|[+-]\d\d:?\d\d)$", stamp) for stamp in stamps):
        doubts.append('times without a zone: set timezone = "UTC" under format, if they are in UTC')
    return form, doubts


def _words(frame: Any, columns: dict[str, str], table: str) -> list[str]:
    """Return the words of the columns of words that are not known."""
    doubts = []
    for key, spelled in columns.items():
        spec = TABLES[table][key]
        if spec.words:
            there = {str(cell).strip() for cell in frame[spelled].dropna().unique()}
            if strange := sorted(word for word in there if word and word.casefold() not in spec.words):
                known = ", ".join(spec.words)
                doubts.append(
                    f"say under [{table}.words.{key}] what these mean: {', '.join(strange[:8])} ({known})"
                )
    return doubts
