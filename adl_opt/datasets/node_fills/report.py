"""What an import of node fills found, kept, mended and left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, indexed
from adl_opt.datasets.node_fills.reconcile import SecondSnapshot
from adl_opt.datasets.node_fills.tally import Tally
from adl_opt.datasets.node_fills.times import iso
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.tabular import Noun

if TYPE_CHECKING:
    import pandas as pd


LISTED = 20
"""Most accounts that are off and are printed one by one; the JSON has them all."""


@dataclass(frozen=True, kw_only=True)
class NodeRound:
    """One imported round (money in USD).

    Accounts are margins: ``0xabc``, ``0xabc@xyz`` on a dex of others, ``0xabc#BTC`` isolated.  ``losers``
    have their deficits (None where no equity is known), which add up to that of the round.  ``production`` is
    H by markout in ms; ``haircuts`` are by account at the markout that was recorded.
    """

    number: int
    fills: int
    winners: int
    losers: dict[str, float | None]
    markets: int
    needed: float
    production: dict[int, float]
    haircuts: dict[str, float] = field(repr=False)
    in_contracts: bool = True
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
            lines.append(f"    - {self.positions_without_profit} positions without positive PNL")
        if not self.in_contracts:
            lines.append("    - an entry price is not known: the round is in wealth, not in contracts")
        if self.accounts_with_negative_equity:
            lines.append(
                f"    - {self.accounts_with_negative_equity} accounts with negative equity, capacity 0"
            )
        if self.cut_short:
            lines.append("    - the stream ends before the last markout: its last prices stand in")
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class NodeFillsReport(Noun):
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
    tally : Tally
        Every event by kind.
    moved : dict of str to float
        What moved the equity of all accounts beside events, USD; empty without a snapshot.
    closing : SecondSnapshot, optional
        The comparison with the second snapshot.
    roles : dict of str to str
        Vaults and liquidators among the accounts.
    """

    files: tuple[str, ...]
    counts: dict[str, int]
    notes: tuple[str, ...]
    troubles: str
    unused: int
    rounds: tuple[NodeRound, ...]
    tally: Tally
    moved: dict[str, float] = field(default_factory=dict)
    closing: SecondSnapshot | None = None
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def off(self) -> list[dict[str, Any]]:
        """Accounts that are not as the second snapshot has them, one row each."""
        return [] if self.closing is None else self.closing.off

    def frame(self) -> pd.DataFrame:
        """Return one row for each kind of event: read is the sum of the four counts after it."""
        return indexed(self.tally.rows(), "kind")

    def to_json(self) -> dict[str, Any]:
        """Return plain values: events by kind, equity, rounds, roles, the second snapshot, notes."""
        tally, closing = self.tally, self.closing
        compared = None
        if closing is not None:
            facts = {"time": None if closing.time is None else iso(closing.time)}
            facts |= {name: getattr(closing, name) for name in ("accounts", "met", "off")}
            compared = facts | {"by_cause": closing.by_cause()}
        return {
            "schema": SCHEMA,
            "files": list(self.files),
            "events": tally.rows(),
            "equity": {"start_usd": tally.start_usd, **self.moved, "end_usd": tally.end_usd}
            if self.moved
            else None,
            "reconciliation": compared,
            "roles": self.roles,
            "rounds": [asdict(line) for line in self.rounds],
            "counts": dict(self.counts),
            "unused": self.unused,
            "troubles": self.troubles,
            "notes": list(self.notes),
        }

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
        lines += [f"  {role}: {user}" for user, role in self.roles.items()]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join([*lines, *self._off(), *self._table()])

    def _off(self) -> list[str]:
        """Say how the books meet the second snapshot: by cause, and the first accounts that do not."""
        if (closing := self.closing) is None:
            return []
        lines = [f"  second snapshot: {closing.met} of {closing.accounts} accounts met to the cent"]
        lines += [
            f"    - {row['accounts']} off by {row['off_usd']:,.2f} USD in all: {row['cause']}"
            for row in closing.by_cause()
        ]
        return lines + [
            f"      {row['id']}: {row['books_usd']:,.2f} in the books, {row['snapshot_usd']:,.2f} there"
            for row in closing.off[:LISTED]
        ]

    def _table(self) -> list[str]:
        """Return the table of events; where equity is known, it ends with what else moved it."""
        frame, moved = self.frame(), self.moved
        frame.loc["all"] = frame.sum()
        rows = [("events", *(name.replace("_", " ") for name in frame.columns[:-1]), "equity moved, USD")]
        for kind, *counts, usd in frame.itertuples():
            rows.append((kind, *(f"{count:,.0f}" for count in counts), f"{usd:,.2f}" if moved else "-"))
        if moved:
            others = {"equity at the snapshot": self.tally.start_usd, **moved}
            others["equity at the end"] = self.tally.end_usd
            rows += [(name, *("",) * 5, f"{usd:,.2f}") for name, usd in others.items()]
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        padded = [
            [
                row[0].ljust(wide[0]),
                *(text.rjust(width) for text, width in zip(row[1:], wide[1:], strict=True)),
            ]
            for row in rows
        ]
        return ["", *("  " + "  ".join(row) for row in padded)]
