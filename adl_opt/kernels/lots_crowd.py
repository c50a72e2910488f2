"""Accounts with several positions in play, and what they can pay at one burden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.lots_book import caps
from adl_opt.kernels.subset_sums import COLUMNS, BoolArray, FloatArray, IntArray, best_sums


@dataclass
class Crowd:
    """Accounts with several positions in play (arrays over accounts, then positions; zero lots pad)."""

    line: IntArray
    base: FloatArray
    capacity: FloatArray
    total: FloatArray
    value: FloatArray
    lots: FloatArray
    width: IntArray  # counts tried at every enumerated position; 0 before the first search
    under: FloatArray  # a forecast of the best sum at the lower end of the interval
    best: FloatArray  # a reachable sum at the upper end, and its lots
    best_lots: FloatArray
    sure: BoolArray  # no larger sum is reachable there

    def keep(self, rows: BoolArray) -> None:
        """Drop the other accounts."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name)[rows])

    def cost(self, width: IntArray) -> FloatArray:
        """Pairs to solve for each account, at most."""
        tries = np.minimum(self.lots[:, 2:COLUMNS] + 1, np.maximum(width, 1)[:, None])
        return np.asarray(np.prod(tries, axis=1), dtype=np.float64)

    def spent(self) -> BoolArray:
        """Accounts that a wider search cannot make sharper."""
        now = (self.width > 0) & (self.width > np.max(self.lots[:, 2:COLUMNS], axis=1, initial=0.0))
        spent: BoolArray = now
        return spent

    def planned(self, z: float) -> float:
        """Nodes that `at` will take, at most."""
        return float(np.sum(self.cost(self.width)[self.best > caps(z, self.base, self.capacity)]))

    def at(self, z: float) -> CrowdAt:
        """Bounds at burden z; an account whose best sum at the upper end still fits is not redone."""
        room = caps(z, self.base, self.capacity)
        most = np.minimum(room, self.total)
        fits = self.best <= room
        lower = np.where(fits, self.best, 0.0)
        sure = self.sure & fits
        upper = np.where(sure, lower, most)
        answer = CrowdAt(room, lower, upper, self.best_lots * fits[:, None], sure, ~fits, 0)
        self.redo(answer, np.flatnonzero(~fits))
        return answer

    def redo(self, at: CrowdAt, rows: IntArray) -> None:
        """Search these accounts again with their present width."""
        if rows.size == 0:
            return
        self.width[rows] = np.maximum(self.width[rows], 1)
        found = best_sums(at.room[rows], self.value[rows], self.lots[rows], self.width[rows])
        at.nodes += found.nodes
        better = found.total > at.lower[rows]
        at.lower[rows[better]], at.lots[rows[better]] = found.total[better], found.lots[better]
        at.sure[rows], at.done[rows] = found.exact, True
        at.upper[rows] = np.where(found.exact, at.lower[rows], np.maximum(at.lower[rows], at.upper[rows]))


@dataclass
class CrowdAt:
    """What a crowd pays at one burden."""

    room: FloatArray
    lower: FloatArray
    upper: FloatArray
    lots: FloatArray
    sure: BoolArray
    done: BoolArray  # searched at this very burden
    nodes: int


@dataclass
class At:
    """What everybody pays at one burden: the proven bounds on the total and the pieces behind them."""

    z: float
    fixed: float
    single_lots: FloatArray
    crowds: list[CrowdAt]

    def __post_init__(self) -> None:
        self.add()

    def add(self) -> None:
        """Sum the pieces."""
        self.lower = self.fixed + sum(float(np.sum(c.lower)) for c in self.crowds)
        self.upper = self.fixed + sum(float(np.sum(c.upper)) for c in self.crowds)

    def slack(self) -> FloatArray:
        """USD between the bounds of every crowded account."""
        return np.concatenate([np.zeros(0), *(c.upper - c.lower for c in self.crowds)])
