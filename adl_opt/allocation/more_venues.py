"""More rules of venues, of which parts are inferred or unconfirmed: ``venue_specs`` says which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import Claims, State, ratio
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.limits import Book
from adl_opt.allocation.queue import PositionQueue, Queue, Ranked, pnl_percent
from adl_opt.checks import whole_between
from adl_opt.kernels.fill.whole import fill_lots
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import pnl_per_contract
from adl_opt.rounds.round import Round


@dataclass(frozen=True)
class Okx(PositionQueue):
    """OKX: position PNL percentage times effective leverage.

    Rule: PNL% x notional / equity, highest first.  Source: OKX help, auto-deleveraging (price: mark).
    Information: start of round.  Tie-break: account id, then market.
    """

    name: ClassVar[str] = "okx"

    def score(self, rows: Ranked) -> Floats:
        """Return PNL% x leverage."""
        return pnl_percent(rows) * ratio(rows["notional"], rows.equity)


@dataclass(frozen=True)
class Grvt(PositionQueue):
    """GRVT: position PNL percentage against the portfolio's margin balance over maintenance margin.

    Rule: profit: PNL% / (MB / MM); loss: PNL% x (MB / MM), MB = equity, MM = maintenance margin.
    Source: help.grvt.io 9637899 (price: mark).  Information: start of round.
    Tie-break: account id, then market.
    """

    name: ClassVar[str] = "grvt"
    needs_of_row: ClassVar[tuple[str, ...]] = ("side", "mark", "entry")
    needs_of_account: ClassVar[tuple[str, ...]] = ("margin",)

    def score(self, rows: Ranked) -> Floats:
        """Return PNL% over, or times, MB / MM."""
        percent = pnl_percent(rows)
        gain = percent * ratio(rows["margin"], rows.equity)
        lost = np.where(percent < 0, percent, -1.0)  # 0 times an infinite ratio is no number
        loss = lost * ratio(rows.equity, rows["margin"], nothing=np.inf)
        return np.where(percent > 0, gain, np.where(percent < 0, loss, 0.0))


@dataclass(frozen=True)
class OkxMarginRatio(Grvt):
    """OKX's likely rule of today: position return over the margin ratio.

    Rule: PNL% x maintenance margin / equity, highest first; losers by the same formula, which no page states.
    Source: a secondary page on OKX.  Information: start of round.  Tie-break: account id, then market.
    """

    name: ClassVar[str] = "okx-margin-ratio"

    def score(self, rows: Ranked) -> Floats:
        """Return PNL% over equity / maintenance margin."""
        return pnl_percent(rows) * ratio(rows["margin"], rows.equity)


@dataclass(frozen=True)
class Bitget(Grvt):
    """Bitget: position return times the maintenance ratio of the account; losers are divided by it.

    Rule: profit: PNL% x maintenance margin / equity; loss: PNL% / (maintenance margin / equity).
    Source: Bitget, auto-deleveraging page.  Information: start of round.
    Tie-break: account id, then market.
    """

    name: ClassVar[str] = "bitget"
    own_margin: ClassVar[bool] = False


@dataclass(frozen=True)
class Bybit(Okx):
    """Bybit: leveraged return; the exact ranking could not be verified.

    Rule: PNL% x notional / equity, highest first (inferred).  Source: Bybit v5 adl-alert (trigger only).
    Information: start of round.  Tie-break: account id, then market.
    """

    name: ClassVar[str] = "bybit"


@dataclass(frozen=True)
class Kucoin(PositionQueue):
    """KuCoin: return of cross positions, return times opening leverage of isolated ones.

    Rule: cross: PNL%; isolated: PNL% x value at entry / isolated margin.  A round in wealth knows no margin
    modes: all are cross there.  Source: KuCoin support 35084312224281.  Information: start of round.
    Tie-break: account id, then market.
    """

    name: ClassVar[str] = "kucoin"
    needs_of_row: ClassVar[tuple[str, ...]] = ("side", "mark", "entry")

    def score(self, rows: Ranked) -> Floats:
        """Return PNL%, times the opening leverage of isolated positions."""
        return pnl_percent(rows) * rows.columns.get("opening_leverage", np.ones(1))


@dataclass(frozen=True)
class DydxRandom(Queue):
    """dYdX v4: start at a pseudo-random account and walk in order, each account in full.

    Rule: rotate the row order by a draw from (seed, round number).  Source: dydxprotocol/v4-chain, x/clob
    keeper, deleveraging (price: bankruptcy price, else oracle).  Information: start of round.
    Tie-break: row order.

    Parameters
    ----------
    seed : int
        Same seed, same bits.
    """

    seed: int = 0
    name: ClassVar[str] = "dydx-random"
    claims: ClassVar[Claims] = Claims(vertex=True, permutation=False)

    def __post_init__(self) -> None:
        whole_between("allocation 'dydx-random': seed", self.seed, 0, 2**63 - 1)

    def score(self, rows: Ranked) -> Floats:
        """Return NaN: a walk has no score."""
        return np.full(rows.account.size, np.nan)

    def order(self, rows: Ranked, round_: Round, most: float = math.inf) -> Ints:
        """Return the rotated row order."""
        return self._walk(rows.account.size, round_)

    def plan(self, state: State, book: Book) -> State:
        """Return the state: where the walk starts depends on who can pay."""
        return state

    def close(self, state: State, cell: Cell) -> Ints:
        """Return the lots of the walk over the positions that can pay."""
        return fill_lots(self._walk(cell.at.size, cell.round_), cell.most, cell.size, cell.wanted)

    def _walk(self, size: int, round_: Round) -> Ints:
        start = np.random.default_rng([self.seed, round_.number]).integers(max(size, 1))
        return (np.arange(size) + start) % max(size, 1)


@dataclass(frozen=True)
class DydxV4(DydxRandom):
    """dYdX v4: the walk of dydx-random, which skips pairs whose bankruptcy prices do not overlap.

    Rule: rotate the row order; in contracts, skip an account that would be bankrupt at the loser's
    bankruptcy price.  Its bankruptcy price is taken as the price at which the position uses up the equity of
    its margin (inferred).  Losers are closed too.  A round in wealth has no such prices: there it is
    dydx-random.
    Source: dydxprotocol/v4-chain, x/clob keeper, deleveraging; PRs 249, 835, 906, 1208.
    Information: start of round.  Tie-break: row order.
    """

    name: ClassVar[str] = "dydx-v4"
    positive_pnl_only: ClassVar[bool] = False

    def close(self, state: State, cell: Cell) -> Ints:
        """Return the lots of the walk, over the pairs that overlap."""
        order = self._walk(cell.at.size, cell.round_)
        return fill_lots(order[self._overlaps(cell)[order]], cell.most, cell.size, cell.wanted)

    def _overlaps(self, cell: Cell) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return whether each position's equity lasts from the mark to the loser's bankruptcy price."""
        flow, held, rows = cell.round_.flow, cell.positions, cell.rows
        if flow is None or flow.bankruptcy is None:
            return np.ones(rows.size, dtype=np.bool_)
        assert held.side is not None  # noqa: S101
        assert held.mark is not None  # noqa: S101
        terms = (held.multiplier[rows], held.settlement_rate[rows])
        price = float(flow.bankruptcy[cell.row])
        gain = pnl_per_contract(held.kind[rows], held.side[rows], held.mark[rows], price, *terms)
        return np.asarray(cell.pots.equity[cell.pot] + held.quantity[rows] * gain >= 0.0)
