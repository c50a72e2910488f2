"""Weak duality in floats that cannot lie: every rounding goes outward, so no bound exceeds the true one.

The bound that row prices y prove on ``min cost'v, row_low <= A v <= row_high, low <= v <= high`` is the least
of ``y'r + (cost - A'y)'v`` over the boxes of r and v.  Products are split into two floats that hold them
exactly.  Sums are compensated and carry a bound of what is left of their error.  The checker of proof files
computes the same in fractions (:mod:`adl_opt.proofs.check`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adl_opt.proofs.sums import exact_sum

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UNIT = 2.0**-52
"""Twice the largest relative error of one rounded operation."""

TINY, HUGE = 2.0**-900, 2.0**900
"""Magnitudes between which a product splits exactly."""

LONG = 64
"""Entries from which a column is summed exactly, in a loop."""


def safe_dual_bound(
    cost: Floats,
    column_box: tuple[Floats, Floats],
    row_box: tuple[Floats, Floats],
    entries: tuple[Ints, Ints, Floats],
    y: Floats,
) -> float:
    """Return a number that no feasible point costs less than, whatever the prices are.

    Parameters
    ----------
    cost : (n,)
    column_box, row_box : two (n,), two (m,)
        Bounds, with infinities.
    entries : three (k,)
        Row, column and value; entries of one place add up.
    y : (m,)
        Prices of the rows.

    Returns
    -------
    float
        -inf where a price has the wrong sign against an infinite bound, or a number is too large to split.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> place = np.array([0])
    >>> safe_dual_bound(one, (0 * one, 9 * one), (4 * one, np.inf * one), (place, place, one), one)
    3.9999999999999996
    """
    row, column, value = entries
    priced = np.flatnonzero(y[row])
    row, column, value = row[priced], column[priced], value[priced]
    if not in_range(value, y, cost):
        return -math.inf
    low, high = _reduced_costs(cost, row, column, value, y)
    terms = [*_least(y, y, *row_box), *_least(low, high, *column_box)]
    if not all(np.all(part > -np.inf) for part in terms):
        return -math.inf
    total = exact_sum(np.concatenate(terms))
    return total if not np.any(terms[1]) and not np.any(terms[3]) and total == 0 else below(total)


def in_range(*arrays: Floats) -> bool:
    """Say whether every number is zero or of a size whose products split exactly."""
    root_low, root_high = math.sqrt(TINY), math.sqrt(HUGE)
    sizes = (np.abs(array[array != 0]) for array in arrays)
    return all(bool(np.all((size > root_low) & (size < root_high))) for size in sizes)


def below(total: float) -> float:
    """Return the next float below a sum that was rounded once."""
    return math.nextafter(total, -math.inf)


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return p and e with a b = p + e exactly (Veltkamp and Dekker).

    Examples
    --------
    >>> p, e = two_product(np.array([1.0 + 2.0**-40]), np.array([1.0 + 2.0**-40]))
    >>> float(e[0]) == 2.0**-80
    True
    """
    p = a * b
    a_high, b_high = (_high_half(v) for v in (a, b))
    a_low, b_low = a - a_high, b - b_high
    return p, a_low * b_low - (((p - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _high_half(v: Floats) -> Floats:
    scaled = v * 134217729.0
    return scaled - (scaled - v)


def _reduced_costs(cost: Floats, row: Ints, column: Ints, value: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return a lower and an upper bound of cost - A'y, by compensated sums."""
    order = np.argsort(column, kind="stable")
    column = column[order]
    p, e = two_product(-value[order], y[row[order]])
    count = np.bincount(column, minlength=cost.size)
    first = np.cumsum(count) - count
    total: Floats = cost.copy()
    rest = np.zeros_like(cost)
    size = np.abs(cost) + np.bincount(column, weights=np.abs(p), minlength=cost.size)
    short = count <= LONG
    for k in range(int(np.max(count[short], initial=0))):
        j = np.flatnonzero(short & (count > k))
        at = first[j] + k
        total[j], lost = two_sum(total[j], p[at])
        rest[j] += lost + e[at]
    for long in np.flatnonzero(~short).tolist():
        mine = slice(int(first[long]), int(first[long] + count[long]))
        total[long] = exact_sum(np.concatenate([cost[long : long + 1], p[mine], e[mine]]))
    middle = total + rest
    error = np.abs(middle) * UNIT + np.where(short, 8.0 * (count + 2.0) ** 2 * UNIT**2, 0.0) * size
    sure = (count == 0) | (size == 0)
    return (
        np.where(sure, middle, np.nextafter(middle - error, -np.inf)),
        np.where(sure, middle, np.nextafter(middle + error, np.inf)),
    )


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return s and e with a + b = s + e exactly (Knuth)."""
    s = a + b
    back = s - a
    return s, (a - (s - back)) + (b - back)


def _least(low: Floats, high: Floats, box_low: Floats, box_high: Floats) -> list[Floats]:
    """Return the least of rate v over a box for every rate between low and high, as sums of two floats."""
    parts = []
    for rate in (low,) if np.all(box_low >= 0) else (low, high):  # no v is below 0: the least rate counts
        end = np.where(rate > 0, box_low, box_high)
        open_end = ~np.isfinite(end)
        p, e = two_product(np.where(open_end, 0.0, rate), np.where(open_end, 0.0, end))
        p = np.where(open_end & (rate != 0), -np.inf, p)
        parts.append((p, e))
    (p, e), (q, f) = parts[0], parts[-1]
    smaller = (p < q) | ((p == q) & (e <= f))
    return [np.where(smaller, p, q), np.where(smaller, e, f)]
