"""Severities that use hints: the hint alone, and a learner with a hint.

The action is a budget in USD in [0, U]; here no severity asks for more than the deficit D.  Severity is at
most 1 by eq. 7, the learners' theorems are about [0, 1], and a hint that errs upwards is the costly case.
Where B > D (four rounds of October 10, $48,463 in all) the cap leaves B - D uncovered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from adl_opt.checks import number_between
from adl_opt.errors import UsageError
from adl_opt.losses import Loss, target_severity
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State, make_severity
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.severity.learners.bound import NOTHING_USD, ROUNDING, Bound, best_fixed_severity
from adl_opt.severity.learners.learner import Learner


@dataclass(frozen=True, init=False)
class HintOnly(Severity):
    """The hint alone decides the budget.

    Rule: budget = min(Bhat, D); D / 2 in a round without flow (the point no severity is further from than
    one half).  No regret bound: the loss is at most the estimation error sum abs(B - Bhat) (Lemma 2).
    Source: section 5 of the paper.  Information: start of round.

    Parameters
    ----------
    hint : HintModel or str
    """

    hint: HintModel
    name: ClassVar[str] = "hint-only"
    without_flow: ClassVar[str] = "D / 2"
    domain: ClassVar[str] = "b in [0, D], USD"
    regulariser: ClassVar[str] = "none"
    step: ClassVar[str] = "none (the hint's own)"
    theorem: ClassVar[str] = "loss <= sum |B - Bhat|, the estimation error (Lemma 2)"

    def __init__(self, hint: HintModel | str = "market-gap") -> None:
        object.__setattr__(self, "hint", _hint(hint))

    def start(self) -> State:
        """Return the hint's state."""
        return self.hint.start()

    def choose(self, state: State, round_: Round) -> float:
        """Return min(Bhat, D), USD."""
        guess = self.hint.predict(state, round_)
        return 0.5 * round_.deficit if guess is None else min(guess, round_.deficit)

    def learn(self, state: State, round_: Round, outcome: Outcome, budget: float) -> State:
        """Return the hint's state after the round."""
        return self.hint.update(state, round_, outcome)

    def label(self) -> str:
        """Return the name with the hint's."""
        return f"{self.name}({self.hint.label()})"


@dataclass(frozen=True, init=False)
class Hinted(Severity):
    """A learner with a hint: as its advice where the learner takes one, otherwise as its unit of money.

    Rule: a learner that takes hints (``optimistic-ftrl``) plays theta D, told theta-hat = min(1, Bhat / D).
    Any other learner plays a share of reach x Bhat in place of D, so that it learns by how much the hint is
    wrong: theta = 1 / reach is the hint at its word.  No more than D is asked for.  A round without flow is
    played on D.

    Theorem: with advice, the learner's own.  On units R_t = reach Bhat_t (any sequence known before the
    round will do): sum abs(min(b, D) - min(B, D)) <= min_c sum abs(c R_t - min(B, D, R_t)) + the learner's
    bound on (R_t, min(1, B / R_t)) + under sum [min(B, D) - R_t]_+, for capping both sides at D shortens no
    loss.

    Defaults: reach = 2 puts the hint at 1/2, the learners' prior: as far from nothing as from twice the hint.

    Source: eq. 22 of the paper; Rakhlin, Sridharan (2013) for advice.  Information: start of round.

    Parameters
    ----------
    learner : Learner or str
    hint : HintModel or str
    reach : float
        Largest multiple of the hint that can be played, in [1, 1000].
    """

    learner: Learner
    hint: HintModel
    reach: float
    name: ClassVar[str] = "hinted"
    without_flow: ClassVar[str] = "its learner alone"
    domain: ClassVar[str] = "b in [0, D], USD"
    regulariser: ClassVar[str] = "the learner's"
    step: ClassVar[str] = "the learner's, on units of reach x Bhat (or advised)"
    theorem: ClassVar[str] = (
        "loss <= best multiple of the hint + the learner's bound + out of reach (eq. 22); "
        "with advice the learner's own"
    )

    def __init__(
        self, learner: Learner | str = "ftrl-exact", hint: HintModel | str = "market-gap", reach: float = 2.0
    ) -> None:
        made = make_severity(learner) if isinstance(learner, str) else learner
        if not isinstance(made, Learner):
            raise UsageError(
                "severity 'hinted' needs a learner of severity",
                got=repr(learner),
                ways_out=["make one with make_severity('ftrl-exact')", "use hint-only for a hint by itself"],
            )
        object.__setattr__(self, "learner", made)
        object.__setattr__(self, "hint", _hint(hint))
        object.__setattr__(self, "reach", number_between("severity 'hinted': reach", reach, 1.0, 1000.0))

    def on(self, loss: Loss) -> Self:
        """Return the severity with its learner on a loss."""
        return replace(self, learner=self.learner.on(loss))

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
        """Return the budget, USD, at most D."""
        unit, advice = self.game(state, round_)
        return min(self.learner.predict(state["learner"], unit, advice) * unit, round_.deficit)

    def learn(self, state: State, round_: Round, outcome: Outcome, budget: float) -> State:
        """Return both states after the round."""
        unit, advice = self.game(state, round_)
        learner = state["learner"]
        if unit > NOTHING_USD:
            theta = self.learner.predict(learner, unit, advice)
            target = float(target_severity(min(outcome.needed, round_.deficit), unit))
            learner = self.learner.update(learner, unit, target, theta, advice)
        return {"learner": learner, "hint": self.hint.update(state["hint"], round_, outcome)}

    def bound(self, rounds: Iterable[tuple[Round, Outcome]]) -> Bound | None:
        """Return the theorem's bound on these rounds; None for advice that some rounds had and others not.

        With advice it is of the learner's kind; on units it bounds the dynamic regret itself.  It is about
        min(b, D), and never above the worst loss; what capacity cuts further is not in it.
        """
        state, units, targets, advices, beyond = self.start(), [], [], [], 0.0
        seen = list(rounds)
        for round_, outcome in seen:
            unit, advice = self.game(state, round_)
            goal = min(outcome.needed, round_.deficit)
            if round_.deficit > NOTHING_USD:
                units.append(unit)
                targets.append(float(target_severity(goal, unit)))
                advices.append(advice)
                beyond += self.learner.under * max(0.0, goal - unit)
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
        loss = Loss(under=self.learner.under, over=self.learner.over)
        return bound.within(loss.worst([o.needed for _, o in seen], [r.deficit for r, _ in seen]))

    def label(self) -> str:
        """Return the name with those of learner and hint."""
        short = f"{self.reach:g}"
        reach = "" if self.reach == 2.0 else f", reach={short if float(short) == self.reach else self.reach}"
        return f"{self.name}({self.learner.label()}, {self.hint.label()}{reach})"


def _hint(hint: HintModel | str) -> HintModel:
    return make_hint(hint) if isinstance(hint, str) else hint
