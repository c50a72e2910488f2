"""``python -m benchmarks``: everything side by side in one run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.calibration import calibration_section
from benchmarks.chunked import chunked_section
from benchmarks.contracts import contract_lots_section, contracts_growth_section, contracts_section
from benchmarks.contracts_solve import contracts_others_section, contracts_solve_section
from benchmarks.counterfactuals import counterfactuals_section
from benchmarks.draws import draws_section
from benchmarks.fuzz import fuzz_section
from benchmarks.growth import growth_section
from benchmarks.learners import ROUNDS, STEP_ACCOUNTS, learners_section, steps_section
from benchmarks.loaders import loaders_section
from benchmarks.loss import loss_section
from benchmarks.lots import lots_section
from benchmarks.lots_battery import lots_battery_section
from benchmarks.lp import lp_section
from benchmarks.machine import machine, versions
from benchmarks.objectives import frontier_section, moves_section, objectives_section
from benchmarks.projections import projections_section
from benchmarks.proofs_battery import proofs_battery_section
from benchmarks.proofs_faults import proofs_faults_section
from benchmarks.proofs_october import proofs_october_section
from benchmarks.random_books import random_books_section
from benchmarks.replays import replays_section
from benchmarks.report import to_json, to_markdown, to_terminal
from benchmarks.risk import risk_section
from benchmarks.sections import Section
from benchmarks.shadow_latency import latency_section
from benchmarks.solvency import solvency_section
from benchmarks.solvency_drift import drift_section, pace_section
from benchmarks.solvency_sensitivity import sensitivity_section
from benchmarks.structure import structure_section
from benchmarks.sweeps import EPISODES, sweeps_section

ROOT = Path(__file__).parent.parent
DRAWS = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Plan:
    """Sizes and limits of a run; ``limits`` are seconds for each peer by number of accounts."""

    sizes: tuple[int, ...]
    limit: dict[int, float]
    projections: tuple[int, ...]
    growth: tuple[int, ...]
    chunked: tuple[int, ...]
    repeats: int
    learners: tuple[int, int, int] = (ROUNDS, ROUNDS // 10, STEP_ACCOUNTS)
    stream_mb: int = 2000
    fuzz: int = 20_500
    episodes: int = EPISODES
    draws: tuple[int, tuple[int, ...], float] = (500, DRAWS, 40.0)
    replays: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    battery: tuple[int, int] = (19_000, 10)
    proofs: tuple[int, int, int, int] = (10_000, 1_000, 1_500, 16)
    proof_models: tuple[str, ...] = ()
    loss: int = 1_000
    risk: tuple[tuple[int, ...], float] = ((500, 3000, 20_000), 60.0)
    contracts: tuple[tuple[int, ...], float] = ((500, 3000, 20_000), 10.0)
    contracts_growth: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    solve: tuple[float, int] = (10.0, 3)
    books: tuple[str, ...] = ("usual", "tied", "chain")
    solvency: tuple[int, int] = (10_000, 20_000)
    objectives: tuple[int, int] = (3000, 30)
    structure: tuple[tuple[int, int], ...] = ((200, 2), (200, 8), (1000, 10), (3000, 30))
    random_books: int = 10_000
    drift: int = 10_000
    shadow: tuple[tuple[int, ...], int] = ((1_000, 20_000, 100_000), 31)
    explained: tuple[int, int] = (1_000, 1_000)

    def limits(self) -> dict[int, float]:
        """Limit of every size; sizes without one of their own get that of the largest."""
        return {n: self.limit.get(n, list(self.limit.values())[-1]) for n in self.sizes}


TENS = tuple(10**power for power in range(3, 8))
FULL = Plan(
    (500, 3000, 19_230), {500: 100.0, 3000: 30.0, 19_230: 30.0}, (500, 100_000, 1_000_000), TENS, TENS[3:], 5
)
QUICK = Plan(
    (500, 3000, 19_230),
    {500: 5.0},
    (500, 100_000),
    TENS[:3],
    (100_000,),
    3,
    (100_000, 10_000, STEP_ACCOUNTS),
    200,
    2000,
    100,
    (500, DRAWS, 5.0),
    (10_000, 100_000),
    proofs=(1_000, 100, 500, 16),
    loss=100,
    solvency=(1_000, 5_000),
    random_books=1_000,
    drift=1_000,
    shadow=((1_000, 20_000), 21),
    explained=(100, 100),
)
TINY = Plan(
    (20,),
    {20: 1.0},
    (20,),
    (100, 1000),
    (1000,),
    1,
    (500, 50, 100),
    12,
    25,
    2,
    (20, (1,), 1.0),
    (200,),
    (20, 2),
    (20, 2, 100, 1),
    ("account-selection",),
    4,
    ((30,), 5.0),
    ((200,), 2.0),
    (200, 400),
    (2.0, 1),
    ("tied",),
    (24, 60),
    (80, 3),
    ((60, 3),),
    30,
    20,
    ((40,), 3),
    (4, 4),
)
PARTS = [
    "projections",
    "growth",
    "learners",
    "steps",
    "chunked",
    "lp",
    "lots",
    "lots-battery",
    "draws",
]
"""What a run measures by default, in one go."""

APART = [
    *("loaders", "fuzz", "sweeps", "replays", "proofs-battery", "proofs-faults", "proofs-october"),
    *("loss", "risk", "solvency", "solvency-drift", "solvency-pace", "solvency-sensitivity"),
    *("contracts", "contracts-growth", "contracts-lots"),
    *("contracts-solve", "contracts-others"),
    *("objectives", "objectives-losers", "objectives-moves", "objectives-frontier"),
    *("structure", "random-books"),
    *("shadow", "explain", "next"),
]
"""Measured only when named: they have pages of their own."""

MODES = {"full": FULL, "quick": QUICK, "tiny": TINY}


def run(
    mode: str, sizes: tuple[int, ...] | None, results: Path, page: Path, only: list[str] | None = None
) -> None:
    """Measure, print as it goes, and write both files at the end."""
    plan, start = MODES[mode], time.time()
    if sizes is not None:
        plan = replace(plan, sizes=sizes)
    books = list(plan.books)
    parts: dict[str, Callable[[], Section]] = {
        "projections": lambda: projections_section(list(plan.projections), plan.repeats),
        "growth": lambda: growth_section(list(plan.growth), plan.repeats),
        "learners": lambda: learners_section(*plan.learners[:2]),
        "steps": lambda: steps_section(plan.learners[2], 5 * plan.repeats),
        "chunked": lambda: chunked_section(list(plan.chunked)),
        "lp": lambda: lp_section(list(plan.sizes), 2 * max(plan.limits().values()), plan.repeats),
        "draws": lambda: draws_section(plan.draws[0], list(plan.draws[1]), plan.draws[2], plan.repeats),
        "lots": lambda: lots_section(list(plan.sizes), plan.limits(), plan.repeats),
        "lots-battery": lambda: lots_battery_section(*plan.battery, min(plan.repeats, 2)),
        "loaders": lambda: loaders_section(plan.stream_mb),
        "fuzz": lambda: fuzz_section(plan.fuzz),
        "sweeps": lambda: sweeps_section(plan.episodes),
        "replays": lambda: replays_section(list(plan.replays), min(plan.repeats, 3)),
        "risk": lambda: risk_section(list(plan.risk[0]), plan.risk[1], min(plan.repeats, 2)),
        "proofs-battery": lambda: proofs_battery_section(*plan.proofs[:2]),
        "proofs-faults": lambda: proofs_faults_section(plan.proofs[2]),
        "contracts": lambda: contracts_section(
            books, list(plan.contracts[0]), plan.contracts[1], plan.repeats
        ),
        "contracts-growth": lambda: contracts_growth_section(
            books, list(plan.contracts_growth), plan.repeats
        ),
        "contracts-lots": lambda: contract_lots_section(books, list(plan.contracts[0]), plan.repeats),
        "contracts-solve": lambda: contracts_solve_section(books, list(plan.contracts[0]), *plan.solve),
        "contracts-others": lambda: contracts_others_section(books, list(plan.contracts[0]), *plan.solve),
        "proofs-october": lambda: proofs_october_section(plan.proofs[3], plan.proof_models),
        "loss": lambda: loss_section(plan.loss),
        "solvency": lambda: solvency_section(*plan.solvency),
        "solvency-drift": lambda: drift_section(plan.drift),
        "solvency-pace": lambda: pace_section(),
        "solvency-sensitivity": lambda: sensitivity_section(max(1, plan.drift // 200)),
        "objectives": lambda: objectives_section(*plan.objectives),
        "objectives-losers": lambda: objectives_section(*plan.objectives, losers_too=True),
        "objectives-moves": lambda: moves_section(*plan.objectives),
        "objectives-frontier": lambda: frontier_section(*plan.objectives),
        "structure": lambda: structure_section(list(plan.structure)),
        "random-books": lambda: random_books_section(plan.random_books),
        "shadow": lambda: latency_section(list(plan.shadow[0]), plan.shadow[1]),
        "explain": lambda: counterfactuals_section(plan.explained[0]),
        "next": lambda: calibration_section(plan.explained[1]),
    }
    sections = []
    for name, part in parts.items():
        if name in (only or PARTS):
            sections.append(part())
            to_terminal(sections[-1])
    facts = {"mode": mode, "date": time.strftime("%Y-%m-%d"), "minutes": (time.time() - start) / 60}
    facts["file"] = results.name
    data = to_json(facts | {"machine": machine(), "versions": versions()}, sections[::-1], results)
    to_markdown(data, page)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--mode", choices=MODES, default="full", help="full: about 20 minutes")
    parser.add_argument(
        "--quick", action="store_const", const="quick", dest="mode", help="the same as --mode quick"
    )
    parser.add_argument("--sizes", type=int, nargs="+", help="accounts of the lots and LP sections")
    parser.add_argument("--only", nargs="+", choices=PARTS + APART)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "latest.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "benchmarks.md")
    given = parser.parse_args()
    run(given.mode, tuple(given.sizes) if given.sizes else None, given.results, given.page, given.only)


if __name__ == "__main__":
    main()
