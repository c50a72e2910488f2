"""What the haircuts must raise together: solvency (with an insurance fund), or the exact budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.checks import checked_usd, one_of
from adl_opt.programs.terms.base import ConstraintTerm, Point
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


def solvency_gap(round_: Round) -> float:
    """Return [-Solv]_+, USD, with Solv = sum of positive equities - deficit (eq. 2-4)."""
    equity = exact_sum(np.maximum(round_.accounts.equity, 0.0))
    return max(round_.deficit - equity, 0.0)


@dataclass(frozen=True, eq=False)
class Solvency(ConstraintTerm):
    """sum x + draw >= B, Solv + sum x + draw >= 0, 0 <= draw <= fund.

    Both demands are one row: the sum must reach the larger of B and [-Solv]_+, where Solv is the sum of the
    positive equities of the accounts minus the deficit.

    Parameters
    ----------
    fund : float
        USD available in the insurance fund; price its use with :class:`FundDraw`.
    shortfall : str
        ``refused``: a round that cannot raise the budget is INFEASIBLE, the lack named in USD.  ``named``:
        the most that can be raised is required, and ``Solution.shortfall_usd`` names the rest.
    target : float, optional
        USD to raise instead of B and the gap; ``solve`` sets it under ``named``.

    Examples
    --------
    >>> from adl_opt.programs import Point
    >>> from adl_opt.rounds.round import Round
    >>> from adl_opt.rounds.tables import Accounts
    >>> round_ = Round(deficit=1.0, accounts=Accounts(id=["a"], pnl=[4.0], equity=[8.0]))
    >>> Solvency().violation(Point(x=np.array([1.5]), needed=2.0), round_)
    0.5
    """

    fund: float = 0.0
    shortfall: str = "refused"
    target: float | None = None
    name: str = field(default="solvency", kw_only=True)

    def __post_init__(self) -> None:
        checked_usd("Solvency", "fund", self.fund)
        one_of("Solvency: shortfall", self.shortfall, ("refused", "named"))

    def required(self, round_: Round, needed: float) -> float:
        """Return what haircuts and fund must raise together, USD."""
        return max(needed, solvency_gap(round_)) if self.target is None else self.target

    def violation(self, point: Point, round_: Round) -> float:
        """Return what is lacking, or drawn beyond the fund, USD."""
        lack = exact_sum(np.append(-point.x, [self.required(round_, point.needed), -point.fund]))
        return max(lack, point.fund - self.fund, -point.fund, 0.0)

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the fund and what must be raised."""
        return {"fund": np.float64(self.fund), "required": np.float64(self.required(round_, needed))}

    def expression(self, symbols: Any) -> Any:
        """Return the two demands and the limits of the draw."""
        own, draw = symbols.of(self), symbols.fund
        return [symbols.total + draw >= own["required"], draw >= 0, draw <= own["fund"]]

    def rows(self, builder: Builder) -> None:
        """Write H + draw >= max(B, [-Solv]_+)."""
        required = self.required(builder.round, builder.needed)
        entries = [(0, builder.total(), 1.0), (0, builder.fund(self.fund), 1.0)]
        rate = 1.0 if required == builder.needed else 0.0
        if self.target is not None:  # the most that there is: it moves with capacities
            builder.shadow.unknown.add("capacity")
            if builder.round.space == CONTRACTS:  # and with the share of the flow that B is
                builder.shadow.unknown.add("budget")
        builder.rows("budget", 1, required, np.inf, entries, needed_rate=rate)


@dataclass(frozen=True, eq=False)
class ExactBudget(ConstraintTerm):
    """sum x = B (eq. 7)."""

    name: str = field(default="exact-budget", kw_only=True)
    fund: ClassVar[float] = 0.0

    def required(self, round_: Round, needed: float) -> float:
        """Return what haircuts must raise, USD."""
        return needed

    def violation(self, point: Point, round_: Round) -> float:
        """Return abs(sum x - B), USD."""
        return abs(exact_sum(np.append(-point.x, point.needed)))

    def expression(self, symbols: Any) -> Any:
        """Return sum x = B."""
        return [symbols.total == symbols.needed]

    def rows(self, builder: Builder) -> None:
        """Write H = B."""
        needed = builder.needed
        builder.rows("budget", 1, needed, needed, [(0, builder.total(), 1.0)], needed_rate=1.0)
