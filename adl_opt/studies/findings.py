"""What a report of an episode is made of: each part is computed when it is first asked for, and once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.allocation.minmax import solve_lots
from adl_opt.answer import Progress
from adl_opt.evaluate.optimum import Optimum, optimum
from adl_opt.evaluate.record import PolicyRound
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.losses import Loss, as_loss, target_severity
from adl_opt.policy.lineup import HINTED, UNHINTED, lineup_of, shown
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.programs.hindsight.frontier import PathFrontier, severity_frontier
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.severity.learners.learner import Learner
from adl_opt.studies.frontier import FrontierPoint, frontier_points
from adl_opt.studies.theory.growth import RegretGrowth, regret_growth

if TYPE_CHECKING:
    import pandas as pd

    from adl_opt.evaluate.structure import StructurePrice

FRONTIER_POINTS = 60
MOST_PAID = 3_000_000
"""Up to so many haircuts of single accounts, over policies and rounds, are kept."""
MOST_OF_STRUCTURE = 200_000
"""Accounts of all rounds up to which the price of the market structure is computed: a minute of work."""


@dataclass(frozen=True, kw_only=True)
class Severities:
    """Severities of each round, shares of the deficit D in [0, 1]; NaN where D is 0.

    Parameters
    ----------
    rounds : sequence of int
        Numbers of the rounds.
    need : sequence of float
        B / D, at most 1 (ex post).
    played : mapping of name to sequence of float
        What severities that decide at the start of the round took.
    """

    rounds: Sequence[int]
    need: Sequence[float]
    played: Mapping[str, Sequence[float]]


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to say of one episode.

    Parameters
    ----------
    episode : Episode
    result : Result
        The replay.
    optimum : Optimum, optional
        The offline optima of an episode in wealth.
    learners : sequence of Learner
        Those of the policies that were asked for.

    Examples
    --------
    >>> import adl_opt as adl
    >>> found = Findings.of(adl.load("synthetic(accounts=5, rounds=2)"), ["pro-rata"])
    >>> list(found.severities.played)[:3]
    ['constant(theta=0)', 'full-deficit', 'follow-the-leader']
    """

    episode: Episode
    result: Result
    optimum: Optimum | None
    learners: Sequence[Learner] = ()

    @classmethod
    def of(
        cls,
        episode: Episode,
        policies: str | Policy | Iterable[object] | None = None,
        progress: Progress = True,
        loss: Loss | str | None = None,
        space: str | None = None,
    ) -> Findings:
        """Return the findings of an episode under some policies, by default those of the lineup.

        They are in a space, by default the episode's own.
        """
        given, episode = as_policies(policies) if policies else None, episode.in_space(space or "")
        if episode.space == CONTRACTS:
            found, result = None, replay(episode, given, loss=as_loss(loss), progress=progress)
        else:
            found = optimum(episode, given, loss=as_loss(loss), progress=progress)
            result = found.result
        severities = {p.severity.label(): p.severity for p in given or ()}
        return cls(episode, result, found, [s for s in severities.values() if isinstance(s, Learner)])

    @cached_property
    def paid(self) -> pd.DataFrame:
        """Who paid under the policies that are shown, of large books a sample; no accounts of a record."""
        names = shown(self.result.by_policy)
        if not self.sampled:
            return self.result.haircuts(*names)
        import pandas as pd

        return pd.concat([_drawn(self.result.haircuts(name), self.sampled) for name in names])

    @cached_property
    def sampled(self) -> int:
        """So many accounts of each round stand for all in :attr:`paid`; 0 where all are there."""
        rounds = len(self.episode) * len(shown(self.result.by_policy))
        largest = max(len(round_.accounts) for round_, _ in self.episode)
        return 0 if largest * rounds <= MOST_PAID else MOST_PAID // rounds

    @cached_property
    def markets(self) -> dict[str, pd.DataFrame]:
        """Who was closed under each policy that is shown, by market and side; nothing in wealth."""
        closing = [name for name, rows in self.result.by_policy.items() if rows[0].hedges_broken >= 0]
        return {name: self.result.per_market(name) for name in shown(closing)}

    @cached_property
    def structure(self) -> list[StructurePrice]:
        """What each round loses as each market is closed by itself; nothing in wealth, or of a large book."""
        from adl_opt.evaluate.structure import market_structure

        small = sum(len(round_.accounts) for round_, _ in self.episode) <= MOST_OF_STRUCTURE
        return market_structure(self.episode, self.result.loss)[1] if self.markets and small else []

    @cached_property
    def frontier(self) -> PathFrontier:
        """The regret-versus-path frontier up to the instance's own path length, and at each policy's."""
        most = max(self.result.path_length, 1e-9)
        budgets = {most * k / (FRONTIER_POINTS - 1) for k in range(FRONTIER_POINTS)}
        budgets |= {path_and_loss(self.result, name)[0] for name in self.result.by_policy}
        return severity_frontier(self.episode, sorted(budgets), self.result.loss)

    @cached_property
    def coverage(self) -> list[FrontierPoint]:
        """Overshoot against coverage of every online severity, its alpha swept."""
        return frontier_points(self.episode, self.result.loss)

    @cached_property
    def severities(self) -> Severities:
        """What was needed, and what the shown severities chose at the start of the round.

        Those of the lineup where no policy of the replay decides then.
        """
        result = self.result
        if not any(_early(result, name) for name in result.by_policy):
            fitting = lineup_of(self.episode, str(result.loss.base))[0]
            names = [name for name in fitting if name in (*UNHINTED, *HINTED)]
            result = replay(self.episode, names, loss=result.loss)
        played = {
            records[0].severity: [_share(r) for r in records]
            for name, records in result.by_policy.items()
            if _early(result, name) and name in shown(result.by_policy)
        }
        records = next(iter(result.by_policy.values()))
        need = target_severity([r.needed for r in records], [r.deficit for r in records])
        return Severities(rounds=[r.round for r in records], need=need.tolist(), played=played)

    @cached_property
    def growth(self) -> RegretGrowth:
        """How the regret of learners grows over T, whatever the episode: those asked for, then the usual."""
        return regret_growth(self.learners, loss=self.result.loss)

    @cached_property
    def least_burdens(self) -> list[LotsResult | None]:
        """The least largest burden over whole lots of each round in wealth, with its proof.

        None without positions, and in contracts.
        """
        base = str(self.result.loss.base)
        return [
            solve_lots(round_, outcome.needed, base)
            if round_.positions is not None and round_.space == WEALTH
            else None
            for round_, outcome in self.episode
        ]


def path_and_loss(result: Result, policy: str) -> tuple[float, float]:
    """Return path length and loss without fairness, USD, of a policy whose haircuts count up to D.

    So do severities in [0, 1]: no severity path of that length has a smaller loss than the frontier says.
    """
    records = [replace(r, haircut=min(r.haircut, r.deficit)) for r in result.by_policy[policy]]
    theta = np.array([r.haircut / r.deficit for r in records if r.deficit > 0])
    return math.fsum(np.abs(np.diff(theta))), math.fsum(map(result.tracking_of, records))


def _drawn(paid: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return so many rows of each round, drawn at random: the same accounts under every policy."""
    rows = [
        rows.iloc[np.sort(np.random.default_rng(number).permutation(len(rows))[:count])]
        for number, (_, rows) in enumerate(paid.groupby("round", sort=False))
    ]
    return paid.loc[np.concatenate([part.index for part in rows])] if rows else paid


def _early(result: Result, name: str) -> bool:
    return result.by_policy[name][0].information.without_outcome


def _share(record: PolicyRound) -> float:
    return min(record.haircut / record.deficit, 1.0) if record.deficit > 0 else math.nan
