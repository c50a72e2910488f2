"""HyperReplay canonical rows (one per ADL fill of a winner), joined by time to a rounds table.

The file is third party (non-commercial licence, attribution): it is read from where the user has it.

Conventions, where the file leaves a choice:

- PNL and equity of an account are the largest that its rows of the round show (``total_unrealized_pnl``,
  ``total_equity``): the reference implementation's convention.  They may lie after the account's first fill.
- An account with negative equity is kept, with capacity 0, and counted.
- Leverage and notional sum, over the coins of the account, the first row of the coin in the round
  (``leverage_realtime``; abs(position_size) x adl_price).  Coins that were not deleveraged are not in the file.
- A position is what was held before its first fill of the round.  Its entry is the file's ``entry_price``, which
  can be stale.  Its mark is the execution price of that fill, for the file has no mark.
- A lot is the coarsest decimal step (1, 0.1, 0.01, ...) that represents every position size of the coin in the
  file.  A position that shows no profit has no ``lot_value`` > 0: it is left out of the positions and counted.
- Flow: quantity is the sum of ``adl_size``; mark the size-weighted ``adl_price``, again an execution price.
- Every fill shrinks its position, so two fills can never be alike in all columns: such lines are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np

from adl_opt.columns import Columns, Floats, Ints, Text, column
from adl_opt.datasets.import_report import ImportReport, RoundImport, compare_gaps
from adl_opt.datasets.rounds_table import GapsTable, RoundsTable, read_gaps, read_rounds
from adl_opt.datasets.tables import Table, read_table
from adl_opt.errors import InputError, UsageError
from adl_opt.holdings import Accounts, Flow, Gaps, Positions
from adl_opt.rounds import Episode, Outcome, Recorded, Round

FINEST_STEP = 8
"""Decimals of the finest lot that is tried, in contracts."""

Path = str | PathLike[str]


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


def load_hyperreplay(
    csv: Path,
    rounds: Path | RoundsTable,
    gaps: Path | GapsTable | None = None,
    *,
    subset: Iterable[int] | None = None,
) -> Episode:
    """Return the episode of :func:`import_hyperreplay` without its report."""
    return import_hyperreplay(csv, rounds, gaps, subset=subset)[0]


def import_hyperreplay(
    csv: Path,
    rounds: Path | RoundsTable,
    gaps: Path | GapsTable | None = None,
    *,
    subset: Iterable[int] | None = None,
) -> tuple[Episode, ImportReport]:
    """Build an episode from HyperReplay rows; the module says by which conventions.

    Parameters
    ----------
    csv : path
        ``adl_detailed_analysis_REALTIME.csv`` or any part of it.
    rounds : path or RoundsTable
        Windows, needed budgets and (unless the rows carry ``liquidated_total_equity``) deficits.
    gaps : path or GapsTable, optional
        Gap per contract by round and coin.
    subset : iterable of int, optional
        Numbers of the rounds wanted; left out, every round that has rows.

    Returns
    -------
    Episode, ImportReport

    Raises
    ------
    InputError
        A value is refused, no row lies in a window, a coin lacks in the gaps, or a deficit is not known.
    UsageError
        ``subset`` names a round that has no rows.
    """
    fills, name = read_fills(csv)
    table = rounds if isinstance(rounds, RoundsTable) else read_rounds(rounds)
    by_coin = gaps if gaps is None or isinstance(gaps, GapsTable) else read_gaps(gaps)
    window = table.window_of(fills.time)
    chosen = _chosen(name, fills, table, window, subset)
    built = [_round(name, table, row, fills.take(np.flatnonzero(window == row)), by_coin) for row in chosen]
    report = ImportReport(
        file=name,
        rows=len(fills),
        rows_outside=int(np.sum(window < 0)),
        rows_not_chosen=int(np.sum((window >= 0) & ~np.isin(window, chosen))),
        rounds=tuple(item[2] for item in built),
    )
    source = (
        "HyperReplay canonical rows (non-commercial licence, Powered by HyperReplay - (c) ConejoCapital), "
        f"rounds table {table.file}; {report.summary}"
    )
    return Episode(name, source, tuple((r, outcome) for r, outcome, _ in built)), report


def read_fills(csv: Path) -> tuple[Fills, str]:
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
    step = np.full(len(table), FINEST_STEP + 1)
    for decimals in range(FINEST_STEP, -1, -1):
        lots = size * 10.0**decimals
        step[np.abs(lots - np.rint(lots)) <= 1e-6] = decimals
    why = f"is no multiple of 10^-{FINEST_STEP} contracts: no lot can represent it"
    table.refuse("position_size", step > FINEST_STEP, why)
    _, code = np.unique(coin, return_inverse=True)
    finest = np.zeros(code.max() + 1, dtype=np.int64)
    np.maximum.at(finest, code, step)
    return finest[code]


def _chosen(
    name: str, fills: Fills, table: RoundsTable, window: Ints, subset: Iterable[int] | None
) -> list[int]:
    filled = {int(table.number[row]): int(row) for row in np.unique(window[window >= 0])}
    if not filled:
        raise InputError(
            f"{name}: no row lies in a window of {table.file}",
            got=f"rows from {fills.time.min()} to {fills.time.max()} (ms), {len(table)} windows",
            ways_out=["give the rounds table of the same day", "check the windows of the rounds table"],
        )
    wanted = sorted(filled) if subset is None else sorted(set(subset))
    if without := [number for number in wanted if number not in filled]:
        raise UsageError(
            f"{name}: rounds of the subset have no rows",
            got=f"rounds {', '.join(map(str, without))}",
            ways_out=[
                f"rounds with rows: {', '.join(map(str, filled))}",
                "leave subset out to take them all",
            ],
        )
    return [filled[number] for number in wanted]


def _round(
    name: str, table: RoundsTable, row: int, fills: Fills, by_coin: GapsTable | None
) -> tuple[Round, Outcome, RoundImport]:
    number = int(table.number[row])
    accounts, (positions, without_profit) = _accounts(fills), _positions(fills)
    from_losers = _deficit_of_losers(fills)
    if table.deficit is None and from_losers is None:
        raise InputError(
            f"{name}: the deficit of round {number} is not known",
            got=f"no column deficit_usd in {table.file}, no columns liquidated_user and liquidated_total_equity",
            ways_out=["add deficit_usd to the rounds table", "use the enriched export"],
        )
    deficit = float(table.deficit[row]) if table.deficit is not None else float(from_losers or 0.0)
    flow = _flow(fills)
    gaps = None if by_coin is None else _gaps(name, number, flow, by_coin)
    recorded = None
    if table.production is not None:
        burdens = (table.production_max_burden, table.reference_burden)
        worst, reference = (math.nan if b is None else float(b[row]) for b in burdens)
        recorded = Recorded(
            haircut=float(table.production[row]), max_burden=worst, reference_burden=reference
        )
    needed = float(table.needed[row])
    round_ = Round(
        deficit=deficit,
        accounts=accounts,
        positions=positions,
        flow=flow,
        number=number,
        start_ms=int(table.start_ms[row]),
    )
    outcome = Outcome(needed=needed, gaps=gaps, recorded=recorded, end_ms=int(table.end_ms[row]))
    report = RoundImport(
        number=number,
        fills=len(fills),
        fills_expected=None if table.n_fills is None else int(table.n_fills[row]),
        accounts=len(accounts),
        coins=len(flow),
        positions=len(positions),
        positions_without_profit=without_profit,
        accounts_with_negative_equity=int(np.sum(accounts.equity < 0)),
        deficit=deficit,
        deficit_of_losers=from_losers,
        remarks=() if gaps is None or by_coin is None else compare_gaps(number, gaps, by_coin, needed),
    )
    return round_, outcome, report


def _accounts(fills: Fills) -> Accounts:
    first, account = _groups(fills.user)
    held, _ = _groups(fills.user, fills.coin)
    pnl, equity = (np.full(first.size, -np.inf) for _ in range(2))
    np.maximum.at(pnl, account, fills.account_pnl)
    np.maximum.at(equity, account, fills.account_equity)
    notional = np.abs(fills.size[held]) * fills.price[held]
    return Accounts(
        id=fills.user[first],
        pnl=pnl,
        equity=equity,
        notional=np.bincount(account[held], weights=notional, minlength=first.size),
        leverage=np.bincount(account[held], weights=fills.leverage[held], minlength=first.size),
    )


def _positions(fills: Fills) -> tuple[Positions, int]:
    _, account = _groups(fills.user)
    held, _ = _groups(fills.user, fills.coin)
    kept = held[fills.pnl[held] > 0]
    size = np.abs(fills.size[kept])
    lots = np.rint(size * 10.0 ** fills.step[kept])
    entry = fills.entry[kept]
    positions = Positions(
        account=account[kept],
        market=fills.coin[kept],
        lot_value=fills.pnl[kept] / lots,
        lots=lots,
        side=np.sign(fills.size[kept]),
        entry=entry if np.all(entry > 0) else None,
        mark=fills.price[kept],
        notional=size * fills.price[kept],
    )
    return positions, int(held.size - kept.size)


def _flow(fills: Fills) -> Flow:
    first, market = _groups(fills.coin)
    quantity = np.bincount(market, weights=fills.quantity)
    mark = np.bincount(market, weights=fills.quantity * fills.price) / quantity
    return Flow(market=fills.coin[first], quantity=quantity, mark=mark)


def _gaps(name: str, number: int, flow: Flow, by_coin: GapsTable) -> Gaps:
    rows = by_coin.by_market(number)
    if lacking := [str(coin) for coin in flow.market if coin not in rows]:
        raise InputError(
            f"{name}: coins of round {number} lack in the table of gaps",
            got=", ".join(lacking),
            ways_out=["add their gap_per_contract_usd", "leave the table of gaps out"],
        )
    per_contract = by_coin.gap_per_contract[[rows[str(coin)] for coin in flow.market]]
    return Gaps(market=flow.market, quantity=flow.quantity, gap=per_contract * flow.quantity)


def _deficit_of_losers(fills: Fills) -> float | None:
    """Return the sum over distinct losers of max(-least equity, 0), None without the enriched columns."""
    if fills.loser is None or fills.loser_equity is None:
        return None
    first, loser = _groups(fills.loser)
    least = np.full(first.size, np.inf)
    np.minimum.at(least, loser, fills.loser_equity)
    return math.fsum(np.maximum(-least, 0.0))


def _groups(*keys: Sequence[str] | Text) -> tuple[Ints, Ints]:
    """Return the first row of each group, in order of appearance, and the group of every row."""
    seen: dict[tuple[str, ...], int] = {}
    group = np.array([seen.setdefault(key, len(seen)) for key in zip(*keys, strict=True)], dtype=np.int64)
    return np.unique(group, return_index=True)[1].astype(np.int64), group
