"""Follow the regularised leader on linearised losses: quadratic, entropy, log barrier."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.bound import Bound
from adl_opt.severity.learners.guarantee import Uncovered
from adl_opt.severity.learners.learner import Learner, clip, quadratic_cost, running_norms
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class Ftrl(Learner):
    """The common part: theta_t = argmin sum_{s<t} g_s theta + R(theta) / eta_t over [0, 1].

    Rate: eta_t = c / sqrt(sum_{s<=t} G_s^2).  It counts the round about to be played, whose D is known, so
    that no term of the largest slope is left over; and it is free of scale (all D times 2^k: same bits).

    Theorem (static), R >= 0 and mu-strongly convex, R <= Rmax: Reg <= Rmax / eta_T + sum eta_t g_t^2 / (2 mu)
    <= 2 sqrt(Rmax / mu) sqrt(sum G_t^2) with c = sqrt(mu Rmax).  Proof: the FTRL lemma (regularisers
    that grow, McMahan 2017, Thm 1) leaves R(u) / eta_T and, per round, F(theta_t) - min F of the
    mu / eta_t-strongly convex F = sum_{s<=t} g_s theta + R / eta_t, at most eta_t g_t^2 / (2 mu) since
    theta_t minimises F without g_t.
    """

    curvature: ClassVar[float]
    theorem: ClassVar[str] = (
        "Reg <= Rmax/eta_T + sum eta_t g_t^2/(2 mu) (McMahan 2017, Thm 1; Orabona & Pal 2018)"
    )

    @property
    def cost(self) -> float:
        """Rmax, the regulariser at the severity it holds furthest from."""
        raise NotImplementedError

    def point(self, pull: float) -> float:
        """Return argmin pull * theta + R(theta) over [0, 1]."""
        raise NotImplementedError

    @property
    def rate(self) -> float:
        """The constant c = sqrt(mu Rmax), which makes the theorem's two terms equal."""
        return math.sqrt(self.curvature * self.cost)

    def start(self) -> State:
        """Return no slopes."""
        return {"slopes": 0.0, "norm": 0.0}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the regularised leader."""
        norm = math.hypot(state["norm"], self.steepest(deficit))
        return self.point(self.rate * (state["slopes"] / norm) if norm > 0.0 else 0.0)

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return {
            "slopes": state["slopes"] + self.slope(deficit, target, theta),
            "norm": math.hypot(state["norm"], self.steepest(deficit)),
        }

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the two terms of the theorem."""
        norms = running_norms(self.steepest(game.deficit))
        grad = np.abs(self.slopes(game))
        stability = 0.5 * self.rate / self.curvature * math.fsum(grad * (grad / norms))
        penalty = self._penalty(float(norms[-1]), math.fsum(self.steepest(game.deficit)))
        return {
            "regret_usd": penalty + stability,
            "penalty_usd": penalty,
            "stability_usd": stability,
            "steepest_norm_usd": float(norms[-1]),
            "regulariser_max": self.cost,
        }

    def _penalty(self, norm: float, steepest_sum: float) -> float:
        return self.cost / self.rate * norm


@dataclass(frozen=True, kw_only=True)
class FtrlQuadratic(Ftrl):
    """FTRL with R = (theta - prior)^2 / 2 on linearised losses (lazy projection, dual averaging).

    Rule: theta_t = [prior - eta_t sum_{s<t} g_s] clipped to [0, 1].  mu = 1, Rmax = 1/8 from the middle.

    Theorem (static): Reg <= sqrt(sum G_t^2 / 2) at most, from the middle; see :class:`Ftrl`.

    Theorem (coverage): sum D_t over the rounds with theta_t < theta_t* is at most [over sum D + (1 - prior)
    sqrt(sum G_t^2) / c + under max D] / (under + over).  Proof: theta is 1 once the summed slopes are at most
    -(1 - prior) sqrt(sum G^2) / c, and at 1 no slope is negative, so they are never less than that minus one
    slope of under max D; they are over D above and -under D below theta*.  With under = (1 - alpha) / alpha
    and over = 1 a share alpha of the deficits stays uncovered, in the long run.

    Source: Zinkevich (2003), Xiao (2010), McMahan (2017).  Information: start of round.
    """

    name: ClassVar[str] = "ftrl-quadratic"
    regulariser: ClassVar[str] = "(theta - prior)^2/2"
    step: ClassVar[str] = "sqrt(Rmax/sum G^2), this round's G included"
    curvature: ClassVar[float] = 1.0

    @property
    def cost(self) -> float:
        """Half the square of the longer way to an end."""
        return quadratic_cost(self.prior)

    def point(self, pull: float) -> float:
        """Return the clipped step."""
        return clip(self.prior - pull)

    def promise(self, game: Played, regret: Bound) -> tuple[Uncovered, str, float, dict[str, float]]:
        """Return the deficits of rounds that stay uncovered, at most."""
        norm = math.sqrt(math.fsum(np.square(self.steepest(game.deficit)))) if game.deficit.size else 0.0
        total, most = math.fsum(game.deficit), float(np.max(game.deficit, initial=0.0))
        above, lag = self.over * total, (1.0 - self.prior) / self.rate * norm
        limit = (above + lag + self.under * most) / (self.under + self.over)
        theorem = "sum D 1{H < B} <= [over sum D + (1 - prior) sqrt(sum G^2)/c + under max D]/(under + over)"
        return "deficit-weighted", theorem, limit, {"deficit_usd": total, "lag_usd": lag, "largest_usd": most}


