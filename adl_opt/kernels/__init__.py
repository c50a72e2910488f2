"""Closed forms and exact algorithms on plain numpy arrays (no nouns, no solver)."""

from adl_opt.kernels.groups import sums_before
from adl_opt.kernels.lots.choice import minmax_lots_choice
from adl_opt.kernels.lots.choice_result import LotsChoiceResult
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.kernels.median import weighted_median, weighted_median_interval
from adl_opt.kernels.paths import best_path_within, path_frontier
from adl_opt.kernels.project import project_capped, project_capped_kl
from adl_opt.kernels.queue import descending, fill_in_order
from adl_opt.kernels.switches import best_path_with_switches
from adl_opt.kernels.waterfill import waterfill

__all__ = [
    "LotsChoiceResult",
    "LotsResult",
    "best_path_with_switches",
    "best_path_within",
    "descending",
    "fill_in_order",
    "minmax_lots",
    "minmax_lots_choice",
    "path_frontier",
    "project_capped",
    "project_capped_kl",
    "sums_before",
    "waterfill",
    "weighted_median",
    "weighted_median_interval",
]
