"""Whole lots that cover all cells at burdens up to an aim: dollars are rounded down, and repaired.

Cells, from the highest level down, take what they lack where the burden stays lowest.  Cells near the aim are
levelled anew before: accounts that pay in only one of them take all that fits, and the others share what is
left.  These are rounded in stages, the smallest first, so that large accounts, whose lots are small beside
what they pay, make up for the rounding of small ones.  A cell that is still short asks accounts that pay in
it to pay less in another cell, which others then cover.
"""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.contracts.base import REL_TOL, BoolArray, FloatArray, IntArray
from adl_opt.kernels.contracts.engine import contracts_leaf
from adl_opt.kernels.contracts.lots_result import ContractLots
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.kernels.contracts.result import ContractsResult
from adl_opt.kernels.lots.base import SLACK

MANY = 60
"""Where more cells cannot be covered, the aim is too low for exchanges to help."""

TRADES = 200
"""So many exchanges between cells are tried for a cell that cannot be covered otherwise."""

STAGES = (0.5, 0.8, 0.95, 1.0)
"""Accounts up to such shares of them are rounded in turn, those that pay least first."""

SHARE = 0.03
"""Cells whose level is at most so much below the aim are levelled anew."""


class Repair:
    """Lots of each leg, and what accounts pay with them."""

    def __init__(self, problem: ContractLots, dollars: ContractsResult) -> None:
        self.problem, self.dollars = problem, dollars
        self.u, self.value = problem.capacity[problem.account], problem.lot_value
        self.most = np.where(self.u > 0, problem.lots, 0).astype(np.float64)
        self.needs = problem.payable()
        self.order = np.argsort(-dollars.level, kind="stable")
        by_cell = np.argsort(problem.cell, kind="stable")
        ends = np.cumsum(np.bincount(problem.cell, minlength=self.needs.size))
        self.legs = np.split(by_cell, ends[:-1]) if ends.size else []
        self.of_account = np.argsort(problem.account, kind="stable")
        count = np.bincount(problem.account, minlength=problem.capacity.size)
        self.ends = np.concatenate([[0], np.cumsum(count)])
        self.lots = np.zeros(self.u.size)

    def reach(self, aim: float, level_anew: bool) -> bool:
        """Cover all cells at burdens up to the aim, and say whether that went well."""
        u = self.problem.capacity
        self.limit = np.multiply(aim * (1 + REL_TOL / 2), u, out=np.zeros_like(u), where=u > 0)
        if self.problem.hard_cap:
            self.limit = np.minimum(self.limit, self.problem.capacity)
        self.lots = np.minimum(np.floor(self.dollars.leg_usd / self.value * (1 + SLACK)), self.most)
        if level_anew:
            self._level(self.dollars.level >= aim * (1 - SHARE))
        self.x = np.bincount(self.problem.account, self.lots * self.value, self.problem.capacity.size)
        over = self.x > self.limit * (1 + REL_TOL)
        if over.any():  # accounts that pay more in cells that were levelled anew
            fits = np.divide(self.limit, self.x, out=np.ones_like(self.x), where=over)
            self.lots = np.floor(self.lots * fits[self.problem.account])
            self.x = np.bincount(self.problem.account, self.lots * self.value, self.problem.capacity.size)
        short = [c for c in self.order.tolist() if not self._cover(c)]
        return len(short) <= MANY and all(self._exchange(c) for c in short)

    def give_back(self) -> None:
        """Give lots back that a cell does not need, from the highest burdens down."""
        for c, legs in enumerate(self.legs):
            while True:
                over = -self._lacks(c)
                able = legs[(self.lots[legs] > 0) & (self.value[legs] <= over * (1 + REL_TOL))]
                if able.size == 0:
                    break
                rows = self.problem.account[able]
                able = able[np.argsort(-self.x[rows] / self.u[able], kind="stable")]
                self._add(able[: max(int(np.sum(np.cumsum(self.value[able]) <= over)), 1)], -1.0)

    def _exchange(self, c: int) -> bool:
        """Let accounts pay in this cell what they now pay in another one, which others then cover."""
        tries = 0
        for j in self.legs[c].tolist():
            row = int(self.problem.account[j])
            for other in self.of_account[self.ends[row] : self.ends[row + 1]].tolist():
                while other != j and self.lots[j] < self.most[j] and tries < TRADES:
                    lacks = self.x[row] + self.value[j] - self.limit[row]
                    back = max(float(np.ceil(lacks / self.value[other])), 0.0)
                    if back > self.lots[other]:
                        break
                    tries, saved = tries + 1, (self.lots.copy(), self.x.copy())
                    pair = np.array([j, other])
                    self._add(pair, np.array([1.0, -back]))
                    if not self._cover(int(self.problem.cell[other])):
                        self.lots, self.x = saved
                        break
                    if self._cover(c):
                        return True
        return False

    def _level(self, cells: BoolArray) -> None:
        """Let accounts with one leg in these cells pay what fits, and level the others over what is left."""
        here = cells[self.problem.cell] & (self.most > 0)
        count = np.bincount(self.problem.account[here], minlength=self.limit.size)
        one = here & (count == 1)[self.problem.account]
        legs = np.flatnonzero(here & ~one)
        self.lots[one] = np.minimum(np.floor(self.limit[self.problem.account] / self.value), self.most)[one]
        paid = np.bincount(self.problem.cell[one], (self.lots * self.value)[one], self.needs.size)
        left = np.where(cells, self.needs - paid, 0.0)
        lower = one & (left < 0)[self.problem.cell]
        self.lots[lower] = np.minimum(np.floor(self.dollars.leg_usd / self.value), self.most)[lower]
        size = self.limit[self.problem.account]
        for share in STAGES:
            if legs.size == 0:
                break
            anew = minmax_contracts(
                self.problem.capacity,
                self.problem.account[legs],
                self.problem.cell[legs],
                self.most[legs] * self.value[legs],
                np.maximum(left, 0.0),
            )
            small = np.quantile(size[legs], share)
            some = size[legs] <= small
            now = legs[some]
            self.lots[now] = np.minimum(
                np.floor(anew.leg_usd[some] / self.value[now] * (1 + SLACK)), self.most[now]
            )
            self._fill_up(now, left)
            left -= np.bincount(self.problem.cell[now], self.lots[now] * self.value[now], left.size)
            legs = legs[~some]

    def _fill_up(self, legs: IntArray, left: FloatArray) -> None:
        """Let accounts take one more lot where it fits."""
        x = np.bincount(self.problem.account[legs], self.lots[legs] * self.value[legs], self.limit.size)
        rows = self.problem.account[legs]
        fits = (self.lots[legs] < self.most[legs]) & (x[rows] + self.value[legs] <= self.limit[rows])
        fits &= left[self.problem.cell[legs]] > 0
        able = legs[fits]
        able = able[np.argsort(-self.value[able], kind="stable")]
        _, first = np.unique(self.problem.account[able], return_index=True)
        self.lots[able[first]] += 1

    def _cover(self, c: int) -> bool:
        """Take what a cell lacks where burdens stay lowest: most of it by a level, the rest lot by lot."""
        legs = self.legs[c]
        lacks, enough = self._lacks(c), REL_TOL / 2 * self.needs[c]
        if lacks > float(np.sum(self.value[legs])):
            self._add(legs, self._levelled(legs, lacks))
        while (lacks := self._lacks(c)) > enough:
            rows, value = self.problem.account[legs], self.value[legs]
            fits = (self.lots[legs] < self.most[legs]) & (self.x[rows] + value <= self.limit[rows])
            able = legs[fits]
            if able.size == 0:
                return False
            rows = self.problem.account[able]
            burden = (self.x[rows] + self.value[able]) / self.u[able]
            order = np.argsort(burden, kind="stable")
            _, first = np.unique(rows[order], return_index=True)  # one lot of an account at a time
            order = order[np.sort(first)]
            upto = int(np.searchsorted(np.cumsum(self.value[able[order]]), lacks * (1 - REL_TOL))) + 1
            self._add(able[order[:upto]], 1.0)
        return True

    def _lacks(self, c: int) -> float:
        """Return what a cell still needs, USD; below 0 it has more."""
        return float(self.needs[c] - np.sum(self.lots[self.legs[c]] * self.value[self.legs[c]]))

    def _levelled(self, legs: IntArray, lacks: float) -> FloatArray:
        """Return whole lots of legs that are levelled over what their accounts pay already."""
        rows, value = self.problem.account[legs], self.value[legs]
        room = np.maximum(np.floor((self.limit[rows] - self.x[rows]) / value), 0.0)
        cap = np.minimum(self.most[legs] - self.lots[legs], room) * value
        cap = np.where(self.u[legs] > 0, cap, 0.0)
        some = np.flatnonzero(cap > 0)
        if np.unique(rows[some]).size < some.size or some.size == 0:
            return np.zeros(legs.size)
        y, level = np.zeros(some.size), np.zeros(1)
        ends, demand = np.array([0, some.size]), np.array([min(lacks, float(np.sum(cap)))])
        cell = (np.zeros(1, np.int64), ends, rows[some], cap[some])
        contracts_leaf().fill(*cell, self.problem.capacity, demand, self.x.copy(), y, level)
        added = np.zeros(legs.size)
        added[some] = np.floor(y / value[some])
        return added

    def _add(self, legs: IntArray, lots: FloatArray | float) -> None:
        self.lots[legs] += lots
        np.add.at(self.x, self.problem.account[legs], lots * self.value[legs])
