"""Queues: an explicit order, and the greedy fill along it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector, scalar, vector
from adl_opt.kernels.sums import prefix_sums

Order = npt.NDArray[np.intp]


def fill_in_order(capacity: npt.ArrayLike, order: npt.ArrayLike, budget: float) -> Vector:
    """Haircuts of a queue: each winner in turn pays in full until the budget is spent.

    The answer is a vertex of ``{0 <= x <= capacity, sum x = budget}``: at most one winner pays in part.

    Parameters
    ----------
    capacity : (n,)
        Capacity of each winner, USD, >= 0.
    order : (n,) of int
        Indices of the winners, first to pay first; a permutation of 0 .. n-1.
    budget : float
        Budget, USD, >= 0. A budget above the total capacity is no error: everyone then pays in full.

    Returns
    -------
    (n,) float64
        Haircuts in USD, in the order of `capacity`.

    Raises
    ------
    InputError
        NaN, infinite or negative money, or an order that is not a permutation.

    Notes
    -----
    O(n). Running sums are compensated, so the last winner pays the exact remainder, rounded once.

    References
    ----------
    Paper, eq. 39, Lemma 1, Prop. 6 (vertices) and Prop. 7 (maximiser of ``score @ x``).

    Examples
    --------
    >>> fill_in_order([10.0, 20.0, 30.0], [2, 0, 1], 35.0)
    array([ 5.,  0., 30.])
    """
    capacity = vector("capacity", capacity, low=0.0)
    budget = scalar("budget", budget, low=0.0)
    places = _permutation(order, capacity.size)
    queued = capacity[places]
    sums, corrections = prefix_sums(queued)
    left = (budget - sums) - corrections  # budget left after each winner has paid in full
    unpaid = left < 0.0
    if not unpaid.any():
        return capacity.copy()
    last = int(np.argmax(unpaid))
    rest = math.fsum([budget, -sums[last - 1], -corrections[last - 1]]) if last else budget
    queued[last] = min(queued[last], rest)
    queued[last + 1 :] = 0.0
    haircuts = np.empty_like(queued)
    haircuts[places] = queued
    return haircuts


def descending(score: npt.ArrayLike, *tie_breaks: npt.ArrayLike) -> Order:
    """Order of a queue: score descending, then each tie-break ascending, then index ascending.

    Parameters
    ----------
    score : (n,)
        Score of each winner, any unit; +inf and -inf are allowed.
    *tie_breaks : (n,)
        Numbers or strings (for example account ids), compared in turn where all before are equal.

    Returns
    -------
    (n,) int
        Indices, first to pay first.

    Raises
    ------
    InputError
        NaN, lengths that differ, or a tie-break that has no order (objects, complex numbers).

    Notes
    -----
    O(n log n); tie-breaks are sorted only where scores are equal.  Stable, so the same input gives the same
    order everywhere.

    References
    ----------
    Paper, eq. 39 and Prop. 8 (why ties must be broken explicitly: the allocation jumps with the score).

    Examples
    --------
    >>> descending([1.0, 3.0, 3.0, 3.0], ["a", "c", "b", "b"])
    array([2, 3, 1, 0])
    """
    values = vector("score", score, infinite=True)
    keys = [_key(f"tie_breaks[{i}]", key, values.size) for i, key in enumerate(tie_breaks)]
    order = np.argsort(-values, kind="stable")
    again = values[order[1:]] == values[order[:-1]]
    if not keys or not again.any():
        return order
    tied = np.flatnonzero(np.append(again, False) | np.append(False, again))
    rows, run = order[tied], np.cumsum(~np.append(False, again))[tied]
    order[tied] = rows[np.lexsort((*(key[rows] for key in reversed(keys)), run))]
    return order


def _key(name: str, key: npt.ArrayLike, size: int) -> npt.NDArray[np.generic]:
    array: npt.NDArray[np.generic] = np.asarray(key)
    if array.dtype.kind == "f":
        return vector(name, key, size=size, infinite=True)
    if array.dtype.kind not in "biuUS":
        raise InputError(
            f"{name} holds neither numbers nor strings",
            got=f"dtype {array.dtype}",
            ways_out=["convert to numbers, or to fixed-width strings with astype(str)"],
        )
    if array.shape != (size,):
        raise InputError(
            f"{name} has another shape than the score",
            got=f"shape {array.shape}, expected {(size,)}",
            ways_out=["give one value per account"],
        )
    return array


def _permutation(order: npt.ArrayLike, size: int) -> Order:
    ways_out = ["give each index from 0 to n - 1 once, as `descending` does"]
    array: npt.NDArray[Any] = np.asarray(order)
    if array.shape != (size,) or (size > 0 and array.dtype.kind not in "iu"):
        raise InputError(
            "order must be a vector with one index per account",
            got=f"dtype {array.dtype}, shape {array.shape}, expected {(size,)}",
            ways_out=ways_out,
        )
    bad = (array < 0) | (array >= size)
    if bad.any():
        place = int(np.argmax(bad))
        raise InputError(
            "order points outside the accounts",
            got=f"order[{place}] = {array[place]}, n = {size}",
            ways_out=ways_out,
        )
    places = array.astype(np.intp)
    counts = np.bincount(places, minlength=size)
    if size > 0 and counts.max() > 1:
        index = int(np.argmax(counts))
        raise InputError(
            "order names an account twice",
            got=f"index {index} occurs {counts[index]} times",
            ways_out=ways_out,
        )
    return places
