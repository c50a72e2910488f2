"""Bursts of a book's own flow: its rounds drawn again, with more or less to close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adl_opt.checks import whole_between
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import flow_by_side
from adl_opt.rounds.round import Outcome, Pair

FACTORS = (0.5, 1.0, 2.0, 4.0)
"""By how much the flow of a burst is that of its round."""


def flow_bursts(episode: Episode, rounds: int = 12, seed: int = 0) -> Episode:
    """Return an episode of rounds that are drawn from those of a book, each with its flow times a factor.

    Parameters
    ----------
    episode : Episode
    rounds : int
        How many are drawn, with replacement.
    seed : int
        Same seed, same bits.

    Returns
    -------
    Episode
        Accounts and positions are those of the round that was drawn.  Flow, deficit, needed budget and gaps
        are its own times one of :data:`FACTORS`; in contracts the losers of one market and side are one row
        at their mean price.  Nothing is on record.

    Examples
    --------
    >>> import adl_opt as adl
    >>> made = flow_bursts(adl.load("synthetic(accounts=3, rounds=2)"), rounds=5)
    >>> len(made), made.name
    (5, 'synthetic-0-bursts')
    """
    whole_between("bursts: rounds", rounds, 1, 100_000)
    rng = np.random.default_rng(seed)
    own = list(episode)
    drawn = rng.integers(len(own), size=rounds).tolist()
    factors = rng.choice(FACTORS, rounds).tolist()
    chosen = enumerate(zip(drawn, factors, strict=True), start=1)
    made = [_burst(own[at], number, factor) for number, (at, factor) in chosen]
    source = f"{rounds} rounds drawn from {episode.name}, flow times {', '.join(f'{f:g}' for f in FACTORS)}"
    return Episode(f"{episode.name}-bursts", f"{source}, seed {seed}", made)


def _burst(pair: Pair, number: int, factor: float) -> Pair:
    round_, outcome = pair
    flow, gaps = round_.flow, outcome.gaps
    if flow is not None:
        flow = flow_by_side(round_) if round_.space == CONTRACTS else flow
        flow = replace(flow, quantity=flow.quantity * factor)
    if gaps is not None:
        gaps = replace(gaps, quantity=gaps.quantity * factor, gap=gaps.gap * factor)
    made = replace(round_, deficit=round_.deficit * factor, flow=flow, number=number, start_ms=None)
    return made, Outcome(needed=outcome.needed * factor, gaps=gaps)
