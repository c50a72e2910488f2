"""Risk-based closing as others would write it: every pair of account and scenario, nothing pruned."""

from __future__ import annotations

import time
import warnings

import numpy as np

from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.pairs import entries_of
from adl_opt.kernels.risk.scenarios import PriceMoves
from benchmarks.answer import Answer


def highs(book: RiskBook, moves: PriceMoves, limit: float) -> Answer:
    """Simplex of HiGHS on the whole linear program, as arrays."""
    import highspy
    from scipy import sparse

    start = time.perf_counter()
    matrix, short, chance = whole(book, moves)
    pools, most, target = _pools(book)
    pairs, columns = matrix.shape
    a = sparse.bmat([[pools, None], [-matrix, sparse.identity(pairs)]], format="csc")
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns + pairs, pools.shape[0] + pairs
    model.col_cost_ = np.concatenate([np.zeros(columns), chance])
    model.col_lower_ = np.zeros(columns + pairs)
    model.col_upper_ = np.concatenate([most, np.full(pairs, highspy.kHighsInf)])
    model.row_lower_ = np.concatenate([target, short])
    model.row_upper_ = np.concatenate([target, np.full(pairs, highspy.kHighsInf)])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = a.indptr, a.indices
    model.a_matrix_.value_ = a.data
    solver = highspy.Highs()
    for name, value in (("output_flag", False), ("time_limit", limit), ("solver", "simplex"), ("threads", 1)):
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus()).lower()
    found = solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x = np.asarray(solver.getSolution().col_value)[:columns] if found else None
    return Answer(status, time.perf_counter() - start, None, None, x)


def cvxpy(book: RiskBook, moves: PriceMoves, limit: float) -> Answer:
    """Write the objective as one expression, solved by HiGHS."""
    import cvxpy as cp

    start = time.perf_counter()
    warnings.simplefilter("ignore")
    matrix, short, chance = whole(book, moves)
    pools, most, target = _pools(book)
    k = cp.Variable(most.size)
    cost = chance @ cp.pos(short + matrix @ k)
    program = cp.Problem(cp.Minimize(cost), [k >= 0, k <= most, pools @ k == target])
    program.solve(solver="HIGHS", time_limit=limit)
    x = None if k.value is None else np.asarray(k.value)
    return Answer(str(program.status), time.perf_counter() - start, None, None, x)


def whole(book: RiskBook, moves: PriceMoves):  # type: ignore[no-untyped-def]
    """Matrix, shortfall where nothing is closed, and probability of all n x s pairs."""
    from scipy import sparse

    n, s = book.equity.size, moves.chance.size
    account, scenario = (part.ravel() for part in np.indices((n, s)))
    pair, row = entries_of(book.account, account, n)
    move = moves.moves[scenario[pair], book.market[row]]
    equity = book.equity[account] + np.bincount(pair, weights=book.size[row] * move, minlength=n * s)
    rate = book.side[row] * move + book.gives_up[row]
    matrix = sparse.csr_matrix((rate, (pair, row)), shape=(n * s, book.size.size))
    return matrix, -equity, moves.chance[scenario]


def _pools(book: RiskBook):  # type: ignore[no-untyped-def]
    from scipy import sparse

    used = np.flatnonzero(book.to_close)
    number = np.full(book.quantity.size, -1)
    number[used] = np.arange(used.size)
    rows = np.flatnonzero(book.can_close > 0)
    ones = (np.ones(rows.size), (number[book.pool[rows]], rows))
    return sparse.csr_matrix(ones, shape=(used.size, book.size.size)), book.can_close, book.to_close[used]


PEERS = {"HiGHS simplex, nothing pruned": highs, "cvxpy + HiGHS": cvxpy}
