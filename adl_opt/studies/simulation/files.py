"""A user's price path from a CSV file."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike

import numpy as np

from adl_opt.datasets.csv.tables import read_table
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Floats
from adl_opt.studies.simulation.settings import Settings


def given_path(path: str | PathLike[str], settings: Settings) -> tuple[Settings, Floats]:
    """Read prices (a header, a row for the start and one per step) and fit the settings to them.

    Raises
    ------
    InputError
        The file cannot be read, has no header, fewer than two rows, or a value that is no price.
    """
    table = read_table(path, required=())
    names = list(table.cells)
    if all(_is_number(name) for name in names):
        raise InputError(
            f"{table.path.name}: the first row is no header",
            got=",".join(names)[:80],
            ways_out=["put the names of the markets above the prices"],
        )
    if len(table) < 2:
        raise InputError(
            f"{table.path.name}: a path needs a start and at least one step",
            got=f"{len(table)} rows",
            ways_out=["give more rows"],
        )
    prices = np.column_stack([table.column(name, "usd>0") for name in names])
    return replace(settings, path="given", steps=len(table) - 1, markets=len(names)), prices


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
