"""Allocation in contracts: each row of the flow is closed against the other side of its market only.

A rule says how many whole lots each position of a *cell* gives up: a row of the flow with the positions that
may be closed against it.  What is common to all rules stands here: who may be closed, what a contract gives
up, what an account can bear, and how many dollars are how many contracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.cells import Book, Cell, Closing
from adl_opt.allocation.limits import Limits, closable, out_of_band, trimmed, uneven_legs
from adl_opt.allocation.pots import Pots
from adl_opt.errors import LackError
from adl_opt.rounds.closures import NAMES, Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import (
    CLOSE,
    CONTRACTS,
    LINEAR,
    given_up_per_contract,
    notional_per_contract,
    pnl_per_contract,
)
from adl_opt.rounds.owners import Owners
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
            ways_out=['choose space="wealth" (--space wealth)', "choose a venue's queue or pro-rata"],
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
            limits=Limits.of(round_.accounts, held, lots, pots, positive_pnl_only=only),
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
        cells=tuple(_cells(flow)),
        given_up=book.given_up,
        close=flow.closing,
    )
    asked = float(quantity @ np.maximum(book.given_up, 0.0)) if asked is None else asked
    return _allocation(closures, len(round_.accounts), held, asked)


def _closed(rule: Closing, state: Any, book: Book) -> tuple[Ints, Ints, Ints]:
    """Return which lots of which position are closed against which row of the flow, row by row."""
    flow, held = tables_in_contracts(book.round_)
    plan, pots = rule.plan(state, book), book.pots
    limits, kept, paid = book.limits.copy(), held.lots.copy(), np.zeros(pots.capacity.size)
    least = np.zeros(len(flow)) if flow.min_quantity is None else flow.min_quantity
    parts = [(np.empty(0, dtype=np.int64),) * 3]
    for row, across in enumerate(_across(book.round_)):
        g = float(book.given_up[row])
        rows = np.flatnonzero(across & (limits.lots > 0))
        most = limits.most(rows, g)
        rows, most = rows[most > 0], most[most > 0]
        if not rows.size or not book.quantity[row]:
            continue
        pot = pots.of_position[rows]
        cell = Cell(
            round_=book.round_,
            row=row,
            wanted=float(book.quantity[row]),
            given_up=g,
            rows=rows,
            held=kept[rows],
            most=most,
            pot=pot,
            paid=paid[pot],
            pots=pots,
        )
        lots = limits.close(rule, plan, cell, float(least[row]))
        limits.take(cell, lots)
        kept[rows] -= lots
        np.add.at(paid, pot, lots * cell.size * max(g, 0.0))
        parts.append((rows[lots > 0], np.full(int(np.count_nonzero(lots)), row), lots[lots > 0]))
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


def priced(round_: Round, price: str) -> Round:
    """Return a round in contracts whose flow is closed at a price.

    Parameters
    ----------
    round_ : Round
    price : str
        ``close`` (:attr:`Flow.closing`), ``mark``, ``previous mark``, ``bankruptcy``, or ``capped mark``: the
        mark, but none at which a loser would lose more than it has.

    Raises
    ------
    LackError
        The flow lacks a column that the price needs.
    """
    if price == CLOSE:
        return round_
    flow, _ = tables_in_contracts(round_)
    needed = "previous_mark" if price == "previous mark" else "bankruptcy"
    lacking = flow.missing(needed) if price != "mark" else []
    lacking += ["bankruptcy"] if flow.closing is None and "bankruptcy" not in lacking else []
    if lacking:
        raise LackError(
            f"a rule closes at a price that the round lacks: {price}",
            got=f"round {round_.number}: flow without {', '.join(lacking)}",
            ways_out=["give the columns", 'choose price="close" (--price close)'],
        )
    bankrupt = flow.bankruptcy if flow.bankruptcy is not None else flow.mark
    close = {
        "mark": flow.mark,
        "previous mark": flow.previous_mark,
        "bankruptcy": bankrupt,
        "capped mark": np.where(_side(flow) > 0, np.maximum(flow.mark, bankrupt), np.minimum(flow.mark, bankrupt)),
    }[price]
    return replace(round_, flow=replace(flow, close=close))


def beyond_close(round_: Round, closures: Closures) -> Floats:
    """Return by how much more a contract gives up at the price of closures than at that of the flow, (k,) USD."""
    flow, _ = tables_in_contracts(round_)
    if flow.closing is None or closures.close is None:
        return np.zeros(len(flow))
    kind, *terms = _terms(round_)
    return pnl_per_contract(kind, _side(flow), flow.closing, closures.close, *terms)


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
