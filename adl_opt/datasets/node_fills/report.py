"""What an import of node fills found, kept, mended and left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class NodeRound:
    """One imported round (money in USD).

    ``production`` is H by markout in ms; ``haircuts`` are by account at the markout that was recorded.
    """

    number: int
    fills: int
    winners: int
    losers: tuple[str, ...]
    markets: int
    needed: float
    production: dict[int, float]
    haircuts: dict[str, float] = field(repr=False)
    positions_without_profit: int = 0
    accounts_with_negative_equity: int = 0
    cut_short: bool = False

    def __str__(self) -> str:
        marks = ", ".join(f"{usd:,.2f} at {ms} ms" for ms, usd in self.production.items())
        lines = [
            f"  round {self.number}: {self.fills} ADL fills, {self.winners} winners, "
            f"{len(self.losers)} losers, {self.markets} markets, "
            f"needed {self.needed:,.2f} USD, production {marks}"
        ]
        if self.positions_without_profit:
            lines.append(f"    - {self.positions_without_profit} positions without positive PNL left out")
        if self.accounts_with_negative_equity:
            lines.append(
                f"    - {self.accounts_with_negative_equity} accounts with negative equity, capacity 0"
            )
        if self.cut_short:
            lines.append("    - the stream ends before the last markout: its last prices stand in")
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class NodeFillsReport:
    """One import; printing it gives every count.

    Parameters
    ----------
    files : tuple of str
        In the order they were read.
    counts : dict of str to int
        Blocks, fills, and what was passed over or mended, by name.
    notes : tuple of str
        What a reader of the episode should know, one sentence each.
    troubles : str
        What could not be used, in one line.
    unused : int
        How many lines or events that were.
    rounds : tuple of NodeRound
    """

    files: tuple[str, ...]
    counts: dict[str, int]
    notes: tuple[str, ...]
    troubles: str
    unused: int
    rounds: tuple[NodeRound, ...]

    def haircuts(self, episode: Episode) -> pd.DataFrame:
        """Return what production took from each winner, one row per round and account (USD).

        Parameters
        ----------
        episode : Episode
            The one that came with this report.

        Returns
        -------
        DataFrame
            Columns round, id, equity_usd, capacity_usd, haircut_usd, information (``observed``).
        """
        import pandas as pd

        parts = []
        for line, (round_, _) in zip(self.rounds, episode, strict=True):
            accounts = round_.accounts
            ids = accounts.id.tolist()
            columns = {
                "round": line.number,
                "id": ids,
                "equity_usd": accounts.equity,
                "capacity_usd": accounts.capacity,
                "haircut_usd": [line.haircuts[user] for user in ids],
                "information": Information.OBSERVED.value,
            }
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        lines = [f"{', '.join(self.files)}: {counts}; {self.troubles}"]
        lines += [str(item) for item in self.rounds]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)
