"""Queues: rank by a score, take in full until the budget is met (eq. 39).

A queue is a score, a scope (whole accounts, or their positions one by one), a side rule and a tie-break;
:class:`Queue` is the frame, the venues' rules in :mod:`adl_opt.allocation.venues` fill it in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, clipped, require
from adl_opt.kernels.fill.heads import ENOUGH, leaders
from adl_opt.kernels.fill.queue import descending, fill_in_order
from adl_opt.kernels.sums import sums_before
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.round import Allocation, Round

ACCOUNT, POSITION = "account", "position"
Column = Text | Floats | Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranked:
    """The rows that a queue ranks: accounts, or positions with their account's figures beside them.

    Parameters
    ----------
    account : (m,) int
        Row of the account.
    names : (n,) text
        Ids of the accounts, by row of the account.
    market : (m,) text, optional
        Of positions only.
    reach : (m,) USD
        What the row can give up.
    pnl, equity : (m,) USD
        Of the account.
    columns : dict of (m,) arrays
        The optional columns that the rule asked for.
    """

    account: Ints
    names: Text
    market: Text | None
    reach: Floats
    pnl: Floats
    equity: Floats
    columns: dict[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]

    @property
    def id(self) -> Text:
        """(m,) Id of the account."""
        return self.names[self.account]

    def take(self, rows: Ints) -> Ranked:
        """Return some of the rows, in this order."""
        return Ranked(
            account=self.account[rows],
            names=self.names,
            market=None if self.market is None else self.market[rows],
            reach=self.reach[rows],
            pnl=self.pnl[rows],
            equity=self.equity[rows],
            columns={k: v[rows] for k, v in self.columns.items()},
        )


@dataclass(frozen=True)
class Queue(AllocationRule):
    """The frame of every queue; subclasses give ``needs``, ``scope`` and :meth:`score`.

    Ties are broken by account id, then market, ascending, unless a subclass says otherwise.  Only the head of
    the queue is put in order, as far as the budget reaches: of a million accounts few pay.
    """

    scope: ClassVar[str] = ACCOUNT
    needs_of_row: ClassVar[tuple[str, ...]] = ()
    needs_of_account: ClassVar[tuple[str, ...]] = ()
    claims: ClassVar[Claims] = Claims(vertex=True)

    def score(self, rows: Ranked) -> Floats:
        """Return the score, higher first; it need not be finite."""
        raise NotImplementedError

    def ties(self, rows: Ranked) -> tuple[Column, ...]:
        """Return what is compared in turn, ascending, where scores tie; the order of rows is the last."""
        return (rows.id,) if rows.market is None else (rows.id, rows.market)

    def order(self, rows: Ranked, round_: Round, most: float = math.inf) -> Ints:
        """Return the rows in the order in which they pay: all, or the first with over ``most`` USD."""
        score = self.score(rows)
        first = leaders(score, rows.reach, most)
        return np.asarray(first[descending(score[first], *self.ties(rows.take(first)))], dtype=np.int64)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the greedy fill of the queue."""
        rows = ranked(self, round_)
        for most in (2.0 * asked, math.inf):  # accounts may hold more than they can give up
            order = self.order(rows, round_, most)
            reach = rows.reach[order] if rows.market is None else _within_account(rows, order, round_)
            if order.size == rows.reach.size or float(reach.sum()) > asked * ENOUGH:
                break
        taken = np.zeros(rows.reach.size)
        taken[order] = fill_in_order(reach, np.arange(order.size), asked)
        if rows.market is None:
            return Allocation(x=taken, asked=asked)
        x = np.bincount(rows.account, taken, minlength=len(round_.accounts))
        return Allocation(x=clipped(x, round_), asked=asked)


def ranked(rule: Queue, round_: Round) -> Ranked:
    """Return the rows that the rule ranks: positions for a position-scope rule where there are any."""
    accounts, positions = round_.accounts, None if rule.scope == ACCOUNT else round_.positions
    names = rule.needs_of_account
    of_account = dict(zip(names, require(rule.name, round_, accounts, *names), strict=True))
    rows, names = accounts if positions is None else positions, rule.needs_of_row
    of_row = dict(zip(names, require(rule.name, round_, rows, *names), strict=True))
    at = slice(None) if positions is None else positions.account
    return Ranked(
        account=np.arange(len(accounts)) if positions is None else positions.account,
        names=accounts.id,
        market=None if positions is None else positions.market,
        reach=accounts.capacity if positions is None else positions.pnl,
        pnl=accounts.pnl[at],
        equity=accounts.equity[at],
        columns={k: v[at] for k, v in of_account.items()} | of_row,
    )


def _within_account(rows: Ranked, order: Ints, round_: Round) -> Floats:
    """Return what each position in the order can give up, so that no account's exceed its capacity.

    Positions earlier in the queue come first.  O(k log k).
    """
    account, reach = rows.account[order], rows.reach[order]
    before = sums_before(account, reach, np.arange(order.size))
    return np.clip(round_.accounts.capacity[account] - before, 0.0, reach)


def ratio(numerator: Floats, denominator: Floats, *, nothing: float = 0.0) -> Floats:
    """Divide where the denominator is positive; elsewhere return ``nothing`` (0: no score, pays last)."""
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), nothing)
