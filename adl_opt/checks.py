"""Checks of what users give: amounts, numbers, words, columns and calls.

Each check says what is wrong, shows the value and names the ways out.  There are two limits of size.  Money
is at most :data:`LARGEST_USD`, wherever it comes in.  Any other number is at most :data:`LARGEST_NUMBER`.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError, UsageError

LARGEST_USD = 1e15
"""Largest amount of money, price or size that is believed (beyond 9e13 USD a float resolves no cent)."""

LARGEST_NUMBER = 1e150
"""Largest other number: below it, no product of two numbers overflows, and no sum of such products."""

LONGEST_TEXT = 256
"""Longest id, market or coin, in characters."""

FREE_CHARACTERS = 1 << 22
"""Characters of a column of text that its short texts need not explain: all may be as long as the longest."""

EXACT = 2.0**53
"""Largest number up to which floats count exactly."""

WORDS = {"side": {"long": 1.0, "short": -1.0}, "flag": {"true": 1.0, "false": 0.0}}
"""Words that stand for numbers in columns of a kind."""

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """Between what a number must lie: ``low`` (itself refused where ``above``) and ``high``.

    ``largest`` is the largest size that is believed; infinity lets infinite numbers pass, but never NaN.
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    largest: float = LARGEST_NUMBER
    unit: str = ""

    def hold(self, values: Array) -> bool:
        """Say whether all values are allowed, from the least and the greatest (NaN if any value is)."""
        if not values.size:
            return True
        least, most = values.min(), values.max()
        inside = (least > self.low if self.above else least >= self.low) and most <= self.high
        return bool(inside and least >= -self.largest and most <= self.largest)

    def faults(self, values: Array) -> Iterator[tuple[Mask, str]]:
        """Yield each kind of fault: where it is, and what a value must be or is."""
        if self.largest == math.inf:
            yield np.isnan(values), "must not be NaN"
        else:
            yield ~np.isfinite(values), "must be finite"
        beyond = "2^53: it cannot be counted exactly" if self.largest == EXACT else f"{self.largest:g}"
        yield np.abs(values) > self.largest, f"is larger than {beyond}{self.unit}"
        low = values <= self.low if self.above else values < self.low
        yield low, f"must be {'above' if self.above else 'at least'} {self.low:g}"
        yield values > self.high, f"must not exceed {self.high:g}"


KINDS = {
    "usd": Limits(largest=LARGEST_USD, unit=" USD"),
    "usd+": Limits(low=0.0, largest=LARGEST_USD, unit=" USD"),
    "usd>0": Limits(low=0.0, above=True, largest=LARGEST_USD, unit=" USD"),
    "ratio+": Limits(low=0.0),
    "ratio>0": Limits(low=0.0, above=True),
    "count": Limits(low=0.0, largest=EXACT),
    "index": Limits(low=0.0, largest=EXACT),
    "side": Limits(largest=EXACT),
    "flag": Limits(low=0.0, high=1.0),
}
"""Limits of the numbers in a column of each kind."""


def refuse(
    what: str,
    wrong: Mask,
    show: Callable[[int], str],
    ways_out: Iterable[str] = ("correct the value", "drop the row, if it does not belong there"),
) -> None:
    """Raise an InputError that shows the first wrong value and counts the others, if there is one.

    Parameters
    ----------
    what : str
        What is wrong, in one sentence.
    wrong : (n,) bool array
    show : callable
        From the index of a value to its place and itself, as text.
    ways_out : iterable of str
    """
    if wrong.any():
        count = int(np.count_nonzero(wrong)) - 1
        more = f" (and {count} more)" if count else ""
        raise InputError(what, got=f"{show(int(np.argmax(wrong)))}{more}", ways_out=ways_out)


def column_of(kind: str, values: Array, refuse: Callable[..., None]) -> Array:
    """Return a column as an array of its kind, its own copy.

    Parameters
    ----------
    kind : str
        ``text`` or one of :data:`KINDS`.
    values : (n,) array
        Numbers, or text or objects to read as such.
    refuse : callable
        Takes a mask of wrong values, why they are wrong and optionally ways out; raises if any is.
    """
    if kind == "text":
        return _text(values, refuse)
    if values.size and values.dtype.kind not in "fiub":
        values = _read(kind, values, refuse)
    whole = kind in ("count", "index", "side", "flag")
    counted = whole and values.dtype.kind in "iub"
    numbers = np.array(values, dtype=np.int64 if counted else np.float64)
    if not KINDS[kind].hold(numbers):
        for wrong, why in KINDS[kind].faults(numbers):
            refuse(wrong, why)
    if whole and not counted:
        refuse(numbers != np.rint(numbers), "is not a whole number")
        numbers = numbers.astype(np.int64)
    if kind == "side":
        refuse(np.abs(numbers) != 1, "is no side", ["write long or short", "write +1 or -1"])
    return numbers


def _text(values: Array, refuse: Callable[..., None]) -> Array:
    if values.dtype.kind != "U":
        texts = list(values)
        if set(map(type, texts)) != {str}:
            refuse(np.array([not isinstance(v, (str, int, np.integer)) for v in texts], bool), "is not text")
            texts = list(map(str, texts))
        values = text_array(texts, refuse)
    lengths = np.char.str_len(values)
    refuse(lengths == 0, "is blank")
    _refuse_long(lengths, refuse)
    return np.array(values)


