"""solve(): choose an engine, solve, certify; what is not certified is never called optimal."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.checks import checked_usd
from adl_opt.errors import UsageError
from adl_opt.naming import unknown_name
from adl_opt.programs.arrays.scaling import repair
from adl_opt.programs.conflict import capacity_conflict, confirmed, find_conflict
from adl_opt.programs.duals import prices_of
from adl_opt.programs.engines.raw import INTERRUPTED, Raw
from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram, upper_bounds
from adl_opt.programs.proof import ConicProof
from adl_opt.programs.solution import PROVEN, PROVEN_CONE, Solution, Status, payers
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.programs.terms.grid import Lots, haircuts_of_lots
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round

CLOSE = 1e-9
"""Gap up to which an interior-point answer to a linear program is left as it is."""

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
    lowered = 0.0
    try:
        run = _engine(program, engine)
        program, lowered = _name_shortfall(program, round_, needed, chosen, engine)
        answer = _answer(program, round_, float(needed), chosen, run)
    except KeyboardInterrupt:  # before there was anything to return: engines keep what they have
        answer = _nothing(program, round_, needed, Status.NO_SOLUTION, engine, INTERRUPTED)
    return replace(answer, seconds=time.perf_counter() - began, shortfall_usd=lowered)


def _answer(program: RoundProgram, round_: Round, needed: float, options: Options, run: Any) -> Solution:
    """Name a lack of capacity, else run the engine and certify."""
    lack = capacity_conflict(program, round_, needed)
    if lack is not None:
        return _nothing(program, round_, needed, Status.INFEASIBLE, "capacity", lack[1], lack[0])
    answer = _finish(program, round_, needed, options, run(program, round_, needed, options))
    return _by_simplex(answer, options)


def _engine(program: RoundProgram, engine: str) -> Any:
    """Return the function that solves, after checking that it can take every term."""
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

        return lambda p, r, b, o: kernel_first(p, r, b, o, fallback)
    if engine == "kernel":
        return lambda p, r, b, o: (
            solve_kernel(p, r, b, o)
            or Raw(verdict="infeasible", engine="kernel", message="out of reach of the kernel")
        )
    return {"auto": fallback, "highs": _highs, "cvxpy": _cvxpy}[engine]


def _highs(program: RoundProgram, round_: Round, needed: float, options: Options) -> Raw:
    from adl_opt.programs.engines.highs.direct import solve_direct

    return solve_direct(program, round_, needed, options)


def _cvxpy(program: RoundProgram, round_: Round, needed: float, options: Options) -> Raw:
    if len(round_.accounts) == 0 and all(term.has_rows for term in program.terms):
        return _highs(program, round_, needed, options)
    from adl_opt.programs.engines.cvxpy.solver import solve_cvxpy
    from adl_opt.programs.engines.highs.polish import polish

    return polish(program, round_, needed, solve_cvxpy(program, round_, needed, options), options)


def _by_simplex(answer: Solution, options: Options) -> Solution:
    """Take a linear program from Clarabel to HiGHS where the solver is ours to choose and the proof is short.

    Amounts from 1e-9 to 1e12 USD in one round leave an interior-point method far from the end.
    """
    small = len(answer.round.accounts) <= SMALL
    short = answer.status in (Status.FEASIBLE, Status.ERROR) or (small and answer.gap > CLOSE)
    if not short or answer.engine != "cvxpy:clarabel":
        return answer
    if options.solver != "auto" or not answer.program.needs <= {"lp"} or _limited(answer):
        return answer
    program, round_, needed = answer.program, answer.round, answer.needed
    named = replace(options, solver="highs")
    again = _finish(program, round_, needed, named, _cvxpy(program, round_, needed, named))
    better = again.x is not None and not again.objective > answer.objective
    return again if again.status is Status.OPTIMAL or better else answer


def _limited(answer: Solution) -> bool:
    """Say whether time or a user ended the interior-point method."""
    return "MaxTime" in answer.message or INTERRUPTED in answer.message


def _name_shortfall(
    program: RoundProgram, round_: Round, needed: float, options: Options, engine: str
) -> tuple[RoundProgram, float]:
    """Under ``shortfall="named"``: require the most that can be raised, and return what is lacking."""
    rule = next((r for r in program.subject_to if isinstance(r, Solvency) and r.shortfall == "named"), None)
    if rule is None:
        return program, 0.0
    others = [r for r in program.subject_to if r is not rule]
    most = solve(
        RoundProgram(-TotalHaircut(), others),
        round_,
        needed=needed,
        engine="auto" if engine == "kernel" else engine,
        options=options,
    )
    raised = most.budget if most.x is not None else 0.0
    required = rule.required(round_, needed)
    lack = required - raised - rule.fund
    if lack <= 0:
        return program, 0.0
    lowered = replace(rule, target=raised + rule.fund)
    rules = [lowered if r is rule else r for r in program.subject_to]
    return RoundProgram(program.objective, rules, program.name), lack


def _finish(program: RoundProgram, round_: Round, needed: float, options: Options, raw: Raw) -> Solution:
    """From a raw answer to a certified solution."""
    if raw.verdict == "infeasible" and not confirmed(program, round_, needed, raw.engine, options):
        message = f"{raw.engine} says infeasible, and HiGHS finds a point that breaks no constraint"
        return _nothing(program, round_, needed, Status.ERROR, raw.engine, message, (), raw.nodes)
    if raw.verdict == "infeasible":
        names, message = find_conflict(program, round_, needed, options)
        return _nothing(program, round_, needed, Status.INFEASIBLE, raw.engine, message, names, raw.nodes)
    if raw.x is None:
        status = Status.NO_SOLUTION if raw.verdict == "stopped" else Status.ERROR
        return _nothing(program, round_, needed, status, raw.engine, raw.message, (), raw.nodes)
    x = _mended(program, round_, needed, raw)
    whole = "mip" in program.needs
    solution = Solution(
        status=Status.FEASIBLE if raw.verdict == "stopped" and whole else Status.OPTIMAL,
        engine=raw.engine,
        program=program,
        round=round_,
        needed=float(needed),
        x=x,
        lots=raw.lots,
        closed=raw.closed,
        budget=math.fsum(x),
        accounts=payers(round_, x),
        fund_usd=raw.fund,
        nodes=raw.nodes,
        message=raw.message,
        allowed_gap=_allowed(raw, options, whole),
        proof=raw.proof,
    )
    assert solution.point is not None  # noqa: S101
    solution = replace(solution, objective=program.objective.value(solution.point, round_), gap=math.inf)
    solution = replace(solution, duals=prices_of(program, round_, float(needed), raw.proof))
    return _judged(solution, program, round_)


def _allowed(raw: Raw, options: Options, whole: bool) -> float:
    if whole:
        return max(options.mip_gap, PROVEN)
    return PROVEN_CONE if isinstance(raw.proof, ConicProof) else PROVEN


def _judged(solution: Solution, program: RoundProgram, round_: Round) -> Solution:
    """Take the certificate's bound and gap, and the status that it allows."""
    report = solution.certify()
    solution = replace(solution, bound=min(report.bound, solution.objective), gap=report.gap)
    report = solution.certify()
    if report.ok:
        return solution
    if not report.feasible or not report.checks["objective"]:
        failed = ", ".join(report.failed)
        return _nothing(
            program, round_, solution.needed, Status.ERROR, solution.engine,
            f"the certificate refuses the answer: {failed} ({solution.message})",
        )  # fmt: skip
    failed = ", ".join(name for name in report.failed)
    note = f"not certified optimal: {failed}" if solution.status is Status.OPTIMAL else solution.message
    trusted = all(good for name, good in report.checks.items() if name not in ("status", "gap"))
    bound, gap = (solution.bound, solution.gap) if trusted else (-math.inf, math.inf)
    duals = solution.duals if trusted else {}
    proof = solution.proof if trusted else None
    return replace(
        solution, status=Status.FEASIBLE, message=note, bound=bound, gap=gap, duals=duals, proof=proof
    )


