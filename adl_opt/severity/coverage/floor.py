"""A floor under other budgets: risk control that starts at nothing and asks only for what is owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from adl_opt.severity.base import State
from adl_opt.severity.coverage.risk_control import RiskControl
from adl_opt.severity.learners.learner import clip


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
