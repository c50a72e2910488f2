"""The checker: it sees the program, the round and the answer, and takes nothing from the engine on trust."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.programs.duals import shadow_prices
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.solution import Certificate, Status, relative_gap
from adl_opt.programs.terms.base import Point

if TYPE_CHECKING:
    from adl_opt.programs.solution import Solution

VALUE = 1e-9
"""Relative tolerance at which a stated figure agrees with the recomputed one."""


def in_cents(usd: float) -> int:
    """Return an amount in whole cents, rounded half away from zero.

    Examples
    --------
    >>> in_cents(0.005), in_cents(0.0049)
    (1, 0)
    """
    return math.floor(abs(usd) * 100.0 + 0.5) if math.isfinite(usd) else 2**62


def certify(solution: Solution) -> Certificate:
    """Return the named checks of a solution."""
    point = solution.point
    if point is None:
        quiet = math.isnan(solution.objective) and solution.lots is None and not solution.accounts
        honest = solution.status not in (Status.OPTIMAL, Status.FEASIBLE)
        return Certificate(checks={"no-numbers": quiet, "status": honest}, bound=math.nan, gap=math.nan)
    checks = _feasibility(solution, point)
    value = solution.program.objective.value(point, solution.round)
    proof = solution.proof
    scale = getattr(proof, "scale", 0.0)
    checks["objective"] = _near(solution.objective, value, scale)
    executed = point.executed
    checks["budget"] = _near(solution.budget, executed, executed)
    checks["accounts"] = len(solution.accounts) == int(np.count_nonzero(point.x > 0))
    bound = proof.bound() if proof is not None else -math.inf
    gap = relative_gap(value, bound, scale)
    checks |= proof.checks() if proof is not None else {}
    checks["bound"] = bound <= value + max(VALUE * max(abs(value), scale), 1e-7 * abs(value))
    checks["gap"] = solution.gap >= gap * (1 - VALUE) - VALUE or not math.isfinite(gap)
    checks["duals"] = _duals_follow(solution)
    if solution.status is Status.OPTIMAL:
        checks["status"] = gap <= solution.allowed_gap
    return Certificate(checks=checks, bound=bound, gap=gap)


def _feasibility(solution: Solution, point: Point) -> dict[str, bool]:
    """No constraint broken by half a cent, nor by a millionth of the round's money."""
    finite = bool(np.all(np.isfinite(point.x))) and point.x.shape == (len(solution.round.accounts),)
    if not finite:
        return {"cents:finite": False}
    scale = max(point.needed, point.executed)
    checks = {}
    for rule in solution.program.subject_to:
        broken = rule.violation(point, solution.round)
        checks[f"cents:{rule.name}"] = in_cents(broken) == 0 and broken <= 1e-6 * scale
    return checks


def _near(stated: float, value: float, scale: float) -> bool:
    return math.isfinite(stated) and abs(stated - value) <= VALUE * max(abs(value), abs(scale))


def _duals_follow(solution: Solution) -> bool:
    if not solution.duals:
        return True
    if not isinstance(solution.proof, LinearProof):
        return all(np.all(np.isfinite(dual.value)) for dual in solution.duals.values())
    again = shadow_prices(solution.program, solution.round, solution.proof)
    return set(again) == set(solution.duals) and all(
        np.allclose(again[name].value, dual.value, rtol=VALUE, atol=0.0)
        for name, dual in solution.duals.items()
    )
