"""Models to HiGHS and answers back: every status is read, nothing is taken that is not valid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from adl_opt.errors import InputError, SolverError
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.highs.session import SMALLEST_ENTRY, checked, opened, run_stoppable, settings_of
from adl_opt.programs.options import Options
from adl_opt.rounds.columns import Floats, Ints

QP_STEPS = 20
"""Steps of a quadratic program for each row and column: without a limit a degenerate one may never end."""

COARSE = 1e-7
"""Tolerance at which HiGHS ends where it fails at a finer one; the certificate judges the point in cents."""

_STATUSES = {
    "optimal": "Optimal ModelEmpty",
    "infeasible": "Infeasible",
    "stopped": "TimeLimit IterationLimit SolutionLimit Interrupt HighsInterrupt MemoryLimit ObjectiveBound "
    "ObjectiveTarget Unknown",
    "error": "UnboundedOrInfeasible Unbounded Notset LoadError ModelError PresolveError SolveError "
    "PostsolveError",
}
VERDICTS = {f"k{name}": verdict for verdict, names in _STATUSES.items() for name in names.split()}
"""Every model status of HiGHS; one that is missing here is an error, never an answer."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HighsAnswer:
    """What HiGHS said of a model, unscaled."""

    verdict: str
    v: Floats | None
    y: Floats | None
    bound: float
    nodes: int
    message: str
    seconds: float


def run_highs(
    model: LinearModel,
    options: Options,
    *,
    start: tuple[Ints, Floats] | None = None,
    cost_unit: float | None = None,
    curvature: Floats | None = None,
    settings: Mapping[str, Any] | None = None,
) -> HighsAnswer:
    """Solve a model.

    Parameters
    ----------
    model : LinearModel
    options : Options
    start : (columns, values), optional
        Values of whole columns to start a MIP from; HiGHS completes them.
    cost_unit : float, optional
        What counts as one in the objective.
    curvature : (columns,), optional
        Second derivatives >= 0 of the objective by each column: a convex quadratic program.
    settings : mapping of name to value, optional
        Options in HiGHS's own words.

    Raises
    ------
    InputError
        NaN or infinite data, which HiGHS would accept.
    SolverError
        HiGHS refuses the model or an option.
    """
    check_finite(model)
    highs, until = opened(settings_of(options) | dict(settings or {})), options.until
    cost_unit = cost_unit or model.natural_cost() or 1.0
    checked(highs.passModel(to_highs(model, cost_unit)), "passModel")
    if curvature is not None:
        steps = QP_STEPS * (model.cost.size + model.row_lower.size)
        checked(highs.setOptionValue("qp_iteration_limit", steps), "option qp_iteration_limit")
        checked(highs.passHessian(_hessian(curvature * model.col_unit**2 / cost_unit)), "passHessian")
    if start is not None and model.is_mip and start[0].size:
        columns, values = start
        scaled = np.ascontiguousarray(values / model.col_unit[columns], dtype=np.float64)
        checked(
            highs.setSolution(columns.size, columns.astype(np.int32), scaled), "setSolution", warning_ok=True
        )
    run_stoppable(highs, until)
    if highs.getModelStatus().name == "kSolveError":  # a budget of 1e-7 USD beside lots of 1 USD
        for name in ("primal_feasibility_tolerance", "mip_feasibility_tolerance"):
            checked(highs.setOptionValue(name, COARSE), f"option {name}")
        run_stoppable(highs, until)
    return _read(highs, model, cost_unit)


def relaxation_in_highs(model: LinearModel, options: Options) -> tuple[Any, float]:
    """Return HiGHS with the linear relaxation of a model loaded, for many solves, and what one unit costs.

    Presolve is off: it would be run again for every change of a bound, and leaves no ray where nothing is
    feasible.
    """
    check_finite(model)
    settings = settings_of(replace(options, node_limit=None, log=False))
    highs, unit = opened(settings | {"presolve": "off", "solver": "simplex"}), model.natural_cost() or 1.0
    relaxed = replace(model, integer=np.zeros_like(model.integer))
    checked(highs.passModel(to_highs(relaxed, unit)), "passModel")
    return highs, unit


