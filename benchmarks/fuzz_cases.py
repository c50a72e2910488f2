"""Cases for the loaders, on bytes and on structure, shared by the tests and the benchmark.

A case is a set of files.  A loader may give an episode or refuse with an ``AdlOptError`` of three parts;
nothing else may happen, and what it leaves on disk is a whole episode or nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lz4.frame
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.datasets.accounts import import_accounts
from adl_opt.datasets.csv.rounds_table import RoundsTable
from adl_opt.datasets.hyperreplay.importer import import_hyperreplay
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.datasets.node_fills.ledger import KINDS
from adl_opt.datasets.node_fills.lines import UnpackLimits
from adl_opt.datasets.store.folder import load_episode, save_episode
from adl_opt.errors import AdlOptError
from adl_opt.files import to_json
from adl_opt.rounds.episode import Episode

Files = dict[str, bytes]
T0 = 1760130964831
BOUNDS = UnpackLimits(line=1 << 20, total=8 << 20, slack=1 << 20)
NUMBERS = [
    *("1", "2.5", "-3", "0", "1e-9", "1e-300", "1e15", "-1e15", "1e300", "0.1", "nan", "inf", "", "1e-8"),
    *("9e14", "0x1", "1_0", " 1", "7", "100", "-0"),
]
ODD_VALUES: list[object] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**70,
    float("nan"),
    "",
    "x",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
]
ODD = st.sampled_from(ODD_VALUES)


def mostly(
    usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any], one_in: int
) -> st.SearchStrategy[Any]:
    """Draw the usual, but one time in so many the other."""
    usually = st.sampled_from([True] * (one_in - 1) + [False])
    return usually.flatmap(lambda yes: usual if yes else other)


NUMBER = mostly(st.sampled_from(["1", "2", "7", "10", "-3", "-10"]), st.sampled_from(NUMBERS) | ODD, 4)


@dataclass(frozen=True)
class Target:
    """A loader under fuzz: its cases, and how it reads them."""

    cases: st.SearchStrategy[Files]
    load: Callable[[Path], Episode]


def attempt(target: Target, files: Files, folder: Path) -> str:
    """Load one case and save what it gives; say ``episode`` or ``refused``.

    Raises
    ------
    AssertionError
        An error without its parts, an episode that does not come back, or anything left behind.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    for name, data in files.items():
        (folder / "in" / name).write_bytes(data)
    saved = False
    try:
        episode = target.load(folder / "in")
        save_episode(episode, folder / "out")
        saved = True
    except AdlOptError as error:
        if not (error.what and error.ways_out):
            raise AssertionError(f"an error without its parts: {error!r}") from error
    left = sorted(path.name for path in folder.iterdir())
    if left != (["in", "out"] if saved else ["in"]):
        raise AssertionError(f"left behind: {left}")
    if saved and len(load_episode(folder / "out")) != len(episode):
        raise AssertionError("the episode does not come back")
    return "episode" if saved else "refused"


def _mutated(data: bytes) -> st.SearchStrategy[bytes]:
    """Bytes with a few places changed, cut out, doubled or put in, and perhaps an early end."""
    place = st.integers(0, max(len(data) - 1, 0))
    edit = st.tuples(place, st.integers(0, 40), st.one_of(st.none(), st.binary(max_size=8)))

    def apply(edits: list[tuple[int, int, bytes | None]], end: int) -> bytes:
        out = data
        for at, span, new in edits:
            out = out[:at] + (out[at : at + span] * 2 if new is None else new) + out[at + span :]
        return out[:end]

    ends = st.one_of(st.just(2 * len(data) + 999), place)
    return st.builds(apply, st.lists(edit, max_size=4), ends)


def _event(user: str, coin: str, adl: bool, fields: dict[str, object]) -> list[object]:
    fill: dict[str, object] = {
        "coin": coin, "px": "10", "sz": "1", "side": "A", "time": T0, "startPosition": "10",
        "closedPnl": "5", "fee": "0", "tid": 1, "feeToken": "USDC", "dir": "Close Long",
    }  # fmt: skip
    if adl:
        fill |= {"dir": "Auto-Deleveraging", "liquidation": {"liquidatedUser": "L", "markPx": "11"}}
    return [user, fill | fields]


