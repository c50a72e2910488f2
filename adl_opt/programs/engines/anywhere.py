"""A proof of the optimum for a point that comes from anywhere: another solver, a rule, or a file."""

from __future__ import annotations

from dataclasses import replace

from adl_opt.programs.engines.highs.direct import tree_proof
from adl_opt.programs.engines.highs.polish import is_smooth, tangent_proof
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof, Proof
from adl_opt.programs.terms.base import Point


def proof_of(case: Case, point: Point) -> Proof | None:
    """Return what bounds the optimum of a program, whoever found the point; None where nothing here can.

    Prices of a linear program, a branch-and-bound tree of a mixed-integer one (with a better point, if any),
    or the tangent at the point of a smooth one.
    """
    if all(term.has_rows for term in case.program.terms):
        model = case.model()
        if model.is_mip:
            value = case.program.objective.value(point, case.round)
            better, proof = tree_proof(model, value, case.options)
            return replace(proof, v=better)
        answer = run_highs(model, case.options)
        return None if answer.y is None else LinearProof(model, answer.y, answer.v)
    return tangent_proof(case, point) if is_smooth(case.program) else None
