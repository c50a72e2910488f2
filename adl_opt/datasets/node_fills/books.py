"""The book of every account: cash and positions, kept along the stream of fills.

``cash`` is account value minus the sum of size x price: what is left if every position is valued at nothing.
A fill moves it by -(size x price) - fee, so that equity at any prices is cash + sum of size x price; no entry
price enters.  Entries are kept as well, for PNL: averaged where a position grows, and set to what the venue's
``closedPnl`` implies where it shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.node_fills.decode import Fill, Prices


@dataclass(slots=True)
class Held:
    """One position: signed size in contracts, average entry price in USD."""

    size: float
    entry: float


@dataclass
class Books:
    """Cash and positions by account, prices by market, and counts of what had to be assumed.

    ``unknown`` counts accounts of the stream that the snapshot does not have (they start with cash 0 and what
    their first fill says they hold); ``mismatched`` counts fills whose ``startPosition`` was not what the
    book held (the venue's word is taken).  ``time`` is that of the snapshot in ms, where it is known.
    """

    cash: dict[str, float] = field(default_factory=dict)
    held: dict[str, dict[str, Held]] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)
    unknown: int = 0
    mismatched: int = 0
    time: int | None = None

    def reconcile(self, fill: Fill) -> Held:
        """Bring the position of a fill to what the fill says was held, and return it."""
        if fill.user not in self.cash:
            self.unknown += 1
            self.cash[fill.user] = 0.0
        positions = self.held.setdefault(fill.user, {})
        held = positions.get(fill.coin)
        if held is None:
            held = positions[fill.coin] = Held(0.0, 0.0)
        implied = implied_entry(fill)
        if abs(held.size - fill.start) > 1e-9 * max(abs(held.size), abs(fill.start)):
            self.mismatched += 1
            entry = implied or held.entry or fill.price
            self.cash[fill.user] -= (fill.start - held.size) * entry
            held.size, held.entry = fill.start, entry
        if implied:
            held.entry = implied
        return held

    def apply(self, fill: Fill) -> None:
        """Book a fill."""
        held = self.reconcile(fill)
        after = held.size + fill.size
        if held.size * fill.size >= 0:
            weight = abs(held.size) + abs(fill.size)
            held.entry = (abs(held.size) * held.entry + abs(fill.size) * fill.price) / weight
        elif held.size * after < 0:
            held.entry = fill.price
        self.cash[fill.user] -= fill.size * fill.price + fill.fee
        held.size = after
        if abs(after) <= 1e-12 * abs(fill.size):
            del self.held[fill.user][fill.coin]

    def equity(self, user: str, prices: Prices, at: tuple[str, float] | None = None) -> float:
        """Return an account's equity in USD, with one market at another price where ``at`` says so."""
        total = self.cash.get(user, 0.0)
        for coin, held in self.held.get(user, {}).items():
            price = at[1] if at is not None and coin == at[0] else prices.get(coin, held.entry)
            total += held.size * price
        return total

    def pnl(self, user: str, prices: Prices) -> float:
        """Return an account's unrealised PNL in USD."""
        positions = self.held.get(user, {})
        return sum(
            held.size * (prices.get(coin, held.entry) - held.entry) for coin, held in positions.items()
        )

    def notional(self, user: str, prices: Prices) -> float:
        """Return the sum of abs(size) x price of an account in USD."""
        positions = self.held.get(user, {})
        return sum(abs(held.size) * prices.get(coin, held.entry) for coin, held in positions.items())

    def set_equity(self, user: str, value: float) -> None:
        """Move an account's cash so that its equity at the current prices is this value."""
        self.cash[user] = value
        self.cash[user] = 2 * value - self.equity(user, self.prices)


def implied_entry(fill: Fill) -> float:
    """Return the entry price that ``closedPnl`` implies; 0 where the fill closes nothing or has none."""
    if fill.closed_pnl is None or fill.start * fill.size >= 0:
        return 0.0
    closed = min(abs(fill.start), abs(fill.size))
    entry = fill.price - fill.closed_pnl / closed * (1.0 if fill.start > 0 else -1.0)
    return entry if 0.0 < entry < LARGEST_USD else 0.0
