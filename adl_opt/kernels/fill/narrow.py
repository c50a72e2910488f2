"""Many clipped lines or exponentials: a sample finds the neighbourhood, one pass finds the level.

The task: find the common level at which the accounts' heights weigh as much as the budget
(:mod:`adl_opt.kernels.fill.ramps`).  Sorting the breakpoints of a million accounts would be slow, and only
those close to the level matter.

1. Sample.  4,096 accounts are drawn, each with a chance in proportion to the most it can give, so that large
   accounts are never missed.  The same problem on the sample gives a likely level, and the spread of the
   sample gives an interval of a few standard errors around it.
2. One pass.  Every account is evaluated at both ends of the interval.  Most accounts have no breakpoint
   inside; they are straight there, and their two sums say all about them.  The few others are put aside.
3. Exact search.  The breakpoints of the few are sorted and searched for the level.  If the interval does not
   hold the budget, a wider one is tried, and then the search over all accounts.
4. Rounding.  One more pass fills in the heights.  A common factor removes what rounding left of the budget.

A pass reads the data once, a block at a time, so that intermediate values stay in the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.fill.ramps import Breaks, Ramps, Span, level_between, near_span, search_all
from adl_opt.kernels.sums import split_sum
from adl_opt.proofs.sums import BLOCK

SAMPLE = 4096
"""Accounts in the sample that guesses where to look first."""

MANY = 4 * SAMPLE
"""From so many accounts on, guessing pays."""

_GROUP = 16  # accounts of a group: the sample is drawn among groups, then within them
_EXACT = 1e-16  # relative to the budget: residuals that are left alone
_SMALL = 1e-13  # those that a common factor settles
_WIDTHS = (4.0, 32.0)  # standard errors around the guess


def meet_budget(ramps: Ramps, budget: float) -> Vector:
    """Return heights in [0, cap] whose mass is `budget` >= 0, or all caps when they cannot reach it.

    Expected O(n), in the steps of this module's head; O(n log n) where the sample misleads.

    Examples
    --------
    >>> one = np.ones(2)
    >>> meet_budget(Ramps(offset=np.zeros(2), slope=one, cap=np.array([0.2, 1.0]), weight=one), 0.8)
    array([0.2, 0.6])
    """
    if budget <= 0.0 or ramps.cap.size == 0:
        return np.zeros(ramps.cap.size)
    if ramps.cap.size > MANY:
        for width in _WIDTHS:
            span = _guess(ramps, budget, width)
            found = None if span is None else _solve_inside(ramps, budget, span)
            if found is not None:
                return found
    return search_all(ramps, budget)


def sample(weight: Vector, cap: Vector) -> tuple[np.ndarray, float]:
    """Return the rows of a systematic sample, (SAMPLE,), and the greatest mass that each stands for.

    The sample is proportional to the greatest mass of an account, weight x cap, so that heavy tails do no
    harm.  An account of great mass comes up often.  The order means nothing; there are no rows where there is
    no mass.

    Examples
    --------
    >>> index, share = sample(np.array([1.0, 7.0]), np.ones(2))
    >>> np.bincount(index).tolist(), share
    ([512, 3584], 0.001953125)
    """
    n = cap.size
    rows = -(-n // _GROUP)  # group g holds accounts g, g + rows, g + 2 rows, ...
    masses = np.zeros(rows)
    for start in range(0, n, rows):
        part = weight[start : start + rows] * cap[start : start + rows]
        masses[: part.size] += part
    ends = np.cumsum(masses)
    most = float(ends[-1])
    if not most > 0.0:
        return np.zeros(0, dtype=np.intp), 0.0
    places = (np.arange(SAMPLE) + 0.5) * (most / SAMPLE)
    group = np.minimum(np.searchsorted(ends, places), rows - 1)
    members = group + rows * np.arange(_GROUP)[:, None]
    inside = members < n
    members[~inside] = 0
    within = np.where(inside, weight[members] * cap[members], 0.0)
    for before, row in pairwise(within):
        row += before
    left = np.minimum(places - (ends[group] - masses[group]), within[-1])
    member = np.minimum((within < left).sum(axis=0), _GROUP - 1)
    index = members[member, np.arange(SAMPLE)]
    return index[weight[index] * cap[index] > 0.0], most / SAMPLE


def blocks(n: int) -> Iterator[tuple[int, int]]:
    """First and last of every block of accounts."""
    return ((start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def _guess(ramps: Ramps, budget: float, width: float) -> Span | None:
    """Levels so many standard errors of the sample below and above the likely one."""
    index, each = sample(ramps.weight, ramps.cap)
    if index.size == 0:
        return None
    drawn = ramps.take(index)
    drawn = drawn._replace(weight=each / drawn.cap)
    breaks = Breaks(drawn)
    whole = breaks.everywhere()
    span, _ = breaks.search(budget, whole)
    shares = breaks.heights(0.5 * span.low + 0.5 * span.high) / drawn.cap
    spread = (width * float(shares.std()) / np.sqrt(SAMPLE) + 1e-6 / SAMPLE) * each * SAMPLE
    low = _level(breaks, budget - spread, whole._replace(high=span.high))
    high = _level(breaks, budget + spread, whole._replace(low=span.low))
    return Span(low, high) if low < high else None


def _level(breaks: Breaks, budget: float, span: Span) -> float:
    """Level at which the lines meet the budget, or an end of the span."""
    if breaks.mass(span.low) >= budget:
        return span.low
    if breaks.mass(span.high) <= budget:
        return span.high
    inner, masses = breaks.search(budget, span)
    return level_between(inner.low, inner.high, masses, budget)


def _solve_inside(ramps: Ramps, budget: float, span: Span) -> Vector | None:
    """Heights whose mass is the budget, or None where the span does not hold it."""
    low, high = [], []
    bent = []
    space = np.empty((2, BLOCK))
    with np.errstate(over="ignore"):
        for start, stop in blocks(ramps.cap.size):
            part = ramps.part(start, stop)
            ends = space[:, : stop - start]
            index = _bent(part, span, ends)
            np.multiply(part.weight, ends, out=ends)
            if index.size:
                ends[:, index] = 0.0
                bent.append(index + start)
            low.append(float(np.add.reduce(ends[0])))
            high.append(float(np.add.reduce(ends[1])))
    span = span._replace(at_low=sum(low), at_high=sum(high))
    breaks = Breaks(ramps.take(np.concatenate(bent))) if bent else None
    masses = (span.at_low, span.at_high)
    if breaks:
        masses = (masses[0] + breaks.mass(span.low), masses[1] + breaks.mass(span.high))
    if not masses[0] <= budget <= masses[1]:
        return None
    inner = span
    if breaks:
        inner, masses = breaks.search(budget, span)
    level = level_between(inner.low, inner.high, masses, budget)
    found = settle(
        lambda start, stop, out: ramps.part(start, stop).fill(level, out), ramps.cap, ramps.weight, budget
    )
    return near_span(ramps, budget, inner) if found is None else found


def _bent(part: Ramps, span: Span, ends: np.ndarray) -> np.ndarray:
    """Fill in the heights (2, k) at both ends of the span; return who has a breakpoint between them."""
    for level, heights in zip(span[:2], ends, strict=True):
        np.multiply(part.slope, level, out=heights)
        heights += part.offset
    bent = (ends[0] < 0.0) & (ends[1] > 0.0)
    bent |= (ends[0] < part.cap) & (ends[1] > part.cap)
    np.clip(ends, 0.0, part.cap, out=ends)
    return np.flatnonzero(bent)


def settle(
    fill: Callable[[int, int, Vector], Vector],
    cap: Vector,
    weight: Vector,
    budget: float,
    most: float = _SMALL,
) -> Vector | None:
    """Heights that meet the budget but for rounding; None where they do not.

    `fill` puts the heights of the accounts from one place to another into an array, and returns it.
    """
    heights, scratch = np.empty(cap.size), np.empty((2, min(BLOCK, cap.size)))
    masses: list[float] = []
    with np.errstate(over="ignore", under="ignore"):
        for start, stop in blocks(cap.size):
            product = scratch[0, : stop - start]
            np.multiply(weight[start:stop], fill(start, stop, heights[start:stop]), out=product)
            masses += split_sum(product, scratch[1])
    return share_out(heights, cap, weight, budget, masses, most)


def share_out(
    heights: Vector,
    cap: Vector,
    weight: Vector,
    budget: float,
    masses: list[float],
    most: float,
) -> Vector | None:
    """Scale the heights strictly between 0 and cap, in place, so that the masses add up to the budget.

    A mass is weight x height; ``masses`` are parts of what they add up to now.  None is returned where more
    than rounding is missing: above ``most``, relative to the budget.
    """
    rest = math.fsum([budget, *(-mass for mass in masses)])
    if abs(rest) <= _EXACT * budget:
        return heights
    if not abs(rest) <= most * budget:
        return None
    free = 0.0
    for start, stop in blocks(heights.size):
        part = heights[start:stop]
        free += float(np.sum(weight[start:stop] * part, where=part < cap[start:stop]))
    if not abs(rest) <= 0.5 * free:
        return None
    factor = 1.0 + rest / free
    for start, stop in blocks(heights.size):
        part = heights[start:stop]
        np.multiply(part, factor, out=part, where=part < cap[start:stop])
        np.minimum(part, cap[start:stop], out=part)
    return heights
