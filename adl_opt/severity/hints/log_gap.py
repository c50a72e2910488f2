"""The log-gap hints: regressions of the logarithm of each market's gap, kept up in constant time.

A gap is a share of the notional that is closed, and shares differ by orders of magnitude.  So the model is
linear in logarithms: log(gap / notional) = a + b x + m + noise, x the logarithm of the notional over its mean
in that market so far, m the market's own effect.  All effects and the noise have standard deviation 1.

The fit is the exact posterior mean (ridge regression), and no past observation is kept.  Without an effect of
the round the markets' effects are eliminated: given a and b, the effect of a market follows from the count
and the sums of its x and y.  So two equations in a and b are left.  An effect of the round ties the markets
together; there the means and the covariance of a, b and all effects are kept (a Kalman filter without
dynamics), in space that grows with the markets, not with the rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.models import HintModel, by_market, notionals

LEAST: float = default("hints", "log-gap", "least")
"""A gap below this share of the notional counts as this: 0.1 basis points, below any tick."""

SLOPE: float = default("hints", "log-gap", "slope")
"""Prior mean of b: the square-root law of impact."""

MOST = 1e300
"""Summed notionals stay finite."""

Moments = Callable[[str, float], tuple[float, float]]
"""From a market and its x to mean and variance of the logarithm of its gap, without the noise."""


@dataclass(frozen=True, kw_only=True)
class LogGap(HintModel):
    """Each market's gap as a share of notional, by a regression of its logarithm on how large the flow is.

    Rule: log(gap_m / notional_m) = a + b x_m + mu_m + noise, x_m = log(notional_m / its mean so far, this
    round included), priors a ~ N(log prior, 1), b ~ N(0.5, 1), mu_m ~ N(0, 1), noise N(0, 1); Bhat = sum_m
    notional_m min(1, exp(posterior mean + z s_m)), s_m the predictive standard deviation, z the quantile of
    ``level``.  At level 0.5 it is the median of each market.  Another level gives the sum of the markets'
    quantiles, which is the quantile of the sum if all err together, and more than it, above the middle,
    otherwise.  Gaps below 1e-5 of the notional count as that.

    Source: Bayesian linear regression (Gelman et al. 2013, ch. 14-15); b = 1/2 after the square-root law.
    Information: start of round.  A round costs O(its markets).

    It was chosen after about a dozen estimators had been seen on October 10: what it scores there is weak
    evidence.

    Parameters
    ----------
    level : float
        Quantile of each market's predictive distribution, in (0, 1).

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts, Flow
    >>> winner = Accounts(id=["a"], pnl=[9.0], equity=[9.0])
    >>> round_ = Round(deficit=5.0, accounts=winner, flow=Flow(market=["BTC"], quantity=[2.0], mark=[100.0]))
    >>> round(LogGap().predict(LogGap().start(), round_), 9)
    2.0
    """

    level: float = default("hints", "log-gap", "level")
    name: ClassVar[str] = "log-gap"
    noise: ClassVar[float] = default("hints", "log-gap", "noise")

    def __post_init__(self) -> None:
        self.require("prior", 1e-9, 1.0)
        self.require("level", 1e-9, 1.0 - 1e-9)

    def start(self) -> State:
        """Return the priors' two equations and no markets."""
        return {"matrix": [1.0, 0.0, 1.0], "right": [math.log(self.prior), SLOPE], "markets": {}, "sizes": {}}

    def predict(self, state: State, round_: Round) -> float | None:
        """Return the sum of the markets' quantiles."""
        notional = notionals(round_)
        if notional is None:
            return None
        moments, z = self.moments(state), NormalDist().inv_cdf(self.level) if self.level != 0.5 else 0.0
        parts = []
        for market, usd in notional.items():
            if usd > 0.0:
                mean, variance = moments(market, _size(state, market, usd))
                parts.append(usd * math.exp(min(0.0, mean + z * math.sqrt(variance + self.noise))))
        return math.fsum(parts)

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        """Return the state with each market whose gap was revealed, and with the notionals seen."""
        notional = notionals(round_)
        if notional is None:
            return state
        gaps = {} if outcome.gaps is None else by_market(outcome.gaps.market, outcome.gaps.gap)
        seen, sizes = [], dict(state["sizes"])
        for market, usd in notional.items():
            if usd > 0.0:
                if market in gaps:
                    y = math.log(min(1.0, max(LEAST, gaps[market] / usd)))
                    seen.append((market, _size(state, market, usd), y))
                total, rounds = sizes.get(market, (0.0, 0))
                sizes[market] = [min(MOST, total + usd), rounds + 1]
        return {**(self.fitted(state, seen) if seen else state), "sizes": sizes}

    def moments(self, state: State) -> Moments:
        """Return what the fit says of a market."""
        aa, ab, bb = state["matrix"]
        right, size = state["right"], aa * bb - ab * ab
        a, b = (bb * right[0] - ab * right[1]) / size, (aa * right[1] - ab * right[0]) / size

        def of(market: str, x: float) -> tuple[float, float]:
            n, sum_x, sum_y = state["markets"].get(market, (0, 0.0, 0.0))
            one, slope = 1.0 / (n + 1), x - sum_x / (n + 1)
            variance = one + (one * one * bb - 2.0 * one * slope * ab + slope * slope * aa) / size
            return a + b * x + (sum_y - a * n - b * sum_x) / (n + 1), variance

        return of

    def fitted(self, state: State, seen: list[tuple[str, float, float]]) -> State:
        """Return the equations with a round's observations (market, x, y)."""
        markets, sums = dict(state["markets"]), [*state["matrix"], *state["right"]]
        for market, x, y in seen:
            old = markets.get(market, [0, 0.0, 0.0])
            new = [old[0] + 1, old[1] + x, old[2] + y]
            change = zip((1.0, x, x * x, y, x * y), _shrunk(old), _shrunk(new), strict=True)
            sums = [
                total + (add + before - after)
                for total, (add, before, after) in zip(sums, change, strict=True)
            ]
            markets[market] = new
        return {**state, "matrix": sums[:3], "right": sums[3:], "markets": markets}


