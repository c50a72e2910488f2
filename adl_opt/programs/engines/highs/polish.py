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
from adl_opt.programs.arrays.scaling import money_unit
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram, assemble, upper_bounds
from adl_opt.programs.solution import PROVEN
from adl_opt.programs.tangent import TangentProof, slopes_of, smooth_parts
from adl_opt.programs.terms.base import Objective, Point
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.proofs.certificate import relative_gap
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round

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


def polish(program: RoundProgram, round_: Round, needed: float, raw: Raw, options: Options) -> Raw:
    """Return the refined answer with its tangent proof, or the answer as it was.

    Parameters
    ----------
    program : RoundProgram
    round_ : Round
    needed : float
        B, USD.
    raw : Raw
        The answer of an interior-point method.
    options : Options

    Returns
    -------
    Raw
        Refined only where the new gap counts as closed.
    """
    n = len(round_.accounts)
    if raw.x is None or raw.lots is not None or not 0 < n <= LARGEST or not _smooth(program):
        return raw
    upper = upper_bounds(program, round_)[0]
    model = assemble(_linear_rest(program), round_, needed, money_unit(needed, upper))
    v, best = np.zeros(model.cost.size), None
    v[model.blocks["x"]] = _start(program, round_, needed, np.clip(raw.x, 0.0, upper), upper)
    for _ in range(STEPS):
        try:
            moved = _step(program, round_, model, v, options)
            proof = None if moved is None else _proof(program, round_, model, moved, needed, options)
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


def _smooth(program: RoundProgram) -> bool:
    """Say whether all terms that no array can hold are objective terms that give their slopes."""
    return smooth_parts(program.objective) is not None and all(rule.has_rows for rule in program.subject_to)


def _linear_rest(program: RoundProgram) -> RoundProgram:
    """Return the program without its smooth terms; its arrays are the constraints and the linear costs."""
    rest = tuple((w, t) for w, t in program.objective.parts if t.has_rows)
    goal = Objective(rest) if rest else 0.0 * TotalHaircut(name="nothing")
    return RoundProgram(goal, program.subject_to, program.name)


def _start(program: RoundProgram, round_: Round, needed: float, x: Floats, upper: Floats) -> Floats:
    """Return the answer, or pro-rata where that is allowed and no worse: a flat optimum is hard to see."""
    fair = Point(x=waterfill(upper, min(needed, math.fsum(upper))), needed=needed)
    allowed = all(rule.violation(fair, round_) <= 1e-9 * needed for rule in program.subject_to)
    value, other = (program.objective.value(p, round_) for p in (Point(x=x, needed=needed), fair))
    return fair.x if allowed and other <= value else x


def _step(
    program: RoundProgram, round_: Round, model: LinearModel, v: Floats, options: Options
) -> Floats | None:
    """Make one Newton step within the constraints, from columns to columns."""
    columns = model.blocks["x"]
    slope, curvature = slopes_of(program.objective, v[columns], round_)
    diagonal, cost = np.zeros((2, model.cost.size))
    diagonal[columns], cost[columns] = curvature, slope
    cost = cost + model.cost
    steepest = STEEPEST * (float(np.max(np.abs(cost) * model.col_unit, initial=0.0)) or 1.0)
    moved = np.bincount(model.row, model.value * v[model.col], model.row_lower.size)
    around = replace(
        model,
        cost=cost,
        col_lower=model.col_lower - v,
        col_upper=model.col_upper - v,
        row_lower=model.row_lower - moved,
        row_upper=model.row_upper - moved,
    )
    diagonal = np.minimum(diagonal, steepest / model.col_unit**2)
    answer = run_highs(around, options, curvature=diagonal, cost_unit=steepest / STEEPEST / SHARPENED)
    return None if answer.v is None else np.clip(v + answer.v, model.col_lower, model.col_upper)


def _proof(
    program: RoundProgram, round_: Round, model: LinearModel, v: Floats, needed: float, options: Options
) -> TangentProof | None:
    """Return row prices of the linear program at the tangent of a point."""
    point = Point(
        x=v[model.blocks["x"]],
        needed=needed,
        fund=float(v[model.blocks["fund"]][0]) if "fund" in model.blocks else 0.0,
        closed=v[model.blocks["closed"]] if "closed" in model.blocks else None,
    )
    unproven = TangentProof(program.objective, round_, point, model, np.zeros(model.row_lower.size))
    tangent = unproven.tangent()
    answer = run_highs(tangent, options, cost_unit=(tangent.natural_cost() or 1.0) / SHARPENED)
    return None if answer.y is None else replace(unproven, y=answer.y)
