"""General solvers on the same min-max over lots: one file each, one function, one signature.

``solve(instance, limit) -> Answer`` gets at most ``limit`` seconds of search, a relative gap of 1e-4 and all
cores.  Every peer gets the same scaled rows: burdens as fractions, the budget as 1.  Seconds include building
the model, never imports.
"""

from benchmarks.peers import cpsat, cvxpy_highs, highs, pulp_cbc, scip

PEERS = {
    "HiGHS (arrays)": highs.solve,
    "cvxpy + HiGHS": cvxpy_highs.solve,
    "PuLP + CBC": pulp_cbc.solve,
    "SCIP": scip.solve,
    "CP-SAT (rounded)": cpsat.solve,
}
