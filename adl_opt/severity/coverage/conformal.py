"""Conformal budgets: at most a share alpha of the rounds stays uncovered, in the long run, on any sequence.

The budget is a multiple q of the unit.  A round is missed if more could be reached and was needed.  Four
rules say how q moves.  Two of them step up after a miss and down after a covered round.  The other two let a
learner of the quantile propose q, and add a lift that grows with the excess of misses over alpha, until all
that can be reached is asked for.  The lift alone carries the theorem, whatever the learner proposes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from adl_opt.checks import number_between, one_of
from adl_opt.severity.base import State
from adl_opt.severity.coverage.covering import Covering, Seen
from adl_opt.severity.defaults import default
from adl_opt.severity.learners.adaptive import StronglyAdaptive
from adl_opt.severity.learners.ftrl import FtrlQuadratic
from adl_opt.severity.learners.guarantee import EVEN, Guarantee
from adl_opt.severity.learners.learner import Learner, clip

STEPPING = ("fixed-step", "decaying")
RULES = (*STEPPING, "pid", "strongly-adaptive")
FASTER = 0.1
"""Steps decay as t^-(1/2 + this): the choice of Angelopoulos, Barber and Bates (2024)."""


@dataclass(frozen=True)
class Conformal(Covering):
    """A multiple of the unit that misses at most a share alpha of the rounds.

    Rule: a round is missed, err = 1, if H < min(B, reach h, domain).  H = min(q h, domain), 0 <= q <= reach.
    ``fixed-step``: q <- max(0, q + step (err - alpha)), from q1 = min(reach, 1 + step), or 1 without a hint.
    ``decaying``: the same with steps step / t^0.6.  ``pid``: q = p + reach E / sqrt(t), clipped; p is played
    by ``ftrl-quadratic`` on the quantile loss with weights 1 - alpha below and alpha above, and E <- max(0, E
    + err - alpha) counts excess misses.  ``strongly-adaptive``: the same, with p from the learner
    ``strongly-adaptive``.

    Theorem: the rounds with H < B number at most alpha T + s + the rounds out of reach (B > reach h or above
    the domain), for every sequence.  ``fixed-step``: s = (reach - q1) / step + 1 - alpha, and on every
    stretch of rounds s = reach / step + 1 - alpha.  ``decaying``: s = (reach + (1 - alpha) step) / step_T -
    q1 / step.  ``pid`` and ``strongly-adaptive``: s = sqrt(T) + 1 - alpha.  Proof: no round is missed where q
    >= reach, so q (or E / sqrt(t)) passes reach by one step at most; the sum of err - alpha is at most the
    rise of q over the step (Abel's sum where steps decay), or E itself, as floors at 0 only lift.

    Defaults: step = 1, a miss adds one hint and a covered round takes alpha of one back; reach = 2; alpha =
    0.05.  On a hint the first two rules start as after a miss.  By default that is the reach, and s is below
    one round.

    Source: Gibbs, Candes (2021); Angelopoulos, Barber, Bates (2024) for decaying steps; Angelopoulos, Candes,
    Tibshirani (2023), conformal PID, whose lift saturates too; Bhatnagar, Wang, Xiong, Bai (2023) for
    strong adaptivity.  Information: start of round.

    Parameters
    ----------
    alpha, hint, reach, limit
        See :class:`~adl_opt.severity.coverage.covering.Covering`; alpha is a share of the rounds.
    rule : str
        ``fixed-step``, ``decaying``, ``pid`` or ``strongly-adaptive``.
    step_size : float
        The first step, in units per miss, in [1e-6, 1e6]; for the first two rules.

    Examples
    --------
    >>> made = Conformal(alpha=0.5).guarantee([4.0, 4.0], [4.0, 4.0], [1.0, 0.5])
    >>> made.kind, made.holds, round(made.limit, 6), made.uncovered
    ('rounds', True, 2.5, 1.0)
    """

    rule: str = default("coverage", "rule")
    step_size: float = default("coverage", "step_size")
    name: ClassVar[str] = "conformal"
    regulariser: ClassVar[str] = "none, or that of the learner that proposes"
    step: ClassVar[str] = "fixed, or 1/t^0.6; or the learner's, with a lift of reach E/sqrt(t)"
    theorem: ClassVar[str] = "rounds with H < B <= alpha T + s + out of reach"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("severity 'conformal': rule", self.rule, RULES)
        number_between("severity 'conformal': step_size", self.step_size, 1e-6, 1e6)
        if self.rule not in STEPPING:
            kind = FtrlQuadratic if self.rule == "pid" else StronglyAdaptive
            weights = {"under": max(1.0 - self.alpha, 1e-6), "over": max(self.alpha, 1e-6)}
            object.__setattr__(self, "_proposer", kind(prior=1.0 / self.reach, **weights))

    @property
    def proposer(self) -> Learner:
        """Who proposes the multiple, as a share of the reach, for the rules with a lift."""
        made: Learner = self.__dict__["_proposer"]
        return made

    @property
    def multiple_at_first(self) -> float:
        """q1 of the rules that step: as after a miss at the hint; 1 without a hint, where D is the most."""
        return 1.0 if self.hint is None else min(self.reach, 1.0 + self.step_size)

    def first(self) -> State:
        """Return q1 and no rounds, or the learner's state and no excess."""
        if self.rule in STEPPING:
            return {"multiple": self.multiple_at_first, "rounds": 0}
        return {"learner": self.proposer.start(), "excess": 0.0, "rounds": 0}

    def multiple(self, state: State, unit: float) -> float:
        """Return q in [0, reach]."""
        if self.rule in STEPPING:
            return clip(state["multiple"], 0.0, self.reach)
        share = self.proposer.predict(state["learner"], 1.0)
        return self.reach * clip(share + state["excess"] / math.sqrt(state["rounds"] + 1))

    def _step(self, rounds: int) -> float:
        """Return the step after a number of rounds."""
        return self.step_size / rounds ** (0.5 + FASTER) if self.rule == "decaying" else self.step_size

    def taught(self, state: State, seen: Seen) -> State:
        """Return the state after a round."""
        error, t = float(seen.missed) - self.alpha, state["rounds"] + 1
        if self.rule in STEPPING:
            return {"multiple": max(0.0, state["multiple"] + self._step(t) * error), "rounds": t}
        top = self.reach * seen.unit
        goal = min(1.0, min(seen.needed, seen.most) / top) if top > 0.0 else 0.0
        learner = self.proposer.continued(state["learner"], 1.0, goal)
        return {"learner": learner, "excess": max(0.0, state["excess"] + error), "rounds": t}

    def slack(self, rounds: int) -> float:
        """Return s: how many rounds more than alpha T may be missed."""
        if rounds == 0:
            return 0.0
        if self.rule not in STEPPING:
            return math.sqrt(rounds) + 1.0 - self.alpha
        first, last = self._step(1), self._step(rounds)
        return (self.reach + (1.0 - self.alpha) * first) / last - self.multiple_at_first / first

    def promise(self, rounds: list[Seen], ignored: list[Seen]) -> Guarantee:
        """Return the theorem; rounds that teach nothing are out of reach where anything is needed."""
        seen, count = [*rounds, *ignored], len(rounds)
        beyond = float(sum(s.most < s.needed for s in seen))
        slack = self.slack(count)
        return Guarantee(
            kind="rounds",
            theorem=f"{self.theorem} ({self.rule})",
            limit=self.alpha * count * (1.0 + 1e-12) + slack + beyond,
            worst=float(sum(s.needed > 0.0 for s in seen)),
            uncovered=float(sum(s.asked < s.needed * EVEN for s in seen)),
            constants={"rounds": float(count), "slack_rounds": slack, "out_of_reach_rounds": beyond},
        )
