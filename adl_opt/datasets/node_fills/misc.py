"""Misc events, which go with the fills: funding, deposits, withdrawals, transfers, account values.

JSON lines ``{"events": [{"time": ..., "inner": {KIND: {...}}}]}`` in order of time, plain or LZ4 frame.
Known kinds: ``Funding`` (``deltas`` of user and usd), ``UserNonFundingLedgerUpdate`` (user, ``delta`` of
Deposit, Withdraw or Transfer with usd), ``UserAccountValue`` (user, accountValue: equity from then on).
Any other kind is counted by name and not applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.decode import json_line, number_of, text_of
from adl_opt.datasets.node_fills.lines import Advance, UnpackLimits, file_pieces, lines_of
from adl_opt.datasets.node_fills.times import milliseconds
from adl_opt.datasets.node_fills.troubles import Troubles

_SIGN = {"Deposit": 1.0, "Withdraw": -1.0, "Transfer": 1.0}
Change = tuple[str, float, bool]
"""User, USD, and whether that is the account's new equity rather than a change of cash."""


@dataclass
class Misc:
    """Applies misc events up to a time; ``skipped`` counts by kind what is not applied.

    ``before`` counts changes up to the time of the snapshot, which has them in it already.
    """

    paths: tuple[Path, ...]
    troubles: Troubles
    limits: UnpackLimits
    advance: Advance | None = None
    applied: int = 0
    late: int = 0
    before: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    _ahead: tuple[int, list[Change]] | None = None
    _stream: Iterator[tuple[int, list[Change]]] | None = None

    def upto(self, time: int, books: Books) -> None:
        """Apply what lies before or at this time (ms)."""
        if self._stream is None:
            self._stream = self._events()
            self._ahead = next(self._stream, None)
        while self._ahead is not None and self._ahead[0] <= time:
            seen = books.time is not None and self._ahead[0] <= books.time
            self.before += seen * len(self._ahead[1])
            for user, usd, whole in () if seen else self._ahead[1]:
                if whole:
                    books.set_equity(user, usd)
                else:
                    books.cash[user] = books.cash.get(user, 0.0) + usd
                self.applied += 1
            self._ahead = next(self._stream, None)

    def _events(self) -> Iterator[tuple[int, list[Change]]]:
        last = 0
        for path in self.paths:
            pieces = file_pieces(path)
            for line, text, _ in lines_of(path.name, pieces, self.troubles, self.limits, self.advance):
                if not text.strip():
                    continue
                try:
                    data = json_line(text)
                    events = data.get("events", [data])
                    if type(events) is not list:
                        raise ValueError("has no list of events")
                except ValueError as error:
                    self.troubles.add(path.name, line, str(error))
                    continue
                for index, event in enumerate(events, start=1):
                    try:
                        stamp = event.get("time", data.get("block_time"))
                        time, changes = milliseconds(stamp)[0], self._changes(event)
                    except (ValueError, TypeError, KeyError, AttributeError) as error:
                        why = f"event {index}: {type(error).__name__}: {error}"
                        self.troubles.add(path.name, line, "has a misc event that cannot be used", why)
                        continue
                    self.late += time < last
                    last = max(time, last)
                    yield time, changes

    def _changes(self, event: dict[str, Any]) -> list[Change]:
        inner = event.get("inner", event)
        if "Funding" in inner:
            deltas = inner["Funding"]["deltas"]
            return [
                (text_of(delta["user"]), _usd(delta, "usd", "usdDelta", "amount"), False) for delta in deltas
            ]
        if "UserAccountValue" in inner:
            body = inner["UserAccountValue"]
            return [(text_of(body["user"]), _usd(body, "accountValue", "account_value"), True)]
        if "UserNonFundingLedgerUpdate" in inner:
            body = inner["UserNonFundingLedgerUpdate"]
            for kind, sign in _SIGN.items():
                if kind in body["delta"]:
                    return [(text_of(body["user"]), sign * _usd(body["delta"][kind], "usd"), False)]
            self._skip("UserNonFundingLedgerUpdate/" + next(iter(body["delta"]), "nothing"))
            return []
        self._skip(next((key for key in inner if key not in ("time", "hash")), "nothing"))
        return []

    def _skip(self, kind: str) -> None:
        self.skipped[kind if kind in self.skipped or len(self.skipped) < 50 else "other"] += 1


def _usd(body: dict[str, Any], *names: str) -> float:
    for name in names:
        if body.get(name) is not None:
            return number_of(body[name], name)
    raise KeyError(names[0])
