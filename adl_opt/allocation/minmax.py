"""Min-max burden: the continuous optimum in closed form, and the exact optimum over whole lots (eq. 8)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from adl_opt.allocation.base import AllocationRule, Claims, State, require_positions
from adl_opt.allocation.pro_rata import share_of
from adl_opt.checks import one_of, whole_between
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.kernels.sums import exact_sum
from adl_opt.losses import BASES, burden_base
from adl_opt.rounds.round import Allocation, Round

NODE_LIMIT = 20_000_000


@dataclass(frozen=True)
class MinMax(AllocationRule):
    """The smallest possible largest burden, lots aside: pro-rata, with its dual certificate.

    Rule: min z, x <= z base, sum x = B, 0 <= x <= u.  On the capacity base the unique optimum is x = u B / U
    (Prop. 9); on the equity base it is x = min(u, z e).  The certificate is a dual solution: with A the
    accounts that are not at their capacity, z >= (B - sum of u over the others) / (sum of base over A).
    Source: Prop. 9.  Information: start of round.  Tie-break: none, the optimum is unique.

    Parameters
    ----------
    base : str
        ``capacity`` or ``equity``.
    """

    base: str = "capacity"
    name: ClassVar[str] = "min-max"
    claims: ClassVar[Claims] = Claims(split_proof=True)

    def __post_init__(self) -> None:
        one_of("allocation 'min-max': base", self.base, BASES)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the optimum and the dual bound on its largest burden."""
        capacity, base = round_.accounts.capacity, burden_base(round_, self.base)
        x = waterfill(capacity, asked) if self.base == "capacity" else share_of(base, capacity, asked)
        target = min(asked, round_.capacity_usd)
        free = (x < capacity) & (base > 0) if self.base == "equity" else base > 0
        weight = exact_sum(base[free])
        rest = target - exact_sum(capacity[~free])
        bound = max(rest / weight, 0.0) if weight > 0 else 0.0
        return Allocation(x=x, asked=asked, lower_bound=bound, base=self.base)


@dataclass(frozen=True)
class MinMaxLots(AllocationRule):
    """The smallest possible largest burden over whole lots, proven; then little overshoot.

    Rule: min z, sum of lots x lot value >= B, x <= z base, x <= u, lots whole (eq. 8).
    Source: eq. 8; exact kernel :func:`adl_opt.kernels.minmax_lots`.  Information: start of round.
    Tie-break: at the optimal z lots are given back that the budget does not need, the dearest first.  No
    single lot can be given back any more.  The least overshoot is promised only for few lots
    (`LotsResult.overshoot_proven`).

    Parameters
    ----------
    base : str
        ``capacity`` or ``equity``.
    node_limit : int
        Bound on the work of the exact search; where it binds, the lower bound says how far the optimum is.
    """

    base: str = "capacity"
    node_limit: int = NODE_LIMIT
    name: ClassVar[str] = "min-max-lots"
    claims: ClassVar[Claims] = Claims(permutation=False, monotone=False)

    def __post_init__(self) -> None:
        one_of("allocation 'min-max-lots': base", self.base, BASES)
        whole_between("allocation 'min-max-lots': node_limit", self.node_limit, 1, 1e15)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the optimum over lots with its proven lower bound."""
        result = solve_lots(round_, asked, self.base, self.node_limit)
        return Allocation(
            x=result.haircut_usd,
            asked=asked,
            lots=result.lots,
            lower_bound=result.lower_bound,
            base=self.base,
        )


@lru_cache(maxsize=1)
def solve_lots(
    round_: Round, asked: float, base: str = "capacity", node_limit: int = NODE_LIMIT
) -> LotsResult:
    """Return the exact min-max over the lots of a round (see :func:`adl_opt.kernels.minmax_lots`).

    The last answer is kept: a round is immutable, and the reference of eq. 23 is the same problem again.
    """
    positions = require_positions("min-max-lots", round_)
    return minmax_lots(
        round_.accounts.capacity,
        positions.account,
        positions.lot_value,
        positions.lots,
        asked,
        base=None if base == "capacity" else burden_base(round_, base),
        node_limit=node_limit,
    )
