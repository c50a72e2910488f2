"""The baseline that repeats the last round."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.severity.base import State
from adl_opt.severity.learners.bound import Kind
from adl_opt.severity.learners.learner import Learner
from adl_opt.severity.learners.theory import Played


@dataclass(frozen=True, kw_only=True)
class LastValue(Learner):
    """The severity that the last round (with D > 0) called for.

    Rule: theta_t = theta_{t-1}*; the prior first.

    Theorem (dynamic): Reg = sum D_t abs(theta_t* - theta_{t-1}*) with theta_0* = prior (under and over as the
    side calls for): an identity, small when the targets move little, linear when they alternate.

    Source: the paper's path length (Prop. 1), weighted.  Information: start of round.
    """

    name: ClassVar[str] = "last-value"
    regulariser: ClassVar[str] = "none"
    step: ClassVar[str] = "none (the last target)"
    kind: ClassVar[Kind] = "dynamic"
    theorem: ClassVar[str] = "Reg = sum D_t |theta_t* - theta_{t-1}*| (identity)"

    def start(self) -> State:
        """Return the prior."""
        return self.prior

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the last target."""
        return float(state)

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return target

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the weighted path and, beside it, the plain one."""
        before = np.concatenate([[self.prior], game.target[:-1]])
        return {
            "regret_usd": math.fsum(self.loss(game.deficit, game.target, before)),
            "path": math.fsum(np.abs(np.diff(game.target))),
        }
