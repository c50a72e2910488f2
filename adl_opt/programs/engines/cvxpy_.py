"""cvxpy, with HiGHS or Clarabel named: the readable reference, and the engine of terms of your own.

A program is compiled once for each shape and kept; data enter through Parameters.  The solver's answer is
read raw, so no status is lost in a map and no variable keeps a value of the round before.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from adl_opt.columns import Floats
from adl_opt.errors import AdlOptError, UsageError
from adl_opt.holdings import Accounts, Flow, Positions
from adl_opt.kernels import waterfill
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.engines.scaling import money_unit
from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram, upper_bounds
from adl_opt.programs.proof import ConicProof, EngineBound
from adl_opt.programs.terms.base import Point, Term
from adl_opt.programs.terms.grid import positions_of
from adl_opt.rounds import Round

KEPT = 8
"""Compiled shapes kept for each program."""

_COMPILED: WeakKeyDictionary[RoundProgram, dict[Any, Compiled]] = WeakKeyDictionary()


class Symbols:
    """What ``Term.expression`` builds on; money is in USD.

    ``h`` (n,) haircut fractions, ``x`` (n,) haircuts, ``total`` = H, ``needed`` = B, ``capacity`` (n,), ``fund`` the draw,
    ``pays`` (n,) binaries, ``lots`` (m,) lots closed after ``closed()``; ``cp`` is the cvxpy module.  Reading ``round`` makes
    its data constants: the program is then compiled anew for every round.
    """

    def __init__(self, round_: Round) -> None:
        import cvxpy as cp

        self.cp, self._round, self.n = cp, round_, len(round_.accounts)
        self.h = cp.Variable(self.n, name="h")
        self.capacity = cp.Parameter(self.n, nonneg=True, name="capacity")
        self.needed = cp.Parameter(nonneg=True, name="needed")
        self.x = cp.multiply(self.capacity, self.h)
        self.total = cp.sum(self.x)
        self.reads_round = False
        self.extra: list[Any] = []
        self._own: dict[str, dict[str, Any]] = {}
        self._variables: dict[tuple[str, str], Any] = {}
        self._single: dict[str, Any] = {}

    @property
    def round(self) -> Round:
        """The round itself; its data become constants of the compiled program."""
        self.reads_round = True
        return self._round

    def of(self, term: Term) -> Mapping[str, Any]:
        """Return the Parameters of a term, as ``Term.parameters`` names them."""
        return self._own[term.name]

    def declare(self, term: Term, values: Mapping[str, Any]) -> None:
        """Make the Parameters of a term; their sign is part of the compiled shape."""
        self._own[term.name] = {
            key: self.cp.Parameter(np.shape(value), nonneg=bool(np.all(np.asarray(value) >= 0)))
            for key, value in values.items()
        }

    def variable(self, term: Term, label: str, shape: Any = ()) -> Any:
        """Return a variable of a term's own, made once."""
        key = (term.name, label)
        if key not in self._variables:
            self._variables[key] = self.cp.Variable(shape, name=f"{term.name}:{label}")
        return self._variables[key]

    @property
    def fund(self) -> Any:
        """USD drawn from the insurance fund."""
        if "fund" not in self._single:
            self._single["fund"] = self.cp.Variable(name="fund")
            self.extra.append(self._single["fund"] >= 0)
        return self._single["fund"]

    @property
    def pays(self) -> Any:
        """(n,) binaries: h <= pays."""
        if "pays" not in self._single:
            self._single["pays"] = self.cp.Variable(self.n, boolean=True, name="pays")
            self.extra.append(self.h <= self._single["pays"])
        return self._single["pays"]

    @property
    def lots(self) -> Any:
        """(m,) lots closed of each position."""
        return self._single["lots"]

    def closed(self, *, whole: bool = False) -> list[Any]:
        """Return the constraints x = sum of lots x lot value, 0 <= lots <= held; one call with ``whole`` makes all whole."""
        positions = positions_of("lots", self.round)
        rules = []
        if "lots" not in self._single:
            self._single["lots"] = lots = self.cp.Variable(len(positions), name="lots")
            worth = np.zeros((self.n, len(positions)))
            worth[positions.account, np.arange(len(positions))] = positions.lot_value
            self.extra += [self.x == worth @ lots, lots >= 0, lots <= positions.lots.astype(float)]
        if whole and "whole" not in self._single:
            self._single["whole"] = self.cp.Variable(len(positions), integer=True, name="whole")
            rules.append(self._single["lots"] == self._single["whole"])
        return rules

    def values(self, name: str) -> Floats | None:
        """Return the solved value of a variable that may not be there."""
        variable = self._single.get(name)
        return (
            None
            if variable is None or variable.value is None
            else np.asarray(variable.value, dtype=np.float64)
        )

    def update(self, program: RoundProgram, round_: Round, needed: float) -> None:
        """Put a round's data into every Parameter, and forget the last answer."""
        self.capacity.value, self.needed.value = round_.accounts.capacity, needed
        for term in program.terms:
            for key, value in term.parameters(round_, needed).items():
                self._own[term.name][key].value = np.asarray(value, dtype=np.float64)


