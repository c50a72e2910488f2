"""FTRL on the whole loss of eq. 10: dollars, and the largest burden where who pays is best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from adl_opt.checks import number_between
from adl_opt.kernels.fill.least import LeastBurden
from adl_opt.losses import Loss, burden_base
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.flows import reckoned, revealed, usd_by_cell
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.bound import NOTHING_USD, ROUNDING, Bound
from adl_opt.severity.learners.learner import clip, quadratic_cost


@dataclass(frozen=True, kw_only=True)
class FtrlWhole(Severity):
    """FTRL with (theta - prior)^2 / 2 on the whole loss of eq. 10, tracking and largest burden together.

    Rule: theta_t = [prior - eta_t sum_{s<t} g_s] clipped to [0, 1], g_t a slope of f_t(theta) = under [B -
    H]_+ + over [H - B]_+ + fair M_t(H), H = theta W_t. W_t = D_t in wealth; in contracts it is what the
    share of the flow that D_t is really gave up. M_t(H) is the least largest burden at H: on capacity H / U
    (Prop. 9). eta_t = c / sqrt(sum_{s<=t} G_s^2), c = sqrt(Rmax), G_t = D_t (max(under, over) + fair
    M_t'(D_t)).

    Theorem (static): sum f_t(theta_t) <= min_theta sum f_t(theta) + Rmax / eta_T + sum min(eta_t g_t^2 / 2,
    abs(g_t)).  Proof: f_t is convex, for M_t is; FTRL lemma (McMahan 2017, Thm 1), and theta moves by 1 at
    most.  As no allocation makes the burden less than M_t(H), it is also against any fixed severity with any
    allocation.  Source: this project, after McMahan 2017.  Information: start of round.  Tie-break: none.

    Parameters
    ----------
    prior : float
        See :class:`~adl_opt.severity.learners.learner.Learner`, as ``under`` and ``over``.
    under, over : float
        USD of loss per USD of undershoot and of overshoot.
    fair : float
        USD of loss per unit of the largest burden (eq. 10).  1 is that of :class:`adl_opt.Loss`: next to
        nothing, for only a venue can say what a burden is worth to it.
    base : str
        What burdens are measured against: ``capacity`` or ``equity``.
    """

    prior: float = default("learner", "prior")
    under: float = 1.0
    over: float = 1.0
    fair: float = 1.0
    base: str = "capacity"
    name: ClassVar[str] = "ftrl-whole"
    kind: ClassVar[str] = "static"
    domain: ClassVar[str] = "theta in [0, 1]"
    regulariser: ClassVar[str] = "(theta - prior)^2/2"
    step: ClassVar[str] = "sqrt(Rmax/sum G^2), G = D (max(under, over) + fair M'(D))"
    theorem: ClassVar[str] = (
        "Reg <= Rmax/eta_T + sum min(eta_t g_t^2/2, |g_t|) on eq. 10 (McMahan 2017, Thm 1)"
    )

    def __post_init__(self) -> None:
        number_between(f"severity {self.name!r}: prior", self.prior, 0.0, 1.0)
        Loss(under=self.under, over=self.over, fair=self.fair, base=self.base)  # refuses what is out of range

    def on(self, loss: Loss) -> Self:
        """Return the severity on a loss; weights of its own, not all 1, stay."""
        if (self.under, self.over, self.fair) != (1.0, 1.0, 1.0):
            return self
        base = self.base if loss.base is None else loss.base
        return replace(self, under=loss.under, over=loss.over, fair=loss.fair, base=base)

    def start(self) -> State:
        """Return no slopes."""
        return {"slopes": 0.0, "norm": 0.0}

    def _played(self, state: State, round_: Round) -> tuple[float, float, LeastBurden]:
        """Return theta, the root of sum G^2 with this round's, and M."""
        least = least_burden_of(round_, self.base)
        steepest = max(self.under, self.over) + self.fair * least.slope(round_.deficit)
        norm = math.hypot(state["norm"], round_.deficit * steepest)
        pull = self._rate * (state["slopes"] / norm) if norm > 0.0 else 0.0
        return clip(self.prior - pull), norm, least

    @property
    def _rate(self) -> float:
        return math.sqrt(quadratic_cost(self.prior))

    def choose(self, state: State, round_: Round) -> float:
        """Return theta D, USD."""
        return self._played(state, round_)[0] * round_.deficit

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the state after the round."""
        if round_.deficit <= NOTHING_USD:
            return state
        _, norm, least = self._played(state, round_)
        slope = self._slope(least, round_, outcome, asked / round_.deficit)
        return {"slopes": state["slopes"] + slope, "norm": norm}

    def _slope(self, least: LeastBurden, round_: Round, outcome: Outcome, theta: float) -> float:
        worth = worth_of(round_, outcome)
        taken = theta * worth
        side = self.over if taken > outcome.needed else -self.under if taken < outcome.needed else 0.0
        return worth * (side + self.fair * least.slope(taken))

    def bound(self, rounds: Iterable[tuple[Round, Outcome]]) -> Bound:
        """Return the theorem on rounds that are played by its own budgets, with constants as observed."""
        state, stability, summed = self.start(), [], 0.0
        for round_, outcome in rounds:
            if round_.deficit > NOTHING_USD:
                theta, norm, least = self._played(state, round_)
                played = theta * round_.deficit / round_.deficit  # as learn reads it, to the bit
                slope = abs(self._slope(least, round_, outcome, played))
                stability.append(min(0.5 * self._rate * slope * (slope / norm), slope))
                summed += slope + norm
            state = self.learn(state, round_, outcome, self.choose(state, round_))
        penalty = self._rate * state["norm"]
        return Bound(
            value=penalty + math.fsum(stability) + ROUNDING * summed,
            kind="static",
            theorem=self.theorem,
            constants={"penalty_usd": penalty, "stability_usd": math.fsum(stability)},
        )


def least_burden_of(round_: Round, base: str) -> LeastBurden:
    """Return the least largest burden at each amount that the accounts of a round pay, as one pool.

    Examples
    --------
    >>> import adl_opt as adl
    >>> two = adl.Accounts(id=["a", "b"], pnl=[1.0, 3.0], equity=[2.0, 3.0])
    >>> float(least_burden_of(Round(deficit=1.0, accounts=two), "capacity").at(np.array(1.0)))
    0.25
    """
    capacity = capacity_of(round_)
    if base == "capacity":
        whole = exact_sum(capacity)
        ends = [0.0, whole] if whole > 0.0 else [0.0]
        return LeastBurden(np.array(ends), np.arange(float(len(ends))))
    return LeastBurden.of(capacity, burden_base(round_, base))


def worth_of(round_: Round, outcome: Outcome) -> float:
    """Return W, USD: what taking the whole deficit gives up, once it is known; D itself in wealth.

    In contracts a budget is a share of the flow as reckoned, and gives up that share of what is revealed.
    """
    if round_.space != CONTRACTS:
        return round_.deficit
    known = math.fsum(usd_by_cell(round_, reckoned(round_)).values())
    really = math.fsum(usd_by_cell(round_, revealed(round_, outcome)).values())
    return really * (round_.deficit / known) if known > 0.0 else 0.0
