"""A round after its marks have moved: PNL, equity, and who has gone bankrupt."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.base import ratio
from adl_opt.errors import LackError
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CONTRACTS, INVERSE, pnl_per_contract
from adl_opt.rounds.pool import gaining
from adl_opt.rounds.pots import Pots
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions

ONE_MARKET = "-"
"""Market of accounts whose positions are not known: all marks move together."""


@dataclass(frozen=True, eq=False)
class MovingBook:
    """A round, ready to be moved many times: ``markets`` are the (m,) names whose marks may move."""

    round_: Round
    markets: tuple[str, ...]

    @classmethod
    def of(cls, round_: Round) -> MovingBook:
        """Return the book of a round.

        Raises
        ------
        LackError
            It does not say how its PNL moves.
        """
        accounts, held = round_.accounts, round_.positions
        if held is not None and not held.missing("side", "entry", "mark"):
            return cls(round_, tuple(held.markets[0].tolist()))
        if missing := accounts.missing("side", "notional"):
            raise LackError(
                "the round does not say how its PNL moves with prices",
                got=f"round {round_.number}: accounts without {', '.join(missing)}",
                ways_out=[
                    "give positions with side, entry and mark",
                    "give accounts their side and notional",
                ],
            )
        return cls(round_, (ONE_MARKET,))

    def moved(self, moves: Floats) -> Round:
        """Return the round after relative moves of the marks, (m,) above -1.

        Its deficit is what accounts (in contracts also isolated positions) lack whose equity has gone below
        0; in contracts their positions are the flow.  An account moves by the sum of its positions, so that
        hedged ones hardly do.  Collateral keeps its value.
        """
        if self.markets != (ONE_MARKET,):
            return self._by_positions(moves)
        accounts = self.round_.accounts
        assert accounts.side is not None  # noqa: S101
        assert accounts.notional is not None  # noqa: S101
        growth = np.full(len(accounts), 1.0 + float(moves[0]))
        made = _accounts(accounts, accounts.side * accounts.notional * float(moves[0]), growth)
        return self._round(made, None, None, made.equity)

    def _by_positions(self, moves: Floats) -> Round:
        accounts, held = self.round_.accounts, self.round_.positions
        assert held is not None  # noqa: S101
        assert held.mark is not None  # noqa: S101
        mark = held.mark * (1.0 + moves[held.markets[1]])
        rate = np.where(held.kind == INVERSE, held.settlement_rate * (mark / held.mark), held.settlement_rate)
        before = pnl_per_contract(
            held.kind, held.side, held.entry, held.mark, held.multiplier, held.settlement_rate
        )
        after = pnl_per_contract(held.kind, held.side, held.entry, mark, held.multiplier, rate)
        gain = held.lot_size * (after - before)
        columns: dict[str, Any] = {"mark": mark, "settlement_rate": rate, "lot_value": held.lot_value + gain}
        if held.notional is not None:
            columns["notional"] = held.notional * (mark / held.mark)
        positions, n = _with(held, columns), len(accounts)
        size = held.quantity * held.mark
        was, now = (np.bincount(held.account, s, minlength=n) for s in (size, size * (mark / held.mark)))
        growth = np.where(was > 0.0, now / np.where(was > 0.0, was, 1.0), 1.0)
        gained = np.bincount(held.account, gain * held.lots, minlength=n).astype(np.float64)
        made = _accounts(accounts, gained, growth)
        if self.round_.space != CONTRACTS:
            return self._round(made, gaining(positions), None, made.equity)
        pots = Pots.of(made, positions)
        flow = _flow(positions, pots.equity[pots.of_position] < 0.0)
        return self._round(made, positions, flow, pots.equity)

    def _round(
        self, accounts: Accounts, positions: Positions | None, flow: Flow | None, equity: Floats
    ) -> Round:
        made = copy(self.round_)
        for name in made.__dict__.keys() - {field.name for field in fields(Round)}:
            del made.__dict__[name]  # what was worked out from the figures before
        deficit = float(-np.minimum(equity, 0.0).sum())
        parts = {"accounts": accounts, "positions": positions, "flow": flow, "deficit": deficit}
        for name, value in parts.items():
            object.__setattr__(made, name, value)
        return made


def _accounts(old: Accounts, gain: Floats, growth: Floats) -> Accounts:
    """Return the accounts with a gain in USD, and their notional so many times as large."""
    pnl, equity = old.pnl + gain, old.equity + gain
    made = {"pnl": pnl, "equity": equity, "capacity": np.clip(np.minimum(pnl, equity), 0.0, None)}
    for name in ("notional", "margin", "mark"):
        if (column := getattr(old, name)) is not None:
            made[name] = column * growth
    if old.leverage is not None:
        now = np.maximum(equity, 0.0)
        was = np.where(old.equity > 0.0, old.equity, now)  # below zero it says nothing of what follows
        made["leverage"] = old.leverage * growth * ratio(was, now)
    moved: Accounts = _with(old, made)
    return moved


def _with(table: Any, columns: dict[str, npt.NDArray[Any]]) -> Any:
    """Return a table with other figures, which are known to be in order; its ids and markets stay."""
    made = copy(table)
    for name, values in columns.items():
        made._put(name, values)
    for name in ("index", "markets"):
        if hasattr(type(table), name):
            made.__dict__[name] = getattr(table, name)
    return made


def _flow(held: Positions, bankrupt: npt.NDArray[np.bool_]) -> Flow:
    """Return what must be closed: the positions that are bankrupt, by market and side."""
    assert held.side is not None  # noqa: S101
    assert held.mark is not None  # noqa: S101
    names, code = held.markets
    key = code * 2 + (held.side > 0)
    quantity = np.zeros(2 * names.size)
    np.add.at(quantity, key[bankrupt], held.quantity[bankrupt])
    mark = np.zeros(names.size)
    mark[code] = held.mark
    rows = np.flatnonzero(quantity > 0.0)
    side = np.where(rows % 2 == 1, 1, -1)
    return Flow(market=names[rows // 2], side=side, quantity=quantity[rows], mark=mark[rows // 2])
