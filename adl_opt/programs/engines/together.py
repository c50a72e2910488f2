"""Kernel first, then HiGHS where the gap asked for is not reached; the better of both counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from adl_opt.programs.combined import BestProof
from adl_opt.programs.engines.highs.direct import solve_direct
from adl_opt.programs.engines.highs.mip_start import Hint
from adl_opt.programs.engines.kernels.contracts import LOTS
from adl_opt.programs.engines.kernels.kernel import solve_kernel
from adl_opt.programs.engines.kernels.lots_kernels import CHOICE
from adl_opt.programs.engines.raw import INTERRUPTED, Raw
from adl_opt.programs.kernel_proofs import LotsProof
from adl_opt.programs.program import Case
from adl_opt.programs.solution import PROVEN
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.grid import haircuts_of_lots
from adl_opt.proofs.certificate import relative_gap

Engine = Callable[[Case], Raw]

LEGS = 300
"""Legs up to which HiGHS proves what the kernel of whole lots in contracts leaves open, without a limit."""


def kernel_first(case: Case, fallback: Engine) -> Raw:
    """Return the kernel's answer, the fallback's where there is none, or both together."""
    raw = solve_kernel(case)
    if raw is None or (raw.x is None and raw.verdict == "stopped"):
        return fallback(case)
    if raw.verdict != "stopped" or raw.interrupted or not _searched(case, raw.engine):
        return raw
    try:
        return _improved(case, raw)
    except KeyboardInterrupt:
        return replace(raw, message=INTERRUPTED)


def _searched(case: Case, engine: str) -> bool:
    """Say whether HiGHS goes on from an answer of the kernel: in contracts where it can end."""
    limited = case.options.node_limit is not None or case.options.time_limit_seconds is not None
    held = case.round.positions
    return engine == CHOICE or (engine == LOTS and (limited or held is None or len(held) <= LEGS))


def _improved(case: Case, kernel: Raw) -> Raw:
    """Run HiGHS from the kernel's lots, above its least burden; take the better point and bound."""
    assert isinstance(kernel.proof, LotsProof)  # noqa: S101
    assert kernel.x is not None  # noqa: S101
    assert kernel.lots is not None  # noqa: S101
    name = next(term.name for term in case.program.objective.terms if type(term) is MaxBurden)
    hint = Hint(kernel.lots, kernel.x, f"{name}:z", float(kernel.proof.result.lower_bound))
    highs = solve_direct(case, hint)
    nodes, message = int(kernel.nodes or 0) + int(highs.nodes or 0), f"HiGHS: {highs.message}"
    if highs.lots is None or highs.proof is None:
        return replace(kernel, nodes=nodes, message=message)
    proof = BestProof(kernel.proof, highs.proof)
    value, better = _value(case, kernel), _value(case, highs)
    winner, engine = (
        (highs, f"highs+{kernel.engine}") if better < value else (kernel, f"{kernel.engine}+highs")
    )
    gap = relative_gap(min(value, better), proof.bound(), proof.scale)
    verdict = "optimal" if gap <= max(case.options.mip_gap, PROVEN) else "stopped"
    return replace(winner, verdict=verdict, engine=engine, proof=proof, nodes=nodes, message=message)


def _value(case: Case, raw: Raw) -> float:
    """Return the objective of the lots; infinite where they break a constraint by half a cent."""
    assert case.round.positions is not None  # noqa: S101
    x = haircuts_of_lots(case.round.positions, raw.lots, case.upper)
    point = Point(x=x, needed=case.needed, lots=raw.lots)
    broken = max(rule.violation(point, case.round) for rule in case.program.subject_to)
    good = broken <= min(0.004, 1e-6 * max(case.needed, point.executed))
    return case.program.objective.value(point, case.round) if good else np.inf
