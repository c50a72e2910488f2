"""The embedded episode `oct10`: Hyperliquid, October 10, 2025, 21:16-21:27 UTC.

Published per round: window, deficit D, needed budget B, production's haircut H and burden, total capacity,
closed notional, number of markets, and the winners' count where it was counted.  Calibrated here: the
winners and markets themselves (see ``data/SOURCES.md``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from adl_opt.datasets.calibration import (
    Markets,
    Pool,
    accounts_and_positions,
    flow_and_gaps,
    read_figures,
    split_exactly,
    weighted_choice,
)
from adl_opt.datasets.csv.rounds_table import RoundsTable
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round

SOURCE = (
    "published: D, B, H, burden of production, capacity, notional and number of markets of 16 rounds "
    "(arXiv 2602.15182); calibrated: accounts, positions, markets (HyperReplay quantiles, fixed seed)"
)
SEED = 20251010
MARKETS = 162
# Accounts per fill where a round's accounts were not counted: the whole table has 19,337 accounts in 34,983
# fills (0.55, a lower bound on the mean over rounds, since an account may pay in several); counted rounds
# have 0.36 to 0.71.
ACCOUNTS_PER_FILL = 0.64
RETURNING_SHARE = 0.15
"""Share of a round's accounts that paid in an earlier round: leaves about 18,000 different accounts."""


@lru_cache(maxsize=1)
def load_oct10() -> Episode:
    """Return the embedded episode; the same bits at every call.

    Examples
    --------
    >>> episode = load_oct10()
    >>> len(episode), episode.rounds[0][0].deficit
    (16, 10925707.159377944)
    """
    figures, table = read_figures("oct10_rounds.csv"), oct10_rounds()
    counts = [int(f["n_winners"] or round(ACCOUNTS_PER_FILL * int(f["n_fills"]))) for f in figures]
    rng = np.random.default_rng(SEED)
    pool = Pool.draw(rng, sum(counts) - sum(int(RETURNING_SHARE * n) for n in counts[1:]))
    listed = Markets.draw(rng, MARKETS)
    seen, rounds = 0, []
    for row, (figure, count) in enumerate(zip(figures, counts, strict=True)):
        members, seen = _members(rng, pool, count, seen)
        markets = listed.sample(rng, int(figure["n_coins"]))
        rounds.append(_round(rng, table, row, figure, pool, members, markets))
    return Episode("oct10", SOURCE, rounds, space=WEALTH)


def _members(rng: np.random.Generator, pool: Pool, count: int, seen: int) -> tuple[Ints, int]:
    """Return the rows of a round's accounts: some return, the larger the likelier; the others are new."""
    returning = min(int(RETURNING_SHARE * count), seen)
    back = weighted_choice(rng, np.sqrt(pool.size[:seen]), returning)
    fresh = count - returning
    return np.sort(np.concatenate([back, np.arange(seen, seen + fresh)])), seen + fresh


def _round(
    rng: np.random.Generator,
    table: RoundsTable,
    row: int,
    figure: dict[str, str],
    pool: Pool,
    members: Ints,
    markets: Markets,
) -> tuple[Round, Outcome]:
    capacity = split_exactly(pool.size[members], float(figure["capacity_usd"]))
    accounts, positions = accounts_and_positions(rng, pool, members, capacity, markets)
    notional = float(figure["closed_notional_usd"])
    flow, gaps = flow_and_gaps(rng, markets, notional, float(table.needed[row]))
    round_ = Round(
        deficit=float(figure["deficit_usd"]),
        accounts=accounts,
        positions=positions,
        flow=flow,
        number=int(table.number[row]),
        start_ms=int(table.start_ms[row]),
    )
    return round_, table.outcome(row, gaps)


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
