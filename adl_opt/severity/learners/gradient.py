"""Projected online gradient descent: fixed or shrinking steps, and AdaGrad's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.severity.base import State
from adl_opt.severity.learners.bound import Kind, checked_series
from adl_opt.severity.learners.learner import Learner, clip, running_norms
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class Ogd(Learner):
    """Projected online gradient descent, with the dynamic bound of Prop. 1.

    Rule: theta <- [theta - eta_t g_t] clipped to [0, 1], from the prior.

    Theorem (dynamic): for steps that never grow, and P = sum abs(theta_t* - theta_{t-1}*),
    Reg <= (1 + 2P) / (2 eta_T) + sum eta_t g_t^2 / 2.  Proof: (theta_{t+1} - u_t)^2 <= (theta_t - u_t)^2
    - 2 eta_t g_t (theta_t - u_t) + eta_t^2 g_t^2; divide by 2 eta_t and sum; moving u_t by p changes the
    square by at most 2p.  With P = 0 the same line bounds the static regret.

    Defaults: eta* = sqrt((1 + 2P) / sum D^2) of Prop. 1 needs the future (:meth:`in_hindsight` gives it, for
    benchmarks).  Without eta the steps are eta_t = 1 / (max_{s<=t} G_s sqrt(t)), Zinkevich's with the largest
    slope so far: no horizon, no scale to guess, static regret <= 1.5 max G sqrt(T).

    Source: Zinkevich (2003); Prop. 1 of the paper.  Information: start of round.

    Parameters
    ----------
    eta : float, optional
        Fixed step, per USD.
    """

    eta: float | None = None
    name: ClassVar[str] = "ogd"
    regulariser: ClassVar[str] = "theta^2/2 (Euclidean projection)"
    step: ClassVar[str] = "eta, or 1/(max G sqrt(t))"
    kind: ClassVar[Kind] = "dynamic"
    theorem: ClassVar[str] = "Reg <= (1 + 2P)/(2 eta_T) + sum eta_t g_t^2/2 (Prop. 1; Zinkevich 2003, Thm 2)"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta is not None:
            self.require("eta", 1e-300, 1e300)

    @classmethod
    def in_hindsight(cls, deficit: npt.ArrayLike, target: npt.ArrayLike) -> Ogd:
        """Return OGD with eta* of Prop. 1, which is known only once all rounds are over.

        Examples
        --------
        >>> Ogd.in_hindsight([3.0, 4.0], [0.5, 0.5]).eta
        0.2
        """
        d, goal = checked_series(deficit, target)
        path = math.fsum(np.abs(np.diff(goal)))
        return cls(eta=math.sqrt(1.0 + 2.0 * path) / float(running_norms(d)[-1]))

    def start(self) -> State:
        """Return the prior, no rounds, no slope."""
        return {"theta": self.prior, "rounds": 0, "steepest": 0.0}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return where the last step led."""
        return float(state["theta"])

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        rounds = state["rounds"] + 1
        steepest = max(state["steepest"], self.steepest(deficit))
        slope = self.slope(deficit, target, theta)
        move = slope / steepest / math.sqrt(rounds) if self.eta is None else self.eta * slope
        return {"theta": clip(theta - move), "rounds": rounds, "steepest": steepest}

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return P, the last step and the two terms of Prop. 1."""
        grad = np.abs(self.slopes(game))
        if self.eta is None:
            inverse = np.maximum.accumulate(self.steepest(game.deficit)) * np.sqrt(
                np.arange(1.0, grad.size + 1.0)
            )
            last, steps = float(inverse[-1]), 0.5 * math.fsum(grad * (grad / inverse))
        else:
            last, steps = 1.0 / self.eta, 0.5 * math.fsum((self.eta * grad) * grad)
        path = math.fsum(np.abs(np.diff(game.target)))
        return {
            "regret_usd": (0.5 + path) * last + steps,
            "path": path,
            "inverse_step_usd": last,
            "steps_usd": steps,
            "static_usd": 0.5 * last + steps,
        }


@dataclass(frozen=True, kw_only=True)
class AdaGrad(Learner):
    """Projected gradient descent with AdaGrad's step: no horizon, no scale.

    Rule: theta <- [theta - g_t / sqrt(2 sum_{s<=t} g_s^2)] clipped to [0, 1].

    Theorem (static): Reg <= sqrt(2 sum g_t^2).  Proof: the line of :class:`Ogd` with P = 0 and
    eta_t = 1 / sqrt(2 S_t) gives sqrt(2 S) / 2 + sum g_t^2 / (2 sqrt(2 S_t)), and
    sum g_t^2 / sqrt(S_t) <= 2 sqrt(S).

    Source: Duchi, Hazan, Singer (2011); Streeter, McMahan (2010).  Information: start of round.
    """

    name: ClassVar[str] = "adagrad"
    regulariser: ClassVar[str] = "theta^2/2 (Euclidean projection)"
    step: ClassVar[str] = "1/sqrt(2 sum g^2)"
    theorem: ClassVar[str] = "Reg <= sqrt(2 sum g_t^2) (Streeter & McMahan 2010; Duchi, Hazan & Singer 2011)"

    def start(self) -> State:
        """Return the prior and no slope."""
        return {"theta": self.prior, "norm": 0.0}

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return where the last step led."""
        return float(state["theta"])

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        slope = self.slope(deficit, target, theta)
        norm = math.hypot(state["norm"], slope)
        move = slope / norm / math.sqrt(2.0) if norm > 0.0 else 0.0
        return {"theta": clip(theta - move), "norm": norm}

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the norm of the slopes."""
        norm = float(running_norms(self.slopes(game))[-1])
        return {"regret_usd": math.sqrt(2.0) * norm, "gradient_norm_usd": norm}
