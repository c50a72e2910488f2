"""cvxpy, with HiGHS or Clarabel named: the readable reference, and the engine of terms of your own.

A program is compiled once for each shape and kept; data enter through Parameters.  The solver's answer is
read raw, so no status is lost in a map and no variable keeps a value of the round before.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from threading import TIMEOUT_MAX, RLock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.combined import EngineBound
from adl_opt.programs.conic import ConicProof
from adl_opt.programs.engines.cvxpy.others import OWN, by_another, check_solver
from adl_opt.programs.engines.cvxpy.symbols import Symbols, face_of
from adl_opt.programs.engines.raw import Raw, log_to_stderr
from adl_opt.programs.options import Options
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.terms.base import Point
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round

KEPT = 8
"""Compiled shapes kept for each program."""

_COMPILED: WeakKeyDictionary[RoundProgram, dict[Any, Compiled]] = WeakKeyDictionary()


def _cost_unit(case: Case) -> float:
    """Return what counts as one in the objective: a power of 16 between its value at pro-rata and its money.

    Interior-point answers of small convex disutilities are a hundred times more exact so.
    """
    goal, needed = case.program.objective, case.needed
    money = max([abs(w) * (case.unit if t.unit == "USD" else 1.0) for w, t in goal.parts], default=0.0) or 1.0
    x = waterfill(case.round.accounts.capacity, needed)
    value = abs(goal.value(Point(x=x, needed=needed), case.round))
    size = np.sqrt(value * money) if np.isfinite(value) and value > 0 else money
    return float(16.0 ** np.floor(np.log2(size) / 4))


class Compiled:
    """A cvxpy problem for one shape of a program, once for each solver."""

    def __init__(self, case: Case, cost_unit: float) -> None:
        self.symbols = symbols = Symbols(case.round)
        for term in case.program.terms:
            symbols.declare(term, term.parameters(case.round, case.needed))
        self.unit = cost_unit
        cp, unit = symbols.cp, case.unit
        rules: list[Any] = []
        goal = cp.Constant(0.0)
        for rule in case.program.subject_to:
            own = face_of(rule, symbols)
            rules += [_scaled(cp, r, unit) for r in own] if rule.money_rows else own
        for weight, term in case.program.objective.parts:
            goal = goal + (weight / self.unit) * face_of(term, symbols)
        extra = [_scaled(cp, r, unit) for r in symbols.extra]
        self._faces = cp.Minimize(goal), rules + extra
        self._problems: dict[str, Any] = {}

    def problem(self, solver: str) -> Any:
        """Return the problem for a solver: cvxpy keeps what it compiled for one, and drops it for another."""
        if solver not in self._problems:
            self._problems[solver] = self.symbols.cp.Problem(*self._faces)
        return self._problems[solver]


def _scaled(cp: Any, rule: Any, unit: float) -> Any:
    if unit == 1.0:
        return rule
    if isinstance(rule, cp.constraints.Inequality):
        return rule.args[0] / unit <= rule.args[1] / unit
    if isinstance(rule, cp.constraints.Equality):
        return rule.args[0] / unit == rule.args[1] / unit
    return rule


def problem_of(case: Case) -> Compiled:
    """Return the compiled program of a shape, with this round's data in its Parameters."""
    kept = _COMPILED.setdefault(case.program, {})
    signs = tuple(
        (key, np.shape(value), bool(np.all(np.asarray(value) >= 0)))
        for term in case.program.terms
        for key, value in term.parameters(case.round, case.needed).items()
    )
    cost_unit = _cost_unit(case)
    key = len(case.round.accounts), case.unit, signs, cost_unit
    fresh = kept[key] if key in kept else Compiled(case, cost_unit)
    if key not in kept and not fresh.symbols.reads_round:
        while len(kept) >= KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = fresh
    fresh.symbols.update(case.program.terms, case.round, case.needed)
    return fresh


_ALONE = RLock()
"""cvxpy is not for two threads at once: compiled programs are shared, and their Parameters change."""


