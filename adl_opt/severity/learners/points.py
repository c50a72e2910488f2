"""Weighted points of [0, 1] in a tree: insertion and the exact minimum of a sum of absolute values.

Exact FTRL needs, in every round, the minimiser of ``sum w |x - v| + k (x - prior)^2 / 2`` over all past
targets v (where overshoot costs more than undershoot, or less, the two sides of v have their own prices).
The derivative of this sum rises with x: it jumps at each point v, and climbs steadily by k in between.  The
minimiser is where the derivative crosses 0.  Without the square it is a weighted median.

The tree finds the crossing without reading all points.  An inner node splits its interval into 8 equal parts
and knows the weight in each.  The search adds the weights from the left until the derivative turns positive,
and goes down into that part.  At the leaf it looks at single points.  Then either a point is the crossing, or
the crossing lies between two points, where the derivative is a straight line.

A node is a plain list, so that a state that holds one is serialisable.  A leaf is ``[values, weights]`` with
distinct increasing values; an inner node is ``[weights, children, None]``.  Insertion either copies the few
lists on its way and shares the others, so that older trees stay as they were, or changes the tree in place.
Both ways do the same sums in the same order.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import Any

Node = list[Any]

LOG_PARTS = 3
PARTS = 2**LOG_PARTS
LEAF = 64
_BITS = 51
_BELOW_ONE = 1.0 - 2.0**-53


def empty() -> Node:
    """Return a tree without points."""
    return [[], []]


def copied(node: Node) -> Node:
    """Return a tree that shares nothing with this one, O(t)."""
    if len(node) == 2:
        return [node[0].copy(), node[1].copy()]
    return [node[0].copy(), [copied(child) for child in node[1]], None]


def with_point(node: Node, value: float, weight: float, *, in_place: bool = False) -> Node:
    """Return the tree with one more point.

    Parameters
    ----------
    node : tree
    value : float
        In [0, 1].
    weight : float
        > 0, any unit.
    in_place : bool
        Change this tree instead of a copy of the path.

    Notes
    -----
    O(log t) for points that are spread; at most 17 levels for points that are not, below which points
    closer than 2^-51 share a leaf.

    Examples
    --------
    >>> with_point(with_point(empty(), 0.5, 1.0), 0.25, 2.0)
    [[0.25, 0.5], [2.0, 1.0]]
    """
    key, shift = _key(value), _BITS - LOG_PARTS
    root = node = node if in_place else _shallow(node)
    while len(node) == 3:
        weights, children, _ = node
        place = (key >> shift) & (PARTS - 1)
        weights[place] += weight
        node = children[place]
        if not in_place:
            children[place] = node = _shallow(node)
        shift -= LOG_PARTS
    values, weights = node
    place = bisect_left(values, value)
    if place < len(values) and values[place] == value:
        weights[place] += weight
    else:
        values.insert(place, value)
        weights.insert(place, weight)
        if len(values) > LEAF and shift >= 0:
            _split(node, shift)
    return root


def _key(value: float) -> int:
    return int(min(value, _BELOW_ONE) * 2.0**_BITS)


def _shallow(node: Node) -> Node:
    return [None if part is None else part.copy() for part in node]


def _split(leaf: Node, shift: int) -> None:
    children: list[Node] = [empty() for _ in range(PARTS)]
    for value, weight in zip(*leaf, strict=True):
        child = children[(_key(value) >> shift) & (PARTS - 1)]
        child[0].append(value)
        child[1].append(weight)
    leaf[:] = [[math.fsum(child[1]) for child in children], children, None]


def least(node: Node, total: float, under: float, over: float, prior: float, stiffness: float) -> float:
    """Return the minimiser x of sum w (under [v - x]_+ + over [x - v]_+) + stiffness (x - prior)^2 / 2.

    Parameters
    ----------
    node : tree
    total : float
        The sum of all weights.
    under, over : float
        Prices > 0 of a unit of weight and distance.
    prior : float
        In [0, 1].
    stiffness : float
        >= 0, in the unit of the weights; 0 gives the smallest minimiser, a weighted quantile.

    Returns
    -------
    float
        In [0, 1].

    Notes
    -----
    The slope, (under + over) * (weight below x) - under * total + stiffness (x - prior), grows in x: its zero
    is found from the root down, in O(log t) for points that are spread.  Sums are rounded; nothing else is
    approximated.

    Examples
    --------
    >>> least(with_point(with_point(empty(), 0.2, 1.0), 0.8, 3.0), 4.0, 1.0, 1.0, 0.5, 0.0)
    0.8
    >>> least(with_point(empty(), 1.0, 1.0), 1.0, 1.0, 1.0, 0.5, 4.0)
    0.75
    """
    firm = stiffness / (under + over)
    need = under / (under + over) * total + firm * prior
    below, low, width = 0.0, 0.0, 1.0
    while len(node) == 3:
        width /= PARTS
        start, bar, step, place = below, need - firm * (low + width), firm * width, 0
        for weight in node[0]:
            reached = below + weight
            if reached >= bar:
                break
            below = reached
            bar -= step
            place += 1
        else:  # rounding: all is below the zero, which is in the last part then
            place -= 1
            below = sum(node[0][:place], start)
        low += place * width
        node = node[1][place]
    high = low + width
    values, weights = node
    if len(values) > 2 * LEAF:  # points closer than the tree can part: straight to the last one before
        sums = list(accumulate(weights, initial=below))
        first = bisect_left(range(len(values)), True, key=lambda k: bool(sums[k] + firm * values[k] >= need))
        skipped = max(first - 1, 0)
        below, values, weights = sums[skipped], values[skipped:], weights[skipped:]
        low = node[0][skipped - 1] if skipped else low
    for value, weight in zip(values, weights, strict=True):
        bar = need - firm * value
        if below >= bar:
            high = value
            break
        below += weight
        low = value
        if below >= bar:
            return float(value)
    if firm <= 0.0:
        return float(low)
    return float(min(max((need - below) / firm, low), high))
