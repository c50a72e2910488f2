"""The embedded episode `oct10`: Hyperliquid, October 10, 2025, 21:16-21:27 UTC.

Published per round: window, deficit D, needed budget B, production's haircut H and burden, total capacity,
closed notional, number of markets, and the winners' count where it was counted.  Calibrated here: the
winners and markets themselves (see ``data/SOURCES.md``).
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

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
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Recorded, Round

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
    figures = read_figures("oct10_rounds.csv")
    rows = _rows(oct10_rounds())
    counts = [int(f["n_winners"] or round(ACCOUNTS_PER_FILL * int(f["n_fills"]))) for f in figures]
    rng = np.random.default_rng(SEED)
    pool = Pool.draw(rng, sum(counts) - sum(int(RETURNING_SHARE * n) for n in counts[1:]))
    listed = Markets.draw(rng, MARKETS)
    seen, rounds = 0, []
    for published, row, count in zip(rows, figures, counts, strict=True):
        members, seen = _members(rng, pool, count, seen)
        markets = listed.sample(rng, int(row["n_coins"]))
        rounds.append(_round(rng, published, row, pool, members, markets))
    return Episode("oct10", SOURCE, rounds)


def _rows(table: RoundsTable) -> list[dict[str, Any]]:
    """Return the rounds table row by row, as plain numbers by column."""
    names = [f.name for f in fields(table) if f.name != "file"]
    columns = [getattr(table, name).tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _members(rng: np.random.Generator, pool: Pool, count: int, seen: int) -> tuple[Ints, int]:
    """Return the rows of a round's accounts: some return, the larger the likelier; the others are new."""
    returning = min(int(RETURNING_SHARE * count), seen)
    back = weighted_choice(rng, np.sqrt(pool.size[:seen]), returning)
    fresh = count - returning
    return np.sort(np.concatenate([back, np.arange(seen, seen + fresh)])), seen + fresh


def _round(
    rng: np.random.Generator,
    published: dict[str, Any],
    figures: dict[str, str],
    pool: Pool,
    members: Ints,
    markets: Markets,
) -> tuple[Round, Outcome]:
    capacity = split_exactly(pool.size[members], float(figures["capacity_usd"]))
    accounts, positions = accounts_and_positions(rng, pool, members, capacity, markets)
    needed = published["needed"]
    flow, gaps = flow_and_gaps(rng, markets, float(figures["closed_notional_usd"]), needed)
    round_ = Round(
        deficit=published["deficit"],
        accounts=accounts,
        positions=positions,
        flow=flow,
        number=published["number"],
        start_ms=published["start_ms"],
    )
    recorded = Recorded(
        haircut=published["production"],
        max_burden=published["production_max_burden"],
        reference_burden=published["reference_burden"],
    )
    return round_, Outcome(needed=needed, gaps=gaps, recorded=recorded, end_ms=published["end_ms"])


def oct10_rounds() -> RoundsTable:
    """Return the embedded rounds table, with the published burdens, to join real rows to.

    Examples
    --------
    >>> oct10_rounds().number.tolist()[:4]
    [1, 2, 4, 5]
    """
    figures = read_figures("oct10_rounds.csv")
    burdens = {policy: _published_burdens(policy) for policy in ("production", "min-max-ilp")}

    def numbers(name: str) -> Floats:
        return np.array([float(row[name]) for row in figures])

    return RoundsTable(
        number=np.array([int(row["wave"]) for row in figures]),
        start_ms=np.array([int(row["t_start_ms"]) for row in figures]),
        end_ms=np.array([int(row["t_end_ms"]) for row in figures]),
        n_fills=np.array([int(row["n_fills"]) for row in figures]),
        needed=numbers("needed_usd"),
        deficit=numbers("deficit_usd"),
        production=numbers("production_usd"),
        production_max_burden=np.array([burdens["production"][row["wave"]] for row in figures]),
        reference_burden=np.array([burdens["min-max-ilp"][row["wave"]] for row in figures]),
        file="embedded rounds of October 10, 2025",
    )


def _published_burdens(policy: str) -> dict[str, float]:
    rows = read_figures("oct10_published_policies.csv")
    return {row["wave"]: float(row["max_burden"]) for row in rows if row["policy"] == policy}
