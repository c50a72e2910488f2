"""What a rule in contracts is given of each row of the flow: a cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.fill.whole import lots_within
from adl_opt.rounds.columns import Floats, Ints, Text

if TYPE_CHECKING:
    from adl_opt.rounds.pots import Pots
    from adl_opt.rounds.round import Round
    from adl_opt.rounds.tables import Positions


@dataclass(frozen=True, eq=False, kw_only=True)
class Side:
    """The positions of one market and side: what all rows of the flow against them share.

    Parameters
    ----------
    round_ : Round
    pots : Pots
    rows : (s,) int
        Rows of the positions.
    limits : tuple of (s,) int
        Which place in each limit of the round (:class:`~adl_opt.allocation.limits.Room`) each of them has.
    """

    round_: Round
    pots: Pots
    rows: Ints
    limits: tuple[Ints, ...] = ()

    @property
    def positions(self) -> Positions:
        """The positions of the round."""
        assert self.round_.positions is not None  # noqa: S101
        return self.round_.positions

    @cached_property
    def size(self) -> Floats:
        """(s,) contracts in a lot."""
        return self.positions.lot_size[self.rows]

    @cached_property
    def account(self) -> Ints:
        """(s,) row of the account."""
        return self.positions.account[self.rows]

    @cached_property
    def pot(self) -> Ints:
        """(s,) which pot each of them pays from."""
        return self.pots.of_position[self.rows]

    @cached_property
    def capacity(self) -> Floats:
        """(s,) USD: the capacity of the pot."""
        return self.pots.capacity[self.pot]

    @cached_property
    def quantity(self) -> Floats:
        """(s,) contracts held as the round begins."""
        return self.positions.quantity[self.rows]

    @property
    def whole(self) -> Cell:
        """A cell of all its positions, of which nothing is wanted."""
        lots, every = self.positions.lots[self.rows], np.arange(self.rows.size)
        paid = np.zeros(every.size)
        return Cell(side=self, at=every, row=0, wanted=0.0, given_up=0.0, held=lots, most=lots, paid=paid)


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """One row of the flow, and the positions on the other side of its market that may be closed against it.

    Parameters
    ----------
    side : Side
        All positions on the other side of its market.
    at : (c,) int
        Which of the side's positions may be closed, ascending.
    row : int
        Row of the flow.
    wanted : float
        Contracts to close.
    given_up : float
        USD that a winner is reckoned to give up with each contract.
    held, most : (c,) int
        Whole lots that each of them still has, and that it can still give up, at least 1.
    paid : (c,) USD
        What its pot gave up in rows of the flow before this one.
    """

    side: Side
    at: Ints
    row: int
    wanted: float
    given_up: float
    held: Ints
    most: Ints
    paid: Floats

    def of_side(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what a column of the side, (s,), has for the cell, (c,)."""
        return column if self.at.size == column.size else column[self.at]

    def ids(self, some: Ints) -> Text:
        """Return the ids of the accounts of some of the positions."""
        return self.round_.accounts.id[self.account[some]]

    def in_order(self, order: Ints) -> Ints:
        """Return an order of the whole side, (s,), as one of the cell, (c,): the others are left out."""
        if self.at.size == order.size:
            return order
        place = np.full(order.size, -1)
        place[self.at] = np.arange(self.at.size)
        listed = place[order]
        return np.asarray(listed[listed >= 0])

    @property
    def round_(self) -> Round:
        """The round."""
        return self.side.round_

    @property
    def pots(self) -> Pots:
        """The pots of the round."""
        return self.side.pots

    @property
    def positions(self) -> Positions:
        """The positions of the round."""
        return self.side.positions

    @cached_property
    def rows(self) -> Ints:
        """(c,) rows of the positions."""
        return self.of_side(self.side.rows)

    @cached_property
    def size(self) -> Floats:
        """(c,) contracts in a lot."""
        return self.of_side(self.side.size)

    @cached_property
    def account(self) -> Ints:
        """(c,) row of the account."""
        return self.of_side(self.side.account)

    @cached_property
    def pot(self) -> Ints:
        """(c,) which pot of ``pots`` each of them pays from."""
        return self.of_side(self.side.pot)

    @cached_property
    def capacity(self) -> Floats:
        """(c,) USD: the capacity of the pot."""
        return self.of_side(self.side.capacity)

    def capped(self, share: float) -> tuple[Self, Ints]:
        """Return the cell where no pot gives up more than a share of its capacity in the round.

        Also which of the positions can then give up any.
        """
        if self.given_up <= 0.0:
            return self, np.arange(self.rows.size)
        left = np.maximum(share * self.capacity - self.paid, 0.0) / self.given_up
        within = np.minimum(left, self.most * self.size)
        return self.only(np.minimum(lots_within(within, self.size), self.most))

    def only(self, most: Ints, wanted: float | None = None) -> tuple[Self, Ints]:
        """Return the cell where positions give up so many lots at most, and which of them can give up any.

        ``wanted`` are contracts, by default as before.
        """
        kept = np.flatnonzero(most > 0)
        wanted = self.wanted if wanted is None else wanted
        if kept.size == most.size:
            return replace(self, most=most, wanted=wanted), kept
        parts: dict[str, Any] = {name: getattr(self, name)[kept] for name in ("at", "held", "paid")}
        return replace(self, most=most[kept], wanted=wanted, **parts), kept


class Closing(Protocol):
    """A rule that closes contracts."""

    @property
    def name(self) -> str:
        """Shown in messages."""

    @property
    def spaces(self) -> tuple[str, ...]:
        """What it serves."""

    @property
    def positive_pnl_only(self) -> bool:
        """Whether nobody gives up more than positive PNL and equity."""

    def plan(self, state: Any, book: Any) -> Any:
        """Return what :meth:`close` is given for each cell; the book is the whole round."""

    def close(self, state: Any, cell: Cell) -> Ints:
        """Return the whole lots that each position of a cell gives up, (c,)."""
