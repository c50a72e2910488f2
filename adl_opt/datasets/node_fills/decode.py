"""From one line to one block: its number, its time, its fills of perpetuals.

``{"block_time": ..., "block_number": ..., "events": [[user, fill], ...]}``, numbers as strings.  A fill is of
auto-deleveraging when its ``dir`` says so, or when it is the other side (same ``tid``) of one that does.
Spot and outcome tokens are counted and passed over.  ``fee`` has the fees of builders and deployers in it; it
is cash where it is in USDC, and on a dex of others in whatever that dex has for collateral.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.node_fills.margins import OUTCOME, PERPETUAL, dex_of, kind_of_market, text_of, user_text
from adl_opt.datasets.node_fills.times import milliseconds
from adl_opt.reading.bounded import plain_json

Prices = dict[str, float]
"""USD by market."""

ADL = "Auto-Deleveraging"
MOST_EVENTS = 250_000
"""Most events of one line that are believed."""

TRADE, LIQUIDATION, SETTLEMENT = "fill: trade", "fill: liquidation", "fill: settlement of a delisted coin"
WINNER, OTHER_SIDE = "fill: ADL, winner", "fill: ADL, other side"
OFF_CLOCK_MS = 1000
"""A fill's own time may differ from its block's by so much before it is counted as odd."""


@dataclass(slots=True)
class Fill:
    """One side of one trade; ``size`` and ``start`` are signed, in contracts, prices and money in USD.

    ``mark`` and ``loser`` are there where the fill is of auto-deleveraging; ``winner`` says that this side is
    the one that was deleveraged.  ``isolated`` says that a liquidation was one of an isolated position,
    ``liquidator`` that the user took a position over as the venue's backstop, ``odd_fee`` that its fee was in
    another token and is left out.
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
    tid: int | str | None = None
    kind: str = TRADE
    isolated: bool = False
    liquidator: bool = False
    odd_fee: bool = False

    def of_adl(self) -> None:
        """Note that the fill is one side of a trade of auto-deleveraging."""
        self.adl, self.kind = True, WINNER if self.winner else OTHER_SIDE


@dataclass(slots=True)
class Block:
    """One decoded line, and where it stands; ``bad`` are (event from 1, reason).

    ``adl`` are the ids of auto-deleveraging trades.
    """

    number: int
    time: int
    unit: str
    fills: list[Fill]
    bad: list[tuple[int, str]] = field(default_factory=list)
    spot: int = 0
    outcome: int = 0
    adl: frozenset[object] = frozenset()
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
    block.adl = _adl_trades(events) if ADL.encode() in line or b"\\u" in line else frozenset()
    for index, event in enumerate(events, start=1):
        try:
            user, raw = event
            coin = raw["coin"]
            if (kind := kind_of_market(coin)) != PERPETUAL:
                block.outcome += kind == OUTCOME
                block.spot += kind != OUTCOME
                continue
            tid = raw.get("tid") if type(raw.get("tid")) in (int, str) else None
            adl = raw.get("dir") == ADL or tid in block.adl
            if ledger or adl:
                fill = _fill(block, user_text(user), text_of(coin), raw)
                if adl:
                    fill.of_adl()
            else:
                fill = Fill("", text_of(coin), _positive(raw["px"], "px"), 0.0, 0.0, None, 0.0)
            fill.tid = tid
            block.fills.append(fill)
        except ValueError as error:
            block.bad.append((index, str(error) if str(error).startswith("has ") else "is no [user, fill]"))
        except (TypeError, AttributeError):
            block.bad.append((index, "has an event that is no [user, fill]"))
        except KeyError as error:
            block.bad.append((index, f"has a fill without {error.args[0]}"))
    return block


def _adl_trades(events: list[Any]) -> frozenset[object]:
    """Return the ids of the auto-deleveraging trades."""
    found: set[object] = set()
    for event in events:
        if isinstance(event, list) and len(event) == 2 and isinstance(event[1], dict):
            tid = event[1].get("tid")
            if event[1].get("dir") == ADL and isinstance(tid, (int, str)):
                found.add(tid)
    return frozenset(found)


def _fill(block: Block, user: str, coin: str, raw: dict[str, Any]) -> Fill:
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
    odd_fee = fee != 0.0 and raw.get("feeToken", "USDC") != "USDC" and not dex_of(coin)
    block.odd_fees += odd_fee
    fill = Fill(
        user,
        coin,
        _positive(raw["px"], "px"),
        size if side == "B" else -size,
        number_of(raw["startPosition"], "startPosition"),
        None if closed is None else number_of(closed, "closedPnl"),
        0.0 if odd_fee else fee,
        odd_fee=odd_fee,
    )
    if raw.get("dir") == ADL:
        _deleveraged(fill, raw)
    elif raw.get("liquidation") is not None:
        _liquidated(fill, raw)
    elif raw.get("dir") == "Settlement":
        fill.kind = SETTLEMENT
    return fill


def _liquidated(fill: Fill, raw: dict[str, Any]) -> None:
    liquidation = raw["liquidation"]
    if not isinstance(liquidation, dict):
        raise ValueError("has a liquidation that is no object")
    fill.kind = LIQUIDATION
    other = liquidation.get("liquidatedUser") != fill.user
    fill.isolated = not other and str(raw.get("dir")).startswith("Liquidated Isolated")
    fill.liquidator = other and liquidation.get("method") == "backstop"


def _deleveraged(fill: Fill, raw: dict[str, Any]) -> None:
    liquidation = raw["liquidation"]
    if not isinstance(liquidation, dict):
        raise ValueError("has an ADL fill without liquidation")
    fill.mark = _positive(liquidation["markPx"], "markPx")
    fill.loser = user_text(liquidation["liquidatedUser"])
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