def solve_cvxpy(case: Case, solver: str = "") -> Raw:
    """Solve a program through cvxpy, by a solver in lower case; by default HiGHS or Clarabel.

    Raises
    ------
    UsageError
        A solver that is not installed, or does not take the program or an option.
    """
    if not len(case.round.accounts):
        return _of_nobody(case, solver)
    needs, options = case.program.needs, case.options
    solver = solver or ("highs" if "mip" in needs else "clarabel")
    engine = f"cvxpy:{solver}"
    lacking, kind = OWN.get(solver, ("", ""))
    if kind in needs:
        raise UsageError(
            f"{solver} does not take {lacking}",
            got=f"terms {', '.join(term.name for term in case.program.terms if kind in term.needs)}",
            ways_out=["leave these terms out", "choose another solver or engine"],
        )
    if not _ALONE.acquire(timeout=min(max(options.until - time.monotonic(), 0.0), TIMEOUT_MAX)):
        return Raw(verdict="stopped", engine=engine, message="time limit while another thread uses cvxpy")
    try:
        problem = problem_of(case)
        check_solver(solver, options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            errors = problem.symbols.cp.error
            try:
                return _run(problem, case.round, solver, options)
            except (errors.SolverError, errors.DCPError, ValueError) as error:
                if "cannot solve this problem" in str(error):
                    raise UsageError(
                        f"engine {engine!r} does not take this program",
                        got=repr(case.program),
                        ways_out=["use engine='auto'", "name a solver that takes its terms"],
                    ) from error
                return Raw(verdict="error", engine=engine, message=f"{type(error).__name__}: {error}")
    finally:
        _ALONE.release()


def _of_nobody(case: Case, solver: str) -> Raw:
    """Solve a round without accounts as one of an account that can pay nothing: cvxpy has no empty arrays."""

    def one(columns: Any, **more: Any) -> Any:
        return type(columns)(**{name: np.ones(1) for name in columns.present()} | more)

    round_, held = case.round, case.round.positions
    accounts = one(round_.accounts, id=["nobody"], pnl=np.zeros(1), capacity=np.zeros(1))
    if held is not None:
        held = one(held, account=[0], market=["nothing"], lots=[0], lot_value=[1.0])
    deficit = round_.deficit + 1.0  # made up for by the equity of 1 USD
    raw = solve_cvxpy(
        replace(case, round=replace(round_, deficit=deficit, accounts=accounts, positions=held)), solver
    )
    kept = {name: v[:0] for name in ("x", "lots", "closed") if (v := getattr(raw, name)) is not None}
    return replace(raw, **kept)


def _run(compiled_: Compiled, round_: Round, solver: str, options: Options) -> Raw:
    problem, symbols, engine = compiled_.problem(solver), compiled_.symbols, f"cvxpy:{solver}"
    proof, nodes = None, None
    if solver in OWN:
        data, chain, inverse = problem.get_problem_data(solver.upper(), enforce_dpp=False, ignore_dpp=False)
        offset = float(inverse[-1].get("offset", 0.0))
        if solver == "highs":
            verdict, v, proof, nodes, message = _by_highs(data, offset, compiled_.unit, options)
        else:
            verdict, v, proof, nodes, message = _by_clarabel(
                data, chain, problem, offset, compiled_.unit, options
            )
        if v is not None:
            _unpack(problem, chain, inverse, v)
    else:
        verdict, message = by_another(problem, solver, options)
        v = symbols.h.value
    if v is None:
        return Raw(verdict=verdict, engine=engine, nodes=nodes, message=message)
    point = _point(symbols, round_, engine)
    return replace(point, verdict=verdict, proof=proof, nodes=nodes, message=message)


def _point(symbols: Symbols, round_: Round, engine: str) -> Raw:
    """Return the values of the variables as an answer without a proof."""
    h, lots = np.asarray(symbols.h.value, dtype=np.float64), symbols.values("lots")
    pays, fund = symbols.values("pays"), symbols.values("fund")
    x = h * round_.accounts.capacity
    if pays is not None:
        x = np.where(np.rint(pays) > 0, x, 0.0)
    whole = symbols.values("whole")
    return Raw(
        verdict="optimal", engine=engine, x=x,
        lots=None if whole is None else np.rint(whole).astype(np.int64),
        closed=None if whole is not None else lots, fund=0.0 if fund is None else max(float(fund), 0.0),
    )  # fmt: skip


def linear_arrays(case: Case) -> tuple[LinearModel, Callable[[Floats], Raw]]:
    """Return the arrays that cvxpy makes of a linear program, and what reads a point of them."""
    from adl_opt.programs.engines.cvxpy.standard import singletons_as_bounds, standard_model

    compiled = problem_of(case)
    problem = compiled.problem("highs")
    data, chain, inverse = problem.get_problem_data("HIGHS", enforce_dpp=False, ignore_dpp=False)

    def read(v: Floats) -> Raw:
        _unpack(problem, chain, inverse, v)
        return _point(compiled.symbols, case.round, "cvxpy:highs")

    return singletons_as_bounds(standard_model(data)), read


def _unpack(problem: Any, chain: Any, inverse: Any, v: Floats) -> None:
    """Carry a raw point back through cvxpy's reductions into the variables."""
    from cvxpy.reductions.solution import Solution as Answer

    variable = inverse[-1].get(chain.solver.VAR_ID, chain.solver.VAR_ID)
    answer = Answer("optimal", 0.0, {variable: v}, {}, {})
    for reduction, record in zip(reversed(chain.reductions[:-1]), reversed(inverse[:-1]), strict=True):
        answer = reduction.invert(answer, record)
    problem.unpack(answer)


def _by_highs(data: Any, offset: float, unit: float, options: Options) -> Any:
    from adl_opt.programs.engines.cvxpy.standard import standard_model
    from adl_opt.programs.engines.highs.solver import run_highs

    if "c" not in data:
        return "error", None, None, None, "HiGHS takes no curved objective from cvxpy"
    model = standard_model(data)
    answer = run_highs(model, options, settings=options.solver_options)
    if answer.v is None:
        return answer.verdict, None, None, answer.nodes, answer.message
    proof: Any = None
    if model.is_mip:
        proof = EngineBound(unit * (answer.bound + offset), unit)
    elif answer.y is not None:
        proof = ConicProof(data, answer.v, -answer.y, unit, offset)
    return answer.verdict, answer.v, proof, answer.nodes, answer.message


CLARABEL = {
    "Solved": "optimal",
    "AlmostSolved": "optimal",
    "InsufficientProgress": "optimal",
    "MaxIterations": "stopped",
    "MaxTime": "stopped",
    "PrimalInfeasible": "infeasible",
    "AlmostPrimalInfeasible": "error",
    "DualInfeasible": "error",
    "AlmostDualInfeasible": "error",
    "NumericalError": "optimal",
}
"""What Clarabel says; "optimal" is a candidate, and counts only once its certificate holds."""


def _by_clarabel(data: Any, chain: Any, problem: Any, offset: float, unit: float, options: Options) -> Any:
    settings: dict[str, Any] = {
        "tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-11, "max_iter": 400,
        "equilibrate_max_scaling": 1e8, "max_threads": 1,
    }  # fmt: skip
    if math.isfinite(options.until):
        settings["time_limit"] = max(options.until - time.monotonic(), 0.01)
    settings |= dict(options.solver_options)
    with log_to_stderr(options.log):
        answer = chain.solve_via_data(
            problem, data, warm_start=False, verbose=options.log, solver_opts=settings
        )
    status = str(answer.status)
    verdict = CLARABEL.get(status, "error")
    v, z = np.asarray(answer.x, dtype=np.float64), np.asarray(answer.z, dtype=np.float64)
    if verdict not in ("optimal", "stopped") or not (np.all(np.isfinite(v)) and np.all(np.isfinite(z))):
        return verdict if verdict == "infeasible" else "error", None, None, None, status
    return verdict, v, ConicProof(data, v, z, unit, offset), None, status
