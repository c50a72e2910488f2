"""The book of a risk-based round, in contracts: who holds what, and how much of it must be closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.checks import refuse
from adl_opt.errors import InputError, UsageError
from adl_opt.kernels.arrays import Ints, Vector, vector
from adl_opt.kernels.risk.scenarios import PriceMoves

Equity = Literal["before", "after"]

BLOCK = 1_000_000
"""Numbers of one temporary table: positions x scenarios that are in memory at once."""


class SomeAccounts(NamedTuple):
    """Some accounts with all their positions: ``first`` is where each one's rows begin."""

    account: Ints
    first: Ints
    rows: Ints


@dataclass(frozen=True, eq=False)
class RiskBook:
    """Accounts, their positions sorted by account, and the contracts to close.

    Parameters
    ----------
    equity : (n,) USD
        May be negative.
    account, market : (k,) int
    size : (k,) contracts
        Above 0 long, below 0 short.
    closable : (k,) contracts
        The most that may be closed of a position, 0 to abs(size).
    gives_up : (k,) USD per contract
        What the account gives up when a contract of the position is closed, >= 0.
    quantity : (m, 2) contracts
        To be closed in each market: of long positions, of short positions.
    place : (k,) int
        Where each position stood in what the user gave.
    """

    equity: Vector
    account: Ints
    market: Ints
    size: Vector
    closable: Vector
    gives_up: Vector
    quantity: npt.NDArray[np.float64]
    place: Ints

    @classmethod
    def of(
        cls,
        equity: npt.ArrayLike,
        account: npt.ArrayLike,
        market: npt.ArrayLike,
        size: npt.ArrayLike,
        quantity: npt.ArrayLike,
        *,
        closable: npt.ArrayLike | None = None,
        gives_up: npt.ArrayLike | None = None,
    ) -> RiskBook:
        """Check and sort the positions.

        ``closable`` is the whole position by default, ``gives_up`` is 0: closed at the mark.

        Raises
        ------
        InputError
            Lengths that differ, unknown accounts or markets, a position that occurs twice (same account,
            market and side), closable contracts beyond the position, or a negative quantity.

        Examples
        --------
        >>> book = RiskBook.of([100.0, 20.0], [1, 0], [0, 0], [40.0, 100.0], [[30.0, 0.0]])
        >>> book.account, book.size
        (array([0, 1]), array([100.,  40.]))
        """
        cash, held = vector("equity", equity), vector("size", size)
        table = np.asarray(quantity, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != 2:
            raise InputError(
                "quantity must have one row a market: contracts of long and of short positions to close",
                got=f"shape {table.shape}",
                ways_out=["give 0 for the side that nothing is closed of"],
            )
        table = vector("quantity", table.ravel(), low=0.0).reshape(table.shape)
        who = _rows("account", account, held.size, cash.size)
        where = _rows("market", market, held.size, len(table))
        most = np.abs(held) if closable is None else vector("closable", closable, size=held.size, low=0.0)
        refuse("closable is more than the position", most > np.abs(held), lambda row: f"position {row}")
        price = (
            np.zeros(held.size) if gives_up is None else vector("gives_up", gives_up, size=held.size, low=0)
        )
        order = np.lexsort((held < 0, where, who))
        key = (who * len(table) + where) * 2 + (held < 0)
        again = np.zeros(held.size, dtype=bool)
        again[order[1:][np.diff(key[order]) == 0]] = True
        refuse("a position occurs twice: same account, market and side", again, lambda row: f"position {row}")
        who, where, held = who[order], where[order], held[order]
        return cls(cash, who, where, held, most[order], price[order], table, order)

    def seen(self, equity: Equity) -> RiskBook:
        """Return the book with equity as it is ``before`` haircuts (nothing is given up), or ``after``."""
        if equity not in ("before", "after"):
            raise UsageError(
                "equity is seen before or after haircuts",
                got=repr(equity),
                ways_out=["give 'before'", "give 'after'"],
            )
        return self if equity == "after" else replace(self, gives_up=np.zeros(self.size.size))

    def check_scenarios(self, scenarios: PriceMoves) -> None:
        """Refuse scenarios of another number of markets."""
        if scenarios.moves.shape[1] != len(self.quantity):
            raise InputError(
                "the scenarios have another number of markets than the book",
                got=f"{scenarios.moves.shape[1]} and {len(self.quantity)}",
                ways_out=["give one column of moves for each market"],
            )

    def sorted(self, closed: npt.ArrayLike) -> Vector:
        """Return contracts closed of each position, as the user ordered them, in the order of the book."""
        return vector("closed", closed, size=self.size.size)[self.place]

    def restored(self, values: Vector) -> Vector:
        """Return values of each position in the user's order."""
        back = np.empty_like(values)
        back[self.place] = values
        return back

    @cached_property
    def side(self) -> Vector:
        """(k,) +1 long, -1 short."""
        return np.where(self.size < 0, -1.0, 1.0)

    @cached_property
    def pool(self) -> Ints:
        """(k,) the market and side of each position: 2 x market, + 1 where short."""
        return 2 * self.market + (self.size < 0)

    @cached_property
    def can_close(self) -> Vector:
        """(k,) contracts that may be closed; 0 where nothing of that market and side has to be."""
        return np.where(self.quantity.ravel()[self.pool] > 0, self.closable, 0.0)

    @cached_property
    def to_close(self) -> Vector:
        """(2 m,) contracts that are closed of each market and side: the quantity, or as much as there is."""
        there = np.bincount(self.pool, weights=self.can_close, minlength=self.quantity.size)
        return np.minimum(self.quantity.ravel(), there)

    @property
    def residual(self) -> npt.NDArray[np.float64]:
        """(m, 2) contracts that nobody holds to close."""
        left: npt.NDArray[np.float64] = self.quantity - self.to_close.reshape(self.quantity.shape)
        return left

    def blocks(self, of: npt.NDArray[np.bool_], scenarios: int) -> Iterator[SomeAccounts]:
        """Yield the accounts of a mask (n,) that have positions, so few at once that memory stays bounded."""
        rows = np.flatnonzero(of[self.account])
        first = np.flatnonzero(np.diff(self.account[rows], prepend=-1))
        account, stop, begin = self.account[rows[first]], np.append(first[1:], rows.size), 0
        most = max(BLOCK // max(scenarios, 1), 1)
        while begin < account.size:
            until = max(int(np.searchsorted(stop, first[begin] + most, side="right")), begin + 1)
            here = slice(int(first[begin]), int(stop[until - 1]))
            yield SomeAccounts(account[begin:until], first[begin:until] - here.start, rows[here])
            begin = until


def _rows(name: str, value: npt.ArrayLike, size: int, count: int) -> Ints:
    """Return whole numbers below a count, or refuse them."""
    numbers = vector(name, value, size=size, low=0.0)
    wrong = (numbers >= count) | (numbers != np.floor(numbers))
    refuse(f"{name} is not a row number below {count}", wrong, lambda row: f"{name}[{row}] = {numbers[row]}")
    return numbers.astype(np.int64)
