"""CP-SAT of OR-tools; its data are integers, so burdens are rounded up and payments down to 1e-10."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.answer import Answer, limit_status
from benchmarks.instances import LotsInstance

SCALE = 10**10


def solve(instance: LotsInstance, limit: float) -> Answer:
    """Round so that every answer covers the true budget; the bound holds for the rounded data only."""
    from ortools.sat.python import cp_model

    start = time.perf_counter()
    model = cp_model.CpModel()
    z = model.new_int_var(0, SCALE, "z")
    lots = [model.new_int_var(0, int(most), "") for most in instance.lots]
    burden = np.ceil(instance.lot_value / instance.capacity[instance.account] * SCALE).astype(int).tolist()
    share = np.floor(instance.lot_value / instance.budget * SCALE).astype(int).tolist()
    rows: list[list[int]] = [[] for _ in instance.capacity]
    for j, who in enumerate(instance.account):
        rows[who].append(j)
    for row in rows:
        model.add(cp_model.LinearExpr.weighted_sum([lots[j] for j in row], [burden[j] for j in row]) <= z)
    model.add(cp_model.LinearExpr.weighted_sum(lots, share) >= SCALE)
    model.minimize(z)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.relative_gap_limit = 1e-4
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    x = np.array([solver.value(k) for k in lots], dtype=float) if found else None
    objective = solver.objective_value / SCALE if found else None
    answer = Answer("", time.perf_counter() - start, objective, solver.best_objective_bound / SCALE, x)
    answer.status = limit_status(status == cp_model.OPTIMAL, answer)
    answer.note = "data rounded to 1e-10"
    return answer
