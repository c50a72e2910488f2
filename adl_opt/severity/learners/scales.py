"""Scales of slopes: powers of two, and the epochs in which none is exceeded."""

from __future__ import annotations

import math

from adl_opt.rounds.columns import Floats


def power_above(x: float) -> float:
    """Return the smallest power of two above x > 0.

    Examples
    --------
    >>> power_above(3.0), power_above(4.0)
    (4.0, 8.0)
    """
    return math.ldexp(1.0, math.frexp(x)[1])


def epochs(steepest: Floats) -> list[tuple[float, Floats]]:
    """Return (scale, slopes) of each epoch: a new one opens when a slope exceeds the scale.

    Examples
    --------
    >>> import numpy as np
    >>> [(scale, len(part)) for scale, part in epochs(np.array([3.0, 1.0, 9.0]))]
    [(4.0, 2), (16.0, 1)]
    """
    found: list[tuple[float, Floats]] = []
    start, scale = 0, 0.0
    for t, top in enumerate(steepest.tolist()):
        if top > scale:
            if t:
                found.append((scale, steepest[start:t]))
            start, scale = t, power_above(top)
    found.append((scale, steepest[start:]))
    return found
