"""The book of every margin: cash and positions, kept along the stream of fills.

A margin is a user's cross margin on a dex, or that of an isolated position (:mod:`.margins` has the names).
``cash`` is its value minus the sum of size x price: what is left if every position is valued at nothing.
A fill moves it by -(size x price) - fee, so that equity at any prices is cash + sum of size x price; no entry
price enters.  Entries are kept as well, for PNL: averaged where a position grows, and set to what the venue's
``closedPnl`` implies where it shrinks.

An isolated position that shrinks gives the same share of its margin back to the cross margin, and one that
grows takes size x price / leverage from there (the same share, where no leverage is known).  One that is
closed with a loss beyond its margin owes nothing: the rest is written off, it is the venue's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.node_fills.decode import Fill, Prices
from adl_opt.datasets.node_fills.margins import cross_margin, dex_of, isolated_margin, user_of


@dataclass(slots=True)
class Held:
    """One position: signed size in contracts, average entry price in USD."""

    size: float
    entry: float


@dataclass
class Books:
    """Cash and positions by margin, prices by market, and counts of what had to be assumed.

    ``isolated`` are, by cross margin, the leverages of the coins that it holds isolated (0: not known).
    ``unknown`` counts margins of the stream that the snapshot does not have (they start with cash 0 and what
    their first fill says they hold); ``mismatched`` counts fills whose ``startPosition`` was not what the
    book held (the venue's word is taken); ``not_told`` counts liquidations of isolated positions whose margin
    the snapshot does not say (they are booked on the cross margin).  ``assumed`` and ``written_off`` are what
    the mismatches, and losses of isolated positions beyond their margin, moved in USD.  ``flaws`` are by
    cross margin why its equity may be off.  ``time`` is that of the snapshot in ms, where it is known.  Of
    the snapshot are also ``outside`` (positions of no perpetual), ``delisted`` (positions without a mark, by
    market) and ``moved_values`` (account values taken for the only dex on which the user holds anything).
    """

    cash: dict[str, float] = field(default_factory=dict)
    held: dict[str, dict[str, Held]] = field(default_factory=dict)
    isolated: dict[str, dict[str, float]] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)
    flaws: dict[str, str] = field(default_factory=dict)
    unknown: int = 0
    mismatched: int = 0
    not_told: int = 0
    assumed: float = 0.0
    written_off: float = 0.0
    outside: int = 0
    delisted: dict[str, int] = field(default_factory=dict)
    moved_values: int = 0
    time: int | None = None

    def margins(self, user: str, coin: str) -> tuple[str, str]:
        """Return a user's cross margin in this market, and the margin on which the position stands."""
        cross = cross_margin(user, dex_of(coin))
        alone = self.isolated.get(cross)
        return cross, isolated_margin(user, coin) if alone and coin in alone else cross

    def margin(self, user: str, coin: str) -> str:
        """Return the margin on which a position in this market stands."""
        return self.margins(user, coin)[1]

    def reconcile(self, fill: Fill) -> tuple[Held, str, str]:
        """Bring the position of a fill to what the fill says was held; return it, and its two margins."""
        cross, margin = self.margins(fill.user, fill.coin)
        if cross not in self.cash:
            self.unknown += 1
            self.cash[cross] = 0.0
            self.flaws.setdefault(cross, "is not in the first snapshot")
        positions = self.held.setdefault(margin, {})
        held = positions.get(fill.coin)
        if held is None:
            held = positions[fill.coin] = Held(0.0, 0.0)
            self.cash.setdefault(margin, 0.0)
        implied = implied_entry(fill)
        if abs(held.size - fill.start) > 1e-9 * max(abs(held.size), abs(fill.start)):
            self.mismatched += 1
            self.flaws.setdefault(cross, "has a fill whose startPosition is not the book's")
            entry = implied or held.entry or fill.price
            apart = fill.start - held.size
            self.cash[margin] -= apart * entry
            self.assumed += apart * (self.prices.get(fill.coin, entry) - entry)
            held.size, held.entry = fill.start, entry
        if implied:
            held.entry = implied
        return held, cross, margin

    def apply(self, fill: Fill) -> None:
        """Book a fill."""
        held, cross, margin = self.reconcile(fill)
        before, after = held.size, held.size + fill.size
        if abs(after) <= 1e-12 * abs(fill.size):
            after = 0.0
        if before * fill.size >= 0:
            weight = abs(before) + abs(fill.size)
            held.entry = (abs(before) * held.entry + abs(fill.size) * fill.price) / weight
        elif before * after < 0:
            held.entry = fill.price
        equity = self.cash[margin] + before * fill.price
        self.cash[margin] -= fill.size * fill.price + fill.fee
        if fill.odd_fee:
            self.flaws.setdefault(cross, "has a fee in another token")
        held.size = after
        if after == 0.0:
            del self.held[margin][fill.coin]
        if margin != cross:
            self._share(cross, margin, fill, equity, before, after)

    def flag_isolated(self, fill: Fill) -> None:
        """Count a liquidation of an isolated position, where the snapshot does not say that it is one."""
        cross, margin = self.margins(fill.user, fill.coin)
        if margin == cross:
            self.not_told += 1
            self.flaws.setdefault(cross, "has an isolated position whose margin no snapshot says")

    def _share(self, cross: str, margin: str, fill: Fill, equity: float, before: float, after: float) -> None:
        """Move cash between an isolated position and its cross margin after a fill.

        ``equity`` is that of the position at the fill's price, before it.
        """
        leverage, kept = self.isolated[cross][fill.coin], 0.0
        if not before and not leverage:  # opened again, and nothing says with which margin
            self.cash[cross] = self.cash.get(cross, 0.0) + self.cash.pop(margin)
            self.held.setdefault(cross, {})[fill.coin] = self.held.pop(margin)[fill.coin]
            del self.isolated[cross][fill.coin]
            return
        if before * after > 0:
            kept = equity * (min(abs(after / before), 1.0) if equity > 0 else 1.0)
        elif before:
            lost = min(equity - fill.fee, 0.0)
            self.written_off -= lost
            self.cash[margin] -= lost
        added = abs(after) - abs(before) if before * after > 0 else abs(after)
        if added > 0:
            of_share = max(equity, 0.0) * added / abs(before) if before else 0.0
            kept += added * fill.price / leverage if leverage else of_share
        moved = self.cash[margin] + after * fill.price - kept
        self.cash[margin] -= moved
        self.cash[cross] = self.cash.get(cross, 0.0) + moved
        if after == 0.0:
            del self.cash[margin]
            del self.held[margin]

    def equity(self, margin: str, prices: Prices, at: tuple[str, float] | None = None) -> float:
        """Return a margin's equity in USD, with one market at another price where ``at`` says so."""
        total = self.cash.get(margin, 0.0)
        for coin, held in self.held.get(margin, {}).items():
            price = at[1] if at is not None and coin == at[0] else prices.get(coin, held.entry)
            total += held.size * price
        return total

    def margins_of(self, cross: str) -> Iterator[str]:
        """Yield a cross margin and those of its isolated positions."""
        user = user_of(cross)
        yield cross
        yield from (isolated_margin(user, coin) for coin in self.isolated.get(cross, ()))

    def crosses(self) -> list[str]:
        """Return the names of all cross margins."""
        alone = {margin for cross in self.isolated for margin in self.margins_of(cross) if margin != cross}
        return [name for name in self.cash if name not in alone]

    def whole_equity(self, cross: str, prices: Prices) -> float:
        """Return the equity of a cross margin and of its isolated positions in USD."""
        total, user = self.equity(cross, prices), user_of(cross)
        for coin in self.isolated.get(cross, ()):
            margin = isolated_margin(user, coin)
            total += self.cash.get(margin, 0.0)
            if one := self.held.get(margin):
                total += one[coin].size * prices.get(coin, one[coin].entry)
        return total

    def total(self) -> float:
        """Return the equity of all margins at the current prices in USD."""
        return sum(self.equity(margin, self.prices) for margin in self.cash)

    def pnl(self, margin: str, prices: Prices) -> float:
        """Return a margin's unrealised PNL in USD."""
        positions = self.held.get(margin, {})
        return sum(
            held.size * (prices.get(coin, held.entry) - held.entry) for coin, held in positions.items()
        )

    def set_equity(self, cross: str, value: float) -> float:
        """Move cash so that equity at the current prices is this value; return by how much."""
        moved = value - self.whole_equity(cross, self.prices)
        self.cash[cross] = self.cash.get(cross, 0.0) + moved
        return moved


def implied_entry(fill: Fill) -> float:
    """Return the entry price that ``closedPnl`` implies; 0 where the fill closes nothing or has none."""
    if fill.closed_pnl is None or fill.start * fill.size >= 0:
        return 0.0
    closed = min(abs(fill.start), abs(fill.size))
    entry = fill.price - fill.closed_pnl / closed * (1.0 if fill.start > 0 else -1.0)
    return entry if 0.0 < entry < LARGEST_USD else 0.0
