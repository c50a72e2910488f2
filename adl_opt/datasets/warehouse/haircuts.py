"""Which haircuts of assets would explain what the venue's own equity has more or less."""

from __future__ import annotations

import numpy as np

from adl_opt.datasets.warehouse.terms import USD, Assets
from adl_opt.rounds.columns import Floats, Ints

_DIGITS = 4
"""Haircuts are written to a hundredth of a percent."""


def explaining_haircuts(
    more: Floats, tolerance: float, *, account: Ints, asset: Ints, worth: Floats, assets: Assets
) -> str:
    """Return the haircuts that explain every row, in words; ``""`` where there are none.

    Parameters
    ----------
    more : (n,) USD
        The venue's equity less the computed one; NaN where the venue says nothing.
    tolerance : USD
    account, asset, worth : (k,)
        Amounts of collateral: account, asset, and USD before the haircut.
    assets : Assets
        With the haircuts that were applied.
    """
    counts = worth > 0
    names = [name for name, k in assets.place.items() if name != USD and (counts & (asset == k)).any()]
    held = np.zeros((more.size, len(names)))
    for j, name in enumerate(names):
        own = counts & (asset == assets.place[name])
        held[:, j] = np.bincount(account[own], worth[own], minlength=more.size)
    known = ~np.isnan(more)
    # more equations than unknowns, or any difference would be explained
    if not names or known.sum() <= len(names):
        return ""
    scale = held[known].max(axis=0)
    scale[scale == 0] = 1.0
    now = assets.haircut[[assets.place[name] for name in names]]
    change = np.linalg.lstsq(held[known] / scale, -more[known], rcond=None)[0] / scale
    haircut = np.round(now + change, _DIGITS)
    rest = more[known] + held[known] @ (haircut - now)
    if (np.abs(rest) > tolerance * (1 + 1e-9)).any() or (haircut < 0).any() or (haircut > 1).any():
        return ""
    found = [f"{n} at {1 - h:.6g}" for n, h, old in zip(names, haircut, now, strict=True) if h != old]
    new = ", ".join(f"{n} {h:.6g}" for n, h, old in zip(names, haircut, now, strict=True) if h != old)
    rows = int(known.sum())
    return (
        f"{' and '.join(found)} explains {rows} of {rows} rows: write haircut in the table of assets ({new})"
    )
