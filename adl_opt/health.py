"""A self-check of the installation, in seconds: versions, solvers, and answers that are known."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
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
            _guarded("min-max: every engine gives 1/4", _engines),
            _guarded("min-max over lots: certificate", _lots),
            _guarded("replay: production's published tracking", _replay),
            _guarded("Parquet and LZ4 come back, a table is drawn", _files),
            _guarded("HiGHS prints nothing", _silence),
        )
    )


def _version(name: str, required: bool) -> tuple[bool, str]:
    """Return the version of a package that can be imported; a broken one raises."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return not required, "not installed" + ("" if required else " (optional)")
    import_module(name)
    for sign, bound in re.findall(r"(>=|<)([0-9.]+)", _wanted().get(name, "")):
        if (_numbers(version) >= _numbers(bound)) != (sign == ">="):
            return False, f"{version}, and {sign}{bound} is needed"
    return True, version


def _wanted() -> dict[str, str]:
    """Return the versions that this package was run with, by dependency."""
    lines = [line.partition(";")[0] for line in metadata.requires("adl-opt") or ()]
    return {match[1]: line for line in lines if (match := re.match(r"([\w-]+)", line))}


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)][:3]


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


def _engines() -> tuple[bool, str]:
    from adl_opt.programs.engines.choice import ENGINES

    found = {e: min_max_by(e) for e in ENGINES if e != "scip" or find_spec("pyscipopt")}
    right = all(optimal and abs(objective - 0.25) < 1e-6 for optimal, objective in found.values())
    return right, ", ".join(f"{e} {objective:.6g}" for e, (_, objective) in found.items())


def min_max_by(engine: str) -> tuple[bool, float]:
    """Solve a round of three accounts, whose least largest burden is 1/4; say whether it is proven."""
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
    solved = solve(program, round_, needed=25.0, engine=engine)
    return solved.status is Status.OPTIMAL, solved.objective


def _lots() -> tuple[bool, str]:
    from adl_opt.kernels.lots.engine import engine
    from adl_opt.kernels.lots.minmax import minmax_lots

    result = minmax_lots([50.0, 30.0], [0, 0, 1], [7.0, 3.0, 4.0], [5, 5, 7], 25.0)
    seen = f"z = {result.z:.6f}, gap {result.gap:g} ({engine().name})"
    return bool(result.certify().ok) and result.gap == 0.0, seen


def _files() -> tuple[bool, str]:
    import io

    import lz4.frame
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    frame, content = pd.DataFrame({"id": ["a", "b"], "pnl_usd": [0.1, 2.0]}), b"adl_opt" * 100
    again = pd.read_parquet(io.BytesIO(frame.to_parquet(None)))
    same = again.equals(frame) and lz4.frame.decompress(lz4.frame.compress(content)) == content
    Console(file=(drawn := io.StringIO())).print(Table("column"))
    return same and "column" in drawn.getvalue(), f"{len(frame)} rows, {len(content)} bytes"


def _silence() -> tuple[bool, str]:
    """Solve where what is written to stdout would be seen, also by code in C."""
    code = "from adl_opt.health import min_max_by; raise SystemExit(not min_max_by('highs')[0])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)  # noqa: S603
    return run.returncode == 0 and not run.stdout, f"{len(run.stdout)} bytes on stdout"


def _replay() -> tuple[bool, str]:
    from adl_opt.evaluate.replay import replay

    result = replay("oct10", ["production", "pro-rata"])
    track = [p.tracking_usd for p in result.policies]
    return round(track[0], 2) == 53_782_490.53 and track[1] < 1.0, f"{track[0]:,.2f}; pro-rata {track[1]:.6f}"
