"""A self-check of the installation, in seconds: versions, solvers, and answers that are known."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, indexed

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = (
    *("numpy", "pandas", "pyarrow", "highspy", "cvxpy", "clarabel", "joblib", "lz4", "requests", "typer"),
    "rich",
)
EXTRAS = ("matplotlib", "plotly", "jinja2", "dask", "numba", "pyscipopt")
PUBLISHED_TOTALS = {"production": 64_859_522.21, "integer-pro-rata": 3_404_185.00, "min-max-ilp": 106_205.81}


@dataclass(frozen=True)
class HealthCheck:
    """One check: its name, whether it passed, and what was seen."""

    name: str
    ok: bool
    seen: str


@dataclass(frozen=True)
class Health(Answer):
    """The checks of an installation; ``ok`` when all passed."""

    checks: tuple[HealthCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)

    def frame(self) -> pd.DataFrame:
        """Return the checks, indexed by name."""
        return indexed(self.checks, "name")

    def lines(self) -> str:
        """Return one line for each check, for an installation that cannot draw a table."""
        words = {True: "ok", False: "FAILED"}
        return "\n".join(f"{check.name}: {words[check.ok]}, {check.seen}" for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the checks as plain values."""
        return {"schema": SCHEMA, "ok": self.ok, "checks": [vars(check) for check in self.checks]}


def doctor() -> Health:
    """Check the installation: versions, solvers, and answers that are known.

    Returns
    -------
    Health
        A check that fails is a row of it, never an exception.
    """
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Health(
        (
            HealthCheck("python", True, python),
            *(_guarded(name, _version, name, True) for name in PACKAGES),
            *(_guarded(name, _version, name, False) for name in EXTRAS),
            _guarded("cvxpy finds HiGHS and Clarabel", _solvers),
            _guarded("Table 2 of the paper, to the cent", _published),
            _guarded("min-max: closed form = HiGHS", _min_max),
            _guarded("min-max over lots: certificate", _lots),
            _guarded("replay: production's published tracking", _replay),
        )
    )


def _version(name: str, required: bool) -> tuple[bool, str]:
    """Return the version of a package that can be imported; a broken one raises."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return not required, "not installed" + ("" if required else " (optional)")
    import_module(name)
    return True, version


def _guarded(name: str, run: Callable[..., tuple[bool, str]], *given: Any) -> HealthCheck:
    try:
        return HealthCheck(name, *run(*given))
    except Exception as error:  # a broken installation may fail in any way; the row says how
        return HealthCheck(name, False, f"{type(error).__name__}: {error}")


def _solvers() -> tuple[bool, str]:
    import cvxpy

    found = cvxpy.installed_solvers()  # type: ignore[no-untyped-call]
    return {"HIGHS", "CLARABEL"} <= set(found), ", ".join(sorted(found))


def _published() -> tuple[bool, str]:
    from adl_opt.evaluate.published import published

    totals = {p.policy: round(p.total_usd, 2) for p in published().policies}
    wrong = [name for name, value in PUBLISHED_TOTALS.items() if totals[name] != value]
    return not wrong, ", ".join(f"{k} {totals[k]:,.2f}" for k in PUBLISHED_TOTALS)


def _min_max() -> tuple[bool, str]:
    import numpy as np

    from adl_opt.programs.program import RoundProgram
    from adl_opt.programs.solution import Status
    from adl_opt.programs.solving import solve
    from adl_opt.programs.terms.budget import ExactBudget
    from adl_opt.programs.terms.burden import MaxBurden
    from adl_opt.rounds.round import Round
    from adl_opt.rounds.tables import Accounts

    ids, pnl = np.array(["a", "b", "c"]), np.array([50.0, 30.0, 20.0])
    round_ = Round(deficit=25.0, accounts=Accounts(id=ids, pnl=pnl, equity=pnl))
    program = RoundProgram(minimize=MaxBurden(), subject_to=[ExactBudget()])
    found = {e: solve(program, round_, needed=25.0, engine=e) for e in ("kernel", "highs")}
    right = all(s.status is Status.OPTIMAL and abs(s.objective - 0.25) < 1e-9 for s in found.values())
    return right, ", ".join(f"{e} {s.objective:.12g}" for e, s in found.items()) + ", expected 0.25"


def _lots() -> tuple[bool, str]:
    from adl_opt.kernels.lots.engine import engine
    from adl_opt.kernels.lots.minmax import minmax_lots

    result = minmax_lots([50.0, 30.0], [0, 0, 1], [7.0, 3.0, 4.0], [5, 5, 7], 25.0)
    seen = f"z = {result.z:.6f}, gap {result.gap:g} ({engine().name})"
    return bool(result.certify().ok) and result.gap == 0.0, seen


def _replay() -> tuple[bool, str]:
    from adl_opt.evaluate.replay import replay

    result = replay("oct10", ["production", "pro-rata"])
    track = [p.tracking_usd for p in result.policies]
    return round(track[0], 2) == 53_782_490.53 and track[1] < 1.0, f"{track[0]:,.2f}; pro-rata {track[1]:.6f}"
