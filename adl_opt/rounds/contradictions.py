"""What the tables of a round must not say of each other.

The functions take columns, or tables as they come, so that :mod:`adl_opt.rounds.round` can stand on them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats, Ints, Text, refuse_row
from adl_opt.rounds.contracts import WEALTH

CENT = 0.01
NEAR = 1e-9
"""Sums that differ by less than a cent, or by less than this share of their parts, are the same."""

APART = 500.0
"""Marks of one market that differ by more than this factor are in different units.

Smaller differences are allowed: a venue may have a mark for each side, and recordings have the prices of
executions, at other times, in the place of marks.
"""


def refuse_contradictions(space: str, accounts: Any, held: Any, flow: Any) -> None:
    """Refuse the Accounts, Positions and Flow of a round in a space where they do not agree.

    Raises
    ------
    InputError
        In wealth: lots that are worth nothing.  In contracts: a PNL that does not follow from side, entry and
        mark, or is not that of the account; a capacity above equity; two contracts in one market; a
        hedged pair of one leg; marks of flow and positions that are in different units.
    """
    if space == WEALTH:
        ways_out = ["give the flow its sides", "leave positions without profit out"]
        why = "must be above 0 in a round in wealth"
        refuse_row("positions", "lot_value", held.lot_value, held.lot_value <= 0, why, ways_out)
        return
    _refuse_above_equity(accounts.capacity, accounts.equity)
    terms = {name: getattr(held, name) for name in ("kind", "multiplier", "settlement_rate")}
    _refuse_other_terms(held.markets[1], **terms)
    _refuse_other_pnl(held.lots, held.lot_value, held.lot_pnl)
    _refuse_other_sums(accounts.pnl, held.account, held.pnl)
    _refuse_single_legs(held.account, held.hedge)
    _refuse_other_marks(held.markets, held.mark, flow.market, flow.mark)


def refuse_other_caps(accounts: Any) -> None:
    """Refuse two caps of one cohort, and a cap of cohorts that are not named.

    Raises
    ------
    InputError
        Names the row.
    """
    caps = accounts.cohort_cap
    if caps is None:
        return
    why, ways_out = "has no cohort that it holds for", ["give the column cohort", "leave cohort_cap out"]
    refuse_row("accounts", "cohort_cap", caps, np.full(caps.size, accounts.cohort is None), why, ways_out)
    _, first, code = np.unique(accounts.cohort, return_index=True, return_inverse=True)
    why, ways_out = "is another than that of its cohort in another row", ["give a cohort one cap"]
    refuse_row("accounts", "cohort_cap", caps, caps != caps[first][code], why, ways_out)


def _refuse_single_legs(account: Ints, hedge: Ints) -> None:
    """Refuse a position of a hedged pair whose account has no other leg of it."""
    rows = np.flatnonzero(hedge > 0)
    _, code, count = np.unique(
        np.stack([account[rows], hedge[rows]]), axis=1, return_inverse=True, return_counts=True
    )
    alone = np.zeros(hedge.size, dtype=np.bool_)
    alone[rows] = (count == 1)[code.ravel()]
    ways_out = ["number the other leg too", "give it 0: it belongs to no pair"]
    refuse_row("positions", "hedge", hedge, alone, "is that of no other position of its account", ways_out)


def _refuse_other_marks(markets: tuple[Text, Ints], held: Floats, market: Text, mark: Floats) -> None:
    """Refuse a mark of the flow, (k,) USD, that is far from all marks that positions of its market have."""
    names, code = markets
    high = np.zeros(names.size)
    np.maximum.at(high, code, held)
    low = np.full(names.size, np.inf)
    np.minimum.at(low, code, held)
    at = np.minimum(np.searchsorted(names, market), names.size - 1)
    apart = (names[at] == market) & ((mark > APART * high[at]) | (mark < low[at] / APART))
    why = f"is more than {APART:g} times apart from the marks of the positions in its market"
    ways_out = ["give both marks in USD for one contract", "correct the mark of the flow or of the positions"]
    refuse_row("flow", "mark", mark, apart, why, ways_out)


def _refuse_other_pnl(lots: Ints, lot_value: Floats, lot_pnl: Floats) -> None:
    """Refuse a value of lots that is not the PNL that follows from side, entry and mark, both (m,) USD."""
    apart = np.abs(lot_value - lot_pnl) * lots > CENT + NEAR * np.abs(lot_pnl) * lots
    why = "is not the PNL of a lot by side, entry and mark"
    ways_out = ["leave lot_value out: it follows", "correct side, entry, mark, lot_size or multiplier"]
    refuse_row("positions", "lot_value", lot_value, apart, why, ways_out)


def _refuse_other_sums(pnl: Floats, account: Ints, of_position: Floats) -> None:
    """Refuse an account whose PNL is not the sum over its positions; one without positions may have any."""
    held = np.bincount(account, of_position, minlength=pnl.size)
    parts = np.bincount(account, np.abs(of_position), minlength=pnl.size)
    listed = np.bincount(account, minlength=pnl.size) > 0
    apart = listed & (np.abs(held - pnl) > CENT + NEAR * (parts + np.abs(pnl)))
    why = "is not the sum of the PNL of the account's positions"
    ways_out = ["give all positions of the account, its losing ones too", "correct the PNL"]
    refuse_row("accounts", "pnl", pnl, apart, why, ways_out)


def _refuse_above_equity(capacity: Floats, equity: Floats) -> None:
    """Refuse a capacity above the account's equity: more than the venue holds of it cannot be taken."""
    above = capacity > np.maximum(equity, 0.0) * (1.0 + NEAR)
    ways_out = ["lower the capacity", "leave it out: it is then min(pnl+, equity+)"]
    refuse_row("accounts", "capacity", capacity, above, "exceeds the account's equity", ways_out)


def _refuse_other_terms(code: Ints, **terms: npt.NDArray[np.generic]) -> None:
    """Refuse two kinds, multipliers or settlement rates of one market; ``code`` numbers the markets."""
    if not code.size:
        return
    first = np.full(int(code.max()) + 1, -1, dtype=np.int64)
    first[code[::-1]] = np.arange(code.size)[::-1]
    for name, values in terms.items():
        other = values != values[first[code]]
        why = "is another than that of the same market in an earlier row"
        ways_out = ["give all positions of a market the same contract", "give the contracts two market names"]
        refuse_row("positions", name, values, other, why, ways_out)
