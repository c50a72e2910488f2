"""The embedded episode `oct10`: Hyperliquid, October 10, 2025, 21:16-21:27 UTC.

Published per round: window, deficit D, needed budget B, production's haircut H and burden, capacity, PNL and
equity of the winners, and their count where it was counted.  Published per round and market: the contracts
that were closed, their mean price and their gap.  Calibrated here: the accounts and what they hold
(:mod:`adl_opt.datasets.winners`; sources in ``data/SOURCES.md``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from adl_opt.datasets.csv.rounds_table import RoundsTable
from adl_opt.datasets.draws import read_figures
from adl_opt.datasets.winners import Crowd, Market, Sums, winners
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.information import Information
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Flow, Gaps

SOURCE = (
    "published: D, B, H, burden of production, capacity, PNL and equity of winners of 16 rounds; contracts, "
    "prices and gaps of 728 markets (arXiv 2602.15182); calibrated: accounts and positions (HyperReplay "
    "quantiles, fixed seed)"
)
SEED = 20251010
# Accounts per fill where a round's accounts were not counted: the whole table has 19,337 accounts in 34,983
# fills (0.55, a lower bound on the mean over rounds, since an account may pay in several); counted rounds
# have 0.36 to 0.71.
ACCOUNTS_PER_FILL = 0.64
LEGS_PER_FILL, LEGS_PER_ACCOUNT = 0.93, 1.02
"""Pairs of account and market: 32,522 in the 34,983 fills of the event; 85 of 84 accounts in late rounds."""


@lru_cache(maxsize=1)
def load_oct10() -> Episode:
    """Load the embedded October 10 episode: the same bits on every call and platform.

    Examples
    --------
    >>> episode = load_oct10()
    >>> len(episode), episode.rounds[0][0].deficit, episode.space
    (16, 10925707.159377944, 'wealth')
    """
    return draw_oct10(SEED)


def draw_oct10(seed: int) -> Episode:
    """Return the published rounds and markets with accounts of another seed: how much is chance."""
    figures, table = read_figures("oct10_rounds.csv"), oct10_rounds()
    traded = _Traded(read_figures("oct10_markets.csv"))
    rng = np.random.default_rng(seed)
    crowd, rounds = Crowd(rng), []
    for row, figure in enumerate(figures):
        flow, gaps, markets = traded.round(figure["wave"])
        fills, counted = int(figure["n_fills"]), figure["n_winners"]
        count = int(counted) if counted else round(ACCOUNTS_PER_FILL * fills)
        sums = Sums(
            capacity=float(figure["capacity_usd"]),
            pnl=float(figure["winners_pnl_usd"]),
            equity=float(figure["winners_equity_usd"]),
            legs=round(LEGS_PER_ACCOUNT * count if counted else LEGS_PER_FILL * fills),
        )
        accounts, positions = winners(rng, crowd, count, markets, sums)
        round_ = Round(
            deficit=float(figure["deficit_usd"]),
            accounts=accounts,
            positions=positions,
            flow=flow,
            number=int(table.number[row]),
            start_ms=int(table.start_ms[row]),
            flow_known=Information.WHOLE_ROUND_FLOW,
        )
        rounds.append((round_, table.outcome(row, gaps)))
    return Episode("oct10", SOURCE, rounds, space=WEALTH)


class _Traded:
    """The published figures of each round and market; a market without flow keeps its last price."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self._rows = rows
        names = sorted({row["coin"] for row in rows})
        self._place = {name: k for k, name in enumerate(names)}
        self.name = np.array(names)
        self.mark, digits = np.zeros(len(names)), np.zeros(len(names), dtype=np.int64)
        for row in reversed(rows):  # before its first flow a market has the price of that
            k = self._place[row["coin"]]
            self.mark[k] = float(row["mean_adl_price_usd"])
            decimals = f"{float(row['qty_contracts']):.6f}".rstrip("0").partition(".")[2]
            digits[k] = max(digits[k], len(decimals))
        self.lot_size = np.power(10.0, -digits.astype(np.float64))

    def round(self, wave: str) -> tuple[Flow, Gaps, Market]:
        """Return flow, gaps and markets of a round."""
        rows = [row for row in self._rows if row["wave"] == wave]
        where = [self._place[row["coin"]] for row in rows]
        quantity, mark, gap = (
            np.array([float(row[name]) for row in rows])
            for name in ("qty_contracts", "mean_adl_price_usd", "gap_usd")
        )
        self.mark[where] = mark
        closed, side = np.zeros(self.name.size), np.ones(self.name.size, dtype=np.int64)
        closed[where], side[where] = quantity, [int(row["losers_side"]) for row in rows]
        flow = Flow(market=self.name[where], side=side[where], quantity=quantity, mark=mark)
        gaps = Gaps(market=flow.market, side=flow.side, quantity=quantity, gap=gap)
        markets = Market(self.name, closed, side, self.mark.copy(), self.lot_size)
        return flow, gaps, markets


def oct10_rounds() -> RoundsTable:
    """Return the embedded rounds table, with the published burdens, to join real rows to.

    Examples
    --------
    >>> oct10_rounds().number.tolist()[:4]
    [1, 2, 4, 5]
    """
    figures, policies = read_figures("oct10_rounds.csv"), read_figures("oct10_published_policies.csv")
    burden = {(row["wave"], row["policy"]): row["max_burden"] for row in policies}
    columns = {
        name: np.array([row[spelled] for row in figures], dtype=object)
        for name, spellings in RoundsTable.spellings().items()
        for spelled in spellings
        if spelled in figures[0]
    }
    return RoundsTable(
        **columns,
        production_max_burden=np.array([burden[row["wave"], "production"] for row in figures], dtype=object),
        reference_burden=np.array([burden[row["wave"], "min-max-ilp"] for row in figures], dtype=object),
        file="embedded rounds of October 10, 2025",
    )
