"""What every part of the room shares: types of arrays, tolerances, and whole lots at a burden."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

REL_TOL = 1e-12
"""The one tolerance: a budget is covered from ``budget * (1 - REL_TOL)`` on, a cap or a burden holds up to
``(1 + REL_TOL)`` times itself, and two burdens closer than that are one."""

SLACK = 1e-13
"""Caps are widened by this while searching, so that no lot that fills a cap is lost to rounding."""

BESIDE = 1 - 4 * SLACK
"""A burden times this is the next one below that the search tells apart."""

MOST_RATE = 1e300
"""Lots by unit of burden beyond it are one: no account has as many."""


class Leaf(NamedTuple):
    """The four inner loops of the search.  They exist twice: in numpy, and compiled by numba.

    ``ordered(account, value)`` gives the order of positions by account, dearest lot first.
    ``bounds(z, singles, ends, known)`` gives what all accounts pay at burden z: a lower bound, an upper
    bound and an estimate (USD), and the variance of the estimate.
    ``greedy(room, lines, out, place)`` takes the dearest lots first.  It returns what every account pays
    (USD).  It also says how hard the account is: the distance to the cap that one pair problem would leave
    and the distance that the largest sum has (USD, about), and how many pair problems settle it.
    ``best_sums(room, tries, near, lines, out, place)`` looks for the largest sum within the room of every
    account, by so many pair problems, and stops once it is ``near`` enough (USD).  It returns the sums
    (USD), whether no larger one exists, and the pair problems solved.

    ``lines`` are the first line and the number of lines of every account, and value (USD) and lots of
    all lines.  The lots found are written to ``out``, those of an account from ``place`` on.
    """

    name: str
    ordered: Callable[[IntArray, FloatArray], IntArray]
    bounds: Callable[..., tuple[float, float, float, float]]
    greedy: Callable[..., tuple[FloatArray, FloatArray, FloatArray, FloatArray]]
    best_sums: Callable[..., tuple[FloatArray, BoolArray, int]]


Lines = tuple[IntArray, IntArray, FloatArray, FloatArray]
"""First line and number of lines of some accounts; value (USD per lot) and lots of all lines."""


def caps(z: float, base: FloatArray, capacity: FloatArray) -> FloatArray:
    """USD that accounts may pay at burden z, widened by `SLACK`."""
    with np.errstate(over="ignore"):
        room = np.minimum(base * z, capacity)
        room *= 1 + SLACK
        return room


def lot_rates(base: FloatArray, value: FloatArray) -> FloatArray:
    """Lots by unit of burden, not yet whole, widened by `SLACK`: ``base`` is USD, ``value`` USD per lot."""
    with np.errstate(over="ignore"):
        rate = base / value
        rate *= 1 + SLACK
    return np.minimum(rate, MOST_RATE, out=rate)


def whole_lots(rate: FloatArray, most: FloatArray, z: float, out: FloatArray | None = None) -> FloatArray:
    """Whole lots at burden z, at most what each account has."""
    with np.errstate(over="ignore"):
        lots = np.multiply(rate, z, out=out)
    np.floor(lots, out=lots)
    return np.minimum(lots, most, out=lots)
