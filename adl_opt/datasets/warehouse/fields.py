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
_TIME = Spec("time", names=("time", "timestamp", "ts", "snapshot_time", "created_at", "event_time", "as_of"))
_WHEN = {"round": _ROUND, "time": _TIME}
_ACCOUNT = _text("account", "account_id", "user", "user_id", "uid", "trader", "sub_account", required=True)
_MARKET = _text("market", "symbol", "instrument", "coin", "contract", "ticker", required=True)
_QUANTITY = ("quantity", "size", "qty", "contracts", "position_size", "position_amt", "amount")
_SIDES = ("side", "direction", "position_side", "pos_side", "losers", "loser_side")

TABLES: dict[str, dict[str, Spec]] = {
    "accounts": _WHEN
    | {
        "id": Spec("text", True, names=("id", *_ACCOUNT.names)),
        "owner": _text("owner", "master", "master_account", "parent", "group"),
        "exempt": _words(FLAG, "exempt", "adl_exempt", "is_exempt", "market_maker"),
        "cohort": _text("cohort", "tier"),
        "cap": Spec("number+", names=("cap", "adl_cap")),
        "cohort_cap": Spec("number+", names=("cohort_cap",)),
        "margin": Spec("number+", names=("margin", "maintenance_margin", "maint_margin", "mm")),
        "equity": Spec("number", names=("equity", "account_value", "margin_balance", "net_equity")),
        "pnl": Spec("number", names=("pnl", "unrealised_pnl", "unrealized_pnl", "upnl", "upl")),
    },
    "positions": _WHEN
    | {
        "account": _ACCOUNT,
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES),
        "quantity": Spec("number", True, names=_QUANTITY),
        "entry": Spec("number>0", True, names=("entry", "entry_price", "avg_price", "avg_entry_price")),
        "margin_mode": _words(MODE, "margin_mode", "margin_type", "mode", "mgn_mode"),
        "isolated_margin": Spec(
            "number+", names=("isolated_margin", "iso_margin", "isolated_wallet", "position_margin")
        ),
        "hedge": Spec("number+", names=("hedge", "pair", "hedge_pair")),
        "pnl": Spec("number", names=("pnl", "unrealised_pnl", "unrealized_pnl", "upnl", "upl")),
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
        "asset": _text("asset", "currency", "ccy", "collateral_asset", required=True),
        "amount": Spec("number", True, names=("amount", "balance", "wallet_balance", "collateral", "cash")),
    },
    "assets": _WHEN
    | {
        "asset": _text("asset", "currency", "ccy", required=True),
        "rate": Spec("number>0", True, names=("rate", "usd_rate", "usd", "index_price", "price_usd")),
        "haircut": Spec("share", names=("haircut", "collateral_haircut", "discount")),
    },
    "contracts": _WHEN
    | {
        "market": _MARKET,
        "kind": _words(KIND, "kind", "contract_type", "type", "ct_type"),
        "multiplier": Spec("number>0", names=("multiplier", "contract_size", "ct_val", "face_value")),
        "lot_size": Spec("number>0", names=("lot_size", "step_size", "lot", "min_step", "lot_sz")),
        "settlement": _text("settlement", "settle", "settle_coin", "settlement_asset", "settle_ccy"),
        "maintenance_rate": Spec("share", names=("maintenance_rate", "mmr", "maint_margin_rate")),
    },
    "liquidations": _WHEN
    | {
        "account": _ACCOUNT,
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES, required=True),
        "quantity": Spec("number>0", names=_QUANTITY),
        "bankruptcy": Spec("number>0", names=("bankruptcy", "bankruptcy_price", "bk_price", "bk_px")),
        "close": Spec("number>0", names=("close", "close_price", "adl_price", "takeover_price")),
    },
    "fills": _WHEN
    | {
        "market": _MARKET,
        "side": _words(SIDE, *_SIDES, required=True),
        "quantity": Spec("number>0", True, names=_QUANTITY),
        "price": Spec("number>0", True, names=("price", "fill_price", "px", "exec_price")),
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
