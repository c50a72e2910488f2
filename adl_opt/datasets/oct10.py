"""The embedded episode `oct10`: Hyperliquid, October 10, 2025, 21:16-21:27 UTC.

Published per round: window, deficit D, needed budget B, production's haircut H and burden, total capacity,
closed notional, number of markets, and the winners' count where it was counted.  Calibrated here: the
winners and markets themselves (see ``data/SOURCES.md``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from adl_opt.columns import Ints
from adl_opt.datasets.calibration import (
    Book,
    Pool,
    accounts_and_positions,
    flow_and_gaps,
    read_figures,
    split_exactly,
    weighted_choice,
)
from adl_opt.rounds import Episode, Outcome, Recorded, Round

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
"""Share of a round's accounts that paid in an earlier round: leaves about 17,000 different accounts."""


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
    published = {(r["wave"], r["policy"]): r for r in read_figures("oct10_published_policies.csv")}
    counts = [int(f["n_winners"] or round(ACCOUNTS_PER_FILL * int(f["n_fills"]))) for f in figures]
    rng = np.random.default_rng(SEED)
    pool = Pool.draw(rng, sum(counts) - sum(int(RETURNING_SHARE * n) for n in counts[1:]))
    book = Book.draw(rng, MARKETS)
    seen, rounds = 0, []
    for row, count in zip(figures, counts, strict=True):
        members, seen = _members(rng, pool, count, seen)
        burden = {p: float(published[row["wave"], p]["max_burden"]) for p in ("production", "min-max-ilp")}
        rounds.append(_round(rng, row, pool, members, book.sample(rng, int(row["n_coins"])), burden))
    return Episode("oct10", SOURCE, rounds)


def _members(rng: np.random.Generator, pool: Pool, count: int, seen: int) -> tuple[Ints, int]:
    """Return the rows of a round's accounts: some return, the larger the likelier; the others are new."""
    returning = min(int(RETURNING_SHARE * count), seen)
    back = weighted_choice(rng, np.sqrt(pool.size[:seen]), returning)
    fresh = count - returning
    return np.sort(np.concatenate([back, np.arange(seen, seen + fresh)])), seen + fresh


def _round(
    rng: np.random.Generator,
    row: dict[str, str],
    pool: Pool,
    members: Ints,
    book: Book,
    burden: dict[str, float],
) -> tuple[Round, Outcome]:
    capacity = split_exactly(pool.size[members], float(row["capacity_usd"]))
    accounts, positions = accounts_and_positions(rng, pool, members, capacity, book)
    needed = float(row["needed_usd"])
    flow, gaps = flow_and_gaps(rng, book, float(row["closed_notional_usd"]), needed)
    round_ = Round(
        deficit=float(row["deficit_usd"]),
        accounts=accounts,
        positions=positions,
        flow=flow,
        number=int(row["wave"]),
        start_ms=int(row["t_start_ms"]),
    )
    recorded = Recorded(
        haircut=float(row["production_usd"]),
        max_burden=burden["production"],
        reference_burden=burden["min-max-ilp"],
    )
    return round_, Outcome(needed=needed, gaps=gaps, recorded=recorded, end_ms=int(row["t_end_ms"]))
