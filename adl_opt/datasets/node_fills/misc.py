"""Misc events, which go with the fills: funding, deposits, withdrawals, transfers, account values.

JSON lines ``{"events": [{"time": ..., "inner": {KIND: {...}}}]}`` in order of time, plain or LZ4 frame.
:mod:`.ledger` knows the kinds.  Every event is counted by kind; one that cannot be applied is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.decode import MOST_EVENTS, json_line
from adl_opt.datasets.node_fills.ledger import (
    CashMove,
    funding_of,
    kind_of,
    moves_of,
    users_of,
    vault_of,
)
from adl_opt.datasets.node_fills.lines import Advance, UnpackLimits, file_pieces, lines_of
from adl_opt.datasets.node_fills.roles import VAULT, Roles
from adl_opt.datasets.node_fills.tally import Tally
from adl_opt.datasets.node_fills.times import milliseconds
from adl_opt.datasets.node_fills.troubles import Troubles

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""What an event raises that cannot be read, or whose money has no known way."""

Event = tuple[int, str, list[CashMove]]
"""Time in ms, kind, moves."""


@dataclass
class Misc:
    """Applies misc events up to a time; ``tally`` counts them by kind.

    ``files`` are the parts of each file, by name.  What lies before the snapshot is in it already.
    """

    files: Sequence[tuple[str, tuple[Path, ...]]]
    troubles: Troubles
    limits: UnpackLimits
    tally: Tally
    roles: Roles
    advance: Advance | None = None
    late: int = 0
    _ahead: Event | None = None
    _stream: Iterator[Event] | None = field(default=None, repr=False)

    def upto(self, time: float, books: Books) -> None:
        """Apply what lies before or at this time (ms)."""
        if self._stream is None:
            self._stream = self._events()
            self._ahead = next(self._stream, None)
        while self._ahead is not None and self._ahead[0] <= time:
            when, kind, moves = self._ahead
            if books.time is not None and when <= books.time:
                self.tally.add(kind, "in_snapshot")
            else:
                self.tally.add(kind, "applied", usd=sum(_applied(move, books) for move in moves))
            self._ahead = next(self._stream, None)

    def _events(self) -> Iterator[Event]:
        last = 0
        for name, paths in self.files:
            pieces = file_pieces(*paths)
            for line, text, _ in lines_of(name, pieces, self.troubles, self.limits, self.advance):
                if not text.strip():
                    continue
                try:
                    data = json_line(text)
                    events = data.get("events", [data])
                    if type(events) is not list or len(events) > MOST_EVENTS:
                        raise ValueError(f"has no list of at most {MOST_EVENTS:,} events")
                except ValueError as error:
                    self.troubles.add(name, line, str(error))
                    continue
                for index, event in enumerate(events, start=1):
                    if (found := self._event(event, data, (name, line, index))) is not None:
                        self.late += found[0] < last
                        last = max(found[0], last)
                        yield found

    def _event(self, event: Any, data: dict[str, Any], at: tuple[str, int, int]) -> Event | None:
        kind = "misc event that cannot be read"
        try:
            inner = event.get("inner", event)
            kind = kind_of(inner)
            time = milliseconds(event.get("time", data.get("block_time")))[0]
            moves = self._funding(inner["Funding"]["deltas"], at) if kind == "Funding" else moves_of(inner)
        except UNREADABLE as error:
            self._refuse(kind, error, event, at)
            return None
        if not moves:
            self.tally.add(kind, "without_effect")
            return None
        if vault := vault_of(inner, moves):
            self.roles.note(vault, VAULT)
        return time, kind, moves

    def _funding(self, deltas: list[Any], at: tuple[str, int, int]) -> list[CashMove]:
        """Return what funding moves; one account that cannot be read does not stop the others."""
        moves = []
        for delta in deltas:
            try:
                moves.append(funding_of(delta))
            except UNREADABLE as error:
                self._refuse("Funding of an account", error, delta, at)
        return moves

    def _refuse(self, kind: str, error: Exception, event: Any, at: tuple[str, int, int]) -> None:
        name, line, index = at
        kind = kind if kind.isprintable() and len(kind) <= 80 else "other"
        why = f"event {index}, {kind}: {type(error).__name__}: {error}"
        self.troubles.add(name, line, "has a misc event that cannot be used", f"{why:.240}")
        self.tally.add(kind, "refused")
        for user in users_of(event):
            self.tally.refusals.setdefault(user, kind)


def _applied(move: CashMove, books: Books) -> float:
    """Apply a move; return what it moved."""
    if move.whole:
        return books.set_equity(move.cross, move.usd)
    margin = books.margin(move.user, move.coin) if move.coin else move.cross
    books.cash[margin] = books.cash.get(margin, 0.0) + move.usd
    return move.usd
