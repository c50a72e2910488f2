"""Closed forms and exact algorithms on plain numpy arrays (no nouns, no solver)."""

from adl_opt.kernels.lots import minmax_lots
from adl_opt.kernels.lots_result import LotsResult

__all__ = ["LotsResult", "minmax_lots"]
