"""Proof documents: a problem, a claim and a proof as plain values, with a digest; written as JSON.

The format is described in :mod:`adl_opt.proofs.check`, which reads it.  Floats are written in hexadecimal, so
that nothing is lost; exact bounds of leaves are written as fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.proofs.check import Linear, MinMaxProblem, digest, number

Floats = npt.NDArray[np.float64]
Node = dict[str, Any]
CENT = "1/200"
"""Half a cent: by how much a point may break a row or box."""


def exact(value: float | int | Fraction) -> str:
    """Return a number as an exact text.

    Examples
    --------
    >>> exact(0.1), exact(Fraction(1, 3)), exact(-math.inf)
    ('0x1.999999999999ap-4', '1/3', '-inf')
    """
    if isinstance(value, (Fraction, int)):
        return str(value)
    return "0" if value == 0 else float(value).hex() if math.isfinite(value) else str(float(value))


def linear_problem(
    *,
    cost: Floats,
    column_box: tuple[Floats, Floats],
    whole: npt.NDArray[np.bool_],
    row_box: tuple[Floats, Floats],
    entries: tuple[Any, Any, Floats],
    offset: float = 0.0,
    curves: Mapping[int, Mapping[str, str]] | None = None,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a linear, mixed-integer or convex problem as plain values.

    Parameters
    ----------
    cost : (n,)
    column_box, row_box : two (n,), two (m,)
    whole : (n,) bool
    entries : three (k,)
        Row, column, value.
    offset : float
    curves : mapping of column to curve, optional
    names : sequence of str, optional
        What each block of columns and rows means, for readers.
    """
    columns: list[dict[str, Any]] = [
        {"cost": exact(c), "low": exact(low), "high": exact(high)} | ({"whole": True} if must else {})
        for c, low, high, must in zip(
            cost.tolist(), *(b.tolist() for b in column_box), whole.tolist(), strict=True
        )
    ]
    for j, curve in (curves or {}).items():
        columns[j]["curve"] = dict(curve)
    rows: list[dict[str, Any]] = [
        {"low": exact(low), "high": exact(high), "entries": []}
        for low, high in zip(*(b.tolist() for b in row_box), strict=True)
    ]
    for i, j, value in zip(*(np.asarray(e).tolist() for e in entries), strict=True):
        if value:
            rows[i]["entries"].append([j, exact(value)])
    return {"kind": "linear", "offset": exact(offset), "columns": columns, "rows": rows, "names": list(names)}


def entropy_curve(weight: float, unit: float) -> dict[str, str]:
    """Return weight u phi(x / u) in the words of the checker."""
    return {"kind": "entropy", "weight": exact(weight), "unit": exact(unit)}


def leaf(prices: Floats, *, empty: bool = False, tangents: Iterable[tuple[int, float, float]] = ()) -> Node:
    """Return a leaf of a tree; its exact bound is filled in by :func:`document`."""
    rows = np.flatnonzero(prices)
    made: Node = {"prices": [[int(i), exact(prices[i])] for i in rows]}
    touching = [[j, exact(at), exact(rate)] for j, at, rate in tangents]
    return made | ({"empty": True} if empty else {}) | ({"tangents": touching} if touching else {})


def split(column: int, at: int, down: int, up: int) -> Node:
    """Return a branching: column <= at goes on at node ``down``, column >= at + 1 at node ``up``."""
    return {"split": [column, at], "down": down, "up": up}


def document(
    problem: dict[str, Any],
    proof: dict[str, Any],
    *,
    bound: float,
    point: Iterable[float | int] | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a proof document with its digest.

    Parameters
    ----------
    problem : dict
        As :func:`linear_problem` makes it, or of kind ``min-max``.
    proof : dict
        ``{"tree": nodes}``, or ``{"z": text, "listed": accounts}``.
    bound : float
        The claim: no feasible point costs less; inf: no point is feasible.  Where what is proven is less, in
        last digits, that is the claim.
    point : iterable of number, optional
        A feasible point; the claim says what it costs.
    about : mapping, optional
        Facts for readers: program, round, needed budget, versions.
    """
    kinds: dict[str, type[Linear | MinMaxProblem]] = {"linear": Linear, "min-max": MinMaxProblem}
    read = kinds[problem["kind"]](problem)
    claim = {"status": "infeasible"}
    if isinstance(read, Linear):
        proof = {"tree": with_bounds(read, proof["tree"])}
    if bound < math.inf:
        leaves = (node for node in proof.get("tree", ()) if "bound" in node and not node.get("empty"))
        least = min((number(node["bound"]) for node in leaves), default=bound)
        claim = {"status": "bounded", "bound": exact(min(bound, least))}
    made: dict[str, Any] = {"format": "adl_opt proof", "version": 1, "about": dict(about or {})}
    made |= {"claim": claim, "problem": problem, "proof": proof}
    if point is not None and bound < math.inf:
        made["point"] = [exact(v) for v in point]
        value = read.value([number(v) for v in made["point"]], number(CENT))
        claim |= {"status": "feasible", "objective": exact(value), "tolerance": CENT}
    return made | {"sha256": digest(made)}


def with_bounds(linear: Linear, nodes: Sequence[Node]) -> list[Node]:
    """Return a tree whose leaves state their exact bounds.

    Raises
    ------
    ValueError
        A node is reached twice: this is no tree.
    """
    out: list[Node] = [dict(node) for node in nodes]
    stack: list[tuple[int, dict[int, Any]]] = [(0, {})]
    seen: set[int] = set()
    while stack:
        at, boxes = stack.pop()
        if at in seen:
            raise ValueError(f"node {at} is reached twice: this is no tree")
        seen.add(at)
        node = out[at]
        if "split" in node:
            (j, k), unit = node["split"], linear.unit
            low, high = boxes.get(j, linear.boxes[j])
            stack.append((node["down"], {**boxes, j: (low, k * unit)}))
            stack.append((node["up"], {**boxes, j: ((k + 1) * unit, high)}))
        else:
            node["bound"] = str(linear.leaf(node, boxes, bool(node.get("empty"))))
    return out
