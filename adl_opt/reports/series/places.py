"""Which look a policy has: the same in every figure, in print and on the screen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count

FIXED = {
    "pro-rata": 0,
    "hyperliquid-side-adjusted": 1,
    "min-max-lots": 2,
    "full-deficit": 3,
    "coin-betting": 4,
    "ftrl-exact": 5,
    "constant(theta=0)": 6,
    "production": 7,
    "risk-control": 8,
    "conformal": 9,
    "conformal(rule=decaying)": 10,
    "conformal(rule=pid)": 11,
    "hint-only(fixed-gap)": 12,
    "hinted(ftrl-exact, fixed-gap)": 13,
    "hedged-hints": 14,
    "conformal(rule=strongly-adaptive)": 15,
    "ogd": 16,
    "ftrl-quadratic": 17,
    "follow-the-leader": 18,
    "adagrad": 19,
    "catch-up(fixed-gap)": 20,
    "fund-float(fixed-gap)": 21,
    "last-value": 22,
    "hedge-grid": 26,
    "long-term": 24,
    "oracle": 32,
}
"""Place of the look of names that several figures show; eight places have a colour each, then a new dash."""


def places(names: Iterable[str]) -> dict[str, int]:
    """Return the place of each name: its own, or the next free one.

    A severity has the place of its policy with pro-rata, and a rule the same on every base; where both bases
    are there, the second has a place of its own.

    Examples
    --------
    >>> places(["min-max-lots(base=equity)", "mine", "ftrl-exact/pro-rata", "ftrl-exact", "yours"])
    {'min-max-lots(base=equity)': 2, 'mine': 23, 'ftrl-exact/pro-rata': 5, 'ftrl-exact': 5, 'yours': 25}
    """
    taken = dict(FIXED)
    free = (place for place in count() if place not in FIXED.values())
    owners: dict[int, str] = {}
    made = {}
    for name in names:
        bare = name.removesuffix("/pro-rata")
        key = re.sub(r"\(base=\w+\)$", "", bare)
        if owners.setdefault(taken.get(key, -1), bare) != bare or key not in taken:
            key = bare
            taken[key] = next(free)
            owners[taken[key]] = bare
        made[name] = taken[key]
    return made
