"""Running sums within groups, without the rounding error that one long running sum would carry over."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt


def sums_before(
    group: npt.NDArray[np.int64], values: npt.NDArray[np.float64], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Sum, for each row, the values of the rows of its group that come before it in an order.

    Parameters
    ----------
    group : (m,) int >= 0
        Group of each row.
    values : (m,)
        Any unit.
    order : (k,) int
        The rows in order; rows that are left out have the sum 0.

    Returns
    -------
    (m,) float64
        Sums in the unit of `values`, at the place of each row.

    Notes
    -----
    O(k log k), one vectorised step per place within the largest group.

    Examples
    --------
    >>> sums_before(np.array([0, 1, 0]), np.array([1.0, 2.0, 4.0]), np.array([2, 1, 0]))
    array([4., 0., 0.])
    """
    sums = np.zeros(values.size)
    if order.size == 0:
        return sums
    rows = order[np.argsort(group[order], kind="stable")]
    first = np.flatnonzero(np.diff(group[rows], prepend=-1))
    place = np.arange(rows.size) - np.repeat(first, np.diff(first, append=rows.size))
    by_place = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[by_place], np.arange(1, place.max() + 2))
    for start, stop in pairwise(starts.tolist()):
        here = by_place[start:stop]
        before = rows[here - 1]
        sums[rows[here]] = sums[before] + values[before]
    return sums
