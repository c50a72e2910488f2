"""The log-gap hint: a regression of the logarithm of each market's gap, kept up in constant time.

A gap is a share of the notional that is closed, and shares differ by orders of magnitude.  So the model is
linear in logarithms: log(gap / notional) = a + b x + m + noise, x the logarithm of the notional over its mean
in that market so far, m the market's own effect.  All effects and the noise have standard deviation 1.

The fit is the exact posterior mean (ridge regression).  The markets' effects are eliminated: given a and b,
the effect of a market follows from the count and the sums of its x and y.  So two equations in a and b are
left, to which each observation adds, and no past observation is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar, NamedTuple

from adl_opt.checks import whole_between
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import State
from adl_opt.severity.hints.models import HintModel, by_market, notionals

LEAST = 1e-5
"""A gap below this share of the notional counts as this: 0.1 basis points, below any tick."""

SLOPE = 0.5
"""Prior mean of b: the square-root law of impact."""


class Fit(NamedTuple):
    """Posterior means of a and b, and their covariance (aa, ab, bb)."""

    a: float
    b: float
    covariance: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class LogGap(HintModel):
    """Each market's gap as a share of notional, by a regression of its logarithm on how large the flow is.

    Rule: log(gap_m / notional_m) = a + b x_m + mu_m + noise, x_m = log(notional_m / its mean so far, this
    round included), priors a ~ N(log prior, 1), b ~ N(0.5, 1), mu_m ~ N(0, 1), noise N(0, 1); Bhat = sum_m
    notional_m min(1, exp(z s_m + posterior mean)), s_m the predictive standard deviation, z the quantile of
    ``level``.  At level 0.5 it is the median of each market.  Another level gives the sum of the markets'
    quantiles, which is the quantile of the sum if all err together, and more than it above the middle
    otherwise.  ``common=1`` adds an effect of the round that its markets share, N(0, 1): when a round ends
    its effect is estimated once, as sum of errors / (markets + 1), and taken out.  Gaps below 1e-5 of the
    notional count as that.

    Source: Bayesian linear regression with two crossed effects (Gelman et al. 2013, ch. 14-15); b = 1/2 after
    the square-root law.  Information: start of round.  A round costs O(its markets).

    It was chosen after about a dozen estimators had been seen on October 10: what it scores there is weak
    evidence.

    Parameters
    ----------
    level : float
        Quantile of each market's predictive distribution, in (0, 1).
    common : int
        1 for an effect that the markets of a round share, else 0.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts, Flow
    >>> winner = Accounts(id=["a"], pnl=[9.0], equity=[9.0])
    >>> round_ = Round(deficit=5.0, accounts=winner, flow=Flow(market=["BTC"], quantity=[2.0], mark=[100.0]))
    >>> round(LogGap().predict(LogGap().start(), round_), 9)
    2.0
    """

    level: float = 0.5
    common: int = 0
    name: ClassVar[str] = "log-gap"

    def __post_init__(self) -> None:
        self.require("prior", 1e-9, 1.0)
        self.require("level", 1e-9, 1.0 - 1e-9)
        whole_between(f"hint {self.name!r}: common", self.common, 0, 1)

    def start(self) -> State:
        """Return the priors' two equations and no markets."""
        return {"matrix": [1.0, 0.0, 1.0], "right": [math.log(self.prior), SLOPE], "markets": {}}

    def predict(self, state: State, round_: Round) -> float | None:
        """Return the sum of the markets' quantiles."""
        notional = notionals(round_)
        if notional is None:
            return None
        fit, z = _fit(state), NormalDist().inv_cdf(self.level) if self.level != 0.5 else 0.0
        parts = []
        for market, usd in notional.items():
            if usd > 0.0:
                known = state["markets"].get(market, _NOTHING)
                mean, variance = _predicted(fit, known, _size(known, usd))
                parts.append(usd * math.exp(min(0.0, mean + z * math.sqrt(variance + 1.0 + self.common))))
        return math.fsum(parts)

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        """Return the equations with each market whose gap was revealed, and the notionals seen."""
        notional = notionals(round_)
        if notional is None:
            return state
        gaps = {} if outcome.gaps is None else by_market(outcome.gaps.market, outcome.gaps.gap)
        markets, fit = dict(state["markets"]), _fit(state)
        seen: list[tuple[str, float, float]] = []
        errors = []
        for market, usd in notional.items():
            if usd <= 0.0:
                continue
            known = markets.get(market, _NOTHING)
            x = _size(known, usd)
            if market in gaps:
                y = math.log(min(1.0, max(LEAST, gaps[market] / usd)))
                seen.append((market, x, y))
                errors.append(y - _predicted(fit, known, x)[0])
            markets[market] = [min(_MOST, known[0] + usd), known[1] + 1, *known[2:]]
        shared = self.common * math.fsum(errors) / (len(errors) + 1)
        matrix, right = list(state["matrix"]), list(state["right"])
        for market, x, y in seen:
            total, rounds, *old = markets[market]
            new = [old[0] + 1, old[1] + x, old[2] + y - shared]
            one = [1.0, x, x * x, y - shared, x * (y - shared)]
            change = [add - (b - a) for add, a, b in zip(one, _shrunk(old), _shrunk(new), strict=True)]
            matrix = [m + c for m, c in zip(matrix, change[:3], strict=True)]
            right = [r + c for r, c in zip(right, change[3:], strict=True)]
            markets[market] = [total, rounds, *new]
        return {"matrix": matrix, "right": right, "markets": markets}


_MOST = 1e300
"""Summed notionals stay finite."""

_NOTHING: list[Any] = [0.0, 0, 0, 0.0, 0.0]
"""Of a market: summed notional and rounds; observations, their summed x and y."""


def _size(known: list[Any], usd: float) -> float:
    """Return x: the logarithm of a notional over the market's mean so far, this one included."""
    return math.log(usd) - math.log(known[0] + usd) + math.log(known[1] + 1)


def _shrunk(sums: list[Any]) -> list[float]:
    """Return what eliminating a market's effect takes from the equations: aa, ab, bb, a, b."""
    n, x, y = sums
    return [n * n / (n + 1), n * x / (n + 1), x * x / (n + 1), n * y / (n + 1), x * y / (n + 1)]


def _fit(state: State) -> Fit:
    aa, ab, bb = state["matrix"]
    a, b = state["right"]
    size = aa * bb - ab * ab
    return Fit((bb * a - ab * b) / size, (aa * b - ab * a) / size, (bb / size, -ab / size, aa / size))


def _predicted(fit: Fit, known: list[Any], x: float) -> tuple[float, float]:
    """Return mean and variance of a market's logarithm, without the noise."""
    n, sum_x, sum_y = known[2:]
    effect = (sum_y - fit.a * n - fit.b * sum_x) / (n + 1)
    one, slope = 1.0 / (n + 1), x - sum_x / (n + 1)
    aa, ab, bb = fit.covariance
    variance = one + one * one * aa + 2.0 * one * slope * ab + slope * slope * bb
    return fit.a + fit.b * x + effect, variance
