"""An invented recording of three hours, as a node of 2026 writes it: files by date and hour, in LZ4.

Every account and every number is made up.  ``START`` are account values and positions of the first snapshot,
``END`` the equities of the second one, both typed in by hand (test_recording says how END follows).
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import lz4.frame

LIQUIDATOR = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
DAY = "2026-07-17T"
FIRST, SECOND = DAY + "08:59:59", DAY + "10:30:00"
MARKS = {"BTC": 100.0, "ETH": 10.0, "xyz:TSLA": 50.0, "flx:TSLA": 40.0}
MARKS_AFTER = {"BTC": 131.0, "ETH": 9.0, "xyz:TSLA": 43.0, "flx:TSLA": 41.0}
START = {
    "wes": 1000.0, "wil": 250.0, "ida": 65.0, "ivy": 180.0, "iso": 5000.0, "lon": 110.0, "bak": 15.0,
    "sam": 60.0, "xlo": 2000.0, "mm": 100_000.0, "tak": 1000.0, "sel": 1000.0, "ise": 110.0, "old": 500.0,
    "dep": 1000.0, "ben": 10.0, "sub": 1.0, "lead": 500.0, "vlt": 10_000.0, LIQUIDATOR: 50_000.0,
    "xav@xyz": 300.0, "xlo@xyz": 30.0, "mm@xyz": 10_000.0, "xmm@xyz": 1000.0, "fay@flx": 200.0,
}  # fmt: skip
HELD = [  # user, market, size, entry, and what the margin of an isolated position says
    ("wes", "BTC", -5, 120, {}),
    ("wil", "BTC", -2, 100, {}),
    ("lon", "BTC", 8, 110, {}),
    ("bak", "BTC", 1, 100, {}),
    ("sam", "BTC", -3, 100, {}),
    ("ida", "ETH", -20, 12, {"leverage": {"type": "isolated", "value": 5, "rawUsd": "260"}}),
    ("ivy", "ETH", -15, 13, {"leverage": {"type": "cross", "value": 5}}),
    ("iso", "ETH", 30, 11, {"leverage_type": "isolated", "margin_used": "15"}),
    ("ise", "ETH", 4, 9, {"margin_mode": "isolated", "isolated_margin": "6"}),
    ("xav", "xyz:TSLA", -10, 60, {}),
    ("xlo", "xyz:TSLA", 10, 55, {}),
    ("fay", "flx:TSLA", 3, 40, {}),
]
END = {
    "wes": 1028.0, "wil": 280.0, "ida": 79.0, "ivy": 192.5, "iso": 4985.0, "lon": -8.0, "bak": 3.0,
    "sam": -13.0, "xlo": 2000.0, "mm": 100_038.0, "tak": 1086.9, "sel": 1009.0, "ise": 105.0, "old": 450.0,
    "dep": 1216.5, "ben": 75.0, "sub": 31.0, "lead": 391.0, "vlt": 10_033.5, LIQUIDATOR: 50_037.0,
    "vlt2": 100.0, "xav@xyz": 340.0, "xlo@xyz": -10.0, "mm@xyz": 10_002.0, "xmm@xyz": 998.0,
    "fay@flx": 202.75, "dep@xyz": 40.0,
}  # fmt: skip
HELD_AFTER = [
    ("ivy", "ETH", -5, 13, {}),
    ("mm", "ETH", 10, 9.2, {}),
    ("tak", "ETH", -10, 9.2, {}),
    ("sel", "BTC", -1, 130, {}),
    ("ise", "ETH", 4, 9, {"margin_mode": "isolated", "margin_used": "5"}),
    ("mm", "xyz:TSLA", -1, 45, {}),
    ("xmm", "xyz:TSLA", 1, 45, {}),
    ("fay", "flx:TSLA", 3, 40, {}),
]


def snapshot(values, held, marks, time, delisted=()):
    """Return a snapshot; values of a dex stand in the rows of its positions, else in accounts."""
    in_rows = {(user, coin.partition(":")[0]) for user, coin, *_ in held if ":" in coin}
    accounts = []
    for name, value in values.items():
        user, _, dex = name.partition("@")
        if (user, dex) not in in_rows:
            accounts.append({"user": user, "account_value": str(value)} | ({"dex": dex} if dex else {}))
    markets = []
    for coin in [*marks, *delisted]:
        rows = []
        for user, market, size, entry, more in held:
            if market == coin:
                notional = str(abs(size) * marks.get(coin, 0.0))
                row = {"user": user, "size": str(size), "entry_price": str(entry), "notional_size": notional}
                if ":" in coin:
                    row["account_value"] = str(values[f"{user}@{coin.partition(':')[0]}"])
                rows.append(row | more)
        markets.append({"market_name": f"hyperliquid:{coin}", "positions": rows})
    markets.append({"market_name": "hyperliquid:@107", "positions": [{"user": "ben", "size": "1"}]})
    return {"time": time, "account_values": accounts, "markets": markets}


def fill(user, coin, px, sz, start, tid, *, closed=0.0, kind="", fee=0.0, **liquidation):
    """Return one event; a negative size sells."""
    raw = {
        "coin": coin, "px": str(px), "sz": str(abs(sz)), "side": "B" if sz > 0 else "A",
        "startPosition": str(start), "dir": kind, "closedPnl": str(closed), "fee": str(fee),
        "feeToken": "USDC", "tid": tid, "builderFee": "0.0", "deployerFee": "0.0",
    }  # fmt: skip
    return [user, raw | ({"liquidation": liquidation} if liquidation else {})]


def adl(user, coin, px, sz, start, tid, closed, loser, mark):
    """Return the winner's side of an ADL trade."""
    told = {"liquidatedUser": loser, "markPx": str(mark), "method": "market"}
    return fill(user, coin, px, sz, start, tid, closed=closed, kind="Auto-Deleveraging", **told)


