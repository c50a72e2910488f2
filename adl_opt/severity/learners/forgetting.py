"""FTRL that forgets: discounted, and windowed by restarts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.ftrl import FtrlQuadratic
from adl_opt.severity.learners.learner import running_norms
from adl_opt.severity.learners.theory import LearnerTheory, Played


@dataclass(frozen=True, kw_only=True)
class FtrlDiscounted(FtrlQuadratic):
    """FTRL with a quadratic regulariser whose past fades by a factor per round.

    Rule: theta_t = [prior - c sum_{s<t} k^(t-s) g_s / n_t] clipped to [0, 1], with k the discount,
    n_t^2 = sum_{s<=t} k^(2(t-s)) G_s^2 and c = sqrt(Rmax).  Only rounds with D > 0 count as rounds.

    Theorem (static): the discounted regret sum_{s<=t} k^(t-s) g_s (theta_s - u) is at most B_t = Rmax n_t / c
    + sum_{s<=t} k^(t-s) c g_s^2 / (2 n_s), as it is k^t times the regret of plain FTRL on the losses k^(-s)
    g_s.  Since r_t = Reg_t - k Reg_{t-1}, summing gives Reg <= B_T + (1 - k) sum_{t<T} B_t.  It grows as (1 -
    k) T: the price of forgetting, in a world that stands still.

    Defaults: discount 0.95, a memory of 1 / (1 - 0.95) = 20 rounds, the order of the rounds of one ADL
    episode; a convention, not a fit.

    Source: Zhang, Bombara, Yang (2024) for the discounted regret.  Information: start of round.

    Parameters
    ----------
    discount : float
        k in [0, 1]; 1 forgets nothing.
    """

    discount: float = default("learners", "ftrl-discounted", "discount")
    name: ClassVar[str] = "ftrl-discounted"
    step: ClassVar[str] = "sqrt(Rmax/sum k^(2 age) G^2), k the discount"
    theorem: ClassVar[str] = (
        "Reg <= B_T + (1 - k) sum_{t<T} B_t, B_t = discounted FTRL bound (after Zhang, Bombara & Yang 2024)"
    )

    promise = LearnerTheory.promise  # the coverage of ftrl-quadratic does not survive forgetting

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("discount", 0.0, 1.0)

    def _faded(self, state: State) -> State:
        return {name: self.discount * value for name, value in state.items()}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the regularised leader of the faded past."""
        return super().predict(self._faded(state), deficit)

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return super()._after(self._faded(state), deficit, target, theta, hint)

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return B_T and the sum of the B_t before."""
        c = self.rate
        norm = stability = 0.0
        bounds = []
        for g, top in zip(self.slopes(game), self.steepest(game.deficit), strict=True):
            norm = math.hypot(self.discount * norm, top)
            stability = self.discount * stability + 0.5 * c * abs(g) * (abs(g) / norm)
            bounds.append(c * norm + stability)
        last, before = float(bounds[-1]), math.fsum(bounds[:-1])
        return {
            "regret_usd": last + (1.0 - self.discount) * before,
            "discounted_usd": last,
            "discounted_sum_usd": before,
        }


@dataclass(frozen=True, kw_only=True)
class FtrlWindowed(FtrlQuadratic):
    """FTRL over the last rounds only: two copies, restarted half a window apart, and averaged.

    Rule: each copy is :class:`~adl_opt.severity.learners.ftrl.FtrlQuadratic`, fed with the slopes at the
    severity that
    was played and restarted every ``window`` rounds (with D > 0); theta_t is the mean of the two, so nothing
    older than ``window`` rounds matters and no restart makes the whole jump.

    Theorem (static): Reg <= mean over the copies of sum over their blocks of (Rmax / eta_end + sum eta_t
    g_t^2 / 2), at most sqrt(Rmax) 2 sqrt(sum G^2) in each block.  Proof: g_t (theta_t - u) is the mean of the
    copies', and each block is one FTRL.  It grows as T / sqrt(window).  (A sliding sum of slopes has no such
    bound: what leaves the window is a loss that is taken back.)

    Defaults: window 40, twice the memory of ``ftrl-discounted``, so that the mean age of what counts is
    alike.

    Source: Besbes, Gur, Zeevi (2015) for restarts.  Information: start of round.

    Parameters
    ----------
    window : int
        Rounds, at least 2.
    """

    window: int = default("learners", "ftrl-windowed", "window")
    name: ClassVar[str] = "ftrl-windowed"
    regulariser: ClassVar[str] = "(theta - prior)^2/2, two copies"
    step: ClassVar[str] = "sqrt(Rmax/sum G^2) since the copy's restart"
    theorem: ClassVar[str] = (
        "Reg <= mean over copies of the sum of their blocks' FTRL bounds (Besbes, Gur & Zeevi 2015)"
    )

    promise = LearnerTheory.promise  # the coverage of ftrl-quadratic does not survive forgetting

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("window", 2, 10**9, whole=True)

    def start(self) -> State:
        """Return two empty copies, the second half a window old."""
        return [self._empty(0), self._empty(self.window // 2)]

    def _empty(self, age: int) -> State:
        return super().start() | {"age": age}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the mean of the copies."""
        first, second = (FtrlQuadratic.predict(self, copy, deficit) for copy in self._fresh(state))
        return 0.5 * (first + second)

    def _fresh(self, state: State) -> list[State]:
        """Return the copies, one that is a whole window old begun anew."""
        return [copy if copy["age"] < self.window else self._empty(0) for copy in state]

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return [
            FtrlQuadratic._after(self, copy, deficit, target, theta, hint) | {"age": copy["age"] + 1}
            for copy in self._fresh(state)
        ]

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the sums over both copies' blocks."""
        c, grad, top = self.rate, np.abs(self.slopes(game)), self.steepest(game.deficit)
        penalty = stability = 0.0
        blocks = 0
        for first in (self.window, self.window - self.window // 2):
            cuts = [0, *range(first, grad.size, self.window), grad.size]
            for start, end in pairwise(cuts):
                norms, g = running_norms(top[start:end]), grad[start:end]
                penalty += 0.5 * c * float(norms[-1])
                stability += 0.25 * c * math.fsum(g * (g / norms))
                blocks += 1
        return {
            "regret_usd": penalty + stability,
            "penalty_usd": penalty,
            "stability_usd": stability,
            "blocks": float(blocks),
        }
