"""Pro-rata and water-filling in passes: the common level from exact sums on both sides of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adl_opt.chunked.radix import BINS, Window, histogram, to_keys
from adl_opt.chunked.sink import Answer
from adl_opt.chunked.source import Chunk, Source
from adl_opt.kernels.arrays import Vector

_FAR = 1e300  # breakpoints above are cut to it


@dataclass(frozen=True)
class Rates:
    """Haircut fractions ``min(cap, level * weight)``; cap and weight are a column each, or shared."""

    cap: float | str
    weight: str | None

    def of(self, chunk: Chunk) -> tuple[Vector, Vector]:
        """Caps and weights of a chunk; weight zero is exempt, its cap is zero."""
        size = chunk["capacity_usd"].size
        cap = chunk[self.cap] if isinstance(self.cap, str) else np.full(size, self.cap)
        if self.weight is None:
            return cap, np.ones(size)
        weight = chunk[self.weight]
        return np.where(weight > 0, cap, 0.0), weight

    def breakpoints(self, chunk: Chunk) -> Vector:
        """Level at which each account reaches its cap."""
        cap, weight = self.of(chunk)
        with np.errstate(over="ignore"):
            return np.minimum(cap / np.where(weight > 0, weight, 1.0), _FAR)


def waterfill_level(source: Source, budget: float, rates: Rates) -> float | None:
    """Level at which the fractions pay the budget; None when all caps together do not.

    Notes
    -----
    One pass where cap and weight are shared. Otherwise at most seven, O(rows) each: one for the mass, up to
    four to place the level between two breakpoints, two for compensated sums below and above.
    """
    if rates.weight is None and not isinstance(rates.cap, str):
        capacity = source.sum(lambda chunk: chunk["capacity_usd"])
        return None if budget >= capacity * rates.cap else budget / capacity
    if budget >= source.sum(lambda chunk: chunk["capacity_usd"] * rates.of(chunk)[0]):
        return None
    below = _breakpoint_below(source, budget, rates)
    full = source.sum(lambda chunk: _parts(chunk, rates, below)[0])
    slope = source.sum(lambda chunk: _parts(chunk, rates, below)[1])
    return max((budget - full) / slope, below) if slope > 0 else below


def level_answer(rates: Rates, level: float | None) -> Callable[[Chunk], Answer]:
    """Haircuts of a chunk at the level."""

    def answer(chunk: Chunk) -> Answer:
        cap, weight = rates.of(chunk)
        with np.errstate(over="ignore"):
            rate = cap if level is None else np.minimum(cap, level * weight)
        return {"haircut_usd": chunk["capacity_usd"] * rate}

    return answer


def _breakpoint_below(source: Source, budget: float, rates: Rates) -> float:
    """Place the level: up to here the mass is at most the budget, and at the next breakpoint it is more."""
    window, full_before, slope_after = Window(), 0.0, 0.0
    while True:
        full, slope = np.zeros(BINS), np.zeros(BINS)
        for chunk in source.chunks():
            capacity, (cap, weight) = chunk["capacity_usd"], rates.of(chunk)
            inside, digits = window.digits(to_keys(rates.breakpoints(chunk)))
            full += histogram(digits, (capacity * cap)[inside])
            slope += histogram(digits, (capacity * weight)[inside])
        edges = np.clip(window.edges(), 0.0, _FAR)
        fulls = full_before + np.cumsum(full) - full
        slopes = slope_after + np.cumsum(slope[::-1])[::-1]
        digit = max(int(np.count_nonzero(fulls + slopes * edges <= budget)) - 1, 0)
        if slope[digit] == 0 or window.shift == 0:
            return float(edges[digit])
        full_before, slope_after = float(fulls[digit]), float(slopes[digit] - slope[digit])
        window = window.narrow(digit)


def _parts(chunk: Chunk, rates: Rates, level: float) -> tuple[Vector, Vector]:
    """USD of the accounts at their cap, and USD per level of the others."""
    cap, weight = rates.of(chunk)
    capped = rates.breakpoints(chunk) <= level
    capacity = chunk["capacity_usd"]
    return np.where(capped, capacity * cap, 0.0), np.where(capped, 0.0, capacity * weight)
