"""Order statistics by passes: floats as sortable bits, narrowed by sixteen bits a pass.

The file is too large to sort.  To find the value at which a running sum crosses a budget, each float becomes
a whole number of 64 bits that sorts as the float does.  The first pass adds up the weights of all values by
their highest sixteen bits, in 65,536 bins.  The crossing lies in one of the bins.  The next pass looks only
at the values in this bin and sorts them into bins by their next sixteen bits.  After four passes at most,
the value is known to its last bit, and no pass needs more memory than the bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector

Keys = npt.NDArray[np.uint64]
DIGIT = 16
BINS = 1 << DIGIT
_SIGN = np.uint64(1 << 63)


def to_keys(values: Vector) -> Keys:
    """Unsigned integers in the order of the floats (no NaN); -0.0 and 0.0 are one.

    Examples
    --------
    >>> bool(np.all(np.diff(to_keys(np.array([-np.inf, -1.0, 0.0, 1e-300, 2.0])).astype(float)) > 0))
    True
    """
    bits = (values + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def to_floats(keys: Keys) -> Vector:
    """Undo `to_keys`; keys of no float give NaN.

    Examples
    --------
    >>> to_floats(to_keys(np.array([-1.5, 0.0, 3.0])))
    array([-1.5,  0. ,  3. ])
    """
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float64)


@dataclass(frozen=True)
class Window:
    """Keys that start with the same bits: ``prefix`` above ``shift + 16`` bits that are still open."""

    prefix: int = 0
    shift: int = 64 - DIGIT

    def digits(self, keys: Keys) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Which keys are inside, and the bin of each of those."""
        place = keys >> np.uint64(self.shift)
        inside = (place >> np.uint64(DIGIT)) == np.uint64(self.prefix)
        return inside, (place[inside] & np.uint64(BINS - 1)).astype(np.int64)

    def edges(self) -> Vector:
        """Smallest float of every bin, (BINS,), ascending; bins beyond all floats have -inf or inf."""
        keys = (np.uint64(self.prefix << DIGIT) + np.arange(BINS, dtype=np.uint64)) << np.uint64(self.shift)
        values = to_floats(keys)
        return np.where(np.isnan(values), np.where(keys & _SIGN, np.inf, -np.inf), values)

    def narrow(self, digit: int) -> Window:
        """Return the bin as a window of its own."""
        return Window((self.prefix << DIGIT) | digit, self.shift - DIGIT)


def histogram(digits: npt.NDArray[np.int64], weights: Vector) -> Vector:
    """Sum of the weights in every bin, (BINS,)."""
    return np.asarray(np.bincount(digits, weights=weights, minlength=BINS), dtype=np.float64)
