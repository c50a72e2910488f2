"""The same answers before and after: run the commands of a checkout, keep their JSON, compare two folders.

    python tests/answers.py collect DIR      # in a checkout, with its environment
    python tests/answers.py compare A B      # exit code 1 where the two differ

Numbers may differ by 1e-9 (relative, or in USD below 1); ``seconds`` and added keys may differ.  Of a solved
round over lots the burden and the proof must be equal, not which of several equal choices of lots is taken.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

MODELS = (
    "account-selection", "asymmetric", "budget-and-accounts(k=50)", "capped-pro-rata", "cvar-severity",
    "fund-top-up", "insurance-cofunding",
    "leximin", "risk-aware-pro-rata", "min-max-lots", "min-max-lp", "queue-lp",
    "robust-severity", "robust-severity(epsilon=0.2)", "tracking-lp",
)  # fmt: skip
POLICIES = (
    "pro-rata", "min-max", "min-max-lots", "binance", "hyperliquid-literal", "integer-pro-rata",
    "risk-aware-pro-rata",
)  # fmt: skip
RENAMED = {"risk-aware-pro-rata": "leverage-pro-rata"}
"""Policies that have another name today."""

COMMANDS: dict[str, list[str]] = {
    "replay": ["replay", "oct10", "--quiet"],
    "replay-equity": ["replay", "oct10", "--quiet", "--burden", "equity", "--lambda", "2"],
    "replay-synthetic": ["replay", "synthetic(accounts=400, rounds=12, seed=5)", "--quiet"],
    "optimum": ["optimum", "oct10", "--quiet", "--path-budget", "1.5", "--switches", "3", "--accounts", "20"],
    "study": ["study", "oct10", "--quiet", "--episodes", "20"],
    "published": ["published", "--lambda", "1.5"],
    "theory": ["theory", "--quiet", "--rounds", "256", "--tries", "40"],
    **{f"solve-{name}": ["solve", "oct10:28", "--policy", name] for name in POLICIES},
    **{f"model-{name}": ["solve", "oct10:28", "--model", name, "--nodes", "200"] for name in MODELS},
    "episode-cumulative": ["solve", "oct10", "--model", "cumulative-fairness"],
    "episode-path": ["solve", "oct10", "--model", "hindsight-path"],
}


def collect(folder: Path) -> None:
    """Run every command in the checkout that is the working directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in COMMANDS.items():
        made = run(words)
        if made.returncode and words[-1] in RENAMED:
            made = run([*words[:-1], RENAMED[words[-1]]])
        (folder / f"{name}.json").write_text(made.stdout or json.dumps({"error": made.stderr}))
        print(f"{name}: exit code {made.returncode}, {len(made.stdout)} characters", flush=True)


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line."""
    command = [sys.executable, "-m", "adl_opt", *words, "--format", "json"]
    return subprocess.run(command, capture_output=True, text=True)


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Return where two JSON values differ; keys that only the second has are new."""
    if isinstance(a, dict) and isinstance(b, dict):
        found = [f"{where}/{key}: lost" for key in a if key not in b]
        for key in (set(a) & set(b)) - {"seconds"}:
            found += differences(a[key], b[key], f"{where}/{key}")
        return found
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return [f"{where}: {len(a)} entries, then {len(b)}"]
        found = []
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            found += differences(x, y, f"{where}/{index}")
        return found
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (a, b))
    same = math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) if numbers else b in (a, RENAMED.get(str(a)))
    return [] if same else [f"{where}: {a!r}, then {b!r}"]


def compare(before: Path, after: Path) -> int:
    """Print every difference; return how many there are."""
    found = 0
    for name in COMMANDS:
        a, b = (json.loads((folder / f"{name}.json").read_text()) for folder in (before, after))
        for line in differences(a, b):
            found += 1
            print(f"{name}{line}")
    print(f"{len(COMMANDS)} commands, {found} differences")
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["collect"]:
        collect(Path(sys.argv[2]))
    else:
        sys.exit(compare(Path(sys.argv[2]), Path(sys.argv[3])) > 0)
