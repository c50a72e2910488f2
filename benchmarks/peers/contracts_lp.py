"""Min-max in contract space as a linear program: HiGHS by three algorithms, and cvxpy.

Columns are burdens of legs, y / u, and z; demands are scaled to 1.
"""

from __future__ import annotations

import time
import warnings
from functools import partial

import numpy as np

from benchmarks.answer import Answer
from benchmarks.instances import ContractsInstance


def highs(solver: str, instance: ContractsInstance, limit: float) -> Answer:
    """HiGHS through its own Python interface, model passed as arrays."""
    import highspy

    start = time.perf_counter()
    engine = highspy.Highs()
    tight = (("primal_feasibility_tolerance", 1e-9), ("dual_feasibility_tolerance", 1e-9))
    for name, value in (("output_flag", False), ("time_limit", limit), ("solver", solver), *tight):
        engine.setOptionValue(name, value)
    engine.passModel(_model(highspy, instance))
    engine.run()
    status = engine.getModelStatus()
    found = engine.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    solved = status == highspy.HighsModelStatus.kOptimal
    x = np.array(engine.getSolution().col_value)[:-1] if found or solved else None
    objective = float(engine.getInfo().objective_function_value) if x is not None else None
    word = "optimal" if solved else engine.modelStatusToString(status).lower()
    return Answer(word, time.perf_counter() - start, objective, None, x)


def cvxpy(instance: ContractsInstance, limit: float) -> Answer:
    """Cvxpy with sparse matrices, solved by HiGHS as it chooses."""
    import cvxpy as cp
    import scipy.sparse as sp

    start = time.perf_counter()
    warnings.simplefilter("ignore")
    n, m, cells = instance.capacity.size, instance.account.size, instance.demand.size
    u = instance.capacity[instance.account]
    by_account = sp.csr_array((np.ones(m), (instance.account, np.arange(m))), shape=(n, m))
    by_cell = sp.csr_array(
        (u / instance.demand[instance.cell], (instance.cell, np.arange(m))), shape=(cells, m)
    )
    h, z = cp.Variable(m), cp.Variable()
    rows = [
        h >= 0,
        h <= instance.cap / u,
        by_account @ h <= z,
        by_cell @ h == instance.demand / instance.scale,
    ]
    program = cp.Problem(cp.Minimize(z), rows)
    program.solve(solver="HIGHS", time_limit=limit)
    value = None if h.value is None else float(program.value)
    return Answer(str(program.status), time.perf_counter() - start, value, None, h.value)


def _model(highspy, instance: ContractsInstance):  # type: ignore[no-untyped-def]
    """Fill a HighsLp, column by column; rows are accounts, then cells."""
    n, m = instance.capacity.size, instance.account.size
    u = instance.capacity[instance.account]
    model, needs = highspy.HighsLp(), instance.demand / instance.scale
    model.num_col_, model.num_row_ = m + 1, n + needs.size
    model.col_cost_ = np.append(np.zeros(m), 1.0)
    model.col_lower_ = np.zeros(m + 1)
    model.col_upper_ = np.append(instance.cap / u, highspy.kHighsInf)
    model.row_lower_ = np.append(np.full(n, -highspy.kHighsInf), needs)
    model.row_upper_ = np.append(np.zeros(n), needs)
    rows = np.column_stack((instance.account, n + instance.cell)).ravel()
    values = np.column_stack((np.ones(m), u / instance.scale[instance.cell])).ravel()
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.start_ = np.append(np.arange(0, 2 * m + 1, 2), 2 * m + n).astype(np.int32)
    matrix.index_ = np.concatenate((rows, np.arange(n))).astype(np.int32)
    matrix.value_ = np.concatenate((values, np.full(n, -1.0)))
    return model


PEERS = {
    "HiGHS simplex": partial(highs, "simplex"),
    "HiGHS IPM": partial(highs, "ipm"),
    "HiGHS PDLP": partial(highs, "pdlp"),
    "cvxpy + HiGHS": cvxpy,
}
