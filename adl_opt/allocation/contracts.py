"""Allocation in contracts: each row of the flow is closed against the other side of its market only.

A rule says how many whole lots each position of a *cell* gives up: a row of the flow with the positions that
may be closed against it.  What is common to all rules stands here: who may be closed, what a contract gives
up, what an account can bear, and how many dollars are how many contracts.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from adl_opt.allocation.cells import Cell, Closing
from adl_opt.allocation.limits import Book, Room, trimmed
from adl_opt.allocation.prices import beyond_close, priced
from adl_opt.errors import LackError
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CLOSE
from adl_opt.rounds.flows import cells_of, reckoned, revealed, share_of_flow, tables_in_contracts
from adl_opt.rounds.options import closable, out_of_band, uneven_legs
from adl_opt.rounds.owners import Owners
from adl_opt.rounds.pots import Pots
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.rounds.tables import Positions


def check_space(rule: Closing, round_: Round) -> None:
    """Refuse a rule that does not serve the space of the round.

    Raises
    ------
    LackError
        It lacks the space.
    """
    if round_.space not in rule.spaces:
        raise LackError(
            f"policy {rule.name!r} does not serve rounds in {round_.space}",
            got=f"round {round_.number}: {rule.name!r} serves {', '.join(rule.spaces)}",
            ways_out=[
                *(f'choose space="{space}" (--space {space})' for space in rule.spaces),
                "choose a venue's queue or pro-rata",
            ],
        )


def allocate_in_contracts(
    rule: Closing,
    state: Any,
    round_: Round,
    quantity: Floats,
    *,
    asked: float | None = None,
    positive_pnl_only: bool | None = None,
) -> Allocation:
    """Close contracts by a rule: whole lots of each position, haircuts in USD, and what is left.

    Parameters
    ----------
    rule : AllocationRule
    state : any
        The state of the rule.
    round_ : Round
        In contracts.
    quantity : (k,) contracts
        What is to be closed of each row of the flow.
    asked : float, optional
        USD that this answers; by default what the quantities are reckoned to give up.
    positive_pnl_only : bool, optional
        No account gives up more than its positive PNL and equity, no isolated position more than its own; by
        default as the rule has it.

    Returns
    -------
    Allocation
        The haircuts are as :func:`reckoned`; :func:`settled` gives them as revealed.

    Raises
    ------
    LackError
        The round is in wealth, or the rule closes no contracts.
    """
    flow, held = tables_in_contracts(round_)
    check_space(rule, round_)
    only = rule.positive_pnl_only if positive_pnl_only is None else positive_pnl_only
    if (owners := Owners.of(round_)) is not None:
        action = allocate_in_contracts(
            rule, state, owners.round, quantity, asked=asked, positive_pnl_only=only
        )
        return owners.split(action)
    pots, lots = Pots.of(round_.accounts, held), closable(round_.accounts, held)
    for tried in count():
        book = Book(
            round_=round_,
            quantity=np.where(out_of_band(flow), 0.0, quantity),
            given_up=reckoned(round_),
            pots=pots,
            positive_pnl_only=only,
            room=Room.of(round_.accounts, held, lots, pots, positive_pnl_only=only),
        )
        position, row, taken = _closed(rule, state, book)
        legs, even = uneven_legs(held, np.bincount(position, taken, len(held)))
        if not legs.size:
            break
        lots = trimmed(held, lots, legs, even, tried)
    closures = Closures(
        position=position,
        row=row,
        lots=taken,
        contracts=taken * held.lot_size[position],
        account=held.account[position],
        wanted=np.asarray(quantity, dtype=np.float64),
        cells=tuple(cells_of(flow)),
        given_up=book.given_up,
        close=flow.closing,
    )
    asked = float(quantity @ np.maximum(book.given_up, 0.0)) if asked is None else asked
    return _allocation(closures, len(round_.accounts), held, asked)


def _closed(rule: Closing, state: Any, book: Book) -> tuple[Ints, Ints, Ints]:
    """Return which lots of which position are closed against which row of the flow, row by row."""
    flow, held = tables_in_contracts(book.round_)
    plan, pots = rule.plan(state, book), book.pots
    room, kept, paid = book.room.copy(), held.lots.copy(), np.zeros(pots.capacity.size)
    least = np.zeros(len(flow)) if flow.min_quantity is None else flow.min_quantity
    parts = [(np.empty(0, dtype=np.int64),) * 3]
    rows_of_flow = zip(book.sides, book.quantity.tolist(), book.given_up.tolist(), strict=True)
    for row, (side, wanted, g) in enumerate(rows_of_flow):
        if not wanted or not side.rows.size:
            continue
        most = room.most(side, g)
        at = np.flatnonzero(most > 0)
        if not at.size:
            continue
        cell = Cell(
            side=side,
            at=at,
            row=row,
            wanted=wanted,
            given_up=g,
            held=kept[side.rows[at]],
            most=most[at],
            paid=paid[side.pot[at]],
        )
        lots = room.close(rule, plan, cell, float(least[row]))
        closed = np.flatnonzero(lots)
        rows, lots = cell.rows[closed], lots[closed]
        usd = lots * cell.size[closed] * max(g, 0.0)
        room.take(rows, lots, usd)
        kept[rows] -= lots
        np.add.at(paid, cell.pot[closed], usd)
        parts.append((rows, np.full(rows.size, row), lots))
    position, of_row, taken = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return position, of_row, taken


def act_in_contracts(
    rule: Closing,
    state: Any,
    round_: Round,
    budget: float,
    known: Outcome | None = None,
    *,
    whole_flow: bool = False,
    positive_pnl_only: bool | None = None,
    price: str = CLOSE,
) -> Allocation:
    """Close the share of the flow that a budget in USD is, by a rule.

    ``known`` is the outcome, where the budget rests on it: then the share is by what contracts really gave
    up.  With ``whole_flow`` the share is 1.  The share does not depend on the ``price`` at which the rule
    closes (:func:`~adl_opt.allocation.prices.priced`), so that all rules close as much.
    """
    given_up = reckoned(round_) if known is None else revealed(round_, known)
    share = 1.0 if whole_flow else share_of_flow(round_, budget, given_up)
    quantity = share * tables_in_contracts(round_)[0].quantity
    return allocate_in_contracts(
        rule, state, priced(round_, price), quantity, asked=budget, positive_pnl_only=positive_pnl_only
    )


def valued(action: Allocation, round_: Round, given_up: Floats) -> Allocation:
    """Return the same closures, valued at what a contract of each row of the flow gives up, (k,) USD."""
    assert action.closures is not None  # noqa: S101
    closures = replace(action.closures, given_up=given_up)
    return replace(action, closures=closures, x=closures.haircuts(len(round_.accounts)))


def settled(action: Allocation, round_: Round, outcome: Outcome) -> Allocation:
    """Return an allocation as the outcome reveals it: in contracts valued at what they really gave up."""
    if action.closures is None:
        return action
    more = beyond_close(round_, action.closures)
    return valued(action, round_, revealed(round_, outcome) + more)


def _allocation(closures: Closures, accounts: int, held: Positions, asked: float) -> Allocation:
    lots = np.zeros(len(held), dtype=np.int64)
    np.add.at(lots, closures.position, closures.lots)
    return Allocation(x=closures.haircuts(accounts), asked=asked, lots=lots, closures=closures)
