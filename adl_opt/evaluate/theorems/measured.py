"""What was measured beside what a theorem allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from adl_opt.severity.learners.bound import Bound


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A bound, and the measured quantity that it bounds.

    Parameters
    ----------
    bound : Bound
        Value, constants as observed, assumptions by name.
    regret : float
        What was measured, in the unit of the bound: regret, or what its theorem names.

    Examples
    --------
    >>> Measured(bound=Bound(value=4.0, kind="static", theorem="Reg <= 4"), regret=3.0).ratio
    0.75
    """

    bound: Bound
    regret: float

    @property
    def ratio(self) -> float:
        """Measured / bound; nothing over nothing is 0."""
        if self.bound.value > 0.0:
            return float(self.regret / self.bound.value)
        return 0.0 if self.regret <= 0.0 else math.inf

    @property
    def within(self) -> bool:
        """Whether the measured quantity is at most the bound."""
        return bool(self.regret <= self.bound.value)
