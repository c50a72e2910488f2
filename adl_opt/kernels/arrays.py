"""Input to contiguous float64 vectors, or an InputError that names the index and the value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adl_opt.checks import LARGEST_NUMBER, Limits, refuse
from adl_opt.errors import InputError

Vector = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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
        Allow +inf and -inf (never NaN); otherwise sizes above LARGEST_NUMBER are refused.

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
    limits = Limits(low, high, open_low, np.inf if infinite else LARGEST_NUMBER)
    if not limits.hold(array):
        for wrong, why in limits.faults(array):
            refuse(f"{name} {why}", wrong, lambda row: f"{name}[{row}] = {float(array[row])!r}", [_WAY])
    return array


def scalar(name: str, value: float, *, low: float = -np.inf) -> float:
    """Turn `value` into a finite float of at least `low`, or refuse it; `name` is for the message.

    Raises
    ------
    InputError
        Not one real number, NaN, infinite, or below `low`.

    Examples
    --------
    >>> scalar("budget", 3)
    3.0
    """
    if np.ndim(_real(name, value)) != 0:
        raise InputError(
            f"{name} must be one number", got=f"shape {np.shape(value)}", ways_out=["give a float"]
        )
    result = float(value)
    for wrong, why in Limits(low).faults(np.array([result])):
        refuse(f"{name} {why}", wrong, lambda _: f"{name} = {result!r}", ["give another number"])
    return result


def haircut_caps(cap: npt.ArrayLike | None, size: int) -> Vector:
    """Return caps in [0, 1] of haircut fractions, one per account: None is 1, one number is shared.

    The array is only to be read: shared caps are one number, repeated without memory.

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


_WAY = "give other values, or drop those accounts"


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
