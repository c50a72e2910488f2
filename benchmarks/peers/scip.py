"""SCIP through PySCIPOpt."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.answer import Answer, limit_status
from benchmarks.instances import LotsInstance


def solve(instance: LotsInstance, limit: float) -> Answer:
    """Build row by row."""
    from pyscipopt import Model, quicksum

    start = time.perf_counter()
    model = Model()
    model.hideOutput()
    model.setParam("limits/time", limit)
    model.setParam("limits/gap", 1e-4)
    z = model.addVar("z", lb=0.0, ub=1.0)
    lots = [model.addVar(f"k{j}", vtype="I", lb=0, ub=int(most)) for j, most in enumerate(instance.lots)]
    burden = (instance.lot_value / instance.capacity[instance.account]).tolist()
    rows: list[list[int]] = [[] for _ in instance.capacity]
    for j, who in enumerate(instance.account):
        rows[who].append(j)
    for row in rows:
        model.addCons(quicksum(burden[j] * lots[j] for j in row) <= z)
    share = (instance.lot_value / instance.budget).tolist()
    model.addCons(quicksum(d * k for d, k in zip(share, lots, strict=True)) >= 1)
    model.setObjective(z, "minimize")
    model.optimize()
    found = model.getNSols() > 0
    x = np.array([model.getVal(k) for k in lots]) if found else None
    objective = float(model.getObjVal()) if found else None
    answer = Answer("", time.perf_counter() - start, objective, float(model.getDualbound()), x)
    answer.status = limit_status(model.getStatus() in ("optimal", "gaplimit"), answer)
    return answer
