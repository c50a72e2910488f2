"""The order book: impact of a sale or purchase, how the book recovers, and who is left to supply it.

Who was closed supplies no liquidity any more: that is the feedback of a policy (Prop. 11).
"""

from __future__ import annotations

import numpy as np

from adl_opt.rounds.columns import Floats, Ints
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import World

ONE_PER_CENT = 0.01
MOST = 0.9
"""No execution is further than this from the mark."""


def impact(pressure: Floats, size: Floats, steepness: Floats, settings: Settings) -> Floats:
    """Return the mean impact of an order on top of what presses already, as a share of the price.

    Pressure and size are shares of the open interest at the start, (..., m).  ``steepness``, (m,), is a
    factor on the impact: who is left to supply liquidity.  O(m).  Linear: 1 % times the mean of y / depth
    over y from pressure to pressure + size; square root: the same mean of sqrt(y / depth).

    Examples
    --------
    >>> float(impact(np.zeros(1), np.array([0.04]), np.ones(1), Settings(depth=0.02))[0])
    0.01
    """
    low, high = pressure / settings.depth, (pressure + size) / settings.depth
    if settings.impact == "linear":
        mean = (low + high) / 2.0
    else:
        width = np.where(high > low, high - low, 1.0)
        mean = np.where(high > low, (high**1.5 - low**1.5) / (1.5 * width), np.sqrt(low))
    return np.asarray(np.minimum(ONE_PER_CENT * steepness * mean, MOST))


def in_slices(pressure: Floats, size: Floats, steepness: Floats, settings: Settings) -> tuple[Floats, Floats]:
    """Return mean impact of an order worked in slices, and the pressure it leaves at the end of the step."""
    stays = (1.0 - settings.resilience) ** (1.0 / settings.slices)
    piece, total = size / settings.slices, np.zeros_like(size)
    for _ in range(settings.slices):
        total = total + impact(pressure, piece, steepness, settings)
        pressure = (pressure + piece) * stays
    return total / settings.slices, pressure


def prices(mark: Ints, share: Floats) -> Ints:
    """Return (2, m) cents per lot for sales and purchases: below and above the mark, rounded against them."""
    sell = np.floor(mark * (1.0 - share[0]))
    buy = np.ceil(mark * (1.0 + share[1]))
    return np.stack([sell, buy]).astype(np.int64)


def sides(change: Ints) -> Ints:
    """Return (2, m) lots: what changes of positions sell and buy in all."""
    return np.stack([np.maximum(-change, 0).sum(axis=0), np.maximum(change, 0).sum(axis=0)])


def trade(world: World, rows: Ints, change: Ints, price: Ints) -> None:
    """Let accounts, (k,), change positions against the book; a closed lot realises its share of the cost.

    The change, (k, m) lots, is towards zero to close and away from zero to open, never both in one call for a
    position.  The price is (k, m) or (m,) cents per lot.
    """
    lots, cost = world.lots[rows], world.cost[rows]
    paid = change * price
    closing = change * lots < 0
    held, size, gone = np.abs(lots[closing]), np.abs(change[closing]), np.zeros_like(cost)
    whole, left = np.divmod(cost[closing], held)  # cost x change would overflow
    gone[closing] = whole * size + left * size // held
    world.cash[rows] += np.where(closing, -paid - gone, 0).sum(axis=1)
    world.cost[rows] = cost - gone + np.where(closing, 0, paid)
    world.lots[rows] = lots + change
    world.book_lots -= change.sum(axis=0)
    world.book_cash += paid.sum(axis=0)


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

    ``before`` are the :func:`slopes` at the start.  Feedback 0 keeps the book as it was at the start,
    whatever the policy did; 1 is the whole effect.
    """
    if feedback == 0.0:
        return np.ones_like(before)
    ratio = slopes(world) / before
    ratio = np.where(np.isfinite(ratio), ratio, 1.0)
    left = max(float(world.weight[world.supplies].sum()), THINNEST)
    return np.asarray(1.0 - feedback + feedback * ratio / left)
