"""The head of a queue: the few rows that a budget reaches, found without sorting the others.

A queue pays in the order of its scores, and a budget often ends with its first rows.  So a small share of the
rows is taken: those with the highest scores, by a threshold that a sample of the scores suggests.  Only these
are sorted.  If they cannot pay the budget, a share four times as large is taken, and at last all rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector, vector

Rows = npt.NDArray[np.intp]

ENOUGH = 1.0 + 1e-9
"""Heads reach so much further than the budget, so that no rounding of a sum decides."""

_SMALL = 1 << 12
"""Queues up to this length are sorted as a whole."""

_SAMPLE = 1 << 13

_FIRST, _MORE = 64, 4
"""The first head is one row in 64, and the next one four times as long."""


def shares(size: int) -> Iterator[float]:
    """Yield the shares of a queue to look at in turn, in powers of two; the last one is 1.

    Examples
    --------
    >>> list(shares(10)), list(shares(1_000_000))
    ([1.0], [0.015625, 0.0625, 0.25, 1.0])
    """
    share = 1.0 if size <= _SMALL else 1.0 / _FIRST
    while share < 1.0:
        yield share
        share *= _MORE
    yield 1.0


def highest(score: npt.ArrayLike, count: int) -> Rows:
    """Return the rows of the highest scores, at least `count`, with all that tie with the last, ascending.

    Sorted by score they are the head of the queue whatever breaks ties.  Scores may be infinite, never NaN;
    from n on, `count` gives all rows.  O(n).

    Examples
    --------
    >>> highest([1.0, 3.0, 2.0, 2.0], 2)
    array([1, 2, 3])
    """
    values = vector("score", score, infinite=True)
    if count >= values.size:
        return np.arange(values.size)
    if count <= 0:
        return np.empty(0, dtype=np.intp)
    sample = values[:: max(values.size // _SAMPLE, 1)]
    place = sample.size - 1 - int(1.5 * count * sample.size / values.size)
    if place > 0:  # what a sample suggests is good enough if it is not far off
        rows = np.flatnonzero(values >= np.partition(sample, place)[place])
        if count <= rows.size <= 3 * count:
            return rows
    place = values.size - count
    return np.flatnonzero(values >= np.partition(values, place)[place])


def leaders(score: npt.ArrayLike, weight: Vector, budget: float) -> Rows:
    """Return rows, highest scores first to come in, until their weights exceed a budget; in row order.

    Parameters
    ----------
    score : (n,)
        As for :func:`highest`.
    weight : (n,)
        What each row can give, >= 0.
    budget : float
        In the unit of `weight`; infinite for all rows.

    Returns
    -------
    (k,) int
        All rows where the weights do not exceed the budget.

    Notes
    -----
    O(n) as a rule: a sort of what this returns replaces a sort of the queue.

    References
    ----------
    Paper, eq. 39: only a prefix of the queue pays.

    Examples
    --------
    >>> leaders([1.0, 3.0, 2.0, 2.0], np.ones(4), np.inf)
    array([0, 1, 2, 3])
    """
    values = vector("score", score, infinite=True)
    for share in shares(values.size):
        if share == 1.0 or budget == np.inf:
            break
        rows = highest(values, int(share * values.size))
        if float(weight[rows].sum()) > budget * ENOUGH:
            return rows
    return np.arange(values.size)
