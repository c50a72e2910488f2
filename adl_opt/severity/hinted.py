"""Severities that use hints: the hint alone, a learner with a hint, and all of them under AdaHedge.

The action is a budget in USD in [0, U]; here no severity asks for more than the deficit D.  Severity is at
most 1 by eq. 7, the learners' theorems are about [0, 1], and a hint that errs upwards is the costly case.
Where B > D (four rounds of October 10, $48,463 in all) the cap leaves B - D uncovered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.losses import target_severity
from adl_opt.parts import build, number_between, split_outside
from adl_opt.rounds import Outcome, Round
from adl_opt.severity import adahedge
from adl_opt.severity.base import Severity, State
from adl_opt.severity.bound import NOTHING_USD, Bound, best_fixed
from adl_opt.severity.exact import FtrlExact
from adl_opt.severity.hedge import Hedge
from adl_opt.severity.hints import HintModel, LinearImpact, MarketGap, SquareRoot, make_hint
from adl_opt.severity.learner import Learner, clipped
from adl_opt.severity.learners import LEARNERS

Rounds = Iterable[tuple[Round, Outcome]]


@dataclass(frozen=True, init=False)
class HintOnly(Severity):
    """The hint taken at its word.

    Rule: budget = min(Bhat, D); D / 2 in a round without flow (the point no severity is further from than
    one half).  No regret bound: the loss is at most the estimation error sum abs(B - Bhat) (Lemma 2).
    Source: section 5 of the paper.  Information: start of round.

    Parameters
    ----------
    hint : HintModel or str
    """

    hint: HintModel
    name: ClassVar[str] = "hint-only"
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
    bound on (R_t, min(1, B / R_t)) + sum [min(B, D) - R_t]_+, for capping both sides at D shortens no loss.

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
    domain: ClassVar[str] = "b in [0, D], USD"
    regulariser: ClassVar[str] = "the learner's"
    step: ClassVar[str] = "the learner's, on units of reach x Bhat (or advised)"
    theorem: ClassVar[str] = (
        "loss <= best multiple of the hint + the learner's bound + out of reach (eq. 22); "
        "with advice the learner's own"
    )

    def __init__(
        self,
        learner: Learner | str = "ftrl-exact",
        hint: HintModel | str = "market-gap",
        reach: float = 2.0,
    ) -> None:
        known = {**LEARNERS, Hedge.name: Hedge}
        made = build("learner", known, learner, {}) if isinstance(learner, str) else learner
        if not isinstance(made, Learner):
            raise UsageError(
                "severity 'hinted' needs a learner of severity",
                got=repr(learner),
                ways_out=["make one with make_severity('ftrl-exact')", "use hint-only for a hint by itself"],
            )
        object.__setattr__(self, "learner", made)
        object.__setattr__(self, "hint", _hint(hint))
        object.__setattr__(self, "reach", number_between("severity 'hinted': reach", reach, 1.0, 1000.0))

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

    def bound(self, rounds: Rounds) -> Bound | None:
        """Return the theorem's bound on these rounds; None for advice that some rounds had and others not.

        With advice it is of the learner's kind; on units it bounds the dynamic regret itself.
        """
        state, units, targets, advices, beyond = self.start(), [], [], [], 0.0
        for round_, outcome in rounds:
            unit, advice = self.game(state, round_)
            goal = min(outcome.needed, round_.deficit)
            if round_.deficit > NOTHING_USD:
                units.append(unit)
                targets.append(float(target_severity(goal, unit)))
                advices.append(advice)
                beyond += max(0.0, goal - unit)
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
        best = best_fixed(d, goal_, self.learner.under, self.learner.over)[1] if own.kind == "static" else 0.0
        return Bound(
            value=own.value + best + beyond,
            kind="dynamic",
            theorem=f"loss <= best multiple of the hint + {own.theorem} + out of reach",
            constants={"learner_usd": own.value, "best_multiple_usd": best, "out_of_reach_usd": beyond},
            assumptions=own.assumptions,
        )

    def label(self) -> str:
        """Return the name with those of learner and hint."""
        short = f"{self.reach:g}"
        reach = "" if self.reach == 2.0 else f", reach={short if float(short) == self.reach else self.reach}"
        return f"{self.name}({self.learner.label()}, {self.hint.label()}{reach})"


def default_members() -> tuple[Severity, ...]:
    """Return a learner without hints, and each hint, at its word and under that learner."""
    hints: Sequence[HintModel] = (MarketGap(), LinearImpact(), SquareRoot())
    alone = [HintOnly(hint=hint) for hint in hints]
    return (FtrlExact(), *alone, *(Hinted(learner=FtrlExact(), hint=hint) for hint in hints))


@dataclass(frozen=True, init=False)
class HedgedHints(Severity):
    """AdaHedge over severities with and without hints; the weighted mean of their budgets is asked for.

    Rule: each member plays on, as if alone; weights proportional to exp(-eta L_k), L_k its summed abs(min(b,
    D) - min(B, D)), eta = log K / (summed mixability gap).

    Theorem (static, where a member is a learner): Reg <= 2 gap_T + that learner's own bound; and whatever
    happens the loss is at most 2 gap_T above the best member's, hints included.  Proof: convexity, de Rooij
    et al. (2014), Thm 8.

    Defaults: ``ftrl-exact`` without a hint, which carries the bound when hints fail, and each hint at its
    word and under ``ftrl-exact``.

    Source: Cesa-Bianchi, Lugosi (2006), ch. 2; eq. 22 of the paper.  Information: start of round.

    Parameters
    ----------
    members : tuple of Severity or str, optional
        At least two that decide at the start of the round; or their names with ``|`` between.
    """

    members: tuple[Severity, ...]
    name: ClassVar[str] = "hedged-hints"
    domain: ClassVar[str] = "b in [0, D], USD"
    regulariser: ClassVar[str] = "entropy over members"
    step: ClassVar[str] = "log K/(summed mixability gap)"
    theorem: ClassVar[str] = "Reg <= 2 gap_T + a member's bound (AdaHedge: de Rooij et al. 2014, Thm 8)"

    def __init__(self, members: tuple[Severity, ...] | str | None = None) -> None:
        if isinstance(members, str):
            from adl_opt.severity.catalogue import make_severity

            members = tuple(make_severity(name) for name in split_outside(members, "|"))
        chosen = default_members() if members is None else members
        if not isinstance(chosen, tuple) or len(chosen) < 2:
            raise UsageError(
                "severity 'hedged-hints' needs a tuple of at least two members",
                got=repr(members),
                ways_out=["add a member", "use the one member by itself"],
            )
        object.__setattr__(self, "members", chosen)

    def start(self) -> State:
        """Return the members' states, no losses."""
        return {"members": [m.start() for m in self.members], "losses": [0.0] * len(self.members), "gap": 0.0}

    def _budgets(self, state: State, round_: Round) -> list[float]:
        pairs = zip(self.members, state["members"], strict=True)
        return [clipped(member.choose(s, round_), 0.0, round_.deficit) for member, s in pairs]

    def choose(self, state: State, round_: Round) -> float:
        """Return the weighted mean of the members' budgets, USD."""
        weight = adahedge.weights(np.array(state["losses"]), state["gap"])
        return clipped(float(weight @ np.array(self._budgets(state, round_))), 0.0, round_.deficit)

    def learn(self, state: State, round_: Round, outcome: Outcome, budget: float) -> State:
        """Return the members' states, their losses and the mixability gap after the round."""
        own, losses = self._budgets(state, round_), np.array(state["losses"])
        new = np.abs(np.array(own) - min(outcome.needed, round_.deficit))
        weight = adahedge.weights(losses, state["gap"])
        triples = zip(self.members, state["members"], own, strict=True)
        return {
            "members": [m.learn(s, round_, outcome, b) for m, s, b in triples],
            "losses": (losses + new).tolist(),
            "gap": adahedge.gap_after(losses, state["gap"], new, weight),
        }

    def bound(self, rounds: Rounds) -> Bound | None:
        """Return the static bound through the first member that is a learner; the dynamic one without."""
        seen = list(rounds)
        state = self.start()
        for round_, outcome in seen:
            state = self.learn(state, round_, outcome, 0.0)
        deficit = np.array([r.deficit for r, _ in seen])
        target = target_severity([o.needed for _, o in seen], deficit)
        mixing = adahedge.regret_bound(state["gap"], deficit, len(self.members))
        learner = next((m for m in self.members if isinstance(m, Learner)), None)
        rounding = 1e-10 * math.fsum(deficit)
        if learner is None:
            best = min(state["losses"])
            return Bound(
                value=mixing + best + rounding,
                kind="dynamic",
                theorem="loss <= best member + 2 gap_T (AdaHedge: de Rooij et al. 2014, Thm 8)",
                constants={"mixing_usd": mixing, "best_member_usd": best},
            )
        own = learner.bound(deficit, target, learner.run(learner.start(), deficit, target)[0])
        return Bound(
            value=mixing + own.value + rounding,
            kind=own.kind,
            theorem=f"Reg <= 2 gap_T + {own.theorem}",
            constants={"mixing_usd": mixing, "learner_usd": own.value},
            assumptions=own.assumptions,
        )

    def label(self) -> str:
        """Return the name, with the members' where they are not the default."""
        usual = self.members == default_members()
        return self.name if usual else f"{self.name}({' | '.join(m.label() for m in self.members)})"


def _hint(hint: HintModel | str) -> HintModel:
    return make_hint(hint) if isinstance(hint, str) else hint
