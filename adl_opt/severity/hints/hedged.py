"""Severities with and without hints under AdaHedge: as good as the best of them, but for the mixing.

A hint may ask for many times the deficit, and a wrong one costs as much as it asks for.  So members stay
within ``reach`` times the largest need so far, as a share of the deficit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from adl_opt.checks import number_between, one_of
from adl_opt.errors import UsageError
from adl_opt.losses import LIMITS, Loss, goal_of, most_of, target_severity
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State, severities_of
from adl_opt.severity.defaults import default
from adl_opt.severity.learners import adahedge
from adl_opt.severity.learners.bound import NOTHING_USD, ROUNDING, Bound
from adl_opt.severity.learners.learner import Learner, clip


def hedged_members(first: str, learner: str, hints: Sequence[str]) -> tuple[Severity, ...]:
    """Return a learner without hints, each hint at its word, and each under a learner.

    Examples
    --------
    >>> [member.label() for member in hedged_members("ftrl-exact", "ogd", ["fixed-gap"])]
    ['ftrl-exact', 'hint-only(fixed-gap)', 'hinted(ogd, fixed-gap)']
    """
    alone, under = (f"hint-only({hint})" for hint in hints), (f"hinted({learner}, {hint})" for hint in hints)
    return severities_of(" | ".join([first, *alone, *under]))


@dataclass(frozen=True, init=False)
class HedgedHints(Severity):
    """AdaHedge over severities with and without hints; the weighted mean of their budgets is asked for.

    Rule: each member plays on, as if alone; weights proportional to exp(-eta L_k), L_k its summed loss of
    min(b, domain) against B, eta = log K / (summed mixability gap).  The domain is at most U, and at most
    reach times D times the largest B / D so far, which counts as 1 at first.

    Theorem (static, where a member is a learner): Reg <= 2 gap_T + that learner's own bound; and whatever
    happens the loss is at most 2 gap_T above the best member's, hints included, each within the domain.  The
    gap counts the loss of the mean, which is at most the mean loss.  The theorem is about the executed
    budget, as the domain is at most U.  Proof: convexity in the budget, de Rooij et al. (2014), Thm 8.  Where
    haircuts are limited to the deficit, min(B, D) takes the place of B.

    Defaults: ``ftrl-exact`` without a hint, which carries the bound when hints fail, and each hint at its
    word and under ``ftrl-exact``; reach = 4, two doublings of what was seen.

    Source: Cesa-Bianchi, Lugosi (2006), ch. 2; eq. 22 of the paper; domains that grow with what was seen as
    in Cutkosky (2019).  Information: start of round.

    Parameters
    ----------
    members : tuple of Severity or str, optional
        At least two that decide at the start of the round; or their names with ``|`` between.
    under, over : float
        USD of loss per USD of undershoot and of overshoot.
    limit : str
        ``capacity`` or ``deficit``: see :class:`adl_opt.Loss`.
    reach : float
        At most this many times the largest B / D so far is asked for, in shares of D; in [1, 1e9].
    """

    members: tuple[Severity, ...]
    under: float
    over: float
    limit: str
    reach: float
    name: ClassVar[str] = "hedged-hints"
    without_flow: ClassVar[str] = "its members without hints"
    domain: ClassVar[str] = "b in [0, U], USD"
    regulariser: ClassVar[str] = "entropy over members"
    step: ClassVar[str] = "log K/(summed mixability gap)"
    theorem: ClassVar[str] = (
        "Reg <= 2 gap_T + raised + a member's bound (AdaHedge: de Rooij et al. 2014, Thm 8)"
    )

    def __init__(
        self,
        members: tuple[Severity, ...] | str | None = None,
        *,
        under: float = 1.0,
        over: float = 1.0,
        limit: str = "capacity",
        reach: float = default("hedged-hints", "reach"),
    ) -> None:
        if isinstance(members, str):
            members = severities_of(members)
        chosen = self.usual() if members is None else members
        if not isinstance(chosen, tuple) or len(chosen) < 2:
            raise UsageError(
                f"severity {self.name!r} needs a tuple of at least two members",
                got=repr(members),
                ways_out=["add a member", "use the one member by itself"],
            )
        object.__setattr__(self, "members", chosen)
        for name, value in (("under", under), ("over", over)):
            weight = number_between(f"severity {self.name!r}: {name}", value, 1e-6, 1e6)
            object.__setattr__(self, name, weight)
        object.__setattr__(self, "limit", one_of(f"severity {self.name!r}: limit", limit, LIMITS))
        object.__setattr__(self, "reach", number_between(f"severity {self.name!r}: reach", reach, 1.0, 1e9))

    @staticmethod
    def usual() -> tuple[Severity, ...]:
        """Return the members by default."""
        return hedged_members(**default("hedged-hints", "members"))

    def on(self, loss: Loss) -> Self:
        """Return the severity and its members on a loss; weights of its own, not both 1, stay."""
        if (self.under, self.over) != (1.0, 1.0):
            loss = replace(loss, under=self.under, over=self.over)
        members = tuple(m.on(loss) for m in self.members)
        return replace(self, members=members, under=loss.under, over=loss.over, limit=loss.limit)

    def start(self) -> State:
        """Return the members' states, no losses, and no need above the deficit seen."""
        losses = adahedge.no_losses(len(self.members))
        return {"members": [m.start() for m in self.members], "largest": 1.0} | losses

    def _budgets(self, state: State, round_: Round) -> list[float]:
        most = min(most_of(round_, self.limit), self.reach * state["largest"] * round_.deficit)
        pairs = zip(self.members, state["members"], strict=True)
        return [clip(member.choose(s, round_), 0.0, most) for member, s in pairs]

    def _mixed(self, state: State, own: list[float]) -> float:
        """Return the weighted mean of the members' budgets, USD."""
        return clip(adahedge.mean(state, np.array(own)), min(own), max(own))

    def choose(self, state: State, round_: Round) -> float:
        """Return the weighted mean of the members' budgets, USD."""
        return self._mixed(state, self._budgets(state, round_))

    def _mixing(self, gap: float, spread: Floats) -> float:
        """Return how far above the best member the mean may have ended, USD."""
        return adahedge.regret_bound(gap, spread, len(self.members))

    def _losses(self, budgets: list[float], goal: float) -> Floats:
        return Loss(under=self.under, over=self.over).tracking(budgets, goal)

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the members' states, their losses and the mixability gap after the round."""
        own = self._budgets(state, round_)
        *new, paid = self._losses([*own, self._mixed(state, own)], goal_of(round_, outcome, self.limit))
        triples = zip(self.members, state["members"], own, strict=True)
        largest, members = state["largest"], [m.learn(s, round_, outcome, b) for m, s, b in triples]
        if round_.deficit > NOTHING_USD:
            largest = max(largest, outcome.needed / round_.deficit)
        return {"members": members, "largest": largest} | adahedge.after(state, np.array(new), float(paid))

    def bound(self, rounds: Iterable[tuple[Round, Outcome]]) -> Bound | None:
        """Return the smaller of two bounds, both from what is known after the rounds.

        The dynamic one goes through the best member.  The static one goes through the first member that is a
        learner with the same weights; its value bounds no dynamic regret.  Neither is above the worst loss.
        """
        seen, state, spread, worst, beyond, raised = list(rounds), self.start(), [], 0.0, 0.0, 0.0
        steep = max(self.under, self.over)
        for round_, outcome in seen:
            own, goal = self._budgets(state, round_), goal_of(round_, outcome, self.limit)
            played = self.choose(state, round_)
            low, high = min(*own, played), max(*own, played)
            mixed, paid = self._losses([self._mixed(state, own), played], goal)
            raised += max(0.0, float(paid - mixed))
            spread.append(steep * (max(own) - min(own)))
            worst += max(self.under * max(0.0, goal - low), self.over * max(0.0, high - goal))
            beyond += self.under * max(0.0, goal - min(round_.deficit, most_of(round_, self.limit)))
            state = self.learn(state, round_, outcome, played)
        mixing = self._mixing(state["gap"], np.array(spread))
        rounding, best = (
            ROUNDING * math.fsum(steep * r.deficit + s for (r, _), s in zip(seen, spread, strict=True)),
            min(state["losses"]),
        )
        mixing_usd = {"mixing_usd": mixing, "raised_usd": raised}
        known = Bound(
            value=mixing + raised + best + rounding,
            kind="dynamic",
            theorem="loss <= best member + 2 gap_T + raised (AdaHedge: de Rooij et al. 2014, Thm 8)",
            constants={**mixing_usd, "best_member_usd": best},
        )
        weights = (self.under, self.over)
        learners = (m for m in self.members if isinstance(m, Learner) and (m.under, m.over) == weights)
        learner = next(learners, None)
        if learner is None:
            return known.within(worst)
        deficit = np.array([r.deficit for r, _ in seen])
        target = target_severity([o.needed for _, o in seen], deficit)
        through_it = learner.bound(deficit, target, learner.run(learner.start(), deficit, target)[0])
        through = Bound(
            value=mixing + raised + through_it.value + beyond + rounding,
            kind=through_it.kind,
            theorem=f"Reg <= 2 gap_T + raised + {through_it.theorem} + beyond D",
            constants={**mixing_usd, "learner_usd": through_it.value, "beyond_usd": beyond},
            assumptions=through_it.assumptions,
        )
        return min(known, through, key=lambda bound: bound.value).within(worst)

    def label(self) -> str:
        """Return the name, with the members' where they are not the default, and with weights."""
        given = self._given()
        return f"{self.name}({', '.join(given)})" if given else self.name

    def _given(self) -> list[str]:
        """Return the parameters that are not at their default, as :func:`make_severity` reads them."""
        weights = {"under": self.under, "over": self.over}
        own = Loss(under=self.under, over=self.over, limit=self.limit)
        given = [f"{name}={value:g}" for name, value in weights.items() if value != 1.0]
        if self.limit != "capacity":
            given.append(f"limit={self.limit}")
        if self.reach != default("hedged-hints", "reach"):
            given.append(f"reach={self.reach}")
        if [m.on(own) for m in self.members] != [m.on(own) for m in self.usual()]:
            given.insert(0, " | ".join(m.label() for m in self.members))
        return given
