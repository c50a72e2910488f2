"""Accounts from a plain CSV file, with or without positions by market.

Without a column ``market`` each line is one account (with ``lots`` it holds one position, in market ``-``).
With it, each line is one position: ``pnl``, ``equity``, ``capacity``, ``leverage``, ``margin``, ``exempt``,
``cap``, ``cohort``, ``cohort_cap`` and ``owner`` are the account's and stand equal on all its lines; the
other columns are the position's.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.datasets.csv.tables import Places, Table, groups, read_table, shown_in_files
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Ints, Text
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions

_NAMES = Accounts.spellings() | Positions.spellings()
SPELLINGS = {name: names for name, names in _NAMES.items() if name != "account"}
"""Every column that the file may have, with its spellings; money also with the suffix ``_usd``."""

ONLY_MARKET = "-"
"""Market of the positions of a file that names no markets."""

_OF_ACCOUNT = (
    *("pnl", "equity", "capacity", "leverage", "margin"),
    *("exempt", "cap", "cohort", "cohort_cap", "owner"),
)
_OF_BOTH = ("entry", "mark", "notional", "side")

Path = str | PathLike[str]
Arrays = dict[str, npt.NDArray[Any]]


def read_accounts(csv: Path) -> tuple[Accounts, Positions | None]:
    """Read accounts, and positions if the file has lots.

    Parameters
    ----------
    csv : path
        Columns ``id``, ``pnl``, ``equity`` (USD, the equity of a winner is never negative); optional
        ``capacity``, ``margin``, ``leverage``, ``side`` (long, short, +1, -1), ``entry``, ``mark``,
        ``notional``, ``market``, ``lots`` (whole), ``lot_value`` (USD of PNL per lot; it may be left out
        where ``side``, ``entry`` and ``mark`` are there), and the other columns of :class:`Accounts` and
        :class:`Positions`.

    Returns
    -------
    Accounts, Positions or None
        Accounts in order of their first line.  An account's ``notional`` is the sum over its lines; its side,
        entry and mark are known only where every account has one line.

    Raises
    ------
    InputError
        With file, line and column: a value is refused, a column is not known, an id or an (id, market), with
        sides an (id, market, side), occurs twice, or the lines of an account do not agree.
    """
    return _read(csv)[:2]


def read_round(
    csv: Path, *, deficit: float = 0.0, number: int = 1, flow: tuple[Flow, Places] | None = None
) -> Round:
    """Read accounts, as :func:`read_accounts` does, into one round with a deficit of USD >= 0.

    ``flow`` is what :func:`~adl_opt.datasets.csv.tables.read_by_round` gives; with the sides of its losers
    the round is in contracts.
    """
    accounts, positions, places = _read(csv)
    table, of_flow = flow or (None, {})
    with shown_in_files(places | of_flow):
        return Round(deficit=deficit, accounts=accounts, positions=positions, flow=table, number=number)


def _read(csv: Path) -> tuple[Accounts, Positions | None, Places]:
    table = read_table(csv, SPELLINGS, required=Accounts.required(), extra="refuse")
    _refuse_half_lots(table)
    columns = table.columns(Accounts)
    ids = columns["id"]
    of_account = {name: values for name, values in columns.items() if name in _OF_ACCOUNT}
    of_both = {name: values for name, values in columns.items() if name in _OF_BOTH}
    _refuse_insolvent(table, of_account)
    market = table.text("market") if "market" in table else np.full(len(table), ONLY_MARKET)
    _refuse_twice(table, ids, market, of_both.get("side"))
    rows, account = groups(ids)
    for name, values in of_account.items():
        _refuse_conflict(table, name, values, rows[account])
    kept: Arrays = {name: values[rows] for name, values in of_account.items()}
    if rows.size == len(table):
        kept |= of_both
    elif "notional" in of_both:
        kept["notional"] = np.bincount(account, weights=of_both["notional"])
    accounts = Accounts(id=ids[rows], **kept)
    places = {"accounts": (table, rows), "positions": (table, np.arange(len(table)))}
    if "lots" not in table:
        return accounts, None, places
    of_position = table.columns(Positions, without=["account", "market"])
    with shown_in_files(places):
        return accounts, Positions(account=account, market=market, **of_position), places


def _refuse_half_lots(table: Table) -> None:
    only = [name for name in Positions.spellings() if name not in (*_OF_BOTH, "account") and name in table]
    if not only:
        return
    sided = all(name in table for name in ("side", "entry", "mark"))
    if "lot_value" in table and not sided:
        table.column("lot_value", "usd>0")
    if lacking := [n for n in ("lot_value", "lots") if n not in table and not (n == "lot_value" and sided)]:
        raise InputError(
            f"{table.path.name}: positions need lots, and lot_value or side, entry and mark",
            got=f"missing {', '.join(lacking)}; there are {', '.join(table.spelled.values())}",
            ways_out=["add the columns", f"drop {', '.join(only)}: accounts alone need none of them"],
        )


def _refuse_insolvent(table: Table, columns: Arrays) -> None:
    pnl, equity = columns["pnl"], columns["equity"]
    why = "is negative: an insolvent account is a loser, its loss belongs to the deficit"
    table.refuse("equity", equity < 0, why, ["drop the line and add its loss to the deficit"])
    if "capacity" in columns:
        above = columns["capacity"] > np.maximum(pnl, 0.0)
        ways_out = ["lower the capacity", "drop the column: it is then min(pnl+, equity+)"]
        table.refuse("capacity", above, "exceeds the positive PNL of its account", ways_out)


def _refuse_twice(table: Table, ids: Text, market: Text, side: Ints | None) -> None:
    by_market = "market" in table
    sides = side if by_market and side is not None else np.zeros(ids.size)  # hedge mode: one line a side
    table.refuse_twice(
        zip(ids.tolist(), market.tolist(), sides.tolist(), strict=True),
        "an id has a market twice" if by_market else "an id occurs twice",
        lambda user, held, _: f"id {user!r}" + (f", market {held!r}" if by_market else ""),
        ["merge the two lines", "name the market of each line in a column market"],
    )


def _refuse_conflict(table: Table, name: str, values: npt.NDArray[Any], head: Ints) -> None:
    """Refuse a value that differs from the one on the account's first line (row ``head``)."""
    wrong = values != values[head]
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    lines, cells, column = table.lines, table.cells[name], table.spelled[name]
    raise InputError(
        f"{table.path.name}: the lines of one account do not agree on {column!r}",
        got=f"id {table.cells['id'][row]!r}: {cells[head[row]]!r} on line {lines[head[row]]}, "
        f"{cells[row]!r} on line {lines[row]}",
        ways_out=[f"give the account's {name} on each of its lines", "correct the line"],
    )
