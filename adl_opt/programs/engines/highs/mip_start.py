"""Where the search of a mixed-integer program starts, and which accounts that start rules out.

The start is a heuristic answer, so the answer of the search is never worse than the heuristic.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adl_opt.kernels.fill.queue import fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.losses import burden_base
from adl_opt.programs.arrays.linear import Bools, LinearModel
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import FundDraw, MaxBurden, TotalHaircut
from adl_opt.programs.terms.choice import AccountsTouched, MaxAccounts, MinTicket
from adl_opt.programs.terms.clearing import Clearing
from adl_opt.programs.terms.deviation import Overshoot, Tracking, Undershoot
from adl_opt.programs.terms.grid import Lots, paid_by_lots
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

_NEVER_NEGATIVE = (AccountsTouched, FundDraw, MaxBurden, Overshoot, TotalHaircut, Tracking, Undershoot)


class Hint(NamedTuple):
    """What a kernel knows: lots (m,) and haircuts (n,) USD to start from, and a bound on a column."""

    lots: Ints
    x: Floats
    column: str
    least: float


def mip_start(case: Case, model: LinearModel) -> tuple[Ints, Floats]:
    """Return (columns, values) for the whole columns, from the best rule at hand.

    Whole columns that a term of one's own made are left to the search.  The payers are the largest accounts,
    as many as may pay (or as few as suffice where each costs); they pay by min-max, over lots where there are
    lots.
    """
    program, round_, needed, upper = case.program, case.round, case.needed, case.upper
    required = next(
        (r.required(round_, needed) for r in program.subject_to if isinstance(r, Solvency)), needed
    )
    ticket = max([rule.usd for rule in program.subject_to if isinstance(rule, MinTicket)], default=0.0)
    able = np.where(upper >= max(ticket, 0.0), upper, 0.0)
    order = np.argsort(-able, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    most = min([rule.k for rule in program.subject_to if isinstance(rule, MaxAccounts)], default=order.size)
    if ticket > 0:
        most = min(most, max(int(required // ticket), 1))
    if any(isinstance(term, AccountsTouched) for term in program.objective.terms):
        most = min(most, max(int(np.count_nonzero(fill_in_order(able, order, required))), 1))
    able = np.where(rank < most, able, 0.0)
    if any(isinstance(rule, Lots) for rule in program.subject_to):
        if isinstance(round_, PricedRound):
            return _with_legs(case, round_, able, model)
        return _with_lots(round_, required, able, model)
    if "pays" not in model.blocks:
        return np.empty(0, dtype=np.int64), np.empty(0)
    return model.blocks["pays"], (waterfill(able, required) > 0).astype(np.float64)


def _with_lots(round_: Round, required: float, able: Floats, model: LinearModel) -> tuple[Ints, Floats]:
    from adl_opt.kernels.lots.minmax import minmax_lots

    positions = round_.positions
    assert positions is not None  # noqa: S101
    answer = minmax_lots(
        able, positions.account, positions.lot_value, positions.lots, required, node_limit=1_000
    )
    return start_from(answer.lots, answer.haircut_usd, model)


def _with_legs(case: Case, round_: PricedRound, able: Floats, model: LinearModel) -> tuple[Ints, Floats]:
    """Start from the lots that cover what each row can close in whole lots, each position in one row only."""
    from adl_opt.kernels.contracts.lots import minmax_contract_lots

    rule = next(rule for rule in case.program.subject_to if isinstance(rule, Clearing))
    held, row = round_.held, round_.legs.row
    _, first = np.unique(round_.legs.position, return_index=True)
    legs = first[held.lot_value[first] > 0]
    found = minmax_contract_lots(
        able, held.account[legs], row[legs], held.lot_value[legs], held.lots[legs],
        rule.most(round_, case.needed) * round_.cost, hard_cap=True,
    )  # fmt: skip
    lots = np.zeros(len(held), dtype=np.int64)
    lots[legs] = found.lots
    return start_from(lots, found.haircut_usd, model)


def start_from(lots: Ints, x: Floats, model: LinearModel) -> tuple[Ints, Floats]:
    """Return (columns, values) for the whole columns of known lots and haircuts."""
    columns, values = [model.blocks["closed"]], [np.asarray(lots, dtype=np.float64)]
    if "pays" in model.blocks:
        columns.append(model.blocks["pays"])
        values.append((np.asarray(x) > 0).astype(np.float64))
    return np.concatenate(columns), np.concatenate(values)


def useless_accounts(case: Case, start: tuple[Ints, Floats], model: LinearModel) -> Bools:
    """Return the (n,) accounts that pay nothing in any answer at least as good as the start.

    Notes
    -----
    With at most k payers and a largest burden worth w, an answer no worse than the start's value V has
    z <= V / w, so account i pays at most c_i = min(upper_i, base_i V / w).  It can pay only if c_i and the
    k - 1 largest c_j reach what is required together.  All objective terms must be non-negative.
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
    if not math.isfinite(z):
        return none
    caps = np.minimum(upper, z * burden_base(round_, term.base))
    others = math.fsum(np.sort(caps)[::-1][: min(most) - 1])
    rule = demand[0]
    raised = rule.required(round_, needed) - rule.fund
    return np.asarray(caps + others < raised * (1 - 1e-9))
