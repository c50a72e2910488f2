"""The ranking rules of live venues, from their public pages (November 2026).

Each rule is the venue's ranking, filled in full from the top with the last one in part.  A venue also fixes
a closing price, and deleverages the other side of one market at a time; the docstrings name the price for
the record.  A round here is a budget in USD over all markets, so neither price nor market restricts who pays.
Position-scope rules rank positions where the round has them, and whole accounts by the accounts' own
columns otherwise.  PNL% is relative to entry: (mark - entry) / entry for longs, the negative for shorts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import Claims, ratio
from adl_opt.allocation.queue import Column, PositionQueue, Queue, Ranked, pnl_percent
from adl_opt.kernels.fill.heads import ENOUGH, highest, shares
from adl_opt.kernels.fill.queue import descending
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round


@dataclass(frozen=True)
class HyperliquidLiteral(PositionQueue):
    """Hyperliquid's printed formula, for longs and shorts alike.

    Rule: positions by (mark / entry) x (notional / account value), highest first.
    Source: Hyperliquid docs, auto-deleveraging (price: previous mark); the printed form favours longs, and
    the page does not say that it is inverted for shorts.  Information: start of round.
    Tie-break: account id, then market.
    """

    name: ClassVar[str] = "hyperliquid-literal"
    needs_of_row: ClassVar[tuple[str, ...]] = ("mark", "entry", "notional")

    def score(self, rows: Ranked) -> Floats:
        """Return (mark / entry) x (notional / equity)."""
        return ratio(rows["mark"], rows["entry"]) * ratio(rows["notional"], rows.equity)


@dataclass(frozen=True)
class HyperliquidSideAdjusted(PositionQueue):
    """Hyperliquid's formula read by side: a short's gain is entry / mark.

    Rule: positions by (mark / entry, shorts: entry / mark) x (notional / account value), highest first.
    Source: Hyperliquid docs, auto-deleveraging (price: previous mark), read so that profit raises the score
    on both sides.  Information: start of round.  Tie-break: account id, then market.
    """

    name: ClassVar[str] = "hyperliquid-side-adjusted"

    def score(self, rows: Ranked) -> Floats:
        """Return the gain by side x (notional / equity)."""
        gain, lost = ratio(rows["mark"], rows["entry"]), ratio(rows["entry"], rows["mark"])
        return np.where(rows["side"] > 0, gain, lost) * ratio(rows["notional"], rows.equity)


@dataclass(frozen=True)
class Binance(Queue):
    """Binance (Aster Pro the same): PNL percentage times margin ratio, account by account.

    Rule: PnLpct x MarginRatio; PnLpct = pnl+ / max(1, wallet), wallet = equity - pnl; MarginRatio =
    maintenance margin / equity, 0 where equity <= 0.
    Source: Binance FAQ 360033525471 (price: bankruptcy price).
    Information: start of round.  Tie-break: account id.
    """

    name: ClassVar[str] = "binance"
    claims: ClassVar[Claims] = Claims(vertex=True, scale=False)  # the floor of one dollar
    needs_of_account: ClassVar[tuple[str, ...]] = ("margin",)

    def score(self, rows: Ranked) -> Floats:
        """Return PnLpct x MarginRatio."""
        percent = np.maximum(rows.pnl, 0.0) / np.maximum(rows.equity - rows.pnl, 1.0)
        return percent * ratio(rows["margin"], rows.equity)


@dataclass(frozen=True)
class Bitmex(PositionQueue):
    """BitMEX (MEXC the same): longs and shorts ranked apart by PNL percentage times effective leverage.

    Rule: PNL% > 0: PNL% x EffLev, else PNL% / EffLev; EffLev = notional / (mark value - bankruptcy value) =
    notional / equity.  Each side is ranked by itself; the sides are merged by rank / count of their side.
    Source: support.bitmex.com 18589621443357 (price: bankruptcy price).  Information: start of round.
    Tie-break: score, then account id, then market.
    """

    name: ClassVar[str] = "bitmex"
    own_margin: ClassVar[bool] = False

    def score(self, rows: Ranked) -> Floats:
        """Return the raw score of the side's own ranking."""
        percent, leverage = pnl_percent(rows), ratio(rows["notional"], rows.equity)
        return np.where(percent > 0, percent * leverage, ratio(percent, leverage, nothing=-np.inf))

    def order(self, rows: Ranked, round_: Round, most: float = math.inf) -> Ints:
        """Merge the two sides by rank / count."""
        with np.errstate(over="ignore"):
            raw = self.score(rows)
        sides = [np.flatnonzero(rows["side"] == side) for side in (-1, 1)]
        for share in shares(raw.size):
            order = self._merged(rows, raw, sides, share)
            if float(rows.reach[order].sum()) > most * ENOUGH:
                break
        return order

    def _merged(self, rows: Ranked, raw: Floats, sides: list[Ints], share: float) -> Ints:
        """Return the rows whose rank / count is at most this share, a power of two, in order."""
        heads, places = [], []
        for members in sides:
            count = int(share * members.size)
            among = members[highest(raw[members], count)]
            heads.append(among[descending(raw[among], *self.ties(rows.take(among)))][:count])
            places.append(np.arange(1, count + 1) / max(members.size, 1))
        head, place = np.concatenate(heads), np.concatenate(places)
        again = np.argsort(head)  # where all else is equal, the order of rows decides
        head, place = head[again], place[again]
        first = descending(-place, -raw[head], *self.ties(rows.take(head)))
        return np.asarray(head[first], dtype=np.int64)


@dataclass(frozen=True)
class Aevo(Binance):
    """Aevo: PNL percentage of the balance times margin ratio, account by account.

    Rule: PnLpct x MR; PnLpct = pnl / max(1, balance), balance = equity - pnl; MR = 0 if PnLpct <= 0, else
    maintenance margin / equity: in other words, Binance's score.
    Source: docs.aevo.xyz, auto-deleveraging (price: mark).
    Information: start of round.  Tie-break: account id.
    """

    name: ClassVar[str] = "aevo"


@dataclass(frozen=True)
class Ethereal(Queue):
    """Ethereal: an explicit lexicographic order, account by account.

    Rule: higher leverage, then higher PNL, then lower balance (equity - pnl), then the newer account, taken
    as the later row.  Source: docs.ethereal.trade (price: oracle mark, capped at bankruptcy price).
    Information: start of round.  Tie-break: the rule itself; it looks at the order of rows, so reordering
    accounts may matter where all else is equal.
    """

    name: ClassVar[str] = "ethereal"
    claims: ClassVar[Claims] = Claims(vertex=True, permutation=False)
    needs_of_account: ClassVar[tuple[str, ...]] = ("leverage",)

    def score(self, rows: Ranked) -> Floats:
        """Return the first key, leverage."""
        return rows["leverage"]

    def ties(self, rows: Ranked) -> tuple[Column, ...]:
        """Return the other keys."""
        return -rows.pnl, rows.equity - rows.pnl, -rows.account
