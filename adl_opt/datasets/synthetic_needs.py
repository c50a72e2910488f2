"""What synthetic rounds need: tied to a usual prior, or not, so that a rule can fail on them.

A round needs ``share`` of its deficit, and its flow is ``notional`` times its deficit.  In the kind ``tied``
the share is near 1/4 and the notional 20 D, so that 1 % of the notional is nearly what is needed: whoever
guesses that is right by construction.  No other kind keeps to it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adl_opt.datasets.draws import Markets, split_exactly
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.tables import Flow, Gaps

NEEDS = ("tied", "regimes", "heavy-tails", "drift", "blocks", "by-market")
USUAL = 20.0
"""Notional over deficit."""


class Needs(NamedTuple):
    """B / D and notional / D of each round, (T,); of the kind ``by-market`` only the notional counts."""

    share: Floats
    notional: Floats


def draw_needs(rng: np.random.Generator, kind: str, rounds: int, *, flow: float, correlation: float) -> Needs:
    """Return what the rounds need, and how large their flow is.

    ``regimes``: the share switches between about 0.08 and 0.7, with probability 0.15 a round; the notional
    knows nothing of it.  ``heavy-tails``: share and notional have Pareto tails of index 1.3, each its own; a
    share may be above 1.  ``drift``: needs over notional rise, or fall, a hundredfold over the episode.
    ``blocks``: blocks of 1, 2, 4, ... rounds need nearly all, then nearly nothing, and the flow is small
    where the need is large.  ``by-market``: every market has a gap of its own, the notional of each varies,
    and what is needed is the sum; the deficit knows nothing of it.
    """
    usual = USUAL * flow
    path = _stationary(rng, rounds, correlation)
    if kind == "tied":
        share = np.asarray(np.round(_logistic(path - math.log(3.0)), 9), dtype=np.float64)
        return Needs(share, np.full(rounds, usual))
    noise = rng.standard_normal(rounds)
    if kind == "regimes":
        high = np.cumsum(rng.random(rounds) < 0.15) % 2 == rng.integers(2)
        share = _logistic(np.where(high, 0.85, -2.4) + 0.5 * path)
        return Needs(share, usual * np.exp(noise))
    if kind == "heavy-tails":
        return Needs(0.1 * _pareto(rng, rounds), 0.5 * usual * _pareto(rng, rounds))
    if kind == "drift":
        way = np.linspace(-1.0, 1.0, rounds) * (1 - 2 * rng.integers(2))
        notional = usual * np.exp(0.5 * noise)
        return Needs(0.01 * notional * np.exp(way * math.log(10.0) + 0.5 * path), notional)
    if kind == "blocks":
        high = np.floor(np.log2(np.arange(rounds) + 1.0)) % 2 == rng.integers(2)
        share = np.where(high, 1.0 - 0.1 * rng.random(rounds), 0.05 * rng.random(rounds))
        return Needs(share, usual * np.where(high, 0.25, 4.0))
    return Needs(np.ones(rounds), usual * np.exp(noise))


def flow_by_market(
    rng: np.random.Generator, markets: Markets, notional: float, most: float
) -> tuple[Flow, Gaps]:
    """Return a flow that is made of other markets each round, and gaps that follow from it.

    A market's gap is 1 % of its notional times a factor of its own, which stays, and one of the round.  All
    gaps together are at most ``most`` USD.
    """
    count = markets.weight.size
    usd = split_exactly(markets.weight * np.exp(1.5 * rng.standard_normal(count)), notional)
    own = np.exp(2.0 * (markets.gap_level - 1.25))  # levels are from 0.25 to 3.25, their mean is 1.25
    gap = usd * np.minimum(1.0, 0.01 * own * np.exp(0.5 * rng.standard_normal(count)))
    needed = math.fsum(gap)
    gap = np.round(gap * min(1.0, most / needed), 2)
    quantity = usd / markets.mark
    flow = Flow(market=markets.name, quantity=quantity, mark=markets.mark)
    return flow, Gaps(market=markets.name, quantity=quantity, gap=gap)


def _stationary(rng: np.random.Generator, rounds: int, rho: float) -> Floats:
    """Return a stationary AR(1) path, (T,), of mean 0 and variance 1."""
    path = rng.standard_normal(rounds)
    for t in range(1, rounds):
        path[t] = rho * path[t - 1] + math.sqrt(1.0 - rho**2) * path[t]
    return path


def _logistic(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _pareto(rng: np.random.Generator, size: int) -> Floats:
    return np.asarray(rng.random(size) ** (-1.0 / 1.3))
