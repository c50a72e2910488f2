"""What fewer payers cost in burden: the least largest burden for every number of accounts that may pay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adl_opt.checks import checked_usd
from adl_opt.kernels.lots.choice import minmax_lots_choice
from adl_opt.programs.terms.budget import solvency_gap
from adl_opt.programs.terms.grid import positions_of
from adl_opt.rounds.round import Round


@dataclass(frozen=True, kw_only=True)
class SelectionRow:
    """One number of payers.

    Parameters
    ----------
    accounts : int
        How many may pay.
    paying : int
        How many do.
    max_burden, lower_bound : float
        Largest burden made, and a proven bound that no choice of so many accounts goes below (unitless).
    overshoot_usd, shortfall_usd : float
        Above what is needed; what so many accounts lack: then the burden is not comparable.
    """

    accounts: int
    paying: int
    max_burden: float
    lower_bound: float
    overshoot_usd: float
    shortfall_usd: float


def accounts_versus_burden(round_: Round, needed: float, counts: Iterable[int]) -> list[SelectionRow]:
    """Return the least largest burden (of capacity, whole lots, solvent) for every number of payers.

    Parameters
    ----------
    round_ : Round
        With positions.
    needed : float
        B, USD >= 0; raised to [-Solv]_+ where that is more.
    counts : iterable of int
        Numbers of accounts, each >= 0.

    Returns
    -------
    list of SelectionRow
        In the order of ``counts``; the burden falls, or stays, as accounts are added.

    Raises
    ------
    InputError
        A round without positions, an amount or a count that is none.

    Notes
    -----
    One run of `minmax_lots_choice` for every count.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts, Positions
    >>> held = Positions(account=[0, 1], market=["m", "m"], lot_value=[3.0, 4.0], lots=[3, 2])
    >>> accounts = Accounts(id=["a", "b"], pnl=[9.0, 10.0], equity=[10.0, 10.0])
    >>> round_ = Round(deficit=8.0, accounts=accounts, positions=held)
    >>> for row in accounts_versus_burden(round_, 8.0, [1, 2]):
    ...     print(row.accounts, round(row.max_burden, 4), row.overshoot_usd)
    1 0.8 0.0
    2 0.6667 2.0
    """
    checked_usd("accounts_versus_burden", "needed", needed)
    held = positions_of("accounts_versus_burden", round_)
    required = max(float(needed), solvency_gap(round_))
    rows = []
    for count in counts:
        answer = minmax_lots_choice(
            round_.accounts.capacity, held.account, held.lot_value, held.lots, required, count
        )
        rows.append(
            SelectionRow(
                accounts=int(count),
                paying=answer.chosen.size,
                max_burden=answer.z,
                lower_bound=answer.lower_bound,
                overshoot_usd=max(answer.executed_usd - float(needed), 0.0),
                shortfall_usd=answer.shortfall_usd,
            )
        )
    return rows
