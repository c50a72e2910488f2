"""solve(): choose an engine, solve, certify; what is not certified is never called optimal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.checks import checked_usd
from adl_opt.errors import UsageError
from adl_opt.naming import unknown_name
from adl_opt.programs.combined import EngineBound
from adl_opt.programs.conflict import Conflict, explained, reach_conflict
from adl_opt.programs.conic import ConicProof
from adl_opt.programs.duals import prices_of
from adl_opt.programs.engines.raw import INTERRUPTED, Raw
from adl_opt.programs.mended import drawn, mended
from adl_opt.programs.options import Options
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.solution import PROVEN, PROVEN_CONE, Solution, Status
from adl_opt.programs.tangent import TangentProof
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import Solvency
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.proofs.certificate import noted, relative_gap
from adl_opt.rounds.round import Round

CLOSE = 1e-9
"""Gap up to which an interior-point answer to a linear program is left as it is."""

Engine = Callable[[Case], Raw]

SMALL = 2_000
"""Accounts up to which simplex sharpens what is already proven; beyond it takes a minute."""

ENGINES = ("auto", "kernel", "highs", "cvxpy")


def solve(
    program: RoundProgram,
    round_: Round,
    *,
    needed: float,
    engine: str = "auto",
    options: Options | Mapping[str, Any] | None = None,
) -> Solution:
    """Solve a program on a round.

    Parameters
    ----------
    program : RoundProgram
    round_ : Round
    needed : float
        B, USD >= 0.
    engine : str
        ``auto``: the exact kernel where one fits the shape (with HiGHS after it where a mixed-integer gap is
        not yet the one asked for), HiGHS on arrays for LP and MIP, else cvxpy.
        ``kernel``, ``highs`` and ``cvxpy`` insist.
    options : Options or mapping, optional

    Returns
    -------
    Solution
        A round that cannot meet the constraints is a status, not an error.  So is Ctrl-C: the best answer so
        far, or NO_SOLUTION.

    Raises
    ------
    UsageError
        Unknown engine or option, or an engine that cannot take the program.
    InputError
        Data that the terms refuse.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> from adl_opt.programs import ExactBudget, MaxBurden
    >>> round_ = Round(deficit=9.0, accounts=Accounts(id=["a", "b"], pnl=[10.0, 30.0], equity=[50.0, 50.0]))
    >>> answer = solve(RoundProgram(MaxBurden(), [ExactBudget()]), round_, needed=8.0)
    >>> answer.status.value, answer.x.tolist(), answer.engine
    ('optimal', [2.0, 6.0], 'kernel:min-max')
    """
    began = time.perf_counter()
    chosen = Options.of(options)
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    checked_usd("solve", "needed", needed)
    program.check(round_)
    case, lowered = Case(program, round_, float(needed), chosen), 0.0
    try:
        runs = _engines(program, engine)
        case, lowered = _name_shortfall(case, engine)
        answer = _answer(case, runs)
    except KeyboardInterrupt:  # before there was anything to return: engines keep what they have
        answer = _nothing(case, Status.NO_SOLUTION, engine, INTERRUPTED)
    return noted(answer, seconds=time.perf_counter() - began, shortfall_usd=lowered)


def _answer(case: Case, runs: Sequence[Engine]) -> Solution:
    """Name what is out of reach, else run an engine and certify; after a wrong kernel, the next engine."""
    lack = reach_conflict(case)
    if lack is not None:
        return _infeasible(case, lack.found_by, lack)
    answer = _by_simplex(case, _finish(case, runs[0](case)))
    unknown = answer.x is None and answer.status is not Status.INFEASIBLE and answer.message != INTERRUPTED
    return _answer(case, runs[1:]) if unknown and runs[1:] and answer.engine[:6] == "kernel" else answer


def _engines(program: RoundProgram, engine: str) -> list[Engine]:
    """Return the functions that solve, in order, after checking that they can take every term."""
    from adl_opt.programs.engines.kernels.kernel import find_kernel, solve_kernel

    rowless = [term.name for term in program.terms if not term.has_rows]
    if {"mip", "cone"} <= program.needs:
        whole = [t.name for t in program.terms if "mip" in t.needs]
        cones = [t.name for t in program.terms if "cone" in t.needs]
        raise UsageError(
            "no engine takes whole numbers and cones together",
            got=f"whole: {', '.join(whole)}; cones: {', '.join(cones)}",
            ways_out=["leave one of the two out", "replace the convex term by a linear one"],
        )
    if engine == "kernel" and find_kernel(program) is None:
        raise UsageError(
            "no kernel is registered for the shape of this program",
            got=repr(program),
            ways_out=["use engine='auto' or 'highs'"],
        )
    if engine == "highs" and rowless:
        raise UsageError(
            "engine 'highs' takes linear and mixed-integer arrays only",
            got=f"terms without rows: {', '.join(rowless)}",
            ways_out=["use engine='cvxpy' or 'auto'", "give the terms a rows(builder) face"],
        )
    fallback = _cvxpy if rowless else _highs
    if engine == "auto" and find_kernel(program) is not None:
        from adl_opt.programs.engines.together import kernel_first

        return [lambda case: kernel_first(case, fallback), fallback]
    if engine == "kernel":
        beyond = Raw(verdict="infeasible", engine="kernel", message="out of reach of the kernel")
        return [lambda case: solve_kernel(case) or beyond]
    return [{"auto": fallback, "highs": _highs, "cvxpy": _cvxpy}[engine]]


def _highs(case: Case) -> Raw:
    from adl_opt.programs.engines.highs.direct import solve_direct

    return solve_direct(case)


def _cvxpy(case: Case) -> Raw:
    if len(case.round.accounts) == 0 and all(term.has_rows for term in case.program.terms):
        return _highs(case)
    from adl_opt.programs.engines.cvxpy.solver import solve_cvxpy
    from adl_opt.programs.engines.highs.polish import polish

    return _proven(case, polish(case, solve_cvxpy(case)))


def _proven(case: Case, raw: Raw) -> Raw:
    """Prove an answer here, beside what its solver states."""
    from adl_opt.programs.engines.anywhere import proof_of

    if raw.x is None or raw.interrupted or not isinstance(raw.proof, (ConicProof, EngineBound)):
        return raw
    point = Point(x=raw.x, needed=case.needed, lots=raw.lots, fund=raw.fund, closed=raw.closed)
    own = proof_of(case, point)
    if own is None:
        return raw
    gap = relative_gap(case.program.objective.value(point, case.round), own.bound(), own.scale)
    if isinstance(own, LinearProof) or (isinstance(own, TangentProof) and gap <= PROVEN_CONE):
        return replace(raw, proof=own)
    return replace(raw, proof=EngineBound(raw.proof.bound(), raw.proof.scale, own))


def _by_simplex(case: Case, answer: Solution) -> Solution:
    """Take a linear program from Clarabel to HiGHS where the solver is ours to choose and the proof is short.

    Amounts from 1e-9 to 1e12 USD in one round leave an interior-point method far from the end.
    """
    small = len(case.round.accounts) <= SMALL
    unsure = (Status.FEASIBLE, Status.ERROR, Status.NO_SOLUTION)
    short = answer.status in unsure or (small and answer.gap > CLOSE)
    if not short or answer.engine != "cvxpy:clarabel":
        return answer
    if case.options.solver != "auto" or not case.program.needs <= {"lp"} or _limited(answer):
        return answer
    case = replace(case, options=replace(case.options, solver="highs"))
    again = _finish(case, _cvxpy(case))
    better = again.x is not None and not again.objective > answer.objective
    return again if again.status is Status.OPTIMAL or better else answer


def _limited(answer: Solution) -> bool:
    """Say whether time or a user ended the interior-point method."""
    return "MaxTime" in answer.message or INTERRUPTED in answer.message


def _name_shortfall(case: Case, engine: str) -> tuple[Case, float]:
    """Under ``shortfall="named"``: require the most that can be raised, and return what is lacking."""
    program = case.program
    rule = next((r for r in program.subject_to if isinstance(r, Solvency) and r.shortfall == "named"), None)
    if rule is None:
        return case, 0.0
    most = solve(
        program.without(rule.name).minimizing(-TotalHaircut()),
        case.round,
        needed=case.needed,
        engine="auto" if engine == "kernel" else engine,
        options=case.options,
    )
    raised = most.executed if most.x is not None else 0.0
    lack = rule.required(case.round, case.needed) - raised - rule.fund
    if lack <= 0:
        return case, 0.0
    rules = [replace(rule, target=raised + rule.fund) if r is rule else r for r in program.subject_to]
    return replace(case, program=RoundProgram(program.objective, rules, program.name)), lack


def _finish(case: Case, raw: Raw) -> Solution:
    """From a raw answer to a certified solution."""
    if raw.x is None:
        return _without_point(case, raw)
    x, whole = mended(case, raw), "mip" in case.program.needs
    solution = Solution(
        status=Status.FEASIBLE if raw.verdict == "stopped" and whole else Status.OPTIMAL,
        engine=raw.engine,
        program=case.program,
        round=case.round,
        needed=case.needed,
        x=x,
        lots=raw.lots,
        closed=raw.closed,
        executed=math.fsum(x),
        paying=tuple(str(name) for name in case.round.accounts.id[np.flatnonzero(x > 0)]),
        fund_usd=drawn(case, raw, x),
        nodes=raw.nodes,
        message=raw.message,
        allowed_gap=_allowed(raw, case.options, whole),
        proof=raw.proof,
    )
    assert solution.point is not None  # noqa: S101
    value = case.program.objective.value(solution.point, case.round)
    return _judged(case, replace(solution, objective=value, gap=math.inf, duals=prices_of(raw.proof, case)))


def _without_point(case: Case, raw: Raw) -> Solution:
    """INFEASIBLE where that is proven here, whatever the engine says; else why there is no point."""
    found = None if raw.verdict == "stopped" else explained(case)
    if found is not None:
        return _infeasible(case, raw.engine, found, nodes=raw.nodes)
    if raw.verdict == "infeasible":
        message = f"{raw.engine} finds no point ({raw.message}), and no proof was found that there is none"
        return _nothing(case, Status.NO_SOLUTION, raw.engine, message, nodes=raw.nodes)
    status = Status.NO_SOLUTION if raw.verdict == "stopped" else Status.ERROR
    return _nothing(case, status, raw.engine, raw.message, nodes=raw.nodes)


def _infeasible(case: Case, engine: str, found: Conflict, **more: Any) -> Solution:
    return _nothing(
        case, Status.INFEASIBLE, engine, found.text, conflict=found.names, proof=found.proof, **more
    )


def _allowed(raw: Raw, options: Options, whole: bool) -> float:
    if whole:
        return max(options.mip_gap, PROVEN)
    return PROVEN if isinstance(raw.proof, LinearProof) or raw.engine.startswith("kernel") else PROVEN_CONE


def _judged(case: Case, solution: Solution) -> Solution:
    """Take the certificate's bound and gap, and the status that it allows."""
    report = solution.certify()
    failed = ", ".join(report.failed)
    if not report.feasible or "objective" in report.failed:
        why = f"the certificate refuses the answer: {failed} ({solution.message})"
        return _nothing(case, Status.ERROR, solution.engine, why)
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


def _nothing(case: Case, status: Status, engine: str, message: str, **more: Any) -> Solution:
    """Return an answer without a point."""
    return Solution(
        status=status, engine=engine, program=case.program, round=case.round, needed=case.needed,
        message=message, **more,
    )  # fmt: skip
