"""Learners that keep every past loss as it was, not its slope: FTRL, and follow the leader.

Usual FTRL replaces each past loss D |theta - theta*| by a straight line with the slope at the severity that
was played.  A target far away then pulls again in every round until it is reached.  Exact FTRL keeps the
losses themselves: it plays the minimiser of their sum plus a square that pulls to the prior.  The past
targets are kept in a tree (:mod:`adl_opt.severity.learners.points`), so a round costs O(log t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.learner import Learner, quadratic_cost, running_norms
from adl_opt.severity.learners.points import copied, empty, least, with_point
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class FtrlExact(Learner):
    """FTRL on the losses themselves: theta_t = argmin sum_{s<t} D_s abs(theta - theta_s*) + R(theta) / eta_t.

    Rule: R = (theta - prior)^2 / 2, 1 / eta_t = sqrt(sum_{s<=t} G_s^2) / c, c = sqrt(Rmax); the minimum is
    exact, a weighted median that the regulariser pulls to the prior, from a tree of the past targets
    (:mod:`adl_opt.severity.learners.points`), O(log t) per round.

    Theorem (static): Reg <= Rmax / eta_T + sum eta_t g_t^2 / 2 <= 2 sqrt(Rmax) sqrt(sum G_t^2).  Proof: as
    for :class:`~adl_opt.severity.learners.ftrl.Ftrl`, with the losses in place of their slopes; g_t is any
    subgradient
    at theta_t.  The same worst case as linearised FTRL, but a far-off target counts once, not in every round
    until it is reached.

    Source: McMahan (2017), Thm 1; Hazan (2016), ch. 5.  Information: start of round.
    """

    name: ClassVar[str] = "ftrl-exact"
    regulariser: ClassVar[str] = "(theta - prior)^2/2, on the exact past losses"
    step: ClassVar[str] = "sqrt(Rmax/sum G^2), this round's G included"
    theorem: ClassVar[str] = (
        "Reg <= Rmax/eta_T + sum eta_t g_t^2/2 (McMahan 2017, Thm 1, losses not linearised)"
    )

    @property
    def firmness(self) -> float:
        """The stiffness per USD of sqrt(sum_{s<=t} G_s^2), which is 1 / c."""
        return 1.0 / math.sqrt(quadratic_cost(self.prior))

    def start(self) -> State:
        """Return no points."""
        return {"points": empty(), "total": 0.0, "norm": 0.0}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the leader, regularised or not."""
        total = state["total"]
        if total <= 0.0:
            return self.prior
        stiffness = self.firmness * math.hypot(state["norm"], self.steepest(deficit))
        return least(state["points"], total, self.under, self.over, self.prior, stiffness)

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return {
            "points": with_point(state["points"], target, deficit),
            "total": state["total"] + deficit,
            "norm": math.hypot(state["norm"], self.steepest(deficit)),
        }

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on from a state as :meth:`Learner.run` does, to the bit, but on one tree, changed in place."""
        points, total, norm = copied(state["points"]), state["total"], state["norm"]
        under, over, prior, firmness = self.under, self.over, self.prior, self.firmness
        theta = []
        for d, goal, top in zip(
            deficit.tolist(), target.tolist(), self.steepest(deficit).tolist(), strict=True
        ):
            seen = math.hypot(norm, top)
            theta.append(least(points, total, under, over, prior, firmness * seen) if total > 0.0 else prior)
            if d > NOTHING_USD:
                with_point(points, goal, d, in_place=True)
                total, norm = total + d, seen
        return np.array(theta, dtype=np.float64), {"points": points, "total": total, "norm": norm}

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the two terms of the theorem."""
        rate = math.sqrt(quadratic_cost(self.prior))
        norms = running_norms(self.steepest(game.deficit))
        grad = np.abs(self.slopes(game))
        penalty, stability = rate * float(norms[-1]), 0.5 * rate * math.fsum(grad * (grad / norms))
        return {
            "regret_usd": penalty + stability,
            "penalty_usd": penalty,
            "stability_usd": stability,
            "steepest_norm_usd": float(norms[-1]),
        }


@dataclass(frozen=True, kw_only=True)
class FollowTheLeader(FtrlExact):
    """The severity that would have been best so far: the least any learner should beat.

    Rule: theta_t = the smallest minimiser of sum_{s<t} of the losses, a weighted median (quantile); the prior
    first.  It is FTRL without a regulariser.

    Theorem (static): only the trivial one, Reg <= sum G_t, as a round loses at most G_t.  None grows
    slower than T: targets on the far side of the median lose a constant share of G in every round.

    Source: Cesa-Bianchi, Lugosi (2006), section 3.2; Shalev-Shwartz (2012), Example 2.2 for the linear
    regret. Information: start of round.
    """

    name: ClassVar[str] = "follow-the-leader"
    regulariser: ClassVar[str] = "none"
    step: ClassVar[str] = "none"
    theorem: ClassVar[str] = (
        "Reg <= sum G_t (trivial: a round loses at most G_t; Shalev-Shwartz 2012, Example 2.2)"
    )

    @property
    def firmness(self) -> float:
        """0: no regulariser."""
        return 0.0

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the sum of the steepest slopes."""
        return {"regret_usd": math.fsum(self.steepest(game.deficit))}
