"""Hedge: over a grid of severities, and over learners.

Each severity of a grid, or each learner, counts as an expert.  The learner plays the weighted mean of what
the experts say.  After a round every expert is charged the loss of what it said, and experts with a large
summed loss lose weight: the weight is proportional to ``exp(-eta L)``.  The rate eta sets itself
(:mod:`adl_opt.severity.learners.adahedge`).  An expert that is a learner learns in every round as if it
played alone, because theta* is revealed to all.  The loss is convex, so the mean never loses more than the
experts lose on average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.losses import target_severity
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import State, severities_of
from adl_opt.severity.defaults import default
from adl_opt.severity.learners import adahedge
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.executed import capped
from adl_opt.severity.learners.learner import Learner, clip
from adl_opt.severity.learners.theory import Played

ROWS = 1 << 20
"""Losses of a grid that are made at once."""


@dataclass(frozen=True, kw_only=True)
class HedgeGrid(Learner):
    """AdaHedge over equally spaced severities; the weighted mean is played.

    Rule: weights proportional to exp(-eta L_k), eta = log K / (summed mixability gap), no step to choose.

    Theorem (static): Reg <= 2 gap_T + (loss of the best grid point - that of the best severity), the first
    term at most sqrt(log K sum G^2) + max G (4/3 log K + 2), the second at most sum G / (2 (K - 1)).  Proof:
    convexity (the mean loses at most the mean loss), and de Rooij et al. (2014), Thm 8.

    Through capacity: a grid point counts as what it executes, min(theta D, U), and the mean of these is
    asked for.  The loss is convex in the budget, though not in theta, so the theorem is about the executed
    budget, against the best fixed severity as it is executed.

    Defaults: 101 points, whole percents of the deficit.  ``prior`` is not used: the first play is the
    mean of the grid.

    Source: de Rooij, van Erven, Grunwald, Koolen (2014).  Information: start of round.  O(K) per round.

    Parameters
    ----------
    points : int
        K >= 2 grid points from 0 to 1.
    """

    points: int = default("learners", "hedge-grid", "points")
    name: ClassVar[str] = "hedge-grid"
    through_capacity: ClassVar[bool] = True
    regulariser: ClassVar[str] = "entropy over grid points"
    step: ClassVar[str] = "log K/(summed mixability gap)"
    theorem: ClassVar[str] = "Reg <= 2 gap_T + grid error (AdaHedge: de Rooij et al. 2014, Thm 8)"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("points", 2, 100_000, whole=True)

    @property
    def grid(self) -> Floats:
        """The severities, (K,)."""
        return _grid(self.points)

    def start(self) -> State:
        """Return no losses."""
        return adahedge.no_losses(self.points)

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the weighted mean of the grid."""
        return clip(adahedge.mean(state, self.grid))

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        return adahedge.after(state, self.loss(deficit, target, self.grid))

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on as :meth:`Learner.run` does, to the bit, sooner: no loss depends on what is played."""
        theta, size = np.empty(deficit.size), max(1, ROWS // self.points)
        for start in range(0, deficit.size, size):
            part = slice(start, start + size)
            new = taught(self, self.grid, target[part], deficit[part])
            theta[part], state = adahedge.mixed(state, new, self.grid)
        return np.clip(theta, 0.0, 1.0), state

    def _cut(self, round_: Round) -> Floats:
        """Return the grid as it is executed, (K,), shares of D."""
        cut = round_.capacity_usd / round_.deficit if round_.deficit > NOTHING_USD else 1.0
        return self.grid if cut >= 1.0 else np.minimum(self.grid, cut)

    def choose(self, state: State, round_: Round) -> float:
        """Return the weighted mean of what the grid executes, USD."""
        return clip(adahedge.mean(state, self._cut(round_))) * round_.deficit

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the losses after the round; they do not depend on what was played."""
        if round_.deficit <= NOTHING_USD:
            return state
        target = float(target_severity(outcome.needed, round_.deficit))
        return adahedge.after(state, self.loss(round_.deficit, target, self._cut(round_)))

    def through(
        self, deficit: Floats, target: Floats, capacity: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play through capacity: as :meth:`run`, on what the grid executes."""
        cut, state, theta = capped(deficit, capacity), self.start(), np.empty(deficit.size)
        size = max(1, ROWS // self.points)
        for start in range(0, deficit.size, size):
            part = slice(start, start + size)
            grid = np.minimum(self.grid, cut[part, None])
            theta[part], state = adahedge.mixed(state, taught(self, grid, target[part], deficit[part]), grid)
        return np.clip(theta, 0.0, 1.0), state

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the gap, AdaHedge's bound and the error of the grid."""
        experts = adahedge.regret_bound(state["gap"], self.steepest(game.deficit), self.points)
        best = self.best_fixed(game)
        grid_error = max(0.0, min(state["losses"]) - best)
        return {
            "regret_usd": experts + grid_error,
            "gap_usd": state["gap"],
            "experts_usd": experts,
            "grid_error_usd": grid_error,
        }


@dataclass(frozen=True, init=False)
class Hedge(Learner):
    """AdaHedge over other learners; the weighted mean of their severities is played.

    Rule: each learner plays on, as if alone (its own severity teaches it: theta* is revealed to all);
    weights proportional to exp(-eta L_k), eta = log K / (summed mixability gap).

    Theorem (static): Reg <= 2 gap_T + min_k bound_k; a learner's dynamic bound counts too, as it bounds its
    loss itself.  Proof: convexity, de Rooij et al. (2014), Thm 8, and the learner's own theorem.

    Source: Cesa-Bianchi, Lugosi (2006), ch. 2; de Rooij et al. (2014).  Information: start of round.

    Parameters
    ----------
    learners : tuple of Learner or str
        At least two, with the same ``under`` and ``over`` as this one; or their names with ``|`` between.

    Examples
    --------
    >>> both = Hedge("ftrl-exact | last-value")
    >>> both.predict(both.start(), 5.0), both.label()
    (0.5, 'hedge(ftrl-exact | last-value)')
    """

    learners: tuple[Learner, ...]
    name: ClassVar[str] = "hedge"
    regulariser: ClassVar[str] = "entropy over learners"
    step: ClassVar[str] = "log K/(summed mixability gap)"
    theorem: ClassVar[str] = "Reg <= 2 gap_T + min_k bound_k (AdaHedge: de Rooij et al. 2014, Thm 8)"
    uses_hint: ClassVar[bool] = True

    def __init__(
        self,
        learners: tuple[Learner, ...] | str,
        *,
        prior: float = default("learner", "prior"),
        under: float = 1.0,
        over: float = 1.0,
    ) -> None:
        made = severities_of(learners) if isinstance(learners, str) else learners
        object.__setattr__(self, "learners", made)
        super().__init__(prior=prior, under=under, over=over)

    def __post_init__(self) -> None:
        super().__post_init__()
        prices = {(x.under, x.over) for x in self.learners if isinstance(x, Learner)}
        whole = isinstance(self.learners, tuple) and all(isinstance(x, Learner) for x in self.learners)
        if not whole or len(self.learners) < 2 or prices != {(self.under, self.over)}:
            raise UsageError(
                "severity 'hedge' needs a tuple of at least two learners with its own under and over",
                got=f"{self.learners!r} for under = {self.under}, over = {self.over}",
                ways_out=["make each with make_severity(name, under=..., over=...)", "add a second learner"],
            )

    def _weighing(self, under: float, over: float) -> Self:
        own = tuple(replace(x, under=under, over=over) for x in self.learners)
        return replace(self, learners=own, under=under, over=over)

    def label(self) -> str:
        """Return the name with the learners' and the parameters that are not the default."""
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self) if f.name != "learners"}
        given = [f"{name}={value}" for name, (value, usual) in values.items() if value != usual]
        return f"{self.name}({', '.join([' | '.join(x.label() for x in self.learners), *given])})"

    def start(self) -> State:
        """Return the learners' states, no losses."""
        starts = [learner.start() for learner in self.learners]
        return {"learners": starts} | adahedge.no_losses(len(starts))

    def _severities(self, state: State, deficit: float, hint: float | None) -> Floats:
        pairs = zip(self.learners, state["learners"], strict=True)
        return np.array([learner.predict(s, deficit, hint) for learner, s in pairs])

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return the weighted mean of the learners' severities."""
        return clip(adahedge.mean(state, self._severities(state, deficit, hint)))

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        own = self._severities(state, deficit, hint)
        triples = zip(self.learners, state["learners"], own.tolist(), strict=True)
        learners = [learner.update(s, deficit, target, x, hint) for learner, s, x in triples]
        return {"learners": learners} | adahedge.after(state, self.loss(deficit, target, own))

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on from a state as :meth:`Learner.run` does, to the bit, sooner: each learner by itself."""
        pairs = zip(self.learners, state["learners"], strict=True)
        runs = [learner.run(s, deficit, target, hint) for learner, s in pairs]
        own = np.stack([path for path, _ in runs], axis=1)
        theta, after = adahedge.mixed(state, taught(self, own, target, deficit), own)
        return np.clip(theta, 0.0, 1.0), {"learners": [s for _, s in runs]} | after

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the gap, AdaHedge's bound and the learners' own bounds."""
        experts = adahedge.regret_bound(state["gap"], self.steepest(game.deficit), len(self.learners))
        own = {}
        for k, learner in enumerate(self.learners):
            path, _ = learner.run(learner.start(), game.deficit, game.target, game.hint)
            own[f"learner_{k}_usd"] = learner.bound(game.deficit, game.target, path, game.hint).value
        best = min(own.values(), default=math.inf)
        return {"regret_usd": experts + best, "gap_usd": state["gap"], "experts_usd": experts, **own}


def taught(learner: Learner, theta: Floats, target: Floats, deficit: Floats) -> Floats:
    """Return the losses of experts at ``theta``, (T, K) USD; 0 in a round that teaches nothing."""
    new = learner.loss(deficit[:, None], target[:, None], theta)
    new[deficit <= NOTHING_USD] = 0.0
    return new


@lru_cache(maxsize=8)
def _grid(points: int) -> Floats:
    grid = np.linspace(0.0, 1.0, points)
    grid.setflags(write=False)
    return grid
