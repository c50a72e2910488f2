"""HiGHS through its own Python interface, model passed as arrays."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.answer import Answer, limit_status
from benchmarks.instances import LotsInstance


def solve(instance: LotsInstance, limit: float) -> Answer:
    """Columns: lots of every position, then z. Rows: one a account, then the cover."""
    import highspy

    start = time.perf_counter()
    highs = highspy.Highs()
    options = (("output_flag", False), ("time_limit", limit), ("mip_rel_gap", 1e-4), ("mip_abs_gap", 0.0))
    for name, value in options:
        highs.setOptionValue(name, value)
    highs.passModel(_model(highspy, instance))
    highs.run()
    info, status = highs.getInfo(), highs.getModelStatus()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x = np.array(highs.getSolution().col_value)[:-1] if found else None
    objective = float(info.objective_function_value) if found else None
    answer = Answer("", time.perf_counter() - start, objective, float(info.mip_dual_bound), x)
    answer.status = limit_status(status == highspy.HighsModelStatus.kOptimal, answer)
    return answer


def _model(highspy, instance: LotsInstance):  # type: ignore[no-untyped-def]
    """Fill a HighsLp, column by column."""
    n, m = instance.capacity.size, instance.account.size
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = m + 1, n + 1
    model.col_cost_ = np.append(np.zeros(m), 1.0)
    model.col_lower_ = np.zeros(m + 1)
    model.col_upper_ = np.append(instance.lots.astype(float), 1.0)
    model.row_lower_ = np.append(np.full(n, -highspy.kHighsInf), 1.0)
    model.row_upper_ = np.append(np.zeros(n), highspy.kHighsInf)
    model.integrality_ = [highspy.HighsVarType.kInteger] * m + [highspy.HighsVarType.kContinuous]
    burden = instance.lot_value / instance.capacity[instance.account]
    rows = np.column_stack((instance.account, np.full(m, n))).ravel()
    values = np.column_stack((burden, instance.lot_value / instance.budget)).ravel()
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.start_ = np.append(np.arange(0, 2 * m + 1, 2), 2 * m + n).astype(np.int32)
    matrix.index_ = np.concatenate((rows, np.arange(n))).astype(np.int32)
    matrix.value_ = np.concatenate((values, np.full(n, -1.0)))
    return model
