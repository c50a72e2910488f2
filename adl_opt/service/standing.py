"""Where an account stood: its rank and score with its inputs, who stood before and after, and what bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.pro_rata import CappedProRata, ShareOfColumn
from adl_opt.allocation.queue import Queue, Ranked, ranked, ranked_in_cell
from adl_opt.kernels.fill.queue import descending
from adl_opt.rounds.closures import NAMES
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.owners import Owners
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Round
from adl_opt.rounds.tables import Accounts
from adl_opt.service.situation import Situation

NEAR = 1e-9
CAPACITY, CAP, BUDGET, SHARE = "capacity", "cap", "budget", "share"
NO_CAPACITY, NOT_REACHED, OTHER_SIDE = "no-capacity", "not-reached", "other-side"
POSITION, NOTHING_ASKED, EXEMPT = "position", "nothing-asked", "exempt"

Place = dict[str, Any]
"""Plain values: rank, of, score, base, inputs, before, after, bound_by; in contracts what was closed too."""


def places_of(case: Situation, action: Allocation, cells: list[Cell], account: int) -> list[Place]:
    """Return where an account stood: in wealth once, in contracts once for each flow that could close it.

    A sub-account stands where its owner does.
    """
    if action.closures is None:
        return [_in_wealth(case.policy.allocation, case.round_, action, account)]
    owners = Owners.of(case.round_)
    who = account if owners is None else int(owners.account[account])
    return [_in_cell(case, action, cell, who, account) for cell in cells if np.any(cell.account == who)]


def bound_by(case: Situation, action: Allocation, account: int, places: list[Place]) -> str:
    """Return what limited what was taken of an account, in a word."""
    if action.asked <= 0.0:
        return NOTHING_ASKED
    if action.closures is not None:
        if not places:
            accounts = case.round_.accounts
            if accounts.exempt is not None and accounts.exempt[account]:
                return EXEMPT
            return NO_CAPACITY if capacity_of(case.round_)[account] <= 0.0 else OTHER_SIDE
        taken = [place["bound_by"] for place in summed_by_market(places) if place["lots"]]
        return str(taken[0] if taken else NOT_REACHED)
    return str(places[0]["bound_by"])


def summed_by_market(places: list[Place]) -> list[Place]:
    """Return one place for each market and side: its lots and contracts summed, prices as their mean.

    Where a position was closed against several losers, the rank is that before the first of them, and what
    bound is that of the last.
    """
    groups: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        groups.setdefault((place["market"], place["side"]), []).append(place)
    return [_summed([p for p in group if p["lots"]] or group[:1]) for group in groups.values()]


def _summed(group: list[Place]) -> Place:
    made = group[0] | {name: sum(place[name] for place in group) for name in ("lots", "contracts")}
    made["bound_by"] = group[-1]["bound_by"]
    if made["contracts"] > 0.0:
        for name in ("price_usd", "given_up_per_contract_usd"):
            made[name] = sum(p["contracts"] * p[name] for p in group) / made["contracts"]
    if made["lots"] == made["held_lots"]:
        made["bound_by"] = POSITION
    return made


def _in_wealth(rule: AllocationRule, round_: Round, action: Allocation, account: int) -> Place:
    accounts = round_.accounts
    if isinstance(rule, Queue):
        rows = ranked(rule, round_)
        order, score, base = rule.order(rows, round_), rule.score(rows), "score"
        owner, able = rows.account, (rows.reach > 0.0) & (accounts.capacity[rows.account] > 0.0)
    else:
        base = rule.column if isinstance(rule, ShareOfColumn) else "capacity"
        score = getattr(accounts, base)
        order = descending(score, accounts.id)
        owner, able = np.arange(len(accounts)), accounts.capacity > 0.0
        rows = None
    order = order[able[order]]
    mine = np.flatnonzero(owner[order] == account)
    place = _place(order, int(mine[0]) if mine.size else None, score, owner, accounts.id)
    row = int(order[mine[0]]) if mine.size else int(np.argmax(owner == account))
    place |= {"base": base, "inputs": _inputs(rows, row, round_, account)}
    x, capacity = float(action.x[account]), float(accounts.capacity[account])
    if accounts.exempt is not None and accounts.exempt[account]:
        bound = EXEMPT
    elif capacity <= 0.0:
        bound = NO_CAPACITY
    elif x <= 0.0:
        bound = NOT_REACHED
    elif x >= capacity * (1.0 - NEAR):
        bound = CAPACITY
    elif x >= _cap(rule, accounts, account) * (1.0 - NEAR):
        bound = CAP
    else:
        bound = BUDGET if isinstance(rule, Queue) else SHARE
    return place | {"bound_by": bound}


def _cap(rule: AllocationRule, accounts: Accounts, account: int) -> float:
    """Return the least of the account's own cap and that of the rule, USD."""
    own = math.inf if accounts.cap is None else float(accounts.cap[account])
    share = rule.cap if isinstance(rule, CappedProRata) else math.inf
    return min(own, share * float(accounts.capacity[account]))


