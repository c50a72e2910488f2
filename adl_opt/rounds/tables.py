"""The tables that rounds are made of: Accounts, Positions, Flow, Gaps.

Each is a struct of read-only columns (:mod:`adl_opt.rounds.columns`).  All money is in USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from adl_opt.checks import called_by_name, column_of
from adl_opt.errors import InputError
from adl_opt.rounds.columns import UNSET, Columns, Floats, Ints, Text, column, columns_of, refuse_row
from adl_opt.rounds.ids import Ids, numbered

if TYPE_CHECKING:
    import pandas as pd


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True)
class Accounts(Columns):
    """The accounts that a venue may ask to pay, one row each.

    Parameters
    ----------
    id : (n,) text, unique
    pnl : (n,) USD
        Unrealised profit; an account with ``pnl <= 0`` has no capacity.
    equity : (n,) USD
        Collateral plus PNL.  An account with negative equity has no capacity: it is insolvent.
    capacity : (n,) USD, optional
        u, the most that may be taken.  Left out, it is min(pnl+, equity+); given, it may not exceed pnl+.
    side : (n,) +1 long, -1 short, optional
    entry, mark, notional, margin : (n,) USD, optional
        Entry and mark price, abs(size) x mark, maintenance margin: the inputs of queue scores.
    leverage : (n,) optional

    Examples
    --------
    >>> accounts = Accounts(id=["a", "b"], pnl=[10.0, -1.0], equity=[4.0, 5.0])
    >>> accounts.capacity
    array([4., 0.])
    """

    id: Text = column("text", also=["account"])
    pnl: Floats = column("usd")
    equity: Floats = column("usd")
    capacity: Floats = column("usd+", computed=True)
    side: Ints | None = column("side", optional=True)
    entry: Floats | None = column("usd>0", optional=True)
    mark: Floats | None = column("usd>0", optional=True)
    notional: Floats | None = column("usd+", optional=True)
    leverage: Floats | None = column("ratio+", optional=True)
    margin: Floats | None = column("usd+", optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.capacity is UNSET:
            self._put("capacity", np.clip(np.minimum(self.pnl, self.equity), 0.0, None))
        above = self.capacity > np.maximum(self.pnl, 0.0)
        refuse_row("accounts", "capacity", self.capacity, above, "exceeds the account's positive PNL")
        insolvent = (self.equity < 0) & (self.capacity > 0)
        refuse_row("accounts", "equity", self.equity, insolvent, "is negative, yet the account has capacity")
        if not self.index.unique:
            unique, first, counts = np.unique(self.id, return_index=True, return_counts=True)
            worst = unique[counts > 1][np.argmin(first[counts > 1])]
            raise InputError(
                "accounts: an id occurs twice",
                got=f"id {worst!s} in rows {np.flatnonzero(self.id == worst)[:4].tolist()}",
                ways_out=["merge the rows of an account", "give its markets as positions of one account"],
            )

    @cached_property
    def index(self) -> Ids:
        """The ids as whole numbers, by which they are unique here and found in another round."""
        return Ids.of(self.id)


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True)
class Positions(Columns):
    """What accounts hold, one row per account and market, in whole lots.

    Parameters
    ----------
    account : (m,) int
        Row of the account in :class:`Accounts`.
    market : (m,) text
    lot_value : (m,) USD > 0
        PNL that one lot gives up.
    lots : (m,) int >= 0
        Whole lots held.
    side, entry, mark, notional : (m,) optional
        As in :class:`Accounts`, of this position.
    """

    account: Ints = column("index", also=["id"])
    market: Text = column("text", also=["coin"])
    lot_value: Floats = column("usd>0")
    lots: Ints = column("count")
    side: Ints | None = column("side", optional=True)
    entry: Floats | None = column("usd>0", optional=True)
    mark: Floats | None = column("usd>0", optional=True)
    notional: Floats | None = column("usd+", optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        names, code = self.markets
        keys = self.account * names.size + code
        if np.all(keys[1:] > keys[:-1]) or np.all(np.diff(np.sort(keys)) > 0):
            return
        order = np.lexsort((code, self.account))
        again = (np.diff(self.account[order]) == 0) & (np.diff(code[order]) == 0)
        twice = np.zeros(len(self), dtype=bool)
        twice[order[1:][again]] = True
        refuse_row("positions", "market", self.market, twice, "occurs twice for one account")

    @cached_property
    def markets(self) -> tuple[Text, Ints]:
        """The markets in order, and (m,) which of them each position is in."""
        return numbered(self.market)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, extra: str = "ignore", of: Accounts | None = None) -> Self:
        """Build the positions from a frame, which names their accounts by row or by id.

        Parameters
        ----------
        frame : pandas.DataFrame
            As for :meth:`Accounts.from_frame`.  A column ``id`` holds ids.  A column ``account`` holds ids
            where it is text, and rows of the accounts where it is whole numbers.
        extra : {'ignore', 'refuse'}
        of : Accounts, optional
            The accounts that the ids belong to.

        Raises
        ------
        InputError
            As for :meth:`Accounts.from_frame`, or an id that no account has, or whole numbers in a column
            ``account`` that may be ids as well as rows.
        """
        columns, _ = columns_of("positions", frame, cls.spellings(), cls.required(), extra=extra)
        if of is not None:
            by_id = "id" in {*frame.columns, *frame.index.names}
            columns["account"] = rows_of(columns["account"], of, rows_too=not by_id)
        return cls(**columns)

    @cached_property
    def pnl(self) -> Floats:
        """(m,) USD: lot_value x lots, all that the position could give up."""
        return self.lot_value * self.lots


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True)
class Flow(Columns):
    """What the venue must close this round, one row per market (known at the start).

    Parameters
    ----------
    market : (k,) text
    quantity : (k,) contracts >= 0
    mark : (k,) USD > 0
    """

    market: Text = column("text", also=["coin"])
    quantity: Floats = column("ratio+", also=["qty_contracts"])
    mark: Floats = column("usd>0")

    @property
    def notional(self) -> Floats:
        """(k,) USD: quantity x mark."""
        return self.quantity * self.mark


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True)
class Gaps(Columns):
    """What the execution revealed, one row per market: abs(p_exec - p_bk) x quantity (eq. 6).

    Parameters
    ----------
    market : (k,) text
    quantity : (k,) contracts >= 0
    gap : (k,) USD >= 0
    """

    market: Text = column("text", also=["coin"])
    quantity: Floats = column("ratio+", also=["qty_contracts"])
    gap: Floats = column("usd+")


def rows_of(named: npt.NDArray[Any], accounts: Accounts, *, rows_too: bool = False) -> Ints:
    """Return the row of each named account; whole numbers are rows already where ``rows_too`` says so.

    Raises
    ------
    InputError
        No account has the id, or whole numbers may be ids as well as rows.
    """
    ids = column_of("text", named, partial(refuse_row, "positions", "account", named))
    found = accounts.index.places(Ids.of(ids))
    ways_out = ["name an account by its id, in a column id", "drop the positions of other accounts"]
    if rows_too and named.dtype.kind in "iu":
        both = (found >= 0) & (found != named)
        refuse_row("positions", "account", named, both, "may be an id as well as a row", ways_out)
        return named
    refuse_row("positions", "account", ids, found < 0, "is the id of no account of the round", ways_out)
    return found
