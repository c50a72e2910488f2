"""
An invented exchange, from raw files to a rule
==============================================

It writes raw exports as a warehouse would, and ``book.toml``, their description; nothing in it is fitted to
any venue.  Accounts trade linear and inverse contracts on collateral in USDT and BTC.  Some hedge, some
positions are isolated, some accounts are exempt, some belong to one owner.  Prices fall in each of four
snapshots.  Who is under water is liquidated, and the venue's own columns (equity, PNL, bankruptcy price,
losses) are rounded to the cent.  The figures are worked out here by themselves, so that the import is held
against them.  From the raw files to a recommendation, a shadow run and an explanation::

    python examples/invented_exchange.py exports
    adl-opt import book exports/book.toml --out episode
    adl-opt recommend ./episode --out policy.toml --html committee.html
    adl-opt shadow policy.toml --state state --in episode --out decisions.jsonl
    adl-opt explain state:3 u00007
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HAIRCUT = {"USDT": 0.0, "BTC": 0.05}
START = pd.Timestamp("2025-10-10T21:16:00+02:00")

CONFIG = """# How the exports of the invented exchange are read.
name = "invented-exchange"

[format]
timezone = "UTC"

[accounts]
files = "accounts_*.csv"
[accounts.format]
delimiter = ";"
decimal = ","
thousands = "."
[accounts.columns]
time = "Snapshot Time"
id = "Account"
owner = "Master Account"
exempt = "ADL exempt"
equity = "Equity (USD)"
pnl = "uPnL (USD)"

[positions]
files = "positions_*.parquet"
[positions.columns]
time = "snapshot_time"
account = "account"
market = "symbol"
side = "position_side"
quantity = "position_amt"
entry = "entry_price"
margin_mode = "margin_type"
isolated_margin = "isolated_wallet"
pnl = "unrealized_pnl"
[positions.words.side]
BOTH = "signed"

[marks]
files = "marks.csv"
[marks.columns]
time = "ts"
market = "symbol"
mark = "mark_px"
previous_mark = "prev_mark_px"

[collateral]
files = "wallets.csv"
[collateral.columns]
time = "ts"
account = "account"
asset = "ccy"
amount = "balance"

[assets]
files = "assets.csv"
[assets.columns]
time = "ts"
asset = "ccy"
rate = "usd"
haircut = "haircut"

[contracts]
files = "instruments.csv"
[contracts.columns]
market = "instrument"
kind = "ct_type"
multiplier = "ct_val"
lot_size = "lot_sz"
settlement = "settle_ccy"
maintenance_rate = "mmr"

[liquidations]
files = "liquidations.csv"
[liquidations.columns]
time = "event_time"
account = "account"
market = "symbol"
side = "side"
quantity = "contracts"
bankruptcy = "bk_px"

[fills]
files = "fills.csv"
[fills.columns]
time = "event_time"
market = "symbol"
side = "loser_side"
quantity = "contracts"
price = "px"

[fund]
files = "insurance_fund.csv"
[fund.columns]
time = "ts"
market = "symbol"
balance = "balance_usd"

[totals]
files = "losses.csv"
[totals.columns]
time = "ts"
market = "symbol"
side = "loser_side"
deficit = "deficit_usd"
needed = "loss_usd"

[rules]
isolated_margin_in_collateral = false
losers = "by side"

