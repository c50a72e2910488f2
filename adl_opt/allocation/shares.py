"""Shares of dollars and of contracts: in proportion to a base, up to what each can give."""

from __future__ import annotations

import numpy as np

from adl_opt.allocation.cells import Cell
from adl_opt.checks import LARGEST_NUMBER
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.kernels.fill.whole import fill_shares
from adl_opt.losses import share
from adl_opt.rounds.columns import Floats, Ints


def share_of(base: Floats, capacity: Floats, asked: float) -> Floats:
    """Return x = min(u, c base), c such that sum x = min(B, what can be reached).

    Accounts with capacity and no base pay only when everyone with a base has paid in full.
    """
    with np.errstate(over="ignore"):  # above the largest number, u < 1e-135 USD
        weights = np.minimum(share(np.maximum(base, 0.0), capacity), LARGEST_NUMBER)
    x = waterfill(capacity, asked, weights=weights)
    left = asked - float(x.sum())
    idle = (weights == 0) & (capacity > 0)
    if left > 1e-9 * asked and idle.any():
        x = x + waterfill(np.where(idle, capacity, 0.0), left)
    return x


def close_by_share(base: Floats, cell: Cell) -> Ints:
    """Return whole lots in proportion to a base of each position, (c,), as :func:`share_of` shares dollars.

    Equal remainders come by account id.
    """
    most = cell.most * cell.size
    counts = base > 0.0
    if counts.all():
        return lots_near(_shared(base, most, cell.wanted), cell)
    ideal = np.zeros(most.size)
    ideal[counts] = _shared(base[counts], most[counts], cell.wanted)
    left = cell.wanted - float(ideal.sum())
    if left > 1e-9 * cell.wanted:
        ideal[~counts] = waterfill(most[~counts], left)
    return lots_near(ideal, cell)


def _shared(base: Floats, most: Floats, wanted: float) -> Floats:
    """Return min(most, c base), (c,), that add up to what is wanted or to all there is; bases above 0."""
    if wanted >= float(most.sum()):
        return most
    with np.errstate(over="ignore"):
        slope = np.minimum(base / most, LARGEST_NUMBER)
    return most * fill_to_level(None, slope, 1.0, most, wanted)


def lots_near(ideal: Floats, cell: Cell) -> Ints:
    """Return whole lots near ideal contracts of the positions of a cell, (c,)."""
    total = float(ideal.sum())
    if total > cell.wanted:
        ideal = ideal * (cell.wanted / total)
    return fill_shares(ideal, cell.ids, cell.most, cell.size, cell.wanted)
