"""The books against a second snapshot: every account to the cent, and why one is off.

An account here is a user on a dex: its cross margin and its isolated positions together.  Both sides are
valued at the marks of the second snapshot, so that no price stands between them.  The cause is the first of
these that holds: a misc event that names the user was refused; the account is not in the first snapshot, a
fill of it did not start from what the book held, or paid its fee in another token; its positions are others
than those of the snapshot (fills are missing); only one side has it.  Else it is not known.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.margins import user_of

CENT = 0.01
"""Equities that differ by no more are the same (USD)."""

SLACK = 1e-9
"""Sizes that differ by no more than this share are the same."""

ROUNDING = 1e-12
"""What rounding of floats may add to a cent, as a share of the equity."""


@dataclass
class SecondSnapshot:
    """A second snapshot, and what the comparison found.

    Parameters
    ----------
    snapshot : Books
    accounts, met : int
        How many accounts were compared, and how many are met to the cent.
    off : list of dict
        One row for each other account: ``id``, ``books_usd``, ``snapshot_usd``, ``off_usd``, ``cause``.
    """

    snapshot: Books
    accounts: int = 0
    met: int = 0
    off: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False

    @property
    def time(self) -> int | None:
        """When the snapshot was taken, ms; None where it is not known."""
        return self.snapshot.time

    def compare(self, books: Books, refusals: dict[str, str]) -> None:
        """Hold the books against the snapshot; ``refusals`` are kinds of refused misc events by user."""
        self.done = True
        prices = books.prices | self.snapshot.prices
        for cross in dict.fromkeys([*books.crosses(), *self.snapshot.crosses()]):
            mine, theirs = (side.whole_equity(cross, prices) for side in (books, self.snapshot))
            self.accounts += 1
            if abs(mine - theirs) <= CENT + ROUNDING * max(abs(mine), abs(theirs)):
                self.met += 1
                continue
            cause = self._cause(books, cross, refusals)
            row = {"id": cross, "books_usd": mine, "snapshot_usd": theirs, "off_usd": mine - theirs}
            self.off.append(row | {"cause": cause})

    def by_cause(self) -> list[dict[str, Any]]:
        """Return one row for each cause: accounts, and USD that they are off by in all (sizes summed)."""
        accounts: Counter[str] = Counter()
        usd: Counter[str] = Counter()
        for row in self.off:
            accounts[row["cause"]] += 1
            usd[row["cause"]] += abs(row["off_usd"])
        return [
            {"cause": cause, "accounts": n, "off_usd": float(usd[cause])} for cause, n in accounts.items()
        ]

    def _cause(self, books: Books, cross: str, refusals: dict[str, str]) -> str:
        mine, theirs = _sizes(books, cross), _sizes(self.snapshot, cross)
        apart = [coin for coin in {**mine, **theirs} if not _same(mine.get(coin, 0.0), theirs.get(coin, 0.0))]
        if (kind := refusals.get(user_of(cross))) is not None:
            return f"a misc event was refused: {kind}"
        if cross in books.flaws:
            return books.flaws[cross]
        if apart:
            return "holds other positions: fills are missing"
        if cross not in self.snapshot.cash:
            return "is not in the second snapshot"
        if cross not in books.cash:
            return "is in the second snapshot alone"
        return "not known"


def _sizes(books: Books, cross: str) -> dict[str, float]:
    """Return the signed sizes of all positions of a user on a dex."""
    margins = books.margins_of(cross)
    return {coin: held.size for margin in margins for coin, held in books.held.get(margin, {}).items()}


def _same(one: float, two: float) -> bool:
    return abs(one - two) <= SLACK * max(abs(one), abs(two))