@dataclass(frozen=True, kw_only=True)
class FtrlEntropy(Ftrl):
    """FTRL with the binary entropy, R = KL(theta, prior): exponentiated gradient between 0 and 1.

    Rule: theta_t = sigmoid(logit(prior) - eta_t sum_{s<t} g_s).  mu = 4 (R'' = 1/theta + 1/(1 - theta)),
    Rmax = log 2 from the middle.

    Theorem (static): Reg <= sqrt(log 2 sum G_t^2) at most, from the middle; see :class:`Ftrl`.

    Source: Kivinen, Warmuth (1997); McMahan (2017).  Information: start of round.
    """

    name: ClassVar[str] = "ftrl-entropy"
    regulariser: ClassVar[str] = "KL(theta, prior)"
    step: ClassVar[str] = "sqrt(4 Rmax/sum G^2), this round's G included"
    curvature: ClassVar[float] = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("prior", 1e-6, 1.0 - 1e-6)

    @property
    def cost(self) -> float:
        """KL at the end that the prior holds less likely."""
        return -math.log(min(self.prior, 1.0 - self.prior))

    def point(self, pull: float) -> float:
        """Return the sigmoid."""
        return 0.5 + 0.5 * math.tanh(0.5 * (math.log(self.prior / (1.0 - self.prior)) - pull))


@dataclass(frozen=True, kw_only=True)
class FtrlBarrier(Ftrl):
    """FTRL with the log barrier -log theta - log(1 - theta), as Bregman divergence from the prior.

    Rule: theta_t is the root of 1/theta - 1/(1 - theta) = eta_t sum_{s<t} g_s + 1/prior - 1/(1 - prior);
    mu = 8 (R'' = 1/theta^2 + 1/(1 - theta)^2).  It never plays 0 or 1 outright.

    Theorem (static): as R is infinite at 0 and 1, the comparator is moved to [e, 1 - e], for any e: Reg <=
    min_e {e sum G_t + R(e) / eta_T} + sum eta_t g_t^2 / 16, so the cost grows as log T; see :class:`Ftrl`.

    Defaults: the rate takes Rmax at ``clip`` = 0.01, as severities finer than one percent of a deficit are
    none that a venue sets.

    Source: Foster, Li, Lykouris, Sridharan, Tardos (2016); McMahan (2017).  Information: start of round.

    Parameters
    ----------
    clip : float
        Distance from 0 and 1 at which the rate takes Rmax.
    """

    clip: float = default("learners", "ftrl-barrier", "clip")
    name: ClassVar[str] = "ftrl-barrier"
    regulariser: ClassVar[str] = "log barrier, as divergence from the prior"
    step: ClassVar[str] = "sqrt(8 R(clip)/sum G^2), this round's G included"
    curvature: ClassVar[float] = 8.0
    theorem: ClassVar[str] = (
        "Reg <= min_e {e sum G_t + R(e)/eta_T} + sum eta_t g_t^2/16 (McMahan 2017, Thm 1; Foster et al. 2016)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("prior", 1e-6, 1.0 - 1e-6)
        self.require("clip", 1e-9, 0.25)

    @property
    def cost(self) -> float:
        """R at ``clip`` from the further end."""
        return float(self._divergence(self.clip))

    def _divergence(self, clip: float | Floats) -> Floats:
        tilt = 1.0 / (1.0 - self.prior) - 1.0 / self.prior
        base = -math.log(self.prior * (1.0 - self.prior))
        flat = -np.log(clip) - np.log1p(-np.asarray(clip)) - base
        ends = [flat - tilt * (x - self.prior) for x in (clip, 1.0 - clip)]
        return np.asarray(np.maximum(*ends))

    def point(self, pull: float) -> float:
        """Return the root of 1/theta - 1/(1 - theta) = a, by the form that cancels nothing."""
        a = pull + 1.0 / self.prior - 1.0 / (1.0 - self.prior)
        near = 2.0 / (abs(a) + 2.0 + math.hypot(a, 2.0))
        return near if a >= 0.0 else 1.0 - near

    def _penalty(self, norm: float, steepest_sum: float) -> float:
        clips = np.geomspace(1e-12, 0.5, 200)
        return float(np.min(clips * steepest_sum + self._divergence(clips) * (norm / self.rate)))
