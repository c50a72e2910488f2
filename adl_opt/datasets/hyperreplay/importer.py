"""HyperReplay canonical rows (one per ADL fill of a winner), joined by time to a rounds table.

The file is third party (non-commercial licence, attribution): it is read from where the user has it.

Conventions, where the file leaves a choice:

- PNL and equity of an account are the largest that its rows of the round show (``total_unrealized_pnl``,
  ``total_equity``): the reference implementation's convention.  They may lie after the account's first fill.
- An account with negative equity is kept, with capacity 0, and counted.
- Leverage and notional sum, over the coins of the account, the first row of the coin in the round
  (``leverage_realtime``; abs(position_size) x adl_price).  The file has no coin that was not deleveraged.
- A position is what was held before its first fill of the round.  Its mark is the execution price of that
  fill, for the file has no mark.  Its entry is the file's ``entry_price``, which can be stale; where it is 0
  for one position, the round's positions carry no entries, and the report says so.
- A position without positive PNL has no ``lot_value`` > 0: it is left out of the positions and counted.
- Flow: quantity is the sum of ``adl_size``; mark the size-weighted ``adl_price``, again an execution price.
- Lots, and lines that are alike: see :mod:`adl_opt.datasets.hyperreplay.rows`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from os import PathLike

import numpy as np

from adl_opt.datasets.csv.rounds_table import GapsTable, RoundsTable, read_gaps, read_rounds
from adl_opt.datasets.csv.tables import groups
from adl_opt.datasets.hyperreplay.report import ImportReport, RoundImport, compare_gaps
from adl_opt.datasets.hyperreplay.rows import Fills, read_fills
from adl_opt.datasets.oct10 import oct10_rounds
from adl_opt.datasets.store.folder import save_episode
from adl_opt.errors import InputError, UsageError
from adl_opt.locks import keeps_inputs
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions

Path = str | PathLike[str]
NO_BURDEN = "note: the rounds table has no burden of production: its fairness and total stay unknown"


@keeps_inputs("out")
def import_hyperreplay(
    csv: Path,
    out: Path | None = None,
    rounds: Path | RoundsTable | None = None,
    gaps: Path | GapsTable | None = None,
    overwrite: bool = False,
    *,
    subset: Iterable[int] | None = None,
) -> tuple[Episode, ImportReport]:
    """Build an episode from HyperReplay rows; the module says by which conventions.

    Parameters
    ----------
    csv : path
        ``adl_detailed_analysis_REALTIME.csv`` or any part of it.
    out : path, optional
        Episode folder to write.
    rounds : path or RoundsTable, optional
        Windows, needed budgets and (unless the rows carry ``liquidated_total_equity``) deficits; the embedded
        table of October 10, 2025 by default.
    gaps : path or GapsTable, optional
        Gap per contract by round and coin.
    overwrite : bool
        Replace an episode that is in ``out``.
    subset : iterable of int, optional
        Numbers of the rounds wanted; left out, every round that has rows.

    Returns
    -------
    Episode, ImportReport
        Printing the report gives every count.

    Raises
    ------
    InputError
        A value is refused, no row lies in a window, the gaps miss a coin, or a deficit is not known.
    UsageError
        ``subset`` names a round that has no rows, or ``out`` is already there.
    """
    rounds = oct10_rounds() if rounds is None else rounds
    table = rounds if isinstance(rounds, RoundsTable) else read_rounds(rounds)
    fills, name, export = read_fills(csv)
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
        export=export,
        notes=(NO_BURDEN,) if table.production is not None and table.production_max_burden is None else (),
    )
    source = (
        f"HyperReplay {export} rows (non-commercial licence, "
        "Powered by HyperReplay - (c) ConejoCapital), "
        f"rounds table {table.file}; {report.summary}; accounts, flow and marks are those of the executed "
        "fills, so every decision here knows ex post who was deleveraged" + report.caveat
    )
    episode = Episode(name, source, tuple((r, outcome) for r, outcome, _ in built))
    if out is not None:
        save_episode(episode, out, overwrite=overwrite)
    return episode, report


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
    accounts, positions, without_profit = _accounts_and_positions(fills)
    from_losers = _deficit_of_losers(fills)
    if table.deficit is None and from_losers is None:
        raise InputError(
            f"{name}: the deficit of round {number} is not known",
            got=f"no deficit_usd in {table.file}, no liquidated_user and liquidated_total_equity here",
            ways_out=["add deficit_usd to the rounds table", "use the enriched export"],
        )
    deficit = float(table.deficit[row]) if table.deficit is not None else float(from_losers or 0.0)
    flow = _flow(fills)
    gaps = None if by_coin is None else _gaps(name, number, flow, by_coin)
    outcome = table.outcome(row, gaps)
    remarks = () if gaps is None or by_coin is None else compare_gaps(number, gaps, by_coin, outcome.needed)
    round_ = Round(
        deficit=deficit,
        accounts=accounts,
        positions=positions,
        flow=flow,
        number=number,
        start_ms=int(table.start_ms[row]),
    )
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
        entries_known=positions.entry is not None,
        remarks=remarks,
    )
    return round_, outcome, report


def _accounts_and_positions(fills: Fills) -> tuple[Accounts, Positions, int]:
    """Return both, and how many positions are left out because they have no positive PNL."""
    first, account = groups(fills.user)
    held, _ = groups(fills.user, fills.coin)
    size, pnl = np.abs(fills.position_size), fills.position_unrealized_pnl
    notional = size * fills.adl_price
    accounts = Accounts(
        id=fills.user[first],
        pnl=_largest(account, fills.total_unrealized_pnl),
        equity=_largest(account, fills.total_equity),
        notional=_sums(account[held], notional[held]),
        leverage=_sums(account[held], fills.leverage_realtime[held]),
    )
    kept = held[pnl[held] > 0]
    lots, entry = np.rint(size[kept] * 10.0 ** fills.step[kept]), fills.entry_price[kept]
    positions = Positions(
        account=account[kept],
        market=fills.coin[kept],
        lot_value=pnl[kept] / lots,
        lots=lots,
        side=np.sign(fills.position_size[kept]),
        entry=entry if np.all(entry > 0) else None,
        mark=fills.adl_price[kept],
        notional=notional[kept],
    )
    return accounts, positions, int(held.size - kept.size)


def _flow(fills: Fills) -> Flow:
    first, market = groups(fills.coin)
    quantity = _sums(market, fills.adl_size)
    mark = _sums(market, fills.adl_size * fills.adl_price) / quantity
    return Flow(market=fills.coin[first], quantity=quantity, mark=mark)


def _gaps(name: str, number: int, flow: Flow, by_coin: GapsTable) -> Gaps:
    rows = by_coin.by_market(number)
    if lacking := [str(coin) for coin in flow.market if coin not in rows]:
        raise InputError(
            f"{name}: the table of gaps misses coins of round {number}",
            got=", ".join(lacking),
            ways_out=["add their gap_per_contract_usd", "leave the table of gaps out"],
        )
    per_contract = by_coin.gap_per_contract[[rows[str(coin)] for coin in flow.market]]
    return Gaps(market=flow.market, quantity=flow.quantity, gap=per_contract * flow.quantity)


def _deficit_of_losers(fills: Fills) -> float | None:
    """Return the sum over distinct losers of max(-least equity, 0), None without the enriched columns."""
    if fills.liquidated_user is None or fills.liquidated_total_equity is None:
        return None
    _, loser = groups(fills.liquidated_user)
    return math.fsum(np.maximum(_largest(loser, -fills.liquidated_total_equity), 0.0))


def _largest(group: Ints, values: Floats) -> Floats:
    most = np.full(group.max() + 1, -np.inf)
    np.maximum.at(most, group, values)
    return most


def _sums(group: Ints, values: Floats) -> Floats:
    return np.bincount(group, weights=values).astype(np.float64)
