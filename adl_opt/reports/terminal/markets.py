"""Terminal table of who was closed, by market and side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from adl_opt.errors import printable
from adl_opt.evaluate.result import Result
from adl_opt.reports.terminal.tables import fitted, plain_table
from adl_opt.reports.text import usd

if TYPE_CHECKING:
    import pandas as pd

FEW = 3
"""Up to so many policies in contracts have a table by market of their own."""


def result_tables(result: Result, console: Console) -> list[Table]:
    """Return the policy table; in contracts, of a few policies, also who was closed by market and side."""
    closed = [name for name, rows in result.by_policy.items() if not math.isnan(rows[0].hedges_broken)]
    few = closed if 0 < len(closed) <= FEW and result.kept is not None else []
    return [fitted(result, console), *(market_table(name, result.per_market(name)) for name in few)]


def market_table(policy: str, frame: pd.DataFrame) -> Table:
    """Return who was closed under a policy, as :meth:`adl_opt.Result.per_market` gives it, and the sums."""
    contracts = ("flow", "wanted", "closed", "residual")
    headers = ["market", "losers", "paid by", *(f">{name}" for name in contracts)]
    headers += [">accounts", ">haircut $", ">residual $", ">hedges broken"]
    other = {"long": "shorts", "short": "longs"}
    rows = [
        (
            printable(market),
            losers,
            other[losers],
            *(f"{row[name]:,.6g}" for name in contracts),
            f"{row['accounts']:,.0f}",
            usd(row["haircut_usd"]),
            usd(row["residual_usd"]),
            f"{row['hedges_broken']:,.0f}",
        )
        for (market, losers), row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    money = (usd(frame[name].sum()) for name in ("haircut_usd", "residual_usd"))
    rows.append(("all", *[""] * 7, *money, ""))
    caption = (
        "quantities in contracts, over all rounds; accounts: those closed, once a round\n"
        "hedges broken: accounts that hold both sides, in any markets, and of which this side only was closed"
    )
    return plain_table(f"{policy}: who was closed, by market and side of the losers", headers, rows, caption)
