"""What cannot be meant as a problem in contract space is refused, with the place and the value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adl_opt.checks import LARGEST_NUMBER, refuse
from adl_opt.errors import InputError
from adl_opt.kernels.arrays import vector
from adl_opt.kernels.contracts.base import ContractsProblem, IntArray


def checked_contracts(
    capacity: ArrayLike,
    account: ArrayLike,
    cell: ArrayLike,
    cap: ArrayLike,
    demand: ArrayLike,
    hard_cap: bool,
) -> ContractsProblem:
    """Refuse what cannot be meant."""
    u, need = vector("capacity", capacity, low=0.0), vector("demand", demand, low=0.0)
    most = vector("cap", cap, low=0.0)
    who = checked_index("account", account, most.size, u.size)
    where = checked_index("cell", cell, most.size, need.size)
    total = np.bincount(who, most, u.size)
    tiny = (u > 0) & (total / LARGEST_NUMBER > u)
    refuse(
        "capacity is too small to measure burdens by",
        tiny,
        lambda row: f"capacity[{row}] = {float(u[row])!r}, caps of {float(total[row])!r} USD",
        ["give 0 for an account that cannot pay"],
    )
    return ContractsProblem(u, who, where, most, need, hard_cap)


def checked_index(name: str, values: ArrayLike, size: int, count: int) -> IntArray:
    """Whole numbers in ``0..count - 1``, one for each leg."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.size != size:
        raise InputError(
            f"{name} is not one whole number for each leg",
            got=f"{array.dtype} of shape {array.shape} for {size} legs",
            ways_out=["give integers, one for each value of cap"],
        )
    wrong = (array < 0) | (array >= count)
    if wrong.any():
        refuse(
            f"{name} is out of range",
            wrong,
            lambda row: f"{name}[{row}] = {array[row]}",
            [f"give an index in 0..{count - 1}"],
        )
    return array.astype(np.int64)
