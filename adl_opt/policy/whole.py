"""The arithmetic of the theorem of a whole policy: its loss, the best fixed severity, and the bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adl_opt.kernels.fill.least import LeastBurden
from adl_opt.losses import Loss
from adl_opt.rounds.columns import Floats
from adl_opt.severity.learners.bound import ROUNDING, Bound

EQUATIONS = ("23", "10")
THEOREMS = {
    10: "Reg <= severity + apart from what was asked + burdens + lots and markets (eq. 10)",
    23: "loss <= (1 + kappa)(best fixed tracking + severity + apart from what was asked) + lots (eq. 23)",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """A round as a policy played it; USD, burdens without unit.

    Parameters
    ----------
    deficit, needed : float
        D and B.
    worth, most : float
        A fixed severity theta takes min(theta W, most): W is D in wealth, where ``most`` is U.
    asked, executed, burden : float
        What the severity asked for, H, and the largest burden m.
    reference : float
        m* of eq. 23.
    least : LeastBurden
        M, the least largest burden at each amount.
    """

    deficit: float
    needed: float
    worth: float
    most: float
    asked: float
    executed: float
    burden: float
    reference: float
    least: LeastBurden

    @cached_property
    def least_burden(self) -> float:
        """M(H)."""
        return float(self.least.at(np.array(self.executed)))

    def fixed(self, theta: Floats) -> Floats:
        """Return what fixed severities execute, (k,) USD."""
        return np.minimum(theta * self.worth, self.most)

    def bends(self) -> Floats:
        """Return the severities in (0, 1) where a loss of what they execute may bend, (k,)."""
        if self.worth <= 0.0:
            return np.zeros(0)
        at_reference = np.interp(self.reference, self.least.level, self.least.amount)
        amounts = np.concatenate([[self.needed, self.most, at_reference], self.least.amount])
        theta = amounts / self.worth
        return theta[(theta > 0.0) & (theta < 1.0)]


@dataclass(frozen=True, eq=False, kw_only=True)
class WholeGame:
    """A policy's rounds, and the bound of its severity.

    Parameters
    ----------
    steps : sequence of Step
    loss : Loss
        Weights of tracking, and ``fair``.
    equation : {23, 10}
    severity : Bound
        Static: against fixed severities.  Dynamic: on the tracking loss itself.
    whole : bool
        The severity's bound is on the whole of eq. 10, on what it plays.
    through : bool
        It is against severities as they are executed.
    """

    steps: Sequence[Step]
    loss: Loss
    equation: int
    severity: Bound
    whole: bool
    through: bool

    def _column(self, name: str) -> Floats:
        return np.array([getattr(step, name) for step in self.steps], dtype=np.float64)

    @property
    def _steep(self) -> float:
        return max(self.loss.under, self.loss.over)

    def _unfair(self, step: Step, burden: Floats | float) -> Floats:
        """Return the fairness term at a least burden: what the best allocation makes of it."""
        if self.equation == 10:
            return np.asarray(self.loss.fair * burden)
        return np.asarray(self.loss.fair * step.needed * np.maximum(burden - step.reference, 0.0))

    def _fixed(self, theta: Floats, *, fair: bool = True) -> Floats:
        """Return the loss of fixed severities with the best allocation, (k,) USD."""
        out = np.zeros(theta.size)
        for step in self.steps:
            taken = step.fixed(theta)
            out += self.loss.tracking(taken, step.needed)
            if fair:
                out += self._unfair(step, step.least.at(taken))
        return out

    @cached_property
    def _candidates(self) -> Floats:
        """Severities at which a sum of losses may be least, (k,): each loss is linear between them."""
        return np.unique(np.concatenate([[0.0, 1.0], *(step.bends() for step in self.steps)]))

    def _best(self, *, fair: bool = True) -> tuple[float, float]:
        losses = self._fixed(self._candidates, fair=fair)
        place = int(np.argmin(losses))
        return float(self._candidates[place]), float(losses[place])

    @cached_property
    def best_fixed(self) -> tuple[float, float]:
        """The best fixed severity with the best allocation, and its loss, USD."""
        return self._best()

    @cached_property
    def lost(self) -> float:
        """The loss of what was executed, USD."""
        track = self.loss.tracking(self._column("executed"), self._column("needed"))
        apart, fair = self._column("burden"), np.full(len(self.steps), self.loss.fair)
        if self.equation == 23:
            apart, fair = np.abs(apart - self._column("reference")), fair * self._column("needed")
        return math.fsum(track) + math.fsum(fair * apart)

    @property
    def regret(self) -> float:
        """The loss less that of the best fixed severity with the best allocation, USD."""
        return self.lost - self.best_fixed[1]

    def _line(self, theta: Floats | float | None = None) -> Floats:
        """Return what the severity's own game counts as taken, (T,) USD: by a fixed theta, or as played."""
        deficit, worth, asked = (self._column(name) for name in ("deficit", "worth", "asked"))
        if theta is None and not self.whole:
            return asked
        share = np.divide(asked, deficit, out=np.zeros(asked.size), where=deficit > 0.0)
        return (share if theta is None else theta) * (worth if self.whole else deficit)

    def _burdens(self, amounts: Floats) -> Floats:
        pairs = zip(self.steps, amounts, strict=True)
        return np.array([float(step.least.at(np.array(amount))) for step, amount in pairs])

    def _apart(self, theta: float) -> tuple[float, float]:
        """Return what capacity, caps, lots and prices cost: played, and at a fixed severity; USD."""
        fixed = np.array([float(step.fixed(np.array(theta))) for step in self.steps])
        executed, own = self._column("executed"), self._line()
        played, at_fixed = np.abs(executed - own), np.abs(fixed - self._line(theta))
        if self.through or self.severity.kind != "static":
            at_fixed = np.zeros(fixed.size)
        made = [self._steep * math.fsum(played), self._steep * math.fsum(at_fixed)]
        if self.whole and self.equation == 10:
            over = np.maximum(self._burdens(executed) - self._burdens(own), 0.0)
            under = np.maximum(self._burdens(self._line(theta)) - self._burdens(fixed), 0.0)
            made = [made[0] + self.loss.fair * math.fsum(over), made[1] + self.loss.fair * math.fsum(under)]
        return made[0], made[1]

    def _severity_usd(self, theta: float) -> float:
        """Return the severity's bound as one on tracking regret against a fixed severity, USD."""
        if self.severity.kind == "static":
            return self.severity.value
        return self.severity.value - float(self._fixed(np.array([theta]), fair=False)[0])

    def bound(self) -> Bound:
        """Return the theorem with constants as observed, or the worst regret if that is smaller."""
        value, constants = self._eq_10() if self.equation == 10 else self._eq_23()
        scale = [self._column(name) for name in ("needed", "executed", "asked", "worth")]
        usd = math.fsum(np.max(scale, axis=0))
        burdens = math.fsum(self._column("burden")) + len(self.steps)
        rounding = ROUNDING * (self._steep * usd + self.loss.fair * (usd if self.equation == 23 else burdens))
        theta, best = self.best_fixed
        return Bound(
            value=value + rounding,
            kind="static",
            theorem=f"{THEOREMS[self.equation]}; severity: {self.severity.theorem}",
            constants={**constants, "best_fixed": theta, "best_fixed_usd": best, "rounding_usd": rounding},
            assumptions=self.severity.assumptions,
        ).within(self._worst() - best + rounding)

    def _above_least(self) -> Floats:
        """Return how far burdens were above the least for what was taken, (T,): lots and markets."""
        return np.maximum(self._column("burden") - self._column("least_burden"), 0.0)

    def _eq_10(self) -> tuple[float, dict[str, float]]:
        theta, fair = self.best_fixed[0], self.loss.fair
        played, at_fixed = self._apart(theta)
        fixed = np.array([float(step.fixed(np.array(theta))) for step in self.steps])
        more = math.fsum(self._column("least_burden")) - math.fsum(self._burdens(fixed))
        constants = {
            "severity_usd": self._severity_usd(theta),
            "apart_usd": played + at_fixed,
            "burdens_usd": 0.0 if self.whole else fair * max(0.0, more),
            "lots_and_markets_usd": fair * math.fsum(self._above_least()),
        }
        return math.fsum(constants.values()), constants

    def _eq_23(self) -> tuple[float, dict[str, float]]:
        theta, tracking = self._best(fair=False)
        played, at_fixed = self._apart(theta)
        severity, fair = self._severity_usd(theta), self.loss.fair
        if self.whole:
            more = self._burdens(self._line(theta)) - self._burdens(self._line())
            severity += fair * max(0.0, math.fsum(more))
        needed, light = self._column("needed"), min(self.loss.under, self.loss.over)
        goal = [min(step.needed, float(step.least.amount[-1])) for step in self.steps]
        tops = [max(step.executed, g) * (1.0 - 1e-12) for step, g in zip(self.steps, goal, strict=True)]
        slopes = np.array([step.least.slope(top) for step, top in zip(self.steps, tops, strict=True)])
        kappa = float(np.max(fair * needed * slopes / light, initial=0.0))
        lots = self._above_least() + np.abs(self._burdens(np.array(goal)) - self._column("reference"))
        constants = {
            "kappa": kappa,
            "severity_usd": severity,
            "apart_usd": played + at_fixed,
            "best_tracking_usd": tracking,
            "lots_and_markets_usd": fair * math.fsum(needed * lots),
        }
        whole = (1.0 + kappa) * math.fsum((tracking, severity, played, at_fixed))
        return whole + constants["lots_and_markets_usd"] - self.best_fixed[1], constants

    def _worst(self) -> float:
        """Return what no amounts up to the most that was in reach lose more than, USD."""
        out = []
        for step, above in zip(self.steps, self._above_least().tolist(), strict=True):
            ends = np.array([0.0, max(float(step.fixed(np.array(1.0))), step.executed)])
            track, least = self.loss.tracking(ends, step.needed), step.least.at(ends)
            if self.equation == 10:
                out.append(float(np.max(track + self.loss.fair * least)) + self.loss.fair * above)
            else:
                weight = self.loss.fair * step.needed
                out.append(float(np.max(track + weight * np.abs(least - step.reference))) + weight * above)
        return math.fsum(out)