def _nothing(
    program: RoundProgram, round_: Round, needed: float, status: Status, engine: str, message: str,
    conflict: tuple[str, ...] = (), nodes: int | None = None,
) -> Solution:  # fmt: skip
    return Solution(
        status=status, engine=engine, program=program, round=round_, needed=float(needed), nodes=nodes,
        message=message, conflict=conflict,
    )  # fmt: skip


def _mended(program: RoundProgram, round_: Round, needed: float, raw: Raw) -> Floats:
    """Make an engine's haircuts exact: on the lot grid, or inside their bounds and on the budget."""
    assert raw.x is not None  # noqa: S101
    if raw.engine.startswith("kernel"):
        return raw.x
    upper = upper_bounds(program, round_)[0]
    if round_.positions is not None and (raw.lots is not None or raw.closed is not None):
        lots = raw.lots if raw.lots is not None else raw.closed
        return haircuts_of_lots(round_.positions, lots, upper)
    x = np.where((raw.x < 1e-9 * upper) & (raw.x < 0.005), 0.0, raw.x)
    demand = next((r for r in program.subject_to if isinstance(r, (ExactBudget, Solvency))), None)
    if any(isinstance(rule, Lots) for rule in program.subject_to):
        return x
    if isinstance(demand, ExactBudget):
        return repair(x, upper, float(needed), exact=True)
    target = demand.required(round_, needed) - raw.fund if isinstance(demand, Solvency) else 0.0
    return repair(x, upper, max(target, 0.0), exact=False)
