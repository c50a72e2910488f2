"""A strongly adaptive learner: as good on every stretch of rounds as a learner started there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.learners.betting import epochs, power_above
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.learner import Learner, Played, clip, quadratic_cost, running_norms


@dataclass(frozen=True, kw_only=True)
class StronglyAdaptive(Learner):
    """Sleeping experts on geometric covering intervals, weighted by coin betting.

    Rule: for each k an FTRL (quadratic) lives on [i 2^k, (i + 1) 2^k), i >= 1: at round t there are 1 + log2
    t of them, each restarted as its interval begins.  Expert J bets, Krichevsky-Trofimov, on its own
    advantage r = (loss played - own loss) / H; weights are prior(J) times its positive bets; the mean is
    played. H and epochs are those of ``coin-betting``: D is known first, so no loss exceeds H.

    Theorem (static, and so on every interval): with prior(J) = 1 / (s (s + 1) (1 + v)) for a start s that 2^v
    divides (they sum to 1), Reg <= sum over epochs and over J = [2^k, 2^(k+1)) of 2 sqrt(Rmax) sqrt(sum_J
    G^2) + H sqrt(m (2 + log(pi m) + 2 log(1 / prior(J)))), m rounds in J.  Proof: the bets lose nothing in
    sum (convexity), so no wealth exceeds 1 / prior(J); KT wealth is at least exp(x^2 / (2m)) / (e sqrt(pi m))
    at summed advantage x (Orabona & Pal 2016); solve for x; add FTRL's own bound on J.

    Source: Daniely, Gonen, Shalev-Shwartz (2015); Jun, Orabona, Wright, Willett (2017), "CBCE".
    Information: start of round.  O(log t) per round.
    """

    name: ClassVar[str] = "strongly-adaptive"
    regulariser: ClassVar[str] = "(theta - prior)^2/2 for each interval, KT potential over intervals"
    step: ClassVar[str] = "sqrt(Rmax/sum G^2) since the interval began"
    theorem: ClassVar[str] = (
        "Reg <= sum_J 2 sqrt(Rmax sum_J G^2) + H sqrt(m (2 + log(pi m) + 2 log 1/prior(J))) (Jun et al. 2017)"
    )

    def start(self) -> State:
        """Return an epoch of scale 0, which the first deficit ends."""
        return {"scale": 0.0, "time": 0, "experts": []}

    def _awake(self, state: State, deficit: float) -> State:
        """Return the state as the next round begins: the epoch, and the experts alive in it."""
        top = self.steepest(deficit)
        if top > state["scale"]:
            state = {"scale": power_above(top), "time": 0, "experts": []}
        now = state["time"] + 1
        alive = [e for e in state["experts"] if e["end"] > now]
        born = [
            {"end": now + 2**k, "prior": prior_of(now), "slopes": 0.0, "norm": 0.0} | _NO_BETS
            for k in range(twos(now) + 1)
        ]
        return {"scale": state["scale"], "time": now, "experts": alive + born}

    def _point(self, expert: State, deficit: float) -> float:
        norm = math.hypot(expert["norm"], self.steepest(deficit))
        if norm <= 0.0:
            return self.prior
        return clip(self.prior - math.sqrt(quadratic_cost(self.prior)) * (expert["slopes"] / norm))

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the weighted mean of the experts that are awake."""
        return self._mean(self._awake(state, deficit)["experts"], deficit)

    def _mean(self, experts: list[State], deficit: float) -> float:
        weight = [e["prior"] * max(0.0, _share(e)) * e["wealth"] for e in experts]
        if sum(weight) <= 0.0:
            weight = [e["prior"] for e in experts]
        points = [self._point(e, deficit) for e in experts]
        mean = sum(w * x for w, x in zip(weight, points, strict=True)) / sum(weight)
        return clip(mean, min(points), max(points))

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        awake = self._awake(state, deficit)
        unit = deficit / awake["scale"]
        loss = unit * self._distance(theta, target)
        experts = []
        for expert in awake["experts"]:
            point, share = self._point(expert, deficit), _share(expert)
            coin = loss - unit * self._distance(point, target)
            coin = coin if share > 0.0 else max(0.0, coin)
            experts.append(
                {
                    "end": expert["end"],
                    "prior": expert["prior"],
                    "slopes": expert["slopes"] + self.slope(deficit, target, point),
                    "norm": math.hypot(expert["norm"], self.steepest(deficit)),
                    "wealth": expert["wealth"] * (1.0 + share * coin),
                    "coins": expert["coins"] + coin,
                    "count": expert["count"] + 1,
                }
            )
        return {"scale": awake["scale"], "time": awake["time"], "experts": experts}

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on as :meth:`Learner.run` does, to the bit, sooner: experts are lists, changed in place."""
        played, experts = [], [[e[name] for name in _FIELDS] for e in state["experts"]]
        scale, time = state["scale"], state["time"]
        for d, goal in zip(deficit.tolist(), target.tolist(), strict=True):
            top = self.steepest(d)
            fresh = top > scale
            unit, now = (power_above(top), 1) if fresh else (scale, time + 1)
            awake = [] if fresh else [e for e in experts if e[0] > now]
            prior = prior_of(now)
            awake += [[now + 2**k, prior, 0.0, 0.0, 1.0, 0.0, 0] for k in range(twos(now) + 1)]
            theta, seen = self._weighed(awake, top)
            played.append(theta)
            if d > NOTHING_USD:
                self._teach(awake, seen, (d, goal, d / unit), theta)
                experts, scale, time = awake, unit, now
        after = {
            "scale": scale,
            "time": time,
            "experts": [dict(zip(_FIELDS, e, strict=True)) for e in experts],
        }
        return np.array(played, dtype=np.float64), after

    def _weighed(
        self, experts: list[list[Any]], top: float
    ) -> tuple[float, list[tuple[float, float, float]]]:
        """Return the mean that is played, and each expert's norm with the round, point and share."""
        weight, points, seen = [], [], []
        prior, spread, hypot = self.prior, math.sqrt(quadratic_cost(self.prior)), math.hypot
        for _, own, slopes, norm, wealth, coins, count in experts:
            norm = hypot(norm, top)
            x = prior
            if norm > 0.0:
                x -= spread * (slopes / norm)
                if x < 0.0:
                    x = 0.0
                elif x > 1.0:
                    x = 1.0
            share = coins / (count + 1)
            points.append(x)
            seen.append((norm, x, share))
            weight.append(own * (share if share > 0.0 else 0.0) * wealth)
        mass = sum(weight)
        if mass <= 0.0:
            weight = [e[1] for e in experts]
            mass = sum(weight)
        mean = sum([w * x for w, x in zip(weight, points, strict=True)]) / mass
        return clip(mean, min(points), max(points)), seen

    def _teach(
        self,
        experts: list[list[Any]],
        seen: list[tuple[float, float, float]],
        round_: tuple[float, float, float],
        theta: float,
    ) -> None:
        """Change the experts, in place, as :meth:`update` does."""
        deficit, target, unit = round_
        under, over = self.under, self.over
        loss, up, down = unit * self._distance(theta, target), over * deficit, -under * deficit
        for e, (norm, x, share) in zip(experts, seen, strict=True):
            if x > target:
                coin = loss - unit * (over * (x - target))
                e[2] += up
            else:
                coin = loss - unit * (under * (target - x))
                if x < target:
                    e[2] += down
            if share <= 0.0 and coin < 0.0:
                coin = 0.0
            e[3] = norm
            e[4] *= 1.0 + share * coin
            e[5] += coin
            e[6] += 1

    def _distance(self, theta: float, target: float) -> float:
        return self.over * (theta - target) if theta > target else self.under * (target - theta)

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the experts' and the bettors' terms over the cover of all rounds."""
        base, betting = [], []
        cut = epochs(self.steepest(game.deficit))
        for scale, tops in cut:
            start = 1
            while start <= tops.size:
                part = tops[start - 1 : 2 * start - 1]
                base.append(2.0 * math.sqrt(quadratic_cost(self.prior)) * float(running_norms(part)[-1]))
                m = part.size
                logs = 2.0 + math.log(math.pi * m) - 2.0 * math.log(prior_of(start))
                betting.append(scale * math.sqrt(m * logs))
                start *= 2
        return {
            "regret_usd": math.fsum(base + betting),
            "experts_usd": math.fsum(base),
            "betting_usd": math.fsum(betting),
            "epochs": float(len(cut)),
            "intervals": float(len(base)),
        }


_NO_BETS = {"wealth": 1.0, "coins": 0.0, "count": 0}
_FIELDS = ("end", "prior", "slopes", "norm", "wealth", "coins", "count")


def _share(expert: State) -> float:
    return float(expert["coins"] / (expert["count"] + 1))


def twos(n: int) -> int:
    """Return how often 2 divides n >= 1.

    Examples
    --------
    >>> [twos(n) for n in (1, 2, 12)]
    [0, 1, 2]
    """
    return (n & -n).bit_length() - 1


def prior_of(start: int) -> float:
    """Return the weight of each of the 1 + twos(start) intervals that begin at ``start``; all sum to 1.

    Examples
    --------
    >>> prior_of(1), prior_of(2)
    (0.5, 0.08333333333333333)
    """
    return 1.0 / (start * (start + 1) * (1 + twos(start)))
