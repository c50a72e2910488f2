"""Weighted points of [0, 1] in a tree: insertion and the exact minimum of a sum of absolute values.

A node is a plain list, so a state that holds one is serialisable: a leaf is ``[values, weights]`` with
distinct increasing values, an inner node ``[weights, children, None]`` with one entry for each of 16 equal
parts of its interval.  Insertion copies the path (about 5 short lists for a million points) and shares
the rest: older trees stay as they were.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

Node = list[Any]

PARTS = 16
DEEPEST = 13
LEAF = 16
_BITS = 52
_BELOW_ONE = 1.0 - 2.0**-53


def empty() -> Node:
    """Return a tree without points."""
    return [[], []]


def added(node: Node, value: float, weight: float) -> Node:
    """Return the tree with one more point.

    Parameters
    ----------
    node : tree
    value : float
        In [0, 1].
    weight : float
        > 0, any unit.

    Notes
    -----
    O(log t) for points that are spread; at most 13 levels for points that are not, below which points
    closer than 2^-52 share a leaf.

    Examples
    --------
    >>> added(added(empty(), 0.5, 1.0), 0.25, 2.0)
    [[0.25, 0.5], [2.0, 1.0]]
    """
    return _added(node, value, weight, _key(value), 0)


def _key(value: float) -> int:
    return int(min(value, _BELOW_ONE) * 2.0**_BITS)


def _place(key: int, depth: int) -> int:
    return (key >> (_BITS - 4 * (depth + 1))) & (PARTS - 1)


def _added(node: Node, value: float, weight: float, key: int, depth: int) -> Node:
    if len(node) == 2:
        return _leaf_added(node, value, weight, depth)
    place = _place(key, depth)
    weights, children = node[0].copy(), node[1].copy()
    weights[place] += weight
    children[place] = _added(children[place], value, weight, key, depth + 1)
    return [weights, children, None]


def _leaf_added(node: Node, value: float, weight: float, depth: int) -> Node:
    values, weights = node[0].copy(), node[1].copy()
    place = bisect_left(values, value)
    if place < len(values) and values[place] == value:
        weights[place] += weight
        return [values, weights]
    values.insert(place, value)
    weights.insert(place, weight)
    if len(values) <= LEAF or depth == DEEPEST:
        return [values, weights]
    children: list[Node] = [empty() for _ in range(PARTS)]
    for v, w in zip(values, weights, strict=True):
        leaf = children[_place(_key(v), depth)]
        leaf[0].append(v)
        leaf[1].append(w)
    return [[math.fsum(leaf[1]) for leaf in children], children, None]


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
    The slope, both * (weight below x) - under * total + stiffness (x - prior) with both = under + over, grows
    in x: its zero is found from the root down, in O(log t) for points that are spread.  Sums of weights are
    rounded, nothing else is approximated.

    Examples
    --------
    >>> least(added(added(empty(), 0.2, 1.0), 0.8, 3.0), 4.0, 1.0, 1.0, 0.5, 0.0)
    0.8
    >>> least(added(empty(), 1.0, 1.0), 1.0, 1.0, 1.0, 0.5, 4.0)
    0.75
    """
    both, need = under + over, under * total + stiffness * prior
    below, low, width = 0.0, 0.0, 1.0
    while len(node) == 3:
        width /= PARTS
        last = PARTS - 1
        for place, weight in enumerate(node[0]):
            edge = low + width
            reached = below + weight
            if both * reached + stiffness * edge >= need or place == last:
                break
            below, low = reached, edge
        node = node[1][place]
    high = low + width
    for value, weight in zip(*node, strict=True):
        if both * below + stiffness * value >= need:
            high = value
            break
        below += weight
        low = value
        if both * below + stiffness * value >= need:
            return float(value)
    if stiffness <= 0.0:
        return float(low)
    x = (need - both * below) / stiffness
    return float(min(max(x, low), high))
