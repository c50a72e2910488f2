"""Lower bound on the depleting optimum from round prices (see `depleting_optimum` for the proof)."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.programs.hindsight.panel import Panel
from adl_opt.rounds.columns import Floats


def lower_bound(panel: Panel, price: Floats, weight: float) -> float:
    """Return ``sum y B + min over z in [0, 1] of (weight z - most(z))``, USD, valid for any y in [0, 1]^T.

    ``most(z)`` is the dearest haircuts that burdens of at most z allow.  It is concave in z, so the function
    to minimise is convex and lies above each of its tangents.  A falling tangent on the left of the minimum
    and a rising one on its right meet below the minimum.  Where they meet a new tangent is drawn, which takes
    the place of one of the two.  This is repeated until the meeting point no longer rises.
    """
    worth = math.fsum(price * panel.needed)

    def tangent(z: float) -> tuple[float, float]:
        most, slope = _most(panel, price, z)
        return weight * z - most, weight - slope

    left, right = 0.0, 1.0
    (at_left, down), (at_right, up) = tangent(left), tangent(right)
    if down >= 0.0:
        return worth + at_left
    if up <= 0.0:
        return worth + at_right
    for _ in range(_MOST_TANGENTS):
        middle = (at_left - at_right - down * left + up * right) / (up - down)
        below = at_left + down * (middle - left)
        value, slope = tangent(middle)
        if value - below <= 1e-13 * (abs(worth) + abs(value)) or not left < middle < right:
            return worth + min(below, value)
        if slope < 0.0:
            left, at_left, down = middle, value, slope
        else:
            right, at_right, up = middle, value, slope
    return worth + below


_MOST_TANGENTS = 60


def _most(panel: Panel, price: Floats, z: float) -> tuple[float, float]:
    """Return the largest ``sum y x`` at burdens of at most z, and its derivative in z from one side."""
    levels = np.unique(price[price > 0.0])[::-1]
    steps = levels - np.append(levels[1:], 0.0)
    parts = [_reach(panel, price >= level, z) for level in levels]
    return (
        math.fsum(step * total for step, (total, _) in zip(steps, parts, strict=True)),
        math.fsum(step * slope for step, (_, slope) in zip(steps, parts, strict=True)),
    )


def _reach(panel: Panel, member: np.ndarray[tuple[int], np.dtype[np.bool_]], z: float) -> tuple[float, float]:
    """Return the most that rounds in a set can take at burdens of at most z, and its derivative in z."""
    total, slope = np.zeros(panel.ids.size), np.zeros(panel.ids.size)
    for entries in panel.visits:
        account = panel.account[entries]
        wanted = total[account] + np.where(member[panel.time[entries]], panel.capacity[entries], 0.0)
        limit = z * panel.available[entries]
        total[account] = np.minimum(wanted, limit)
        slope[account] = np.where(limit < wanted, panel.available[entries], slope[account])
    return float(total.sum()), float(slope.sum())
