"""
A venue's book beside a backtest
================================

A backtester knows its own account. Whether that account is deleveraged hangs on all the others. This book of
others is invented: longs with leverage that a fall makes bankrupt, and shorts that gain with you. At each
price it says which of your contracts a policy closes, and at which price.
"""

from __future__ import annotations

import numpy as np

import adl_opt as adl


class Others:
    """An invented book in one market; you are one more account of it.

    Parameters
    ----------
    policy : str
        What the venue deleverages by: a name, or the path of a ``policy.toml``.
    price : float
        Where all others entered.
    """

    def __init__(self, policy: str, price: float, accounts: int = 200, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.decide = adl.make_array_policy(policy)
        self.side = np.where(np.arange(accounts) % 2, 1, -1)
        self.lots = rng.integers(1, 40, accounts)
        self.lots[self.side < 0] = rng.permutation(self.lots[self.side > 0])  # longs are shorts
        self.entry = np.full(accounts, price)
        self.cash = self.lots * price / rng.uniform(2.0, 30.0, accounts)

    def closes(self, mark: float, lots: int, entry: float, equity: float) -> tuple[int, float]:
        """Return how many of your lots (above 0 long) are closed at this mark, and the closing price."""
        others = self.cash + self.side * self.lots * (mark - self.entry)
        gone = (others < 0) & (self.lots > 0)
        if not gone.any():
            return 0, mark
        side = int(self.side[gone][0])  # a market falls or rises: the losers are on one side
        bankrupt = self.entry[gone] - side * self.cash[gone] / self.lots[gone]
        price = float(np.average(bankrupt, weights=self.lots[gone]))
        here = np.flatnonzero(~gone & (self.lots > 0))
        own = [abs(lots)] if lots else []
        made = self.decide(
            equity=np.append(others[here], equity),
            account=np.append(np.arange(here.size), [here.size] * len(own)),
            market=["BTC"] * (here.size + len(own)),
            side=np.append(self.side[here], [np.sign(lots)] * len(own)).astype(int),
            lots=np.append(self.lots[here], own).astype(int),
            entry=np.append(self.entry[here], [entry] * len(own)),
            mark=np.full(here.size + len(own), mark),
            losers_market=["BTC"],
            losers_side=[side],
            losers_quantity=[float(self.lots[gone].sum())],
            losers_price=[price],
        )
        self.decide.learn(float(self.lots[gone].sum()) * abs(price - mark))
        self.lots[gone] = 0
        self.lots[here] -= made.lots[: here.size]
        self.cash[here] += made.lots[: here.size] * self.side[here] * (price - self.entry[here])
        return (int(made.lots[-1]) if own else 0), price


def falling(bars: int = 40, start: float = 100.0) -> np.ndarray:
    """Return prices that fall by a third, the same each time."""
    steps = np.random.default_rng(1).normal(-0.01, 0.008, bars - 1)
    return np.round(start * np.exp(np.append(0.0, np.cumsum(steps))), 2)


if __name__ == "__main__":
    prices, held = falling(), []
    book, lots = Others("full-deficit/bitmex", 100.0), -30
    for bar, mark in enumerate(prices):
        closed, price = book.closes(float(mark), lots, 100.0, 500.0 + lots * (float(mark) - 100.0))
        if closed:
            lots += closed
            print(f"bar {bar}: mark {mark:.2f}, {closed} of your contracts are closed at {price:.2f}")
        held.append(lots)

    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7, 3.6), layout="constrained")
    above.plot(prices)
    above.set_ylabel("mark, USD")
    below.step(range(len(held)), held, where="post")
    below.set_ylabel("your contracts")
    below.set_xlabel("bar")
    plt.show()
