"""What holds of a learner of severity: its loss, its regret, its regret bound, what it leaves uncovered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.checks import LARGEST_USD
from adl_opt.losses import severity_loss, target_severity
from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import Severity, State
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.bound import (
    NOTHING_USD,
    ROUNDING,
    Bound,
    Kind,
    aligned,
    best_fixed_severity,
    checked_series,
)
from adl_opt.severity.learners.executed import best_executed, capped
from adl_opt.severity.learners.guarantee import Guarantee, Uncovered, lacking


class Played(NamedTuple):
    """Rounds that were played: D in USD, theta*, theta and the hints, each (T,)."""

    deficit: Floats
    target: Floats
    theta: Floats
    hint: Floats | None = None
    capacity: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class LearnerTheory(Severity):
    """The part of a learner that measures what was played and holds it to a theorem."""

    prior: float = default("learner", "prior")
    under: float = 1.0
    over: float = 1.0
    kind: ClassVar[Kind] = "static"
    domain: ClassVar[str] = "theta in [0, 1]"
    regulariser: ClassVar[str]
    step: ClassVar[str]
    theorem: ClassVar[str]
    uses_hint: ClassVar[bool] = False
    through_capacity: ClassVar[bool] = False
    """Whether its theorem is about the executed budget where capacity cuts theta D."""

    def predict(self, state: State, deficit: float, hint: float | None = None) -> float:
        """Return theta in [0, 1] for a round with this deficit, USD; ``hint`` is a predicted theta*."""
        raise NotImplementedError

    def update(
        self, state: State, deficit: float, target: float, theta: float, hint: float | None = None
    ) -> State:
        """Return the state after the round: ``target`` is theta*, ``theta`` what was played."""
        return self._after(state, deficit, target, theta, hint) if deficit > NOTHING_USD else state

    def _after(self, state: State, deficit: float, target: float, theta: float, hint: float | None) -> State:
        raise NotImplementedError

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on from a state; return the severities (T,) and the state after them."""
        theta = np.empty(deficit.size)
        hints = [None] * deficit.size if hint is None else hint.tolist()
        for t, (d, goal, hinted) in enumerate(zip(deficit.tolist(), target.tolist(), hints, strict=True)):
            theta[t] = played = self.predict(state, d, hinted)
            state = self.update(state, d, goal, played, hinted)
        return theta, state

    def through(
        self, deficit: Floats, target: Floats, capacity: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play from the start through capacity: return executed shares H / D, (T,), and the last state."""
        theta, state = self.run(self.start(), deficit, target, hint)
        return np.minimum(theta, capped(deficit, capacity)), state

    def slope(self, deficit: float, target: float, theta: float) -> float:
        """Return a subgradient g of the round's loss at theta, USD: 0 at theta* itself."""
        if theta > target:
            return self.over * deficit
        return -self.under * deficit if theta < target else 0.0

    def slopes(self, game: Played) -> Floats:
        """Return :meth:`slope` of every round, (T,) USD."""
        above, below = game.theta > game.target, game.theta < game.target
        return np.asarray(np.where(above, self.over, np.where(below, -self.under, 0.0)) * game.deficit)

    def steepest(self, deficit: Any) -> Any:
        """Return G = max(under, over) D, USD: no slope is larger; on a number or an array."""
        return max(self.under, self.over) * deficit

    def loss(self, deficit: npt.ArrayLike, target: npt.ArrayLike, played: npt.ArrayLike) -> Floats:
        """Return the loss of each round, or of each expert in a round, USD."""
        return severity_loss(played, target, deficit, self.under, self.over)

    def regret(
        self,
        deficit: npt.ArrayLike,
        target: npt.ArrayLike,
        played: npt.ArrayLike,
        capacity: npt.ArrayLike | None = None,
    ) -> float:
        """Return the measured regret of the kind that :meth:`bound` bounds, USD.

        With ``capacity`` it is that of executed budgets, ``played`` being H / D, against the best fixed
        severity as it is executed.
        """
        d, goal, theta = checked_series(deficit, target, played=played)
        most = None if capacity is None else aligned(d, LARGEST_USD, capacity=capacity)[1]
        best = self.best_fixed(Played(d, goal, theta, None, most)) if self.kind == "static" else 0.0
        return math.fsum(self.loss(d, goal, theta)) - best

    def best_fixed(self, game: Played) -> float:
        """Return the loss of the best fixed severity, USD, as it is executed where capacities are given."""
        if game.capacity is None:
            return best_fixed_severity(game.deficit, game.target, self.under, self.over)[1]
        return best_executed(game.deficit, game.target, game.capacity, self.under, self.over)[1]

    def bound(
        self,
        deficit: npt.ArrayLike,
        target: npt.ArrayLike,
        played: npt.ArrayLike,
        hint: npt.ArrayLike | None = None,
        capacity: npt.ArrayLike | None = None,
    ) -> Bound:
        """Return the learner's theorem with the constants as observed, or the worst loss if that is smaller.

        The regret is that of severities theta: it is also that of what is executed, as long as no capacity
        cuts theta D.  With ``capacity`` the assumption ``about the executed budget`` says whether that is so;
        it always is for ``hedge-grid``, whose theorem is about what is executed.

        Parameters
        ----------
        deficit : (T,) USD
        target, played : (T,)
            theta_t* and the severities that were played, in [0, 1].
        hint : (T,), optional
            The hints they were played with.
        capacity : (T,) USD, optional
            U_t; then ``played`` are executed shares H / D, as :meth:`through` returns them.

        Returns
        -------
        Bound

        Raises
        ------
        InputError
            Arrays as :func:`adl_opt.play` refuses them.

        Notes
        -----
        The learner is played again, to check that ``played`` is its own path.

        Examples
        --------
        >>> from adl_opt.severity import make_severity
        >>> bound = make_severity("adagrad").bound([4.0, 4.0], [1.0, 1.0], [0.5, 1.0])
        >>> bound.kind, round(bound.value, 3), bound.assumptions
        ('static', 5.657, {'played by this learner': True})
        """
        d, goal, theta, *hints = checked_series(deficit, target, played=played, hint=hint)
        given, cuts = hints[0] if hints else None, {}
        if capacity is None:
            most, (own, state) = None, self.run(self.start(), d, goal, given)
        else:
            most = aligned(d, LARGEST_USD, capacity=capacity)[1]
            own, state = self.through(d, goal, most, given)
            free = self.through_capacity or np.array_equal(own, self.run(self.start(), d, goal, given)[0])
            cuts = {"about the executed budget": bool(free)}
        seen = d > NOTHING_USD
        optional = (None if a is None else a[seen] for a in (given, most))
        game = Played(d[seen], goal[seen], theta[seen], *optional)
        constants = self.constants(game, state) if seen.any() else {"regret_usd": 0.0}
        rounding = ROUNDING * math.fsum(self.steepest(d))
        value = constants.pop("regret_usd") + math.fsum(self.steepest(d[~seen]))
        return Bound(
            value=value + rounding,
            kind=self.kind,
            theorem=self.theorem,
            constants={**constants, "rounds": float(d.size), "rounding_usd": rounding},
            assumptions={"played by this learner": bool(np.array_equal(own, theta)), **cuts},
        ).within(math.fsum(np.maximum(self.loss(d, goal, 0.0), self.loss(d, goal, 1.0))))

    def guarantee(
        self,
        deficit: npt.ArrayLike,
        needed: npt.ArrayLike,
        played: npt.ArrayLike,
        hint: npt.ArrayLike | None = None,
    ) -> Guarantee:
        """Return what stays uncovered at most by the learner's theorem, with the constants as observed.

        It is about what is asked for, and so about what is executed as long as no capacity cuts theta D.  No
        severity covers what is needed beyond D; the guarantee counts it in full.

        Parameters
        ----------
        deficit, needed : (T,) USD
            D and B.
        played, hint : (T,)
            As for :meth:`bound`.

        Raises
        ------
        InputError
            Not numbers, NaN, values out of range, or lengths that differ.

        Examples
        --------
        >>> from adl_opt.severity import make_severity
        >>> made = make_severity("ftrl-exact", under=9.0).guarantee([4.0, 4.0], [4.0, 4.0], [0.5, 1.0])
        >>> made.kind, made.uncovered, made.within
        ('dollars', 2.0, True)
        """
        d, b = aligned(deficit, LARGEST_USD, needed=needed)
        d, theta, *hints = checked_series(d, played, hint=hint)
        given, seen = hints[0] if hints else None, d > NOTHING_USD
        goal, own, is_own = self._played(d, b, theta, given)
        regret = self.bound(d, goal, own, given)
        kind, theorem, limit, constants = self.promise(Played(d[seen], goal[seen], own[seen]), regret)
        dollars, missed = kind == "dollars", lacking(theta * d, b)
        short = np.maximum(b - theta * d, 0.0) if dollars else np.where(missed, d, 0.0)
        beyond = math.fsum(np.maximum(b - d, 0.0) if dollars else d[lacking(d, b)])
        return Guarantee(
            kind=kind,
            theorem=theorem,
            limit=limit + beyond + math.fsum(d[~seen]) + ROUNDING * math.fsum(d + b),
            worst=math.fsum(b if dollars else d[b > 0.0]),
            uncovered=math.fsum(short),
            constants={**constants, "beyond_usd": beyond},
            assumptions={**regret.assumptions, "played by this learner": is_own},
        )

    def _played(
        self, d: Floats, b: Floats, theta: Floats, hint: Floats | None
    ) -> tuple[Floats, Floats, bool]:
        """Return theta*, the learner's own theta, and whether that is what was played, each (T,).

        B / D is rounded.  Where B is what the learner asks for, but for that, it may have seen its own theta
        or a point beside it, and what it plays next depends on which.  Both are tried.
        """
        plain, hints = target_severity(b, d), [None] * d.size if hint is None else hint.tolist()
        for snapped in (False, True):
            state, own, goal = self.start(), np.zeros(d.size), plain.copy()
            for t, (size, needed) in enumerate(zip(d.tolist(), b.tolist(), strict=True)):
                own[t] = x = self.predict(state, size, hints[t])
                if snapped and math.isclose(x * size, needed, rel_tol=1e-12):
                    goal[t] = x
                state = self.update(state, size, float(goal[t]), x, hints[t])
            if np.allclose(np.where(d > NOTHING_USD, own, theta), theta, rtol=0.0, atol=1e-7):
                return goal, own, True
        return plain, theta, False

    def promise(self, game: Played, regret: Bound) -> tuple[Uncovered, str, float, dict[str, float]]:
        """Return kind, theorem, limit and constants of the guarantee on the rounds that teach.

        From the regret: what is short costs ``under`` a dollar, so it is at most the loss over ``under``, and
        the loss is at most that of the best fixed severity plus the regret (nothing plus it, if dynamic).
        """
        best = 0.0
        if regret.kind == "static":
            best = best_fixed_severity(game.deficit, game.target, self.under, self.over)[1]
        constants = {"best_fixed_usd": best, "regret_bound_usd": regret.value}
        theorem = "sum [B - H]_+ <= (loss of the best fixed severity + Reg)/under + beyond D"
        return "dollars", theorem, (best + regret.value) / self.under, constants

    def constants(self, game: Played, state: State) -> dict[str, float]:
        """Return the theorem's constants, and as ``regret_usd`` what they add up to.

        ``game`` holds the rounds that teach, ``state`` is the one after them.
        """
        raise NotImplementedError

    def at_prior(self, deficit: Floats) -> float:
        """Return a bound, USD, on the regret against playing the prior throughout; infinite without one."""
        return math.inf
