"""Severities that use hints: the hint alone, and a learner with a hint.

The action is a budget in USD within the domain of the loss: the capacity U, or min(D, U) where haircuts are
limited to the deficit as in the paper.  A hint may ask for more than D, so that B > D can be covered (four
rounds of October 10).  In a round without flow, and for a learner with advice, no more than D is asked for:
shares of U would ask for 20 to 48,000 times the deficit there.  A round without a deficit asks for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from adl_opt.checks import number_between, one_of
from adl_opt.errors import UsageError
from adl_opt.losses import LIMITS, Loss, goal_of, most_of, target_severity
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State, make_severity
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.severity.learners.bound import NOTHING_USD, ROUNDING, Bound, best_fixed_severity
from adl_opt.severity.learners.learner import Learner

HINT: str = default("hinted", "hint")
LEARNER: str = default("hinted", "learner")
REACH: float = default("hinted", "reach")


@dataclass(frozen=True, init=False)
class HintOnly(Severity):
    """The hint alone decides the budget.

    Rule: budget = min(Bhat, domain); D / 2 in a round without flow (the point no severity is further from
    than one half).  No regret bound: the loss is at most the estimation error sum abs(B - Bhat) (Lemma 2).
    Source: section 5 of the paper.  Information: start of round.

    Parameters
    ----------
    hint : HintModel or str
    limit : str
        ``capacity`` or ``deficit``: see :class:`adl_opt.Loss`.
    """

    hint: HintModel
    limit: str
    name: ClassVar[str] = "hint-only"
    without_flow: ClassVar[str] = "D / 2"
    domain: ClassVar[str] = "b in [0, U], USD"
    regulariser: ClassVar[str] = "none"
    step: ClassVar[str] = "none (the hint's own)"
    theorem: ClassVar[str] = "loss <= sum |B - Bhat|, the estimation error (Lemma 2)"

    def __init__(self, hint: HintModel | str = HINT, limit: str = "capacity") -> None:
        object.__setattr__(self, "hint", _hint(hint))
        object.__setattr__(self, "limit", one_of("severity 'hint-only': limit", limit, LIMITS))

    def on(self, loss: Loss) -> Self:
        """Return the severity within the limit of a loss."""
        return replace(self, limit=loss.limit)

    def start(self) -> State:
        """Return the hint's state."""
        return self.hint.start()

    def choose(self, state: State, round_: Round) -> float:
        """Return min(Bhat, domain), USD."""
        guess = self.hint.predict(state, round_) if round_.deficit > NOTHING_USD else None
        return min(0.5 * round_.deficit if guess is None else guess, most_of(round_, self.limit))

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the hint's state after the round."""
        return self.hint.update(state, round_, outcome)

    def label(self) -> str:
        """Return the name with the hint's."""
        return f"{self.name}({self.hint.label()}{_limit(self.limit)})"


