"""Pairs of account and scenario: which can fall short at all, and by how much for each contract closed.

Most accounts survive most moves, whatever is closed of them.  Such a pair costs nothing and is left out.  A
pair that falls short whatever is closed costs a linear amount: its price is its probability.  What is left,
a percent or two of all pairs on a usual book, is the problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Ints, Vector
from adl_opt.kernels.risk.book import RiskBook, SomeAccounts
from adl_opt.kernels.risk.pools import entries_of
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.sums import total


@dataclass(frozen=True, eq=False)
class Pairs:
    """The p pairs that fall short for some way of closing; k' of the positions may be closed.

    Parameters
    ----------
    account, scenario : (p,)
    short : (p,) USD
        How far the account falls short where nothing is closed (negative: how much it has left).
    chance : (p,)
    always : (p,) bool
        Whether the pair falls short whatever is closed.
    rows : (k',) int
        Positions of the book of which contracts may be closed.
    pair, position, rate : three (t,)
        Entries: in the pair, each contract closed of ``rows[position]`` adds ``rate`` USD to the shortfall.
    """

    account: Ints
    scenario: Ints
    short: Vector
    chance: Vector
    always: npt.NDArray[np.bool_]
    rows: Ints
    pair: Ints
    position: Ints
    rate: Vector

    @classmethod
    def of(cls, book: RiskBook, scenarios: PriceMoves) -> Pairs:
        """Go through the book in blocks, and keep what can fall short."""
        moves = np.ascontiguousarray(scenarios.moves.T)
        far = np.abs(moves).max(axis=1)
        worst = np.abs(book.size) * far[book.market] + book.gives_up * book.can_close
        risky = book.equity < np.bincount(book.account, weights=worst, minlength=book.equity.size)
        found = [_in_block(book, block, moves) for block in book.blocks(risky, scenarios.chance.size)]
        idle = np.flatnonzero((np.bincount(book.account, minlength=risky.size) == 0) & (book.equity < 0))
        every = np.arange(scenarios.chance.size)
        found.append(
            (
                np.repeat(idle, every.size),
                np.tile(every, idle.size),
                np.repeat(-book.equity[idle], every.size),
                np.ones(idle.size * every.size, dtype=bool),
            )
        )
        account, scenario, short, always = (np.concatenate(part) for part in zip(*found, strict=True))
        rows = np.flatnonzero(book.can_close > 0)
        pair, position = entries_of(book.account[rows], account, book.equity.size)
        row = rows[position]
        rate = book.side[row] * scenarios.moves[scenario[pair], book.market[row]] + book.gives_up[row]
        return cls(account, scenario, short, scenarios.chance[scenario], always, rows, pair, position, rate)

    def take(self, kept: npt.NDArray[np.bool_]) -> Pairs:
        """Return only some of the pairs, of the same positions."""
        entries = kept[self.pair]
        number = (np.cumsum(kept) - 1)[self.pair[entries]]
        return Pairs(
            self.account[kept],
            self.scenario[kept],
            self.short[kept],
            self.chance[kept],
            self.always[kept],
            self.rows,
            number,
            self.position[entries],
            self.rate[entries],
        )

    def shortfall(self, closed: Vector) -> Vector:
        """Return how far each pair falls short, (p,), for contracts closed of each of ``rows``, (k',)."""
        weights = self.rate * closed[self.position]
        added = np.bincount(self.pair, weights=weights, minlength=self.short.size)
        return self.short + added.astype(np.float64)

    def expected(self, closed: Vector) -> float:
        """Return the expected shortfall of all accounts, USD."""
        return total(self.chance * np.maximum(self.shortfall(closed), 0.0))

    def cost(self, price: Vector) -> Vector:
        """Return what each contract closed adds at prices of the pairs, (k',)."""
        weights = self.rate * price[self.pair]
        return np.bincount(self.position, weights=weights, minlength=self.rows.size).astype(np.float64)


def _in_block(
    book: RiskBook, block: SomeAccounts, moves: npt.NDArray[np.float64]
) -> tuple[Ints, Ints, Vector, npt.NDArray[np.bool_]]:
    """Return account, scenario and shortfall of the pairs of a block that can fall short, and which must.

    An account without anything to close falls short or does not: its least and largest equity are one.
    """
    rows = block.rows
    move = moves[book.market[rows]]
    change = book.can_close[rows, None] * (book.side[rows, None] * move + book.gives_up[rows, None])
    equity = np.add.reduceat(book.size[rows, None] * move, block.first, axis=0)
    equity += book.equity[block.account, None]
    least = equity - np.add.reduceat(np.maximum(change, 0.0), block.first, axis=0)
    account, scenario = np.nonzero(least < 0)
    most = equity - np.add.reduceat(np.minimum(change, 0.0), block.first, axis=0)
    always = most[account, scenario] <= 0
    return block.account[account], scenario, -equity[account, scenario], always
