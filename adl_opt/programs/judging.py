"""The judge: what an answer is called, whoever found it.  What is not certified is never called optimal."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.programs.duals import prices_of
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.mended import drawn
from adl_opt.programs.options import Options
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof, Proof
from adl_opt.programs.solution import PROVEN, PROVEN_CONE, Solution, Status
from adl_opt.programs.terms.base import Point
from adl_opt.proofs.certificate import noted
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats


def solution_of(case: Case, raw: Raw, x: Floats) -> Solution:
    """Return an answer that nobody has judged yet."""
    whole, lots, closed = "mip" in case.program.needs, raw.lots, raw.closed
    if isinstance(case.round, PricedRound) and lots is not None:
        closed, lots = lots.astype(np.float64), case.round.by_position(lots)
    solution = Solution(
        status=Status.FEASIBLE if raw.verdict == "stopped" and whole else Status.OPTIMAL,
        engine=raw.engine,
        program=case.program,
        round=case.round,
        needed=case.needed,
        x=x,
        lots=lots,
        closed=closed,
        executed=exact_sum(x),
        paying=tuple(case.round.accounts.id[x > 0].tolist()),
        fund_usd=drawn(case, raw, x),
        nodes=raw.nodes,
        message=raw.message,
        allowed_gap=_allowed(raw, case.options, whole),
        proof=raw.proof,
    )
    assert solution.point is not None  # noqa: S101
    value = case.program.objective.value(solution.point, case.round)
    return replace(solution, objective=value, gap=math.inf, duals=prices_of(raw.proof, case))


def judged_point(case: Case, point: Point, engine: str, proof: Proof | None) -> Solution:
    """Return an answer as it is given, with the status that its certificate allows."""
    raw = Raw(
        verdict="optimal", engine=engine, x=point.x, lots=point.lots, closed=point.closed, fund=point.fund
    )
    solution = solution_of(case, replace(raw, proof=proof), point.x)
    answer = judged(case, solution)
    if answer.status is not Status.ERROR:
        return answer
    report = solution.certify()
    broken = tuple(name[6:] for name in report.failed if name.startswith("cents:"))
    usd = ", ".join(f"{name} by {report.checks[f'cents:{name}'].error:,.2f} USD" for name in broken)
    refused = replace(solution, status=Status.ERROR, duals={}, bound=report.bound, gap=report.gap)
    return replace(refused, message=f"the answer breaks {usd}", conflict=broken)


def _allowed(raw: Raw, options: Options, whole: bool) -> float:
    if whole:
        return max(options.mip_gap, PROVEN)
    return PROVEN if isinstance(raw.proof, LinearProof) or raw.engine.startswith("kernel") else PROVEN_CONE


def judged(case: Case, solution: Solution) -> Solution:
    """Take the certificate's bound and gap, and the status that it allows."""
    report = solution.certify()
    failed = ", ".join(report.failed)
    if not report.feasible or "objective" in report.failed:
        why = f"the certificate refuses the answer: {failed} ({solution.message})"
        return nothing(case, Status.ERROR, solution.engine, why)
    solution = noted(solution, bound=min(report.bound, solution.objective), gap=report.gap)
    if report.ok:
        return solution
    if report.failed == ("status",) and report.gap <= solution.allowed_gap:
        return replace(solution, status=Status.STATED)
    note = f"not certified optimal: {failed}" if solution.status is Status.OPTIMAL else solution.message
    solution = replace(solution, status=Status.FEASIBLE, message=note, duals={})
    if set(report.failed) <= {"status", "gap"}:
        return solution
    return replace(solution, bound=-math.inf, gap=math.inf, proof=None)


def nothing(case: Case, status: Status, engine: str, message: str, **more: Any) -> Solution:
    """Return an answer without a point."""
    return Solution(
        status=status, engine=engine, program=case.program, round=case.round, needed=case.needed,
        message=message, **more,
    )  # fmt: skip
