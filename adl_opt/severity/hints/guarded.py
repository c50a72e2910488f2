"""The default severity: a learner and hinted learners under AdaHedge, over a floor of risk control."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy.typing as npt

from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State
from adl_opt.severity.coverage.risk_control import Floor
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.hedged import HedgedHints, hedged_members
from adl_opt.severity.learners.guarantee import Guarantee


@dataclass(frozen=True, init=False)
class Guarded(HedgedHints):
    """What a venue can deploy and defend: not much worse than its best member, and never far too short.

    Rule: as ``hedged-hints``; but a hint that nobody has tried has no say, so the first member plays alone
    until a member has lost anything; and never less than the floor of risk control, the class
    :class:`~adl_opt.severity.coverage.risk_control.Floor`, with alpha = over / (under + over).  The loss
    names that share itself: at these prices the best forecast leaves it uncovered (a quantile).  With
    ``under=19`` it is 5 %.

    Theorems: the bounds of ``hedged-hints`` and what the floor raised the loss by, as observed (the gap
    counts the first round too; the proof needs only that it grows by no more than members differ); and sum
    [B - H]_+ <= alpha sum B + M + max min(B, D, U) + sum [B - min(D, U)]_+, M the largest deficit.

    Defaults: ``ftrl-exact``, which needs no hint; and, at their word and under ``coin-betting``, whose regret
    against the hint at its word is a constant, ``log-gap`` and ``market-gap``: the hint that learns orders of
    magnitude and the one that learns each market's mean.  They were chosen on synthetic rounds and simulated
    venues, not on October 10; but ``log-gap`` and ``coin-betting`` had been seen there before.

    Source: as for ``hedged-hints`` and ``risk-control``.  Information: start of round.

    Parameters
    ----------
    members, under, over, limit, reach
        As for ``hedged-hints``; the member to begin with stands first.

    Examples
    --------
    >>> Guarded(under=19.0).floor.alpha
    0.05
    """

    name: ClassVar[str] = "default"
    domain: ClassVar[str] = "b in [0, U], USD, and no less than the floor"

    @staticmethod
    def usual() -> tuple[Severity, ...]:
        """Return the members by default."""
        return hedged_members(**default("default", "members"))

    @property
    def floor(self) -> Floor:
        """The floor under the budgets."""
        return Floor(alpha=self.over / (self.under + self.over), limit=self.limit)

    def start(self) -> State:
        """Return the states of the members and of the floor."""
        return super().start() | {"floor": self.floor.start()}

    def _mixed(self, state: State, own: list[float]) -> float:
        """Return the weighted mean of the members' budgets, USD; the first one's before any has lost."""
        return super()._mixed(state, own) if any(state["losses"]) else own[0]

    def choose(self, state: State, round_: Round) -> float:
        """Return the weighted mean of the members' budgets, or the floor if that is higher, USD."""
        return max(super().choose(state, round_), self.floor.choose(state["floor"], round_))

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the states after the round; to the floor it matters what was asked for."""
        floor = self.floor.learn(state["floor"], round_, outcome, asked)
        return super().learn(state, round_, outcome, asked) | {"floor": floor}

    def guarantee(
        self,
        deficit: npt.ArrayLike,
        needed: npt.ArrayLike,
        played: npt.ArrayLike,
        hint: npt.ArrayLike | None = None,
        capacity: npt.ArrayLike | None = None,
    ) -> Guarantee:
        """Return what the floor promises on rounds, as :meth:`~.Covering.guarantee` does.

        It holds for all budgets that are not below the floor, so hints do not matter; the assumption ``played
        by this severity`` says whether none was.
        """
        return self.floor.guarantee(deficit, needed, played, None, capacity)

    def guarantee_on(self, rounds: Iterable[tuple[Round, Outcome]]) -> Guarantee:
        """Return the guarantee on rounds, played within their capacities."""
        state, seen = self.start(), []
        for round_, outcome in rounds:
            budget = self.choose(state, round_)
            seen.append((round_, outcome, budget))
            state = self.learn(state, round_, outcome, budget)
        return self.floor.guarantee_of(seen)