def file_text(model: LinearModel, suffix: str, cost_unit: float, columns: list[str], rows: list[str]) -> str:
    """Return the scaled model as HiGHS writes it to a file of a suffix, with names of columns and rows.

    Raises
    ------
    InputError
        NaN or infinite data.
    SolverError
        HiGHS cannot write the model.
    """
    import highspy

    check_finite(model)
    lp, highs = to_highs(model, cost_unit), opened({})
    lp.col_names_, lp.row_names_ = columns, rows
    kept = highs.passModel(lp) == highspy.HighsStatus.kOk
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        if not kept or highs.writeModel(str(path)) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS cannot write the model", ways_out=["check the space on the disk"])
        return path.read_text(encoding="utf-8")


def check_finite(model: LinearModel) -> None:
    """Refuse NaN, and infinities outside bounds: HiGHS does not."""
    for name in ("cost", "value", "col_unit", "row_unit", "col_lower", "col_upper", "row_lower", "row_upper"):
        values, bound = getattr(model, name), name.endswith(("_lower", "_upper"))
        bad = np.isnan(values) if bound else ~np.isfinite(values)
        if bad.any():
            raise InputError(
                f"the model holds NaN{'' if bound else ' or infinity'} in {name}",
                got=f"entry {int(np.argmax(bad))}",
                ways_out=["check the data of the terms"],
            )


def to_highs(model: LinearModel, cost_unit: float = 1.0) -> Any:
    """Return the scaled model as a HighsLp (int32, float64, column-wise)."""
    import highspy

    lp = highspy.HighsLp()
    columns, rows = model.cost.size, model.row_lower.size
    lp.num_col_, lp.num_row_ = columns, rows
    lp.col_cost_ = model.cost * model.col_unit / cost_unit
    lp.col_lower_ = _bounds(model.col_lower / model.col_unit)
    lp.col_upper_ = _bounds(model.col_upper / model.col_unit)
    lp.row_lower_ = _bounds(model.row_lower / model.row_unit)
    lp.row_upper_ = _bounds(model.row_upper / model.row_unit)
    if model.is_mip:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in model.integer]
    value = model.value * model.col_unit[model.col] / model.row_unit[model.row]
    fixed = (model.col_lower == 0) & (model.col_upper == 0)  # dust: HiGHS warns of entries it would drop
    size = np.abs(value)
    kept = ~((size <= SMALLEST_ENTRY) | fixed[model.col] & (size <= 1e-9))
    row, col, value = model.row[kept], model.col[kept], value[kept]
    order = np.lexsort((row, col))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(col, minlength=columns))]).astype(
        np.int32
    )
    lp.a_matrix_.index_ = row[order].astype(np.int32)
    lp.a_matrix_.value_ = value[order]
    return lp


def _hessian(diagonal: Floats) -> Any:
    import highspy

    hessian, places = highspy.HighsHessian(), np.flatnonzero(diagonal)
    hessian.dim_, hessian.format_ = diagonal.size, highspy.HessianFormat.kTriangular
    hessian.start_ = np.concatenate([[0], np.cumsum(diagonal != 0)]).astype(np.int32)
    hessian.index_, hessian.value_ = places.astype(np.int32), diagonal[places]
    return hessian


def _bounds(values: Floats) -> Floats:
    import highspy

    return np.clip(values, -highspy.kHighsInf, highspy.kHighsInf)


def _read(highs: Any, model: LinearModel, cost_unit: float) -> HighsAnswer:
    status = highs.getModelStatus()
    verdict = VERDICTS.get(status.name, "error")
    info, solution = highs.getInfo(), highs.getSolution()
    v = y = None
    if solution.value_valid and info.primal_solution_status == 2 and verdict in ("optimal", "stopped"):
        v = np.asarray(solution.col_value, dtype=np.float64) * model.col_unit
        v = v if np.all(np.isfinite(v)) else None
    if solution.dual_valid and not model.is_mip and v is not None:
        y = np.asarray(solution.row_dual, dtype=np.float64) * cost_unit / model.row_unit
        y = np.where(
            (y > 0) & ~np.isfinite(model.row_lower) | (y < 0) & ~np.isfinite(model.row_upper), 0.0, y
        )
    bound = float(info.mip_dual_bound) * cost_unit if model.is_mip else -math.inf
    return HighsAnswer(
        verdict=verdict,
        v=v,
        y=y,
        bound=bound if abs(bound) < 1e300 else -math.inf,
        nodes=max(int(info.mip_node_count), 0),
        message=highs.modelStatusToString(status),
        seconds=float(highs.getRunTime()),
    )
