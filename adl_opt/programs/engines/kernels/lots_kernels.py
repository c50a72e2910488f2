"""Exact kernels over whole lots: all accounts may pay (eq. 8), or at most k of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.losses import burden_base
from adl_opt.programs.engines.kernels.shape import Shape
from adl_opt.programs.engines.raw import INTERRUPTED, Raw
from adl_opt.programs.kernel_proofs import LotsProof
from adl_opt.programs.solution import PROVEN
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.choice import MaxAccounts
from adl_opt.programs.terms.deviation import Overshoot
from adl_opt.proofs.certificate import relative_gap

CHOICE = "kernel:min-max-choice"


def min_max_lots(shape: Shape) -> Raw | None:
    """Least z over whole lots (eq. 8), by the lots kernel."""
    from adl_opt.kernels.lots.minmax import minmax_lots

    weight, _ = shape.part(MaxBurden)
    result = minmax_lots(**_problem(shape))
    if result.shortfall_usd > 0:
        return None
    proof = LotsProof(result, weight, needed=shape.required)
    return _raw("kernel:min-max-lots", result, proof, result.gap <= 1e-8)


def min_max_choice(shape: Shape) -> Raw | None:
    """Least over [H-B]+ + fair z over whole lots and at most k payers: least z, then lots given back.

    The bound is fair times the least z, plus over times what solvency demands beyond B.  Where the
    overshoot at the least z does not fit into the gap asked for, a little more burden is traded for less of
    it; what is then still above the gap is a start and a bound for HiGHS.
    """
    from adl_opt.kernels.lots.choice import minmax_lots_choice
    from adl_opt.kernels.lots.tradeoff import trade_burden

    fair, _ = shape.part(MaxBurden)
    over = sum(w for w, t in shape.program.objective.parts if type(t) is Overshoot)
    most = [rule.k for rule in shape.program.subject_to if type(rule) is MaxAccounts]
    k = int(min(most, default=len(shape.round.accounts)))
    result = minmax_lots_choice(accounts=k, **_problem(shape))
    if result.shortfall_usd > 0:
        proven = result.gap == 0
        message = f"at most {k} accounts cannot pay the last {result.shortfall_usd:.2f} USD"
        return Raw(verdict="infeasible" if proven else "stopped", engine=CHOICE, message=message)
    message = ""
    try:
        if over > 0:
            result = trade_burden(result, fair / over, max(shape.options.mip_gap, PROVEN))
    except KeyboardInterrupt:
        message = INTERRUPTED
    proof = LotsProof(result, fair, over, shape.needed, k)
    value = over * max(result.executed_usd - shape.needed, 0.0) + fair * result.z
    gap = relative_gap(value, proof.bound(), proof.scale)
    return replace(_raw(CHOICE, result, proof, gap <= max(shape.options.mip_gap, PROVEN)), message=message)


def _problem(shape: Shape) -> dict[str, Any]:
    """Return the arguments that both kernels share."""
    positions, (_, term) = shape.round.positions, shape.part(MaxBurden)
    assert positions is not None  # noqa: S101
    limit = {} if shape.options.node_limit is None else {"node_limit": max(shape.options.node_limit, 1)}
    base = burden_base(shape.round, term.base)
    return {
        "capacity": shape.upper,
        "account": positions.account,
        "lot_value": positions.lot_value,
        "lots": positions.lots,
        "budget": shape.required,
        "base": None if np.array_equal(base, shape.upper) else base,
        **limit,
    }


def _raw(engine: str, result: Any, proof: LotsProof, proven: bool) -> Raw:
    return Raw(
        verdict="optimal" if proven else "stopped",
        engine=engine,
        x=np.asarray(result.haircut_usd, dtype=np.float64),
        lots=np.asarray(result.lots, dtype=np.int64),
        proof=proof,
        nodes=int(result.nodes),
    )
