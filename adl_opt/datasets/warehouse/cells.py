"""From cells of text to numbers, times and words; every refusal names file, row, column and value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from adl_opt.checks import LARGEST_USD, quoted
from adl_opt.datasets.warehouse.config import Form, TableConfig
from adl_opt.datasets.warehouse.fields import TABLES
from adl_opt.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_ZONED = r".*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CellPlace:
    """A column of a file, for messages."""

    table: str
    file: str
    column: str

    def refuse(self, wrong: Mask, values: Any, why: str, *ways_out: str) -> None:
        """Raise an InputError with the first wrong cell, if there is one; rows count below the header."""
        if wrong.any():
            row = int(np.argmax(wrong))
            more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
            value = values.iloc[row] if hasattr(values, "iloc") else values[row]
            raise InputError(
                f"{self.file}: a value of column {self.column!r} {why}",
                got=f"table {self.table}, row {row + 1}, column {self.column!r}: {quoted(value)}{more}",
                ways_out=ways_out or ("correct the value in the export", "leave the row out of the export"),
            )


def parsed_cells(config: TableConfig, key: str, values: pd.Series[Any], file: str) -> Array:
    """Return a column of a file as what its table says it is.

    Text is ``""`` and a number NaN where a cell is blank, a time -1; a word that is blank has the value None.
    """
    import pandas as pd

    spec, form = TABLES[config.name][key], config.form
    place = CellPlace(config.name, file, config.columns[key])
    native = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)
    blank = values.isna().to_numpy()
    text = values
    if not native:
        text = values.astype("string").fillna("").str.strip()
        blank = text.isin([word.strip() for word in form.blank]).to_numpy(bool)
    if spec.required:
        place.refuse(blank, values, "is blank")
    if spec.kind == "time":
        return _times(text, blank, form, place, native)
    if spec.kind in ("text", "word"):
        if native:
            text = _as_text(values)
        if spec.kind == "text":
            return np.where(blank, "", text.to_numpy(dtype=np.str_))
        words = {**spec.words, **{w: spec.words[m] for w, m in config.words.get(key, {}).items()}}
        return _words(text, blank, words, place)
    numbers = values.to_numpy(np.float64, na_value=np.nan) if native else _numbers(text, blank, form, place)
    _limits(spec.kind, numbers, blank, values, place)
    return numbers


def _as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return numbers of a Parquet file as text: whole ones without a point."""
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    whole = np.isfinite(numbers).all() and bool((numbers == np.rint(numbers)).all())
    return (values.astype("int64") if whole else values).astype("string")


def _numbers(text: pd.Series[Any], blank: Mask, form: Form, place: CellPlace) -> Array:
    point, group = re.escape(form.decimal), re.escape(form.thousands)
    grouped = rf"|\d{{1,3}}(?:{group}\d{{3}})+" if form.thousands else ""
    number = rf"[+-]?(?:(?:\d+{grouped})(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    wrong = ~blank & ~text.str.fullmatch(number).to_numpy(bool)
    place.refuse(
        wrong,
        text,
        f"is not a number with decimal {form.decimal!r} and "
        + (f"thousands {form.thousands!r}" if form.thousands else "no thousands separator"),
        f"set decimal and thousands under [{place.table}.format]",
        "name it in blank, if it stands for no value",
    )
    plain = text.str.replace(form.thousands, "", regex=False) if form.thousands else text
    if form.decimal != ".":
        plain = plain.str.replace(form.decimal, ".", regex=False)
    return plain.where(~blank, "nan").to_numpy(dtype=np.str_).astype(np.float64)


def _limits(kind: str, numbers: Array, blank: Mask, shown: Any, place: CellPlace) -> None:
    with np.errstate(invalid="ignore"):
        place.refuse(
            ~blank & ~(np.abs(numbers) <= LARGEST_USD), shown, f"is not finite, or beyond {LARGEST_USD:g}"
        )
        if kind == "number>0":
            place.refuse(~blank & (numbers <= 0), shown, "must be above 0")
        elif kind != "number":
            place.refuse(~blank & (numbers < 0), shown, "must be at least 0")
        if kind == "share":
            place.refuse(numbers > 1, shown, "must be a share from 0 to 1", "divide percents by 100")


def _times(text: pd.Series[Any], blank: Mask, form: Form, place: CellPlace, native: bool) -> Array:
    """Return milliseconds since the epoch (UTC), -1 where a cell is blank."""
    import pandas as pd

    ways_out = [f'set time under [{place.table}.format]: "iso", "s", "ms", "us" or "ns"']
    if form.time != "iso" and not pd.api.types.is_datetime64_any_dtype(text):
        numbers = text.to_numpy(np.float64) if native else _numbers(text, blank, form, place)
        place.refuse(~blank & (numbers != np.rint(numbers)), text, "is not a whole number", *ways_out)
        nanoseconds = np.where(blank, -1e6, numbers) * _NANOSECONDS[form.time]
        strange = ~blank & ~((nanoseconds > 0) & (nanoseconds < 9e18))
        place.refuse(strange, text, f"is no time in {form.time}", *ways_out)
        return np.asarray(np.rint(nanoseconds / 1e6), dtype=np.int64)
    if pd.api.types.is_datetime64_any_dtype(text):
        stamps, zoned = text, np.full(len(text), getattr(text.dtype, "tz", None) is not None)
    else:
        place.refuse(np.full(len(text), native), text, "is a number, and time is iso", *ways_out)
        zoned = text.str.fullmatch(_ZONED).to_numpy(bool)
        stamps = pd.to_datetime(text.where(~blank, None), format="ISO8601", errors="coerce", utc=True)
        place.refuse(~blank & stamps.isna().to_numpy(), text, "is no time of ISO 8601", *ways_out)
    if not (zoned | blank).all():
        way_out = f'set timezone under [{place.table}.format], such as timezone = "UTC"'
        wrong = ~blank & ~zoned if not form.timezone else np.zeros(len(text), dtype=bool)
        place.refuse(wrong, text, "has no time zone", way_out, "write the zone into the export")
        bare = stamps.dt.tz_localize(None) if getattr(stamps.dtype, "tz", None) is not None else stamps
        local = bare.dt.tz_localize(form.timezone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
        lost = ~blank & ~zoned & local.isna().to_numpy()
        place.refuse(
            lost, text, f"happened twice or never in {form.timezone}", "write the zone into the export"
        )
        stamps = stamps.where(zoned, local)
    in_utc = stamps.dt.tz_convert("UTC").dt.tz_localize(None) if stamps.dt.tz is not None else stamps
    counted = in_utc.to_numpy("datetime64[ns]").astype(np.int64) // 10**6
    return np.where(blank, -1, counted)


def _words(text: pd.Series[Any], blank: Mask, words: Mapping[str, Any], place: CellPlace) -> Array:
    known: Callable[[str], Any] = {word.casefold(): value for word, value in words.items()}.get
    lower = text.str.casefold()
    meant = {word: known(word) for word in lower.unique()}
    strange = ~blank & np.array([meant[word] is None for word in lower], dtype=bool)
    place.refuse(
        strange,
        text,
        f"is not a word that is known here: {', '.join(words)}",
        f'say what it means under [{place.table}.words], such as {{ WORD = "{next(iter(words))}" }}',
    )
    return np.array(
        [None if empty else meant[w] for w, empty in zip(lower, blank, strict=True)], dtype=object
    )
