"""Seeded episodes of any size; rounds are made on demand, so that memory holds one round at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from adl_opt.checks import LARGEST_USD, number_between, one_of, whole_between
from adl_opt.datasets.draws import Markets, Pool, accounts_and_positions, flow_and_gaps, split_exactly
from adl_opt.datasets.synthetic_contracts import Contracts, draw_book, draw_flow
from adl_opt.datasets.synthetic_needs import NEEDS, draw_needs, flow_by_market
from adl_opt.errors import UsageError
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.contracts import CONTRACTS, SPACES, WEALTH
from adl_opt.rounds.episode import Episode, Lazy
from adl_opt.rounds.round import Outcome, Round

ROUND_MS = 10_000


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """What a synthetic episode is drawn from; no value is fitted to the needed budgets of October 10.

    Parameters
    ----------
    accounts, rounds, markets : int
        Accounts per round, rounds, and markets per round.
    seed : int
        Same seed, same bits.
    tail : float, optional
        Pareto index of capacities; None takes the October 10 quantiles of PNL.
    correlation : float
        Correlation in [0, 1) of the needed severity between adjacent rounds.
    persistence : float
        Share of a round's accounts, in [0, 1], that also takes part in the next.
    capacity : float
        Total capacity of a round, USD; in contracts about so much, for lots are whole.
    deficit_share : float
        Median of deficit / capacity; the deficit is lognormal around it with log-deviation 1.
    space : {'wealth', 'contracts'}
        A pool of dollars, or contracts by market and side, with losing positions.
    hedged : float
        In contracts: share of the accounts that hold both sides of a market.
    inverse, isolated : float
        In contracts: share of the markets with inverse contracts, and of the positions with isolated margin.
    needs : str
        What rounds in wealth need: ``tied``, ``regimes``, ``heavy-tails``, ``drift``, ``blocks``,
        ``by-market``; see :func:`~adl_opt.datasets.synthetic_needs.draw_needs`.
    flow : float
        Factor on the notional to close, in [1e-3, 1e3]; the usual one is 20 D.

    Examples
    --------
    >>> episode = Synthetic(accounts=50, rounds=3, seed=7).episode()
    >>> [round_.capacity_usd for round_, _ in episode]
    [100000000.0, 100000000.0, 100000000.0]
    >>> sided = Synthetic(accounts=50, rounds=3, seed=7, space="contracts").episode()
    >>> sided.space, {round_.space for round_, _ in sided}
    ('contracts', {'contracts'})
    """

    accounts: int = 1000
    rounds: int = 16
    markets: int = 20
    seed: int = 0
    tail: float | None = None
    correlation: float = 0.5
    persistence: float = 0.5
    capacity: float = 1e8
    deficit_share: float = 0.02
    space: str = field(default=WEALTH, repr=False)
    hedged: float = field(default=0.2, repr=False)
    inverse: float = field(default=0.0, repr=False)
    isolated: float = field(default=0.0, repr=False)
    needs: str = field(default=NEEDS[0], repr=False)
    flow: float = field(default=1.0, repr=False)

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            ("accounts", 1, 1e8),
            ("rounds", 1, 1e7),
            ("markets", 1, 1e5),
            ("seed", 0, 2**63 - 1),
            ("correlation", 0, 0.999999),
            ("persistence", 0, 1),
            ("capacity", 1e-2, LARGEST_USD),
            ("deficit_share", 0, 1),
            ("hedged", 0, 1),
            ("inverse", 0, 1),
            ("isolated", 0, 1),
            ("tail", 0.05, 1e3),
            ("flow", 1e-3, 1e3),
        ):
            check = whole_between if name in ("accounts", "rounds", "markets", "seed") else number_between
            if name != "tail" or self.tail is not None:
                check(f"synthetic: {name}", getattr(self, name), lowest, highest)

        if one_of("synthetic: space", self.space, SPACES) == WEALTH and (self.inverse or self.isolated):
            raise UsageError(
                "synthetic: inverse contracts and isolated margin are of rounds in contracts",
                got=f"inverse = {self.inverse}, isolated = {self.isolated}, space = {self.space!r}",
                ways_out=["add space=contracts", "leave them out"],
            )
        if one_of("synthetic: needs", self.needs, NEEDS) != NEEDS[0] and self.space == CONTRACTS:
            raise UsageError(
                "synthetic: in contracts needs follow from the book",
                got=f"needs = {self.needs!r}, space = {self.space!r}",
                ways_out=["leave space out", "leave needs out"],
            )

    def episode(self) -> Episode:
        """Return the episode; its rounds are made on demand."""
        made, source = SyntheticRounds(self).made, f"synthetic: {self}"
        if self.space == CONTRACTS:
            shares = f"hedged={self.hedged}, inverse={self.inverse}, isolated={self.isolated}"
            source = f"{source} in contracts ({shares})"
        if (self.needs, self.flow) != (NEEDS[0], 1.0):
            source = f"{source}, needs={self.needs}, flow={self.flow:g}"
        return Episode(f"synthetic-{self.seed}", source, Lazy(made, range(self.rounds)), space=self.space)


class SyntheticRounds:
    """What the rounds of a synthetic episode share, and each of them when it is asked for."""

    def __init__(self, spec: Synthetic) -> None:
        self.spec = spec
        rng = np.random.default_rng([spec.seed, 0])
        self._step = max(1, round((1.0 - spec.persistence) * spec.accounts))
        self._pool = Pool.draw(rng, spec.accounts + self._step, tail=spec.tail)
        self._markets = Markets.draw(rng, spec.markets)
        self._needs = draw_needs(rng, spec.needs, spec.rounds, flow=spec.flow, correlation=spec.correlation)
        shocks = np.exp(np.random.default_rng([spec.seed, 1]).standard_normal(spec.rounds))
        self._deficit = np.round(np.minimum(spec.deficit_share * shocks, 1.0) * spec.capacity, 2)
        if spec.space == CONTRACTS:
            rng = np.random.default_rng([spec.seed, 3])
            self._contracts = Contracts.draw(rng, self._markets, spec.inverse)
            self._factor = np.cumsum(0.03 * rng.standard_normal(spec.rounds) - 0.01)

    def made(self, t: int) -> tuple[Round, Outcome]:
        """Return the round at place t, with the same bits at every call."""
        spec, rng = self.spec, np.random.default_rng([self.spec.seed, 2, t])
        size = self._pool.size.size
        members = np.sort((t * self._step + np.arange(spec.accounts)) % size)
        if spec.space == CONTRACTS:
            return self._in_contracts(rng, t, members)
        capacity = split_exactly(self._pool.size[members], spec.capacity)
        accounts, positions = accounts_and_positions(rng, self._pool, members, capacity, self._markets)
        deficit = float(self._deficit[t])
        share, notional = (float(path[t]) * deficit for path in self._needs)
        if spec.needs == "by-market":
            flow, gaps = flow_by_market(rng, self._markets, max(notional, 1.0), spec.capacity)
            needed = math.fsum(gaps.gap)
        else:
            needed = round(min(share, spec.capacity), 2)
            flow, gaps = flow_and_gaps(rng, self._markets, max(notional, 1.0), needed)
        start = t * ROUND_MS
        round_ = Round(
            deficit=deficit, accounts=accounts, positions=positions, flow=flow, number=t + 1, start_ms=start
        )
        return round_, Outcome(needed=needed, gaps=gaps, end_ms=start + ROUND_MS // 2)

    def _in_contracts(self, rng: np.random.Generator, t: int, members: Ints) -> tuple[Round, Outcome]:
        spec, mark = self.spec, self._contracts.marks(rng, float(self._factor[t]))
        accounts, held = draw_book(
            rng,
            self._pool,
            members,
            self._contracts,
            mark,
            capacity=spec.capacity,
            hedged=spec.hedged,
            isolated=spec.isolated,
        )
        amounts = float(self._deficit[t]), float(self._needs.share[t])
        flow, gaps, deficit = draw_flow(rng, self._contracts, mark, held, *amounts)
        start = t * ROUND_MS
        round_ = Round(
            deficit=deficit, accounts=accounts, positions=held, flow=flow, number=t + 1, start_ms=start
        )
        return round_, Outcome(needed=math.fsum(gaps.gap), gaps=gaps, end_ms=start + ROUND_MS // 2)
