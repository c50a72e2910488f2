"""Hints: what a round will need, guessed from its flow before it is closed (eq. 5, section 5).

A hint model is three pure functions of an explicit state of plain values (dicts, lists, numbers; JSON gives
the same bits back): ``start()``, ``predict(state, round_)``, ``update(state, round_, outcome)``.

Every model starts from the same prior: 1 % of the notional to close.  It is the maintenance margin of a
position at 50x (half of the initial margin 1 / 50), the thinnest class of usual margin schedules.  A margin
is set so that a normal liquidation ends within it; where the whole cushion is gone, the prices are guessed
to run as far again.  It is a figure of schedules, and of no episode; any other argued one may be given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from adl_opt.checks import number_between
from adl_opt.naming import make_by_name
from adl_opt.rounds.columns import Floats, Text
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import State, label_of
from adl_opt.severity.defaults import default
from adl_opt.tabular import Noun

PRIOR: float = default("hint", "prior")
"""Gap as a share of notional before anything is known: see the module's first lines."""


@dataclass(frozen=True, kw_only=True)
class HintModel(Noun):
    """A guess Bhat of the needed budget, USD, from what the venue sees.

    Parameters
    ----------
    prior : float
        Gap / notional in [0, 1] before anything is known.
    """

    prior: float = PRIOR
    name: ClassVar[str]

    def __post_init__(self) -> None:
        self.require("prior", 0.0, 1.0)

    def require(self, parameter: str, low: float, high: float) -> None:
        """Refuse a parameter outside its range (UsageError)."""
        number_between(f"hint {self.name!r}: {parameter}", getattr(self, parameter), low, high)

    def start(self) -> State:
        """Return the state before the first round."""
        return None

    def predict(self, state: State, round_: Round) -> float | None:
        """Return Bhat, USD >= 0 and finite; None where the round has no flow to judge by."""
        raise NotImplementedError

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        """Return the state after the round."""
        return state

    def label(self) -> str:
        """Return the name with the parameters that are not the default."""
        return label_of(self.name, self)


@dataclass(frozen=True, kw_only=True)
class FixedGap(HintModel):
    """The prior itself, never learnt: what the other hints must beat.

    Rule: Bhat = prior sum_m notional_m.  Source: eq. 5 with one assumed gap.  Information: start of round.

    Added after a first look at October 10, on which the learnt hints fell behind it; the prior is the one
    that they had before that look.
    """

    name: ClassVar[str] = "fixed-gap"

    def predict(self, state: State, round_: Round) -> float | None:
        """Return the prior's share of the notional."""
        notional = notionals(round_)
        return None if notional is None else self.prior * math.fsum(notional.values())


@dataclass(frozen=True, kw_only=True)
class MarketGap(HintModel):
    """Each market's mean gap / notional, shrunk to the mean over rounds, and that to the prior.

    Rule: pooled r = (k prior + sum_s B_s / N_s) / (k + rounds); market r_m = (k r + sum of its own ratios) /
    (k + its rounds); Bhat = sum_m r_m notional_m.  Ratios are averaged, not gaps: the error of a gap grows
    with its notional, so each round is one observation.  A ratio above 1 counts as 1 (a price does not fall
    below 0).

    Defaults: k = 1, a prior that weighs as one round.

    Source: eq. 5 with estimates; shrinkage after James, Stein (1961).  Information: start of round.

    Parameters
    ----------
    strength : float
        k > 0, in rounds.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts, Flow
    >>> winner = Accounts(id=["a"], pnl=[9.0], equity=[9.0])
    >>> round_ = Round(deficit=5.0, accounts=winner, flow=Flow(market=["BTC"], quantity=[2.0], mark=[100.0]))
    >>> MarketGap().predict(MarketGap().start(), round_)
    2.0
    """

    strength: float = default("hints", "market-gap", "strength")
    name: ClassVar[str] = "market-gap"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("strength", 1e-9, 1e9)

    def start(self) -> State:
        """Return no ratios."""
        return {"sum": 0.0, "rounds": 0, "markets": {}}

    def predict(self, state: State, round_: Round) -> float | None:
        """Return sum_m r_m notional_m."""
        notional = notionals(round_)
        if notional is None:
            return None
        k, known = self.strength, state["markets"]
        pooled = (k * self.prior + state["sum"]) / (k + state["rounds"])
        ratios = {m: (k * pooled + known[m][0]) / (k + known[m][1]) for m in notional if m in known}
        return math.fsum(ratios.get(m, pooled) * usd for m, usd in notional.items())

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        """Return the state with the round's ratio, and that of each market whose gap was revealed."""
        notional = notionals(round_)
        if notional is None:
            return state
        markets = dict(state["markets"])
        revealed = {} if outcome.gaps is None else by_market(outcome.gaps.market, outcome.gaps.gap)
        for market, gap in revealed.items():
            if notional.get(market, 0.0) > 0.0:
                total, count = markets.get(market, (0.0, 0))
                markets[market] = [total + min(1.0, gap / notional[market]), count + 1]
        ratio = min(1.0, outcome.needed / math.fsum(notional.values()))
        return {"sum": state["sum"] + ratio, "rounds": state["rounds"] + 1, "markets": markets}


