"""What accounts hold in a round: positions, collateral, PNL, equity, and the price at which each is bankrupt.

* Collateral counts at its USD rate less its haircut; what an account owes (an amount below 0) counts in full.
* Equity is collateral, isolated margin and the PNL of all positions at the mark.
* An isolated position answers with its own margin and PNL.  The cross positions of an account answer with the
  rest, each in proportion to its notional at the mark.
* The bankruptcy price of a position is the price at which what answers for it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from adl_opt.datasets.warehouse.cells import Mask
from adl_opt.datasets.warehouse.config import Rules
from adl_opt.datasets.warehouse.haircuts import explaining_haircuts
from adl_opt.datasets.warehouse.keys import Keys
from adl_opt.datasets.warehouse.reconcile import Compared, Hint
from adl_opt.datasets.warehouse.sheets import Sheet
from adl_opt.datasets.warehouse.terms import Assets, MarketTerms, looked_up, single
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import CROSS, ISOLATED, notional_per_contract

WHOLE = 1e-9
"""A number of lots that is nearer to a whole one than this share of it is whole."""


@dataclass(frozen=True, eq=False)
class HeldPositions:
    """The positions of a round as the snapshot has them, (m,) each; USD.

    Parameters
    ----------
    rows : Ints
        Their rows in the table of positions.
    account, market, side, lots : int
    contracts, entry, notional, pnl
    mode : text
    margin : USD
        Isolated margin; 0 where the margin is cross.
    """

    rows: Ints
    account: Ints
    market: Ints
    side: Ints
    lots: Ints
    contracts: Floats
    entry: Floats
    notional: Floats
    pnl: Floats
    mode: Text
    margin: Floats

    @property
    def alone(self) -> Mask:
        """Where the margin is isolated."""
        return np.asarray(self.mode == ISOLATED)

    def by_account(self, values: Floats, n: int) -> Floats:
        """Return the sums of what positions have, (n,)."""
        return np.bincount(self.account, values, minlength=n).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Holdings:
    """Accounts with their positions in a round; USD.

    Parameters
    ----------
    account_rows : Ints
        Rows of the (n,) accounts in their table.
    place : dict
        Row here of each id.
    held : HeldPositions
    equity, gain : (n,)
        Equity and PNL of each account.
    backing, bankruptcy : (m,)
        What answers for each position, and the price at which it is gone (NaN: at none).
    compared : list of Compared
    """

    account_rows: Ints
    place: dict[str, int]
    held: HeldPositions
    equity: Floats
    gain: Floats
    backing: Floats
    bankruptcy: Floats
    compared: list[Compared]


def find_holdings(
    sheets: Mapping[str, Sheet], keys: Keys, k: int, terms: MarketTerms, assets: Assets, rules: Rules
) -> Holdings:
    """Return what accounts hold in a round.

    Raises
    ------
    InputError
        With file, row, column and value: an id, market or asset that is not known, a position that is there
        twice, a size that is no whole number of lots.
    """
    people = sheets["accounts"]
    account_rows = single(people, keys.rows("accounts", people, k), ("id",))
    ids = people.columns["id"][account_rows]
    place = {str(name): j for j, name in enumerate(ids)}
    held, n = _held(sheets["positions"], keys, k, place, terms, rules), len(place)
    value, shaved, hint = _collateral(sheets.get("collateral"), keys, k, place, assets)
    gain, own = held.by_account(held.pnl, n), held.by_account(held.margin, n)
    equity = value + gain + (0.0 if rules.isolated_margin_in_collateral else own)
    apart = held.by_account(np.where(held.alone, held.margin + held.pnl, 0.0), n)
    crossed = held.by_account(np.where(held.alone, 0.0, held.notional), n)
    share = held.notional / np.where(crossed > 0, crossed, 1.0)[held.account]
    backing = np.where(held.alone, held.margin + held.pnl, (equity - apart)[held.account] * share)
    return Holdings(
        account_rows=account_rows,
        place=place,
        held=held,
        equity=equity,
        gain=gain,
        backing=backing,
        bankruptcy=terms.loses(held.market, backing, held.side, held.contracts),
        compared=_compared(sheets, terms, held, account_rows, (equity, gain, shaved), hint),
    )


def _compared(
    sheets: Mapping[str, Sheet],
    terms: MarketTerms,
    held: HeldPositions,
    account_rows: Ints,
    figures: tuple[Floats, Floats, Floats],
    hint: Hint | None,
) -> list[Compared]:
    """Hold equity and PNL against the venue's own columns, and against other readings of these."""
    (equity, gain, shaved), people = figures, sheets["accounts"]
    n, own = equity.size, held.by_account(held.margin, equity.size)
    apart = held.by_account(np.where(held.alone, held.margin + held.pnl, 0.0), n)
    before = held.contracts * terms.pnl(held.market, held.side, held.entry, terms.previous[held.market])
    earlier = held.by_account(before, n)
    of_equity = {
        "collateral haircut not applied": equity + shaved,
        "PNL not counted": equity - gain,
        "isolated margin not counted": equity - own,
        "isolated margin counted twice": equity + own,
        "isolated positions not counted": equity - apart,
        "at the previous mark": equity - gain + earlier,
    }
    of_gain = {
        "isolated positions not counted": held.by_account(np.where(held.alone, 0.0, held.pnl), n),
        "at the previous mark": earlier,
    }
    of_pnl = {
        "at the previous mark": before,
        "other sign": -held.pnl,
        "in the settlement asset": held.pnl / terms.rate[held.market],
        "multiplier left out": held.pnl / terms.multiplier[held.market],
    }
    compared = [
        Compared("equity of accounts", people, "equity", account_rows, equity, of_equity, hint=hint),
        Compared("PNL of accounts", people, "pnl", account_rows, gain, of_gain),
        Compared("PNL of positions", sheets["positions"], "pnl", held.rows, held.pnl, of_pnl),
    ]
    return [one for one in compared if one.key in one.sheet.columns]


