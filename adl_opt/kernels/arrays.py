"""Input to contiguous float64 vectors, or an InputError that names the index and the value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError

Vector = npt.NDArray[np.float64]

LARGEST = 1e150
"""Larger magnitudes are refused: below it, no product of two inputs and no sum of them overflows."""


def vector(
    name: str,
    value: npt.ArrayLike,
    *,
    size: int | None = None,
    low: float = -np.inf,
    high: float = np.inf,
    open_low: bool = False,
    infinite: bool = False,
) -> Vector:
    """Turn `value` into a contiguous float64 vector, or refuse it.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : array_like, (n,)
        Real numbers.
    size : int, optional
        Required length.
    low, high : float
        Least and greatest value allowed, both included.
    open_low : bool
        Refuse `low` itself.
    infinite : bool
        Allow +inf and -inf (never NaN); otherwise magnitudes above `LARGEST` are refused.

    Returns
    -------
    (n,) float64
        May share memory with `value`: kernels only read it.

    Raises
    ------
    InputError
        Not real numbers, not one-dimensional, of another length, NaN, infinite or out of range.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> vector("budget", [1, 2], low=0.0)
    array([1., 2.])
    """
    array = np.ascontiguousarray(_real(name, value), dtype=np.float64)
    if array.ndim != 1 or np.ndim(value) != 1:
        raise InputError(
            f"{name} must be one-dimensional", got=f"shape {np.shape(value)}", ways_out=["give a flat array"]
        )
    if size is not None and array.size != size:
        raise InputError(
            f"{name} has another length than the accounts",
            got=f"{name} has {array.size} values, expected {size}",
            ways_out=["give one value per account"],
        )
    if array.size and not _within(array, low, high, open_low, infinite):
        _refuse_values(name, array, low, high, open_low, infinite)
    return array


def number(name: str, value: float, *, low: float = -np.inf) -> float:
    """Turn `value` into a finite float of at least `low`, or refuse it.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : float
        One real number.
    low : float
        Least value allowed.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Not one real number, NaN, infinite, or below `low`.

    Examples
    --------
    >>> number("budget", 3)
    3.0
    """
    if np.ndim(_real(name, value)) != 0:
        raise InputError(
            f"{name} must be one number", got=f"shape {np.shape(value)}", ways_out=["give a float"]
        )
    result = float(value)
    if not abs(result) <= LARGEST:
        raise InputError(f"{name} {_FINITE[0]}", got=f"{name} = {result!r}", ways_out=[_FINITE[1]])
    if result < low:
        what, way = _too_low(low, open_low=False)
        raise InputError(f"{name} {what}", got=f"{name} = {result!r}", ways_out=[way])
    return result


def haircut_caps(cap: npt.ArrayLike | None, size: int) -> Vector:
    """Haircut-fraction caps beta, one per account: None is 1, a scalar is shared.

    Parameters
    ----------
    cap : None, float or (n,)
        Caps in [0, 1], unitless.
    size : int
        Number of accounts.

    Returns
    -------
    (size,) float64
        Only to be read: shared caps are one number, repeated without memory.

    Raises
    ------
    InputError
        Another shape, NaN, or outside [0, 1].

    Examples
    --------
    >>> haircut_caps(0.5, 2)
    array([0.5, 0.5])
    """
    if cap is None:
        return np.broadcast_to(1.0, size)
    shared = _real("cap", cap)
    if shared.ndim == 0:
        return np.broadcast_to(vector("cap", shared.reshape(1), low=0.0, high=1.0)[0], size)
    return vector("cap", cap, size=size, low=0.0, high=1.0)


_FINITE = ("must be finite", f"give finite values of magnitude at most {LARGEST:g}")


def _too_low(low: float, open_low: bool) -> tuple[str, str]:
    bound = f"greater than {low:g}" if open_low else f"at least {low:g}"
    return f"must be {bound}", f"give values {bound}, or drop those accounts"


def _real(name: str, value: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Return `value` as an array of real numbers (bool, integer or float), or refuse it."""
    way = "convert to float64 first"
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name} is a masked array", ways_out=["fill or drop the masked values first"])
    try:
        array: npt.NDArray[np.generic] = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers", got=str(error), ways_out=[way]) from None
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} is not an array of real numbers", got=f"dtype {array.dtype}", ways_out=[way]
        )
    return array


def _within(array: Vector, low: float, high: float, open_low: bool, infinite: bool) -> bool:
    """Say whether all values are allowed, from the least and the greatest (NaN if any value is)."""
    least, most = float(array.min()), float(array.max())
    if not infinite and not (least >= -LARGEST and most <= LARGEST):
        return False
    return (least > low if open_low else least >= low) and most <= high


def _refuse_values(name: str, array: Vector, low: float, high: float, open_low: bool, infinite: bool) -> None:
    """Raise for the first kind of value that is not allowed."""
    if infinite:
        _refuse(name, array, np.isnan(array), "holds NaN", "drop or fill the missing values first")
    else:
        _refuse(name, array, ~(np.abs(array) <= LARGEST), *_FINITE)
    below = array <= low if open_low else array < low
    _refuse(name, array, below, *_too_low(low, open_low))
    _refuse(name, array, array > high, f"must not exceed {high:g}", f"give values of at most {high:g}")


def _refuse(name: str, array: Vector, bad: npt.NDArray[np.bool_], what: str, way: str) -> None:
    """Raise with the first offending index, its value and the number of offenders."""
    if not bad.any():
        return
    first, count = int(np.argmax(bad)), int(np.count_nonzero(bad))
    more = "" if count == 1 else f" (and {count - 1} more)"
    raise InputError(f"{name} {what}", got=f"{name}[{first}] = {float(array[first])!r}{more}", ways_out=[way])
