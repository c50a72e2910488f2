"""Running a chunk of a sweep: rows, with failures among them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from adl_opt.policy.policy import make_policy
from adl_opt.studies.simulation.run import Start, run_policy
from adl_opt.studies.simulation.scenarios import SCENARIOS
from adl_opt.studies.simulation.totals import METRICS
from adl_opt.studies.sweeps.plan import Plan

Row = dict[str, Any]


def run_chunk(plan: Plan, jobs: Iterable[int]) -> list[Row]:
    """Return the rows of some markets, one per policy; nothing in them depends on where it was run.

    A cell that fails is a row with its ``error`` and no figures; the others go on.
    """
    return [row for job in jobs for row in _market(plan, job)]


def _market(plan: Plan, job: int) -> list[Row]:
    name, point, seed = plan.job(job)
    settings = replace(SCENARIOS[name].settings, **point)
    start: Start | None = None
    rows = []
    for order, policy in enumerate(plan.policies):
        head = {"cell": job * len(plan.policies) + order, "scenario": name, **point, "seed": seed}
        head |= {"policy": policy, "information": "", "error": ""}
        try:
            made = make_policy(policy)
            head["information"] = made.information.value
            start = start or Start.draw(settings, seed)
            rows.append(head | _floats(run_policy(made, settings, seed=seed, start=start).totals))
        except Exception as error:  # a failure is a row, whatever it is
            message = " ".join(str(error).split())
            failed = head | {"error": f"{type(error).__name__}: {message}"}
            rows.append(failed | dict.fromkeys(METRICS, math.nan))
    return rows


def _floats(figures: dict[str, float]) -> dict[str, float]:
    return {name: float(figures[name]) for name in METRICS}
