"""Structs of read-only columns: the common ground of the nouns in :mod:`adl_opt.rounds.round`.

A column is declared once, with its kind; from that one declaration follow its check at the border, its
dtype and its name in frames (money gets the suffix ``_usd``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Text = npt.NDArray[np.str_]

UNSET: Floats = np.empty(0)
"""Marks a column that the struct computes itself when it is not given (compared by identity)."""

MAX_USD = 1e18
"""Amounts above this are refused: cents would be lost in sums long before."""

_MONEY = ("usd", "usd+", "usd>0")
_LOWEST = {"usd": -np.inf, "usd+": 0.0, "ratio+": 0.0, "count": 0, "index": 0}


def column(kind: str, *, optional: bool = False, computed: bool = False) -> Any:
    """Declare a column.

    Parameters
    ----------
    kind : str
        ``text``; ``usd`` (any sign), ``usd+`` (>= 0), ``usd>0``; ``ratio+`` (>= 0, no unit); ``count`` and
        ``index`` (whole numbers >= 0); ``side`` (+1 long, -1 short).
    optional : bool
        The whole column may be None; a column that is there must be complete.
    computed : bool
        The struct fills the column itself when it is not given.
    """
    metadata = {"kind": kind}
    if computed:
        return field(default_factory=lambda: UNSET, metadata=metadata)
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


@dataclass(frozen=True, eq=False, kw_only=True)
class Columns:
    """Parallel read-only arrays, checked once when they are made."""

    def __post_init__(self) -> None:
        size: int | None = None
        for spec in self._specs():
            values = getattr(self, spec.name)
            if values is None or values is UNSET:
                continue
            array = _checked(self._noun(), spec, values)
            size = array.size if size is None else size
            if array.size != size:
                raise InputError(
                    f"{self._noun()}: column {spec.name!r} has another length than the first column",
                    got=f"{array.size} values, expected {size}",
                    ways_out=["give one value for every row", "leave an optional column out as a whole"],
                )
            self._put(spec.name, array)

    @classmethod
    def _noun(cls) -> str:
        return cls.__name__.lower()

    @classmethod
    def _specs(cls) -> Iterator[Field[Any]]:
        return (spec for spec in fields(cls) if "kind" in spec.metadata)

    def _put(self, name: str, array: npt.NDArray[Any]) -> None:
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: the columns, without what was worked out from them."""
        return {spec.name: getattr(self, spec.name) for spec in self._specs()}

    def __len__(self) -> int:
        return int(getattr(self, next(iter(self._specs())).name).size)

    def missing(self, *names: str) -> list[str]:
        """Return those of the named optional columns that are not there."""
        return [name for name in names if getattr(self, name) is None]

    def take(self, rows: Ints) -> Self:
        """Return the same struct with only these rows, in this order."""
        return type(self)(
            **{s.name: None if (v := getattr(self, s.name)) is None else v[rows] for s in self._specs()}
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with one column per column that is there; money carries ``_usd``."""
        import pandas as pd

        present = (spec for spec in self._specs() if getattr(self, spec.name) is not None)
        data = {frame_name(spec): getattr(self, spec.name) for spec in present}
        return pd.DataFrame({k: v.astype(object) if v.dtype.kind == "U" else v for k, v in data.items()})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Build the struct from a frame as :meth:`to_frame` gives it (order of columns is free).

        Raises
        ------
        InputError
            A required column is missing, a column is not known, or a value is refused.
        """
        names = {frame_name(spec): spec for spec in cls._specs()}
        if unknown := [str(c) for c in frame.columns if c not in names]:
            raise InputError(
                f"{cls._noun()}: the frame has columns that are not known",
                got=", ".join(unknown),
                ways_out=[f"known columns: {', '.join(names)}", "drop the others before"],
            )
        required = [n for n, s in names.items() if s.default is not None and n not in frame.columns]
        if required := [n for n in required if not callable(names[n].default_factory)]:
            raise InputError(
                f"{cls._noun()}: the frame lacks required columns",
                got=f"missing {', '.join(required)}; there are {', '.join(map(str, frame.columns))}",
                ways_out=["add the columns", "rename yours to these names"],
            )
        return cls(**{spec.name: frame[n].to_numpy() for n, spec in names.items() if n in frame.columns})


def frame_name(spec: Field[Any]) -> str:
    """Return the name of a column in frames and files: money carries ``_usd``."""
    return f"{spec.name}_usd" if spec.metadata["kind"] in _MONEY else spec.name


def _checked(noun: str, spec: Field[Any], values: Any) -> npt.NDArray[Any]:
    kind = spec.metadata["kind"]
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(
            f"{noun}: column {spec.name!r} must be one-dimensional",
            got=f"shape {array.shape}",
            ways_out=["pass a flat sequence with one value for every row"],
        )
    if kind == "text":
        return _checked_text(noun, spec.name, array)
    if array.size and array.dtype.kind not in "fiub":
        array = _as_numbers(noun, spec.name, array)
    if kind in ("count", "index", "side"):
        return _checked_whole(noun, spec.name, kind, array)
    numbers = np.array(array, dtype=np.float64)
    if _within(numbers, kind):
        return numbers
    refuse(noun, spec.name, numbers, ~np.isfinite(numbers), "is not a finite number")
    if kind in _MONEY:
        refuse(noun, spec.name, numbers, np.abs(numbers) > MAX_USD, f"is beyond {MAX_USD:g} USD")
    if kind == "usd>0":
        refuse(noun, spec.name, numbers, numbers <= 0, "must be above 0")
    else:
        refuse(noun, spec.name, numbers, numbers < _LOWEST[kind], f"must be at least {_LOWEST[kind]:g}")
    return numbers


def _within(numbers: Floats, kind: str) -> bool:
    """Say whether all are allowed, from the least and the greatest; NaN is neither."""
    if numbers.size == 0:
        return True
    least, most = float(numbers.min()), float(numbers.max())
    limit = MAX_USD if kind in _MONEY else np.finfo(np.float64).max
    lowest = max(_LOWEST.get(kind, 0.0), -limit)
    return bool(most <= limit and (least > 0.0 if kind == "usd>0" else least >= lowest))


def _checked_text(noun: str, name: str, array: npt.NDArray[Any]) -> Text:
    if array.dtype.kind != "U":
        wrong = np.fromiter((not isinstance(v, (str, int, np.integer)) for v in array), bool, array.size)
        refuse(noun, name, array, wrong, "is not text")
        array = np.array([str(v) for v in array], dtype=np.str_)
    text = np.array(array)
    refuse(noun, name, text, text == "", "is empty")
    return text


def _as_numbers(noun: str, name: str, array: npt.NDArray[Any]) -> Floats:
    out = np.empty(array.size)
    for row, value in enumerate(array):
        try:
            out[row] = float(value)
        except (TypeError, ValueError):
            refuse(noun, name, array, np.arange(array.size) == row, "is not a number")
    return out


def _checked_whole(noun: str, name: str, kind: str, array: npt.NDArray[Any]) -> Ints:
    if array.dtype.kind == "f":
        refuse(noun, name, array, ~np.isfinite(array), "is not a finite number")
        refuse(noun, name, array, array != np.rint(array), "is not a whole number")
        refuse(noun, name, array, np.abs(array) > 2.0**53, "is too large to be counted exactly (over 2^53)")
    whole = np.array(array, dtype=np.int64)
    if kind == "side":
        refuse(noun, name, whole, np.abs(whole) != 1, "must be +1 (long) or -1 (short)")
    else:
        refuse(noun, name, whole, whole < 0, "must be at least 0")
    return whole


def refuse(noun: str, name: str, values: npt.NDArray[Any], wrong: npt.NDArray[np.bool_], why: str) -> None:
    """Raise an InputError that names the first offending row, when there is one.

    Parameters
    ----------
    noun, name : str
        The struct and the column.
    values : (n,) array
        The column, for its offending value.
    wrong : (n,) bool array
        True where a value is refused.
    why : str
        The reason, as a predicate of the value.
    """
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    count = int(wrong.sum())
    more = f" (and {count - 1} more rows)" if count > 1 else ""
    raise InputError(
        f"{noun}: a value of column {name!r} {why}",
        got=f"row {row}: {values[row]!s}{more}",
        ways_out=["correct the value", "drop the row, if it does not belong to the round"],
    )
