"""Learners of severity: the game, the contract, and what all of them share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from adl_opt.checks import LARGEST_USD, number_between, whole_between
from adl_opt.losses import Loss, severity_loss, target_severity
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State
from adl_opt.severity.learners.bound import (
    NOTHING_USD,
    ROUNDING,
    Bound,
    Kind,
    aligned,
    best_fixed_severity,
    checked_series,
)
from adl_opt.severity.learners.guarantee import Guarantee, Uncovered, lacking


class Played(NamedTuple):
    """Rounds that were played: D in USD, theta*, theta and the hints, each (T,)."""

    deficit: Floats
    target: Floats
    theta: Floats
    hint: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Learner(Severity):
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

    prior: float = 0.5
    under: float = 1.0
    over: float = 1.0
    kind: ClassVar[Kind] = "static"
    domain: ClassVar[str] = "theta in [0, 1]"
    regulariser: ClassVar[str]
    step: ClassVar[str]
    theorem: ClassVar[str]
    uses_hint: ClassVar[bool] = False

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

    def starting(self, prior: float, instead_of: float = 0.5) -> Self:
        """Return the learner with another prior, where it has the one that is named."""
        return replace(self, prior=prior) if self.prior == instead_of else self

    def require(self, parameter: str, low: float, high: float, *, whole: bool = False) -> None:
        """Refuse a parameter outside its range, or that is not whole where it must be (UsageError)."""
        check = whole_between if whole else number_between
        check(f"severity {self.name!r}: {parameter}", getattr(self, parameter), low, high)

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

    def choose(self, state: State, round_: Round) -> float:
        """Return theta D, USD."""
        return self.predict(state, round_.deficit) * round_.deficit

    def learn(self, state: State, round_: Round, outcome: Outcome, budget: float) -> State:
        """Return the state after the round; a budget that is not the learner's own counts as budget / D."""
        deficit = round_.deficit
        if deficit <= NOTHING_USD:
            return state
        theta = self.predict(state, deficit)
        if theta * deficit != budget:
            theta = min(1.0, budget / deficit)
        return self.update(state, deficit, float(target_severity(outcome.needed, deficit)), theta)

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

    def regret(self, deficit: npt.ArrayLike, target: npt.ArrayLike, played: npt.ArrayLike) -> float:
        """Return the measured regret of the kind that :meth:`bound` bounds, USD."""
        d, goal, theta = checked_series(deficit, target, played=played)
        best = best_fixed_severity(d, goal, self.under, self.over)[1] if self.kind == "static" else 0.0
        return math.fsum(self.loss(d, goal, theta)) - best

    def bound(
        self,
        deficit: npt.ArrayLike,
        target: npt.ArrayLike,
        played: npt.ArrayLike,
        hint: npt.ArrayLike | None = None,
    ) -> Bound:
        """Return the learner's theorem with the constants as observed, or the worst loss if that is smaller.

        The regret is that of severities theta: it is also that of what is executed, as long as no capacity
        cuts theta D.

        Parameters
        ----------
        deficit : (T,) USD
        target, played : (T,)
            theta_t* and the severities that were played, in [0, 1].
        hint : (T,), optional
            The hints they were played with.

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
        own, state = self.run(self.start(), d, goal, hints[0] if hints else None)
        seen = d > NOTHING_USD
        game = Played(*(a[seen] for a in (d, goal, theta, *hints)))
        constants = self.constants(game, state) if seen.any() else {"regret_usd": 0.0}
        rounding = ROUNDING * math.fsum(self.steepest(d))
        value = constants.pop("regret_usd") + math.fsum(self.steepest(d[~seen]))
        return Bound(
            value=value + rounding,
            kind=self.kind,
            theorem=self.theorem,
            constants={**constants, "rounds": float(d.size), "rounding_usd": rounding},
            assumptions={"played by this learner": bool(np.array_equal(own, theta))},
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
        even = np.isclose(theta * d, b, rtol=1e-12, atol=0.0)  # b / d must not turn right into beside
        goal = np.where(even, theta, target_severity(b, d))
        given = hints[0] if hints else None
        own = np.allclose(self.run(self.start(), d, goal, given)[0], theta, rtol=0.0, atol=1e-7)
        regret = self.bound(d, goal, theta, given)
        seen = d > NOTHING_USD
        kind, theorem, limit, constants = self.promise(Played(d[seen], goal[seen], theta[seen]), regret)
        missed = lacking(theta * d, b)
        dollars = kind == "dollars"
        short = np.maximum(b - theta * d, 0.0) if dollars else np.where(missed, d, 0.0)
        beyond = math.fsum(np.maximum(b - d, 0.0) if dollars else d[lacking(d, b)])
        return Guarantee(
            kind=kind,
            theorem=theorem,
            limit=limit + beyond + ROUNDING * math.fsum(d + b),
            worst=math.fsum(b if dollars else d[b > 0.0]),
            uncovered=math.fsum(short),
            constants={**constants, "beyond_usd": beyond},
            assumptions={**regret.assumptions, "played by this learner": bool(own)},
        )

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