@dataclass(frozen=True, kw_only=True)
class LogGapCommon(LogGap):
    """As ``log-gap``, with an effect of the round that all its markets share: a shock to every price.

    Rule: log(gap_m / notional_m) = a + b x_m + mu_m + rho_t + noise, rho_t ~ N(0, 1) for each round t, all
    else as for ``log-gap``.  Source: two crossed random effects (Gelman et al. 2013, ch. 15).  Information:
    start of round.  A round costs O(all markets seen squared).

    It was seen last, after the other estimators, on October 10: what it scores there is the weakest evidence.
    """

    name: ClassVar[str] = "log-gap-common"
    noise: ClassVar[float] = default("hints", "log-gap-common", "noise")

    def start(self) -> State:
        """Return the priors of a and b, and no markets."""
        return {
            "mean": [math.log(self.prior), SLOPE],
            "covariance": [[1.0, 0.0], [0.0, 1.0]],
            "markets": {},
            "sizes": {},
        }

    def moments(self, state: State) -> Moments:
        """Return what the fit says of a market; a new one has the prior's effect."""
        mean, covariance = np.array(state["mean"]), np.array(state["covariance"])

        def of(market: str, x: float) -> tuple[float, float]:
            place = state["markets"].get(market)
            row = np.array([1.0, x] if place is None else [1.0, x, 1.0])
            at = [0, 1] if place is None else [0, 1, place]
            variance = float(row @ covariance[np.ix_(at, at)] @ row) + (place is None)
            return float(row @ mean[at]), variance

        return of

    def fitted(self, state: State, seen: list[tuple[str, float, float]]) -> State:
        """Return means and covariance after a round's observations (market, x, y)."""
        markets = dict(state["markets"])
        for market, _, _ in seen:
            markets.setdefault(market, 2 + len(markets))
        before, size = len(state["mean"]), 2 + len(markets)
        mean, covariance = np.zeros(size), np.eye(size)
        mean[:before], covariance[:before, :before] = state["mean"], state["covariance"]
        rows = np.zeros((len(seen), size))
        rows[:, 0], rows[:, 1] = 1.0, [x for _, x, _ in seen]
        rows[np.arange(len(seen)), [markets[market] for market, _, _ in seen]] = 1.0
        spread = rows @ covariance
        gain = np.linalg.solve(spread @ rows.T + np.eye(len(seen)) + 1.0, spread).T
        mean = mean + gain @ (np.array([y for _, _, y in seen]) - rows @ mean)
        covariance = covariance - gain @ spread
        covariance = 0.5 * (covariance + covariance.T)
        return {**state, "mean": mean.tolist(), "covariance": covariance.tolist(), "markets": markets}


def _size(state: State, market: str, usd: float) -> float:
    """Return x: the logarithm of a notional over the market's mean so far, this one included."""
    total, rounds = state["sizes"].get(market, (0.0, 0))
    return math.log(usd) - math.log(total + usd) + math.log(rounds + 1)


def _shrunk(sums: list[Any]) -> list[float]:
    """Return what eliminating a market's effect takes from the equations: aa, ab, bb, a, b."""
    n, x, y = sums
    return [n * n / (n + 1), n * x / (n + 1), x * x / (n + 1), n * y / (n + 1), x * y / (n + 1)]
