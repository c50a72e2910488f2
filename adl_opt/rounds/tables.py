"""The tables that rounds are made of: Accounts, Positions, Flow, Gaps.

Each is a struct of read-only columns (:mod:`adl_opt.rounds.columns`).  All money is in USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

import numpy as np

from adl_opt.checks import called_by_name
from adl_opt.errors import InputError
from adl_opt.rounds import contracts
from adl_opt.rounds.columns import UNSET, Columns, Floats, Ints, Text, column, columns_of, refuse_row
from adl_opt.rounds.ids import Ids, numbered
from adl_opt.rounds.named import refuse_twice, rows_of
from adl_opt.rounds.sides import Sides

if TYPE_CHECKING:
    import pandas as pd


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
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
    exempt : (n,) 0 or 1, optional
        1 where nothing may be taken and no position closed.
    cap, cohort_cap : (n,) USD, optional
        The most that the account, and all accounts of its ``cohort`` together, may give up in the round.
    cohort : (n,) text, optional
        Accounts with the same text are one cohort, and have the same ``cohort_cap``.
    owner : (n,) text, optional
        Sub-accounts of one owner count as one account (:func:`~adl_opt.rounds.owners.by_owner`).

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
    exempt: Ints | None = column("flag", optional=True)
    cap: Floats | None = column("usd+", optional=True)
    cohort: Text | None = column("text", optional=True)
    cohort_cap: Floats | None = column("usd+", optional=True)
    owner: Text | None = column("text", optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.capacity is UNSET:
            self._put("capacity", np.clip(np.minimum(self.pnl, self.equity), 0.0, None))
        above = self.capacity > np.maximum(self.pnl, 0.0)
        refuse_row("accounts", "capacity", self.capacity, above, "exceeds the account's positive PNL")
        insolvent = (self.equity < 0) & (self.capacity > 0)
        refuse_row("accounts", "equity", self.equity, insolvent, "is negative, yet the account has capacity")
        refuse_twice(self.index)

    @cached_property
    def index(self) -> Ids:
        """The ids as whole numbers, by which they are unique here and found in another round."""
        return Ids.of(self.id)


def _settlement_rate(positions: Positions) -> Floats:
    """Return USD per unit of the settlement asset: the mark of the coin for inverse contracts, else 1."""
    one = np.ones(len(positions))
    return (
        one if positions.mark is None else np.where(positions.kind == contracts.INVERSE, positions.mark, one)
    )


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Positions(Columns):
    """What accounts hold, in whole lots: one row per account and market, and per side in hedge mode.

    Each position is given either ``lot_value`` (a round in wealth) or ``side``, ``entry`` and ``mark`` (a
    round in contracts).  Losing positions are allowed where side, entry and mark are given; they count in the
    PNL and equity of their account.

    Parameters
    ----------
    account : (m,) int
        Row of the account in :class:`Accounts`.
    market : (m,) text
    lots : (m,) int >= 0
        Whole lots held.
    lot_value : (m,) USD > 0, optional
        PNL that one lot gives up.  Left out, it is the PNL of a lot at the mark, of any sign.
    side, entry, mark, notional : (m,) optional
        As in :class:`Accounts`, of this position.
    lot_size : (m,) > 0
        Contracts in one lot; 1 by default.
    kind : (m,) text
        ``linear`` (the default) or ``inverse``.
    multiplier : (m,) > 0
        What one contract stands for: units of the asset, of an inverse contract USD; 1 by default.
    settlement_rate : (m,) USD > 0
        What one unit of the settlement asset is worth; by default 1, of an inverse contract the mark.
    margin_mode : (m,) text
        ``cross`` (the default) or ``isolated``.
    isolated_margin : (m,) USD >= 0
        Collateral of its own that an isolated position has; 0 where the margin is cross.
    hedge : (m,) int
        Positions of one account with the same number above 0 are a hedged pair: the same share of each is
        closed, or nothing of either.
    hedge_tolerance : (m,) >= 0
        By how much these shares may differ; 0 by default.

    Notes
    -----
    One value stands for all rows in the columns that have a default.

    Examples
    --------
    >>> held = Positions(account=[0], market=["BTC"], lots=[3], side=["short"], entry=[700.0], mark=[600.0])
    >>> held.pnl, held.quantity
    (array([300.]), array([3.]))
    """

    account: Ints = column("index", also=["id"])
    market: Text = column("text", also=["coin"])
    lot_value: Floats = column("usd", computed=True, default=lambda held: held.lot_pnl)
    lots: Ints = column("count")
    side: Ints | None = column("side", optional=True)
    entry: Floats | None = column("usd>0", optional=True)
    mark: Floats | None = column("usd>0", optional=True)
    notional: Floats | None = column("usd+", optional=True)
    lot_size: Floats = column("ratio>0", default=1.0)
    kind: Text = column("text", default=contracts.LINEAR)
    multiplier: Floats = column("ratio>0", default=1.0)
    settlement_rate: Floats = column("usd>0", default=_settlement_rate)
    margin_mode: Text = column("text", default=contracts.CROSS)
    isolated_margin: Floats = column("usd+", default=0.0)
    hedge: Ints = column("count", default=0)
    hedge_tolerance: Floats = column("ratio+", default=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lot_value is UNSET:
            got = f"no lot_value, and no {', '.join(self.missing('side', 'entry', 'mark'))}"
            ways_out = ["give lot_value (a round in wealth)", "give side, entry and mark (in contracts)"]
            raise InputError("positions: what a lot gives up does not follow", got=got, ways_out=ways_out)
        if self.lot_pnl is None:
            refuse_row("positions", "lot_value", self.lot_value, self.lot_value <= 0, "must be above 0")
        for name, known in (("kind", contracts.KINDS_OF_CONTRACT), ("margin_mode", contracts.MARGIN_MODES)):
            values = getattr(self, name)
            ways_out = [f"write {' or '.join(known)}"]
            refuse_row("positions", name, values, ~np.isin(values, known), "is not known", ways_out)
        isolated, own = self.margin_mode == contracts.ISOLATED, self.isolated_margin
        why = "must be above 0 where the margin is isolated, and 0 where it is cross"
        refuse_row("positions", "isolated_margin", own, isolated != (own > 0), why)
        names, code = self.markets
        keys = self.account * names.size + code
        if np.all(keys[1:] > keys[:-1]):
            return
        side = np.zeros(len(self), dtype=np.int64) if self.side is None else self.side
        order = np.lexsort((side, code, self.account))
        again = (np.diff(keys[order]) == 0) & (np.diff(side[order]) == 0)
        twice = np.zeros(len(self), dtype=bool)
        twice[order[1:][again]] = True
        what = "for one account" if self.side is None else "for one account and side"
        refuse_row("positions", "market", self.market, twice, f"occurs twice {what}")

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
            refuse = partial(refuse_row, "positions", "account")
            columns["account"] = rows_of(columns["account"], of.index, refuse, rows_too=not by_id)
        return cls(**columns)

    @cached_property
    def pnl(self) -> Floats:
        """(m,) USD: lot_value x lots, all that the position could give up."""
        return self.lot_value * self.lots

    @property
    def lot_pnl(self) -> Floats | None:
        """(m,) USD: the PNL of a lot by side, entry and mark, of any sign; None where one is lacking."""
        if self.side is None or self.entry is None or self.mark is None:
            return None
        terms = self.multiplier, self.settlement_rate
        return self.lot_size * contracts.pnl_per_contract(self.kind, self.side, self.entry, self.mark, *terms)

    @cached_property
    def quantity(self) -> Floats:
        """(m,) contracts: lots x lot_size."""
        return self.lots * self.lot_size

    @cached_property
    def sides(self) -> Sides:
        """Which positions are in each market on each side, where they have sides."""
        assert self.side is not None  # noqa: S101
        return Sides.of(self.markets, self.side)


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Flow(Columns):
    """What the venue must close this round, one row per market, or per loser (known at the start).

    Parameters
    ----------
    market : (k,) text
    side : (k,) +1 long, -1 short, optional
        Side of the losers: their contracts are closed against positions of the other side.  Several losers
        of a market and side are several rows, for they may have several prices.
    quantity : (k,) contracts >= 0
    mark : (k,) USD > 0
    bankruptcy : (k,) USD > 0, optional
        Bankruptcy price of the position that is closed.
    close : (k,) USD > 0, optional
        Price at which the venue closes; by default the bankruptcy price.
    previous_mark : (k,) USD > 0, optional
        The mark before this one, at which some venues close.
    band : (k,) optional
        A row whose closing price differs from the mark by more than this share of it is not closed.
    min_quantity : (k,) contracts, optional
        The least that is closed of one position, if anything is.

    Examples
    --------
    >>> flow = Flow(market=["BTC"], side=["long"], quantity=[2.0], mark=[600.0], bankruptcy=[650.0])
    >>> flow.notional, flow.closing
    (array([1200.]), array([650.]))
    """

    market: Text = column("text", also=["coin"])
    side: Ints | None = column("side", optional=True)
    quantity: Floats = column("ratio+", also=["qty_contracts"])
    mark: Floats = column("usd>0")
    bankruptcy: Floats | None = column("usd>0", optional=True)
    close: Floats | None = column("usd>0", optional=True)
    previous_mark: Floats | None = column("usd>0", optional=True)
    band: Floats | None = column("ratio+", optional=True)
    min_quantity: Floats | None = column("ratio+", optional=True)

    @property
    def notional(self) -> Floats:
        """(k,) USD: quantity x mark."""
        return self.quantity * self.mark

    @property
    def closing(self) -> Floats | None:
        """(k,) USD: the closing price, which is the bankruptcy price where none is given; None if neither."""
        return self.bankruptcy if self.close is None else self.close


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Gaps(Columns):
    """What the execution revealed, one row per market (and side of the losers, where it is known).

    Parameters
    ----------
    market : (k,) text
    side : (k,) +1 long, -1 short, optional
        Side of the losers.
    quantity : (k,) contracts >= 0
    gap : (k,) USD >= 0
        abs(p_exec - p_bk) x quantity (eq. 6).
    """

    market: Text = column("text", also=["coin"])
    side: Ints | None = column("side", optional=True)
    quantity: Floats = column("ratio+", also=["qty_contracts"])
    gap: Floats = column("usd+")
