"""Money in a solver: the unit that counts as one, dust that is set aside, cents that are repaired."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats

DUST = 1e-9
"""An account that can pay less than this fraction of what is needed pays nothing, if the others suffice."""

LARGEST_UNIT = 2.0**22
"""At this unit a cent is 2.4e-9, above the solver's tolerance of 1e-9."""


def money_unit(needed: float, upper: Floats) -> float:
    """Return what counts as one: a power of 16 near what is needed (else the capacity), 2**22 at most.

    Powers of 16, not of 2, so that a program compiled for one amount serves its neighbours.

    Examples
    --------
    >>> money_unit(1000.0, np.array([5.0]))
    256.0
    """
    size = needed if needed > 0 else exact_sum(upper)
    if size <= 0:
        return 1.0
    return min(16.0 ** math.floor(math.log(size, 16.0)), LARGEST_UNIT)


def set_dust_aside(upper: Floats, needed: float) -> Floats:
    """Return upper bounds with dust at zero, where the others can raise what is needed without it."""
    kept = np.where(upper < DUST * needed, 0.0, upper)
    return kept if exact_sum(kept) >= needed else upper


def repair(x: Floats, upper: Floats, required: float, *, exact: bool) -> Floats:
    """Close a rounding gap to what is required: clip to the bounds, then spread the rest over the inside.

    Parameters
    ----------
    x, upper : (n,) USD
    required : float
        USD that the haircuts must reach (or equal, when ``exact``).

    Notes
    -----
    Only gaps of rounding (1e-6 of what is required) are closed.  The certificate refuses a larger one.
    """
    x = np.clip(x, 0.0, upper)
    for _ in range(3):
        gap = exact_sum(np.append(-x, required))
        if gap == 0 or (gap < 0 and not exact) or abs(gap) > 1e-6 * required:
            break
        room = upper - x if gap > 0 else x
        inside = room * ((x > 0) & (x < upper))
        for shares in (inside, room):
            most = float(np.sum(shares))
            if most >= abs(gap):
                x = np.clip(x + gap * (shares / most), 0.0, upper)
                break
    return x