def of_loser(user, coin, px, sz, start, tid, mark):
    """Return the loser's side of an ADL trade."""
    told = {"liquidatedUser": user, "markPx": str(mark), "method": "market"}
    return fill(user, coin, px, sz, start, tid, kind="Auto-Deleveraging", **told)


def blocks():
    """Return (hour, block number, time, events of one line); lines of one number are one block."""
    out = {"liquidatedUser": "lon", "markPx": "86", "method": "market"}
    taken = {"liquidatedUser": "bak", "markPx": "88", "method": "backstop"}
    return [
        (8, 1, "08:59:58", [fill("mm", "BTC", 99, -1, 0, 1), fill("tak", "BTC", 99, 1, 0, 1)]),
        (9, 2, "09:10:00", [
            fill("tak", "BTC", 90, 1, 0, 2, fee=0.1), fill("mm", "BTC", 90, -1, 0, 2),
            fill("tak", "@107", 20, 1, 0, 3), fill("ben", "#1890", 0.4, 10, 0, 4),
        ]),
        (9, 2, "09:10:00", [
            fill("tak", "ETH", 9.2, -10, 0, 5), fill("mm", "ETH", 9.2, 10, 0, 5),
            fill("xmm", "xyz:TSLA", 45, 1, 0, 6), fill("mm", "xyz:TSLA", 45, -1, 0, 6),
        ]),
        (9, 3, "09:10:01", [
            fill("bak", "BTC", 88, -1, 1, 7, closed=-12, kind="Liquidated Cross Long", **taken),
            fill(LIQUIDATOR, "BTC", 88, 1, 0, 7, kind="Open Long", **taken),
            fill("lon", "BTC", 86, -2, 8, 8, closed=-48, kind="Liquidated Cross Long", **out),
            fill("mm", "BTC", 86, 2, -1, 8, closed=4, **out),
        ]),
        (9, 4, "09:10:02", [
            adl("wes", "BTC", 85, 4, -5, 9, 140, "lon", 84), adl("wil", "BTC", 85, 2, -2, 10, 30, "lon", 84),
            of_loser("iso", "ETH", 9.3, -20, 30, 11, 9.1),
            adl("ida", "ETH", 9.3, 20, -20, 11, 54, "iso", 9.1),
        ]),
        (9, 4, "09:10:02", [
            fill("lon", "BTC", 85, -4, 6, 9, closed=-100), of_loser("lon", "BTC", 85, -2, 2, 10, 84),
            adl("ivy", "ETH", 9.3, 10, -15, 12, 37, "iso", 9.1),
            of_loser("iso", "ETH", 9.3, -10, 10, 12, 9.1),
            adl("xav", "xyz:TSLA", 46, 10, -10, 13, 140, "xlo", 44),
            of_loser("xlo", "xyz:TSLA", 46, -10, 10, 13, 44),
        ]),
        (10, 5, "10:04:00", [fill("old", "OLD", 1.5, -100, 100, 14, closed=-50, kind="Settlement")]),
        (10, 6, "10:05:00", [
            fill("wes", "BTC", 130, 1, -1, 15, closed=-10, fee=0.5), fill("sel", "BTC", 130, -1, 0, 15),
        ]),
        (10, 7, "10:05:01", [
            adl("tak", "BTC", 125, -1, 1, 16, 35, "sam", 130), of_loser("sam", "BTC", 125, 1, -3, 16, 130),
            adl(LIQUIDATOR, "BTC", 125, -1, 1, 17, 37, "sam", 130),
            of_loser("sam", "BTC", 125, 1, -2, 17, 130),
            adl("mm", "BTC", 125, -1, 1, 18, 39, "sam", 130), of_loser("sam", "BTC", 125, 1, -1, 18, 130),
        ]),
    ]  # fmt: skip