[reconcile]
tolerance_usd = 0.01
accept = ["rounded to its digits"]
"""


def pnl_of(book: pd.DataFrame, start: pd.Series, end: pd.Series, coin: pd.Series) -> pd.Series:
    """Return the USD PNL of positions between two prices; inverse contracts have it in coin."""
    linear = book["sign"] * (end - start) * book["size"] * book["value"]
    inverse = book["sign"] * (1 / start - 1 / end) * book["size"] * book["value"] * coin
    return linear.where(book["kind"] == "linear", inverse)


def draw(
    accounts: int, markets: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return markets, accounts and positions before the fall."""
    kind = np.where(np.arange(markets) % 5 == 1, "inverse", "linear")
    names = [f"C{k:02d}-{'USD' if kind[k] == 'inverse' else 'USDT'}" for k in range(markets)]
    mark = np.round(10 ** rng.uniform(0, 4, markets), 4)
    mark[0] = 60_000.0
    lot = 10.0 ** -np.clip(np.ceil(np.log10(mark)), 0, 4)
    market = pd.DataFrame(
        {
            "symbol": names,
            "kind": kind,
            "mark": mark,
            "value": np.where(kind == "inverse", 10.0, 1.0),
            "lot": np.where(kind == "inverse", 1.0, lot),
            "mmr": 0.01,
        }
    )
    people = pd.DataFrame({"account": [f"u{k:05d}" for k in range(accounts)]})
    hedged = rng.random(accounts) < 0.15
    rows = []
    for at in range(accounts):
        count = 1 + int(rng.integers(0, min(3, markets)))
        notional = 50 + 1e3 * np.exp(1.3 * rng.standard_normal())
        for m in rng.choice(markets, count, replace=False, p=_weights(markets)):
            sides = (1, -1) if hedged[at] and m == rows_first(rows, at) else (int(rng.choice([1, -1])),)
            for sign in sides:
                rows.append(
                    (at, int(m), sign, notional / count, hedged[at], rng.random() < 0.12 and not hedged[at])
                )
    book = pd.DataFrame(rows, columns=["at", "m", "sign", "notional", "hedged", "isolated"])
    book = book.join(market, on="m")
    per = np.where(book["kind"] == "inverse", book["value"], book["mark"])
    book["size"] = np.maximum(np.rint(book["notional"] / per / book["lot"]), 1.0) * book["lot"]
    book["entry"] = np.round(book["mark"] * (1 + rng.uniform(-0.04, 0.04, len(book))), 6)
    book["notional"] = book["size"] * per
    leverage = np.exp(rng.uniform(0, np.log(15), accounts))
    cross = book[~book["isolated"]].groupby("at")["notional"].sum().reindex(range(accounts), fill_value=100.0)
    cash = np.round(np.maximum(cross.to_numpy() / leverage, 5.0), 2)
    in_coin = rng.random(accounts) < 0.25
    people["USDT"] = np.where(in_coin, 0.0, cash)
    people["BTC"] = np.where(in_coin, np.round(cash / mark[0] / 0.95, 8), 0.0)
    people["owner"] = [f"m{k // 3:05d}" if k < accounts // 10 else "" for k in range(accounts)]
    people["exempt"] = rng.random(accounts) < 0.01
    book.loc[book["at"] < accounts // 10, "isolated"] = False
    own = np.round(book["notional"] / np.exp(rng.uniform(np.log(3), np.log(12), len(book))), 2)
    book["margin"] = np.where(book["isolated"], np.maximum(own, 1.0), 0.0)
    return market, people, book.drop(columns=["mark", "notional"])


def rows_first(rows: list[tuple], at: int) -> int:
    """Return the first market of an account that has rows already; hedges are pairs in that market."""
    return next((row[1] for row in rows if row[0] == at), -1)


def _weights(markets: int) -> np.ndarray:
    weight = 1.0 / np.arange(1.0, markets + 1.0)
    return weight / weight.sum()


def snapshot(
    people: pd.DataFrame, book: pd.DataFrame, mark: np.ndarray, fund: np.ndarray, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Return one snapshot's tables as the venue sees them, with what it liquidated and lost."""
    price = pd.Series(mark[book["m"]], book.index)
    pnl = pnl_of(book, book["entry"], price, price)
    notional = book["size"] * np.where(book["kind"] == "inverse", book["value"], book["value"] * price)
    wallet = people["USDT"] + people["BTC"] * mark[0] * (1 - HAIRCUT["BTC"])
    n = len(people)
    cross = ~book["isolated"]
    total = np.bincount(book["at"], pnl + book["margin"], minlength=n) + wallet
    free = wallet + np.bincount(book["at"], np.where(cross, pnl, 0.0), minlength=n)
    gross = np.bincount(book["at"], np.where(cross, notional, 0.0), minlength=n)
    share = notional / np.where(gross > 0, gross, 1.0)[book["at"]]
    backing = np.where(cross, free.to_numpy()[book["at"]] * share, book["margin"] + pnl)
    gone = backing < 0.0
    per_contract = book["value"] * np.where(book["kind"] == "inverse", price, 1.0)
    step = book["sign"] * backing / (book["size"] * per_contract)
    bankrupt = np.where(book["kind"] == "inverse", 1 / (1 / price + step), price - step)
    lost = book[gone].assign(bk=bankrupt[gone], price=price[gone], below=np.maximum(-backing[gone], 0.0))
    got = {}
    for m, sign in sorted(set(zip(lost["m"], lost["sign"], strict=True))):
        got[m, sign] = round(float(mark[m] * (1 - sign * rng.uniform(0.002, 0.02))), 6)
    lost["px"] = [got[m, s] for m, s in zip(lost["m"], lost["sign"], strict=True)]
    lost["loss"] = np.maximum(pnl_of(lost, lost["px"], lost["bk"], lost["price"]), 0.0)
    sums = lost.groupby(["m", "sign"], as_index=False)[["below", "loss", "size"]].sum()
    for name in ("below", "loss"):
        whole = sums.groupby("m")[name].transform("sum")
        paid = fund[sums["m"]] * sums[name] / whole.where(whole > 0, 1.0)
        sums[f"{name}_left"] = np.maximum(sums[name] - paid, 0.0)
    used = np.bincount(sums["m"], sums["loss"] - sums["loss_left"], minlength=fund.size)
    return {
        "equity": total,
        "gain": pd.Series(np.bincount(book["at"], pnl, minlength=n)),
        "pnl": pnl,
        "lost": lost,
        "sums": sums,
        "fund_left": np.maximum(fund - used, 0.0).round(2),
    }


def write(folder: Path, accounts: int = 3_000, markets: int = 30, rounds: int = 4, seed: int = 0) -> Path:
    """Write the exports and their configuration; return its path."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    market, people, book = draw(accounts, markets, rng)
    mark = market["mark"].to_numpy(copy=True)
    before, fund = mark.copy(), np.round(rng.uniform(0.0, 0.1, markets) * accounts, 2)
    fall = rng.uniform(0.5, 1.5, markets)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in _CSV}
    for k in range(rounds):
        stamp = START + pd.Timedelta(seconds=45 * k)
        before, mark = mark, np.round(mark * (1 - fall * rng.uniform(0.03, 0.07, markets)), 4)
        made = snapshot(people, book, mark, fund, rng)
        _write_snapshot(folder, k, stamp, people, book, made, market)
        for name, table in _events(stamp, market, people, mark, before, fund, made).items():
            tables[name].append(table)
        book = book.drop(index=made["lost"].index)
        held = np.bincount(book["at"], minlength=len(people)) > 0
        bust = np.setdiff1d(made["lost"].loc[~made["lost"]["isolated"], "at"], np.flatnonzero(held))
        people.loc[bust, ["USDT", "BTC"]] = 0.0
        fund = made["fund_left"]
    instruments = market.rename(columns={"symbol": "instrument", "kind": "ct_type", "value": "ct_val"})
    instruments = instruments.rename(columns={"lot": "lot_sz"}).drop(columns="mark")
    instruments["settle_ccy"] = np.where(market["kind"] == "inverse", market["symbol"].str[:3], "USDT")
    instruments.to_csv(folder / "instruments.csv", index=False)
    for name, parts in tables.items():
        pd.concat(parts).to_csv(folder / f"{name}.csv", index=False)
    (folder / "book.toml").write_text(CONFIG, encoding="utf-8")
    return folder / "book.toml"


_CSV = ("marks", "wallets", "assets", "liquidations", "fills", "insurance_fund", "losses")


def _write_snapshot(folder, k, stamp, people, book, made, market) -> None:
    """Write accounts as a spreadsheet would (semicolons, decimal comma, BOM), positions as Parquet."""

    def euro(values):
        return [f"{v:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".") for v in values]

    table = pd.DataFrame(
        {
            "Snapshot Time": stamp.isoformat(),
            "ACCOUNT": people["account"],
            "Master Account": people["owner"],
            "ADL Exempt": np.where(people["exempt"], "TRUE", "FALSE"),
            "Equity (USD)": euro(made["equity"]),
            "uPnL (USD)": euro(made["gain"]),
            "Desk": "retail",
        }
    )
    table.to_csv(folder / f"accounts_{k + 1:02d}.csv", sep=";", index=False, encoding="utf-8-sig")
    both = ~book["hedged"]
    held = pd.DataFrame(
        {
            "snapshot_time": stamp.tz_convert("UTC"),
            "account": people["account"].to_numpy()[book["at"]],
            "symbol": market["symbol"].to_numpy()[book["m"]],
            "position_side": np.where(both, "BOTH", np.where(book["sign"] > 0, "LONG", "SHORT")),
            "position_amt": np.where(both, book["sign"] * book["size"], book["size"]),
            "entry_price": book["entry"],
            "margin_type": np.where(book["isolated"], "ISOLATED", "CROSS"),
            "isolated_wallet": book["margin"],
            "unrealized_pnl": made["pnl"].round(2),
        }
    )
    held.to_parquet(folder / f"positions_{k + 1:02d}.parquet", index=False)


def _events(stamp, market, people, mark, before, fund, made) -> dict[str, pd.DataFrame]:
    """Return the other tables of a snapshot."""
    ts, later = stamp.isoformat(), (stamp + pd.Timedelta(seconds=20)).isoformat()
    symbol = market["symbol"]
    wallets = people.melt("account", ["USDT", "BTC"], "ccy", "balance")
    wallets = wallets[wallets["balance"] != 0]
    lost, sums = made["lost"], made["sums"]
    side = {1: "long", -1: "short"}
    prices = lost.drop_duplicates(["m", "sign"])
    own = {"event_time": later, "symbol": symbol.to_numpy()[lost["m"]]}
    liquidated = pd.DataFrame({**own, "account": people["account"].to_numpy()[lost["at"]]})
    liquidated["side"], liquidated["contracts"] = lost["sign"].map(side).to_numpy(), lost["size"].to_numpy()
    liquidated["bk_px"] = lost["bk"].round(8).to_numpy()
    fills = pd.DataFrame({"event_time": later, "symbol": symbol.to_numpy()[prices["m"]]})
    fills["loser_side"], fills["px"] = prices["sign"].map(side).to_numpy(), prices["px"].to_numpy()
    key = list(zip(prices["m"], prices["sign"], strict=True))
    fills["contracts"] = sums.set_index(["m", "sign"])["size"].reindex(key).to_numpy() if key else []
    losses = pd.DataFrame({"ts": later, "symbol": symbol.to_numpy()[sums["m"]]})
    losses["loser_side"] = sums["sign"].map(side)
    losses["deficit_usd"], losses["loss_usd"] = sums["below_left"].round(2), sums["loss_left"].round(2)
    coins = symbol[market["kind"] == "inverse"]
    assets = {"ts": ts, "ccy": ["USDT", "BTC", *coins.str[:3]]}
    assets |= {"usd": [1.0, mark[0], *mark[coins.index]], "haircut": [*HAIRCUT.values(), *[""] * len(coins)]}
    return {
        "marks": pd.DataFrame({"ts": ts, "symbol": symbol, "mark_px": mark, "prev_mark_px": before}),
        "wallets": pd.DataFrame({"ts": ts, **wallets.to_dict("list")}),
        "assets": pd.DataFrame(assets),
        "liquidations": liquidated,
        "fills": fills,
        "insurance_fund": pd.DataFrame({"ts": ts, "symbol": symbol, "balance_usd": fund}),
        "losses": losses,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the exports of an invented exchange.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounts", type=int, default=3_000)
    parser.add_argument("--markets", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(write(given.folder, given.accounts, given.markets, given.rounds, given.seed), file=sys.stdout)
