"""A user's price path from a CSV file."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from adl_opt.columns import Floats
from adl_opt.errors import InputError
from adl_opt.study.simulate.settings import Settings


def given_path(path: str | PathLike[str], settings: Settings) -> tuple[Settings, Floats]:
    """Read prices (a header, a row for the start and one per step) and fit the settings to them.

    Raises
    ------
    InputError
        The file cannot be read, has no header, or holds no table of numbers with at least two rows.
    """
    path = Path(path)
    try:
        header, *rows = path.read_text(encoding="utf-8-sig").splitlines() or [""]
        prices = (
            np.loadtxt(rows, delimiter=",", ndmin=2) if any(r.strip() for r in rows) else np.empty((0, 0))
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name}: the price path cannot be read",
            got=str(error),
            ways_out=["give a CSV with a header, a column a market and only numbers"],
        ) from error
    if _numbers(header):
        raise InputError(
            f"{path.name}: the first row is no header",
            got=header[:80],
            ways_out=["put the names of the markets above the prices"],
        )
    if prices.shape[0] < 2:
        raise InputError(
            f"{path.name}: a path needs a start and at least one step",
            got=f"{prices.shape[0]} rows",
            ways_out=["give more rows"],
        )
    fitted = replace(settings, path="given", steps=prices.shape[0] - 1, markets=prices.shape[1])
    return fitted, prices


def _numbers(header: str) -> bool:
    """Tell whether all cells of the header are numbers, so that it is a row of prices."""
    try:
        return bool([float(cell) for cell in header.split(",")])
    except ValueError:
        return False