def _cost_unit(program: RoundProgram, round_: Round, needed: float, unit: float) -> float:
    """Return what counts as one in the objective: a power of 16 between its value at pro-rata and its money.

    Interior-point answers of small convex disutilities are a hundred times more exact so.
    """
    parts = program.objective.parts
    money = max([abs(w) * (unit if t.unit == "USD" else 1.0) for w, t in parts], default=0.0) or 1.0
    x = waterfill(round_.accounts.capacity, needed)
    value = abs(program.objective.value(Point(x=x, needed=needed), round_))
    size = np.sqrt(value * money) if np.isfinite(value) and value > 0 else money
    return float(16.0 ** np.floor(np.log2(size) / 4))


class Compiled:
    """A cvxpy problem for one shape of a program."""

    def __init__(
        self, program: RoundProgram, round_: Round, needed: float, unit: float, cost_unit: float
    ) -> None:
        self.symbols = symbols = Symbols(round_)
        for term in program.terms:
            symbols.declare(term, term.parameters(round_, needed))
        self.unit = cost_unit
        cp, rules, goal = symbols.cp, [], cp_zero(symbols.cp)
        for rule in program.subject_to:
            own = _face(rule, symbols)
            rules += [_scaled(cp, r, unit) for r in own] if rule.money_rows else own
        for weight, term in program.objective.parts:
            goal = goal + (weight / self.unit) * _checked_dcp(term, _face(term, symbols), cp)
        extra = [_scaled(cp, r, unit) for r in symbols.extra]
        self.problem = cp.Problem(cp.Minimize(goal), rules + extra)


def cp_zero(cp: Any) -> Any:
    """Return the constant 0."""
    return cp.Constant(0.0)


def _face(term: Term, symbols: Symbols) -> Any:
    try:
        face = term.expression(symbols)
    except AdlOptError:
        raise
    except Exception as error:
        raise UsageError(
            f"the cvxpy face of term {term.name!r} fails",
            got=f"{type(error).__name__}: {error}",
            ways_out=["correct expression(symbols) of the term"],
        ) from error
    return face


def _checked_dcp(term: Term, face: Any, cp: Any) -> Any:
    return cp.Constant(face) if isinstance(face, (int, float)) else face


def _scaled(cp: Any, rule: Any, unit: float) -> Any:
    if unit == 1.0:
        return rule
    if isinstance(rule, cp.constraints.Inequality):
        return rule.args[0] / unit <= rule.args[1] / unit
    if isinstance(rule, cp.constraints.Equality):
        return rule.args[0] / unit == rule.args[1] / unit
    return rule


def probe(program: RoundProgram) -> None:
    """Refuse a term that breaks the rules of disciplined convex (DCP) or parametrised (DPP) programming, by name."""
    round_ = _sample_round()
    symbols = Symbols(round_)
    for term in program.terms:
        try:
            term.check(round_)
            values = term.parameters(round_, 1.0)
        except AdlOptError:
            continue  # it wants data of its own round; that round is checked when it is solved
        symbols.declare(term, values)
        face = _face(term, symbols)
        weight = next((w for w, t in program.objective.parts if t is term), None)
        checked = face if weight is None else [weight * face]
        for part in checked if isinstance(checked, (list, tuple)) else [checked]:
            for rule in ("dcp", "dpp"):
                good = part.is_dcp(dpp=rule == "dpp") if weight is None else _convex(part, rule)
                if not good:
                    raise UsageError(
                        f"term {term.name!r} is not {rule.upper()}",
                        got=str(part),
                        ways_out=[
                            "minimise convex expressions, constrain convex <= concave (cvxpy's rules)",
                            "for DPP: let parameters enter affinely, computed in parameters(round, needed)",
                        ],
                    )


def _convex(expression: Any, rule: str) -> bool:
    if not hasattr(expression, "is_convex"):
        return True
    return bool(expression.is_convex() and (rule == "dcp" or expression.is_dpp()))


def _sample_round() -> Round:
    column = [1.0, 2.0, 3.0]
    accounts = Accounts(
        id=["a", "b", "c"], pnl=column, equity=column, side=[1, 1, -1], entry=column, mark=column,
        notional=column, leverage=column, margin=column,
    )  # fmt: skip
    positions = Positions(
        account=[0, 1, 2], market=["m", "m", "m"], lot_value=[1.0, 1.0, 1.0], lots=[1, 2, 3]
    )
    flow = Flow(market=["m"], quantity=[1.0], mark=[1.0])
    return Round(deficit=1.0, accounts=accounts, positions=positions, flow=flow)


def _shape(program: RoundProgram, round_: Round, needed: float, unit: float) -> Any:
    signs = tuple(
        (key, np.shape(value), bool(np.all(np.asarray(value) >= 0)))
        for term in program.terms
        for key, value in term.parameters(round_, needed).items()
    )
    return len(round_.accounts), unit, signs