def ledger(users, kind, **delta):
    """Return a LedgerUpdate of a node."""
    return {"LedgerUpdate": {"users": users, "delta": {"type": kind, **delta}}}


def funding(**usd):
    """Return funding as a node writes it, by user and market."""
    deltas = [
        {"user": user, "coin": coin, "funding_amount": str(amount), "szi": "1", "fundingRate": "0.0001"}
        for user, (coin, amount) in usd.items()
    ]
    return {"Funding": {"deltas": deltas}}


def misc():
    """Return (hour, time, inner) of misc events of every kind, in both dialects."""
    to_ben = {"user": "dep", "destination": "ben"}
    usdc = {"token": "USDC", "usdcValue": "0", "fee": "0"}
    out = usdc | {"user": "dep", "destination": "dep", "sourceDex": "", "destinationDex": "xyz"}
    back = usdc | {"user": "ben", "destination": "ben", "sourceDex": "spot", "destinationDex": ""}
    aside = back | {"destination": "dep", "destinationDex": "spot"}
    taken = {"requestedUsd": "20", "commission": "1", "closingCost": "0.5", "basis": "20"}
    told = {"liquidatedNtlPos": "700", "accountValue": "10", "leverageType": "Cross"}
    hourly = {"wes": ("BTC", -1.5), "ivy": ("ETH", 0.5), "sam": ("BTC", 2), "ise": ("ETH", -1)}
    deposited = {"user": "tak", "delta": {"Deposit": {"usd": "50"}}}
    return [
        (8, "08:59:00", ledger(["dep"], "deposit", usdc="7")),  # in the snapshot
        (9, "09:20:00", ledger(["dep"], "deposit", usdc="500")),
        (9, "09:20:01", ledger(["dep"], "withdraw", usdc="100", fee="1", nonce=1)),
        (9, "09:20:02", ledger(["dep", "ben"], "internalTransfer", usdc="50", fee="1", **to_ben)),
        (9, "09:20:03", ledger(["dep"], "accountClassTransfer", usdc="20", toPerp=False)),
        (9, "09:20:04", ledger(["dep"], "subAccountTransfer", usdc="30", user="dep", destination="sub")),
        (9, "09:20:05", ledger(["dep", "ben"], "spotTransfer", token="HYPE", amount="1", **to_ben)),
        (9, "09:20:06", ledger(["dep"], "send", amount="40", **out)),
        (9, "09:20:07", ledger(["ben"], "send", amount="5", **back)),
        (9, "09:20:08", ledger(["ben"], "send", amount="9", **aside)),
        (9, "09:21:00", ledger(["lead"], "vaultCreate", vault="vlt2", usdc="100", fee="10")),
        (9, "09:21:01", ledger(["dep"], "vaultDeposit", vault="vlt", usdc="60")),
        (
            9,
            "09:21:02",
            ledger(["dep", "vlt"], "vaultWithdraw", vault="vlt", netWithdrawnUsd="18.5", **taken),
        ),
        (9, "09:21:03", ledger(["ben"], "vaultDistribution", vault="vlt", usdc="7")),
        (9, "09:21:04", ledger(["lead"], "vaultLeaderCommission", user="lead", usdc="1")),
        (9, "09:22:00", ledger(["lon"], "liquidation", liquidatedPositions=[], **told)),
        (9, "09:22:01", ledger(["ben"], "rewardsClaim", amount="3", token="USDC")),
        (9, "09:22:02", ledger(["ben"], "cStakingTransfer", token="HYPE", amount="5", isDeposit=True)),
        (9, "09:22:03", {"CDeposit": {"user": "ben", "amount": "5"}}),
        (9, "09:22:04", {"Delegation": {"user": "ben", "validator": "v", "amount": "5"}}),
        (9, "09:40:00", {"UserAccountValue": {"user": "sel", "accountValue": "1010"}}),
        (9, "09:59:00", funding(fay=("flx:TSLA", -0.25), **hourly)),
        (10, "10:00:00", {"Funding": {"deltas": [{"user": "mm", "usd": "-3"}]}}),
        (10, "10:00:01", {"UserNonFundingLedgerUpdate": deposited}),
        (10, "10:10:00", {"ValidatorRewards": {"validator_to_reward": [["v", "1"]]}}),
    ]


