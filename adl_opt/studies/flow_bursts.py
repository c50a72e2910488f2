"""Bursts of a book's own flow: its rounds drawn again, with more or less to close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adl_opt.checks import whole_between
from adl_opt.rounds.contracts import CONTRACTS, INVERSE
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import side_of, terms_of
from adl_opt.rounds.round import Outcome, Pair, Round
from adl_opt.rounds.tables import Flow

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
        flow = _by_side(round_, flow) if round_.space == CONTRACTS else flow
        flow = replace(flow, quantity=flow.quantity * factor)
    if gaps is not None:
        gaps = replace(gaps, quantity=gaps.quantity * factor, gap=gaps.gap * factor)
    made = replace(round_, deficit=round_.deficit * factor, flow=flow, number=number, start_ms=None)
    return made, Outcome(needed=outcome.needed * factor, gaps=gaps)


def _by_side(round_: Round, flow: Flow) -> Flow:
    """Return a flow with one row for each market and side, at the mean closing price of its losers."""
    keys = np.stack([np.unique(flow.market, return_inverse=True)[1], side_of(flow)])
    _, first, code = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    code = code.ravel()
    quantity = np.bincount(code, flow.quantity).astype(np.float64)
    bankruptcy = None
    if flow.closing is not None:
        inverse = terms_of(round_)[0] == INVERSE
        priced = np.where(inverse, 1.0 / flow.closing, flow.closing)
        mean = np.bincount(code, flow.quantity * priced) / np.where(quantity > 0, quantity, 1.0)
        mean = np.where(quantity > 0, mean, priced[first])
        bankruptcy = np.where(inverse[first], 1.0 / mean, mean)
    return Flow(
        market=flow.market[first],
        side=side_of(flow)[first],
        quantity=quantity,
        mark=flow.mark[first],
        bankruptcy=bankruptcy,
        previous_mark=None if flow.previous_mark is None else flow.previous_mark[first],
    )
