"""The engine ``scip``: a program's arrays to SCIP through PySCIPOpt (extra ``scip``)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.naming import unknown_name
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.highs.direct import given_start, mixed_answer, raw_of
from adl_opt.programs.engines.highs.solver import HighsAnswer, file_text
from adl_opt.programs.engines.raw import Raw, log_to_stderr
from adl_opt.programs.options import Options
from adl_opt.programs.program import Case

VERDICTS = {"optimal": "optimal", "gaplimit": "optimal", "infeasible": "infeasible", "unbounded": "error"}
"""What SCIP says; every other word is a limit or Ctrl-C."""


def solve_scip(case: Case) -> Raw:
    """Solve a linear or mixed-integer program with SCIP; the point of a linear one has no proof yet.

    Raises
    ------
    UsageError
        An option that SCIP does not have, or refuses.
    """
    model, began = case.model(), time.monotonic()
    unit = model.natural_cost() or 1.0
    scip, variables = _read(model, unit)
    _set(scip, case.options)
    _start(scip, variables, case, model)
    with log_to_stderr(case.options.log):
        scip.optimize()
    status = str(scip.getStatus())
    nodes, verdict = int(scip.getNTotalNodes()), VERDICTS.get(status, "stopped")
    message = f"SCIP: {'interrupted by the user' if status == 'userinterrupt' else status}"
    if verdict in ("infeasible", "error") or not scip.getNSols():
        return Raw(verdict=verdict, engine="scip", nodes=nodes, message=message)
    best = scip.getBestSol()
    v = np.array([scip.getSolVal(best, variable) for variable in variables]) * model.col_unit
    raw = replace(raw_of(model, v), verdict=verdict, engine="scip", nodes=nodes, message=message)
    if not model.is_mip:
        return raw
    bound = float(scip.getDualbound())
    stated = bound * unit if abs(bound) < scip.infinity() else -math.inf
    answer = HighsAnswer(
        verdict=verdict, v=v, y=None, bound=stated, nodes=nodes, message=message,
        seconds=time.monotonic() - began,
    )  # fmt: skip
    v, bounds = mixed_answer(model, answer, case.options)
    point = raw_of(model, v)
    return replace(raw, x=point.x, lots=point.lots, closed=point.closed, fund=point.fund, proof=bounds)


def _read(model: LinearModel, unit: float) -> tuple[Any, list[Any]]:
    """Return SCIP with the scaled model, and its variables in the order of the columns."""
    from pyscipopt import Model

    names = [f"c{k}" for k in range(model.cost.size)]
    rows = [f"r{k}" for k in range(model.row_lower.size)]
    scip = Model()
    scip.hideOutput()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.mps"
        path.write_text(file_text(model, ".mps", unit, names, rows), encoding="utf-8")
        scip.readProblem(str(path))
    found = {variable.name: variable for variable in scip.getVars()}
    return scip, [found[name] for name in names]


def _set(scip: Any, options: Options) -> None:
    """Set our options in the words of SCIP, then those that are in its words already."""
    ours: dict[str, Any] = {
        "limits/gap": options.mip_gap,
        "numerics/feastol": options.feasibility_tolerance,
        "numerics/dualfeastol": options.feasibility_tolerance,
        "randomization/randomseedshift": options.seed,
    }
    if options.node_limit is not None:
        ours["limits/totalnodes"] = options.node_limit
    if math.isfinite(options.until):
        ours["limits/time"] = max(options.until - time.monotonic(), 0.0)
    scip.setParams(ours)
    _refuse_unknown(scip.getParams(), ours, options.solver_options)
    for name, value in options.solver_options.items():
        try:
            scip.setParam(name, value)
        except (TypeError, ValueError, KeyError, LookupError) as error:
            raise UsageError(
                f"SCIP refuses option {name!r}",
                got=f"{value!r}: {error}",
                ways_out=["give a value that SCIP documents"],
            ) from error
    scip.hideOutput(not options.log)


def _refuse_unknown(known: Mapping[str, Any], ours: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that SCIP does not have, or that has another name here."""
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, n=5, cutoff=0.3)  # SCIP has thousands
            raise unknown_name("option of SCIP", name, near)
        if name in (*ours, "limits/time", "limits/totalnodes"):
            raise UsageError(
                f"option {name!r} of SCIP has a name of adl_opt",
                got=repr(value),
                ways_out=["give time_limit_seconds, node_limit, mip_gap, feasibility_tolerance or seed"],
            )


def _start(scip: Any, variables: list[Any], case: Case, model: LinearModel) -> None:
    """Offer the whole columns of a start; SCIP completes them."""
    given = given_start(case, model)
    if given is None:
        return
    solution = scip.createPartialSol()
    for column, value in zip(*given, strict=True):
        scip.setSolVal(solution, variables[int(column)], float(value / model.col_unit[column]))
    scip.addSol(solution)
