"""Result of the min-max over lots, and its certificate, computed without the code of the search."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.lots.base import REL_TOL, IntArray
from adl_opt.kernels.lots.certificate import lots_checks, payable
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.kernels.sums import total


@dataclass(frozen=True)
class LotsCertificate:
    """Named checks of a `LotsResult`; ``ok`` says that all hold.

    ``integral``: whole lots, within what each position has.  ``haircuts_match``: haircuts, executed,
    overshoot and shortfall follow from the lots.  ``covers``: the budget, or the most that is reachable.
    ``burden``: no account above z.  ``lower_bound``: below it the budget is out of reach.
    """

    integral: bool
    within_capacity: bool
    haircuts_match: bool
    covers: bool
    burden: bool
    lower_bound: bool

    @property
    def ok(self) -> bool:
        """Say whether every check holds."""
        return all(bool(getattr(self, name)) for name in self.__dataclass_fields__)


@dataclass(frozen=True)
class LotsResult:
    """Whole lots that cover a budget at the smallest largest burden.

    Attributes
    ----------
    z : float
        Largest burden made (unitless).
    lower_bound : float
        No cover of the budget has a largest burden below it (proven).
    gap : float
        ``(z - lower_bound) / z``; 0 when closed; 1 when nothing is proven.
    lots : ndarray of int64, shape (m,)
        Whole lots taken of every position.
    haircut_usd : ndarray, shape (n,)
        USD that every account gives up.
    executed_usd, overshoot_usd, shortfall_usd : float
        Sum of the haircuts in USD; what it has above the budget; what it lacks.
    overshoot_proven : bool
        True when no cover with burdens up to `z` overshoots less, or as much with fewer lots.
    nodes : int
        Enumerated combinations: pair problems solved.
    """

    z: float
    lower_bound: float
    gap: float
    lots: NDArray[np.int64]
    haircut_usd: NDArray[np.float64]
    executed_usd: float
    overshoot_usd: float
    shortfall_usd: float
    overshoot_proven: bool
    nodes: int
    problem: LotsProblem = field(repr=False)

    def certify(self) -> LotsCertificate:
        """Check the answer against the problem, by code that the search does not use.

        Returns
        -------
        LotsCertificate
            Never raises for a result of `minmax_lots`, however its fields were changed.

        Notes
        -----
        The lower bound is confirmed when the caps of accounts, or their best sums of whole lots, cannot reach
        the budget at ``lower_bound * (1 - 1e-12)``.  The work is limited (`MOST_PAIRS`): a true bound may
        stay unconfirmed (False).

        Examples
        --------
        >>> from adl_opt.kernels import minmax_lots
        >>> minmax_lots([10.0, 10.0], [0, 1], [3.0, 4.0], [3, 2], 8.0).certify().ok
        True
        """
        try:
            with np.errstate(all="ignore"):
                return LotsCertificate(*lots_checks(self, payable))
        except (TypeError, ValueError, ArithmeticError, IndexError):
            return LotsCertificate(False, False, False, False, False, False)


def result_of(problem: LotsProblem, lots: IntArray, lower: float, proven: bool, nodes: int) -> LotsResult:
    """Recompute every figure from the lots."""
    paid = np.bincount(problem.account, weights=lots * problem.lot_value, minlength=problem.capacity.size)
    haircut = np.minimum(paid, problem.capacity)
    executed = total(haircut)
    burden = np.divide(haircut, problem.base, out=np.zeros(haircut.size), where=haircut > 0)
    z = float(np.max(burden, initial=0.0))
    lower = z if lower >= z * (1 - REL_TOL) else lower
    short = problem.budget - executed
    return LotsResult(
        z=z,
        lower_bound=lower,
        gap=(z - lower) / z if z > 0 else 0.0,
        lots=lots,
        haircut_usd=haircut,
        executed_usd=executed,
        overshoot_usd=max(-short, 0.0),
        shortfall_usd=short if short > REL_TOL * problem.budget else 0.0,
        overshoot_proven=proven or problem.budget == 0,
        nodes=nodes,
        problem=problem,
    )
