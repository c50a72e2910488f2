"""A clearinghouse snapshot: what accounts hold before the first fill.

JSON, plain or LZ4 frame, in one file or several: a list (or an object of lists) whose elements are accounts
``{"user", "account_value"}`` or markets ``{"market_name": "hyperliquid:BTC", "positions": [{"user", "size",
"entry_price", "notional_size", "account_value"}]}``.  The mark of a position is abs(notional / size); cash is
the account value minus the unrealised PNL at that mark.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from adl_opt.datasets.node_fills.books import Books, Held
from adl_opt.datasets.node_fills.decode import number_of
from adl_opt.datasets.node_fills.lines import Limits, file_lines
from adl_opt.datasets.node_fills.troubles import Troubles
from adl_opt.errors import InputError

LARGEST_FILE = 8 << 30
"""Most bytes of one snapshot file once unpacked (the whole file is one JSON value, held while it is read)."""


def read_snapshot(paths: Iterable[Path], troubles: Troubles) -> Books:
    """Return the books of all accounts of the snapshot.

    Raises
    ------
    InputError
        A file cannot be read, is not JSON, is cut, or has neither accounts nor markets.
    """
    books = Books()
    values: dict[str, float] = {}
    of_positions: dict[str, float] = {}
    for path in paths:
        found = 0
        for item in _items(path, _parsed(path)):
            found += 1
            try:
                if "market_name" in item:
                    _market(path.name, books, item, of_positions, troubles)
                else:
                    values[_user(item)] = number_of(item["account_value"], "account_value")
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
            user = _user(row)
            if not 0.0 < mark < 1e15 or entry < 0:
                raise ValueError("a mark or entry price that is none")
            if row.get("account_value") is not None:
                of_positions[user] = number_of(row["account_value"], "account_value")
        except (ValueError, TypeError, KeyError) as error:
            troubles.add(file, 0, "has a position that cannot be used", f"{coin}, {_why(index, error)}")
            continue
        books.prices.setdefault(coin, mark)
        books.held.setdefault(user, {})[coin] = Held(size, entry)


def _why(index: int, error: Exception) -> str:
    return f"number {index}: {type(error).__name__}: {error}"


def _user(row: dict[str, Any]) -> str:
    user = row["user"]
    if type(user) is not str or not user:
        raise ValueError("a user that is no text")
    return user


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
    limits = Limits(line=LARGEST_FILE, total=LARGEST_FILE)
    text = b"\n".join(line for _, line, _ in file_lines(path, told, limits))
    if told:
        raise _refused(path, told.summary)
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"not JSON ({str(error)[:120]})") from error


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"{path.name}: not a clearinghouse snapshot",
        got=f"{path}: {why}",
        ways_out=["give the JSON of account values and positions", "leave --clearinghouse out"],
    )
