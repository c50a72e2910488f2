"""A first configuration for files that nobody has described: every guess and every doubt is marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adl_opt.datasets.warehouse.config import Form
from adl_opt.datasets.warehouse.fields import REQUIRED, TABLES
from adl_opt.datasets.warehouse.sheets import MARKS, csv_frame, parquet_frame
from adl_opt.reading.bounded import refuse_devices, unreadable

_LOOKED_AT = 1 << 20
LEAST = 2
"""A file must have so many columns of a table to look like it."""

_POINT = re.compile(r"[+-]?\d{1,3}(,\d{3})*\.\d+|[+-]?\d{1,3}(,\d{3}){2,}")
_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})*,\d+|[+-]?\d{1,3}(\.\d{3}){2,}")


@dataclass(frozen=True)
class _Guess:
    path: Path
    table: str
    columns: dict[str, str]
    aside: list[str]
    form: Form
    doubts: list[str]


def sniffed(paths: Sequence[Path]) -> str:
    """Return a configuration for files: one table a file, by the names of its columns.

    Raises
    ------
    InputError
        A file cannot be read, or has no rows.
    """
    guesses = [_guess(path) for path in paths]
    lines = [
        "# A first configuration. Everything in it is a guess from names and cells: check every line.",
        "# Lines that begin with `# doubt:` need a decision.",
        "",
    ]
    by_table: dict[str, list[_Guess]] = {}
    for guess in guesses:
        by_table.setdefault(guess.table, []).append(guess)
    for table, of in by_table.items():
        lines += [*_section(table, of), ""]
    lines += [
        f"# doubt: no file looks like [{name}], which is needed" for name in REQUIRED if name not in by_table
    ]
    if "fills" not in by_table:
        lines.append('# doubt: no fills: write executed_at = "mark" under [rules], or add them')
    lines += ["[rules]", "# doubt: does the table of collateral count isolated margin too?"]
    lines += [
        "# isolated_margin_in_collateral = false",
        "",
        "[reconcile]",
        "tolerance_usd = 0.01",
        "accept = []",
    ]
    return "\n".join(lines) + "\n"


def _section(table: str, of: list[_Guess]) -> Iterator[str]:
    first = of[0]
    yield f"[{table}]" if table else "# [?]"
    mark = "" if table else "# "
    yield f"{mark}files = {json.dumps([guess.path.name for guess in of])}"
    for doubt in dict.fromkeys(doubt for guess in of for doubt in guess.doubts):
        yield f"# doubt: {doubt} ({', '.join(guess.path.name for guess in of if doubt in guess.doubts)})"
    for guess in of:
        if (guess.columns, guess.form) != (first.columns, first.form):
            yield f"# doubt: {guess.path.name} is not written as {first.path.name} is: {guess.columns}"
    if aside := list(dict.fromkeys(name for guess in of for name in guess.aside)):
        yield f"# left aside: {', '.join(aside)}"
    if not table:
        return
    yield f"[{table}.columns]"
    for key, spelled in first.columns.items():
        yield f"{key} = {json.dumps(spelled, ensure_ascii=False)}  # guess: by its name"
    for key, spec in TABLES[table].items():
        if spec.required and key not in first.columns:
            yield f'# doubt: which column is it? {key} = ""'
    changed = {key: value for key, value in vars(first.form).items() if value != getattr(Form(), key)}
    if changed:
        yield f"[{table}.format]"
        for key, value in changed.items():
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}  # guess: from its cells"


def _guess(path: Path) -> _Guess:
    try:
        refuse_devices(path)
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "give a file that you may read") from error
    form, doubts = Form(), list[str]()
    if data[:4] == b"PAR1":
        frame = parquet_frame(data, path.name)
    else:
        line = data[:_LOOKED_AT].decode("utf-8-sig", errors="replace").partition("\n")[0]
        delimiter = max(MARKS, key=line.count)
        form = replace(form, delimiter=delimiter if line.count(delimiter) else ",")
        frame = csv_frame(data, path.name, form)
        form, doubts = _written(frame.head(1000), form)
    header = [str(column) for column in frame.columns]
    scores = {table: _score(table, header, path.stem) for table in TABLES}
    best = max(scores, key=scores.__getitem__)
    table = best if scores[best] > 0 else ""
    columns = _mapped(table, header) if table else {}
    if not table:
        doubts.append("its columns are those of no table")
    doubts += _words(frame, columns, table)
    if rivals := [other for other in TABLES if table and other != table and scores[other] == scores[table]]:
        doubts.append(f"it looks like {', '.join(rivals)} as well")
    return _Guess(path, table, columns, [c for c in header if c not in columns.values()], form, doubts)


def _plain(name: str) -> str:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|\W+", "_", name.strip()).lower().strip("_")
    return parts.removesuffix("_usd") or parts


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
