"""What the flow of a round in contracts is: who is across, what a contract gives up, and what a share is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.rounds.closures import NAMES
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import (
    CONTRACTS,
    INVERSE,
    LINEAR,
    given_up_per_contract,
    notional_per_contract,
)

if TYPE_CHECKING:
    from adl_opt.rounds.round import Outcome, Round
    from adl_opt.rounds.tables import Flow, Gaps, Positions


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
    kind, *terms = terms_of(round_)
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
    cells = list(zip(flow.market.tolist(), side_of(flow).tolist(), strict=True))
    place: dict[tuple[str, int], int] = {}
    code = np.array([place.setdefault(cell, len(place)) for cell in cells], dtype=np.int64)
    flowing, worth = (np.bincount(code, amounts)[code] for amounts in (flow.quantity, flow.quantity * known))
    executed, gap = _told(gaps, cells)
    there = (executed > 0.0) & (flowing > 0.0)
    per_contract = np.divide(gap, executed, out=np.zeros(len(flow)), where=there)
    if flow.closing is not None:
        per_contract += known - np.divide(worth, flowing, out=np.zeros(len(flow)), where=there)
    return np.where(there, per_contract, known)


def _told(gaps: Gaps, cells: list[tuple[str, int]]) -> tuple[Floats, Floats]:
    """Return contracts and USD of the gaps of each row's market (and side, where they are told), (k,)."""
    sides = [0] * len(gaps) if gaps.side is None else gaps.side.tolist()
    total: dict[tuple[str, int], list[float]] = {}
    for market, side, *amounts in zip(
        gaps.market.tolist(), sides, gaps.quantity.tolist(), gaps.gap.tolist(), strict=True
    ):
        known = total.setdefault((market, side), [0.0, 0.0])
        known[:] = known[0] + amounts[0], known[1] + amounts[1]
    asked = cells if gaps.side is not None else [(market, 0) for market, _ in cells]
    told = np.array([total.get(cell, (0.0, 0.0)) for cell in asked]).reshape(-1, 2)
    return told[:, 0], told[:, 1]


def usd_by_cell(round_: Round, given_up: Floats) -> dict[tuple[str, str], float]:
    """Return what the whole flow gives up, USD, by (market, losers' side).

    With :func:`reckoned` it is the deficit of each, with :func:`revealed` the needed budget; gains count 0.
    """
    flow, _ = tables_in_contracts(round_)
    out = dict.fromkeys(cells_of(flow), 0.0)
    amounts = flow.quantity * np.maximum(given_up, 0.0)
    for cell, usd in zip(cells_of(flow), amounts.tolist(), strict=True):
        out[cell] += usd
    return out


def share_of_flow(round_: Round, asked: float, given_up: Floats) -> float:
    """Return theta, the share of every row of the flow that is closed: min(1, asked / sum Q g).

    Where nothing is given up in all, any dollar that is asked for closes the whole flow.
    """
    total = sum(usd_by_cell(round_, given_up).values())
    return min(1.0, asked / total) if total > 0.0 else float(asked > 0.0)


def within_reach(round_: Round, given_up: Floats) -> Floats:
    """Return the most that each account could give up against this flow, (n,) USD, limits aside."""
    _, held = tables_in_contracts(round_)
    dearest = np.zeros(len(held))
    for rows, g in zip(across(round_), given_up.tolist(), strict=True):
        dearest[rows] = np.maximum(dearest[rows], g)
    most = np.bincount(held.account, dearest * held.quantity, minlength=len(round_.accounts))
    return most.astype(np.float64)


def worth_of_markets(round_: Round) -> tuple[list[str], Floats]:
    """Return the markets of a round in contracts, and the notional of one contract of each, USD.

    A contract moves by this times the relative move of the mark; the value of coin collateral stays.
    """
    flow, held = tables_in_contracts(round_)
    assert held.mark is not None  # noqa: S101
    first = held.sides.first
    columns = (held.kind, held.mark, held.multiplier, held.settlement_rate)
    worth = dict(zip(flow.market.tolist(), flow.mark.tolist(), strict=True))
    kind, mark, multiplier, rate = (column[first] for column in columns)
    known = notional_per_contract(kind, mark, multiplier, rate)
    worth |= dict(zip(held.sides.place, known.tolist(), strict=True))
    return list(worth), np.array(list(worth.values()))


def across(round_: Round) -> Iterator[Ints]:
    """Yield for each row of the flow the positions on the other side of its market, in the order of rows."""
    flow, held = tables_in_contracts(round_)
    yield from map(held.sides.across, flow.market.tolist(), side_of(flow).tolist())


def cells_of(flow: Flow) -> list[tuple[str, str]]:
    """Return market and losers' side of each row of the flow, by name."""
    pairs = zip(flow.market.tolist(), side_of(flow).tolist(), strict=True)
    return [(market, NAMES[side]) for market, side in pairs]


def side_of(flow: Flow) -> Ints:
    """Return the side of the losers of each row of a flow that has sides, (k,)."""
    assert flow.side is not None  # noqa: S101
    return flow.side


def flow_by_side(round_: Round) -> Flow:
    """Return the flow with one row for each market and side, at the mean closing price of its losers.

    The mean is that at which the losers together give as much as one by one: by contracts, of inverse
    contracts in coin.
    """
    flow, _ = tables_in_contracts(round_)
    keys = np.stack([np.unique(flow.market, return_inverse=True)[1], side_of(flow)])
    _, first, code = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    code = code.ravel()
    quantity = np.bincount(code, flow.quantity).astype(np.float64)
    bankruptcy = None
    if flow.closing is not None:
        inverse = terms_of(round_)[0] == INVERSE
        priced = np.where(inverse, 1.0 / flow.closing, flow.closing)
        mean = np.bincount(code, flow.quantity * priced) / np.where(quantity > 0, quantity, 1.0)
        mean = np.where(quantity > 0, mean, priced[first])
        bankruptcy = np.where(inverse[first], 1.0 / mean, mean)
    return type(flow)(
        market=flow.market[first],
        side=side_of(flow)[first],
        quantity=quantity,
        mark=flow.mark[first],
        bankruptcy=bankruptcy,
        previous_mark=None if flow.previous_mark is None else flow.previous_mark[first],
    )


def _spread(round_: Round, usd: float) -> Floats:
    """Return an amount as USD per contract of each row of the flow, in proportion to notional."""
    flow, _ = tables_in_contracts(round_)
    kind, *terms = terms_of(round_)
    each = notional_per_contract(kind, flow.mark, *terms)
    total = float(flow.quantity @ each)
    return each * (usd / total) if total > 0.0 else np.zeros(len(flow))


def terms_of(round_: Round) -> tuple[Any, Any, Any]:
    """Return kind, multiplier and settlement rate of the contract of each row of the flow."""
    flow, held = tables_in_contracts(round_)
    sides = held.sides
    market = np.array([sides.place.get(name, -1) for name in flow.market.tolist()], dtype=np.int64)
    first = np.array([*sides.first, -1])[market]  # -1 where nobody holds the market
    kind, multiplier, rate = (
        np.array([column[k] if k >= 0 else default for k in first.tolist()])
        for column, default in ((held.kind, LINEAR), (held.multiplier, 1.0), (held.settlement_rate, 1.0))
    )
    return kind, multiplier, rate
