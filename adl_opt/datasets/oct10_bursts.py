"""The episode `oct10-bursts`: October 10 cut where the venue acted, 60 seconds within the 16 rounds.

The flow of a round is what the whole round closed, and round 13 lasted 44 seconds: at its first fill nobody
knew it.  A burst is a second in which contracts were closed, with the flow of that second alone.  Published
by second and market is the notional.  From it follow, with the figures of its round:

* contracts: those of the round and market, whole lots by notional, at the round's mean price;
* gaps: the round's gap per contract, so that needs add up to the published B;
* deficit: the round's D by notional, for no deficit is published by second;
* accounts: those of the round.  What earlier bursts of the round closed is gone from what they hold: in each
  market every holder on the other side has given up the same share.  The gain is realised, so equity stays,
  PNL and capacity fall;
* production: the published H where a round is one burst; nothing elsewhere, for it was published by round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

import numpy as np

from adl_opt.datasets.draws import read_figures, split_exactly
from adl_opt.datasets.oct10 import load_oct10
from adl_opt.kernels.fill.whole import fill_shares
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.information import Information
from adl_opt.rounds.legs import Legs
from adl_opt.rounds.round import Outcome, Pair, Round

SOURCE = (
    "published: notional by second and market of 60 bursts (HyperReplay by ADLVisualizer), gaps "
    "per contract, D and B of 16 rounds (arXiv 2602.15182); apportioned by notional: contracts, gaps, "
    "deficit; calibrated: accounts and positions of oct10, less what earlier bursts of the round closed"
)


@lru_cache(maxsize=1)
def load_oct10_bursts() -> Episode:
    """Load October 10 cut into bursts; burst 3 of round 13 has the number 1303.

    Examples
    --------
    >>> episode = load_oct10_bursts()
    >>> len(episode), [r.number for r, _ in episode][8:11], episode.space
    (60, [902, 1001, 1002], 'wealth')
    """
    figures = groupby(read_figures("oct10_bursts.csv"), key=lambda row: int(row["wave"]))
    closed = {wave: list(rows) for wave, rows in figures}
    pairs = [burst for pair in load_oct10() for burst in _bursts(*pair, closed[pair[0].number])]
    return Episode("oct10-bursts", SOURCE, pairs, space=WEALTH)


def _bursts(round_: Round, outcome: Outcome, closed: list[dict[str, str]]) -> Iterator[Pair]:
    """Yield the bursts of a round, from the notional that was closed by second and market."""
    flow, gaps = round_.flow, outcome.gaps
    assert flow is not None  # noqa: S101
    assert gaps is not None  # noqa: S101
    seconds = sorted({int(row["second_ms"]) for row in closed})
    place = {market: k for k, market in enumerate(flow.market.tolist())}
    notional = np.zeros((len(seconds), len(flow)))
    for row in closed:
        notional[seconds.index(int(row["second_ms"])), place[row["coin"]]] = float(row["notional_usd"])
    lots = _whole(notional, np.rint(flow.quantity / _lot_sizes(round_)))
    share = lots / lots.sum(axis=0)
    deficit = split_exactly(notional.sum(axis=1), round_.deficit)
    needed = split_exactly(share @ gaps.gap, outcome.needed)
    for k, second in enumerate(seconds):
        at = np.flatnonzero(lots[k])
        quantity = flow.quantity[at] * share[k, at]
        assert flow.side is not None  # noqa: S101
        names = {"market": flow.market[at], "side": flow.side[at], "quantity": quantity}
        start, end = second if k else round_.start_ms, second + 999
        yield (
            replace(
                _after(round_, share[:k].sum(axis=0)),
                deficit=float(deficit[k]),
                flow=replace(flow, **names, mark=flow.mark[at]),
                number=100 * round_.number + k + 1,
                start_ms=start,
                flow_known=Information.START_OF_ROUND,
            ),
            Outcome(
                needed=float(needed[k]),
                gaps=replace(gaps, **names, gap=gaps.gap[at] * share[k, at]),
                recorded=outcome.recorded if len(seconds) == 1 else None,
                end_ms=end if k + 1 < len(seconds) else outcome.end_ms,
            ),
        )


def _lot_sizes(round_: Round) -> Floats:
    """Return the contracts of a lot in each market of the flow."""
    held, flow = round_.positions, round_.flow
    assert held is not None  # noqa: S101
    assert flow is not None  # noqa: S101
    known = dict(zip(held.market.tolist(), held.lot_size.tolist(), strict=True))
    return np.array([known[market] for market in flow.market.tolist()])


def _whole(notional: Floats, lots: Floats) -> Floats:
    """Split whole lots, (k,), over seconds by notional, (s, k)."""
    one = np.ones(len(notional))
    parts = [
        fill_shares(usd / usd.sum() * count, lambda rows: rows, (one * count).astype(np.int64), one, count)
        for usd, count in zip(notional.T, lots.tolist(), strict=True)
    ]
    return np.stack(parts, axis=1).astype(np.float64)


def _after(round_: Round, gone: Floats) -> Round:
    """Return the round once a share of its flow, (k,), is closed; positions keep whole lots, rounded up."""
    held, accounts = round_.positions, round_.accounts
    if not gone.any():
        return round_
    assert held is not None  # noqa: S101
    assert held.notional is not None  # noqa: S101
    assert round_.flow is not None  # noqa: S101
    legs = Legs.of(round_)
    contracts = np.bincount(legs.row, held.quantity[legs.position], minlength=gone.size)
    share = np.zeros(len(held))
    share[legs.position] = (gone * round_.flow.quantity / contracts)[legs.row]
    left = np.ceil(held.lots * (1.0 - share) - 1e-9)
    worth = np.divide(left, held.lots)
    now = replace(held, lots=left.astype(np.int64), notional=held.notional * worth)
    n = len(accounts)
    assert now.notional is not None  # noqa: S101
    assert accounts.notional is not None  # noqa: S101
    assert accounts.leverage is not None  # noqa: S101
    assert accounts.margin is not None  # noqa: S101
    pnl = accounts.pnl - np.bincount(held.account, held.pnl * (1.0 - worth), minlength=n)
    notional = np.bincount(held.account, now.notional, minlength=n).astype(np.float64)
    rest = notional / accounts.notional
    capacity = np.minimum(accounts.capacity, np.maximum(pnl, 0.0))
    paying = replace(
        accounts,
        pnl=pnl,
        capacity=capacity,
        notional=notional,
        leverage=accounts.leverage * rest,
        margin=accounts.margin * rest,
    )
    return replace(round_, accounts=paying, positions=now)
