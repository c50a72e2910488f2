"""Closed forms and exact algorithms on plain numpy arrays (no nouns, no solver)."""

from adl_opt.kernels.groups import sums_before
from adl_opt.kernels.lots import minmax_lots
from adl_opt.kernels.lots_result import LotsResult
from adl_opt.kernels.median import weighted_median, weighted_median_interval
from adl_opt.kernels.project import project_capped, project_capped_kl
from adl_opt.kernels.queue import descending, fill_in_order
from adl_opt.kernels.waterfill import waterfill

__all__ = [
    "LotsResult",
    "descending",
    "fill_in_order",
    "minmax_lots",
    "project_capped",
    "project_capped_kl",
    "sums_before",
    "waterfill",
    "weighted_median",
    "weighted_median_interval",
]
