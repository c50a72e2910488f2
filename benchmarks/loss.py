"""One loss: random losses and episodes, on which every part of the library must give the same figures."""

from __future__ import annotations

import time
from typing import Any

from benchmarks import isolate
from benchmarks.loss_pairs import PARTS, Worst, judged
from benchmarks.sections import Section

ALLOWED = 1e-9
TEXT = (
    "Random pairs of a loss (`under` and `over` from 0.2 to 20, `fair` 0 or from 0.1 to 5, both bases, both "
    "limits) and an episode (one to five rounds, one to six accounts, of whom some return; whole lots or "
    "none; deficits and needs of 0, below and above the capacity). Each part is held against plain "
    "arithmetic on who paid what (`benchmarks/loss_pairs.py`): the loss of every round, summed, and the best "
    "fixed severity by trying every candidate. `worst` is the largest difference, relative to the loss of "
    "doing nothing or of taking everything, whichever is more. The last rows, relative to the loss of doing "
    "nothing: by how much a policy is below the optimum of its domain at most, and how far each optimum is "
    "from its own bound at most."
)
COLUMNS = ["part", "what", "compared", "worst", "seed"]
WHAT = {
    "replay": "total, tracking and fairness of `Result.frame()`",
    "regret": "static and dynamic regret of `Result.regret()`",
    "learner": "`learner.regret` of what was played, against `Result.regret()`",
    "optimum": "total in `optimum`, and the best fixed severity",
    "study": "total, tracking, static and dynamic regret of the rows of `study`",
    "series": "last value of the cumulative figures of the report",
    "gap": "by how much a policy is below the optimum of its domain",
    "fractional": "objective less bound of `fractional-optimum`",
    "whole-lots": "objective less bound of `whole-lots-optimum`",
    "depleting": "objective less bound of `depleting-optimum`",
}


def loss_section(pairs: int) -> Section:
    """Judge so many pairs, and hold the worst against what is allowed."""
    section = Section("One loss: what every part says of it", TEXT, COLUMNS)
    outcome = isolate.run(measured, pairs, limit=7200.0)
    if outcome.failure:
        section.rows.append({"part": "all", "what": outcome.failure})
        section.targets.append((f"{pairs:,} pairs are judged", str(outcome.failure), False))
        return section
    worst, seconds = outcome.value
    for part, what in WHAT.items():
        found: Worst = worst[part]
        row: dict[str, Any] = {"part": part, "what": what, "compared": found.compared}
        section.rows.append(row | {"worst": found.value, "seed": found.seed})
    apart = max(worst[part].value for part in PARTS)
    claim = f"{pairs:,} pairs: replay, regret, learners, optimum, study and report agree to 1e-9 relative"
    section.targets.append((claim, f"{apart:.1e} ({seconds:.0f} s)", apart <= ALLOWED))
    least = 0.0 - worst["gap"].value
    claim = "every policy's gap to the optimum of its domain is at least -1e-9, relative"
    section.targets.append((claim, f"{least:.1e}", least >= -ALLOWED))
    open_ = max(worst[part].value for part in ("fractional", "depleting"))
    claim = "fractional and depleting optimum: objective and proven bound within 1e-6, relative"
    section.targets.append((claim, f"{open_:.1e}", open_ <= 1e-6))
    return section


def measured(pairs: int) -> tuple[dict[str, Worst], float]:
    """Return the worst of each part over so many pairs, and the seconds."""
    began = time.perf_counter()
    worst = {part: Worst() for part in WHAT}
    for seed in range(pairs):
        for part, value in judged(seed):
            worst[part].see(float(value), seed)
    return worst, time.perf_counter() - began
