"""What holds for a whole round: marks and contracts by market, haircuts and USD rates by asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.datasets.warehouse.keys import Keys
from adl_opt.datasets.warehouse.sheets import Sheet
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import INVERSE, LINEAR, pnl_per_contract

USD = "USD"
"""The asset that is worth 1 USD and has no haircut, unless a table of assets says otherwise."""


@dataclass(frozen=True, eq=False)
class MarketTerms:
    """The markets of a round, one entry each; (k,) arrays.

    Parameters
    ----------
    place : dict
        Row of each market.
    mark, previous : USD
        The previous mark is NaN where it is not known.
    kind : text
    multiplier, lot_size, maintenance
        The maintenance rate is NaN where it is not known.
    rate : USD
        Of the settlement asset: without one 1, of an inverse contract the mark.
    """

    place: dict[str, int]
    mark: Floats
    previous: Floats
    kind: Text
    multiplier: Floats
    lot_size: Floats
    maintenance: Floats
    rate: Floats

    def at(self, sheet: Sheet, rows: Ints) -> Ints:
        """Return the market of each row of a table; one without a mark is refused."""
        return looked_up(sheet, "market", rows, self.place, "has no mark in this round, or no contract")

    def pnl(self, market: Ints, side: Any, entry: Any, price: Any) -> Floats:
        """Return USD per contract of positions in these markets at a price."""
        rest = self.multiplier[market], self.rate[market]
        return pnl_per_contract(self.kind[market], side, entry, price, *rest)

    def loses(self, market: Ints, usd: Floats, side: Ints, contracts: Floats) -> Floats:
        """Return the price at which positions have lost so many USD since the mark; NaN where none is."""
        per = np.where(contracts > 0, contracts, 1.0) * self.multiplier[market] * self.rate[market]
        mark = self.mark[market]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / (1.0 / mark + side * usd / per)
            price = np.where(self.kind[market] == INVERSE, inverse, mark - side * usd / per)
        return np.where(np.isfinite(price) & (price > 0), price, np.nan)


@dataclass(frozen=True, eq=False)
class Assets:
    """The collateral assets of a round: USD of one unit, and the share of it that does not count."""

    place: dict[str, int]
    rate: Floats
    haircut: Floats


def find_assets(sheets: Mapping[str, Sheet], keys: Keys, k: int) -> Assets:
    """Return the assets of a round; USD is there always."""
    known = {USD: (1.0, 0.0)}
    if (sheet := sheets.get("assets")) is not None:
        rows = single(sheet, keys.rows("assets", sheet, k), ("asset",))
        shares = np.nan_to_num(sheet.get("haircut", 0.0).astype(np.float64))
        for row in rows.tolist():
            known[str(sheet.columns["asset"][row])] = (float(sheet.columns["rate"][row]), float(shares[row]))
    rate, haircut = np.array(list(known.values())).T
    return Assets({name: k for k, name in enumerate(known)}, rate, haircut)


def find_terms(sheets: Mapping[str, Sheet], keys: Keys, k: int, assets: Assets) -> MarketTerms:
    """Return the markets of a round that have a mark and a contract."""
    marks, contracts = sheets["marks"], sheets["contracts"]
    of_mark = single(marks, keys.rows("marks", marks, k), ("market",))
    of_contract = single(contracts, keys.rows("contracts", contracts, k), ("market",))
    known = {str(contracts.columns["market"][row]): row for row in of_contract.tolist()}
    of_mark = of_mark[[str(m) in known for m in marks.columns["market"][of_mark]]]
    rows = np.array([known[str(m)] for m in marks.columns["market"][of_mark]], dtype=np.int64)

    def number(key: str, default: float) -> Floats:
        values = contracts.get(key, np.nan).astype(np.float64)[rows]
        return np.where(np.isnan(values), default, values)

    mark = marks.columns["mark"][of_mark]
    kinds = [word or LINEAR for word in contracts.get("kind")[rows].tolist()]
    kind = np.array(kinds, dtype=np.str_)
    rate = np.where(kind == INVERSE, mark, 1.0)
    if "settlement" in contracts.columns:
        said = contracts.columns["settlement"][rows] != ""
        why = "has no rate in the table of assets"
        rate[said] = assets.rate[looked_up(contracts, "settlement", rows[said], assets.place, why)]
    return MarketTerms(
        place={str(m): j for j, m in enumerate(marks.columns["market"][of_mark])},
        mark=mark,
        previous=marks.get("previous_mark", np.nan).astype(np.float64)[of_mark],
        kind=kind,
        multiplier=number("multiplier", 1.0),
        lot_size=number("lot_size", 1.0),
        maintenance=number("maintenance_rate", np.nan),
        rate=rate,
    )


def looked_up(sheet: Sheet, key: str, rows: Ints, place: Mapping[str, int], why: str) -> Ints:
    """Return what each row of a column stands for; names that are not known are refused."""
    found = np.array([place.get(str(v), -1) for v in sheet.columns[key][rows].tolist()], dtype=np.int64)
    wrong = np.zeros(len(sheet), dtype=bool)
    wrong[rows[found < 0]] = True
    sheet.refuse(key, wrong, why, "add it to the export", "leave the row out of the export")
    return found


def single(sheet: Sheet, rows: Ints, keys: tuple[str, ...]) -> Ints:
    """Return the first row of each key; a row that says the same again counts once, another is refused."""
    first: dict[tuple[str, ...], int] = {}
    for row in rows.tolist():
        at = first.setdefault(tuple(str(sheet.columns[key][row]) for key in keys), row)
        for name, values in sheet.columns.items() if at != row else ():
            same = values[at] == values[row] or (values[at] != values[at] and values[row] != values[row])
            if not same and name not in ("round", "time"):
                wrong = np.arange(len(sheet)) == row
                why = f"is another than in row {sheet.row[at]} for the same {' and '.join(keys)}"
                sheet.refuse(
                    name, wrong, why, "keep one of the rows", "map round or time, if they are of two rounds"
                )
    return np.array(list(first.values()), dtype=np.int64)
