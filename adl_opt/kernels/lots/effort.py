"""Whose subset sums are searched, and how far.

A *pair problem* is the search for the best sum of lots of two positions of an account.  After t of them the
best sum that is known lies below the cap of the account by about ``gap / t``.  The total of these distances
over all accounts shall be small, and few problems shall be solved.  It is least, for a given number of
problems, where t grows with the root of the gap.  An account has ``count`` problems in all.  If its t would
reach that number, all its problems are solved, and its best sum is then known exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adl_opt.kernels.lots.base import FloatArray, IntArray

SMALL = 0.1
"""Accounts that may together lose no more than this share of what is allowed are left alone."""

AT_ONCE = 2.0**22
"""Pair problems of one search at most: its time, and how late Ctrl-C is heard, stay bounded."""


BITS, MOST = 50, 0x7FF << 2
"""The bits of a positive float above so many are its octave and quarter; those of infinity."""

MORE = 1.25
"""So many times the problems that were counted are allowed to settle an account: its cap has grown since."""


class Effort(NamedTuple):
    """Accounts to search, pair problems of each at most, and USD below the cap at which to stop."""

    rows: IntArray
    tries: FloatArray
    near: FloatArray

    def cost(self) -> float:
        """Pair problems at most."""
        return float(self.tries.sum())


def effort(
    slack: FloatArray, miss: FloatArray, gap: FloatArray, count: FloatArray, allowed: float, cover: bool
) -> Effort:
    """Return the least effort after which the bounds of all accounts probably lose no more than allowed.

    ``slack`` is the distance of the bounds of every account, ``miss`` that of the upper one to the truth.
    With ``cover`` the lower bounds are to be raised, else the upper ones lowered.  All amounts are USD.
    """
    loss = slack if cover else np.minimum(slack, miss)
    rows = np.flatnonzero(loss > SMALL * allowed / max(loss.size, 1))
    rows = rows[loss[rows] > 0]
    loss, pairs = loss[rows], count[rows]
    with np.errstate(all="ignore"):
        root = np.sqrt(gap[rows] if cover else np.maximum(gap[rows], loss * pairs))
        scale = _scale(loss, root, pairs, allowed, cover) if allowed > 0 and rows.size else np.inf
        whole = pairs <= root * scale * (1 + 1e-9) if np.isfinite(scale) else np.ones(rows.size, dtype=bool)
        tries = np.where(whole, np.where(pairs > 1, MORE * pairs + 1, 1.0), np.ceil(root * scale))
        near = np.where(whole, 0.0, 0.5 * root / scale)
    able = (tries <= AT_ONCE) & (whole | (cover & (loss > 2 * near)))
    return Effort(rows[able], tries[able], near[able])


def _scale(loss: FloatArray, root: FloatArray, pairs: FloatArray, allowed: float, cover: bool) -> float:
    """Return the least scale at which the loss left is allowed, in quarters of octaves.

    Accounts get so many times the root of their gap in problems.  Until those are one, an account loses
    what it loses now; then ``root / scale``; and nothing once they are its ``pairs``.
    """
    done = _classes(pairs / root)
    begun = np.minimum(_classes(root / loss), done) if cover else done
    low = int(begun.min())
    size = int(done.max()) - low + 1
    left = loss.sum() - np.cumsum(np.bincount(begun - low, loss, size))
    scales = (np.arange(low, low + size) << BITS).view(np.float64)
    if cover:
        part = np.cumsum(np.bincount(begun - low, root, size) - np.bincount(done - low, root, size))
        left += part / scales
    fits = np.flatnonzero(left <= allowed)
    return float(scales[fits[0]]) if fits.size else np.inf


def _classes(values: FloatArray) -> IntArray:
    """Return classes of positive floats, four to an octave, whose scale is just above them."""
    classes: IntArray = np.clip((values.view(np.int64) >> BITS) + 1, 0, MOST)
    return classes


def ladder(slack: FloatArray, count: FloatArray, step: int, left: float) -> Effort:
    """Return one step for every account with open bounds: 4 ** step problems, while they last."""
    rows = np.flatnonzero(slack > 0)
    tries = np.minimum(np.maximum(MORE * count[rows] + 1, 1.0), 4.0**step)
    order = np.argsort(tries, kind="stable")
    chosen = np.sort(order[: int(np.searchsorted(np.cumsum(tries[order]), left, side="right"))])
    return Effort(rows[chosen], tries[chosen], np.zeros(chosen.size))