def _in_cell(case: Situation, action: Allocation, cell: Cell, who: int, account: int) -> Place:
    """Return where the position of an account (as ``who`` in the cell) stood, and what was closed of it."""
    rule, closures = case.policy.allocation, action.closures
    flow, held = cell.round_.flow, case.round_.positions
    assert closures is not None  # noqa: S101
    assert flow is not None  # noqa: S101
    assert held is not None  # noqa: S101
    if isinstance(rule, Queue):
        rows = ranked_in_cell(rule, cell)
        order, score, base = rule.order(rows, cell.round_), rule.score(rows), "score"
    else:
        rows, base, score = None, "contracts that it can give", cell.most * cell.size
        order = descending(score, cell.round_.accounts.id[cell.account])
    at = int(np.flatnonzero(cell.account == who)[0])
    where = np.flatnonzero(order == at)
    market, losers = closures.cells[cell.row]
    side = -1 if losers == NAMES[1] else 1
    own = (held.account == account) & (held.market == market) & (held.side == side)
    mine = (closures.row == cell.row) & (closures.account == account)
    given, whole = int(closures.lots[mine].sum()), int(held.lots[own].sum())
    price = flow.mark if closures.close is None else closures.close
    if given == 0:
        bound = NOT_REACHED
    elif given == whole:
        bound = POSITION
    elif given >= int(cell.most[at]):
        bound = CAPACITY
    else:
        bound = BUDGET if isinstance(rule, Queue) else SHARE
    return _place(
        order, int(where[0]) if where.size else None, score, cell.account, cell.round_.accounts.id
    ) | {
        "base": base,
        "inputs": _inputs(rows, at, case.round_, account),
        "bound_by": bound,
        "market": market,
        "side": NAMES[side],
        "lots": given,
        "held_lots": whole,
        "contracts": float(closures.contracts[mine].sum()),
        "price_usd": float(price[cell.row]),
        "given_up_per_contract_usd": float(closures.given_up[cell.row]),
    }


def _place(order: Ints, at: int | None, score: Floats, owner: Ints, ids: Any) -> Place:
    def beside(place: int) -> dict[str, Any] | None:
        if not 0 <= place < order.size:
            return None
        row = order[place]
        return {"id": str(ids[owner[row]]), "score": _finite(score[row])}

    if at is None:
        return {"rank": None, "of": int(order.size), "score": None, "before": None, "after": None}
    return {
        "rank": at + 1,
        "of": int(order.size),
        "score": _finite(score[order[at]]),
        "before": beside(at - 1),
        "after": beside(at + 1),
    }


def _inputs(rows: Ranked | None, row: int, round_: Round, account: int) -> dict[str, float]:
    """Return what the score is made of."""
    if rows is None:
        names = ("pnl", "equity", "capacity")
        return {name: float(getattr(round_.accounts, name)[account]) for name in names}
    made = {"pnl": float(rows.pnl[row]), "equity": float(rows.equity[row])}
    return made | {name: float(values[row]) for name, values in rows.columns.items()}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
