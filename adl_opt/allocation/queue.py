"""Queues: rank by a score, take in full until the budget is met (eq. 39).

A queue is a score, a scope (whole accounts, or their positions one by one), a side rule and a tie-break;
:class:`Queue` is the frame, the venues' rules in :mod:`adl_opt.allocation.venues` fill it in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, clipped, require
from adl_opt.kernels.fill.queue import descending, fill_in_order
from adl_opt.kernels.groups import sums_before
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.round import Allocation, Round

ACCOUNT, POSITION = "account", "position"


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranked:
    """The rows that a queue ranks: accounts, or positions with their account's figures beside them.

    Parameters
    ----------
    account : (m,) int
        Row of the account.
    id : (m,) text
        Id of the account.
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
    id: Text
    market: Text | None
    reach: Floats
    pnl: Floats
    equity: Floats
    columns: dict[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]


@dataclass(frozen=True)
class Queue(AllocationRule):
    """The frame of every queue; subclasses give ``needs``, ``scope`` and :meth:`score`.

    Ties are broken by account id, then market, ascending, unless a subclass says otherwise.
    """

    scope: ClassVar[str] = ACCOUNT
    needs_of_row: ClassVar[tuple[str, ...]] = ()
    needs_of_account: ClassVar[tuple[str, ...]] = ()
    claims: ClassVar[Claims] = Claims(vertex=True)

    def score(self, rows: Ranked) -> Floats:
        """Return the score, higher first; it need not be finite."""
        raise NotImplementedError

    def order(self, rows: Ranked, round_: Round) -> Ints:
        """Return the rows in the order in which they pay."""
        score = self.score(rows)
        order = np.argsort(-score, kind="stable")
        if np.any(score[order[1:]] == score[order[:-1]]):  # ids are compared only where scores tie
            order = descending(score, rows.id, *(() if rows.market is None else (rows.market,)))
        return np.asarray(order, dtype=np.int64)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the greedy fill of the queue."""
        rows = ranked(self, round_)
        order = self.order(rows, round_)
        if rows.market is None:
            return Allocation(x=fill_in_order(rows.reach, order, asked), asked=asked)
        taken = fill_in_order(_within_account(rows, order, round_), order, asked)
        x = np.bincount(rows.account, taken, minlength=len(round_.accounts))
        return Allocation(x=clipped(x, round_), asked=asked)


def ranked(rule: Queue, round_: Round) -> Ranked:
    """Return the rows that the rule ranks: positions for a position-scope rule where there are any."""
    accounts, positions = round_.accounts, round_.positions
    names = rule.needs_of_account
    of_account = dict(zip(names, require(rule.name, round_, accounts, *names), strict=True))
    names = rule.needs_of_row
    if rule.scope == ACCOUNT or positions is None:
        of_row = dict(zip(names, require(rule.name, round_, accounts, *names), strict=True))
        return Ranked(
            account=np.arange(len(accounts)),
            id=accounts.id,
            market=None,
            reach=accounts.capacity,
            pnl=accounts.pnl,
            equity=accounts.equity,
            columns=of_account | of_row,
        )
    of_row = dict(zip(names, require(rule.name, round_, positions, *names), strict=True))
    row = positions.account
    return Ranked(
        account=row,
        id=accounts.id[row],
        market=positions.market,
        reach=positions.pnl,
        pnl=accounts.pnl[row],
        equity=accounts.equity[row],
        columns={k: v[row] for k, v in of_account.items()} | of_row,
    )


def _within_account(rows: Ranked, order: Ints, round_: Round) -> Floats:
    """Return what each position can give up, so that no account's positions exceed its capacity.

    Positions earlier in the queue come first.  O(m log m).
    """
    before = sums_before(rows.account, rows.reach, order)
    return np.clip(round_.accounts.capacity[rows.account] - before, 0.0, rows.reach)


def ratio(numerator: Floats, denominator: Floats, *, nothing: float = 0.0) -> Floats:
    """Divide where the denominator is positive; elsewhere return ``nothing`` (0: no score, pays last)."""
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), nothing)
