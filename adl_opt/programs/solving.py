"""solve(): choose an engine, solve, certify; what is not certified is never called optimal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adl_opt.checks import checked_usd
from adl_opt.programs.conflict import Conflict, explained, reach_conflict
from adl_opt.programs.engines.choice import Engine, engines_of
from adl_opt.programs.engines.kernels.contracts import raised_in_contracts
from adl_opt.programs.engines.raw import INTERRUPTED, Raw
from adl_opt.programs.judging import judged, judged_point, nothing, solution_of
from adl_opt.programs.mended import filled, mended
from adl_opt.programs.options import Options
from adl_opt.programs.points import point_of
from adl_opt.programs.program import Case, RoundProgram, placed
from adl_opt.programs.solution import Solution, Status
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.proofs.certificate import noted
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round

CLOSE = 1e-9
"""Gap up to which an interior-point answer to a linear program is left as it is."""

SMALL = 2_000
"""Accounts up to which simplex sharpens what is already proven; beyond it takes a minute."""


def solve(
    program: RoundProgram,
    round_: Round,
    *,
    needed: float,
    engine: str = "auto",
    options: Options | Mapping[str, Any] | None = None,
    start: Any = None,
) -> Solution:
    """Solve a program on a round.

    Parameters
    ----------
    program : RoundProgram
    round_ : Round
        In contracts its flow is closed by market and side, at prices as reckoned at the start of the round;
        :func:`adl_opt.programs.in_legs` gives it others.
    needed : float
        B, USD >= 0.
    engine : str
        ``auto``: the exact kernel where one fits the shape (with HiGHS after it where a mixed-integer gap is
        not yet the one asked for), HiGHS on arrays for LP and MIP, else cvxpy.
        ``kernel``, ``highs``, ``scip`` (extra ``scip``) and ``cvxpy`` insist; ``cvxpy:SOLVER`` names a solver
        of cvxpy, such as ``cvxpy:CLARABEL`` or ``cvxpy:MOSEK``.  Whoever finds the point, the bound is
        derived here.
    options : Options or mapping, optional
    start : array, mapping, Solution, Allocation, Point or path, optional
        An answer to begin with, as :func:`~adl_opt.programs.points.point_of` takes it.  HiGHS and SCIP begin
        a mixed-integer search at its lots and at who pays; nothing else is taken from it.  Where it breaks no
        constraint, the answer is never worse: without a better one it is returned, as engine ``start``.

    Returns
    -------
    Solution
        A round that cannot meet the constraints is a status, not an error.  So is Ctrl-C: the best answer so
        far, or NO_SOLUTION.  In contracts, what a market cannot close is named: ``shortfall_usd`` and
        :attr:`Solution.residual`.

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
    checked_usd("solve", "needed", needed)
    program, round_ = placed(program, round_)
    program.check(round_)
    case, lowered = Case(program, round_, float(needed), chosen), 0.0
    if start is not None:
        case = replace(case, start=point_of(case, start))
    try:
        runs = engines_of(program, engine, chosen.solver_options)
        case, lowered = name_shortfall(case, engine)
        answer = _answer(case, runs)
    except KeyboardInterrupt:  # before there was anything to return: engines keep what they have
        answer = nothing(case, Status.NO_SOLUTION, engine, INTERRUPTED)
    if case.start is not None and answer.status is not Status.INFEASIBLE:
        own = judged_point(case, case.start, "start", answer.proof)
        better = own.status is not Status.ERROR and not own.objective >= answer.objective
        answer = own if better else answer
    return noted(answer, seconds=time.perf_counter() - began, shortfall_usd=lowered)


def _answer(case: Case, runs: Sequence[Engine]) -> Solution:
    """Name what is out of reach, else run an engine and certify; where that is not enough, the next one."""
    lack = reach_conflict(case)
    if lack is not None:
        return _infeasible(case, lack.found_by, lack)
    answer = _finish(case, runs[0](case))
    if not runs[1:] or not _short(case, answer):
        return answer
    again = _answer(case, runs[1:])
    better = again.x is not None and not again.objective > answer.objective
    return again if better or again.status in (Status.OPTIMAL, Status.INFEASIBLE) else answer


def _short(case: Case, answer: Solution) -> bool:
    """Say whether another engine can do better: a kernel that is wrong, or an interior-point method.

    Amounts from 1e-9 to 1e12 USD in one round leave an interior-point method far from the end.
    """
    if answer.engine.startswith("kernel"):
        return answer.x is None and answer.status is not Status.INFEASIBLE and answer.message != INTERRUPTED
    if answer.engine != "cvxpy:clarabel" or _limited(answer):
        return False
    small = len(case.round.accounts) <= SMALL
    unsure = (Status.FEASIBLE, Status.ERROR, Status.NO_SOLUTION)
    return answer.status in unsure or (small and answer.gap > CLOSE)


def _limited(answer: Solution) -> bool:
    """Say whether time or a user ended the interior-point method."""
    return "MaxTime" in answer.message or INTERRUPTED in answer.message


def name_shortfall(case: Case, engine: str) -> tuple[Case, float]:
    """Require the most that can be raised, and return what is lacking.

    Under ``shortfall="named"``, and in contracts always: what a market cannot close is its residual.
    """
    program, cleared = case.program, case.round.space == CONTRACTS
    rule = next((r for r in program.subject_to if isinstance(r, (ExactBudget, Solvency))), None)
    if rule is None or not (cleared or (isinstance(rule, Solvency) and rule.shortfall == "named")):
        return case, 0.0
    own = engine in ("auto", "kernel")
    raised = raised_in_contracts(case) if cleared and own else None
    if raised is None:
        most = solve(
            program.without(rule.name).minimizing(-TotalHaircut()),
            case.round,
            needed=case.needed,
            engine="auto" if own else engine,
            options=case.options,
        )
        raised = most.executed if most.x is not None else 0.0
    required = rule.required(case.round, case.needed)
    lack = required - raised - rule.fund
    if lack <= (CLOSE * required if cleared else 0.0):
        return case, 0.0
    named = Solvency(rule.fund, target=raised + rule.fund, name=rule.name)
    rules = [named if r is rule else r for r in program.subject_to]
    return replace(case, program=RoundProgram(program.objective, rules, program.name)), lack


def _finish(case: Case, raw: Raw) -> Solution:
    """From a raw answer to a certified solution; where no point stands, to the proof that there is none."""
    if raw.x is None:
        answer = _without_point(case, raw)
    else:
        raw = filled(case, raw)
        answer = judged(case, solution_of(case, raw, mended(case, raw)))
    found = explained(case) if answer.x is None and raw.verdict != "stopped" else None
    return answer if found is None else _infeasible(case, raw.engine, found, nodes=raw.nodes)


def _without_point(case: Case, raw: Raw) -> Solution:
    if raw.verdict == "infeasible":
        message = f"{raw.engine} finds no point ({raw.message}), and no proof was found that there is none"
        return nothing(case, Status.NO_SOLUTION, raw.engine, message, nodes=raw.nodes)
    status = Status.NO_SOLUTION if raw.verdict == "stopped" else Status.ERROR
    return nothing(case, status, raw.engine, raw.message, nodes=raw.nodes)


def _infeasible(case: Case, engine: str, found: Conflict, **more: Any) -> Solution:
    return nothing(
        case, Status.INFEASIBLE, engine, found.text, conflict=found.names, proof=found.proof, **more
    )
