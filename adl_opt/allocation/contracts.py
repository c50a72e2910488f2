"""Allocation in contracts: each row of the flow is closed against the other side of its market only.

A rule says how many whole lots each position of a *cell* gives up: a row of the flow with the positions that
may be closed against it.  What is common to all rules stands here: who may be closed, what a contract gives
up, what an account can bear, and how many dollars are how many contracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.base import AllocationRule, Book, Cell
from adl_opt.allocation.pots import Pots
from adl_opt.errors import LackError
from adl_opt.kernels.fill.whole import lots_within
from adl_opt.rounds.closures import NAMES, Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS, LINEAR, given_up_per_contract, notional_per_contract
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.rounds.tables import Flow, Positions


def tables_in_contracts(round_: Round) -> tuple[Flow, Positions]:
    """Return flow and positions of a round in contracts.

    Raises
    ------
    LackError
        The round is in wealth.
    """
    made = round_.in_space(CONTRACTS)
    assert made.flow is not None  # noqa: S101
    assert made.positions is not None  # noqa: S101
    return made.flow, made.positions


def reckoned(round_: Round) -> Floats:
    """Return what a winner is reckoned to give up with a contract of each row of the flow, (k,) USD.

    It is known at the start of the round: the closing price against the mark.  Where no closing price is
    known, all contracts together are reckoned to give up the deficit, each in proportion to its notional.
    """
    flow, _ = tables_in_contracts(round_)
    if flow.closing is None:
        return _spread(round_, round_.deficit)
    kind, *terms = _terms(round_)
    return given_up_per_contract(kind, flow.side, flow.closing, flow.mark, *terms)


def revealed(round_: Round, outcome: Outcome) -> Floats:
    """Return what a contract of each row of the flow really gave up, (k,) USD, once it is known.

    The gaps of the outcome say it for a market (and side) as a whole; rows with other closing prices differ
    by these prices.  Without gaps it is as reckoned, or the needed budget in proportion to notional.
    """
    flow, _ = tables_in_contracts(round_)
    known, gaps = reckoned(round_), outcome.gaps
    if gaps is None:
        return _spread(round_, outcome.needed) if flow.closing is None else known
    out = known.copy()
    for market, side in set(zip(flow.market.tolist(), _side(flow).tolist(), strict=True)):
        rows = np.flatnonzero((flow.market == market) & (flow.side == side))
        of = gaps.market == market if gaps.side is None else (gaps.market == market) & (gaps.side == side)
        quantity, flowing = float(gaps.quantity[of].sum()), float(flow.quantity[rows].sum())
        if quantity > 0.0 and flowing > 0.0:
            mean = float(flow.quantity[rows] @ known[rows]) / flowing
            apart = known[rows] - mean if flow.closing is not None else 0.0
            out[rows] = float(gaps.gap[of].sum()) / quantity + apart
    return out


def usd_by_cell(round_: Round, given_up: Floats) -> dict[tuple[str, str], float]:
    """Return what the whole flow gives up, USD, by (market, losers' side).

    With :func:`reckoned` it is the deficit of each, with :func:`revealed` the needed budget; gains count 0.
    """
    flow, _ = tables_in_contracts(round_)
    out = dict.fromkeys(_cells(flow), 0.0)
    amounts = flow.quantity * np.maximum(given_up, 0.0)
    for cell, usd in zip(_cells(flow), amounts.tolist(), strict=True):
        out[cell] += usd
    return out


def share_of_flow(round_: Round, asked: float, given_up: Floats) -> float:
    """Return theta, the share of every row of the flow that is closed: min(1, asked / sum Q g).

    Where nothing is given up in all, any dollar that is asked for closes the whole flow.
    """
    total = sum(usd_by_cell(round_, given_up).values())
    return min(1.0, asked / total) if total > 0.0 else float(asked > 0.0)


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
    for row, across in enumerate(_across(round_)):
        g = float(given_up[row])
        rows = np.flatnonzero(across & (free > 0))
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
        cells=tuple(_cells(flow)),
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


def within_reach(round_: Round, given_up: Floats) -> Floats:
    """Return the most that each account could give up against this flow, (n,) USD, limits aside."""
    _, held = tables_in_contracts(round_)
    dearest = np.zeros(len(held))
    for across, g in zip(_across(round_), given_up.tolist(), strict=True):
        dearest = np.where(across, np.maximum(dearest, g), dearest)
    most = np.bincount(held.account, dearest * held.quantity, minlength=len(round_.accounts))
    return most.astype(np.float64)


def _allocation(closures: Closures, accounts: int, held: Positions, asked: float) -> Allocation:
    lots = np.zeros(len(held), dtype=np.int64)
    np.add.at(lots, closures.position, closures.lots)
    return Allocation(x=closures.haircuts(accounts), asked=asked, lots=lots, closures=closures)


def _across(round_: Round) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield for each row of the flow which positions are on the other side of its market, (m,)."""
    flow, held = tables_in_contracts(round_)
    names, code = held.markets
    place = {name: k for k, name in enumerate(names.tolist())}
    for market, side in zip(flow.market.tolist(), _side(flow).tolist(), strict=True):
        yield (code == place.get(market, -1)) & (held.side == -side)


def _cells(flow: Flow) -> list[tuple[str, str]]:
    pairs = zip(flow.market.tolist(), _side(flow).tolist(), strict=True)
    return [(market, NAMES[side]) for market, side in pairs]


def _side(flow: Flow) -> Ints:
    assert flow.side is not None  # noqa: S101
    return flow.side


def _spread(round_: Round, usd: float) -> Floats:
    """Return an amount as USD per contract of each row of the flow, in proportion to notional."""
    flow, _ = tables_in_contracts(round_)
    kind, *terms = _terms(round_)
    each = notional_per_contract(kind, flow.mark, *terms)
    total = float(flow.quantity @ each)
    return each * (usd / total) if total > 0.0 else np.zeros(len(flow))


def _terms(round_: Round) -> tuple[Any, Any, Any]:
    """Return kind, multiplier and settlement rate of the contract of each row of the flow."""
    flow, held = tables_in_contracts(round_)
    first = {market: k for k, market in reversed(list(enumerate(held.market.tolist())))}
    places = [first.get(market, -1) for market in flow.market.tolist()]
    kind, multiplier, rate = (
        np.array([column[k] if k >= 0 else default for k in places])
        for column, default in ((held.kind, LINEAR), (held.multiplier, 1.0), (held.settlement_rate, 1.0))
    )
    return kind, multiplier, rate