def compiled(program: RoundProgram, round_: Round, needed: float, unit: float) -> Compiled:
    """Return the compiled program of a shape, with this round's data in its Parameters."""
    kept = _COMPILED.setdefault(program, {})
    cost_unit = _cost_unit(program, round_, needed, unit)
    key = (*_shape(program, round_, needed, unit), cost_unit)
    if key not in kept:
        fresh = Compiled(program, round_, needed, unit, cost_unit)
        if not fresh.symbols.reads_round:
            while len(kept) >= KEPT:
                kept.pop(next(iter(kept)))
            kept[key] = fresh
    else:
        fresh = kept[key]
    fresh.symbols.update(program, round_, needed)
    return fresh


def solve_cvxpy(program: RoundProgram, round_: Round, needed: float, options: Options) -> Raw:
    """Solve a program through cvxpy."""
    whole = "mip" in program.needs
    cone = "cone" in program.needs
    solver = options.solver if options.solver != "auto" else ("highs" if whole else "clarabel")
    if (solver == "clarabel" and whole) or (solver == "highs" and cone):
        lacking = "whole numbers" if whole and solver == "clarabel" else "cones"
        blame = [
            t.name for t in program.terms if ("mip" if lacking == "whole numbers" else "cone") in t.needs
        ]
        raise UsageError(
            f"{solver} does not take {lacking}",
            got=f"terms {', '.join(blame)}",
            ways_out=["leave these terms out", "choose another solver or engine"],
        )
    unit = money_unit(needed, upper_bounds(program, round_)[0])
    problem = compiled(program, round_, needed, unit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _run(problem, round_, solver, options)
        except (problem.symbols.cp.error.SolverError, problem.symbols.cp.error.DCPError, ValueError) as error:
            return Raw(verdict="error", engine=f"cvxpy:{solver}", message=f"{type(error).__name__}: {error}")


def _run(compiled_: Compiled, round_: Round, solver: str, options: Options) -> Raw:
    problem, symbols = compiled_.problem, compiled_.symbols
    data, chain, inverse = problem.get_problem_data(solver.upper(), enforce_dpp=False, ignore_dpp=False)
    offset = float(inverse[-1].get("offset", 0.0))
    if solver == "highs":
        verdict, v, proof, nodes, message = _by_highs(data, offset, compiled_.unit, options)
    else:
        verdict, v, proof, nodes, message = _by_clarabel(
            data, chain, problem, offset, compiled_.unit, options
        )
    engine = f"cvxpy:{solver}"
    if v is None:
        return Raw(verdict=verdict, engine=engine, nodes=nodes, message=message)
    _unpack(problem, chain, inverse, v)
    h, lots = np.asarray(symbols.h.value, dtype=np.float64), symbols.values("lots")
    pays, fund = symbols.values("pays"), symbols.values("fund")
    x = h * round_.accounts.capacity
    if pays is not None:
        x = np.where(np.rint(pays) > 0, x, 0.0)
    whole = symbols.values("whole")
    return Raw(
        verdict=verdict, engine=engine, x=x, proof=proof, nodes=nodes, message=message,
        lots=None if whole is None else np.rint(whole).astype(np.int64),
        closed=None if whole is not None else lots, fund=0.0 if fund is None else max(float(fund), 0.0),
    )  # fmt: skip


def _unpack(problem: Any, chain: Any, inverse: Any, v: Floats) -> None:
    """Carry a raw point back through cvxpy's reductions into the variables."""
    from cvxpy.reductions.solution import Solution as Answer

    variable = inverse[-1].get(chain.solver.VAR_ID, chain.solver.VAR_ID)
    answer = Answer("optimal", 0.0, {variable: v}, {}, {})
    for reduction, record in zip(reversed(chain.reductions[:-1]), reversed(inverse[:-1]), strict=True):
        answer = reduction.invert(answer, record)
    problem.unpack(answer)


def _by_highs(data: Any, offset: float, unit: float, options: Options) -> Any:
    from adl_opt.programs.engines.highs import run_highs
    from adl_opt.programs.engines.standard import standard_model

    model = standard_model(data)
    answer = run_highs(model, options, cost_unit=1.0)
    if answer.v is None:
        return answer.verdict, None, None, answer.nodes, answer.message
    if model.is_mip:
        proof: Any = EngineBound(unit * (answer.bound + offset), unit)
    elif answer.y is None:
        proof = None
    else:
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
    if options.time_limit_seconds is not None:
        settings["time_limit"] = float(options.time_limit_seconds)
    answer = chain.solve_via_data(problem, data, warm_start=False, verbose=False, solver_opts=settings)
    status = str(answer.status)
    verdict = CLARABEL.get(status, "error")
    v, z = np.asarray(answer.x, dtype=np.float64), np.asarray(answer.z, dtype=np.float64)
    if verdict not in ("optimal", "stopped") or not (np.all(np.isfinite(v)) and np.all(np.isfinite(z))):
        return verdict if verdict == "infeasible" else "error", None, None, None, status
    return verdict, v, ConicProof(data, v, z, unit, offset), None, status
