"""cvxpy with HiGHS: the readable formulation."""

from __future__ import annotations

import time
import warnings

from benchmarks.answer import Answer, limit_status
from benchmarks.instances import LotsInstance


def solve(instance: LotsInstance, limit: float) -> Answer:
    """State the program as in the paper; what cvxpy does not hand back (the bound at a limit) is unknown."""
    import cvxpy as cp
    import scipy.sparse as sp

    start = time.perf_counter()
    n, m = instance.capacity.size, instance.account.size
    lots, z = cp.Variable(m, integer=True), cp.Variable()
    burden = instance.lot_value / instance.capacity[instance.account]
    by_account = sp.csr_array((burden, (instance.account, range(m))), shape=(n, m))
    program = cp.Problem(
        cp.Minimize(z),
        [
            lots >= 0,
            lots <= instance.lots,
            by_account @ lots <= z,
            (instance.lot_value / instance.budget) @ lots >= 1,
        ],
    )
    warnings.simplefilter("ignore")  # at a limit cvxpy warns; the status says so too
    program.solve(solver=cp.HIGHS, time_limit=limit, mip_rel_gap=1e-4, mip_abs_gap=0.0)
    proven = program.status == cp.OPTIMAL
    info = getattr(program.solver_stats, "extra_stats", None)
    bound = getattr(info, "mip_dual_bound", None)
    objective = None if lots.value is None or not lots.value.any() else float(z.value)
    answer = Answer("", time.perf_counter() - start, objective, bound, lots.value)
    answer.status = limit_status(proven, answer)
    return answer
