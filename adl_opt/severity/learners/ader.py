"""Ader: Hedge over gradient descents of many step sizes, for targets that move by an unknown amount."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np

from adl_opt.losses import share
from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners import adahedge
from adl_opt.severity.learners.bound import NOTHING_USD, Kind
from adl_opt.severity.learners.hedge import taught
from adl_opt.severity.learners.learner import Learner, clip, running_norms
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class Ader(Learner):
    """AdaHedge over projected gradient descents whose steps double from one to the next.

    Rule: expert k takes steps eta_t = 2^(k - 1/2) / sqrt(sum_{s<=t} G_s^2), k = 0 ... K - 1; the weighted
    mean is played.  As theta* is revealed, every expert gets its own slope.

    Theorem (dynamic): Reg <= min_k {(1/2 + P) / eta_T + sum eta_t G_t^2 / 2} + 2 gap_T, hence of order
    sqrt((1 + 2P) sum G^2) + sqrt(log K sum G^2) for any path length P, unknown beforehand.  Proof: Prop. 1's
    inequality for each expert (see :class:`~adl_opt.severity.learners.gradient.Ogd`), convexity, and
    AdaHedge.

    Defaults: K = 12 experts: the best step for a path P is sqrt((1 + 2P) / 2) / norm, and P <= T, so 12
    doublings serve any path of 4 million rounds within 7 % of the best step's bound.

    Source: Zhang, Lu, Zhou (2018), "Adaptive online learning in dynamic environments"; Prop. 1 of the paper.
    Information: start of round.  O(K) per round.

    Parameters
    ----------
    experts : int
        K >= 2.
    """

    experts: int = default("learners", "ader", "experts")
    name: ClassVar[str] = "ader"
    regulariser: ClassVar[str] = "theta^2/2 for each expert, entropy over experts"
    step: ClassVar[str] = "2^(k - 1/2)/sqrt(sum G^2), k = 0 ... K-1; log K/(summed mixability gap)"
    kind: ClassVar[Kind] = "dynamic"
    theorem: ClassVar[str] = (
        "Reg <= min_k {(1/2 + P)/eta_T + sum eta_t G_t^2/2} + 2 gap_T (Zhang, Lu & Zhou 2018; Prop. 1)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("experts", 2, 64, whole=True)

    @property
    def steps(self) -> Floats:
        """The experts' steps, (K,), in units of 1 / sqrt(sum G^2)."""
        return np.asarray(2.0 ** (np.arange(self.experts) - 0.5))

    def start(self) -> State:
        """Return every expert at the prior."""
        return {"theta": [self.prior] * self.experts, **adahedge.no_losses(self.experts), "norm": 0.0}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the weighted mean of the experts."""
        return clip(adahedge.mean(state, np.array(state["theta"])))

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        own = np.array(state["theta"])
        norm = math.hypot(state["norm"], self.steepest(deficit))
        side = np.where(own > target, self.over, np.where(own < target, -self.under, 0.0))
        return {
            "theta": np.clip(own - self.steps * (side * (deficit / norm)), 0.0, 1.0).tolist(),
            **adahedge.after(state, self.loss(deficit, target, own)),
            "norm": norm,
        }

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on from a state as :meth:`Learner.run` does, to the bit, sooner: each expert by itself."""
        taught_usd = np.where(deficit > NOTHING_USD, deficit, 0.0)
        norms = list(accumulate(self.steepest(taught_usd).tolist(), math.hypot, initial=state["norm"]))
        shares, goals = share(taught_usd, norms[1:]).tolist(), target.tolist()
        runs = [
            self._descent(x, step, shares, goals)
            for x, step in zip(state["theta"], self.steps.tolist(), strict=True)
        ]
        own = np.stack([path for path, _ in runs], axis=1)
        theta, after = adahedge.mixed(state, taught(self, own, target, deficit), own)
        return np.clip(theta, 0.0, 1.0), {"theta": [end for _, end in runs], **after, "norm": norms[-1]}

    def _descent(
        self, x: float, step: float, shares: list[float], goals: list[float]
    ) -> tuple[list[float], float]:
        """Return one expert's severities, (T,), and where it stands after them."""
        path, under, over = [], self.under, self.over
        for pace, goal in zip(shares, goals, strict=True):
            path.append(x)
            if x > goal:
                x -= step * (over * pace)
                if x < 0.0:
                    x = 0.0
            elif x < goal:
                x += step * (under * pace)
                if x > 1.0:
                    x = 1.0
        return path, x

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return P, the best step and the experts' and AdaHedge's terms."""
        top = self.steepest(game.deficit)
        norms = running_norms(top)
        path = math.fsum(np.abs(np.diff(game.target)))
        growth = math.fsum(top * (top / norms))
        descents = (0.5 + path) * float(norms[-1]) / self.steps + 0.5 * self.steps * growth
        best = int(np.argmin(descents))
        experts = adahedge.regret_bound(state["gap"], top, self.experts)
        return {
            "regret_usd": float(descents[best]) + experts,
            "path": path,
            "best_step": float(self.steps[best]),
            "descent_usd": float(descents[best]),
            "gap_usd": state["gap"],
            "experts_usd": experts,
        }
