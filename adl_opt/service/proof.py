"""What a decision proves of itself: the rules of the round hold, and how near the least burden it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adl_opt.allocation.minmax import MinMaxLots, solve_lots
from adl_opt.evaluate.check import check_allocation
from adl_opt.losses import burden, burden_base
from adl_opt.policy.policy import Policy
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.closures import NAMES
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.flows import reckoned, usd_by_cell
from adl_opt.rounds.round import Allocation, Round

OPTIMAL, FEASIBLE, RULE = "optimal", "feasible", "rule"
MARGIN = 1e-9
"""By so much more than the flow can give a deficit may be: rounding."""

GAP = 1e-9
"""Relative gap up to which a burden counts as the least one."""


def proof_of_decision(policy: Policy, round_: Round, action: Allocation) -> dict[str, Any]:
    """Return what is proven of a decision, as plain values.

    ``status`` is ``optimal`` where the largest burden is the least possible, by a bound that is derived again
    here; ``feasible`` where the rule gives a bound that leaves a gap; ``rule`` where it promises no optimum.
    In each case the haircuts were checked against the round: 0 <= x <= capacity, whole lots that are held.

    Raises
    ------
    PolicyError
        The haircuts break the rules of the round.
    """
    check_allocation(policy.name, round_, action, positive_pnl_only=bool(policy.positive_pnl_only))
    base = burden_base(round_, action.base)
    worst = float(np.max(burden(action.x, base), initial=0.0))
    bound = _bound(policy, round_, action)
    gap = None if bound is None else (worst - bound) / worst if worst > 0 else 0.0
    status = RULE if gap is None else OPTIMAL if gap <= GAP else FEASIBLE
    made: dict[str, Any] = {
        "status": status,
        "base": action.base,
        "max_burden": worst if math.isfinite(worst) else None,
        "lower_bound": bound,
        "gap": gap,
        "shortfall_usd": action.shortfall,
        "residual_usd": action.residual_usd,
    }
    if (lots := closed_lots(round_, action)) is not None:
        made["lots"] = lots
    if round_.space == CONTRACTS:
        made["flow_usd"] = flow_usd = math.fsum(usd_by_cell(round_, reckoned(round_)).values())
        if round_.deficit > flow_usd * (1.0 + MARGIN):
            made["note"] = (
                f"the deficit of {round_.deficit:,.2f} USD is more than the whole flow can give, "
                f"{flow_usd:,.2f} USD as reckoned at the mark"
            )
    return made


def closed_lots(round_: Round, action: Allocation) -> dict[str, list[Any]] | None:
    """Return what is closed as a table of columns: id, market, lots; in contracts side and price_usd.

    In contracts there is a row for each position and row of the flow that it is closed against; a price that
    the round does not know is None.
    """
    held, closures = round_.positions, action.closures
    if action.lots is None or held is None:
        return None
    rows = np.flatnonzero(action.lots) if closures is None else closures.position
    lots = action.lots[rows] if closures is None else closures.lots
    made: dict[str, list[Any]] = {
        "id": round_.accounts.id[held.account[rows]].tolist(),
        "market": held.market[rows].tolist(),
        "lots": lots.astype(np.int64).tolist(),
    }
    if held.side is not None:
        made["side"] = [NAMES[k] for k in held.side[rows].tolist()]
    if closures is not None:
        close = closures.close
        made["price_usd"] = [None] * rows.size if close is None else close[closures.row].tolist()
    return made


def _bound(policy: Policy, round_: Round, action: Allocation) -> float | None:
    """Return a lower bound on the largest burden that was derived again; None where the rule gives none."""
    rule, bound = policy.allocation, action.lower_bound
    if math.isnan(bound):
        return None
    if isinstance(rule, MinMaxLots):
        found = solve_lots(round_, action.asked, rule.base, rule.node_limit)  # the answer that was just given
        return bound if found.certify().ok else 0.0
    if bound <= 0.0:
        return 0.0
    below = np.minimum(round_.accounts.capacity, bound * (1.0 - GAP) * burden_base(round_, action.base))
    return bound if exact_sum(below) < min(action.asked, round_.capacity_usd) else 0.0
