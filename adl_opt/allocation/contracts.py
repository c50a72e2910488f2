"""Allocation in contracts: each row of the flow is closed against the other side of its market only.

A rule says how many whole lots each position of a *cell* gives up: a row of the flow with the positions that
may be closed against it.  What is common to all rules stands here: who may be closed, what a contract gives
up, what an account can bear, and how many dollars are how many contracts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.allocation.base import AllocationRule, Book, Cell
from adl_opt.errors import LackError
from adl_opt.kernels.fill.whole import lots_within
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.flows import across, cells_of, reckoned, revealed, share_of_flow, tables_in_contracts
from adl_opt.rounds.pots import Pots
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.rounds.tables import Positions


def check_space(rule: AllocationRule, round_: Round) -> None:
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
            ways_out=['choose space="wealth" (--space wealth)', "choose a venue's queue or pro-rata"],
        )


def allocate_in_contracts(
    rule: AllocationRule,
    state: Any,
    round_: Round,
    quantity: Floats,
    *,
    asked: float | None = None,
    positive_pnl_only: bool = True,
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
    positive_pnl_only : bool
        No account gives up more than its positive PNL and equity, no isolated position more than its own.

    Returns
    -------
    Allocation
        The haircuts are as :func:`reckoned`; :func:`valued` gives them as revealed.

    Raises
    ------
    LackError
        The round is in wealth, or the rule closes no contracts.
    """
    flow, held = tables_in_contracts(round_)
    check_space(rule, round_)
    given_up, pots = reckoned(round_), Pots.of(round_.accounts, held)
    pot, account = pots.capacity.copy(), pots.limit.copy()
    free = held.lots.copy()
    book = Book(
        round_=round_,
        quantity=quantity,
        given_up=given_up,
        pots=pots,
        positive_pnl_only=positive_pnl_only,
    )
    plan = rule.plan(state, book)
    parts: list[tuple[Ints, Ints, Ints]] = []
    for row, other in enumerate(across(round_)):
        g = float(given_up[row])
        rows = np.flatnonzero(other & (free > 0))
        most = free[rows]
        if positive_pnl_only and g > 0.0:
            room = np.minimum(pot[pots.of_position[rows]], account[held.account[rows]])
            most = np.minimum(lots_within(room / g, held.lot_size[rows]), most)
        rows, most = rows[most > 0], most[most > 0]
        if not rows.size:
            continue
        cell = Cell(
            round_=round_,
            row=row,
            wanted=float(quantity[row]),
            given_up=g,
            rows=rows,
            held=free[rows],
            most=most,
            pot=pots.of_position[rows],
            pots=pots,
        )
        lots = rule.close(plan, cell)
        free[rows] -= lots
        paid = lots * held.lot_size[rows] * max(g, 0.0)
        np.subtract.at(pot, cell.pot, paid)
        np.subtract.at(account, cell.account, paid)
        parts.append((rows[lots > 0], np.full(int(np.count_nonzero(lots)), row), lots[lots > 0]))
    position, of_row, lots = (
        np.concatenate([np.empty(0, dtype=np.int64), *(part[k] for part in parts)]) for k in range(3)
    )
    closures = Closures(
        position=position,
        row=of_row,
        lots=lots,
        contracts=lots * held.lot_size[position],
        account=held.account[position],
        wanted=np.asarray(quantity, dtype=np.float64),
        cells=tuple(cells_of(flow)),
        given_up=given_up,
    )
    asked = float(quantity @ np.maximum(given_up, 0.0)) if asked is None else asked
    return _allocation(closures, len(round_.accounts), held, asked)


def act_in_contracts(
    rule: AllocationRule,
    state: Any,
    round_: Round,
    budget: float,
    known: Outcome | None = None,
    *,
    whole_flow: bool = False,
    positive_pnl_only: bool = True,
) -> Allocation:
    """Close the share of the flow that a budget in USD is, by a rule.

    ``known`` is the outcome, where the budget rests on it: then the share is by what contracts really gave
    up.  With ``whole_flow`` the share is 1.
    """
    given_up = reckoned(round_) if known is None else revealed(round_, known)
    share = 1.0 if whole_flow else share_of_flow(round_, budget, given_up)
    quantity = share * tables_in_contracts(round_)[0].quantity
    return allocate_in_contracts(
        rule, state, round_, quantity, asked=budget, positive_pnl_only=positive_pnl_only
    )


def valued(action: Allocation, round_: Round, given_up: Floats) -> Allocation:
    """Return the same closures, valued at what a contract of each row of the flow gives up, (k,) USD."""
    assert action.closures is not None  # noqa: S101
    closures = replace(action.closures, given_up=given_up)
    return replace(action, closures=closures, x=closures.haircuts(len(round_.accounts)))


def _allocation(closures: Closures, accounts: int, held: Positions, asked: float) -> Allocation:
    lots = np.zeros(len(held), dtype=np.int64)
    np.add.at(lots, closures.position, closures.lots)
    return Allocation(x=closures.haircuts(accounts), asked=asked, lots=lots, closures=closures)
