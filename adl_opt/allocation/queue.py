"""Queues: rank by a score, take in full until the budget is met (eq. 39).

A queue is a score, a scope (whole accounts, or their positions one by one), a side rule and a tie-break;
:class:`Queue` is the frame, the venues' rules in :mod:`adl_opt.allocation.venues` fill it in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, clipped, ratio, require
from adl_opt.allocation.cells import Cell, Side
from adl_opt.allocation.limits import Book
from adl_opt.kernels.fill.heads import ENOUGH, leaders
from adl_opt.kernels.fill.queue import descending, fill_in_order
from adl_opt.kernels.fill.whole import fill_lots
from adl_opt.kernels.sums import sums_before
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import INVERSE, ISOLATED, SPACES, notional_per_contract
from adl_opt.rounds.round import Allocation, Round
from adl_opt.rounds.tables import Accounts, Positions

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
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in ("account", "reach", "pnl", "equity")},
            market=None if self.market is None else self.market[rows],
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
    spaces: ClassVar[tuple[str, ...]] = SPACES
    own_margin: ClassVar[bool] = True
    """Whether an isolated position is ranked by its own PNL and equity, not by its account's."""

    def score(self, rows: Ranked) -> Floats:
        """Return the score, higher first; it need not be finite."""
        raise NotImplementedError

    def ties(self, rows: Ranked) -> tuple[Column, ...]:
        """Return what is compared in turn, ascending, where scores tie; the order of rows is the last."""
        return (rows.id,) if rows.market is None else (rows.id, rows.market)

    def order(self, rows: Ranked, round_: Round, most: float = math.inf) -> Ints:
        """Return the rows in the order in which they pay: all, or the first with over ``most`` USD."""
        with np.errstate(over="ignore"):  # infinite scores come first, or last
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

    def plan(self, state: State, book: Book) -> Any:
        """Return the order in which the positions of each market and side pay, by :class:`Side`.

        It is that of the round: whoever cannot pay any more is left out, and nobody moves.
        """
        sides = list(dict.fromkeys(book.sides))
        start = np.cumsum([0, *(side.rows.size for side in sides)])
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(side.rows for side in sides)])
        everybody = Side(round_=book.round_, pots=book.pots, rows=rows)
        order = self.order(ranked_in_cell(self, everybody.whole), book.round_)
        of_side = np.searchsorted(start, order, side="right")
        order = order[np.argsort(of_side, kind="stable")]
        return {side: order[a:b] - a for side, a, b in zip(sides, start[:-1], start[1:], strict=True)}

    def close(self, state: Any, cell: Cell) -> Ints:
        """Return the lots of the queue of the cell, each position in full until the quantity is met."""
        return fill_lots(cell.in_order(state[cell.side]), cell.most, cell.size, cell.wanted)


def pnl_percent(rows: Ranked) -> Floats:
    """Return PNL relative to the value at entry, by side: over the mark for inverse contracts."""
    gained = rows["side"] * (rows["mark"] - rows["entry"])
    return ratio(gained, rows.columns.get("value_at_entry", rows["entry"]))


@dataclass(frozen=True)
class PositionQueue(Queue):
    """A queue of positions.  Capacities cap accounts, so that more than one may pay in part: no vertex."""

    scope: ClassVar[str] = POSITION
    claims: ClassVar[Claims] = Claims()
    needs_of_row: ClassVar[tuple[str, ...]] = ("side", "mark", "entry", "notional")


def ranked_in_cell(rule: Queue, cell: Cell) -> Ranked:
    """Return the positions of a cell as rows that the rule ranks, with their account's or own figures."""
    accounts, held = cell.round_.accounts, cell.positions
    names = rule.needs_of_account
    of_account = dict(zip(names, require(rule.name, cell.round_, accounts, *names), strict=True))
    rows, entry, mark = cell.rows, held.entry, held.mark
    assert entry is not None  # noqa: S101
    assert mark is not None  # noqa: S101
    kind, terms = held.kind[rows], (held.multiplier[rows], held.settlement_rate[rows])
    notional = held.quantity[rows] * notional_per_contract(kind, mark[rows], *terms)
    of_row: dict[str, Floats] = {
        "side": np.asarray(held.side, dtype=np.float64)[rows],
        "entry": entry[rows],
        "mark": mark[rows],
        "notional": notional if held.notional is None else held.notional[rows],
        "value_at_entry": np.where(kind == INVERSE, mark[rows], entry[rows]),
        "opening_leverage": _opening_leverage(held, rows),
    }
    pnl, equity = (cell.pots.pnl, cell.pots.equity) if rule.own_margin else (accounts.pnl, accounts.equity)
    pot = cell.pot if rule.own_margin else cell.account
    return Ranked(
        account=cell.account,
        names=accounts.id,
        market=held.market[rows],
        reach=cell.most * cell.size,
        pnl=pnl[pot],
        equity=equity[pot],
        columns={k: v[cell.account] for k, v in of_account.items()} | of_row,
    )


def _opening_leverage(held: Positions, rows: Ints) -> Floats:
    """Return the value at entry over the margin of isolated positions, 1 for those in cross margin."""
    assert held.entry is not None  # noqa: S101
    terms = (held.multiplier[rows], held.settlement_rate[rows])
    value = held.quantity[rows] * notional_per_contract(held.kind[rows], held.entry[rows], *terms)
    isolated = held.margin_mode[rows] == ISOLATED
    return np.where(isolated, ratio(value, held.isolated_margin[rows]), 1.0)


def ranked(rule: Queue, round_: Round) -> Ranked:
    """Return the rows that the rule ranks: positions for a position-scope rule where there are any."""
    accounts = round_.accounts
    positions = round_.positions if rule.scope == POSITION else None
    rows: Accounts | Positions = accounts if positions is None else positions

    def of_each(column: Floats) -> Floats:
        return column if positions is None else column[positions.account]

    names = rule.needs_of_account
    of_account = dict(zip(names, require(rule.name, round_, accounts, *names), strict=True))
    names = rule.needs_of_row
    of_row = dict(zip(names, require(rule.name, round_, rows, *names), strict=True))
    return Ranked(
        account=np.arange(len(accounts)) if positions is None else positions.account,
        names=accounts.id,
        market=None if positions is None else positions.market,
        reach=accounts.capacity if positions is None else positions.pnl,
        pnl=of_each(accounts.pnl),
        equity=of_each(accounts.equity),
        columns={k: of_each(v) for k, v in of_account.items()} | of_row,
    )


def _within_account(rows: Ranked, order: Ints, round_: Round) -> Floats:
    """Return what each position in the order can give up, so that no account's exceed its capacity.

    Positions earlier in the queue come first.  O(k log k).
    """
    account, reach = rows.account[order], rows.reach[order]
    before = sums_before(account, reach, np.arange(order.size))
    return np.clip(round_.accounts.capacity[account] - before, 0.0, reach)
