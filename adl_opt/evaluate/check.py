"""The money invariants of an allocation, re-checked for every policy in every round."""

from __future__ import annotations

import numpy as np

from adl_opt.errors import PolicyError
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Allocation, Round

CENT = 0.01


def check_allocation(policy: str, round_: Round, allocation: Allocation) -> None:
    """Raise unless 0 <= x <= u, lots are whole and held, and lots add up to x within a cent per account.

    Raises
    ------
    PolicyError
        Names the policy, the round, the account and the value.
    """
    x, capacity = allocation.x, round_.accounts.capacity
    where = f"policy {policy!r}, round {round_.number}"
    if x.shape != capacity.shape:
        raise PolicyError(
            f"{where}: one haircut per account is needed",
            got=f"shape {x.shape} for {capacity.size} accounts",
            ways_out=["return x in the order of round.accounts"],
        )
    _refuse(where, round_, x, ~np.isfinite(x), "is not a finite number")
    _refuse(where, round_, x, x < 0, "is negative")
    _refuse(
        where, round_, x, x > capacity * (1 + 1e-12), "exceeds the account's capacity (positive PNL only)"
    )
    if allocation.lots is None:
        return
    positions = round_.positions
    if positions is None or allocation.lots.shape != positions.lots.shape:
        raise PolicyError(
            f"{where}: one count of lots per position is needed",
            got=f"shape {allocation.lots.shape}",
            ways_out=["return lots in the order of round.positions"],
        )
    lots = allocation.lots
    outside = (lots != np.rint(lots)) | (lots < 0) | (lots > positions.lots)
    if outside.any():
        row = int(np.argmax(outside))
        raise PolicyError(
            f"{where}: lots must be whole numbers from 0 to those held",
            got=f"position {row} ({positions.market[row]}): {lots[row]} of {positions.lots[row]}",
            ways_out=["round the lots and keep them within what is held"],
        )
    paid = np.bincount(positions.account, positions.lot_value * lots, minlength=x.size)
    apart = np.abs(paid - x) > CENT + 1e-12 * capacity
    _refuse(where, round_, x, apart, "does not equal its lots times their value within a cent")


def _refuse(
    where: str, round_: Round, x: Floats, wrong: np.ndarray[tuple[int], np.dtype[np.bool_]], why: str
) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise PolicyError(
            f"{where}: a haircut {why}",
            got=f"account {round_.accounts.id[row]} (row {row}): x = {x[row]!r}, "
            f"capacity = {round_.accounts.capacity[row]!r}",
            ways_out=["correct the allocation rule; haircuts are 0 <= x <= capacity, in USD"],
        )
