"""The checker: it sees the program, the round and the answer, and takes nothing from the engine on trust."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.programs.duals import prices_of
from adl_opt.programs.proof import rederived
from adl_opt.programs.solution import Certificate, Status, relative_gap
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import Solvency
from adl_opt.programs.terms.grid import Lots, haircuts_of_lots

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


def certify(solution: Solution, enumerate_up_to: int = 0) -> Certificate:
    """Return the named checks of a solution; see :meth:`Solution.certify`."""
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
    own, source = rederived(proof)
    listed = listed_optimum(solution, enumerate_up_to)
    if listed is not None:
        checks["enumeration"] = abs(listed - value) <= VALUE * max(abs(value), scale) or (
            solution.status is not Status.OPTIMAL and listed <= value
        )
        bound, own, source = max(bound, listed), listed, "re-derived: every combination of lots listed"
    gap = relative_gap(value, bound, scale)
    checks |= proof.checks() if proof is not None else {}
    size = max(scale, getattr(getattr(proof, "second", None), "scale", 0.0))  # HiGHS's own, where it ended
    checks["bound"] = bound <= value + max(VALUE * max(abs(value), size), 1e-7 * abs(value))
    checks["gap"] = solution.gap >= gap * (1 - VALUE) - VALUE or not math.isfinite(gap)
    checks["duals"] = _duals_follow(solution)
    if solution.status is Status.OPTIMAL:
        checks["status"] = gap <= solution.allowed_gap
    return Certificate(checks=checks, bound=bound, gap=gap, rederived_bound=own, bound_source=source)


def listed_optimum(solution: Solution, most: int) -> float | None:
    """Return the least objective over every feasible combination of whole lots.

    None where lots are not all there is to choose, or there are too many combinations.
    """
    held, program = solution.round.positions, solution.program
    whole = any(isinstance(rule, Lots) for rule in program.subject_to)
    funded = any(isinstance(rule, Solvency) and rule.fund > 0 for rule in program.subject_to)
    if held is None or not whole or funded or math.prod(int(k) + 1 for k in held.lots) > most:
        return None
    u, best = solution.round.accounts.capacity, math.inf
    for choice in product(*(range(int(k) + 1) for k in held.lots)):
        lots = np.array(choice, dtype=np.int64)
        point = Point(x=haircuts_of_lots(held, lots, u), needed=solution.needed, lots=lots)
        scale = max(point.needed, point.executed)
        broken = max(rule.violation(point, solution.round) for rule in program.subject_to)
        if in_cents(broken) == 0 and broken <= 1e-8 * scale:
            best = min(best, program.objective.value(point, solution.round))
    return best


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
    again = prices_of(solution.program, solution.round, solution.needed, solution.proof)
    return set(again) == set(solution.duals) and all(
        np.allclose(again[name].value, dual.value, rtol=VALUE, atol=0.0)
        for name, dual in solution.duals.items()
    )
