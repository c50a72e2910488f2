"""What pip installs: the lowest and the newest versions on several interpreters, each in its environment.

``python -m benchmarks.matrix [--python PATH ...] [--ends lowest newest]`` makes each environment, runs the
commands of :data:`RUNS` in it and prints a table.  ``make matrix`` is the share with this interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ENDS = ("lowest", "newest")
WITHOUT_WHEEL = {"3.13": {"pandas": "2.2.3", "pyarrow": "18.0.0", "lz4": "4.4.3"}}
"""The lowest versions that have a wheel for an interpreter, where the lowest that is allowed has none."""

RUNS = {
    "doctor": ["doctor", "--format", "json"],
    "replay": ["replay", "oct10", "--format", "json"],
    "highs": ["solve", "oct10:28", "--model", "min-max-lp", "--engine", "highs", "--format", "json"],
    "cvxpy": ["solve", "oct10:28", "--model", "min-max-lp", "--engine", "cvxpy", "--format", "json"],
    "policies": ["policies", "--format", "json"],
    "table": ["show", "oct10"],
    "sweep": ["sweep", "plan.toml", "--out", "sweep", "--format", "json"],
    "verify": ["verify", "sweep"],
}
"""Commands that reach every dependency."""

PLAN = 'policies = ["pro-rata", "min-max"]\nscenarios = ["no-deficit"]\nseeds = 2\n'


def lowest(version: str) -> list[str]:
    """Return a pin for each dependency at its lower bound."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    bounds = dict(re.findall(r"^([\w-]+)>=([\d.]+)", line)[0] for line in wanted)
    return [f"{name}=={bound}" for name, bound in (bounds | WITHOUT_WHEEL.get(version, {})).items()]


def environment(python: str, end: str, folder: Path) -> tuple[Path, str]:
    """Make an environment; return its interpreter, and what pip says where it fails."""
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = lowest(version) if end == "lowest" else []
    command = [str(inside), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", str(ROOT), *pins]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    return inside, made.stderr.strip()[-400:] if made.returncode else ""


def tried(python: Path, folder: Path) -> dict[str, str]:
    """Run every command; return what is wrong, by its name."""
    (folder / "plan.toml").write_text(PLAN)
    wrong = {}
    for name, arguments in RUNS.items():
        began = time.perf_counter()
        command = [str(python), "-m", "adl_opt", *arguments]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if run.returncode:
            wrong[name] = f"exit {run.returncode}: {(run.stderr or run.stdout).strip()[-200:]}"
        elif "json" in arguments:
            try:
                json.loads(run.stdout)
            except ValueError:
                wrong[name] = f"no JSON: {run.stdout[:100]!r}"
        print(f"  {name}: {wrong.get(name, 'ok')} ({time.perf_counter() - began:.1f} s)", flush=True)
    return wrong


def matrix(pythons: list[str], ends: list[str]) -> list[dict[str, Any]]:
    """Return a row for each interpreter and each end of the versions."""
    rows = []
    for python in pythons:
        for end in ends:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                print(python, end, flush=True)
                inside, failed = environment(python, end, folder / "env")
                wrong = {"pip": failed} if failed else tried(inside, folder)
                said = [str(inside), "-m", "pip", "list", "--format", "json"]
                have = json.loads(subprocess.run(said, capture_output=True, text=True, check=True).stdout)
                versions = {row["name"]: row["version"] for row in have}
                shown = ("numpy", "pandas", "pyarrow", "highspy", "cvxpy", "typer", "rich")
                line = ", ".join(f"{p} {versions.get(p, '-')}" for p in shown)
                rows.append({"python": python, "end": end, "versions": line, "wrong": wrong or "nothing"})
    return rows


def main() -> None:
    """Run the matrix; exit 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    found = [path for v in ("3.11", "3.13") if (path := shutil.which(f"python{v}"))]
    parser.add_argument("--python", nargs="+", default=found or [sys.executable])
    parser.add_argument("--ends", nargs="+", default=list(ENDS), choices=ENDS)
    asked = parser.parse_args()
    rows = matrix(asked.python, asked.ends)
    for row in rows:
        print("|", " | ".join(map(str, row.values())), "|")
    sys.exit(any(row["wrong"] != "nothing" for row in rows))


if __name__ == "__main__":
    main()
