"""Whole lots towards a quantity: in the order of a queue, or by shares with the largest remainders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SLACK = 1e-9
"""Share of a lot that counts as rounding."""
ROUNDING = 1e-12
"""Share of a quantity that counts as rounding: sums and quotients of floats lose so much."""


def lots_within(contracts: Floats, size: Floats) -> Ints:
    """Return how many whole lots fit into so many contracts; rounding aside."""
    lots = contracts / size
    return np.maximum(np.floor(lots + np.maximum(SLACK, ROUNDING * lots)), 0.0).astype(np.int64)


def _in_lots(size: Floats, wanted: float) -> tuple[float, Floats]:
    """Return a quantity in whole lots, and lots of size 1, where all lots are alike: no rounding adds up."""
    if not size.size or np.any(size != size[0]):
        return wanted, size
    return float(lots_within(np.array([wanted]), size[:1])[0]), np.ones(size.size)


def fill_lots(order: Ints, most: Ints, size: Floats, wanted: float) -> Ints:
    """Return the lots that a queue gives up, (m,): each position in full until the quantity is met.

    Parameters
    ----------
    order : (m,) int
        Rows in the order in which they are closed.
    most : (m,) int
        Lots that each can give up.
    size : (m,) contracts
        In a lot.
    wanted : contracts
        What is to be closed; what is left is less than a lot of any position that has lots left.

    Examples
    --------
    >>> fill_lots(np.array([1, 0]), np.array([5, 3]), np.array([2.0, 2.0]), 9.0)
    array([1, 3])
    """
    taken = np.zeros(most.size, dtype=np.int64)
    wanted, size = _in_lots(size, wanted)
    order = order[most[order] > 0]
    while order.size:
        contracts = most[order] * size[order]
        before = np.cumsum(contracts) - contracts
        lots = np.minimum(lots_within(np.maximum(wanted - before, 0.0), size[order]), most[order])
        short = np.flatnonzero(lots < most[order])
        end = int(short[0]) + 1 if short.size else order.size
        taken[order[:end]] = lots[:end]
        wanted -= float(lots[:end] @ size[order[:end]])
        order = order[end:]
        order = order[size[order] <= wanted * (1.0 + SLACK)]
    return taken


def fill_shares(ideal: Floats, ties: Ints, most: Ints, size: Floats, wanted: float) -> Ints:
    """Return whole lots near ideal quantities: rounded down, then by the largest remainder.

    Parameters
    ----------
    ideal : (m,) contracts
        At most ``most`` lots; they add up to what is wanted, or to all there is.
    ties : (m,) int
        Order in which equal remainders come.
    most, size, wanted
        As in :func:`fill_lots`.

    Examples
    --------
    >>> fill_shares(np.array([2.5, 2.5]), np.array([1, 0]), np.array([9, 9]), np.ones(2), 5.0)
    array([2, 3])
    """
    taken = np.minimum(lots_within(ideal, size), most)
    remainder = ideal / size - taken
    wanted, size = _in_lots(size, wanted)
    place = np.empty(ties.size, dtype=np.int64)
    place[ties] = np.arange(ties.size)
    order = np.lexsort((place, -np.round(remainder, 9)))
    one = np.minimum(most - taken, 1)
    taken = taken + fill_lots(order, one, size, wanted - float(taken @ size))
    return taken + fill_lots(order, most - taken, size, wanted - float(taken @ size))
