"""The production haircut: equity without the round's ADL fills minus equity with them, on one price path.

Both passes start each round from the same books (those of the venue, all earlier ADL fills applied), see the
same prices, and book the same ordinary fills and events; only the round's ADL fills are left out of the pass
"without".  All that is booked in both cancels in the difference, so the second pass is kept as that
difference alone: per winner, the cash and the contracts that its ADL fills moved.  A test replays both passes
in full and finds the same haircuts.

At prices p the difference of an account is  sum over its ADL fills of  -size x (p - px) + fee,  and the
round's haircut is  H = sum over winners of max(difference, 0),  with p at the end of the round, or a markout
later on prices alone.  (The loser's side of an ADL trade is booked in both passes.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.decode import Fill, Prices


@dataclass(slots=True)
class Apart:
    """How the pass without ADL fills differs from the pass with them, for one account.

    Examples
    --------
    >>> apart = Apart()  # long 2 closed at 10: had it not been, each further dollar of price were 2 USD
    >>> apart.leave_out(Fill("a", "BTC", price=10.0, size=-2.0, start=2.0, closed_pnl=0.0, fee=0.5))
    >>> apart.equity({"BTC": 11.0})
    2.5
    """

    cash: float = 0.0
    size: dict[str, float] = field(default_factory=dict)

    def leave_out(self, fill: Fill) -> None:
        """Take a fill out of the pass without."""
        self.cash += fill.size * fill.price + fill.fee
        self.size[fill.coin] = self.size.get(fill.coin, 0.0) - fill.size

    def equity(self, prices: Prices) -> float:
        """Return equity without minus equity with, USD, at these prices."""
        return self.cash + sum(size * prices[coin] for coin, size in self.size.items())


def haircuts(apart: dict[str, Apart], prices: Prices) -> dict[str, float]:
    """Return each winner's haircut in USD at these prices: what the ADL fills cost it, at least 0."""
    return {user: max(one.equity(prices), 0.0) for user, one in apart.items()}
