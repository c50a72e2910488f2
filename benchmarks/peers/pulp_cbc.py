"""PuLP with the CBC it ships; status and bound come from CBC's log: PuLP says "Optimal" at a limit."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.answer import Answer, limit_status
from benchmarks.instances import LotsInstance


def solve(instance: LotsInstance, limit: float) -> Answer:
    """Build by lists, solve by file."""
    import pulp

    start = time.perf_counter()
    problem = pulp.LpProblem("lots", pulp.LpMinimize)
    z = pulp.LpVariable("z", 0, 1)
    lots = [pulp.LpVariable(f"k{j}", 0, int(most), cat="Integer") for j, most in enumerate(instance.lots)]
    burden = instance.lot_value / instance.capacity[instance.account]
    rows: list[list[tuple[object, float]]] = [[(z, -1.0)] for _ in instance.capacity]
    for j, who in enumerate(instance.account):
        rows[who].append((lots[j], float(burden[j])))
    problem += z
    for row in rows:
        problem += pulp.LpAffineExpression(row) <= 0
    share = instance.lot_value / instance.budget
    problem += pulp.LpAffineExpression(list(zip(lots, share.tolist(), strict=True))) >= 1
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "cbc.log"
        problem.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit, gapRel=1e-4, logPath=str(log)))
        text = log.read_text() if log.exists() else ""
    seconds = time.perf_counter() - start
    said = pulp.LpStatus[problem.status]
    x = np.array([np.nan if v.value() is None else v.value() for v in lots])
    objective = None if z.value() is None else float(z.value())
    proven = "Result - Optimal solution found" in text and "Stopped on time" not in text
    answer = Answer("", seconds, objective, _bound(text, objective, proven), x)
    answer.status = limit_status(proven, answer)
    if said == "Optimal" and not proven:
        answer.note = 'PuLP reports "Optimal" at the limit'
    return answer


def _bound(log: str, objective: float | None, proven: bool) -> float | None:
    """Lower bound from CBC's log; within the gap of the objective where CBC proved it."""
    found = re.findall(r"best possible ([-+.\deE]+)", log)  # the summary prints three digits only
    if found and not proven:
        return float(found[-1])
    return objective * (1 - 1e-4) if proven and objective is not None else None