_NAMES = [
    "px",
    "sz",
    "startPosition",
    "closedPnl",
    "fee",
    "side",
    "tid",
    "time",
    "liquidation",
    "coin",
    "dir",
    "feeToken",
]
_VALUES = st.one_of(NUMBER, st.sampled_from(["A", "B", T0 * 1000, T0 // 1000]), st.just({"markPx": "3"}))
_FIELDS = mostly(st.just({}), st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=3), 3)
_USERS = st.sampled_from(["a", "b", "L", "a\0", "é", "a@d"])
_COINS = st.sampled_from(["X", "Y", "d:X", "@1", "#1"])
_EVENT = mostly(st.builds(_event, _USERS, _COINS, st.booleans(), _FIELDS), ODD, 12)
_TIMES = st.integers(-1000, 30_000).map(lambda ms: T0 + ms)
_OTHER_TIMES = st.one_of(
    _TIMES.map(lambda ms: ms * 1000),
    _TIMES.map(lambda ms: ms / 1000),
    st.sampled_from(["2025-10-10T21:16:04.831123456", "2025-10-10T25:16:04", "x"]),
    ODD,
)
_BLOCK = st.fixed_dictionaries(
    {
        "block_time": mostly(_TIMES, _OTHER_TIMES, 5),
        "block_number": mostly(st.integers(0, 9), ODD, 12),
        "events": mostly(st.lists(_EVENT, max_size=5), ODD, 12),
    }
)
_JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


def _joined(blocks: list[object], pack: int) -> bytes:
    data = b"".join(json.dumps(block).encode() + b"\n" for block in blocks)
    return lz4.frame.compress(data) if pack == 0 else data


def _whole_fills() -> bytes:
    blocks = [
        {
            "block_time": T0 + 9000 * n,
            "block_number": n,
            "events": [_event(user, "X", True, {}) for user in "ab"],
        }
        for n in range(3)
    ]
    return _joined(list(blocks), 1)


_POSITION = {"user": "a", "size": "10", "entry_price": "5", "notional_size": "90", "account_value": "70"}
_WHOLE_SNAPSHOT = json.dumps([{"market_name": "hyperliquid:X", "positions": [_POSITION]}]).encode()
_WHOLE_MISC = b'{"events": [{"time": "2025-10-10T21:16:05Z", "inner": {"Funding": {"deltas": []}}}]}\n'
_ISOLATED = st.fixed_dictionaries(
    {"leverage": st.just({"type": "isolated"}) | ODD},
    optional=dict.fromkeys(("rawUsd", "isolated_margin", "margin_used"), NUMBER),
)
_ROW = st.builds(
    lambda user, fields, more: _POSITION | {"user": user} | fields | more,
    _USERS,
    st.dictionaries(st.sampled_from(list(_POSITION)), NUMBER, max_size=1),
    mostly(st.just({}), _ISOLATED, 2),
)
_MARKET = st.fixed_dictionaries(
    {
        "market_name": _COINS.map(lambda coin: f"hyperliquid:{coin}"),
        "positions": st.lists(mostly(_ROW, ODD, 12), max_size=3),
    }
)
_VALUE = st.fixed_dictionaries(
    {"user": _USERS, "account_value": NUMBER}, optional={"dex": st.sampled_from(["d", ""]) | ODD}
)
_SNAPSHOT = st.one_of(
    st.just(_WHOLE_SNAPSHOT),
    _mutated(_WHOLE_SNAPSHOT),
    (st.lists(mostly(_MARKET | _VALUE, ODD, 12), max_size=4) | _JSON).map(
        lambda value: json.dumps(value).encode()
    ),
)
_DELTA = st.fixed_dictionaries(
    {
        "type": mostly(st.sampled_from(sorted(KINDS)), ODD, 12),
        "usdc": NUMBER,
        "amount": NUMBER,
        "user": _USERS,
    },
    optional={
        **dict.fromkeys(("destination", "vault"), _USERS | ODD),
        **dict.fromkeys(("sourceDex", "destinationDex", "dex"), st.sampled_from(["", "d", "spot"]) | ODD),
        **dict.fromkeys(
            ("fee", "netWithdrawnUsd", "commission", "toPerp", "token"), NUMBER | st.just("USDC")
        ),
    },
)
_FUNDING = st.fixed_dictionaries({"user": _USERS, "funding_amount": NUMBER}, optional={"coin": _COINS})
_INNER = st.one_of(
    st.builds(
        lambda users, delta: {"LedgerUpdate": {"users": users, "delta": delta}}, st.lists(_USERS), _DELTA
    ),
    st.lists(mostly(_FUNDING, ODD, 8), max_size=3).map(lambda deltas: {"Funding": {"deltas": deltas}}),
    st.builds(lambda user, to: {"UserAccountValue": {"user": user, "accountValue": to}}, _USERS, NUMBER),
    _JSON,
)
_MISC = st.one_of(
    _mutated(_WHOLE_MISC),
    st.lists(st.fixed_dictionaries({"inner": _INNER}, optional={"time": _TIMES | ODD}), max_size=4).map(
        lambda events: json.dumps({"block_time": T0, "events": events}).encode()
    ),
)


def _node_files(fills: st.SearchStrategy[bytes]) -> st.SearchStrategy[Files]:
    more = {"snapshot": _SNAPSHOT, "misc": _MISC, "second": _SNAPSHOT}
    return st.fixed_dictionaries({"fills": fills}, optional=more)


def _load_node(folder: Path) -> Episode:
    there = {
        name: [folder / name] if (folder / name).exists() else [] for name in ("snapshot", "misc", "second")
    }
    episode, report = import_node_fills(
        [folder / "fills"],
        clearinghouse=there["snapshot"],
        misc=there["misc"] if there["snapshot"] else [],
        reconcile=there["second"] if there["snapshot"] else [],
        limits=BOUNDS,
    )
    to_json(report.to_json())
    if not all(line.isprintable() for line in str(report).split("\n")):
        raise AssertionError("the report holds what cannot be printed")
    return episode


def _csv(header: str, likely: tuple[str, ...], rows: int) -> st.SearchStrategy[Files]:
    """Tables whose cells are those of a good row, sometimes another."""
    cells = [mostly(st.just(cell), st.sampled_from(NUMBERS), 20) for cell in likely]
    table = st.lists(st.tuples(st.sampled_from("ABC"), *cells), max_size=rows)
    whole = "\n".join([header, *(",".join((user, *likely)) for user in "AB")]).encode()
    text = table.map(lambda made: "\n".join([header, *map(",".join, made)]).encode())
    return st.one_of(text, _mutated(whole), st.binary(max_size=60)).map(lambda data: {"table.csv": data})


_HYPER = (
    "user,coin,time,adl_price,adl_size,position_size,entry_price,total_unrealized_pnl,total_equity,"
    "leverage_realtime,position_unrealized_pnl"
)
_WINDOWS = RoundsTable(number=[1, 2], start_ms=[T0, T0 + 10**4], end_ms=[T0, T0 + 10**4], needed=[1, 1],
                       deficit=[1, 1])  # fmt: skip


def _stored() -> Files:
    """Return the files of a small episode, as they lie on disk."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = save_episode(adl.load("synthetic(accounts=4, rounds=2)"), Path(folder) / "e")
        return {path.name: path.read_bytes() for path in sorted(made.iterdir())}


_STORED = _stored()
_STORE_CASES = st.sampled_from(sorted(_STORED)).flatmap(
    lambda name: st.one_of(_mutated(_STORED[name]), st.none()).map(
        lambda data: {key: value for key, value in (_STORED | {name: data}).items() if value is not None}
    )
)
_FILLS_BYTES = st.one_of(
    _mutated(_whole_fills()), _mutated(lz4.frame.compress(_whole_fills())), st.binary(max_size=80)
)
_FILLS_STRUCTURE = st.builds(_joined, st.lists(mostly(_BLOCK, _JSON, 8), max_size=6), st.integers(0, 2))

TARGETS: dict[str, Target] = {
    "node fills, bytes": Target(_node_files(_FILLS_BYTES), _load_node),
    "node fills, structure": Target(_node_files(_FILLS_STRUCTURE), _load_node),
    "hyperreplay": Target(
        _csv(_HYPER, ("X", str(T0), "100", "1", "-2", "140", "90", "190", "2", "80"), 4),
        lambda folder: import_hyperreplay(folder / "table.csv", rounds=_WINDOWS)[0],
    ),
    "accounts": Target(
        _csv("id,pnl,equity,market,lot_value,lots", ("5", "9", "X", "0.5", "10"), 3),
        lambda folder: import_accounts(folder / "table.csv", deficit=[3.0], needed=[2.0])[0],
    ),
    "store": Target(_STORE_CASES, load_episode),
}
