"""The min-max reference m* of a round, which fairness is measured against."""

from __future__ import annotations

import numpy as np

from adl_opt.allocation.minmax import MinMax, MinMaxLots
from adl_opt.allocation.shares import share_of
from adl_opt.losses import burden, burden_base
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.flows import revealed, within_reach
from adl_opt.rounds.round import Outcome, Round


def reference_burden(round_: Round, needed: float, base: str = "capacity") -> float:
    """Return the min-max burden of a round at budget B: over whole lots where it has positions.

    This is m_ILP of eq. 23, here the proven optimum (the published one is a solver's incumbent).
    """
    rule = MinMax(base=base) if round_.positions is None else MinMaxLots(base=base)
    x = rule.allocate(None, round_, needed).x
    return float(np.max(burden(x, burden_base(round_, base)), initial=0.0))


def reference_of(round_: Round, outcome: Outcome, base: str, capacity: Floats) -> float:
    """Return m* of a round: in contracts that of the pool, where each gives what its contracts can."""
    if round_.space == WEALTH:
        return reference_burden(round_, outcome.needed, base)
    against = capacity if base == "capacity" else burden_base(round_, base)
    most = np.minimum(capacity, within_reach(round_, revealed(round_, outcome)))
    return float(np.max(burden(share_of(against, most, outcome.needed), against), initial=0.0))
