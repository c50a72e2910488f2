"""Learners of severity: the game, the contract, and what all of them share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Self

import numpy as np

from adl_opt.checks import number_between, whole_between
from adl_opt.losses import Loss, target_severity
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.theory import LearnerTheory


@dataclass(frozen=True, kw_only=True)
class Learner(LearnerTheory):
    """Online learning of the severity theta in [0, 1].

    Each round shows its deficit D, the learner plays theta, then theta* = min(1, B / (D + eps)) is revealed.
    The loss is D (under [theta* - theta]_+ + over [theta - theta*]_+), in USD; G = max(under, over) D bounds
    its slope and, unlike in most of the literature, is known *before* theta is played.  A round with D = 0
    (up to 1e-100 USD) has no loss and teaches nothing: it leaves every state as it is.

    A learner is three pure functions of an explicit state (numbers, lists, dicts: JSON gives the same bits
    back): :meth:`start`, :meth:`predict`, :meth:`update`.

    Parameters
    ----------
    prior : float
        Severity in [0, 1] before anything is known.  0.5 is the point from which no severity is further than
        one half: the minimax choice, and no figure of any episode.
    under, over : float
        USD of loss per USD of undershoot and of overshoot (eq. 9); 1 and 1 give tracking error.

    Notes
    -----
    Every learner declares its ``domain``, ``regulariser``, ``step`` and ``theorem`` in a few words, for the
    table of components.
    """

    def __post_init__(self) -> None:
        self.require("prior", 0.0, 1.0)
        self.require("under", 1e-6, 1e6)
        self.require("over", 1e-6, 1e6)

    def on(self, loss: Loss) -> Self:
        """Return the learner with the weights of a loss; weights of its own, not both 1, stay."""
        if (self.under, self.over) != (1.0, 1.0):
            return self
        return self._weighing(loss.under, loss.over)

    def _weighing(self, under: float, over: float) -> Self:
        return replace(self, under=under, over=over)

    def starting(self, prior: float, instead_of: float = default("learner", "prior")) -> Self:
        """Return the learner with another prior, where it has the one that is named."""
        return replace(self, prior=prior) if self.prior == instead_of else self

    def require(self, parameter: str, low: float, high: float, *, whole: bool = False) -> None:
        """Refuse a parameter outside its range, or that is not whole where it must be (UsageError)."""
        check = whole_between if whole else number_between
        check(f"severity {self.name!r}: {parameter}", getattr(self, parameter), low, high)

    def choose(self, state: State, round_: Round) -> float:
        """Return theta D, USD."""
        return self.predict(state, round_.deficit) * round_.deficit

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the state after the round; ``asked`` that is not the learner's own counts as asked / D."""
        deficit = round_.deficit
        if deficit <= NOTHING_USD:
            return state
        theta = self.predict(state, deficit)
        if theta * deficit != asked:
            theta = min(1.0, asked / deficit)
        return self.update(state, deficit, float(target_severity(outcome.needed, deficit)), theta)


def clip(x: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return the point of [low, high] nearest to x.

    Examples
    --------
    >>> clip(1.5)
    1.0
    """
    return low if x < low else high if x > high else x


def quadratic_cost(prior: float) -> float:
    """Return the largest (theta - prior)^2 / 2 over [0, 1].

    Examples
    --------
    >>> quadratic_cost(0.5)
    0.125
    """
    return 0.5 * max(prior, 1.0 - prior) ** 2


def running_norms(values: Floats) -> Floats:
    """Return sqrt(sum of squares so far), (T,), as the learners keep it: no square underflows."""
    return np.array(list(accumulate(np.abs(values).tolist(), math.hypot)), dtype=np.float64)
