"""From one line to one block: its number, its time, its fills of perpetuals.

``{"block_time": ..., "block_number": ..., "events": [[user, fill], ...]}``, numbers as strings.  A fill is of
auto-deleveraging when its ``dir`` says so, or when it is the other side (same ``tid``) of one that does.
Spot coins (``@...``, ``A/B``) are counted and passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from adl_opt.checks import LARGEST_USD, LONGEST_TEXT
from adl_opt.datasets.node_fills.times import milliseconds
from adl_opt.reading.bounded import plain_json

Prices = dict[str, float]
"""USD by market."""

ADL = "Auto-Deleveraging"
MOST_EVENTS = 250_000
"""Most fills of one block that are believed."""

OFF_CLOCK_MS = 1000
"""A fill's own time may differ from its block's by so much before it is counted as odd."""


@dataclass(slots=True)
class Fill:
    """One side of one trade; ``size`` and ``start`` are signed, in contracts, prices and money in USD.

    ``mark`` and ``loser`` are there where the fill is of auto-deleveraging; ``winner`` says that this side is
    the one that was deleveraged.
    """

    user: str
    coin: str
    price: float
    size: float
    start: float
    closed_pnl: float | None
    fee: float
    adl: bool = False
    winner: bool = False
    mark: float = 0.0
    loser: str = ""


@dataclass(slots=True)
class Block:
    """One decoded line, and where it stands; ``bad`` are (event from 1, reason)."""

    number: int
    time: int
    unit: str
    fills: list[Fill]
    bad: list[tuple[int, str]] = field(default_factory=list)
    spot: int = 0
    off_clock: int = 0
    odd_fees: int = 0
    units: set[str] = field(default_factory=set)
    file: str = ""
    line: int = 0


def json_line(line: bytes) -> dict[str, Any]:
    """Return the object that a line holds.

    Raises
    ------
    ValueError
        The line is not UTF-8, not JSON, or no object.
    """
    try:
        value = plain_json(line, unpacked=True)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except json.JSONDecodeError:
        raise ValueError("is not JSON") from None
    except ValueError as error:
        raise ValueError(f"is not believed: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("is no JSON object")
    return value


def decode(line: bytes, *, ledger: bool = True) -> Block:
    """Decode one line.

    Parameters
    ----------
    line : bytes
    ledger : bool
        False: only coin and price of an ordinary fill are read, since no books are kept.

    Raises
    ------
    ValueError
        The line as a whole cannot be used; a single bad event is only listed in the block.
    """
    data = json_line(line)
    number, events = data.get("block_number"), data.get("events")
    if type(number) is not int or not 0 <= number < 2**63:
        raise ValueError("has no block_number")
    if type(events) is not list:
        raise ValueError("has no list of events")
    if len(events) > MOST_EVENTS:
        raise ValueError(f"has more than {MOST_EVENTS:,} events")
    time, unit = milliseconds(data.get("block_time"))
    block = Block(number, time, unit, [])
    tids = _adl_trades(events) if ADL.encode() in line or b"\\u" in line else frozenset()
    for index, event in enumerate(events, start=1):
        try:
            user, raw = event
            coin = raw["coin"]
            if type(coin) is str and (coin[:1] == "@" or "/" in coin):
                block.spot += 1
                continue
            adl = bool(tids) and (raw.get("dir") == ADL or raw.get("tid") in tids)
            if ledger or adl:
                block.fills.append(_fill(block, text_of(user), text_of(coin), raw, adl))
            else:
                block.fills.append(Fill("", text_of(coin), _positive(raw["px"], "px"), 0.0, 0.0, None, 0.0))
        except ValueError as error:
            block.bad.append((index, str(error) if str(error).startswith("has ") else "is no [user, fill]"))
        except (TypeError, AttributeError):
            block.bad.append((index, "has an event that is no [user, fill]"))
        except KeyError as error:
            block.bad.append((index, f"has a fill without {error.args[0]}"))
    return block


def _adl_trades(events: list[Any]) -> frozenset[object]:
    """Return the ids of the auto-deleveraging trades (a set that is never empty)."""
    found: set[object] = {""}
    for event in events:
        if isinstance(event, list) and len(event) == 2 and isinstance(event[1], dict):
            tid = event[1].get("tid")
            if event[1].get("dir") == ADL and isinstance(tid, (int, str)):
                found.add(tid)
    return frozenset(found)


def _fill(block: Block, user: str, coin: str, raw: dict[str, Any], adl: bool) -> Fill:
    own = raw.get("time")
    if own is not None:
        ms, unit = milliseconds(own)
        block.units.add(unit)
        block.off_clock += abs(ms - block.time) > OFF_CLOCK_MS
    size, side = _positive(raw["sz"], "sz"), raw["side"]
    if side not in ("A", "B"):
        raise ValueError("has a fill whose side is neither A nor B")
    closed = raw.get("closedPnl")
    fee = 0.0 if raw.get("fee") is None else number_of(raw["fee"], "fee")
    if fee and raw.get("feeToken", "USDC") != "USDC":
        block.odd_fees += 1
        fee = 0.0
    fill = Fill(
        user,
        coin,
        _positive(raw["px"], "px"),
        size if side == "B" else -size,
        number_of(raw["startPosition"], "startPosition"),
        None if closed is None else number_of(closed, "closedPnl"),
        fee,
        adl,
    )
    if adl and raw.get("dir") == ADL:
        _deleveraged(fill, raw)
    return fill


def _deleveraged(fill: Fill, raw: dict[str, Any]) -> None:
    liquidation = raw["liquidation"]
    if not isinstance(liquidation, dict):
        raise ValueError("has an ADL fill without liquidation")
    fill.mark = _positive(liquidation["markPx"], "markPx")
    fill.loser = text_of(liquidation["liquidatedUser"])
    fill.winner = fill.user != fill.loser
    if not fill.winner:
        return
    if fill.closed_pnl is None:
        raise ValueError("has a winner's ADL fill without closedPnl")
    if fill.start * fill.size >= 0 or abs(fill.size) > abs(fill.start) * (1 + 1e-9):
        raise ValueError("has a winner's ADL fill that does not close its startPosition")


def number_of(value: object, name: str) -> float:
    """Return a number that may come as text: finite, of a believable size."""
    try:
        if type(value) not in (int, float, str) or (type(value) is str and "_" in value):
            raise ValueError
        found = float(value)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        raise ValueError(f"has a fill whose {name} is no number") from None
    if not -LARGEST_USD <= found <= LARGEST_USD:
        raise ValueError(f"has a fill whose {name} is not finite or beyond {LARGEST_USD:g}")
    return found


def _positive(value: object, name: str) -> float:
    found = number_of(value, name)
    if not found > 0:
        raise ValueError(f"has a fill whose {name} is not above 0")
    return found


def text_of(value: object) -> str:
    """Return a user or a coin: text that can be printed, without blanks around it."""
    if type(value) is not str or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise ValueError("has a user or coin that is no text")
    if value != value.strip():
        raise ValueError("has a user or coin that begins or ends with a blank")
    return value
