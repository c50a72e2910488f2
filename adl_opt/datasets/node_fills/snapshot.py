"""A clearinghouse snapshot: what accounts hold at a time.

JSON, plain or LZ4 frame, in one file or several: a list (or an object of lists) whose elements are accounts
``{"user", "account_value"}`` or markets ``{"market_name": "hyperliquid:BTC", "positions": [{"user", "size",
"entry_price", "notional_size", "account_value"}]}``.  The mark of a position is abs(notional / size); cash is
the account value minus the unrealised PNL at that mark.  An object may carry its own ``time`` (ISO 8601, or a
number in s, ms, us or ns).

- A market of a dex of others is ``hyperliquid:xyz:TSLA`` or ``xyz:TSLA``.  The account value of its positions
  is that of the user on that dex, and so is one with ``"dex": "xyz"``.  A user who holds nothing but on one
  such dex, and has no value there, has the value without a dex.  Spot and outcome tokens are passed over.
- A position is isolated where its ``leverage`` is ``{"type": "isolated", "value", "rawUsd"}``, or where
  ``margin_mode``, ``leverage_type`` or ``"isolated": true`` says so.  Its margin is ``rawUsd`` (cash),
  ``isolated_margin`` (without its PNL) or ``margin_used`` (with it), each in either spelling.  The account
  value has it in it.
- A position whose notional is 0 is in a delisted market: it counts at its entry until a fill says a price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.node_fills.books import Books, Held
from adl_opt.datasets.node_fills.decode import number_of
from adl_opt.datasets.node_fills.lines import UnpackLimits, file_pieces, lines_of
from adl_opt.datasets.node_fills.margins import (
    PERPETUAL,
    VENUE,
    cross_margin,
    dex_of,
    isolated_margin,
    kind_of_market,
    text_of,
    user_of,
    user_text,
)
from adl_opt.datasets.node_fills.roles import VAULT, Roles
from adl_opt.datasets.node_fills.times import iso, milliseconds
from adl_opt.datasets.node_fills.troubles import Troubles
from adl_opt.errors import InputError, UsageError
from adl_opt.reading.bounded import plain_json

LARGEST_FILE = 8 << 30
"""Most bytes of one snapshot file once unpacked (the whole file is one JSON value, held while it is read)."""


@dataclass
class _Reader:
    """What is read so far: account values of users on a dex, by elements and by rows of positions."""

    books: Books
    troubles: Troubles
    roles: Roles
    values: dict[str, float] = field(default_factory=dict)
    of_positions: dict[str, float] = field(default_factory=dict)
    coins: dict[str, set[str]] = field(default_factory=dict)

    def account(self, file: str, item: dict[str, Any]) -> None:
        """Read an account value."""
        user, value = user_text(item["user"]), number_of(item["account_value"], "account_value")
        cross = cross_margin(user, text_of(item["dex"]) if item.get("dex") else "")
        if item.get("is_vault") is True:
            self.roles.note(user, VAULT)
        if self.values.setdefault(cross, value) != value:
            self.troubles.add(file, 0, "has a second account value of an account: the first stands", cross)

    def market(self, file: str, item: dict[str, Any]) -> None:
        """Read the positions of a market."""
        coin = text_of(item["market_name"]).removeprefix(VENUE)
        if kind_of_market(coin) != PERPETUAL:
            self.books.outside += len(item["positions"])
            return
        for index, row in enumerate(item["positions"], start=1):
            try:
                self._position(file, coin, row)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                why = f"{coin}, {_why(index, error)}"
                self.troubles.add(file, 0, "has a position that cannot be used", why)

    def _position(self, file: str, coin: str, row: dict[str, Any]) -> None:
        books, size = self.books, number_of(row["size"], "size")
        if size == 0.0:
            return
        mark = abs(number_of(row["notional_size"], "notional_size") / size)
        entry, user = number_of(row["entry_price"], "entry_price"), user_text(row["user"])
        if not (0.0 < mark < LARGEST_USD or mark == 0.0 < entry) or entry < 0:
            raise ValueError("a mark or entry price that is none")
        cross, alone = cross_margin(user, dex_of(coin)), _alone(row, size, mark or entry, entry)
        if row.get("account_value") is not None:
            self.of_positions[cross] = number_of(row["account_value"], "account_value")
        if mark:
            books.prices.setdefault(coin, mark)
        else:
            books.delisted[coin] = books.delisted.get(coin, 0) + 1
        coins = self.coins.setdefault(cross, set())
        if coin in coins:
            why = "has a second position of an account in a market: the first stands"
            self.troubles.add(file, 0, why, f"{coin}, {cross}")
            return
        coins.add(coin)
        if alone is not None:
            cash, books.isolated.setdefault(cross, {})[coin] = alone
            books.cash[isolated_margin(user, coin)] = cash
        books.held.setdefault(books.margin(user, coin), {})[coin] = Held(size, entry)

    def finished(self) -> Books:
        """Return the books: the cash of cross margins is what their account value leaves."""
        books, found = self.books, self.of_positions | self.values
        by_user: dict[str, list[str]] = {}
        for cross in self.coins:
            by_user.setdefault(user_of(cross), []).append(cross)
        for user, margins in by_user.items():
            if len(margins) == 1 and margins[0] not in found and user in found:
                found[margins[0]] = found.pop(user)
                books.moved_values += 1
        for cross in self.coins.keys() - found.keys():
            why = "has positions of an account without account value"
            self.troubles.add("snapshot", 0, why, cross)
            for margin in list(books.margins_of(cross)):
                books.held.pop(margin, None)
                books.cash.pop(margin, None)
            books.isolated.pop(cross, None)
        for cross, value in found.items():
            books.cash[cross] = 0.0
            books.cash[cross] = value - books.whole_equity(cross, books.prices)
        return books


def read_snapshot(paths: Iterable[Path], troubles: Troubles, roles: Roles) -> Books:
    """Return the books of all accounts of the snapshot.

    Raises
    ------
    InputError
        A file cannot be read, is not JSON, is cut, or has neither accounts nor markets; its time is none, or
        another than that of the file before.
    """
    reader = _Reader(Books(), troubles, roles)
    for path in paths:
        found, data = 0, _parsed(path)
        _keep_time(path, data, reader.books)
        for item in _items(path, data):
            found += 1
            try:
                (reader.market if "market_name" in item else reader.account)(path.name, item)
            except (ValueError, TypeError, KeyError) as error:
                troubles.add(path.name, 0, "has an element that is no account or market", _why(found, error))
        if not found:
            raise _refused(path, "it holds neither accounts nor markets")
    return reader.finished()


def books_at(
    clearinghouse: Sequence[Path],
    clearinghouse_time: str | int | None,
    troubles: Troubles,
    roles: Roles,
    option: str = "clearinghouse",
) -> Books | None:
    """Return the books of a snapshot with their time, by the file or by the option; None without a snapshot.

    Raises
    ------
    UsageError
        A time without a snapshot, one that cannot be read, or another than the file's.
    """
    if clearinghouse_time is not None and not clearinghouse:
        raise UsageError(
            "the time of a snapshot says nothing without the snapshot",
            got=str(clearinghouse_time),
            ways_out=[f"give --{option} FILE", f"leave --{option}-time out"],
        )
    books = read_snapshot(clearinghouse, troubles, roles) if clearinghouse else None
    if books is None or clearinghouse_time is None:
        return books
    try:
        time, _ = milliseconds(clearinghouse_time)
    except ValueError as error:
        raise UsageError(
            "the time of the snapshot cannot be read",
            got=repr(clearinghouse_time),
            ways_out=["write it as 2025-10-10T20:04:54.218 (UTC), or in ms since the epoch"],
        ) from error
    if books.time not in (None, time):
        raise UsageError(
            "the snapshot says another time than the option",
            got=f"{iso(books.time or 0)} in the file, {iso(time)} given",
            ways_out=[f"leave --{option}-time out", "give the snapshot of that time"],
        )
    books.time = time
    return books


def _keep_time(path: Path, data: Any, books: Books) -> None:
    if not isinstance(data, dict) or data.get("time") is None:
        return
    try:
        time, _ = milliseconds(data["time"])
    except ValueError as error:
        raise _refused(path, f"it {error}: {data['time']!r:.60}") from None
    if books.time not in (None, time):
        raise _refused(path, f"its time is {time} ms, that of the file before {books.time} ms")
    books.time = time


def _alone(row: dict[str, Any], size: float, mark: float, entry: float) -> tuple[float, float] | None:
    """Return cash and leverage (0: not known) of an isolated position; None where the margin is cross."""
    leverage = row.get("leverage")
    known = {**row, **leverage} if isinstance(leverage, dict) else row
    words = [known.get(name) for name in ("margin_mode", "marginMode", "leverage_type", "leverageType")]
    said = "isolated" in [str(word).lower() for word in (*words, known.get("type"))]
    if not said and known.get("isolated") is not True:
        return None
    value = known.get("value") if isinstance(leverage, dict) else leverage
    times = 0.0 if value is None else number_of(value, "leverage")
    if times < 0:
        raise ValueError("a leverage below 0")
    for names, price in (
        (("rawUsd", "raw_usd"), 0.0),
        (("isolated_margin", "isolatedMargin", "margin"), entry),
        (("margin_used", "marginUsed"), mark),
    ):
        for name in names:
            if known.get(name) is not None:
                return number_of(known[name], name) - size * price, times
    raise ValueError("an isolated position without its margin")


def _why(index: int, error: Exception) -> str:
    return f"number {index}: {type(error).__name__}: {error}"


def _items(path: Path, data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        for value in data.values():
            if isinstance(value, list):
                yield from _items(path, value)
        return
    if not isinstance(data, list):
        raise _refused(path, f"its JSON is a {type(data).__name__}, not a list or an object of lists")
    yield from (item if isinstance(item, dict) else {"user": None} for item in data)


def _parsed(path: Path) -> Any:
    told = Troubles()
    limits = UnpackLimits(line=LARGEST_FILE, total=LARGEST_FILE)
    text = b"\n".join(line for _, line, _ in lines_of(path.name, file_pieces(path), told, limits))
    if told:
        raise _refused(path, told.summary)
    try:
        return plain_json(text, unpacked=True)
    except ValueError as error:
        raise _refused(path, f"not JSON ({str(error)[:120]})") from error


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"{path.name}: not a clearinghouse snapshot",
        got=f"{path}: {why}",
        ways_out=["give the JSON of account values and positions", "leave --clearinghouse out"],
    )
