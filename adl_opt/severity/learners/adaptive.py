"""A strongly adaptive learner: as good on every stretch of rounds as a learner started there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.learner import Learner, clip, quadratic_cost, running_norms
from adl_opt.severity.learners.scales import epochs, power_above
from adl_opt.severity.learners.theory import Played

Expert = list[Any]
"""Last round + 1, prior, summed slopes, their norm, wealth, summed coins, and rounds of bets."""

_Epoch = tuple[float, int, list[Expert]]


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

    def _awake(self, scale: float, time: int, experts: list[Expert], top: float) -> _Epoch:
        """Return the epoch as the next round begins: scale, time, and the experts alive in it."""
        if top > scale:
            scale, time, experts = power_above(top), 0, []
        now = time + 1
        alive, prior = [e for e in experts if e[0] > now], prior_of(now)
        born: list[Expert] = [[now + 2**k, prior, 0.0, 0.0, 1.0, 0.0, 0] for k in range(twos(now) + 1)]
        return scale, now, alive + born

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the weighted mean of the experts that are awake."""
        top = self.steepest(deficit)
        return self._weighed(self._awake(state["scale"], state["time"], state["experts"], top)[2], top)[0]

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return self._taught(state, deficit, target, theta)

    def _taught(self, state: State, deficit: float, target: float, theta: float | None) -> State:
        top = self.steepest(deficit)
        scale, time, experts = self._awake(*_parts(state), top)
        own, seen = self._weighed(experts, top)
        self._teach(experts, seen, (deficit, target, deficit / scale), own if theta is None else theta)
        return {"scale": scale, "time": time, "experts": experts}

    def continued(self, state: State, deficit: float, target: float) -> State:
        """Return the state after a round that it played itself; the experts are weighed once."""
        return self._taught(state, deficit, target, None) if deficit > NOTHING_USD else state

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on as :meth:`Learner.run` does, to the bit, sooner: experts are changed in place."""
        played, (scale, time, experts) = [], _parts(state)
        for d, goal in zip(deficit.tolist(), target.tolist(), strict=True):
            top = self.steepest(d)
            unit, now, awake = self._awake(scale, time, experts, top)
            theta, seen = self._weighed(awake, top)
            played.append(theta)
            if d > NOTHING_USD:
                self._teach(awake, seen, (d, goal, d / unit), theta)
                scale, time, experts = unit, now, awake
        return np.array(played, dtype=np.float64), {"scale": scale, "time": time, "experts": experts}

    def _weighed(self, experts: list[Expert], top: float) -> tuple[float, list[tuple[float, float, float]]]:
        """Return the mean that is played, and each expert's norm with the round, point and share."""
        prior, spread, hypot, seen = self.prior, math.sqrt(quadratic_cost(self.prior)), math.hypot, []
        mass, total, low, high = 0.0, 0.0, 1.0, 0.0
        for _, own, slopes, norm, wealth, coins, count in experts:
            norm = hypot(norm, top)
            x = prior - spread * (slopes / norm) if norm > 0.0 else prior
            x = 0.0 if x < 0.0 else 1.0 if x > 1.0 else x
            share = coins / (count + 1)
            seen.append((norm, x, share))
            if x < low:
                low = x
            if x > high:
                high = x
            if share > 0.0:
                weight = own * share * wealth
                mass += weight
                total += weight * x
        if mass <= 0.0:
            mass = sum(e[1] for e in experts)
            total = sum(e[1] * x for e, (_, x, _) in zip(experts, seen, strict=True))
        return clip(total / mass, low, high), seen

    def _teach(
        self,
        experts: list[Expert],
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


def _parts(state: State) -> _Epoch:
    """Return scale, time and experts of a state; the experts are copies, to be changed."""
    return state["scale"], state["time"], [e.copy() for e in state["experts"]]


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
