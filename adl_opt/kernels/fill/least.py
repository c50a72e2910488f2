"""The least largest burden at which accounts pay an amount, as a function of the amount."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adl_opt.kernels.arrays import Vector


class LeastBurden(NamedTuple):
    """The convex function M: M(H) is the least z with sum min(u, z base) = H.

    Parameters
    ----------
    amount : (k,) USD
        Where it bends, from 0 to all that can be paid, rising.
    level : (k,)
        M there, without unit.
    """

    amount: Vector
    level: Vector

    @classmethod
    def of(cls, capacity: Vector, base: Vector) -> LeastBurden:
        """Return M for accounts with these capacities, USD, and bases; those without a base never pay.

        Examples
        --------
        >>> least = LeastBurden.of(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
        >>> least.at(np.array([2.5, 4.0])), float(least.slope(1.0))
        (array([0.5, 1. ]), 0.2)
        """
        able = (base > 0.0) & (capacity > 0.0)
        u, e = capacity[able], base[able]
        full = u / e
        order = np.argsort(full, kind="stable")
        u, e, full = u[order], e[order], full[order]
        rest = np.append(np.cumsum(e[::-1])[::-1][1:], 0.0)
        amount, level = np.append(0.0, np.cumsum(u) + full * rest), np.append(0.0, full)
        kept = np.append(True, np.diff(amount) > 0.0)
        return cls(amount[kept], level[kept])

    def at(self, amount: Vector) -> Vector:
        """Return M of amounts, (m,); beyond what can be paid it goes on with its last slope."""
        most = self.amount[-1]
        beyond = np.maximum(np.subtract(amount, most), 0.0)
        risen = np.multiply(beyond, self.slope(most), out=np.zeros_like(beyond), where=beyond > 0.0)
        return np.asarray(np.interp(amount, *self) + risen)

    def slope(self, amount: float) -> float:
        """Return how fast M rises above an amount, per USD; 0 where nobody can pay, inf beyond all floats."""
        if self.amount.size < 2:
            return 0.0
        place = int(np.searchsorted(self.amount, amount, side="right"))
        k = min(max(place, 1), self.amount.size - 1)
        with np.errstate(over="ignore"):
            return float((self.level[k] - self.level[k - 1]) / (self.amount[k] - self.amount[k - 1]))
