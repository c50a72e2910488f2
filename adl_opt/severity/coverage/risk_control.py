"""Dollar risk control: the sum of all shortfalls, in USD, stays below a share of the sum of all needs.

``risk-control`` sets budgets by itself; a floor lifts the budgets of others by as much as the theorem needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from adl_opt.severity.base import State
from adl_opt.severity.coverage.covering import Covering, Seen
from adl_opt.severity.learners.bound import ROUNDING
from adl_opt.severity.learners.guarantee import Guarantee
from adl_opt.severity.learners.learner import clip


@dataclass(frozen=True)
class RiskControl(Covering):
    """A budget that rises with what is still owed: USD short so far, less alpha of what was needed so far.

    Rule: M = the largest unit h so far, this round's included; S = 0 at first.  H = min(clip(1 + S / M, 0,
    reach) h, domain).  After the round S grows by the shortfall that could be reached, [min(B, reach h,
    domain) - H]_+, and falls by alpha B, but not below -M.

    Theorem: sum [B - H]_+ <= alpha sum B + (reach - 1) M + max min(B, reach h, domain) + sum [B - min(reach
    h, domain)]_+, for every sequence of rounds.  Proof: where S >= (reach - 1) M all that can be reached is
    asked for, so S rises only from below that, by one shortfall at most; and S is never less than the sum of
    its rises and falls, as the floor -M only lifts it.

    Defaults: reach = 2, so that one more hint than the hint itself can be asked for; alpha = 0.05.

    Source: the queue of Neely (2010), ch. 4, in one dimension; risk control after Angelopoulos et al. (2024),
    Feldman et al. (2023).  Information: start of round.

    Parameters
    ----------
    alpha, hint, reach, limit
        See :class:`~adl_opt.severity.coverage.covering.Covering`; alpha is a share of the dollars needed.

    Examples
    --------
    >>> rule = RiskControl(alpha=0.1)
    >>> made = rule.guarantee([4.0, 4.0], [1.0, 2.0], [1.0, 0.975])
    >>> made.kind, made.holds, round(made.limit, 6), made.uncovered
    ('dollars', True, 6.3, 0.0)
    """

    name: ClassVar[str] = "risk-control"
    step: ClassVar[str] = "1/M, M the largest unit so far"
    theorem: ClassVar[str] = "sum [B - H]_+ <= alpha sum B + (reach - 1) M + max reachable + out of reach"

    @property
    def way(self) -> float:
        """How many of the largest unit may be owed before all that can be reached is asked for."""
        return self.reach - 1.0

    def first(self) -> State:
        """Return nothing owed."""
        return {"owed": 0.0, "largest": 0.0}

    def multiple(self, state: State, unit: float) -> float:
        """Return clip(1 + S / M, 0, reach)."""
        largest = max(state["largest"], unit)
        return clip(1.0 + state["owed"] / largest, 0.0, self.reach) if largest > 0.0 else 0.0

    def taught(self, state: State, seen: Seen) -> State:
        """Return what is owed after the round."""
        largest = max(state["largest"], seen.unit)
        owed = state["owed"] + seen.gap - self.alpha * seen.needed
        return {"owed": max(owed, -largest), "largest": largest}

    def promise(self, rounds: list[Seen], ignored: list[Seen]) -> Guarantee:
        """Return the theorem; rounds that teach nothing are out of reach."""
        seen = [*rounds, *ignored]
        needed = math.fsum(s.needed for s in seen)
        largest = max((s.unit for s in rounds), default=0.0)
        one = max((min(s.needed, s.most) for s in rounds), default=0.0)
        beyond = math.fsum(max(0.0, s.needed - s.most) for s in seen)
        constants = {
            "needed_usd": needed,
            "largest_unit_usd": largest,
            "largest_reachable_usd": one,
            "out_of_reach_usd": beyond,
        }
        rounding = ROUNDING * (needed + self.reach * math.fsum(s.unit for s in rounds))
        return Guarantee(
            kind="dollars",
            theorem=self.theorem,
            limit=self.alpha * needed + self.way * largest + one + beyond + rounding,
            worst=needed,
            uncovered=math.fsum(max(0.0, s.needed - s.asked) for s in seen),
            constants=constants,
        )


@dataclass(frozen=True)
class Floor(RiskControl):
    """The least budget that keeps the dollars left uncovered within a share alpha, in the long run.

    Rule: M = the largest deficit so far, this round's included; S = 0 at first.  At least clip(S / M, 0, 1)
    min(D, U) is asked for.  After the round S grows by [min(B, D, U) - H]_+ of what was asked for, and falls
    by alpha B, but not below -M.

    Theorem: sum [B - H]_+ <= alpha sum B + M + max min(B, D, U) + sum [B - min(D, U)]_+, whatever else
    raises the budgets.  Proof: as for ``risk-control``; where S >= M all of min(D, U) is asked for.

    Source: as for ``risk-control``.  Information: start of round.

    Parameters
    ----------
    alpha, limit
        See :class:`~adl_opt.severity.coverage.covering.Covering`.  It has no hint: the unit is the deficit.

    Examples
    --------
    >>> floor = Floor(alpha=0.5)
    >>> floor.multiple({"owed": 3.0, "largest": 4.0}, 4.0)
    0.75
    """

    name: ClassVar[str] = "floor"
    theorem: ClassVar[str] = "sum [B - H]_+ <= alpha sum B + M + max reachable + out of reach"

    @property
    def way(self) -> float:
        """One of the largest unit."""
        return 1.0

    def multiple(self, state: State, unit: float) -> float:
        """Return clip(S / M, 0, 1)."""
        largest = max(state["largest"], unit)
        return clip(state["owed"] / largest) if largest > 0.0 else 0.0

    def asked(self, state: State, unit: float, most: float) -> float:
        """Return the least budget for the rule's state, USD."""
        return self.multiple(state, unit) * most

    def counted(self, budget: float, most: float) -> float:
        """Return the whole budget: what lies above the floor covers too."""
        return budget

    def agrees(self, asked: float, expected: float, most: float) -> bool:
        """Whether no less than the floor was asked for, but for rounding."""
        return asked >= expected * (1.0 - 1e-9) - 1e-12 * most
