"""What is closed of each market and side adds up: projection on that, and the cheapest way to do it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.arrays import Ints, Vector

_STEPS = 100
_MET = 1e-12  # relative to the quantity of a pool


@dataclass(frozen=True, eq=False)
class Pools:
    """Boxes and sums ``0 <= k <= most``, ``sum of k over a pool = quantity``, sorted by pool.

    Parameters
    ----------
    order : (k,)
        Positions by pool.
    most : (k,), quantity : (p,)
        In that order.
    group : (k,), first : (p,)
        Pool of each position, counted from 0; where each pool begins.
    number : (p,)
        Number of each pool in the book.
    """

    order: Ints
    most: Vector
    quantity: Vector
    group: Ints
    first: Ints
    number: Ints

    @classmethod
    def of(cls, pool: Ints, most: Vector, quantity: Vector) -> Pools:
        """Sort positions by pool; ``quantity`` is that of every pool of the book."""
        order = np.argsort(pool, kind="stable")
        first = np.flatnonzero(np.diff(pool[order], prepend=-1))
        number = pool[order][first]
        group = np.repeat(np.arange(first.size), np.diff(first, append=pool.size))
        return cls(order, most[order], quantity[number], group, first, number)

    @property
    def restored_most(self) -> Vector:
        """(k,) most, in the order of the positions."""
        return self._back(self.most)

    def even(self) -> Vector:
        """Return the same share of each position of a pool."""
        share = self.quantity / self._sums(self.most)
        return self._back(np.minimum(self.most * share[self.group], self.most))

    def project(self, point: Vector, step: Vector, levels: Vector) -> Vector:
        """Return the nearest point, in the metric 1 / step: ``clip(point - step level, 0, most)``.

        Parameters
        ----------
        point, step : (k,)
            Steps are above 0.
        levels : (p,)
            Where Newton's method starts; overwritten by the levels found.
        """
        z, t = point[self.order], step[self.order]
        low, high = np.full(levels.size, -np.inf), np.full(levels.size, np.inf)
        for _ in range(_STEPS):
            free = z - t * levels[self.group]
            k = np.clip(free, 0.0, self.most)
            over = self._sums(k) - self.quantity
            off = np.abs(over) > _MET * self.quantity
            if not off.any():
                break
            low, high = np.where(over > 0, levels, low), np.where(over < 0, levels, high)
            slope = self._sums(np.where((free > 0) & (free < self.most), t, 0.0))
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = levels + over / slope
            good = off & (newton > low) & (newton < high)
            levels[:] = np.where(good, newton, np.where(off, _halved(low, high), levels))
        return self._back(k)

    def cheapest(self, cost: Vector) -> tuple[Vector, Vector]:
        """Return the contracts whose cost, (k,) each, is least, and the price of each pool, (p,).

        The price is the cost of its last contract.  Where costs tie, those that stand first are taken.
        """
        rate = cost[self.order]
        order = np.lexsort((rate, self.group))
        most = self.most[order]
        ahead = np.cumsum(most) - most
        ahead -= ahead[self.first][self.group]
        k = np.empty_like(most)
        k[order] = np.clip(self.quantity[self.group] - ahead, 0.0, most)
        price = np.full(self.number.size, -np.inf)
        np.maximum.at(price, self.group[k > 0], rate[k > 0])
        return self._back(k), price

    def _sums(self, values: Vector) -> Vector:
        return np.add.reduceat(values, self.first) if self.first.size else np.zeros(0)

    def _back(self, values: Vector) -> Vector:
        back = np.empty_like(values)
        back[self.order] = values
        return back


def _halved(low: Vector, high: Vector) -> Vector:
    """Return the middle of two levels, or a step beyond the one that is known."""
    with np.errstate(invalid="ignore"):
        middle = 0.5 * (low + high)
        up, down = low + 2.0 * np.abs(low) + 1.0, high - 2.0 * np.abs(high) - 1.0
    return np.where(np.isinf(low), down, np.where(np.isinf(high), up, middle))


def entries_of(holder: Ints, account: Ints, accounts: int) -> tuple[Ints, Ints]:
    """Return, for each pair's account, the rows of that holder (sorted): pair and row of each entry.

    Examples
    --------
    >>> entries_of(np.array([0, 2, 2]), np.array([2, 0]), 3)
    (array([0, 0, 1]), array([1, 2, 0]))
    """
    count = np.bincount(holder, minlength=accounts)
    first, many = (np.cumsum(count) - count)[account], count[account]
    pair = np.repeat(np.arange(account.size), many)
    return pair, np.arange(pair.size) + np.repeat(first - (np.cumsum(many) - many), many)
