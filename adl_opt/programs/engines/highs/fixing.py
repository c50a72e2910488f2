"""Accounts that no answer better than the start can use are left out of a mixed-integer program."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.losses import burden_base
from adl_opt.programs.arrays.linear import Bools, LinearModel
from adl_opt.programs.program import Case
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import FundDraw, MaxBurden, TotalHaircut
from adl_opt.programs.terms.choice import AccountsTouched, MaxAccounts
from adl_opt.programs.terms.deviation import Overshoot, Tracking, Undershoot
from adl_opt.programs.terms.grid import Lots, paid_by_lots
from adl_opt.rounds.columns import Floats, Ints

_NEVER_NEGATIVE = (AccountsTouched, FundDraw, MaxBurden, Overshoot, TotalHaircut, Tracking, Undershoot)


def useless_accounts(case: Case, start: tuple[Ints, Floats], model: LinearModel) -> Bools:
    """Return the (n,) accounts that pay nothing in any answer at least as good as the start.

    Notes
    -----
    With at most k payers and a largest burden worth w, an answer no worse than the start's value V has
    z <= V / w, so account i pays at most c_i = min(upper_i, base_i V / w).  It can pay only if c_i and the
    k - 1 largest c_j reach the budget together.  All objective terms must be non-negative.
    """
    program, round_, needed, upper = case.program, case.round, case.needed, case.upper
    none = np.zeros(upper.size, dtype=bool)
    most = [rule.k for rule in program.subject_to if isinstance(rule, MaxAccounts)]
    demand = [rule for rule in program.subject_to if isinstance(rule, (ExactBudget, Solvency))]
    fair = [(w, t) for w, t in program.objective.parts if isinstance(t, MaxBurden) and w > 0]
    lotted = any(isinstance(rule, Lots) for rule in program.subject_to)
    plain = all(w >= 0 and isinstance(t, _NEVER_NEGATIVE) for w, t in program.objective.parts)
    if not (most and demand and fair and lotted and plain) or min(most) < 1 or round_.positions is None:
        return none
    lots = start[1][np.isin(start[0], model.blocks["closed"])].astype(np.int64)
    if lots.size != len(round_.positions):
        return none
    x = np.minimum(paid_by_lots(round_.positions, lots, upper.size), upper)
    point = Point(x=x, needed=needed, lots=lots)
    if any(rule.violation(point, round_) > 1e-9 * max(needed, 1.0) for rule in program.subject_to):
        return none
    weight, term = fair[0]
    z = program.objective.value(point, round_) / weight * (1 + 1e-9)
    caps = np.minimum(upper, z * burden_base(round_, term.base))
    others = math.fsum(np.sort(caps)[::-1][: min(most) - 1])
    rule = demand[0]
    raised = rule.required(round_, needed) - rule.fund
    return np.asarray(caps + others < raised * (1 - 1e-9))
