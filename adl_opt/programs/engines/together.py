"""Kernel first, then HiGHS where the gap asked for is not reached; the better of both counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from adl_opt.programs.engines.highs.direct import solve_direct
from adl_opt.programs.engines.highs.mip_start import Hint
from adl_opt.programs.engines.kernels.kernel import solve_kernel
from adl_opt.programs.engines.kernels.lots_kernels import CHOICE
from adl_opt.programs.engines.raw import INTERRUPTED, Raw
from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram, upper_bounds
from adl_opt.programs.proof import BestProof, LotsProof
from adl_opt.programs.solution import PROVEN
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.grid import haircuts_of_lots
from adl_opt.proofs.certificate import relative_gap
from adl_opt.rounds.round import Round

Engine = Callable[[RoundProgram, Round, float, Options], Raw]


def kernel_first(
    program: RoundProgram, round_: Round, needed: float, options: Options, fallback: Engine
) -> Raw:
    """Return the kernel's answer, the fallback's where there is none, or both together."""
    raw = solve_kernel(program, round_, needed, options)
    if raw is None or (raw.x is None and raw.verdict == "stopped"):
        return fallback(program, round_, needed, options)
    if raw.engine != CHOICE or raw.verdict != "stopped" or raw.interrupted:
        return raw
    try:
        return _improved(program, round_, needed, options, raw)
    except KeyboardInterrupt:
        return replace(raw, message=INTERRUPTED)


def _improved(program: RoundProgram, round_: Round, needed: float, options: Options, kernel: Raw) -> Raw:
    """Run HiGHS from the kernel's lots, above its least burden; take the better point and bound."""
    assert isinstance(kernel.proof, LotsProof)  # noqa: S101
    assert kernel.x is not None  # noqa: S101
    assert kernel.lots is not None  # noqa: S101
    name = next(term.name for term in program.objective.terms if type(term) is MaxBurden)
    hint = Hint(kernel.lots, kernel.x, f"{name}:z", float(kernel.proof.result.lower_bound))
    highs = solve_direct(program, round_, needed, options, hint)
    nodes = int(kernel.nodes or 0) + int(highs.nodes or 0)
    if highs.lots is None or highs.proof is None:
        return replace(kernel, nodes=nodes, message=f"HiGHS: {highs.message}")
    proof = BestProof(kernel.proof, highs.proof)
    value = _value(program, round_, needed, kernel)
    better = _value(program, round_, needed, highs)
    winner, engine = (highs, f"highs+{CHOICE}") if better < value else (kernel, f"{CHOICE}+highs")
    gap = relative_gap(min(value, better), proof.bound(), proof.scale)
    verdict = "optimal" if gap <= max(options.mip_gap, PROVEN) else "stopped"
    return replace(
        winner, verdict=verdict, engine=engine, proof=proof, nodes=nodes, message=f"HiGHS: {highs.message}"
    )


def _value(program: RoundProgram, round_: Round, needed: float, raw: Raw) -> float:
    """Return the objective of the lots; infinite where they break a constraint by half a cent."""
    assert round_.positions is not None  # noqa: S101
    upper = upper_bounds(program, round_)[0]
    point = Point(x=haircuts_of_lots(round_.positions, raw.lots, upper), needed=needed, lots=raw.lots)
    broken = max(rule.violation(point, round_) for rule in program.subject_to)
    good = broken <= min(0.004, 1e-6 * max(needed, point.executed))
    return program.objective.value(point, round_) if good else np.inf
