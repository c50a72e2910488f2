"""Rows of the HyperReplay canonical table: one ADL fill of a winner each.

Two choices are made here.  Every fill shrinks its position, so two fills are never alike in every column:
such lines are refused.  A lot is the coarsest decimal step (1, 0.1, 0.01, ...) that represents every position
size of the coin in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np

from adl_opt.checks import EXACT
from adl_opt.datasets.csv.tables import Table, read_table
from adl_opt.rounds.columns import Columns, Floats, Ints, Text, column

FINEST_STEP = 8
"""Decimals of the finest lot that is tried, in contracts."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fills(Columns):
    """ADL fills of winners, one row each, in order of time (prices and money in USD, sizes in contracts).

    The columns are those of the file, and ``step``: the decimals of the coin's lot.  ``position_size`` is
    signed, before the fill.  Those of the loser are there only in the enriched export.
    """

    user: Text = column("text")
    coin: Text = column("text")
    time: Ints = column("count")
    adl_price: Floats = column("usd>0")
    adl_size: Floats = column("usd>0")
    position_size: Floats = column("usd")
    entry_price: Floats = column("usd")
    position_unrealized_pnl: Floats = column("usd")
    total_unrealized_pnl: Floats = column("usd")
    total_equity: Floats = column("usd")
    leverage_realtime: Floats = column("ratio+")
    liquidated_user: Text | None = column("text", optional=True)
    liquidated_total_equity: Floats | None = column("usd", optional=True)
    step: Ints = column("count")


_OF_LOSER = ("liquidated_user", "liquidated_total_equity")


def read_fills(csv: str | PathLike[str]) -> tuple[Fills, str, str]:
    """Read the rows of a file in order of time (rows of one instant keep their order), its name and export.

    Raises
    ------
    InputError
        With file, line and column: a value is refused, times are not in ms, or two lines are alike.
    """
    table = read_table(csv, required=[name for name in Fills.required() if name != "step"])
    table.refuse_twice(
        zip(*table.cells.values(), strict=True),
        "two lines are alike in every column",
        lambda *cells: f"user {cells[list(table.cells).index('user')]!r}",
        ["drop one of the two: a fill shrinks its position, so two fills are never alike"],
    )
    enriched = all(name in table for name in _OF_LOSER)
    time = table.times("time")
    columns = table.columns(Fills, without=("step",) if enriched else ("step", *_OF_LOSER))
    size = columns["position_size"]
    table.refuse("position_size", size == 0, "is 0: there was nothing to close")
    fills = Fills(**columns, step=_steps(table, columns["coin"], np.abs(size)))
    export = "enriched" if enriched else "derived" if "time_str" in table else "canonical"
    return fills.take(np.argsort(time, kind="stable")), table.path.name, export


def _steps(table: Table, coin: Text, size: Floats) -> Ints:
    """Return the decimals of each row's lot, one number per coin."""
    step = lot_decimals(size)
    why = f"is no multiple of 10^-{FINEST_STEP} contracts: no lot can represent it"
    table.refuse("position_size", step > FINEST_STEP, why)
    _, code = np.unique(coin, return_inverse=True)
    finest = np.zeros(code.max() + 1, dtype=np.int64)
    np.maximum.at(finest, code, step)
    why = "has too many lots to be counted exactly (over 2^53)"
    table.refuse("position_size", size * 10.0 ** finest[code] > EXACT, why)
    return finest[code]


def lot_decimals(size: Floats) -> Ints:
    """Return the decimals of the coarsest step (1, 0.1, ...) that represents each size, in contracts.

    One more than :data:`FINEST_STEP` where none does.
    """
    step = np.full(size.size, FINEST_STEP + 1)
    for decimals in range(FINEST_STEP, -1, -1):
        lots = size * 10.0**decimals
        step[(np.abs(lots - np.rint(lots)) <= 1e-6) & (lots > 0.5)] = decimals
    return step
