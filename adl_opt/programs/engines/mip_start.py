"""Heuristics that a mixed-integer program starts from: the answer is then never worse than they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adl_opt.columns import Floats, Ints
from adl_opt.kernels import fill_in_order, waterfill
from adl_opt.programs.linear import LinearModel
from adl_opt.programs.program import RoundProgram
from adl_opt.programs.terms import AccountsTouched, Lots, MaxAccounts, MinTicket, Solvency
from adl_opt.rounds import Round


class Hint(NamedTuple):
    """What a kernel knows: lots (m,) and haircuts (n,) USD to start from, and a bound on a column."""

    lots: Ints
    x: Floats
    column: str
    least: float


def mip_start(
    program: RoundProgram, round_: Round, needed: float, upper: Floats, model: LinearModel
) -> tuple[Ints, Floats]:
    """Return (columns, values) for the whole columns, from the best rule at hand.

    The payers are the largest accounts, as many as may pay (or as few as suffice where each costs); they pay
    by min-max, over lots where there are lots.
    """
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
        return _with_lots(round_, required, able, model)
    pays = waterfill(able, required) > 0
    return model.blocks["pays"], pays.astype(np.float64)


def _with_lots(round_: Round, required: float, able: Floats, model: LinearModel) -> tuple[Ints, Floats]:
    from adl_opt.kernels.lots.minmax import minmax_lots

    positions = round_.positions
    assert positions is not None  # noqa: S101
    answer = minmax_lots(
        able, positions.account, positions.lot_value, positions.lots, required, node_limit=1_000
    )
    return start_from(answer.lots, answer.haircut_usd, model)


def start_from(lots: Ints, x: Floats, model: LinearModel) -> tuple[Ints, Floats]:
    """Return (columns, values) for the whole columns of known lots and haircuts."""
    columns, values = [model.blocks["closed"]], [np.asarray(lots, dtype=np.float64)]
    if "pays" in model.blocks:
        columns.append(model.blocks["pays"])
        values.append((np.asarray(x) > 0).astype(np.float64))
    return np.concatenate(columns), np.concatenate(values)
