"""Optimistic FTRL: a hint stands in for the loss of the round, and only its error costs regret."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from adl_opt.severity.base import State
from adl_opt.severity.learners.learner import Learner, clip, quadratic_cost
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class OptimisticFtrl(Learner):
    """FTRL that adds the loss it expects: argmin sum_{s<t} g_s theta + fhat_t(theta) + R(theta) / eta_t.

    Rule: fhat_t is the loss with the hint in the place of theta_t*, so theta_t is the hint clipped to what
    the leader would play after an under- or an overshoot.  Its subgradient m_t at theta_t is the predicted
    slope; R is quadratic, 1 / eta_t = n_t / c, n_t^2 = sum_{s<t} (g_s - m_s)^2 + max_{s<=t} ((under + over)
    D_s)^2 and c = sqrt(Rmax).  Without a hint the last theta* stands in (the last loss's slope at the point
    to be played); in the first round there is none and m = 0.

    Theorem (static): Reg <= Rmax n_T / c + sum eta_t (g_t - m_t)^2 / 2.  Proof: theta_t minimises sum g_s
    theta + m_t theta + R / eta_t too, so the FTRL lemma leaves eta_t (g_t - m_t)^2 / 2 per round. Hints that
    are right every time have g_t = m_t (at theta_t* itself any slope between is a subgradient): then Reg <=
    sqrt(Rmax) max (under + over) D, whatever T.

    Source: Rakhlin, Sridharan (2013); Mohri, Yang (2016); Chiang et al. (2012) for the last loss.
    Information: start of round.
    """

    name: ClassVar[str] = "optimistic-ftrl"
    regulariser: ClassVar[str] = "(theta - prior)^2/2, plus the expected loss"
    step: ClassVar[str] = "sqrt(Rmax/(sum (g - m)^2 + max (2G)^2)), m the expected slope"
    theorem: ClassVar[str] = (
        "Reg <= Rmax n_T/c + sum eta_t (g_t - m_t)^2/2 (Rakhlin & Sridharan 2013; Mohri & Yang 2016)"
    )
    uses_hint: ClassVar[bool] = True

    def start(self) -> State:
        """Return no slopes, no errors, no last target."""
        return {"slopes": 0.0, "errors": 0.0, "widest": 0.0, "last": None}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the hint, held between the leaders after an overshoot and after an undershoot."""
        inverse = self._inverse_rate(state, deficit)
        expected = state["last"] if hint is None else hint
        if inverse <= 0.0:
            return self.prior if expected is None else float(expected)
        if expected is None:
            return clip(self.prior - state["slopes"] / inverse)
        low = clip(self.prior - (state["slopes"] + self.over * deficit) / inverse)
        high = clip(self.prior - (state["slopes"] - self.under * deficit) / inverse)
        return clip(float(expected), low, high)

    def _inverse_rate(self, state: State, deficit: float) -> float:
        widest = max(state["widest"], (self.under + self.over) * deficit)
        return math.hypot(state["errors"], widest) / math.sqrt(quadratic_cost(self.prior))

    def _expected_slope(self, state: State, deficit: float, theta: float, hint: float | None) -> float:
        expected = state["last"] if hint is None else hint
        if expected is None:
            return 0.0
        if theta != expected:
            return self.slope(deficit, expected, theta)
        balance = -state["slopes"] - (theta - self.prior) * self._inverse_rate(state, deficit)
        return clip(balance, -self.under * deficit, self.over * deficit)

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        expected = self._expected_slope(state, deficit, theta, hint)
        slope = expected if theta == target else self.slope(deficit, target, theta)
        return {
            "slopes": state["slopes"] + slope,
            "errors": math.hypot(state["errors"], slope - expected),
            "widest": max(state["widest"], (self.under + self.over) * deficit),
            "last": target,
        }

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the two terms and the norm of the hints' errors."""
        state, inverse, stability = self.start(), 0.0, 0.0
        hints = [None] * game.deficit.size if game.hint is None else game.hint.tolist()
        rounds = zip(game.deficit.tolist(), game.target.tolist(), game.theta.tolist(), hints, strict=True)
        for d, goal, theta, hinted in rounds:
            inverse = self._inverse_rate(state, d)
            expected = self._expected_slope(state, d, theta, hinted)
            error = 0.0 if theta == goal else self.slope(d, goal, theta) - expected
            stability += 0.5 * error * (error / inverse)
            state = self._after(state, d, goal, theta, hinted)
        penalty = quadratic_cost(self.prior) * inverse
        return {
            "regret_usd": penalty + stability,
            "penalty_usd": penalty,
            "stability_usd": stability,
            "hint_error_norm_usd": float(state["errors"]),
        }
