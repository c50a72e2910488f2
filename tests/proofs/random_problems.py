"""Small random mixed-integer problems, their optimum by enumeration in fractions, and their proofs."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel, ShadowRates
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.options import Options
from adl_opt.programs.proof import model_problem
from adl_opt.programs.tree import TreeProof


def whole_problem(seed: int) -> LinearModel:
    """Return at most 4 whole columns in small boxes and at most 3 rows with entries in quarters."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    value = rng.integers(-8, 9, (m, n)) / 4.0
    lower = np.where(rng.random(m) < 0.5, rng.integers(-6, 6, m) / 2.0, -np.inf)
    upper = np.where(np.isinf(lower) | (rng.random(m) < 0.2), rng.integers(-4, 12, m) / 2.0, np.inf)
    upper = np.maximum(upper, np.where(np.isfinite(lower), lower, -np.inf))
    low = rng.integers(-2, 1, n).astype(float)
    row, col = (index.ravel() for index in np.indices((m, n)))
    return LinearModel(
        cost=rng.integers(-6, 7, n) / 2.0,
        col_lower=low,
        col_upper=low + rng.integers(0, 4, n),
        integer=np.ones(n, dtype=bool),
        row=row,
        col=col,
        value=value.ravel(),
        row_lower=lower,
        row_upper=upper,
        col_unit=np.ones(n),
        row_unit=np.ones(m),
        col_owner=((n, "x"),),
        row_owner=((m, "rows"),),
        blocks={"x": np.arange(n)},
        shadow=ShadowRates(),
    )


def enumerated(problem: dict[str, Any]) -> tuple[Fraction, tuple[int, ...]] | None:
    """Return the least cost and a point that reaches it, exactly; None where nothing is feasible."""

    def end(text: str, infinite: int) -> Fraction:
        if text in ("inf", "-inf"):
            return Fraction(infinite)
        return Fraction(float.fromhex(text)) if "0x" in text else Fraction(text)

    columns, rows = problem["columns"], problem["rows"]
    ranges = [range(-(-end(c["low"], -9) // 1), int(end(c["high"], 9) // 1) + 1) for c in columns]
    cost = [end(c["cost"], 0) for c in columns]
    entries = [[(j, end(v, 0)) for j, v in row["entries"]] for row in rows]
    best = None
    for point in product(*ranges):
        for row, items in zip(rows, entries, strict=True):
            activity = sum((v * point[j] for j, v in items), Fraction(0))
            below = row["low"] != "-inf" and activity < end(row["low"], 0)
            if below or (row["high"] != "inf" and activity > end(row["high"], 0)):
                break
        else:
            value = sum((c * p for c, p in zip(cost, point, strict=True)), end(problem["offset"], 0))
            if best is None or value < best[0]:
                best = (value, point)
    return best


def proven(model: LinearModel) -> dict[str, Any]:
    """Return the proof document of a problem: an optimum, or that nothing is feasible."""
    found = enumerated(model_problem(model))
    tree = TreeSearch(model, Options(), np.inf, lambda v: float(model.cost @ v)).run()
    point = None if found is None else np.array(found[1], dtype=float)
    return TreeProof(model, tuple(tree.nodes), point).document()