def _held(
    sheet: Sheet, keys: Keys, k: int, place: Mapping[str, int], terms: MarketTerms, rules: Rules
) -> HeldPositions:
    rows = keys.rows("positions", sheet, k)
    rows = rows[sheet.columns["quantity"][rows] != 0]
    account = looked_up(sheet, "account", rows, place, "is no account of this round")
    market = terms.at(sheet, rows)
    quantity, side = _signed(sheet, rows)
    lots = in_whole_lots(sheet, rows, quantity, terms.lot_size[market])
    contracts = lots * terms.lot_size[market]
    keyed = np.lexsort((side, market, account))
    again = np.zeros(len(sheet), dtype=bool)
    same = [np.diff(column[keyed]) == 0 for column in (account, market, side)]
    again[rows[keyed[1:][np.logical_and.reduce(same)]]] = True
    sheet.refuse("market", again, "is there twice for one account and side", "sum the rows up")
    mark, entry = terms.mark[market], sheet.columns["entry"][rows]
    rest = terms.multiplier[market], terms.rate[market]
    mode, margin = _isolated(sheet, rows, terms.rate[market], rules)
    return HeldPositions(
        rows=rows,
        account=account,
        market=market,
        side=side,
        lots=lots,
        contracts=contracts,
        entry=entry,
        notional=contracts * notional_per_contract(terms.kind[market], mark, *rest),
        pnl=contracts * terms.pnl(market, side, entry, mark),
        mode=mode,
        margin=margin,
    )


def _signed(sheet: Sheet, rows: Ints) -> tuple[Floats, Ints]:
    """Return sizes above 0 and sides; where no side is said, the sign of the size says it."""
    quantity = sheet.columns["quantity"][rows]
    if "side" not in sheet.columns:
        return np.abs(quantity), np.sign(quantity).astype(np.int64)
    words = sheet.columns["side"]
    blank = np.zeros(len(sheet), dtype=bool)
    blank[rows] = [word is None for word in words[rows].tolist()]
    sheet.refuse("side", blank, "is blank", "leave side out where the sign of the quantity says it")
    said = words[rows].astype(np.int64)
    wrong = np.zeros(len(sheet), dtype=bool)
    wrong[rows[(said != 0) & (quantity < 0)]] = True
    way_out = "map its side word to signed, if the sign says the side"
    sheet.refuse("quantity", wrong, "is below 0, and the row has a side", way_out)
    return np.abs(quantity), np.where(said == 0, np.sign(quantity), said).astype(np.int64)


def in_whole_lots(sheet: Sheet, rows: Ints, quantity: Floats, lot_size: Floats) -> Ints:
    """Return sizes in lots; one that is no whole number of lots is refused."""
    lots = np.rint(quantity / lot_size)
    wrong = np.zeros(len(sheet), dtype=bool)
    wrong[rows[np.abs(lots * lot_size - quantity) > WHOLE * np.maximum(quantity, lot_size)]] = True
    why = "is no whole number of lots"
    sheet.refuse("quantity", wrong, why, "correct lot_size of its contract", "give a smaller lot_size")
    return lots.astype(np.int64)


def _isolated(sheet: Sheet, rows: Ints, rate: Floats, rules: Rules) -> tuple[Text, Floats]:
    """Return margin mode and isolated margin, USD; a margin of a cross position is not read."""
    mode = np.array([word or CROSS for word in sheet.get("margin_mode")[rows].tolist()], dtype=np.str_)
    alone = mode == ISOLATED
    if not alone.any():
        return mode, np.zeros(rows.size)
    lacking = np.zeros(len(sheet), dtype=bool)
    given = sheet.get("isolated_margin", np.nan).astype(np.float64)[rows]
    lacking[rows[alone & ~(given > 0)]] = True
    sheet.refuse("isolated_margin", lacking, "must be above 0: the position is isolated")
    if rules.isolated_margin_in_collateral is None:
        raise InputError(
            "whether collateral counts isolated margin is not said",
            got=f"{sheet.place('margin_mode', int(rows[np.argmax(alone)]))}: isolated",
            ways_out=[
                "write isolated_margin_in_collateral = true under [rules], if balances count it",
                "write isolated_margin_in_collateral = false, if it stands beside them",
            ],
        )
    unit = rate if rules.isolated_margin_in == "settlement" else 1.0
    return mode, np.where(alone, given * unit, 0.0)


def _collateral(
    sheet: Sheet | None, keys: Keys, k: int, place: Mapping[str, int], assets: Assets
) -> tuple[Floats, Floats, Hint | None]:
    """Return what collateral counts, what haircuts take off, (n,) USD, and a search for other haircuts."""
    if sheet is None:
        return np.zeros(len(place)), np.zeros(len(place)), None
    rows = keys.rows("collateral", sheet, k)
    account = looked_up(sheet, "account", rows, place, "is no account of this round")
    asset = looked_up(sheet, "asset", rows, assets.place, "has no rate in the table of assets")
    worth = sheet.columns["amount"][rows] * assets.rate[asset]
    shaved = np.maximum(worth, 0.0) * assets.haircut[asset]
    made = (np.bincount(account, values, minlength=len(place)) for values in (worth - shaved, shaved))
    value, off = (sums.astype(np.float64) for sums in made)
    return value, off, partial(explaining_haircuts, account=account, asset=asset, worth=worth, assets=assets)
