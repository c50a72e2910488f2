"""Rounds while they are being read: winners, losers and markets, one entry each, however many fills.

The state is per account and per market of the round; lines and ordinary fills leave nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.books import Books, implied_entry
from adl_opt.datasets.node_fills.decode import Fill, Prices
from adl_opt.datasets.node_fills.margins import cross_margin, dex_of
from adl_opt.datasets.node_fills.two_pass import Apart


@dataclass(slots=True)
class Winner:
    """One deleveraged margin of a round; ``held`` is (signed size, entry, price) by market.

    ``isolated`` says that it is the margin of one isolated position.
    """

    pnl: float = 0.0
    equity: float = 0.0
    isolated: bool = False
    held: dict[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass
class Draft:
    """One round.

    ``prices`` are those before its first block; ``after`` are those at each markout horizon (ms after the
    last ADL fill); ``markets`` are, by market and side of the losers, [contracts, contracts x mark, USD of
    gap].  ``losers`` are least equities; winners and losers are named by their margins.
    """

    start: int
    end: int
    prices: Prices
    winners: dict[str, Winner] = field(default_factory=dict)
    apart: dict[str, Apart] = field(default_factory=dict)
    losers: dict[str, float | None] = field(default_factory=dict)
    markets: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    after: dict[int, Prices] = field(default_factory=dict)
    fills: int = 0
    cut_short: bool = False

    def deleverage(self, fill: Fill, books: Books | None) -> None:
        """Add a winner's ADL fill (before it is booked)."""
        self.fills += 1
        price = self.prices.setdefault(fill.coin, fill.mark)
        if books is None:
            cross, entry = cross_margin(fill.user, dex_of(fill.coin)), implied_entry(fill)
            margin = cross
        else:
            held, cross, margin = books.reconcile(fill)
            entry = held.entry
        winner = self.winners.get(margin)
        if winner is None:
            winner = self.winners[margin] = Winner()
            if books is not None:
                winner.isolated = margin != cross
                winner.pnl = books.pnl(margin, self.prices)
                winner.equity = books.equity(margin, self.prices)
                for coin, one in books.held[margin].items():
                    if one.size:
                        winner.held[coin] = (one.size, one.entry, self.prices.get(coin, one.entry))
        if fill.coin not in winner.held:  # opened within the round, or not known before
            winner.held[fill.coin] = (fill.start, entry, price)
            winner.pnl += fill.start * (price - entry)
            winner.equity += fill.start * (price - entry)
        self.apart.setdefault(margin, Apart()).leave_out(fill)
        size, losers = abs(fill.size), -1 if fill.start > 0 else 1
        market = self.markets.setdefault((fill.coin, losers), [0.0, 0.0, 0.0])
        market[0] += size
        market[1] += size * fill.mark
        market[2] += size * abs(fill.mark - fill.price)

    def lose(self, user: str, fill: Fill, books: Books | None) -> None:
        """Note the loser of an ADL fill, and its least equity with that market at the execution price."""
        if books is None:
            self.losers[user] = None
            return
        margin = books.margin(user, fill.coin)
        least = self.losers.get(margin)
        if least is not None and margin not in books.cash:
            return  # an isolated position that is closed by now
        equity = books.equity(margin, books.prices, (fill.coin, fill.price))
        self.losers[margin] = equity if least is None else min(least, equity)
