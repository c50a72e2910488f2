"""Diagnostics of an allocation: order inversions, stability of ranks, concentration."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round

RELATIVE = 1e-9
"""Differences below this share of the values are rounding, not order."""

ROUNDING = 1e-14
"""Values whose spread is below this share of them are one value, computed twice."""

Places = npt.NDArray[np.int32]


def p99(burdens: Floats) -> float:
    """Return the 99th percentile of burdens; 0 where there are none.

    Examples
    --------
    >>> p99(np.arange(101.0))
    99.0
    """
    return float(np.quantile(burdens, 0.99)) if burdens.size else 0.0


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Accounts sorted by endowment, and how much the richer of two neighbours may be left with less.

    A pair of neighbours with different endowments is inverted when the richer one is left with less (Prop. 9:
    pro-rata never does this, a strict queue can).  One object serves all policies of a round.

    Examples
    --------
    >>> neighbours = Neighbours.of(np.array([1.0, 2.0, 3.0]))
    >>> neighbours.inversions(np.array([0.0, 2.0, 0.0])), neighbours.pairs
    (1, 2)
    """

    endowment: Floats
    order: Ints
    limit: Floats
    """(n - 1,) USD: rounding; infinite for a pair of one endowment, which has no order."""

    @classmethod
    def of(cls, endowment: Floats) -> Neighbours:
        """Return the accounts with these endowments before the round, (n,) USD, sorted."""
        order = np.argsort(endowment, kind="stable")
        before = endowment[order]
        return cls(endowment, order, np.where(np.diff(before) > 0, RELATIVE * before[1:], np.inf))

    @cached_property
    def pairs(self) -> int:
        """How many neighbours differ in their endowments."""
        return int(np.count_nonzero(self.limit < np.inf))

    def inversions(self, x: Floats) -> int:
        """Return how many of the pairs the haircuts x, (n,) USD, turn over."""
        left = (self.endowment - x)[self.order]
        return int(np.count_nonzero(left[:-1] - left[1:] > self.limit))


@dataclass(frozen=True, eq=False)
class Sorted:
    """Values, sorted once at most for the Gini coefficient and for ranks; not empty."""

    values: Floats

    @cached_property
    def least(self) -> float:
        """The least value: most accounts of a queue pay nothing."""
        return float(self.values.min())

    @cached_property
    def most(self) -> float:
        """The greatest value."""
        return float(self.values.max())

    @cached_property
    def above(self) -> Places:
        """(k,) Rows of the values above the least, ascending by value; the order of ties does not count."""
        rows = np.flatnonzero(self.values > self.least)
        return rows[np.argsort(self.values[rows])].astype(np.int32)


@dataclass(frozen=True, eq=False)
class Common:
    """The accounts of two rounds: the row of each in either round, and back.

    Parameters
    ----------
    rows : pair of (k,) int
    places : pair of (n,) int
        Which of the k an account is; -1 for one that is not in both rounds.
    """

    rows: tuple[Ints, Ints]
    places: tuple[Places, Places]

    @classmethod
    def of(cls, rows: tuple[Ints, Ints], sizes: tuple[int, int]) -> Common:
        """Return the accounts in these rows of rounds of so many accounts."""
        places = tuple(np.full(size, -1, dtype=np.int32) for size in sizes)
        for place, row in zip(places, rows, strict=True):
            place[row] = np.arange(row.size, dtype=np.int32)
        return cls(rows, (places[0], places[1]))


def rank_correlation(a: Floats | Sorted, b: Floats | Sorted, common: Common | None = None) -> float:
    """Return Spearman's rank correlation; NaN for fewer than three values or constant ranks.

    Parameters
    ----------
    a, b : (k,), or Sorted
        Burdens of the same accounts in adjacent rounds; values closer than rounding count as ties.
    common : Common, optional
        Which values of `a` and `b` belong to the same account; left out, those in the same place.

    Examples
    --------
    >>> round(rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])), 12)
    1.0
    """
    pair = [v if isinstance(v, Sorted) else Sorted(v) for v in (a, b)]
    if common is None:
        every = np.arange(pair[0].values.size)
        common = Common.of((every, every), (every.size, every.size))
    if common.rows[0].size < 3:
        return math.nan
    centred = []
    for v, rows, places in zip(pair, common.rows, common.places, strict=True):
        ranks = _average_ranks(v, rows, places)
        if ranks is None:
            return math.nan
        centred.append(ranks - ranks.mean())
    norm = math.sqrt(float(centred[0] @ centred[0]) * float(centred[1] @ centred[1]))
    return float(centred[0] @ centred[1]) / norm


def _average_ranks(v: Sorted, rows: Ints, places: Places) -> Floats | None:
    """Return the ranks of some of the values among themselves, ties at their mean; None if all are tied."""
    values = v.values[rows]
    scale = float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
    ends = np.array([values.min(), values.max()])
    if scale > 0:
        ends = np.round(ends / scale, 9)
    if ends[0] == ends[1]:
        return None
    among = places[v.above]
    among = among[among >= 0]
    steps, least = values[among], v.least
    if scale > 0:
        steps, least = np.round(steps / scale, 9), float(np.round(least / scale, 9))
    first = np.flatnonzero(np.append(True, steps[1:] != steps[:-1]))
    counts = np.diff(first, append=steps.size)
    same = values.size - steps.size  # at the least value, before all others
    mean = same + first + (counts + 1) / 2.0
    tied = bool(steps[0] == least)
    if tied:
        mean[0] = (same + counts[0] + 1) / 2.0
    ranks = np.full(values.size, mean[0] if tied else (same + 1) / 2.0)
    ranks[among] = np.repeat(mean, counts)
    return ranks


def gini(values: Floats | Sorted) -> float:
    """Return the Gini coefficient of non-negative values: 0 all equal, towards 1 one holds all; NaN if all 0.

    Examples
    --------
    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 1.0]))
    (0.0, 0.5)
    """
    v = values if isinstance(values, Sorted) else Sorted(values)
    total, size = exact_sum(v.values), v.values.size
    if size == 0 or not 0 < total < math.inf:
        return math.nan
    if v.most - v.least <= ROUNDING * v.most:
        return 0.0
    same = size - v.above.size
    ranked = float(np.arange(same + 1.0, size + 1.0) @ v.values[v.above]) + v.least * same * (same + 1) / 2.0
    return max(2.0 * ranked / (size * total) - (size + 1) / size, 0.0)


@dataclass(eq=False)
class PositionReach:
    """How much of the capacity the positions can give up, where that is less than all of it."""

    shares: list[float] = field(default_factory=list)

    def see(self, round_: Round, capacity_usd: float) -> None:
        """Take note of a round in wealth."""
        if round_.positions is None or capacity_usd <= 0 or round_.space == CONTRACTS:
            return
        held = np.bincount(round_.positions.account, round_.positions.pnl, minlength=len(round_.accounts))
        share = float(np.minimum(held, round_.accounts.capacity).sum()) / capacity_usd
        if share < 0.99:
            self.shares.append(share)

    def notes(self) -> list[str]:
        """Return a remark, where the positions reach clearly less than the capacity."""
        if not self.shares:
            return []
        low, high = (f"{100 * v:.0f} %" for v in (min(self.shares), max(self.shares)))
        return [
            f"in {len(self.shares)} rounds the positions reach only {low} to {high} of the capacity: rules "
            "on lots or positions, and the min-max reference, have less to choose from than rules on accounts"
        ]