@dataclass(frozen=True, init=False)
class Hinted(Severity):
    """A learner with a hint: as its advice where the learner takes one, otherwise as its unit of money.

    Rule: a learner that takes hints (``optimistic-ftrl``) plays theta D, told theta-hat = min(1, Bhat / D).
    Any other learner plays a share of reach x Bhat in place of D, so that it learns by how much the hint is
    wrong: theta = 1 / reach is the hint at its word, and the learner's prior.  No more than the domain is
    asked for.  A round without flow is played on D.

    Theorem: with advice, the learner's own.  On units R_t = reach Bhat_t (any sequence known before the
    round will do), with W the domain of the round: sum abs(min(b, W) - B) <= min_c sum abs(c R_t - min(B, W,
    R_t)) + the learner's bound on (R_t, min(1, B / R_t)) + under sum [B - min(W, R_t)]_+, for capping both
    sides at W shortens no loss.  It is about the executed budget, as W is at most U.  Where haircuts are
    limited to the deficit, min(B, D) takes the place of B.

    Defaults: reach = 2 puts the hint at 1/2: as far from nothing as from twice the hint.

    Source: eq. 22 of the paper; Rakhlin, Sridharan (2013) for advice.  Information: start of round.

    Parameters
    ----------
    learner : Learner or str
    hint : HintModel or str
    reach : float
        Largest multiple of the hint that can be played, in [1, 1000].  A learner on units whose prior is at
        its default 1/2 starts at 1 / reach, the hint itself.
    limit : str
        ``capacity`` or ``deficit``: see :class:`adl_opt.Loss`.
    """

    learner: Learner
    hint: HintModel
    reach: float
    limit: str
    name: ClassVar[str] = "hinted"
    without_flow: ClassVar[str] = "its learner alone"
    domain: ClassVar[str] = "b in [0, U], USD"
    regulariser: ClassVar[str] = "the learner's"
    step: ClassVar[str] = "the learner's, on units of reach x Bhat (or advised)"
    theorem: ClassVar[str] = (
        "loss <= best multiple of the hint + the learner's bound + out of reach (eq. 22); "
        "with advice the learner's own"
    )

    def __init__(
        self,
        learner: Learner | str = LEARNER,
        hint: HintModel | str = HINT,
        reach: float = REACH,
        limit: str = "capacity",
    ) -> None:
        made = make_severity(learner) if isinstance(learner, str) else learner
        if not isinstance(made, Learner):
            raise UsageError(
                "severity 'hinted' needs a learner of severity",
                got=repr(learner),
                ways_out=["make one with make_severity('ftrl-exact')", "use hint-only for a hint by itself"],
            )
        reach = number_between("severity 'hinted': reach", reach, 1.0, 1000.0)
        object.__setattr__(self, "learner", made if made.uses_hint else made.starting(_start(reach)))
        object.__setattr__(self, "hint", _hint(hint))
        object.__setattr__(self, "reach", reach)
        object.__setattr__(self, "limit", one_of("severity 'hinted': limit", limit, LIMITS))

    def on(self, loss: Loss) -> Self:
        """Return the severity with its learner on a loss, within the limit of that."""
        return replace(self, learner=self.learner.on(loss), limit=loss.limit)

    def start(self) -> State:
        """Return the states of learner and hint."""
        return {"learner": self.learner.start(), "hint": self.hint.start()}

    def game(self, state: State, round_: Round) -> tuple[float, float | None]:
        """Return the unit that the learner plays a share of, USD, and its advice (a severity)."""
        guess = self.hint.predict(state["hint"], round_)
        if guess is None or round_.deficit <= NOTHING_USD:
            return round_.deficit, None
        if self.learner.uses_hint:
            return round_.deficit, float(target_severity(guess, round_.deficit))
        return self.reach * guess, None

    def choose(self, state: State, round_: Round) -> float:
        """Return the budget, USD, within the domain."""
        unit, advice = self.game(state, round_)
        return min(self.learner.predict(state["learner"], unit, advice) * unit, most_of(round_, self.limit))

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return both states after the round."""
        unit, advice = self.game(state, round_)
        learner = state["learner"]
        if unit > NOTHING_USD:
            theta = self.learner.predict(learner, unit, advice)
            goal = min(outcome.needed, most_of(round_, self.limit))
            target = float(target_severity(goal, unit))
            learner = self.learner.update(learner, unit, target, theta, advice)
        return {"learner": learner, "hint": self.hint.update(state["hint"], round_, outcome)}

    def bound(self, rounds: Iterable[tuple[Round, Outcome]]) -> Bound | None:
        """Return the theorem's bound on these rounds; None for advice that some rounds had and others not.

        With advice it is of the learner's kind; on units it bounds the dynamic regret itself, and the loss of
        what is executed.  It is never above the worst loss.
        """
        state, units, targets, advices, beyond, worst = self.start(), [], [], [], 0.0, 0.0
        under, over = self.learner.under, self.learner.over
        for round_, outcome in rounds:
            unit, advice = self.game(state, round_)
            most, goal = most_of(round_, self.limit), goal_of(round_, outcome, self.limit)
            top = min(unit, most)
            if round_.deficit > NOTHING_USD:
                units.append(unit)
                targets.append(float(target_severity(min(goal, most), unit)))
                advices.append(advice)
            beyond += under * max(0.0, goal - top)
            worst += max(under * goal, over * max(0.0, top - goal))
            state = self.learn(state, round_, outcome, 0.0)
        if len({advice is None for advice in advices}) > 1:
            return None
        d, goal_, hints = np.array(units), np.array(targets), None
        if advices and advices[0] is not None:
            hints = np.array(advices, dtype=np.float64)
        played, _ = self.learner.run(self.learner.start(), d, goal_, hints)
        own = self.learner.bound(d, goal_, played, hints)
        if self.learner.uses_hint:
            return own
        best = (
            best_fixed_severity(d, goal_, self.learner.under, self.learner.over)[1]
            if own.kind == "static"
            else 0.0
        )
        value, theorem = own.value + best, f"loss <= best multiple of the hint + {own.theorem} + out of reach"
        constants = {"learner_usd": own.value, "best_multiple_usd": best, "out_of_reach_usd": beyond}
        at_prior = self.learner.at_prior(d)
        if at_prior < math.inf:
            still = math.fsum(self.learner.loss(d, goal_, np.full(d.size, self.learner.prior)))
            constants |= {"at_prior_usd": at_prior, "prior_multiple_usd": still}
            rounding = ROUNDING * math.fsum(self.learner.steepest(d))
            if still + at_prior + rounding < value:
                value = still + at_prior + rounding
                theorem = "loss <= the hint times reach x prior + sum H e + out of reach (coin-betting)"
        bound = Bound(
            value=value + beyond,
            kind="dynamic",
            theorem=theorem,
            constants=constants,
            assumptions=own.assumptions,
        )
        return bound.within(worst)

    def label(self) -> str:
        """Return the name with those of learner and hint."""
        short = f"{self.reach:g}"
        reach = (
            "" if self.reach == REACH else f", reach={short if float(short) == self.reach else self.reach}"
        )
        learner = self.learner
        if not learner.uses_hint:
            learner = learner.starting(default("learner", "prior"), instead_of=_start(self.reach))
        return f"{self.name}({learner.label()}, {self.hint.label()}{reach}{_limit(self.limit)})"


def _hint(hint: HintModel | str) -> HintModel:
    return make_hint(hint) if isinstance(hint, str) else hint


def _limit(limit: str) -> str:
    return "" if limit == "capacity" else f", limit={limit}"


def _start(reach: float) -> float:
    """Return the hint at its word as a share of its reach; below 1, which some regularisers do not reach."""
    return 1.0 / max(reach, 1.00001)
