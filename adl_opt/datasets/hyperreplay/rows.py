"""Rows of the HyperReplay canonical table: one ADL fill of a winner each.

Two choices are made here.  Every fill shrinks its position, so two fills are never alike in every column:
such lines are refused.  A lot is the coarsest decimal step (1, 0.1, 0.01, ...) that represents every position
size of the coin in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from adl_opt.checks import EXACT
from adl_opt.datasets.csv.tables import Table, read_table
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Columns, Floats, Ints, Text, column

FINEST_STEP = 8
"""Decimals of the finest lot that is tried, in contracts."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fills(Columns):
    """ADL fills of winners, one row each, in order of time (prices and money in USD, sizes in contracts).

    ``size`` is signed, before the fill; ``step`` is the decimals of the coin's lot; ``loser`` and
    ``loser_equity`` are there only in the enriched export.
    """

    user: Text = column("text")
    coin: Text = column("text")
    time: Ints = column("count")
    price: Floats = column("usd>0")
    quantity: Floats = column("ratio+")
    size: Floats = column("usd")
    step: Ints = column("count")
    entry: Floats = column("usd")
    pnl: Floats = column("usd")
    account_pnl: Floats = column("usd")
    account_equity: Floats = column("usd")
    leverage: Floats = column("ratio+")
    loser: Text | None = column("text", optional=True)
    loser_equity: Floats | None = column("usd", optional=True)
    export: str = "canonical"

    def take(self, rows: Ints) -> Fills:
        """Return these rows, in this order; they are of the same export."""
        return replace(super().take(rows), export=self.export)


def read_fills(csv: str | PathLike[str]) -> tuple[Fills, str]:
    """Read the rows of a file in order of time (rows of one instant keep their order), and its name.

    Raises
    ------
    InputError
        With file, line and column: a value is refused, times are not in ms, or two lines are alike.
    """
    table = read_table(
        csv,
        required=(
            *("user", "coin", "time", "adl_price", "adl_size", "position_size", "entry_price"),
            *("total_unrealized_pnl", "total_equity", "leverage_realtime", "position_unrealized_pnl"),
        ),
    )
    _refuse_twins(table)
    time, size, coin = table.times("time"), table.numbers("position_size"), table.text("coin")
    table.refuse("position_size", size == 0, "is 0: there was nothing to close")
    enriched = "liquidated_total_equity" in table and "liquidated_user" in table
    fills = Fills(
        user=table.text("user"),
        coin=coin,
        time=time,
        price=table.numbers("adl_price", "usd>0"),
        quantity=table.numbers("adl_size", "usd>0"),
        size=size,
        step=_steps(table, coin, np.abs(size)),
        entry=table.numbers("entry_price"),
        pnl=table.numbers("position_unrealized_pnl"),
        account_pnl=table.numbers("total_unrealized_pnl"),
        account_equity=table.numbers("total_equity"),
        leverage=table.numbers("leverage_realtime", "ratio+"),
        loser=table.text("liquidated_user") if enriched else None,
        loser_equity=table.numbers("liquidated_total_equity") if enriched else None,
        export="enriched" if enriched else "derived" if "time_str" in table else "canonical",
    )
    return fills.take(np.argsort(time, kind="stable")), table.path.name


def _refuse_twins(table: Table) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for line, row in zip(table.lines.tolist(), zip(*table.cells.values(), strict=True), strict=True):
        if (first := seen.setdefault(row, line)) != line:
            raise InputError(
                f"{table.path.name}: two lines are alike in every column",
                got=f"lines {first} and {line}: user {row[0]!r}",
                ways_out=["drop one of the two: a fill shrinks its position, so two fills are never alike"],
            )


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


def groups(*keys: Sequence[str] | Text) -> tuple[Ints, Ints]:
    """Return the first row of each group, in order of appearance, and the group of every row."""
    seen: dict[tuple[str, ...], int] = {}
    group = np.array([seen.setdefault(key, len(seen)) for key in zip(*keys, strict=True)], dtype=np.int64)
    return np.unique(group, return_index=True)[1].astype(np.int64), group
