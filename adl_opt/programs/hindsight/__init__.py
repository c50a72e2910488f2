"""Hindsight: what the best plan could have achieved, had it known the whole episode (ex post).

Six benchmarks, each exact and each with a certificate (``result.certify()``): the per-round optimum, the best
fixed severity, the best severity path of bounded variation (and its frontier) or with few switches, the best
fixed haircut vector, and the multi-round optimum in which haircuts deplete capacity.
"""

from adl_opt.programs.hindsight.depleting import DepletingOptimum, depleting_optimum
from adl_opt.programs.hindsight.fixed_vector import FixedVector, best_fixed_haircut_vector
from adl_opt.programs.hindsight.frontier import PathFrontier, severity_frontier
from adl_opt.programs.hindsight.severity import (
    SeverityOptimum,
    best_fixed,
    best_path,
    best_switching,
    per_round_optimum,
)

__all__ = [
    "DepletingOptimum",
    "FixedVector",
    "PathFrontier",
    "SeverityOptimum",
    "best_fixed",
    "best_fixed_haircut_vector",
    "best_path",
    "best_switching",
    "depleting_optimum",
    "per_round_optimum",
    "severity_frontier",
]
