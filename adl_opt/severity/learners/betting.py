"""Coin betting: a learner without a step size.

The learner starts an epoch with some wealth and bets a share of it in every round.  The bet is how far the
severity is from the prior.  The coin of a round is the slope of its loss, divided by the largest slope H of
the epoch, with its sign turned: positive where a higher severity had been better.  A won bet adds to the
wealth, a lost one takes from it.  The share is the mean of the coins so far (Krichevsky and Trofimov): many
equal coins make the bets grow quickly, mixed coins keep them small.  So the bets find their own size, which
is why no step has to be chosen.  No bet exceeds the wealth, so an epoch costs at most H times its first
wealth more than playing the prior throughout.

The theory asks for a known H.  Here the deficit is known before the bet.  If its slope would exceed H, a new
epoch with a larger H begins first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.learner import Learner, clip
from adl_opt.severity.learners.scales import epochs, power_above
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class CoinBetting(Learner):
    """Krichevsky-Trofimov betting on the sign of the slope, projected on [0, 1].

    Rule: within an epoch the coins are c_s = -g_s / H in [-1, 1]; the bet is the share sum c / (n + 1) of the
    wealth; theta = prior + bet, clipped.  Where the clipped theta differs and g would push further out, the
    coin is void (the reduction to a constraint set).  H is the power of two above the largest G of the epoch;
    as D is known first, a larger one opens a new epoch *before* the round, so no slope is ever larger than
    assumed and nothing is to be guessed.

    Theorem (static): Reg <= sum over epochs of H (v sqrt(n log(1 + 24 n^2 v^2 / e^2)) + e (1 - 1 / (e'
    sqrt(pi n)))), with v = max(prior, 1 - prior) the longest way, e the first wealth, e' Euler's number and n
    the epoch's rounds. Proof: Orabona & Pal (2016), Cor. 5, in each epoch for the comparator u - prior, |u -
    prior| <= v; void coins only help: g (theta - u) <= gbar (z - u) for every u in [0, 1] (Cutkosky 2020).  H
    at least doubles from epoch to epoch.

    Against the prior itself (:meth:`at_prior`): Reg <= sum over epochs of H e, however many rounds, as the
    wealth never falls below 0.

    Defaults: wealth 0.5, the loss per unit of slope that the middle risks in any one round.

    Source: Orabona, Pal (2016); Cutkosky, Orabona (2018); Cutkosky (2019) for slopes bounded before
    the round.  Information: start of round.

    Parameters
    ----------
    wealth : float
        First wealth e > 0 of an epoch, in units of H.
    """

    wealth: float = default("learners", "coin-betting", "wealth")
    name: ClassVar[str] = "coin-betting"
    regulariser: ClassVar[str] = "the KT potential of the wealth"
    step: ClassVar[str] = "none (parameter-free)"
    theorem: ClassVar[str] = (
        "Reg <= sum H (v sqrt(n log(1 + 24 n^2 v^2/e^2)) + e) (Orabona & Pal 2016, Cor. 5; Cutkosky 2020)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("wealth", 1e-6, 1e6)

    def start(self) -> State:
        """Return an epoch of scale 0, which the first deficit ends."""
        return {"scale": 0.0, "wealth": self.wealth, "coins": 0.0, "count": 0}

    def _epoch(self, state: State, deficit: float) -> State:
        top = self.steepest(deficit)
        return state if top <= state["scale"] else self.start() | {"scale": power_above(top)}

    def _free(self, epoch: State) -> float:
        return float(self.prior + epoch["coins"] / (epoch["count"] + 1) * epoch["wealth"])

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the prior plus the bet, clipped."""
        return clip(self._free(self._epoch(state, deficit)))

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        epoch = self._epoch(state, deficit)
        coin = -self.slope(deficit, target, theta) / epoch["scale"]
        outward = coin * (self._free(epoch) - theta) > 0.0
        if coin == 0.0 or outward:
            return epoch
        share = epoch["coins"] / (epoch["count"] + 1)
        return {
            "scale": epoch["scale"],
            "wealth": epoch["wealth"] * (1.0 + share * coin),
            "coins": epoch["coins"] + coin,
            "count": epoch["count"] + 1,
        }

    def at_prior(self, deficit: Floats) -> float:
        """Return sum over epochs of H e, USD: as no wealth falls below 0, no more is lost."""
        taught = deficit[deficit > NOTHING_USD]
        scales = [scale for scale, _ in epochs(self.steepest(taught))] if taught.size else []
        return self.wealth * math.fsum(scales)

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the epochs' bounds, added up."""
        way, e = max(self.prior, 1.0 - self.prior), self.wealth
        parts = []
        for scale, rounds in epochs(self.steepest(game.deficit)):
            n = float(rounds.size)
            growth = way * math.sqrt(n * math.log1p(24.0 * (n * way / e) ** 2))
            parts.append(scale * (growth + e * (1.0 - 1.0 / (math.e * math.sqrt(math.pi * n)))))
        return {
            "regret_usd": math.fsum(parts),
            "at_prior_usd": self.at_prior(game.deficit),
            "epochs": float(len(parts)),
            "scale_usd": power_above(float(np.max(self.steepest(game.deficit)))),
        }
