"""The answer in whole lots in contract space, and the certificate that checks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.contracts.base import REL_TOL, BoolArray
from adl_opt.kernels.lots.base import AIM
from adl_opt.kernels.lots.certificate import payable
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.proofs.sums import exact_sum


@dataclass(frozen=True, eq=False)
class ContractLots:
    """The checked input of `minmax_contract_lots`: as `LotsProblem`, with a cell for each leg."""

    capacity: NDArray[np.float64]
    account: NDArray[np.int64]
    cell: NDArray[np.int64]
    lot_value: NDArray[np.float64]
    lots: NDArray[np.int64]
    demand: NDArray[np.float64]
    hard_cap: bool

    def pool(self, cells: BoolArray, needs: NDArray[np.float64]) -> LotsProblem:
        """Let the legs of some cells pay for any of these cells: what accounts must pay in them together."""
        here = cells[self.cell] & (self.capacity[self.account] > 0)
        value, lots = self.lot_value[here], self.lots[here]
        most = np.bincount(self.account[here], value * lots, self.capacity.size).astype(np.float64)
        total = min(exact_sum(needs[cells]), exact_sum(value * lots))
        return LotsProblem(most, self.capacity, self.account[here], value, lots, total)

    def payable(self) -> NDArray[np.float64]:
        """Return what all lots of each cell can pay of its demand, (cells,) USD."""
        able = self.lots * self.lot_value * (self.capacity[self.account] > 0)
        return np.minimum(self.demand, np.bincount(self.cell, able, self.demand.size))


@dataclass(frozen=True)
class ContractLotsCertificate:
    """What holds of an answer in whole lots, computed from the problem and the lots alone.

    Parameters
    ----------
    whole : bool
        The lots are whole, and each leg has so many; with the hard cap no account pays above its capacity.
    cleared : bool
        The lots of every cell cover its demand but for its residual, and while a cell has a residual, no
        further lot of it can be taken: it has none, or its account would pay above the hard cap.
    match : bool
        The haircuts are those of the lots, and `z` is the largest burden.
    bound : bool
        The deciding cells prove `lower_bound`, and `gap` is what it says.
    """

    whole: bool
    cleared: bool
    match: bool
    bound: bool

    @property
    def ok(self) -> bool:
        """All of it holds."""
        return all(vars(self).values())


@dataclass(frozen=True, eq=False)
class ContractLotsResult:
    """Whole lots in contract space, with a proven bound on the largest burden.

    Parameters
    ----------
    z : float
        Largest burden.
    lower_bound, gap : float
        No whole lots that cover all demands have a smaller largest burden; ``(z - lower_bound) / z``.
    lots : (m,) int
        Lots taken from each leg.
    haircut_usd : (n,) USD
        What every account gives up.
    residual_usd, overshoot_usd : (cells,) USD
        What the lots of a cell lack of its demand, and what they have above it.
    deciding : (cells,) bool
        The cells that prove the bound.
    """

    z: float
    lower_bound: float
    gap: float
    lots: NDArray[np.int64]
    haircut_usd: NDArray[np.float64]
    residual_usd: NDArray[np.float64]
    overshoot_usd: NDArray[np.float64]
    deciding: NDArray[np.bool_]
    problem: ContractLots = field(repr=False)

    def certify(self) -> ContractLotsCertificate:
        """Check the answer against the problem; never raises, however the fields were changed.

        Notes
        -----
        The bound is checked in the pool of the deciding cells, by best sums of whole lots of each account.
        With one deciding cell and one leg there for each account this is a closed form.

        Examples
        --------
        >>> from adl_opt.kernels import minmax_contract_lots
        >>> minmax_contract_lots([10.0, 10.0], [0, 1], [0, 0], [3.0, 3.0], [3, 3], [8.0]).certify().ok
        True
        """
        try:
            with np.errstate(all="ignore"):
                return ContractLotsCertificate(*_checks(self))
        except (TypeError, ValueError, ArithmeticError, IndexError):
            return ContractLotsCertificate(False, False, False, False)


def contract_lots_result(
    problem: ContractLots, lots: NDArray[np.int64], lower: float, deciding: BoolArray
) -> ContractLotsResult:
    """Recompute every figure from the lots."""
    usd = lots * problem.lot_value
    haircut = np.bincount(problem.account, usd, problem.capacity.size).astype(np.float64)
    paid = np.bincount(problem.cell, usd, problem.demand.size)
    burden = np.divide(haircut, problem.capacity, out=np.zeros_like(haircut), where=haircut > 0)
    z, over = float(np.max(burden, initial=0.0)), paid - problem.demand
    over[np.abs(over) <= REL_TOL * problem.demand] = 0.0
    lower = z if lower >= z * (1 - REL_TOL) else lower
    gap = (z - lower) / z if z > 0 else 0.0
    residual, overshoot = np.maximum(-over, 0.0), np.maximum(over, 0.0)
    return ContractLotsResult(z, lower, gap, lots, haircut, residual, overshoot, deciding, problem)


def _checks(result: ContractLotsResult) -> tuple[bool, ...]:
    """Compute the checks of `ContractLotsCertificate` one by one."""
    problem, k = result.problem, np.asarray(result.lots)
    again: Any = contract_lots_result(problem, k, 0.0, result.deciding)
    whole = k.shape == problem.lots.shape and np.all((k == np.floor(k)) & (k >= 0) & (k <= problem.lots))
    whole = whole and np.all((problem.capacity[problem.account] > 0) | (k == 0))
    more = again.haircut_usd[problem.account] + problem.lot_value
    could = (k < problem.lots) & (problem.capacity[problem.account] > 0)
    if problem.hard_cap:
        whole = whole and np.all(again.haircut_usd <= problem.capacity * (1 + REL_TOL))
        could &= more <= problem.capacity[problem.account] * (1 - REL_TOL)
    near = REL_TOL * np.maximum(problem.demand, again.overshoot_usd)
    cleared: Any = np.all(np.abs(again.residual_usd - result.residual_usd) <= near)
    cleared = cleared and np.all(np.abs(again.overshoot_usd - result.overshoot_usd) <= near)
    cleared = cleared and not np.any(could & (again.residual_usd > 0)[problem.cell])
    match: Any = np.all(np.abs(again.haircut_usd - result.haircut_usd) <= REL_TOL * again.haircut_usd)
    match = match and abs(again.z - result.z) <= REL_TOL * again.z
    lower = result.lower_bound
    bound = 0 <= lower <= result.z and abs(result.gap * result.z - (result.z - lower)) <= REL_TOL * result.z
    if bound and lower > 0:
        pool = problem.pool(result.deciding, problem.payable())
        goal = pool.budget * AIM
        bound = payable(pool, lower * (1 - REL_TOL), goal) < goal
    return tuple(bool(check) for check in (whole, cleared, match, bound))
