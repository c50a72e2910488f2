"""What an import found, kept and left out: the counts that no loader may swallow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from adl_opt.datasets.csv.rounds_table import GapsTable
from adl_opt.rounds.tables import Gaps
from adl_opt.tabular import Noun

COUNTS = ("left out in wealth", "kept at capacity 0", "entries replaced", "does not list")
"""Notes that count what the conventions say, and need not stand in the source line of an episode."""


@dataclass(frozen=True, kw_only=True)
class RoundImport:
    """One imported round.

    Parameters
    ----------
    number, fills, accounts, coins, positions : int
        ``positions`` counts those with positive PNL.
    fills_expected : int or None
        Fills that the rounds table names; None where it names none.
    positions_without_profit : int
        Positions that show no positive PNL: wealth leaves them out.
    accounts_with_negative_equity : int
        Accounts kept with capacity 0.
    deficit : float
        USD, as the round has it.
    deficit_of_losers : float or None
        USD, computed from the rows (enriched export only).
    entries_replaced : int
        Positions whose PNL does not follow from the file's entry price: they have the entry that it does.
    accounts_with_more : int
        Accounts with gains or losses in coins that the file does not list.
    in_contracts : bool
        False when a PNL would need an entry of at most 0, so that the round is in wealth.
    remarks : tuple of str
        What else does not agree.
    """

    number: int
    fills: int
    fills_expected: int | None
    accounts: int
    coins: int
    positions: int
    positions_without_profit: int
    accounts_with_negative_equity: int
    deficit: float
    deficit_of_losers: float | None
    entries_replaced: int = 0
    accounts_with_more: int = 0
    in_contracts: bool = True
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about this round, one sentence each."""
        notes = []
        if self.fills_expected not in (None, self.fills):
            notes.append(f"{self.fills} fills, the rounds table names {self.fills_expected}")
        if self.positions_without_profit:
            notes.append(f"{self.positions_without_profit} positions without positive PNL left out in wealth")
        if self.accounts_with_negative_equity:
            notes.append(
                f"{self.accounts_with_negative_equity} accounts with negative equity kept at capacity 0"
            )
        if self.entries_replaced and self.in_contracts:
            notes.append(f"{self.entries_replaced} entries replaced, for PNL does not follow from the file's")
        if self.accounts_with_more and self.in_contracts:
            notes.append(f"{self.accounts_with_more} accounts with PNL in coins that the file does not list")
        if not self.in_contracts:
            notes.append(
                "no entry above 0 gives the PNL of a position: the round is in wealth, without entries"
            )
        computed = self.deficit_of_losers
        if computed is not None and not math.isclose(computed, self.deficit, rel_tol=1e-9, abs_tol=1e-6):
            notes.append(
                f"deficit {self.deficit:.2f} USD of the rounds table used, the losers' rows give "
                f"{computed:.2f} ({computed - self.deficit:+.2f})"
            )
        return (*notes, *self.remarks)


@dataclass(frozen=True, kw_only=True)
class ImportReport(Noun):
    """One imported file; printing it gives every count.

    Parameters
    ----------
    file : str
    rows : int
        Rows of the file.
    rows_outside : int
        Rows that lie in no window.
    rows_not_chosen : int
        Rows of rounds that were not asked for.
    rounds : tuple of RoundImport
    export : str
        ``canonical``, ``derived`` (with time stamps as text) or ``enriched`` (with the losers' equity).
    notes : tuple of str
        What else a reader should know, and what is missing, one line each.
    """

    file: str
    rows: int
    rows_outside: int
    rows_not_chosen: int
    rounds: tuple[RoundImport, ...]
    export: str = "canonical"
    notes: tuple[str, ...] = ()

    @property
    def fills(self) -> dict[int, int]:
        """Fills by round number."""
        return {item.number: item.fills for item in self.rounds}

    @property
    def summary(self) -> str:
        """One line: rows used and not used."""
        used = sum(self.fills.values())
        return (
            f"{used} of {self.rows} rows used, {self.rows_outside} outside of every window, "
            f"{self.rows_not_chosen} in rounds not asked for"
        )

    @property
    def caveat(self) -> str:
        """What the episode's source line must carry on: partial rounds, and what does not agree."""
        rows = [
            f"; round {item.number}: {note}"
            for item in self.rounds
            for note in item.notes
            if not any(count in note for count in COUNTS)
        ]
        return "".join(rows)

    def __str__(self) -> str:
        known = "deficits can be computed" if self.export == "enriched" else "deficits are the rounds table's"
        lines = [f"{self.file}: {self.export} export ({known}); {self.summary}"]
        for item in self.rounds:
            lines.append(
                f"  round {item.number}: {item.fills} fills, {item.accounts} accounts, "
                f"{item.positions} positions, {item.coins} coins"
            )
            lines.extend(f"    - {note}" for note in item.notes)
        return "\n".join([*lines, *self.notes])


def compare_gaps(number: int, gaps: Gaps, by_coin: GapsTable, needed: float) -> tuple[str, ...]:
    """Return what of the gaps does not agree with their table or with the needed budget (USD)."""
    rows, remarks = by_coin.by_market(number), []
    quantity = {market: float(gaps.quantity[gaps.market == market].sum()) for market in gaps.market.tolist()}
    if absent := [market for market in rows if market not in quantity]:
        remarks.append(f"coins of the table of gaps without fills: {', '.join(absent)}")
    if by_coin.quantity is not None:
        expected = {market: float(by_coin.quantity[row]) for market, row in rows.items()}
        for market, found in quantity.items():
            if not math.isclose(found, expected[market], rel_tol=1e-9):
                remarks.append(f"{market}: {found:g} contracts, the table of gaps has {expected[market]:g}")
    total = math.fsum(gaps.gap)
    if not math.isclose(total, needed, rel_tol=1e-9, abs_tol=1e-6):
        remarks.append(f"gaps add up to {total:.2f} USD, the needed budget is {needed:.2f}")
    return tuple(remarks)
