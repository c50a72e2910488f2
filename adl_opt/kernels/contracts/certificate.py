"""The certificate of an answer in contract space, computed without the code of the search.

Bound.  Take any set of cells, and call some accounts free.  In these cells a free account pays at most z u_i,
and any other one at most the caps of its legs there.  Together they must pay what the cells need, so z is at
least (what the cells need - those caps) / (capacity of free accounts).

Levels.  Suppose every account that pays in a cell has at most the burden that is the level of the cell, and
every account that keeps some of a leg has at least that.  Then no dollar can move to an account with a lower
burden, within a cell or along several.  Such haircuts are the lexicographically least.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from adl_opt.kernels.contracts.base import REL_TOL, ContractsProblem
from adl_opt.proofs.sums import exact_sum


class Figures:
    """What follows from the dollars of the legs: in floats, or in rational numbers where ``exact``."""

    def __init__(self, problem: ContractsProblem, leg_usd: Any, exact: bool = False) -> None:
        self.exact, self.hard_cap = exact, problem.hard_cap
        self.account, self.cell = problem.account, problem.cell
        self.u, self.cap, self.demand = (
            self.number(part) for part in (problem.capacity, problem.cap, problem.demand)
        )
        self.pays = self.number(leg_usd)
        self.able = (self.u > 0)[self.account] & (self.cap > 0)
        self.haircut = self.sums(self.account, self.pays, self.u.size)
        self.paid = self.sums(self.cell, self.pays, self.demand.size)
        self.burden = self.haircut / np.where(self.u > 0, self.u, 1)

    def number(self, values: Any) -> Any:
        """Turn floats into the numbers that are computed with."""
        array = np.asarray(values, dtype=np.float64)
        return np.array([Fraction(v) for v in array.tolist()], dtype=object) if self.exact else array

    def sums(self, index: Any, values: Any, size: int) -> Any:
        """Sum values by an index."""
        if not self.exact:
            return np.bincount(index, values, size).astype(np.float64)
        sums = np.array([Fraction(0)] * size, dtype=object)
        np.add.at(sums, index, values)
        return sums

    def total(self, *parts: Any) -> Any:
        """Exact sum of several arrays."""
        values = np.concatenate(parts)
        return sum(values.tolist(), Fraction(0)) if self.exact else exact_sum(values)

    def levels(self) -> Any:
        """Largest burden among those that pay in each cell; 0 where nobody pays."""
        level = self.demand * 0
        paying = self.pays > 0
        np.maximum.at(level, self.cell[paying], self.burden[self.account[paying]])
        return level

    def full(self) -> Any:
        """Say of each cell whether all its legs pay all they can."""
        return np.bincount(self.cell, self.able & (self.pays < self.cap), self.demand.size) == 0

    def bound(self, cells: Any, z: Any, residual: Any) -> Any:
        """Least burden at which the cells can be paid; accounts are free that can give about z u there."""
        here = self.able & cells[self.cell]
        most = self.sums(self.account[here], self.cap[here], self.u.size)
        free = (most > 0) & (most >= z * self.u * (1 - REL_TOL))
        full, open_ = self.full(), cells & ~self.full()
        if self.hard_cap and np.any(residual[open_] > 0):  # accounts that cannot pay more than u there pay u
            return 1 if np.any(most[free] >= self.u[free]) else 0
        forced = here & full[self.cell] & free[self.account]
        spent = here & ~full[self.cell] & ~free[self.account]
        needs = self.total(self.demand[open_], -residual[open_], self.cap[forced], -self.cap[spent])
        by = self.total(self.u[free])
        return needs / by if by > 0 else by


def contracts_checks(result: Any, exact: bool) -> tuple[bool, ...]:
    """Compute the checks of `ContractsCertificate` one by one."""
    problem: ContractsProblem = result.problem
    f = Figures(problem, result.leg_usd, exact)
    tol = Fraction(REL_TOL) if exact else REL_TOL
    if f.pays.shape != f.cap.shape or not np.all(np.isfinite(np.asarray(result.leg_usd, dtype=np.float64))):
        return (False,) * 6
    z, lower, gap = (f.number([value])[0] for value in (result.z, result.lower_bound, result.gap))
    residual, level, burden = f.number(result.residual_usd), f.levels(), f.burden[f.u > 0]
    deciding = np.asarray(result.deciding)
    within: Any = np.all((f.pays >= 0) & (f.pays <= f.cap)) and np.all(f.able | (f.pays == 0))
    if problem.hard_cap:
        within = within and np.all(f.haircut <= f.u * (1 + tol))
    cleared: Any = np.all(abs(f.paid + residual - f.demand) <= tol * f.demand) and np.all(residual >= 0)
    cleared = cleared and _least(f, residual, level, tol)
    match = np.all(abs(f.number(result.haircut_usd) - f.haircut) <= tol * f.haircut)
    match = match and np.all(abs(f.number(result.level) - level) <= tol * level)
    most = max(burden.tolist(), default=0)
    bound = deciding.dtype == bool and deciding.shape == level.shape and 0 <= lower <= z
    bound = bound and lower * (1 - tol) <= (f.bound(deciding, z, residual) if deciding.any() else 0)
    bound = bound and abs(gap * z - (z - lower)) <= tol * z
    keeps = f.able & (f.pays < f.cap)
    levelled = np.all(f.burden[f.account[keeps]] >= level[f.cell[keeps]] * (1 - tol))
    checks = (within, cleared, match, abs(most - z) <= tol * z, bound, levelled)
    return tuple(bool(check) for check in checks)


def _least(f: Figures, residual: Any, level: Any, tol: Any) -> bool:
    """Say whether no answer leaves less residual.

    A cell whose legs pay all they can leaves no less.  With the hard cap, the cells of level 1
    together cannot be paid more than ``min(u_i, caps there)`` of every account.
    """
    left = (residual > 0) & ~f.full()
    if not left.any():
        return True
    if not f.hard_cap:
        return False
    top = level >= 1 - tol
    here = f.able & top[f.cell]
    most = f.sums(f.account[here], f.cap[here], f.u.size)
    paid = f.total(f.paid[top])
    return bool(not np.any(left & ~top) and f.total(np.minimum(most, f.u)) <= paid * (1 + tol))
