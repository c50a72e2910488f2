"""What cannot be meant as a problem of whole lots is refused, with the place and the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adl_opt.errors import InputError
from adl_opt.kernels.lots.base import FloatArray

TINIEST, LARGEST = float(np.nextafter(0.0, 1.0)), float(np.finfo(float).max)
"""Positive numbers."""

MOST_LOTS = 2**53
"""Up to so many lots a float counts one by one."""


@dataclass(frozen=True, eq=False)
class LotsProblem:
    """The checked input of `minmax_lots`: what a certificate needs."""

    capacity: NDArray[np.float64]
    base: NDArray[np.float64]
    account: NDArray[np.int64]
    lot_value: NDArray[np.float64]
    lots: NDArray[np.int64]
    budget: float


def checked_count(name: str, value: Any, least: int) -> None:
    """Refuse what is not a whole number of at least so much."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise InputError(
            f"{name} is not a whole number >= {least}",
            got=f"{name} = {value!r}",
            ways_out=[f"give {least} or more"],
        )


def checked_problem(
    capacity: ArrayLike,
    account: ArrayLike,
    lot_value: ArrayLike,
    lots: ArrayLike,
    budget: float,
    base: ArrayLike | None,
) -> LotsProblem:
    """Refuse what cannot be meant."""
    cap = _amounts("capacity", capacity)
    value = _amounts("lot_value", lot_value)
    who, have = _counts("account", account), _counts("lots", lots)
    measure = cap if base is None else _amounts("base", base)
    if measure.size != cap.size:
        raise _mismatch("base", measure.size, "capacity", cap.size)
    for name, size in (("lot_value", value.size), ("lots", have.size)):
        if size != who.size:
            raise _mismatch(name, size, "account", who.size)
    _refuse("capacity", cap, 0.0, LARGEST, "is negative", "give USD >= 0; an account that cannot pay has 0")
    _refuse(
        "lot_value", value, TINIEST, LARGEST, "is not positive", "drop positions whose lots are worth nothing"
    )
    _refuse("lots", have, 0, MOST_LOTS, "is outside 0..2**53", "give the whole lots that are held")
    _refuse("account", who, 0, cap.size - 1, "is no account", f"give an index in 0..{cap.size - 1}")
    if base is not None:
        _refuse(
            "base", measure, 0.0, LARGEST, "is negative", "give USD >= 0; an account with base 0 cannot pay"
        )
        _refuse_tiny(cap, measure)
    amount = _amounts("budget", [budget])
    _refuse("budget", amount, 0.0, LARGEST, "is negative", "give USD >= 0")
    return LotsProblem(cap, measure, who, value, have, float(amount[0]))


def _amounts(name: str, values: Any) -> FloatArray:
    """One-dimensional finite floats."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} is not numeric", got=f"{name} = {values!r:.80}", ways_out=["give numbers"]
        ) from error
    _refuse_shape(name, array)
    _refuse(name, array, -LARGEST, LARGEST, "is not finite", "fill or drop the row")
    return array


def _counts(name: str, values: Any) -> NDArray[np.int64]:
    """One-dimensional whole numbers; floats with a whole value are taken."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        array = _amounts(name, values)
        _refuse_first(
            name,
            array,
            (array != np.floor(array)) | (np.abs(array) > MOST_LOTS),
            "is not whole",
            "give whole numbers",
        )
    _refuse_shape(name, array)
    if array.dtype.kind == "u":
        _refuse(name, array, 0, MOST_LOTS, "is above 2**53", "give smaller whole numbers")
    return array.astype(np.int64)


def _refuse_shape(name: str, array: NDArray[Any]) -> None:
    """Raise unless the array has one dimension."""
    if array.ndim != 1:
        raise InputError(
            f"{name} is not one-dimensional", got=f"shape {array.shape}", ways_out=["give one value per row"]
        )


def _refuse(name: str, array: NDArray[Any], low: float, high: float, what: str, way: str) -> None:
    """Raise for the first entry outside a range; NaN is."""
    if array.size and not (array.min() >= low and array.max() <= high):
        _refuse_first(name, array, ~((array >= low) & (array <= high)), what, way)


def _refuse_tiny(capacity: FloatArray, base: FloatArray) -> None:
    """Raise for the first base so small that a burden is no number."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        tiny = (base > 0) & ~np.isfinite(capacity / base)
    what, way = "is too small to measure burdens by", "give 0 for an account that cannot pay"
    _refuse_first("base", base, tiny, what, way)


def _refuse_first(name: str, array: NDArray[Any], bad: NDArray[np.bool_], what: str, way: str) -> None:
    """Raise for the first bad entry."""
    if bad.any():
        row = int(np.argmax(bad))
        where = name if name == "budget" else f"{name}[{row}]"
        raise InputError(f"{name} {what}", got=f"{where} = {array[row].item()!r}", ways_out=[way])


def _mismatch(name: str, size: int, other: str, expected: int) -> InputError:
    return InputError(
        f"{name} and {other} differ in length",
        got=f"{size} values of {name}, {expected} of {other}",
        ways_out=[f"give one {name} for each {other}"],
    )
