"""The engine ``highs``: a program's arrays to HiGHS, whole values rounded, fixed and solved again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import Bools, LinearModel
from adl_opt.programs.arrays.scaling import set_dust_aside
from adl_opt.programs.combined import EngineBound
from adl_opt.programs.engines.highs.mip_start import Hint, mip_start, start_from, useless_accounts
from adl_opt.programs.engines.highs.solver import HighsAnswer, run_highs
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.options import Options
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.tree import TreeProof
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

LOOSER = 1e-7
"""HiGHS calls whole numbers infeasible where everybody must pay in full; its answer is made exact later."""

FINISH = 1.0
"""Seconds beyond a time limit for making an answer exact."""


def solve_direct(case: Case, hint: Hint | None = None) -> Raw:
    """Solve a linear or mixed-integer program with HiGHS, no modelling layer between.

    A hint is where a mixed-integer program starts from, and a proven bound on one of its columns.
    """
    model = solved = case.model()
    if "closed" not in model.blocks:
        high = model.col_upper.copy()
        high[model.blocks["x"]] = set_dust_aside(case.upper, case.needed)
        solved = replace(model, col_upper=high)
    start = None
    if model.is_mip and hint is None:
        start = given_start(case, model) or mip_start(case, model)
    if hint is not None:
        start = start_from(hint.lots, hint.x, model)
        low = model.col_lower.copy()
        low[model.blocks[hint.column]] = hint.least * (1 - 1e-9)
        solved = replace(solved, col_lower=low)
    if start is not None:
        solved = _without(solved, case.round, useless_accounts(case, start, model))
    answer = run_highs(solved, case.options, start=start, settings=case.options.solver_options)
    if model.is_mip and answer.verdict == "infeasible" and answer.nodes <= 1:
        looser = replace(case.options, feasibility_tolerance=LOOSER)
        answer = run_highs(solved, looser, start=start, settings=case.options.solver_options)
    if answer.v is None:
        return Raw(engine="highs", **_said(answer))
    if model.is_mip:
        v, bounds = mixed_answer(model, answer, case.options)
        return replace(raw_of(model, v), **_said(answer), proof=bounds)
    proof = None if answer.y is None else LinearProof(model, answer.y, answer.v)
    return replace(raw_of(model, answer.v), **_said(answer), proof=proof)


def given_start(case: Case, model: LinearModel) -> tuple[Ints, Floats] | None:
    """Return (columns, values) of whole columns from the start that the caller gave: lots, and who pays."""
    point, found = case.start, []
    if point is None or not model.is_mip:
        return None
    if "closed" in model.blocks and point.lots is not None:
        found.append((model.blocks["closed"], point.lots))
    if "pays" in model.blocks:
        found.append((model.blocks["pays"], (point.x > 0).astype(np.int64)))
    if not found:
        return None
    columns, values = (np.concatenate(part) for part in zip(*found, strict=True))
    return columns, values.astype(np.float64)


def _without(model: LinearModel, round_: Round, useless: Bools) -> LinearModel:
    """Fix what these accounts pay, and their lots, at zero."""
    if not useless.any() or round_.positions is None:
        return model
    high = model.col_upper.copy()
    high[model.blocks["x"][useless]] = 0.0
    high[model.blocks["pays"][useless]] = 0.0
    high[model.blocks["closed"][useless[round_.positions.account]]] = 0.0
    return replace(model, col_upper=high)


def mixed_answer(model: LinearModel, answer: HighsAnswer, options: Options) -> tuple[Floats, EngineBound]:
    """Return a point and the bounds of a mixed-integer model: what HiGHS states, and what a tree proves."""
    assert answer.v is not None  # noqa: S101
    best = completed(model, answer.v, options)
    if "nterrupt" in answer.message:
        return best, EngineBound(answer.bound, model.natural_cost())
    better, proof = tree_proof(model, float(model.cost @ best), options)
    stated = answer.bound if better is None else -math.inf  # a better point refutes what was stated
    best = best if better is None else better
    return best, EngineBound(stated, model.natural_cost(), replace(proof, v=best))


def completed(model: LinearModel, v: Floats, options: Options) -> Floats:
    """Round and fix the whole columns, and solve the rest again: tolerances of big-M leak no money."""
    v = np.where(model.integer, np.rint(v), v)
    fixed = replace(
        model,
        integer=np.zeros_like(model.integer),
        col_lower=np.where(model.integer, v, model.col_lower),
        col_upper=np.where(model.integer, v, model.col_upper),
    )
    again = run_highs(fixed, options.late(FINISH))
    v = v if again.v is None else np.where(model.integer, v, again.v)
    for columns, binaries in model.switches:
        v[columns] *= v[binaries] > 0
    return v


def tree_proof(model: LinearModel, incumbent: float, options: Options) -> tuple[Floats | None, TreeProof]:
    """Search the branch-and-bound tree from the objective of a known point.

    Returns
    -------
    (v, proof)
        A better point, None where none was found; and the tree with prices at its leaves.
    """
    found: list[Floats] = []

    def offer(v: Floats) -> float:
        v = completed(model, v, options)
        if model.breach(v) > options.feasibility_tolerance:
            return math.inf
        value = float(model.cost @ v)
        if value < min(incumbent, *(float(model.cost @ best) for best in found[-1:]), math.inf):
            found.append(v)
        return value

    tree = TreeSearch(model, options, incumbent, offer).run()
    return (found[-1] if found else None), TreeProof(model, tuple(tree.nodes))


def raw_of(model: LinearModel, v: Floats, of: str = "") -> Raw:
    """Return a point as an answer without a proof; names of the blocks of a round begin with ``of``."""
    blocks = {name: model.blocks[of + name] for name in ("x", "closed", "fund") if of + name in model.blocks}
    closed = v[blocks["closed"]] if "closed" in blocks else None
    whole = closed is not None and (not closed.size or bool(model.integer[blocks["closed"]].any()))
    return Raw(
        verdict="optimal",
        engine="highs",
        x=v[blocks["x"]],
        lots=np.rint(closed).astype(np.int64) if whole and closed is not None else None,
        closed=None if whole else closed,
        fund=float(v[blocks["fund"]][0]) if "fund" in blocks else 0.0,
    )


def _said(answer: HighsAnswer) -> dict[str, Any]:
    return {"verdict": answer.verdict, "nodes": answer.nodes, "message": answer.message}
