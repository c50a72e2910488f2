"""FTRL with a virtual queue: low regret and low violation of a coverage constraint, together.

A round may leave a share alpha of its need uncovered.  What it leaves beyond that goes into a queue Q, and
undershoot costs more the longer the queue is.  So the learner is FTRL on losses whose price of undershoot
grows with what was owed before.

The theory needs a scale S at least the root of the summed D^2.  The deficit is known before the round, so a
new epoch, with an empty queue and a scale at least twice as large, begins before S is exceeded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.bound import Bound, best_fixed_severity
from adl_opt.severity.learners.guarantee import Uncovered
from adl_opt.severity.learners.learner import Learner, clip, quadratic_cost
from adl_opt.severity.learners.scales import power_above
from adl_opt.severity.learners.theory import Played


class Epoch(NamedTuple):
    """Rounds of one scale S, and FTRL's terms on them, USD; ``paid`` is G times the sum of kappa v."""

    scale: float
    rounds: slice
    penalty: float
    stability: float
    paid: float


@dataclass(frozen=True, kw_only=True)
class LongTerm(Learner):
    """FTRL on the loss plus G kappa times the violation, kappa = exp(lambda Q): regret and coverage together.

    Rule: v = D [theta* - theta - alpha theta*]_+ is the round's violation, Q the sum of those before it, in
    an epoch.  theta = [prior - c / sqrt(sum (1 + kappa)^2 G^2 D^2) x the summed slopes] clipped to [0, 1],
    G = max(under, over).  A slope is over D above theta*, -under D below it, and G kappa D less where v > 0.
    c = sqrt(Rmax) as for ``ftrl-quadratic``, C = 2 c, lambda = 3 / (8 C S), S the power of two above the root
    of sum D^2 as an epoch begins.

    Theorem: in an epoch, against every fixed severity that keeps v = 0 in each round, Reg <= C G S (3 - exp
    (lambda Q)) <= 2 C G S, and Q <= log(3 + F / (C G S)) / lambda, F the loss of the best such severity.  So
    the regret is at most 8 C G sqrt(sum D^2) in all, and sum [B - H]_+ <= alpha sum B + the sum of the Q,
    which is O(sqrt(sum D^2) log T), + what is beyond D.  Proof: FTRL on the surrogate gives Reg + G sum kappa
    v <= C G S (1 + exp(lambda Q)); lambda D <= 0.54 makes sum kappa v >= 3 (exp(lambda Q) - 1) / (4 lambda)
    = 2 C S (exp(lambda Q) - 1); and Reg >= -F.  The static bound adds what the best covering severity costs
    more than the best one.

    Against severities that cover only in sum no rule can have both (Mannor, Tsitsiklis, Yu 2009).

    Defaults: alpha = 0.05, the custom of statistics.

    Source: Sinha, Vaze (2024), with a scale that needs no horizon; Yu, Neely (2017) for the queue.
    Information: start of round.

    Parameters
    ----------
    alpha : float
        Share of a round's need that may stay uncovered, in [0, 1].

    Examples
    --------
    >>> LongTerm(alpha=0.1).guarantee([4.0] * 3, [4.0] * 3, [0.5] * 3).kind
    'dollars'
    """

    alpha: float = default("learners", "long-term", "alpha")
    name: ClassVar[str] = "long-term"
    regulariser: ClassVar[str] = "(theta - prior)^2/2"
    step: ClassVar[str] = "sqrt(Rmax/sum (1 + kappa)^2 G^2), this round's included"
    theorem: ClassVar[str] = (
        "Reg <= 2 C G S an epoch against severities that cover every round, + their price (Sinha & Vaze 2024)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("alpha", 0.0, 1.0)

    @property
    def _c(self) -> float:
        return math.sqrt(quadratic_cost(self.prior))

    def _rate(self, scale: float) -> float:
        """Return lambda, per USD."""
        return 3.0 / (16.0 * self._c * scale)

    def start(self) -> State:
        """Return an epoch of scale 0, which the first deficit ends."""
        return {"scale": 0.0, "squares": 0.0, "slopes": 0.0, "norm": 0.0, "queue": 0.0}

    def _epoch(self, state: State, deficit: float) -> State:
        squares = math.hypot(state["squares"], deficit)
        if squares <= state["scale"]:
            return state
        return self.start() | {"scale": power_above(squares), "squares": state["squares"]}

    def _kappa(self, epoch: State) -> float:
        return math.exp(self._rate(epoch["scale"]) * epoch["queue"]) if epoch["scale"] > 0.0 else 1.0

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the regularised leader."""
        epoch = self._epoch(state, deficit)
        norm = math.hypot(epoch["norm"], (1.0 + self._kappa(epoch)) * self.steepest(deficit))
        return clip(self.prior - self._c * (epoch["slopes"] / norm)) if norm > 0.0 else self.prior

    def violation(self, deficit: float, target: float, theta: float) -> float:
        """Return v, USD: what stays uncovered beyond the share alpha of the need."""
        return deficit * max(0.0, target - theta - self.alpha * target)

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        epoch = self._epoch(state, deficit)
        kappa, owed = self._kappa(epoch), self.violation(deficit, target, theta)
        slope = self.slope(deficit, target, theta)
        if owed > 0.0:
            slope -= kappa * self.steepest(deficit)
        return {
            "scale": epoch["scale"],
            "squares": math.hypot(epoch["squares"], deficit),
            "slopes": epoch["slopes"] + slope,
            "norm": math.hypot(epoch["norm"], (1.0 + kappa) * self.steepest(deficit)),
            "queue": epoch["queue"] + owed,
        }

    def epochs(self, game: Played) -> Iterator[Epoch]:
        """Yield each epoch of rounds that teach, with FTRL's terms as observed."""
        state, begun, stability, paid = self.start(), 0, 0.0, 0.0
        for t, (d, goal, theta) in enumerate(zip(*(a.tolist() for a in game[:3]), strict=True)):
            epoch = self._epoch(state, d)
            if epoch["scale"] > state["scale"] > 0.0:
                yield Epoch(state["scale"], slice(begun, t), self._c * state["norm"], stability, paid)
                begun, stability, paid = t, 0.0, 0.0
            after = self._after(state, d, goal, theta, None)
            slope = after["slopes"] - epoch["slopes"]
            stability += 0.5 * self._c * abs(slope) * (abs(slope) / after["norm"])
            paid += self._kappa(epoch) * max(self.under, self.over) * (after["queue"] - epoch["queue"])
            state = after
        if state["scale"] > 0.0:
            end = slice(begun, game.deficit.size)
            yield Epoch(state["scale"], end, self._c * state["norm"], stability, paid)

    def covering_loss(self, deficit: Floats, target: Floats) -> float:
        """Return the loss, USD, of the best fixed severity that leaves no violation in any round."""
        best, _ = best_fixed_severity(deficit, target, self.under, self.over)
        least = (1.0 - self.alpha) * float(np.max(target, initial=0.0))
        return math.fsum(self.loss(deficit, target, np.full(deficit.size, max(best, least))))

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the epochs' terms as observed, and the price of covering every round."""
        epochs = list(self.epochs(game))
        best = best_fixed_severity(game.deficit, game.target, self.under, self.over)[1]
        parts = {
            "penalty_usd": math.fsum(e.penalty for e in epochs),
            "stability_usd": math.fsum(e.stability for e in epochs),
            "paid_usd": math.fsum(e.paid for e in epochs),
            "covering_price_usd": max(0.0, self.covering_loss(game.deficit, game.target) - best),
        }
        regret = parts["penalty_usd"] + parts["stability_usd"] - parts["paid_usd"]
        return {"regret_usd": regret + parts["covering_price_usd"], **parts, "epochs": float(len(epochs))}

    def promise(self, game: Played, regret: Bound) -> tuple[Uncovered, str, float, dict[str, float]]:
        """Return the USD that stay uncovered at most: alpha sum B and the queues of all epochs."""
        needed, queues = self.alpha * math.fsum(game.deficit * game.target), []
        for epoch in self.epochs(game):
            unit = 2.0 * self._c * max(self.under, self.over) * epoch.scale
            best = self.covering_loss(game.deficit[epoch.rounds], game.target[epoch.rounds])
            queues.append(math.log(3.0 + best / unit) / self._rate(epoch.scale))
        theorem = "sum [B - H]_+ <= alpha sum B + sum log(3 + F/(CGS))/lambda + beyond D (Sinha & Vaze 2024)"
        constants = {"alpha_needed_usd": needed, "queues_usd": math.fsum(queues)}
        return "dollars", theorem, needed + math.fsum(queues), constants
