"""Allocation: who pays a round's budget (the haircuts)."""

from adl_opt.allocation.base import AllocationRule, Claims
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation

__all__ = ["ALLOCATIONS", "AllocationRule", "Claims", "make_allocation"]
