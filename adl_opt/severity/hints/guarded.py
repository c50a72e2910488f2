"""The default severity: a learner and hinted learners under AdaHedge, over a floor of risk control.

Weights of AdaHedge know no scale: a hint that was right about a thousand dollars would decide about ten
million.  So each hint is trusted in proportion to the largest amount it has been tried on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy.typing as npt

from adl_opt.checks import number_between
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State
from adl_opt.severity.coverage.risk_control import Floor
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.hedged import HedgedHints, hedged_members
from adl_opt.severity.learners.guarantee import Guarantee
from adl_opt.severity.learners.learner import clip


@dataclass(frozen=True, init=False)
class Guarded(HedgedHints):
    """What a venue can deploy and defend: not much worse than its best member, and never far too short.

    Rule: as ``hedged-hints``, which weighs members by what they said; but what counts of a member's budget
    is at most ``trust`` times V_k away from the first member's, V_k the most that it was away in any round
    before.  A hint that nobody has tried has no say.  And never less than the floor of risk control, the
    class :class:`~adl_opt.severity.coverage.risk_control.Floor`, with alpha = over / (under + over).  The
    loss names that share itself: at these prices the best forecast leaves it uncovered (a quantile).  With
    ``under=19`` it is 5 %.

    Theorems: loss <= best member + 2 gap_T + what the floor raised the loss by, as observed, for AdaHedge's
    gap counts what was paid, whatever was played.  In advance 2 gap_T <= sqrt(log K sum s_t^2) + 2 max s_t +
    4 O, with s_t = max(under, over) times the spread of the members' budgets and O, the price of distrust, at
    most max(under, over) times the sum over the hints of the most that each was ever away.  Proof: what is
    cut off adds up to V_k(T+1) at most, as each cut (d_t - trust V_t)_+ is at most the rise of V; and delta_t
    <= min(s_t, eta_t s_t^2 / 8 + o_t) in gap_T^2 = sum (2 gap_(t-1) delta_t + delta_t^2), eta_t = log K /
    gap_(t-1).  And sum [B - H]_+ <= alpha sum B + M + max min(B, D, U) + sum [B - min(D, U)]_+, M the largest
    deficit.

    Defaults: ``ftrl-exact``, which needs no hint; and, at their word and under ``coin-betting``, whose regret
    against the hint at its word is a constant, ``log-gap`` and ``market-gap``: the hint that learns orders of
    magnitude and the one that learns each market's mean.  trust = 10: one order of magnitude at a time.  They
    were chosen on synthetic rounds and simulated venues, not on October 10; but ``log-gap`` and
    ``coin-betting`` had been seen there before.

    Source: as for ``hedged-hints`` and ``risk-control``; clipping at what was seen after Cutkosky (2019).
    Information: start of round.

    Parameters
    ----------
    members, under, over, limit, reach
        As for ``hedged-hints``; the member to begin with stands first.
    trust : float
        What counts of a member is at most this many times further from the first than it was before; in [1,
        1e9].

    Examples
    --------
    >>> Guarded(under=19.0).floor.alpha
    0.05
    """

    trust: float
    name: ClassVar[str] = "default"
    theorem: ClassVar[str] = "loss <= best member + 2 gap_T + raised (AdaHedge; clipped at what was tried)"
    domain: ClassVar[str] = "b in [0, U], USD, and no less than the floor"

    def __init__(
        self,
        members: tuple[Severity, ...] | str | None = None,
        *,
        under: float = 1.0,
        over: float = 1.0,
        limit: str = "capacity",
        reach: float = default("hedged-hints", "reach"),
        trust: float = default("default", "trust"),
    ) -> None:
        super().__init__(members, under=under, over=over, limit=limit, reach=reach)
        object.__setattr__(self, "trust", number_between("severity 'default': trust", trust, 1.0, 1e9))

    @staticmethod
    def usual() -> tuple[Severity, ...]:
        """Return the members by default."""
        return hedged_members(**default("default", "members"))

    @property
    def floor(self) -> Floor:
        """The floor under the budgets."""
        return Floor(alpha=self.over / (self.under + self.over), limit=self.limit)

    def start(self) -> State:
        """Return the states of the members and of the floor; no member was away from the first."""
        return super().start() | {"floor": self.floor.start(), "tried": [0.0] * len(self.members)}

    def _mixed(self, state: State, own: list[float]) -> float:
        """Return the weighted mean of what counts of the members' budgets, USD."""
        most = [self.trust * tried for tried in state["tried"]]
        trusted = [clip(b, own[0] - m, own[0] + m) for b, m in zip(own, most, strict=True)]
        return super()._mixed(state, trusted)

    def _mixing(self, gap: float, spread: Floats) -> float:
        """Return 2 gap_T: Theorem 8 of AdaHedge is about the mean of the budgets themselves."""
        return 2.0 * gap

    def choose(self, state: State, round_: Round) -> float:
        """Return the weighted mean of the members' budgets, or the floor if that is higher, USD."""
        return max(super().choose(state, round_), self.floor.choose(state["floor"], round_))

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the states after the round; to the floor it matters what was asked for."""
        own = self._budgets(state, round_)
        mine = {
            "floor": self.floor.learn(state["floor"], round_, outcome, asked),
            "tried": [max(v, abs(b - own[0])) for v, b in zip(state["tried"], own, strict=True)],
        }
        return super().learn(state, round_, outcome, asked) | mine

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

    def _given(self) -> list[str]:
        """Return them with the trust."""
        usual = self.trust == default("default", "trust")
        return super()._given() + ([] if usual else [f"trust={self.trust}"])
