"""From near an optimum of a smooth convex program to it: Newton steps, each a quadratic program by HiGHS.

An interior-point method writes a flat disutility as a cone, in numbers of order one.  Its answer is right to
1e-7 at best.  The terms themselves know their slopes to the last digits
(:meth:`~adl_opt.programs.ObjectiveTerm.slopes`).  Polishing uses them, in four steps.

1. Start at the interior-point answer, or at pro-rata where that is allowed and no worse.
2. Replace the smooth terms by their quadratic Taylor polynomial at the point.  Add the linear costs and all
   constraints.  HiGHS solves this quadratic program for the move, and the point moves there.
3. Replace the smooth terms by their tangent at the new point.  HiGHS solves this linear program.  A convex
   function lies above its tangent, so the prices of the rows prove a lower bound on the optimum.
4. Repeat 2 and 3 until the gap between the value and the bound is closed or no longer shrinks.

The refined answer is taken only if its gap counts as closed.  Else the answer stays as it was.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from adl_opt.errors import SolverError
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.solution import PROVEN
from adl_opt.programs.tangent import TangentProof, linear_rest, slopes_of, smooth_parts
from adl_opt.programs.terms.base import Point
from adl_opt.proofs.certificate import relative_gap
from adl_opt.rounds.columns import Floats

STEPS = 12
"""Newton steps at most; three are usual."""

LARGEST = 600
"""Accounts up to which a step is affordable: it grows with their cube, 0.2 s at 500."""

SHARPENED = 2.0**16
"""By how much prices are finer than HiGHS's dual tolerance of 1e-10: at the optimum all are nearly equal."""

STEEPEST = 1e8
"""Curvature in the units of the solver that counts: an account paid in full has no end of it."""

CLOSED = 1e-12
"""Relative gap at which no more steps are taken."""


def polish(case: Case, raw: Raw) -> Raw:
    """Return the refined answer with its tangent proof, or the interior-point answer as it was."""
    n = len(case.round.accounts)
    if raw.x is None or raw.lots is not None or not 0 < n <= LARGEST or not is_smooth(case.program):
        return raw
    model = _linear_rest(case)
    v, best = np.zeros(model.cost.size), None
    v[model.blocks["x"]] = _start(case, np.clip(raw.x, 0.0, case.upper))
    for _ in range(STEPS):
        try:
            moved = _step(case, model, v)
            proof = None if moved is None else _proof(case, model, moved)
        except (SolverError, KeyboardInterrupt):
            break
        if moved is None or proof is None:
            break
        v = moved
        gap = relative_gap(proof.value(), proof.bound(), proof.scale)
        if best is not None and gap >= best[0]:
            break
        best = gap, proof
        if gap <= CLOSED:
            break
    if best is None or best[0] > PROVEN:
        return raw
    point, proof = best[1].point, best[1]
    return replace(raw, verdict="optimal", x=point.x, fund=point.fund, closed=point.closed, proof=proof)


def is_smooth(program: RoundProgram) -> bool:
    """Say whether all terms that no array can hold are objective terms that give their slopes."""
    return smooth_parts(program.objective) is not None and all(rule.has_rows for rule in program.subject_to)


def _linear_rest(case: Case) -> LinearModel:
    """Return the arrays of the program without its smooth terms: the constraints and the linear costs."""
    return replace(case, program=linear_rest(case.program)).model()


def _start(case: Case, x: Floats) -> Floats:
    """Return the answer, or pro-rata where that is allowed and no worse: a flat optimum is hard to see."""
    needed, round_ = case.needed, case.round
    fair = Point(x=waterfill(case.upper, min(needed, math.fsum(case.upper))), needed=needed)
    allowed = all(rule.violation(fair, round_) <= 1e-9 * needed for rule in case.program.subject_to)
    value, other = (case.program.objective.value(p, round_) for p in (Point(x=x, needed=needed), fair))
    return fair.x if allowed and other <= value else x


def _step(case: Case, model: LinearModel, v: Floats) -> Floats | None:
    """Make one Newton step within the constraints, from columns to columns."""
    columns = model.blocks["x"]
    slope, curvature = slopes_of(case.program.objective, v[columns], case.round)
    diagonal, cost = np.zeros((2, model.cost.size))
    diagonal[columns], cost[columns] = curvature, slope
    cost = cost + model.cost
    steepest = STEEPEST * (float(np.max(np.abs(cost) * model.col_unit, initial=0.0)) or 1.0)
    moved = model.activity(v)
    around = replace(
        model,
        cost=cost,
        col_lower=model.col_lower - v,
        col_upper=model.col_upper - v,
        row_lower=model.row_lower - moved,
        row_upper=model.row_upper - moved,
    )
    diagonal = np.minimum(diagonal, steepest / model.col_unit**2)
    answer = run_highs(around, case.options, curvature=diagonal, cost_unit=steepest / STEEPEST / SHARPENED)
    return None if answer.v is None else np.clip(v + answer.v, model.col_lower, model.col_upper)


def tangent_proof(case: Case, point: Point) -> TangentProof | None:
    """Return the proof by the tangent at a point near the optimum.

    Where slopes differ from the prices of the rows, the tangent loses that difference over the whole box.
    So it touches where, by Newton, slopes equal prices; the prices stay.
    """
    best = _at(case, _linear_rest(case), point)
    columns = None if best is None else best.model.blocks["x"]
    for _ in range(STEPS):
        if best is None:
            break
        curvature = np.maximum(slopes_of(case.program.objective, best.point.x, case.round)[1], 1e-300)
        x = best.point.x - best.tangent().reduced_costs(best.y)[columns] / curvature
        moved = replace(best, point=replace(best.point, x=np.clip(x, 0.0, case.upper)))
        if not moved.bound() > best.bound():
            break
        best = moved
    return best


def _proof(case: Case, model: LinearModel, v: Floats) -> TangentProof | None:
    """Return the proof by the tangent at a point of the arrays."""
    point = Point(
        x=v[model.blocks["x"]],
        needed=case.needed,
        fund=float(v[model.blocks["fund"]][0]) if "fund" in model.blocks else 0.0,
        closed=v[model.blocks["closed"]] if "closed" in model.blocks else None,
    )
    proof = _at(case, model, point)
    return None if proof is None else replace(proof, v=v)


def _at(case: Case, model: LinearModel, point: Point) -> TangentProof | None:
    """Return row prices of the linear program at the tangent of a point."""
    unproven = TangentProof(case.program.objective, case.round, point, model, np.zeros(model.row_lower.size))
    tangent = unproven.tangent()
    answer = run_highs(tangent, case.options, cost_unit=(tangent.natural_cost() or 1.0) / SHARPENED)
    return None if answer.y is None else replace(unproven, y=answer.y)