def documents(more=()) -> dict:
    """Return all that is recorded, before it is written; ``more`` are further misc events."""
    fills: dict[int, list[dict]] = {}
    for hour, number, time, events in blocks():
        block = {"local_time": DAY + time, "block_time": DAY + time, "block_number": number, "events": events}
        fills.setdefault(hour, []).append(block)
    events: dict[int, list[dict]] = {}
    for number, (hour, time, inner) in enumerate([*misc(), *more]):
        event = {"time": DAY + time, "hash": "0x0", "inner": inner}
        block = {
            "local_time": DAY + time,
            "block_time": DAY + time,
            "block_number": number,
            "events": [event],
        }
        events.setdefault(hour, []).append(block)
    first = snapshot(START, [*HELD, ("old", "OLD", 100, 2, {})], MARKS, FIRST, ["OLD"])
    second = snapshot(END, HELD_AFTER, MARKS_AFTER, SECOND)
    return deepcopy({"files": fills, "misc": events, "first": first, "second": second})


def write(folder: Path, made: dict | None = None) -> dict[str, list[Path]]:
    """Write a recording, by default the whole one.  Return the options of the import."""
    made = documents() if made is None else made
    options: dict[str, list[Path]] = {"files": [], "misc": []}
    for name, paths in options.items():
        under = folder / name / "hourly" / "20260717"
        under.mkdir(parents=True, exist_ok=True)
        for hour, lines in made[name].items():
            text = "".join(json.dumps(line) + "\n" for line in lines)
            paths.append(under / f"{hour}.lz4")
            paths[-1].write_bytes(lz4.frame.compress(text.encode()))
        paths.sort()  # as a shell gives them: 10.lz4 before 8.lz4
    for name, option in (("first", "clearinghouse"), ("second", "reconcile")):
        options[option] = [folder / f"{name}.json"]
        options[option][0].write_text(json.dumps(made[name]))
    return options
