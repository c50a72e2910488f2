"""What a round must close, and what it lacked: from liquidations, fills and funds to flow, deficit and gaps.

* A liquidated position leaves the book and becomes a row of the flow, at its bankruptcy price.  Its share of
  what answers for it leaves with it.  An account all of whose positions are liquidated leaves the round.
* The deficit of a market and side is what its liquidated positions are below zero at the mark.  The needed
  budget is what they lost beyond their bankruptcy price when they were executed (eq. 6).
* The insurance fund of a market pays first; both sides of the market share it by their deficits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.datasets.warehouse.config import Rules
from adl_opt.datasets.warehouse.holdings import Holdings, in_whole_lots
from adl_opt.datasets.warehouse.keys import Keys
from adl_opt.datasets.warehouse.reconcile import Compared
from adl_opt.datasets.warehouse.sheets import Sheet
from adl_opt.datasets.warehouse.terms import MarketTerms, looked_up, single
from adl_opt.errors import InputError
from adl_opt.rounds.closures import NAMES
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import INVERSE, given_up_per_contract
from adl_opt.rounds.round import Recorded
from adl_opt.rounds.tables import Flow, Gaps

Cell = tuple[str, int]


@dataclass(frozen=True, eq=False)
class RoundClosing:
    """What is closed in a round.

    Parameters
    ----------
    taken : (m,) lots
        Of each position of the snapshot.
    flow : Flow
    gaps : Gaps
    deficit : float
    cells : list of dict
        By market and side: contracts, deficit, fund, needed; USD.
    recorded : Recorded, optional
    compared : list of Compared
    """

    taken: Ints
    flow: Flow
    gaps: Gaps
    deficit: float
    cells: list[dict[str, Any]]
    recorded: Recorded | None
    compared: list[Compared]


@dataclass(frozen=True, eq=False)
class _Rows:
    """The liquidations of a round, one entry each."""

    rows: Ints
    position: Ints
    lots: Ints
    contracts: Floats
    market: Ints
    side: Ints
    bankruptcy: Floats

    def sums(self, values: Floats, cells: list[Cell], names: npt.NDArray[np.str_]) -> Floats:
        own = list(zip(names[self.market].tolist(), self.side.tolist(), strict=True))
        place = {cell: j for j, cell in enumerate(cells)}
        at = np.array([place[cell] for cell in own], dtype=np.int64)
        return np.bincount(at, values, minlength=len(cells)).astype(np.float64)


def find_closing(
    sheets: Mapping[str, Sheet], keys: Keys, k: int, terms: MarketTerms, holdings: Holdings, rules: Rules
) -> RoundClosing:
    """Return what is closed in a round, and what it lacked.

    Raises
    ------
    InputError
        With file, row, column and value: a liquidation of no position, or of more than it is; no fill of a
        market and side that was liquidated.
    """
    held, names = holdings.held, np.array(list(terms.place) or [""], dtype=np.str_)
    made = _liquidated(sheets.get("liquidations"), keys, k, terms, holdings)
    mark = terms.mark[made.market]
    cells = sorted(set(zip(names[made.market].tolist(), made.side.tolist(), strict=True)))
    executed, recorded = _executed(sheets.get("fills"), keys, k, terms, cells, rules)
    at = np.array(
        [executed[cell] for cell in zip(names[made.market].tolist(), made.side.tolist(), strict=True)]
    )
    contract = terms.kind[made.market], terms.multiplier[made.market], terms.rate[made.market]

    def lost(price: Floats) -> Floats:
        given = given_up_per_contract(contract[0], made.side, made.bankruptcy, price, *contract[1:])
        return np.asarray(made.contracts * np.maximum(given, 0.0))

    below = made.sums(lost(mark), cells, names)
    gap = made.sums(lost(at.astype(np.float64)), cells, names)
    fund = _fund(sheets.get("fund"), keys, k, terms, cells, below, gap)
    deficit, needed = np.maximum(below - fund[0], 0.0), np.maximum(gap - fund[1], 0.0)
    contracts = made.sums(made.contracts, cells, names)
    table = [
        {
            "market": cell[0],
            "side": NAMES[cell[1]],
            "contracts": contracts[j],
            "deficit_usd": deficit[j],
            "fund_usd": min(fund[1][j], gap[j]),
            "needed_usd": needed[j],
        }
        for j, cell in enumerate(cells)
    ]
    compared = _compared(sheets, keys, k, terms, made, cells, (deficit, below, needed, gap))
    sides = np.array([cell[1] for cell in cells], dtype=np.int64)
    return RoundClosing(
        taken=np.bincount(made.position, made.lots, minlength=held.rows.size).astype(np.int64),
        flow=_flow(sheets.get("liquidations"), terms, made, names),
        gaps=Gaps(
            market=np.array([cell[0] for cell in cells], dtype=np.str_),
            side=sides,
            quantity=contracts,
            gap=needed,
        ),
        deficit=float(deficit.sum()),
        cells=table,
        recorded=recorded,
        compared=compared,
    )


def _flow(sheet: Sheet | None, terms: MarketTerms, made: _Rows, names: npt.NDArray[np.str_]) -> Flow:
    close = None
    if sheet is not None and "close" in sheet.columns:
        own = sheet.columns["close"][made.rows]
        close = np.where(np.isnan(own), made.bankruptcy, own)
    before = terms.previous[made.market]
    return Flow(
        market=names[made.market],
        side=made.side,
        quantity=made.contracts,
        mark=terms.mark[made.market],
        bankruptcy=made.bankruptcy,
        close=close,
        previous_mark=before if before.size and not np.isnan(before).any() else None,
    )


def _liquidated(sheet: Sheet | None, keys: Keys, k: int, terms: MarketTerms, holdings: Holdings) -> _Rows:
    held = holdings.held
    nothing = np.empty(0, dtype=np.int64)
    if sheet is None:
        return _Rows(nothing, nothing, nothing, np.empty(0), nothing, nothing, np.empty(0))
    rows = keys.rows("liquidations", sheet, k)
    account = looked_up(sheet, "account", rows, holdings.place, "is no account of this round")
    market, side = terms.at(sheet, rows), sheet.columns["side"][rows].astype(np.int64)
    place = {key: j for j, key in enumerate(zip(held.account, held.market, held.side, strict=True))}
    found = np.array([place.get(key, -1) for key in zip(account, market, side, strict=True)], dtype=np.int64)
    _refuse(sheet, rows, found < 0, "market", "is no position of this account and side in the snapshot")
    given = sheet.get("quantity", np.nan).astype(np.float64)[rows]
    quantity = np.where(np.isnan(given), held.contracts[found], given)
    lots = in_whole_lots(sheet, rows, quantity, terms.lot_size[market])
    total = np.bincount(found, lots, minlength=held.rows.size)
    _refuse(sheet, rows, total[found] > held.lots[found], "quantity", "is more than the position has")
    bankruptcy = holdings.bankruptcy[found]
    why = "is a position that no price makes bankrupt: what answers for it exceeds all that it can lose"
    _refuse(sheet, rows, np.isnan(bankruptcy), "account", why)
    contracts = lots * terms.lot_size[market]
    return _Rows(rows, found, lots, contracts, market, side, bankruptcy)


def _refuse(sheet: Sheet, rows: Ints, wrong: npt.NDArray[np.bool_], key: str, why: str) -> None:
    mask = np.zeros(len(sheet), dtype=bool)
    mask[rows[wrong]] = True
    sheet.refuse(key, mask, why)


def _executed(
    sheet: Sheet | None, keys: Keys, k: int, terms: MarketTerms, cells: list[Cell], rules: Rules
) -> tuple[dict[Cell, float], Recorded | None]:
    """Return the mean price of execution by market and side, and what ADL fills took."""
    prices: dict[Cell, float] = {}
    marks = {cell: float(terms.mark[terms.place[cell[0]]]) for cell in cells}
    if sheet is not None:
        rows = keys.rows("fills", sheet, k)
        market, side = terms.at(sheet, rows), sheet.columns["side"][rows].astype(np.int64)
        adl = np.array([word == "adl" for word in sheet.get("kind")[rows].tolist()], dtype=bool)
        quantity, price = (sheet.columns[key][rows] for key in ("quantity", "price"))
        names = np.array(list(terms.place), dtype=np.str_)
        own = list(zip(names[market].tolist(), side.tolist(), strict=True))
        inverse = terms.kind[market] == INVERSE  # its mean price is harmonic: the coins add up
        filled: dict[Cell, list[float]] = {}
        of_price = np.where(inverse, 1.0 / price, price)
        for at_row in np.flatnonzero(~adl).tolist():
            sums = filled.setdefault(own[at_row], [0.0, 0.0])
            sums[0] += quantity[at_row]
            sums[1] += quantity[at_row] * of_price[at_row]
        for cell, (contracts, weighted) in filled.items():
            mean = weighted / contracts
            prices[cell] = 1.0 / mean if terms.kind[terms.place[cell[0]]] == INVERSE else mean
    if rules.executed_at == "mark":
        prices = marks
    if lacking := [cell for cell in cells if cell not in prices]:
        raise InputError(
            f"round {keys.names[k]}: a market and side was liquidated, and no fill says at which price",
            got=", ".join(f"{market} {NAMES[side]}" for market, side in lacking[:5]),
            ways_out=["add its fills to the export", 'write executed_at = "mark" under [rules]'],
        )
    if sheet is None or "kind" not in sheet.columns or rules.executed_at == "mark":
        return prices, None
    at = np.array(
        [prices.get(cell, float(terms.mark[terms.place[cell[0]]])) for cell in own], dtype=np.float64
    )
    contract = terms.multiplier[market], terms.rate[market]
    each = given_up_per_contract(terms.kind[market], side, price, at, *contract)
    return prices, Recorded(haircut=float((quantity * np.maximum(each, 0.0))[adl].sum()))


def _fund(
    sheet: Sheet | None,
    keys: Keys,
    k: int,
    terms: MarketTerms,
    cells: list[Cell],
    below: Floats,
    gap: Floats,
) -> tuple[Floats, Floats]:
    """Return what the funds pay of deficits and of gaps, by market and side."""
    if sheet is None or not cells:
        return np.zeros(len(cells)), np.zeros(len(cells))
    rows = single(sheet, keys.rows("fund", sheet, k), ("market",))
    terms.at(sheet, rows)
    known = {str(sheet.columns["market"][row]): float(sheet.columns["balance"][row]) for row in rows.tolist()}
    balance = np.array([known.get(market, 0.0) for market, _ in cells])
    code = np.unique([market for market, _ in cells], return_inverse=True)[1]

    def share(usd: Floats) -> Floats:
        whole = np.bincount(code, usd)[code]
        return np.asarray(balance * usd / np.where(whole > 0, whole, 1.0), dtype=np.float64)

    return share(below), share(gap)


def _compared(
    sheets: Mapping[str, Sheet],
    keys: Keys,
    k: int,
    terms: MarketTerms,
    made: _Rows,
    cells: list[Cell],
    amounts: tuple[Floats, Floats, Floats, Floats],
) -> list[Compared]:
    """Hold bankruptcy prices, deficits and needed budgets against the venue's own."""
    out = []
    if (sheet := sheets.get("liquidations")) is not None and "bankruptcy" in sheet.columns:
        inverse = np.where(terms.kind[made.market] == INVERSE, made.bankruptcy**2, 1.0)
        weight = made.contracts * terms.multiplier[made.market] * terms.rate[made.market] / inverse
        own = sheet.columns["bankruptcy"][made.rows]
        rounded = np.round(made.bankruptcy, _digits(own))
        readings = {"rounded to its digits": rounded}
        args = ("bankruptcy prices", sheet, "bankruptcy", made.rows, made.bankruptcy, readings, weight)
        out.append(Compared(*args))
    if (sheet := sheets.get("totals")) is not None:
        rows = keys.rows("totals", sheet, k)
        names = np.array(list(terms.place), dtype=np.str_)[terms.at(sheet, rows)]
        place = {cell: j for j, cell in enumerate(cells)}
        own_cells = zip(names.tolist(), sheet.columns["side"][rows].tolist(), strict=True)
        at = np.array([place.get(cell, len(cells)) for cell in own_cells], dtype=np.int64)
        deficit, below, needed, gap = (np.append(usd, 0.0)[at] for usd in amounts)
        for key, usd, whole in (("deficit", deficit, below), ("needed", needed, gap)):
            if key in sheet.columns:
                figure = f"{key} by market and side"
                readings = {"insurance fund not counted": whole}
                out.append(Compared(figure, sheet, key, rows, usd, readings))
    return out


def _digits(values: Floats) -> int:
    """Return how many digits behind the point a column is rounded to, 12 at most."""
    known = values[~np.isnan(values)]
    for digits in range(12):
        if np.all(np.abs(np.round(known, digits) - known) <= 1e-14 * np.abs(known)):
            return digits
    return 12