@dataclass(frozen=True, kw_only=True)
class LinearImpact(HintModel):
    """The price moves in proportion to what is closed: B = s X, X = sum_m notional_m (q_m / qbar_m)^p, p = 1.

    Rule: qbar_m is the market's mean quantity so far, this round's (known) included: a proxy of its depth
    that makes the slope s a share of notional, and so free of scale: p_exec = mark -/+ alpha_m q with alpha_m
    = s mark / qbar_m, B = sum alpha_m q_m^2.  s follows projected OGD on X abs(s - B / X) over [0, most],
    with the steps of AdaGrad, step X / sqrt(sum X^2).

    Theorem: sum abs(B - Bhat) - that of the best fixed s <= (most^2 / (2 step) + step) sqrt(sum X^2)
    (projected OGD: Zinkevich 2003; AdaGrad's sum); V_T is at most sum abs(B - Bhat) (Prop. 10).

    Defaults: step = prior, so that the first round's error moves s at most to 0 or to twice the prior; most =
    0.1, the initial margin at 10x, which a liquidation has to run through before a gap reaches it.

    Source: section 5 of the paper.  Information: start of round.

    Parameters
    ----------
    step : float
        USD per USD, > 0.
    most : float
        alpha_max as a share of notional, in (0, 1].
    """

    step: float = default("hints", "linear-impact", "step")
    most: float = default("hints", "linear-impact", "most")
    name: ClassVar[str] = "linear-impact"
    power: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("step", 1e-12, 1.0)
        self.require("most", 1e-12, 1.0)

    def start(self) -> State:
        """Return the prior's slope and no quantities."""
        return {"slope": min(self.prior, self.most), "norm": 0.0, "sizes": {}}

    def predict(self, state: State, round_: Round) -> float | None:
        """Return s X."""
        size = self.size(state, round_)
        return None if size is None else float(state["slope"]) * size

    def size(self, state: State, round_: Round) -> float | None:
        """Return X, USD: the flow, weighted by how large it is for each market; None without flow."""
        notional = notionals(round_)
        if notional is None or round_.flow is None:
            return None
        sizes = _grown(state["sizes"], round_)
        quantity = by_market(round_.flow.market, round_.flow.quantity)
        parts = [
            usd * (quantity[m] * sizes[m][1] / sizes[m][0]) ** self.power
            for m, usd in notional.items()
            if usd > 0.0
        ]
        total = math.fsum(parts)
        return total if 0.0 < total < math.inf else None

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        """Return the slope one step on, and the quantities seen."""
        size = self.size(state, round_)
        if size is None:
            return state
        slope, revealed = state["slope"], outcome.needed / size
        norm = math.hypot(state["norm"], size)
        side = (slope > revealed) - (slope < revealed)
        slope = min(self.most, max(0.0, slope - self.step * side * (size / norm)))
        return {"slope": slope, "norm": norm, "sizes": _grown(state["sizes"], round_)}


@dataclass(frozen=True, kw_only=True)
class SquareRoot(LinearImpact):
    """Impact grows with the square root of what is closed: B = s sum_m notional_m (q_m / qbar_m)^(1/2).

    Rule: as ``linear-impact``, with p = 1/2.  Source: the square-root law of market impact (Almgren et al.
    2005; Toth et al. 2011).  Information: start of round.
    """

    name: ClassVar[str] = "square-root"
    power: ClassVar[float] = 0.5


HINTS: dict[str, Callable[..., HintModel]] = {
    h.name: h for h in (FixedGap, MarketGap, LinearImpact, SquareRoot)
}
"""Hint models by name; those that build on these are added in ``severity/catalogue.py``."""


def make_hint(name: str, **params: Any) -> HintModel:
    """Make a hint model by its name.

    ``fixed-gap``, ``market-gap``, ``linear-impact``, ``square-root``, ``log-gap``, ``log-gap-common``, or
    several of them under weights that are learnt: ``mixed-hints(fixed-gap | log-gap)``.

    Raises
    ------
    UsageError
        Unknown name or parameter, or a value out of range.

    Examples
    --------
    >>> make_hint("market-gap(strength=2)").label()
    'market-gap(strength=2)'
    """
    return make_by_name("hint", HINTS, name, params)


def notionals(round_: Round) -> dict[str, float] | None:
    """Return USD to close in each market; None where there is nothing to close or no finite sum."""
    if round_.flow is None:
        return None
    usd = by_market(round_.flow.market, round_.flow.notional)
    return usd if 0.0 < sum(usd.values()) < math.inf else None


def _grown(sizes: dict[str, list[float]], round_: Round) -> dict[str, list[float]]:
    """Return [summed quantity, rounds] of each market with this round's flow."""
    grown = dict(sizes)
    if round_.flow is not None:
        for market, quantity in by_market(round_.flow.market, round_.flow.quantity).items():
            if quantity > 0.0:
                total, count = grown.get(market, (0.0, 0))
                grown[market] = [total + quantity, count + 1]
    return grown


def by_market(market: Text, values: Floats) -> dict[str, float]:
    """Return the sum of each market, for a market may stand in several rows (longs and shorts)."""
    sums: dict[str, float] = {}
    for name, value in zip(market.tolist(), values.tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + value
    return sums
