"""Min-max over lots in passes, one position an account: a bracket on the burden, then an exact finish.

At burden z an account pays ``d * min(K, floor(z * u / d))``, so the total F(z) is a step function.  A pass
evaluates F at several burdens at once; when few enough steps are left in the bracket they are collected and
sorted, and the first that covers the budget is the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from adl_opt.chunked.source import Chunk, Source
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.lots.base import REL_TOL, SLACK, lot_rates, whole_lots

MOST_STEPS = 1 << 21
"""Steps of F that are collected in memory, about 50 bytes each; a bracket with more is narrowed further."""


class PaidAt(NamedTuple):
    """A burden, what everybody pays there (USD), and in how many lots."""

    z: float
    reach: float
    lots: float


class Bracket(NamedTuple):
    """Burdens around the answer: the target is out of reach at ``low`` and covered at ``high``."""

    low: PaidAt
    high: PaidAt

    def closed(self) -> bool:
        """Say whether both ends are one burden within the tolerance."""
        return self.high.z * (1 - 4 * SLACK) <= self.low.z

    def steps(self) -> float:
        """Count the steps of F inside."""
        return self.high.lots - self.low.lots


@dataclass(frozen=True)
class LotsLevel:
    """Smallest largest burden ``z``, what lots pay there (USD), and the proven ``lower_bound`` of z."""

    z: float
    reach: float
    lower_bound: float


def lots_at(chunk: Chunk, z: float) -> Vector:
    """Whole lots that every account can give up at burden z."""
    return whole_lots(_rates(chunk), chunk["lots"], min(z, 1.0))


def _rates(chunk: Chunk) -> Vector:
    """Lots of every account by unit of burden, not yet whole."""
    return lot_rates(chunk["capacity_usd"], chunk["lot_value_usd"])


def lots_level(source: Source, target: float, *, most_steps: int = MOST_STEPS) -> LotsLevel | None:
    """Find the smallest burden that covers the target; None when all lots together do not.

    Notes
    -----
    O(rows) a pass, about eight passes: two for totals, three to five that narrow, one that collects, one
    that confirms the cover at z and its absence at ``z * (1 - 1e-12)``.
    """
    if target <= 0:
        return LotsLevel(0.0, 0.0, 0.0)
    capacity = math.fsum(float(np.sum(chunk["capacity_usd"])) for chunk in source.chunks())
    low = target / capacity * (1 - 4 * SLACK) if capacity > 0 else 1.0  # F(z) <= z * capacity
    growing = low * np.append(1.0, 1 + 0.01 * 2.0 ** np.arange(12))
    points = _evaluate(source, np.append(growing[growing < 1.0], 1.0))
    if points[-1].reach < target:
        return None
    bracket = _narrowest([PaidAt(0.0, 0.0, 0.0), *points], target)
    while not bracket.closed() and bracket.steps() > most_steps:
        probes = _evaluate(source, _probes(bracket, target))
        bracket = _narrowest([bracket.low, *probes, bracket.high], target)
    z = bracket.high.z if bracket.closed() else _first_cover(source, bracket, target)
    below, at = _evaluate(source, np.array([z * (1 - REL_TOL), z]))
    return LotsLevel(z, at.reach, z if below.reach < target else bracket.low.z)


def _evaluate(source: Source, burdens: Vector) -> list[PaidAt]:
    """F at every burden, in one pass."""
    paid: list[list[float]] = [[] for _ in burdens]
    count = np.zeros(burdens.size)
    for chunk in source.chunks():
        rate = _rates(chunk)
        lots = np.empty_like(rate)
        for place, z in enumerate(burdens.tolist()):
            whole_lots(rate, chunk["lots"], min(z, 1.0), out=lots)
            count[place] += float(np.sum(lots))
            lots *= chunk["lot_value_usd"]
            paid[place].append(float(np.sum(lots)))  # a dot product would start threads, and round worse
    sums = map(math.fsum, paid)
    return [PaidAt(*point) for point in zip(burdens.tolist(), sums, count.tolist(), strict=True)]


def _narrowest(points: list[PaidAt], target: float) -> Bracket:
    """Neighbours among ascending points between which the target is first covered; the last point covers."""
    place = next(i for i, point in enumerate(points) if i and (point.reach >= target or i == len(points) - 1))
    return Bracket(points[place - 1], points[place])


def _probes(bracket: Bracket, target: float) -> Vector:
    """Burdens inside the bracket: closer and closer around the straight-line guess, and the quartiles."""
    (low, f_low, _), (high, f_high, _) = bracket
    width = high - low
    guess = low + width * (target - f_low) / (f_high - f_low)
    around = width * 4.0 ** -np.arange(1, 6)
    probes = np.concatenate([guess + around, guess - around, low + width * np.array([0.25, 0.5, 0.75])])
    return np.unique(probes[(low < probes) & (probes < high)])


def _first_cover(source: Source, bracket: Bracket, target: float) -> float:
    """Collect the steps inside the bracket and take the first at which the target is covered."""
    burdens, sizes = [], []
    for chunk in source.chunks():
        start = lots_at(chunk, bracket.low.z)
        steps = (lots_at(chunk, bracket.high.z) - start).astype(np.int64)
        who = np.repeat(np.arange(steps.size), steps)
        lot = start[who] + 1 + np.arange(who.size) - np.repeat(np.cumsum(steps) - steps, steps)
        value = chunk["lot_value_usd"][who]
        burdens.append(lot * value / chunk["capacity_usd"][who])
        sizes.append(value)
    burden, size = np.concatenate(burdens), np.concatenate(sizes)
    order = np.argsort(burden, kind="stable")
    place = int(np.searchsorted(bracket.low.reach + np.cumsum(size[order]), target))
    return float(burden[order[place]]) if place < burden.size else bracket.high.z
