"""What every part of the room shares: types of arrays, tolerances, and whole lots at a burden."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Sums = tuple[float, float, float]

REL_TOL = 1e-12
"""The one tolerance: a budget is covered from ``budget * (1 - REL_TOL)`` on, a cap or a burden holds up to
``(1 + REL_TOL)`` times itself, and two burdens closer than that are one."""

AIM = 1 - REL_TOL / 2
"""The share of a budget that is aimed at: half of the tolerance is left to rounding."""

SLACK = 1e-13
"""Caps are widened by this while searching, so that no lot that fills a cap is lost to rounding."""

BESIDE = 1 - 4 * SLACK
"""A burden times this is the next one below that the search tells apart."""

MOST_RATE = 1e300
"""Lots by unit of burden beyond it are one: no account has as many."""


MISSED = 0.7
"""The best sum lies below the cap by about so many of the distances that are expected."""

SMALL = 0.1
"""Accounts that may together lose no more than this share of what is allowed are left alone."""

MORE = 1.25
"""So many times the problems that were counted are allowed to settle an account: its cap has grown since."""

AT_ONCE = 2.0**22
"""Pair problems of one search at most: its time, and how late Ctrl-C is heard, stay bounded."""

SCALES = 128
"""Quarters of octaves in which a plan looks for its scale."""

LOOKS = 64
"""So many times the dearest lot is looked for before lots are given back as they come."""


class Leaf(NamedTuple):
    """The inner loops of the search.  They exist twice: in numpy, and compiled by numba.

    ``lines(order, account, value, lots, room)`` makes a book of positions, given by account, that can pay at
    least one lot within the room of their account (USD).  It returns ``kept``, ``origin``, ``account``,
    ``value``, ``lots`` and ``size`` of `LotsBook`, and what all lots of every account pay (USD).
    ``sums(z, singles, crowd)`` gives what all accounts pay at burden z: a lower bound, an upper bound and an
    estimate (USD), and the variance of the estimate.
    ``look(z, crowd)`` makes z the present burden.  Like ``greedy`` and ``search`` it returns sums over the
    crowd, USD: lower bounds, slack up to the upper bounds, and what of that is probably missed.
    ``greedy(crowd, value, most, lots)`` takes the dearest lots first, at the present burden.  It also notes
    how hard each account is: GAP, STEP and COUNT.
    ``plan(crowd, allowed, cover)`` plans the fewest pair problems after which all accounts together probably
    lose no more than allowed (USD), and returns how many these are at most, and of how many accounts.  With
    ``cover`` the lower bounds are to be raised, else the upper ones lowered.
    ``search(crowd, value, most, lots)`` carries out a plan: it looks for the largest sums within the caps.
    It returns the pair problems solved, and the sums.
    ``jump(low, high, singles, crowd)`` gives size (USD, about) and burden of the largest known step inside.
    ``give_back(lots, value, overshoot)`` takes lots away while they fit into the overshoot, the dearest
    first as far as that is quick, until no single lot fits.

    ``crowd`` is a table of accounts with the rows of `row`; ``singles`` are rates, values and lots of
    accounts with one line; ``value`` (USD) and ``most`` lots are those of all lines of the crowd.  The lots
    found are written to ``lots``, which has a place for each line in each slot.

    A *pair problem* is the search for the best sum of lots of two positions of an account.  After t of them
    the best sum that is known lies below the cap by about GAP / t.  The total of these distances is least,
    for a given number of problems, where t grows with the root of the gap.  An account has COUNT problems
    in all.  If its t would reach that number, all are solved, and its best sum is then known exactly.
    """

    name: str
    lines: Callable[..., tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray, IntArray, FloatArray]]
    sums: Callable[[float, FloatArray, FloatArray], tuple[float, float, float, float]]
    look: Callable[[float, FloatArray], Sums]
    greedy: Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Sums]
    plan: Callable[[FloatArray, float, bool], tuple[float, int]]
    search: Callable[[FloatArray, FloatArray, FloatArray, FloatArray], tuple[int, Sums]]
    jump: Callable[[float, float, FloatArray, FloatArray], tuple[float, float]]
    give_back: Callable[[FloatArray, FloatArray, float], None]


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
