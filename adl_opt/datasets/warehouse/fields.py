"""What a warehouse export may say: the tables of a book, their columns, and the words in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adl_opt.rounds.contracts import CROSS, INVERSE, ISOLATED, LINEAR

SIDE = {"long": 1, "short": -1, "+1": 1, "1": 1, "-1": -1, "signed": 0}
"""Words for a side; ``signed`` says that the sign of the quantity is the side."""
KIND = {LINEAR: LINEAR, INVERSE: INVERSE}
MODE = {CROSS: CROSS, ISOLATED: ISOLATED}
FLAG = {"0": 0, "1": 1, "false": 0, "true": 1}
FILL = {"liquidation": "liquidation", "adl": "adl"}


@dataclass(frozen=True)
class Spec:
    """One column of a table.

    Parameters
    ----------
    kind : str
        ``text``, ``number``, ``number+`` (>= 0), ``number>0``, ``share`` (0 to 1), ``time`` or ``word``.
    required : bool
        The column must be mapped, and no cell of it may be blank.
    words : mapping
        What each word stands for, in a column of words.
    names : tuple of str
        Names by which a first configuration finds the column.
    """

    kind: str
    required: bool = False
    words: Mapping[str, object] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def _words(words: Mapping[str, object], *names: str, required: bool = False) -> Spec:
    return Spec("word", required, words, names)


def _text(*names: str, required: bool = False) -> Spec:
    return Spec("text", required, names=names)


_ROUND = _text("round", "wave", "snapshot_id", "round_no", "round_id")
_TIMES = (
    "time",
    "timestamp",
    "ts",
    "snapshot_time",
    "snapshot_ts",
    "snapshot_at",
    "created_at",
    "created_time",
)
_TIME = Spec(
    "time", names=(*_TIMES, "updated_at", "update_time", "u_time", "event_time", "event_ts", "as_of")
)
_WHEN = {"round": _ROUND, "time": _TIME}
_USERS = (
    "account",
    "account_id",
    "acct_id",
    "user",
    "user_id",
    "uid",
    "trader",
    "sub_account",
    "sub_account_id",
)
_ACCOUNT = _text(*_USERS, "subaccount", "wallet_address", "address", "client_id", required=True)
_SYMBOLS = (
    "market",
    "symbol",
    "instrument",
    "instrument_name",
    "inst_id",
    "coin",
    "contract",
    "ticker",
    "pair",
)
_MARKET = _text(*_SYMBOLS, required=True)
_ASSET = _text("asset", "currency", "ccy", "coin", "token", "collateral_asset", "margin_coin", required=True)
_SIZES = ("quantity", "size", "qty", "contracts", "position_size", "position_qty", "position_amt", "pos_size")
_QUANTITY = (*_SIZES, "current_qty", "szi", "sz", "pos", "exec_qty", "executed_qty", "last_qty", "amount")
_SIDES = ("side", "direction", "position_side", "pos_side", "losers", "loser_side")
_ENTRIES = ("entry", "entry_price", "entry_px", "avg_price", "avg_px", "avg_entry_price", "avg_entry_px")
_GAINS = ("pnl", "unrealised_pnl", "unrealized_pnl", "un_realized_profit", "unrealized_profit", "upnl", "upl")
_PNL = Spec("number", names=(*_GAINS, "u_pnl", "floating_profit_loss"))

TABLES: dict[str, dict[str, Spec]] = {
    "accounts": _WHEN
    | {
        "id": Spec("text", True, names=("id", *_ACCOUNT.names)),
        "owner": _text("owner", "master", "master_account", "parent", "group"),
        "exempt": _words(FLAG, "exempt", "adl_exempt", "is_exempt", "market_maker"),
        "cohort": _text("cohort", "tier"),
        "cap": Spec("number+", names=("cap", "adl_cap")),
        "cohort_cap": Spec("number+", names=("cohort_cap",)),
        "margin": Spec(
            "number+", names=("margin", "maintenance_margin", "maint_margin", "total_maint_margin", "mm")
        ),
        "equity": Spec(
            "number",
            names=(
                *(
                    "equity",
                    "account_equity",
                    "total_equity",
                    "net_equity",
                    "account_value",
                    "total_eq",
                    "eq",
                ),
                *("margin_balance", "total_margin_balance"),
            ),
        ),
        "pnl": _PNL,
    },
    "positions": _WHEN
    | {
        "account": _ACCOUNT,
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES),
        "quantity": Spec("number", True, names=_QUANTITY),
        "entry": Spec("number>0", True, names=(*_ENTRIES, "average_price")),
        "margin_mode": _words(MODE, "margin_mode", "margin_type", "mode", "mgn_mode"),
        "isolated_margin": Spec(
            "number+", names=("isolated_margin", "iso_margin", "isolated_wallet", "position_margin")
        ),
        "hedge": Spec("number+", names=("hedge", "pair", "hedge_pair")),
        "pnl": _PNL,
    },
    "marks": _WHEN
    | {
        "market": _MARKET,
        "mark": Spec("number>0", True, names=("mark", "mark_price", "mark_px")),
        "previous_mark": Spec("number>0", names=("previous_mark", "prev_mark", "prev_mark_px", "last_mark")),
    },
    "collateral": _WHEN
    | {
        "account": _ACCOUNT,
        "asset": _ASSET,
        "amount": Spec(
            "number",
            True,
            names=("amount", "balance", "wallet_balance", "cash_bal", "cash_balance", "collateral", "cash"),
        ),
    },
    "assets": _WHEN
    | {
        "asset": _ASSET,
        "rate": Spec(
            "number>0",
            True,
            names=("rate", "rate_usd", "usd_rate", "usd", "usd_price", "index_price", "index_px", "price"),
        ),
        "haircut": Spec("share", names=("haircut", "collateral_haircut", "discount")),
    },
    "contracts": _WHEN
    | {
        "market": _MARKET,
        "kind": _words(KIND, "kind", "contract_type", "type", "ct_type"),
        "multiplier": Spec("number>0", names=("multiplier", "contract_size", "ct_val", "face_value")),
        "lot_size": Spec(
            "number>0", names=("lot_size", "step_size", "lot", "min_step", "lot_sz", "qty_step")
        ),
        "settlement": _text(
            *("settlement", "settle", "settle_coin", "settlement_asset", "settlement_currency"),
            *("settle_ccy", "settl_currency", "margin_asset"),
        ),
        "maintenance_rate": Spec("share", names=("maintenance_rate", "mmr", "maint_margin_rate")),
    },
    "liquidations": _WHEN
    | {
        "account": _ACCOUNT,
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES, required=True),
        "quantity": Spec("number>0", names=_QUANTITY),
        "bankruptcy": Spec(
            "number>0",
            names=("bankruptcy", "bankruptcy_price", "bankrupt_price", "bust_price", "bk_price", "bk_px"),
        ),
        "close": Spec("number>0", names=("close", "close_price", "adl_price", "takeover_price")),
    },
    "fills": _WHEN
    | {
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES, required=True),
        "quantity": Spec("number>0", True, names=_QUANTITY),
        "price": Spec(
            "number>0",
            True,
            names=(
                *("price", "fill_price", "fill_px", "px", "exec_price", "exec_px", "last_px"),
                *("average_price", "avg_price", "avg_px"),
            ),
        ),
        "kind": _words(FILL, "kind", "fill_type", "type", "exec_type"),
    },
    "fund": _WHEN
    | {
        "market": _MARKET,
        "balance": Spec("number+", True, names=("balance", "fund", "fund_balance", "insurance_fund")),
    },
    "totals": _WHEN
    | {
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES, required=True),
        "deficit": Spec("number+", names=("deficit", "shortfall")),
        "needed": Spec("number+", names=("needed", "gap", "loss")),
    },
}
"""The columns of each table.  ``side`` of liquidations, fills and totals is that of the losers."""

REQUIRED = ("accounts", "positions", "marks", "contracts")
SERVED = {
    "accounts": ("positions", "collateral"),
    "marks": ("positions", "contracts"),
    "collateral": ("accounts",),
    "assets": ("collateral",),
    "liquidations": ("fills",),
    "fills": ("liquidations",),
}
"""Tables that a file of another table may hold as well, such as marks in the rows of positions."""
EVENTS = ("liquidations", "fills", "totals")
"""Tables of what happened after the snapshot of a round; the others are the snapshot."""

AGREES = "agrees"
UNEXPLAINED = "unexplained"
CAUSES = (
    "collateral haircut not applied",
    "PNL not counted",
    "isolated margin not counted",
    "isolated margin counted twice",
    "isolated positions not counted",
    "at the previous mark",
    "other sign",
    "in the settlement asset",
    "multiplier left out",
    "insurance fund not counted",
    "rounded to its digits",
    UNEXPLAINED,
)
"""Every cause that a configuration may accept."""
