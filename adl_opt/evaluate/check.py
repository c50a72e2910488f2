"""The money invariants of an allocation, re-checked for every policy in every round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adl_opt.allocation.pots import most_of
from adl_opt.errors import PolicyError
from adl_opt.rounds.closures import NAMES
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.round import Allocation, Round

CENT = 0.01


def check_allocation(
    policy: str, round_: Round, allocation: Allocation, *, positive_pnl_only: bool = True
) -> None:
    """Raise unless 0 <= x <= u, lots are whole and held, and lots add up to x within a cent per account.

    In contracts, u is the sum over the pots of an account (and no limit without ``positive_pnl_only``), and
    every closure must be on the other side of the market of its row, and within what is to be closed.

    Raises
    ------
    PolicyError
        Names the policy, the round, the account and the value.
    """
    x, capacity = allocation.x, most_of(round_)
    where = f"policy {policy!r}, round {round_.number}"
    if x.shape != capacity.shape:
        raise PolicyError(
            f"{where}: one haircut per account is needed",
            got=f"shape {x.shape} for {capacity.size} accounts",
            ways_out=["return x in the order of round.accounts"],
        )
    _refuse(where, round_, x, ~np.isfinite(x), "is not a finite number")
    _refuse(where, round_, x, x < 0, "is negative")
    if positive_pnl_only:
        above = x > capacity * (1 + (1e-12 if round_.space == WEALTH else 1e-9))
        _refuse(where, round_, x, above, "exceeds the account's capacity (positive PNL only)")
    if allocation.lots is None and round_.space == WEALTH:
        return
    positions = round_.positions
    lots = allocation.lots
    if positions is None or lots is None or lots.shape != positions.lots.shape:
        raise PolicyError(
            f"{where}: one count of lots per position is needed",
            got="no lots" if lots is None else f"shape {lots.shape}",
            ways_out=["return lots in the order of round.positions"],
        )
    outside = (lots != np.rint(lots)) | (lots < 0) | (lots > positions.lots)
    if outside.any():
        row = int(np.argmax(outside))
        raise PolicyError(
            f"{where}: lots must be whole numbers from 0 to those held",
            got=f"position {row} ({positions.market[row]}): {lots[row]} of {positions.lots[row]}",
            ways_out=["round the lots and keep them within what is held"],
        )
    if round_.space == CONTRACTS:
        _check_closures(where, round_, allocation)
        return
    paid = np.bincount(positions.account, positions.lot_value * lots, minlength=x.size)
    apart = np.abs(paid - x) > CENT + 1e-12 * capacity
    _refuse(where, round_, x, apart, "does not equal its lots times their value within a cent")


def _check_closures(where: str, round_: Round, allocation: Allocation) -> None:
    """Raise unless lots are closed on the other side of their market, within the flow, and add up to x."""
    flow, held, closures = round_.flow, round_.positions, allocation.closures
    if flow is None or flow.side is None or held is None or held.side is None or closures is None:
        raise PolicyError(
            f"{where}: an allocation in contracts needs its closures",
            got="no closures",
            ways_out=["let the rule answer by close(), which names lots of a cell"],
        )
    position, row, x = closures.position, closures.row, allocation.x
    sides = [NAMES[side] for side in held.side.tolist()]
    losers = [f"{NAMES[side]} {market}" for market, side in zip(flow.market, flow.side.tolist(), strict=True)]
    other = (held.market[position] != flow.market[row]) | (held.side[position] != -flow.side[row])
    beyond = np.bincount(row, closures.contracts, len(flow)) > flow.quantity * (1 + 1e-9) + 1e-9
    of_position = np.bincount(position, closures.lots, len(held))
    apart = of_position != allocation.lots
    faults: tuple[tuple[np.ndarray[Any, Any], str, Callable[[int], str]], ...] = (
        (
            other,
            "a position is closed against losers of its own side, or of another market",
            lambda k: (
                f"position {position[k]} ({sides[position[k]]} {held.market[position[k]]}) "
                f"against row {row[k]} of the flow (losers: {losers[row[k]]})"
            ),
        ),
        (
            beyond,
            "more is closed than is to be closed of a market and side",
            lambda k: f"row {k} of the flow (losers: {losers[k]}): {flow.quantity[k]:g} contracts",
        ),
        (
            apart,
            "the lots of a position are not those of its closures",
            lambda k: f"position {k} ({sides[k]} {held.market[k]}): its closures have {of_position[k]} lots",
        ),
    )
    for wrong, what, show in faults:
        if wrong.any():
            ways_out = ["close only positions on the other side of the market of each row"]
            raise PolicyError(f"{where}: {what}", got=show(int(np.argmax(wrong))), ways_out=ways_out)
    apart = np.abs(closures.haircuts(x.size) - x) > CENT
    _refuse(where, round_, x, apart, "does not equal its contracts times their value within a cent")


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