def text_array(texts: list[str], refuse: Callable[..., None]) -> npt.NDArray[np.str_]:
    """Return texts as an array, in which each takes the room of the longest one.

    ``refuse`` takes a mask of wrong texts and why they are wrong.
    """
    _refuse_long(np.fromiter(map(len, texts), np.int64, len(texts)), refuse)
    return np.array(texts, dtype=np.str_)


def _refuse_long(lengths: Array, refuse: Callable[..., None]) -> None:
    refuse(lengths > LONGEST_TEXT, f"is longer than {LONGEST_TEXT} characters")
    most = (8 * int(lengths.sum()) + FREE_CHARACTERS) // max(lengths.size, 1)
    refuse(lengths > most, f"is longer than {most} characters, where most of {lengths.size:,} are short")


def _read(kind: str, values: Array, refuse: Callable[..., None]) -> Array:
    words = WORDS.get(kind, {})
    found = [_number(value, words) for value in values]
    wrong = np.array([number is None for number in found])
    if kind == "side":
        refuse(wrong, "is no side", ["write long or short", "write +1 or -1"])
    refuse(np.array([isinstance(v, str) and not v.strip() for v in values]), "is blank")
    refuse(wrong, "is not a number")
    return np.array(found, dtype=np.float64)


def _number(value: Any, words: dict[str, float]) -> float | None:
    """Return the number that a value stands for, or None; Python's own liberties (1_000) are no numbers."""
    if isinstance(value, str):
        if value.strip().lower() in words:
            return words[value.strip().lower()]
        if "_" in value or not value.isascii():
            return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def checked_usd(where: str, name: str, value: Any) -> float:
    """Return an amount in USD of at least 0, or say why it cannot be one."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not (is_number and 0.0 <= value <= LARGEST_USD):
        raise InputError(
            f"{where}: {name} must be an amount in USD from 0 to {LARGEST_USD:g}",
            got=f"{name} = {value!r}",
            ways_out=["correct the amount", "leave the round out"],
        )
    return float(value)


def number_between(what: str, value: object, low: float, high: float) -> float:
    """Return a parameter as a float, or say which range it must be in."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _out_of_range(what, value, f"give a number from {low:g} to {high:g}")
    return float(value)


def whole_between(what: str, value: object, low: float, high: float) -> int:
    """Return a parameter as a whole number, or say which range it must be in."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _out_of_range(what, value, f"give a whole number from {low:g} to {high:g}")
    return value


def _out_of_range(what: str, value: object, way_out: str) -> UsageError:
    return UsageError(f"{what} is out of range", got=f"{value!r}", ways_out=[way_out])


def one_of(what: str, value: object, choices: Iterable[str]) -> str:
    """Return a parameter that must be one of a few words."""
    choices = tuple(choices)
    if value not in choices:
        raise UsageError(
            f"{what} is not known", got=f"{value!r}", ways_out=[f"choose one of {', '.join(choices)}"]
        )
    return str(value)


def checked_type(what: str, value: object, kind: type | tuple[type, ...], *ways_out: str) -> None:
    """Refuse a value of another type than the call is about."""
    if isinstance(value, bool) or not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise UsageError(
            f"{what} must be {' or '.join(k.__name__ for k in kinds if k is not type(None))}",
            got=f"{type(value).__name__}: {quoted(value)}",
            ways_out=ways_out,
        )


def checked_time(what: str, value: object) -> None:
    """Refuse a time that is no whole number of milliseconds; None is no time."""
    checked_type(what, value, (int, np.integer, type(None)), "give milliseconds since the epoch, UTC")


def called_by_name(cls: type[T]) -> type[T]:
    """Let a call of a dataclass that does not fit its fields say what they are, as a UsageError."""
    plain = cls.__init__
    signature = inspect.signature(plain)
    names = [name for name in signature.parameters if name != "self"]

    @functools.wraps(plain)
    def __init__(self: T, *args: Any, **values: Any) -> None:
        try:
            plain(self, *args, **values)
        except TypeError:
            try:
                signature.bind(self, *args, **values)
            except TypeError as error:
                strange = [f"no value is called {v!r}" for v in values if v not in names]
                near = [f"did you mean {n}?" for v in values if v not in names for n in near_names(v, names)]
                form = f"write {cls.__name__}({', '.join(f'{name}=...' for name in names)})"
                what = f"{cls.__name__} is not called with its values by name"
                raise UsageError(
                    what, got="; ".join([*strange, str(error)]), ways_out=[*near, form]
                ) from None
            raise

    cls.__init__ = __init__  # type: ignore[method-assign, assignment]
    return cls


def near_names(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Return the known name that is nearest to one, in a list; an empty list where none is near.

    Examples
    --------
    >>> near_names("Leverge", ["leverage", "margin"])
    ['leverage']
    """
    plain = name.strip().casefold().replace(" ", "_").replace("-", "_")
    return difflib.get_close_matches(plain[:256], list(known), n=1, cutoff=cutoff)


def quoted(value: object, longest: int = 60) -> str:
    """Return a value as it may stand in a message: quoted, and cut when it is long."""
    text = value if isinstance(value, str) else str(value)
    return repr(text) if len(text) <= longest else f"{text[:longest]!r}... ({len(text)} characters)"
