"""The money invariants of an allocation, re-checked for every policy in every round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from adl_opt.errors import PolicyError
from adl_opt.rounds.closures import NAMES, Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.options import closable, cohorts, out_of_band, uneven_legs
from adl_opt.rounds.owners import Owners
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Round

CENT = 0.01
NEAR = 1e-8
"""Share of a cap or of a least quantity that counts as rounding: whole lots are cut with a slack of 1e-9."""


def check_allocation(
    policy: str, round_: Round, allocation: Allocation, *, positive_pnl_only: bool = True
) -> None:
    """Raise unless 0 <= x <= u, lots are whole and held, and lots add up to x within a cent per account.

    In contracts, u is the sum over the pots of an account (and no limit without ``positive_pnl_only``), and
    every closure must be on the other side of the market of its row, and within what is to be closed.  The
    options of the round must be obeyed; sub-accounts of one owner are checked as one account.

    Raises
    ------
    PolicyError
        Names the policy, the round, the account and the value.
    """
    where = f"policy {policy!r}, round {round_.number}"
    _check_shape(where, round_, allocation)
    if (owners := Owners.of(round_)) is not None:
        round_, allocation = owners.round, owners.join(allocation)
    x, capacity = allocation.x, capacity_of(round_)
    _refuse(where, round_, x, ~np.isfinite(x), "is not a finite number")
    _refuse(where, round_, x, x < 0, "is negative")
    if positive_pnl_only:
        above = x > capacity * (1 + (1e-12 if round_.space == WEALTH else 1e-9))
        _refuse(where, round_, x, above, "exceeds the account's capacity (positive PNL only)")
    _check_caps(where, round_, x)
    positions, lots = round_.positions, allocation.lots
    if positions is None or (lots is None and round_.space == WEALTH):
        return
    if lots is None or (round_.space == CONTRACTS and allocation.closures is None):
        raise PolicyError(
            f"{where}: an allocation in contracts needs its lots and closures",
            got="no lots" if lots is None else "no closures",
            ways_out=["let the rule answer by close(), which names lots of a cell"],
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
        _check_closures(where, round_, x, lots, allocation.closures)
        return
    paid = np.bincount(positions.account, positions.lot_value * lots, minlength=x.size)
    apart = np.abs(paid - x) > CENT + 1e-12 * capacity
    _refuse(where, round_, x, apart, "does not equal its lots times their value within a cent")


def _check_shape(where: str, round_: Round, allocation: Allocation) -> None:
    """Raise unless there is one haircut for each account, and one count of lots for each position."""
    x, lots, held = allocation.x, allocation.lots, round_.positions
    if x.shape != round_.accounts.capacity.shape:
        raise PolicyError(
            f"{where}: one haircut per account is needed",
            got=f"shape {x.shape} for {len(round_.accounts)} accounts",
            ways_out=["return x in the order of round.accounts"],
        )
    if lots is not None and (held is None or lots.shape != held.lots.shape):
        raise PolicyError(
            f"{where}: one count of lots per position is needed",
            got=f"shape {lots.shape}",
            ways_out=["return lots in the order of round.positions"],
        )


def _check_caps(where: str, round_: Round, x: Floats) -> None:
    """Raise unless exempt accounts give up nothing, and no account or cohort more than its cap."""
    accounts = round_.accounts
    if accounts.exempt is not None:
        _refuse(where, round_, x, (accounts.exempt == 1) & (x > 0), "is that of an exempt account")
    if accounts.cap is not None:
        _refuse(where, round_, x, x > accounts.cap * (1 + NEAR), "exceeds the cap of the account")
    if accounts.cohort_cap is not None:
        cohort, cap = cohorts(accounts)
        above = (np.bincount(cohort, x) > cap * (1 + NEAR))[cohort]
        _refuse(where, round_, x, above & (x > 0), "belongs to a cohort that gives up more than its cap")


def _check_options(where: str, round_: Round, closures: Closures, lots: Ints) -> None:
    """Raise unless exempt accounts, bands, least quantities and hedged pairs are respected in contracts."""
    flow, held = round_.flow, round_.positions
    assert flow is not None  # noqa: S101
    assert held is not None  # noqa: S101
    position, row = closures.position, closures.row
    least = np.zeros(len(flow)) if flow.min_quantity is None else flow.min_quantity
    pairs, code = np.unique(row * len(held) + position, return_inverse=True)
    quantity, of_row = np.bincount(code, closures.contracts), pairs // max(len(held), 1)
    exempt = lots > closable(round_.accounts, held)
    uneven = uneven_legs(held, lots)[0]
    for rows, what in (
        (np.flatnonzero(exempt), "a position of an exempt account is closed"),
        (row[out_of_band(flow)[row]], "a row is closed outside of its price band"),
        (of_row[quantity < least[of_row] * (1 - NEAR)], "less is closed of a position than the least"),
        (uneven, "one leg of a hedged pair is closed without the other"),
    ):
        if rows.size:
            got = f"row {int(rows[0])}"
            raise PolicyError(f"{where}: {what}", got=got, ways_out=["correct the allocation rule"])


def _check_closures(where: str, round_: Round, x: Floats, closed: Ints, closures: Closures | None) -> None:
    """Raise unless lots are closed on the other side of their market, within the flow, and add up to x."""
    flow, held = round_.flow, round_.positions
    assert closures is not None  # noqa: S101
    assert flow is not None  # noqa: S101
    assert flow.side is not None  # noqa: S101
    assert held is not None  # noqa: S101
    assert held.side is not None  # noqa: S101
    position, row = closures.position, closures.row
    same = (held.market[position] == flow.market[row]) & (held.side[position] == -flow.side[row])
    beyond = np.bincount(row, closures.contracts, len(flow)) > flow.quantity * (1 + 1e-9) + 1e-9
    lots = np.bincount(position, closures.lots, len(held)) != closed
    other = (closures.lots < 0) | (closures.account != held.account[position])
    other |= np.abs(closures.contracts - closures.lots * held.lot_size[position]) > NEAR * closures.contracts
    side, losers = held.side, flow.side

    def of_position(k: int) -> str:
        return f"position {k} ({NAMES[int(side[k])]} {held.market[k]})"

    def of_row(k: int) -> str:
        return f"row {k} of the flow (losers: {NAMES[int(losers[k])]} {flow.market[k]})"

    faults: tuple[tuple[npt.NDArray[np.bool_], str, Callable[[int], str]], ...] = (
        (
            ~same,
            "a position is closed against losers of its own side, or of another market",
            lambda k: f"{of_position(position[k])} against {of_row(row[k])}",
        ),
        (beyond, "more is closed than is to be closed of a market and side", of_row),
        (
            other,
            "a closure is not of the lots and the account of its position",
            lambda k: of_position(position[k]),
        ),
        (lots, "the lots of a position are not those of its closures", of_position),
    )
    for wrong, what, show in faults:
        if wrong.any():
            got, ways_out = (
                show(int(np.argmax(wrong))),
                ["close positions of the other side of each row only"],
            )
            raise PolicyError(f"{where}: {what}", got=got, ways_out=ways_out)
    _check_options(where, round_, closures, closed)
    apart = np.abs(closures.haircuts(x.size) - x) > CENT
    _refuse(where, round_, x, apart, "does not equal its contracts times their value within a cent")


def _refuse(
    where: str, round_: Round, x: Floats, wrong: np.ndarray[tuple[int], np.dtype[np.bool_]], why: str
) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise PolicyError(
            f"{where}: a haircut {why}",
            got=f"account {round_.accounts.id[row]} (row {row}): x = {float(x[row])!r}, "
            f"capacity = {float(round_.accounts.capacity[row])!r}",
            ways_out=["correct the allocation rule; haircuts are 0 <= x <= capacity, in USD"],
        )
