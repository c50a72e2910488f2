"""Feedback of a policy into later liquidity, as in Prop. 11: who was closed is not there any more."""

from __future__ import annotations

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.studies.simulation.world import World

THINNEST = 0.05
"""A book never has less than this share of its suppliers."""


def slopes(world: World) -> Floats:
    """Return (m,) effective slopes sum a q^2 / sum q^2 of the positions that are left; NaN if none.

    Source: paper, Prop. 11: closing whole accounts moves it, taking the same share of each does not.
    """
    squares = world.lots.astype(np.float64) ** 2
    total = squares.sum(axis=0)
    return np.where(total > 0, world.slope @ squares / np.where(total > 0, total, 1.0), np.nan)


def steepness(world: World, before: Floats, feedback: float) -> Floats:
    """Return (m,) factors on impact: effective slope against the start, over the share of suppliers left.

    Parameters
    ----------
    world : World
    before : (m,)
        :func:`slopes` at the start.
    feedback : float
        0 keeps the book as it was at the start, whatever the policy did; 1 is the whole effect.
    """
    if feedback == 0.0:
        return np.ones_like(before)
    ratio = slopes(world) / before
    ratio = np.where(np.isfinite(ratio), ratio, 1.0)
    left = max(float(world.weight[world.supplies].sum()), THINNEST)
    return np.asarray(1.0 - feedback + feedback * ratio / left)
