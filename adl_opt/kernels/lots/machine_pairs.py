"""The subset sums of one account, compiled by numba: see `pairs` for the same in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

TINY = float(np.finfo(float).tiny)

NOISE = 2e-15
"""Remainders that are no larger, relative to the cap, are rounding errors: going on would multiply them."""

LISTED = 6
"""Up to so many counts are tried one by one; beyond, Euclid's algorithm is faster."""


def compiled(function: Function, **options: Any) -> Function:
    """Compile at the first call, with IEEE arithmetic as written, and keep the machine code on disk."""
    made: Function = numba.njit(function, cache=True, error_model="numpy", nogil=True, **options)
    return made


@compiled
def fits(work: Any, cap: float, value: Any, most: Any, lots: Any, first: int, size: int, slot: int) -> int:
    """Put lines that fit into ``work``, most lots first, and no lots into the slot; return how many."""
    used, at = 0, slot * value.size
    for j in range(first, first + size):
        lots[at + j] = 0.0
        fit = min(np.floor(cap / value[j]), most[j])
        if fit >= 1:
            k = used
            while k > 0 and work[1, k - 1] < fit:
                work[0, k], work[1, k], work[5, k] = work[0, k - 1], work[1, k - 1], work[5, k - 1]
                k -= 1
            work[0, k], work[1, k], work[5, k] = value[j], fit, at + j
            used += 1
    return used


@compiled
def box(work: Any, used: int, room: float, tries: float) -> bool:
    """Choose least and greatest counts of all lines but two; say whether so many tries are all choices.

    The box lies where the others leave about as much as the two lines can fill in many ways, the roof.
    """
    rest, whole = room, True
    roof = max(work[0, 0] * work[1, 0], work[0, 1] * work[1, 1])
    for k in range(used - 1, 1, -1):
        value, fit = work[0, k], work[1, k]
        wide = min(fit + 1, max(np.floor(tries ** (1.0 / (k - 1)) + 1e-9), 1.0))
        tries = max(tries / wide, 1.0)
        whole = whole and wide > fit
        middle = min(fit, np.floor(rest / value), np.ceil(max(rest - roof, 0.0) / value))
        work[2, k] = work[4, k] = max(min(middle - np.floor(wide / 2), fit + 1 - wide), 0.0)
        work[3, k] = work[2, k] + wide - 1
        rest = max(rest - middle * value, 0.0)
    return whole


@compiled
def next_choice(work: Any, used: int) -> bool:
    """Count on, as an odometer does; False after the last choice."""
    for k in range(2, used):
        if work[4, k] < work[3, k]:
            work[4, k] += 1
            return True
        work[4, k] = work[2, k]
    return False


@compiled
def pair(cap: float, big: float, small: float, bigs: float, smalls: float, step: float) -> Any:
    """Lots of the dearer position, 0..bigs, in the largest sum of two positions within the cap.

    ``step`` is big modulo small.  See `pairs.best_pair`.
    """
    full = min(np.floor((cap - smalls * small) / big), bigs)
    count = max(full + 1, 0.0)
    if count > bigs:
        return bigs
    best, found = full * big + smalls * small if full >= 0 else -1.0, full
    if bigs - count < LISTED:
        while count <= bigs:
            paid = count * big + np.floor(max(cap - count * big, 0.0) / small) * small
            if paid > best:
                best, found = paid, count
            count += 1
        return max(found, 0.0)
    rest = cap - count * big
    rest -= np.floor(rest / small) * small
    left = last = bigs - count
    down, up, down_cost, up_cost = step, small - step, 1.0, 1.0
    noise = cap * NOISE
    while left >= down_cost and down > noise and rest > noise:
        times = min(np.floor(rest / down), np.floor(left / down_cost))
        rest -= times * down
        left -= times * down_cost
        times = min(max(np.ceil((down - rest) / up), 0.0), np.floor(down / up))
        down_cost += times * up_cost
        down = max(down - times * up, 0.0)
        if rest < down < up:
            times = np.ceil(up / down) - 1
            up_cost += times * down_cost
            up = max(up - times * down, TINY)
    count += last - left
    paid = count * big + np.floor(max(cap - count * big, 0.0) / small) * small
    return count if paid > best else max(found, 0.0)
