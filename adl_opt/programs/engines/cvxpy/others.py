"""Solvers of cvxpy by name: which are here, what they call our options, and how their word is read."""

from __future__ import annotations

import math
import time
from typing import Any

from adl_opt.errors import UsageError
from adl_opt.naming import unknown_name
from adl_opt.programs.engines.raw import log_to_stderr
from adl_opt.programs.options import Options

OWN = {"clarabel": ("whole numbers", "mip"), "highs": ("cones", "cone")}
"""Solvers that are read raw, and what they do not take; every other one is read as cvxpy hands it on."""

LIMITS = {
    "osqp": {"time_limit_seconds": "time_limit"},
    "scip": {"time_limit_seconds": "limits/time", "node_limit": "limits/nodes", "mip_gap": "limits/gap"},
    "scs": {"time_limit_seconds": "time_limit_secs"},
}
"""What solvers call our options."""

WORDS = {
    "optimal": "optimal optimal_inaccurate",
    "stopped": "user_limit",
    "infeasible": "infeasible infeasible_inaccurate infeasible_or_unbounded",
}
VERDICTS = {status: verdict for verdict, statuses in WORDS.items() for status in statuses.split()}
"""What cvxpy says; "optimal" is a candidate, and any other word is an error."""


def check_solver(solver: str, options: Options) -> None:
    """Raise UsageError for a solver that cvxpy does not have here, or an option that it does not know."""
    import cvxpy

    installed = [name.lower() for name in cvxpy.installed_solvers()]  # type: ignore[no-untyped-call]
    if solver not in installed:
        raise UsageError(
            f"engine 'cvxpy:{solver}' is not installed",
            got=f"solvers of cvxpy here: {', '.join(installed)}",
            ways_out=[
                'pip install "adl-opt[scip]"' if solver == "scip" else f"install {solver}",
                "use another",
            ],
        )
    if solver == "clarabel":
        import clarabel

        known = [name for name in dir(clarabel.DefaultSettings()) if name[0] != "_"]
        for name in options.solver_options:
            if name not in known:
                raise unknown_name("option of Clarabel", name, known)
    mute = [name for name in ("time_limit_seconds", "node_limit", "mip_gap") if getattr(options, name)]
    mute = [name for name in mute if name not in LIMITS.get(solver, {}) and solver not in OWN]
    if mute:
        raise UsageError(
            f"engine 'cvxpy:{solver}' does not know the options of adl_opt",
            got=", ".join(mute),
            ways_out=[f"give them in the words of {solver}: options={{'solver_options': {{...}}}}"],
        )


def by_another(problem: Any, solver: str, options: Options) -> tuple[str, str]:
    """Solve by a solver that cvxpy reads; return verdict and message.  Its word on a bound is not taken."""
    for variable in problem.variables():
        variable.save_value(None)
    limits = {
        LIMITS[solver][name]: value for name, value in limits_of(options) if name in LIMITS.get(solver, {})
    }
    given = dict(options.solver_options)
    if solver == "scip":
        limits = {"scip_params": limits | dict(given.pop("scip_params", {}))}
    try:
        with log_to_stderr(options.log):
            problem.solve(solver=solver.upper(), verbose=options.log, **(limits | given))
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        if not given:
            raise
        raise UsageError(
            f"engine 'cvxpy:{solver}' refuses its options",
            got=f"{type(error).__name__}: {error}",
            ways_out=[f"give names and values that {solver} knows", "leave the options out"],
        ) from error
    status = str(problem.status)
    return VERDICTS.get(status, "error"), f"{solver}: {status}"


def limits_of(options: Options) -> list[tuple[str, Any]]:
    """Return the limits that are set, by our names; of the time limit what is left."""
    left = max(options.until - time.monotonic(), 0.01)
    found = {"node_limit": options.node_limit, "mip_gap": options.mip_gap or None}
    found["time_limit_seconds"] = left if math.isfinite(left) else None
    return [(name, value) for name, value in found.items() if value is not None]
