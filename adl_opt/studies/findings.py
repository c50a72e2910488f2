"""What a report of an episode is made of: each part is computed when it is first asked for, and once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.allocation.minmax import solve_lots
from adl_opt.evaluate.optimum import Optimum, optimum
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.losses import Loss, as_loss, target_severity
from adl_opt.policy.policy import Policy
from adl_opt.programs.hindsight.frontier import PathFrontier, severity_frontier
from adl_opt.rounds.episode import Episode
from adl_opt.severity.base import make_severity
from adl_opt.studies.theory.growth import RegretGrowth, regret_growth

if TYPE_CHECKING:
    import pandas as pd

PAYING = ("pro-rata", "min-max-lots", "hyperliquid-side-adjusted", "integer-pro-rata", "cumulative-burden")
LEARNED = ("ftrl-exact", "optimistic-ftrl", "follow-the-leader")
HINTED = "hinted(ftrl-exact, square-root)"
HINT = "hint-only(square-root)"
ONLINE = ("follow-the-leader/min-max", "ftrl-exact/min-max", f"{HINTED}/min-max")
FRONTIER_POINTS = 60


@dataclass(frozen=True, kw_only=True)
class Severities:
    """Severities of each round, shares of the deficit D in [0, 1]; NaN where D is 0.

    Parameters
    ----------
    rounds : sequence of int
        Numbers of the rounds.
    need : sequence of float
        B / D, at most 1 (ex post).
    played, hinted : mapping of name to sequence of float
        What learners chose, and what a hint said, at the start of each round.
    """

    rounds: Sequence[int]
    need: Sequence[float]
    played: Mapping[str, Sequence[float]]
    hinted: Mapping[str, Sequence[float]]


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to say of one episode.

    Parameters
    ----------
    episode : Episode
    optimum : Optimum
        Its offline optima, with the replay they are held against.

    Examples
    --------
    >>> import adl_opt as adl
    >>> found = Findings.of(adl.load("synthetic(accounts=5, rounds=2)"), ["pro-rata"])
    >>> sorted(found.severities.hinted)
    ['square-root impact']
    """

    episode: Episode
    optimum: Optimum

    @classmethod
    def of(
        cls,
        episode: Episode,
        policies: str | Policy | Iterable[object] | None = None,
        progress: Callable[[int, int], None] | None = None,
        loss: Loss | str | None = None,
    ) -> Findings:
        """Return the findings of an episode under some policies, :func:`everyone` by default."""
        asked = as_loss(loss).on(episode)
        return cls(
            episode, optimum(episode, policies or everyone(episode, asked), loss=asked, progress=progress)
        )

    @property
    def result(self) -> Result:
        """The replay."""
        return self.optimum.result

    @cached_property
    def paid(self) -> pd.DataFrame:
        """Who paid under a few policies, those of :data:`PAYING` that the replay has."""
        return self.result.haircuts(*[p for p in PAYING if p in self.result.by_policy])

    @cached_property
    def frontier(self) -> PathFrontier:
        """The regret-versus-path frontier up to the instance's own path length, and at each policy's."""
        most = max(self.result.path_length, 1e-9)
        budgets = {most * k / (FRONTIER_POINTS - 1) for k in range(FRONTIER_POINTS)}
        budgets |= {path_and_loss(self.result, name)[0] for name in self.result.by_policy}
        return severity_frontier(self.episode, sorted(budgets), self.result.loss)

    @cached_property
    def severities(self) -> Severities:
        """What was needed, what learners chose, and what a hint alone chose."""
        rounds = list(self.episode)
        need = target_severity([o.needed for _, o in rounds], [r.deficit for r, _ in rounds])
        played = {name: self._played(name) for name in (*LEARNED, HINTED)}
        hinted = {"square-root impact": self._played(HINT)}
        numbers = [r.number for r, _ in rounds]
        return Severities(rounds=numbers, need=need.tolist(), played=played, hinted=hinted)

    def _played(self, name: str) -> list[float]:
        made = make_severity(name).on(self.result.loss)
        state, shares = made.start(), []
        for round_, outcome in self.episode:
            budget = made.choose(state, round_)
            paid_usd = min(budget, round_.capacity_usd)
            shares.append(min(paid_usd / round_.deficit, 1.0) if round_.deficit > 0 else float("nan"))
            state = made.learn(state, round_, outcome, paid_usd)
        return shares

    @cached_property
    def growth(self) -> RegretGrowth:
        """How the regret of learners grows over T, whatever the episode."""
        return regret_growth(loss=self.result.loss)

    @cached_property
    def least_burdens(self) -> list[LotsResult | None]:
        """The least largest burden over whole lots of each round, with its proof; None without positions."""
        return [
            None if round_.positions is None else solve_lots(round_, outcome.needed)
            for round_, outcome in self.episode
        ]


def path_and_loss(result: Result, policy: str) -> tuple[float, float]:
    """Return path length and loss without fairness, USD, of a policy whose haircuts count up to D.

    So do severities in [0, 1]: no severity path of that length has a smaller loss than the frontier says.
    """
    records = [replace(r, haircut=min(r.haircut, r.deficit)) for r in result.by_policy[policy]]
    theta = np.array([r.haircut / r.deficit for r in records if r.deficit > 0])
    return math.fsum(np.abs(np.diff(theta))), math.fsum(map(result.tracking_of, records))


def everyone(episode: Episode, loss: Loss) -> list[str]:
    """Return the policies to show: all defaults that the rounds have the columns for, and a few learners."""
    return [*replay(episode, loss=loss).by_policy, *ONLINE]
