"""What the kits share: a claim that does not hold, and rounds that are changed as claims say."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.errors import PolicyError
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts

_MONEY = ("pnl", "equity", "capacity", "notional", "margin", "entry", "mark")


def expect(rule: AllocationRule, round_: Round, claim: str, holds: bool, got: str = "") -> None:
    """Raise a PolicyError that names a claim, unless it holds."""
    if not holds:
        raise PolicyError(
            f"allocation {rule.label()!r} breaks what it claims: {claim}",
            got=got or f"round {round_.number} with {len(round_.accounts)} accounts",
            ways_out=["correct the rule", "withdraw the claim (Claims) and say so in the docstring"],
        )


def reordered(round_: Round, order: Ints) -> Round:
    """Return the round with its accounts in another order, positions following them."""
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    held = round_.positions
    moved = None if held is None else replace(held, account=place[held.account])
    return replace(round_, accounts=round_.accounts.take(order), positions=moved)


def scaled_money(round_: Round, factor: float) -> Round:
    """Return the round in another unit of money: all USD and prices times the factor."""

    def times(columns: Any, *more: str) -> Any:
        present = {f.name for f in fields(columns)} & {*_MONEY, *more}
        return replace(columns, **{n: v * factor for n in present if (v := getattr(columns, n)) is not None})

    held, flow = round_.positions, round_.flow
    return replace(
        round_,
        deficit=round_.deficit * factor,
        accounts=times(round_.accounts),
        positions=None if held is None else times(held, "lot_value"),
        flow=None if flow is None else times(flow, "bankruptcy", "close"),
    )


def halved(round_: Round) -> Round:
    """Return the round with every account split in two equal halves: first halves first (no positions)."""
    a = round_.accounts
    shared: dict[str, Any] = {
        n: None if (v := getattr(a, n)) is None else np.tile(v, 2)
        for n in ("side", "entry", "mark", "leverage")
    }
    money = ("pnl", "equity", "capacity", "notional", "margin")
    half: dict[str, Any] = {n: None if (v := getattr(a, n)) is None else np.tile(v / 2, 2) for n in money}
    ids = np.concatenate([np.char.add(a.id, "/1"), np.char.add(a.id, "/2")])
    return replace(round_, accounts=Accounts(id=ids, **shared, **half), positions=None)
