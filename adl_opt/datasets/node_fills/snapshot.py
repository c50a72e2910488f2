"""A clearinghouse snapshot: what accounts hold before the first fill.

JSON, plain or LZ4 frame, in one file or several: a list (or an object of lists) whose elements are accounts
``{"user", "account_value"}`` or markets ``{"market_name": "hyperliquid:BTC", "positions": [{"user", "size",
"entry_price", "notional_size", "account_value"}]}``.  The mark of a position is abs(notional / size); cash is
the account value minus the unrealised PNL at that mark.  An object may carry its own ``time`` (ISO 8601, or a
number in s, ms, us or ns).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.node_fills.books import Books, Held
from adl_opt.datasets.node_fills.decode import number_of, text_of
from adl_opt.datasets.node_fills.lines import UnpackLimits, file_pieces, lines_of
from adl_opt.datasets.node_fills.times import iso, milliseconds
from adl_opt.datasets.node_fills.troubles import Troubles
from adl_opt.errors import InputError, UsageError
from adl_opt.reading.bounded import plain_json

LARGEST_FILE = 8 << 30
"""Most bytes of one snapshot file once unpacked (the whole file is one JSON value, held while it is read)."""


def read_snapshot(paths: Iterable[Path], troubles: Troubles) -> Books:
    """Return the books of all accounts of the snapshot.

    Raises
    ------
    InputError
        A file cannot be read, is not JSON, is cut, or has neither accounts nor markets; its time is none, or
        another than that of the file before.
    """
    books = Books()
    values: dict[str, float] = {}
    of_positions: dict[str, float] = {}
    for path in paths:
        found, data = 0, _parsed(path)
        _keep_time(path, data, books)
        for item in _items(path, data):
            found += 1
            try:
                if "market_name" in item:
                    _market(path.name, books, item, of_positions, troubles)
                else:
                    user, value = text_of(item["user"]), number_of(item["account_value"], "account_value")
                    if values.setdefault(user, value) != value:
                        why = "has a second account value of an account: the first stands"
                        troubles.add(path.name, 0, why, user)
            except (ValueError, TypeError, KeyError) as error:
                troubles.add(path.name, 0, "has an element that is no account or market", _why(found, error))
        if not found:
            raise _refused(path, "it holds neither accounts nor markets")
    for user, value in (of_positions | values).items():
        held = books.held.get(user, {})
        books.cash[user] = value - sum(item.size * books.prices[coin] for coin, item in held.items())
    for user in books.held.keys() - books.cash.keys():
        troubles.add("snapshot", 0, "has positions of an account without account value", user)
        del books.held[user]
    return books


def books_at(
    clearinghouse: Sequence[Path], clearinghouse_time: str | int | None, troubles: Troubles
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
            ways_out=["give --clearinghouse FILE", "leave --clearinghouse-time out"],
        )
    books = read_snapshot(clearinghouse, troubles) if clearinghouse else None
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
            ways_out=["leave --clearinghouse-time out", "give the snapshot of that time"],
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


def _market(
    file: str, books: Books, item: dict[str, Any], of_positions: dict[str, float], troubles: Troubles
) -> None:
    coin = str(item["market_name"]).rsplit(":", 1)[-1]
    for index, row in enumerate(item["positions"], start=1):
        try:
            size = number_of(row["size"], "size")
            if size == 0.0:
                continue
            mark = abs(number_of(row["notional_size"], "notional_size") / size)
            entry = number_of(row["entry_price"], "entry_price")
            user = text_of(row["user"])
            if not 0.0 < mark < LARGEST_USD or entry < 0:
                raise ValueError("a mark or entry price that is none")
            if row.get("account_value") is not None:
                of_positions[user] = number_of(row["account_value"], "account_value")
        except (ValueError, TypeError, KeyError) as error:
            troubles.add(file, 0, "has a position that cannot be used", f"{coin}, {_why(index, error)}")
            continue
        books.prices.setdefault(coin, mark)
        mine = books.held.setdefault(user, {})
        if coin in mine:
            why = "has a second position of an account in a market: the first stands"
            troubles.add(file, 0, why, f"{coin}, {user}")
        mine.setdefault(coin, Held(size, entry))


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
