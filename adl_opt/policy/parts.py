"""The allocation of a policy, by its name."""

from __future__ import annotations

from typing import Any

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.catalogue import make_allocation
from adl_opt.policy.refusals import path_as_name

MODEL = "model:"
"""What stands before the name of a model of the catalogue."""


def allocation_named(name: str, params: dict[str, Any]) -> AllocationRule:
    """Return the allocation of a name, or the one that a model of the catalogue is."""
    if not name.startswith(MODEL):
        return make_allocation(name, **params)
    from adl_opt.catalogue import allocation_of, is_path, load_model

    title = name.removeprefix(MODEL)
    if is_path(title):
        raise path_as_name(name)
    return allocation_of(load_model(title, **params))
