"""What a rule in contracts is given of each row of the flow: a cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from adl_opt.kernels.fill.whole import lots_within
from adl_opt.rounds.columns import Floats, Ints

if TYPE_CHECKING:
    from adl_opt.rounds.pots import Pots
    from adl_opt.rounds.round import Round
    from adl_opt.rounds.tables import Positions


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """One row of the flow, and the positions on the other side of its market that may be closed against it.

    Parameters
    ----------
    round_ : Round
    row : int
        Row of the flow.
    wanted : float
        Contracts to close.
    given_up : float
        USD that a winner is reckoned to give up with each contract.
    rows : (c,) int
        Rows of the positions.
    held, most : (c,) int
        Whole lots that each of them still has, and that it can still give up, at least 1.
    pot : (c,) int
        Which pot of ``pots`` each of them pays from.
    paid : (c,) USD
        What that pot gave up in rows of the flow before this one.
    pots : Pots
    """

    round_: Round
    row: int
    wanted: float
    given_up: float
    rows: Ints
    held: Ints
    most: Ints
    pot: Ints
    paid: Floats
    pots: Pots

    @property
    def size(self) -> Floats:
        """(c,) contracts in a lot."""
        return self.positions.lot_size[self.rows]

    @property
    def account(self) -> Ints:
        """(c,) row of the account."""
        return self.positions.account[self.rows]

    @property
    def capacity(self) -> Floats:
        """(c,) USD: the capacity of the pot."""
        return self.pots.capacity[self.pot]

    @property
    def positions(self) -> Positions:
        """The positions of the round."""
        assert self.round_.positions is not None  # noqa: S101
        return self.round_.positions

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
        names = ("rows", "held", "pot", "paid")
        parts: dict[str, Any] = {name: getattr(self, name)[kept] for name in names}
        wanted = self.wanted if wanted is None else wanted
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
