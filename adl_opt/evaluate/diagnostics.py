"""Diagnostics of an allocation: order inversions, stability of ranks, concentration."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.rounds.columns import Floats, Ints

RELATIVE = 1e-9
"""Differences below this share of the values are rounding, not order."""


def adjacent_inversions(endowment: Floats, x: Floats, order: Ints | None = None) -> tuple[int, int]:
    """Count adjacent pairs of accounts whose order of endowment turns over by the haircuts.

    Accounts are sorted by endowment; a pair of neighbours with different endowments is inverted when the
    richer one is left with less (Prop. 9: pro-rata never does this, a strict queue can).

    Parameters
    ----------
    endowment : (n,) USD
        Before the round, capacity for example.
    x : (n,) USD
        Haircuts.
    order : (n,) int, optional
        ``argsort(endowment)``, when it is known.

    Returns
    -------
    (inverted, pairs) : tuple of int

    Examples
    --------
    >>> adjacent_inversions(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 0.0]))
    (1, 2)
    """
    order = np.argsort(endowment, kind="stable") if order is None else order
    before, left = endowment[order], (endowment - x)[order]
    strict = np.diff(before) > 0
    drop = left[:-1] - left[1:]
    inverted = strict & (drop > RELATIVE * before[1:])
    return int(inverted.sum()), int(strict.sum())


def rank_correlation(a: Floats, b: Floats) -> float:
    """Return Spearman's rank correlation; NaN for fewer than three values or constant ranks.

    Parameters
    ----------
    a, b : (k,)
        Burdens of the same accounts in adjacent rounds; values closer than rounding count as ties.

    Examples
    --------
    >>> round(rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])), 12)
    1.0
    """
    if a.size < 3:
        return math.nan
    ranks = [_average_ranks(v) for v in (a, b)]
    centred = [r - r.mean() for r in ranks]
    norm = math.sqrt(float(centred[0] @ centred[0]) * float(centred[1] @ centred[1]))
    return float(centred[0] @ centred[1]) / norm if norm > 0 else math.nan


def _average_ranks(values: Floats) -> Floats:
    scale = float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
    steps = np.round(values / scale, 9) if scale > 0 else values
    _, inverse, counts = np.unique(steps, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=np.float64)


def gini(values: Floats) -> float:
    """Return the Gini coefficient of non-negative values: 0 all equal, towards 1 one holds all; NaN if all 0.

    Examples
    --------
    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 1.0]))
    (0.0, 0.5)
    """
    total = math.fsum(values)
    if values.size == 0 or not 0 < total < math.inf:
        return math.nan
    ranks = np.arange(1, values.size + 1)
    return max(
        2.0 * float(ranks @ np.sort(values)) / (values.size * total) - (values.size + 1) / values.size, 0.0
    )
