"""Rounds while they are being read: winners, losers and markets, one entry each, however many fills.

The state is per account and per market of the round; lines and ordinary fills leave nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.books import Books, implied_entry
from adl_opt.datasets.node_fills.decode import Fill, Prices
from adl_opt.datasets.node_fills.two_pass import Apart


@dataclass(slots=True)
class Winner:
    """One deleveraged account of a round; ``held`` is (signed size, entry, price) by market."""

    pnl: float = 0.0
    equity: float = 0.0
    notional: float = 0.0
    held: dict[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass
class Draft:
    """One round.

    ``prices`` are those before its first block; ``after`` are those at each markout horizon (ms after the
    last ADL fill); ``markets`` are [contracts, contracts x mark, USD of gap].
    """

    start: int
    end: int
    prices: Prices
    winners: dict[str, Winner] = field(default_factory=dict)
    apart: dict[str, Apart] = field(default_factory=dict)
    losers: dict[str, float | None] = field(default_factory=dict)
    markets: dict[str, list[float]] = field(default_factory=dict)
    after: dict[int, Prices] = field(default_factory=dict)
    fills: int = 0
    cut_short: bool = False

    def deleverage(self, fill: Fill, books: Books | None) -> None:
        """Add a winner's ADL fill (before it is booked)."""
        self.fills += 1
        winner = self.winners.get(fill.user)
        price = self.prices.setdefault(fill.coin, fill.mark)
        entry = implied_entry(fill)
        if books is not None:
            entry = books.reconcile(fill).entry
        if winner is None:
            winner = self.winners[fill.user] = Winner()
            if books is not None:
                winner.pnl = books.pnl(fill.user, self.prices)
                winner.equity = books.equity(fill.user, self.prices)
                winner.notional = books.notional(fill.user, self.prices)
        if fill.coin not in winner.held:
            winner.held[fill.coin] = (fill.start, entry, price)
            if books is None:
                winner.pnl += fill.start * (price - entry)
                winner.equity = winner.pnl
                winner.notional += abs(fill.start) * price
        self.apart.setdefault(fill.user, Apart()).leave_out(fill)
        size = abs(fill.size)
        market = self.markets.setdefault(fill.coin, [0.0, 0.0, 0.0])
        market[0] += size
        market[1] += size * fill.mark
        market[2] += size * abs(fill.mark - fill.price)

    def lose(self, fill: Fill, books: Books | None) -> None:
        """Note the loser of an ADL fill, and its least equity with that market at the execution price."""
        if books is None:
            self.losers[fill.loser] = None
            return
        equity = books.equity(fill.loser, books.prices, (fill.coin, fill.price))
        least = self.losers.get(fill.loser)
        self.losers[fill.loser] = equity if least is None else min(least, equity)
