"""Node fills as a long stream: rate, and memory that does not grow with it."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import isolate
from benchmarks.sections import Section

TEXT = (
    "A generated stream is fed to the reader as it would come from disk: blocks of 40 fills of 20,000 "
    "accounts in 50 markets, auto-deleveraging (20 winners) in every 500th block. `growth` is peak memory at "
    "the end over that after the first tenth. Plain: prices only. Books: with a clearinghouse snapshot, so "
    "that every account's cash and positions are kept. LZ4: packed as it goes (packing is in the rate)."
)
COLUMNS = ["stream", "MB", "rounds", "seconds", "MB/s", "peak MiB", "growth MiB"]
USERS, MARKETS, FILLS, EVERY, T0 = 20_000, 50, 40, 500, 1760130964831
LARGEST_GROWTH = 64.0


def loaders_section(megabytes: int) -> Section:
    """Measure each kind of stream in a process of its own."""
    section = Section("Node fills as a stream", TEXT, COLUMNS)
    for kind in ("plain", "books", "LZ4"):
        outcome = isolate.run(measure, kind, megabytes, limit=3000.0)
        row = outcome.value or {"stream": kind, "seconds": outcome.failure}
        section.rows.append(row | {"peak MiB": outcome.peak_mib})
        if "growth MiB" in row:
            growth = row["growth MiB"]
            claim = f"{kind}: {megabytes:,} MB in flat memory (growth below {LARGEST_GROWTH:.0f} MiB)"
            section.targets.append((claim, f"{growth:.1f} MiB", growth < LARGEST_GROWTH))
    return section


class Made:
    """A stream that makes its blocks when they are read; notes the peak memory after its first tenth."""

    def __init__(self, size: int, packed: bool) -> None:
        import lz4.frame

        self.size, self.made, self.number, self.early = size, 0, 0, 0.0
        self._left = b""
        self._frame = lz4.frame.LZ4FrameCompressor() if packed else None
        if self._frame is not None:
            self._left = self._frame.begin()
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return up to so many bytes."""
        while len(self._left) < size and not self._ended:
            self._left += self._more()
        out, self._left = self._left[:size], self._left[size:]
        return out

    def _more(self) -> bytes:
        if self.made >= self.size:
            self._ended = True
            return b"" if self._frame is None else bytes(self._frame.flush())
        line = block(self.number)
        self.number += 1
        self.made += len(line)
        if not self.early and self.made > self.size / 10:
            self.early = isolate.peak_mib()
        return line if self._frame is None else bytes(self._frame.compress(line))


def block(number: int) -> bytes:
    """Return one line: 40 fills, or 20 winners and their loser."""
    time_ms, first = T0 + 80 * number, number * FILLS
    adl = number % EVERY == EVERY - 1
    events = []
    for place in range(FILLS):
        user, coin = f"0x{_digits((first + place) * 7919 % USERS):.40}", f"C{(number + place) % MARKETS}"
        price = 100 + (number * 13 + place) % 37
        events.append(
            [user, _fill(coin, price, time_ms, adl and place < 20) | {"hash": _digits(first + place)}]
        )
    return json.dumps({"block_time": time_ms, "block_number": number, "events": events}).encode() + b"\n"


def _digits(number: int) -> str:
    """Return digits as addresses and hashes have them: nothing makes them shorter."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def _fill(coin: str, price: int, time_ms: int, adl: bool) -> dict[str, Any]:
    fill = {
        "coin": coin, "px": f"{price}.5", "sz": "2.0", "side": "A", "time": time_ms, "startPosition": "2.0",
        "dir": "Close Long", "closedPnl": "12.5", "oid": 123456789, "crossed": True,
        "fee": "0.01", "tid": price, "feeToken": "USDC",
    }  # fmt: skip
    if adl:
        mark = {"liquidatedUser": "loser", "markPx": f"{price + 1}", "method": "market"}
        return fill | {"dir": "Auto-Deleveraging", "liquidation": mark}
    return fill


def measure(kind: str, megabytes: int) -> dict[str, Any]:
    """Read one stream."""
    from adl_opt.datasets.node_fills.importer import import_node_fills

    stream = Made(megabytes * 1_000_000, kind == "LZ4")
    with tempfile.TemporaryDirectory() as folder:
        snapshot = Path(folder) / "snapshot.json"
        snapshot.write_text(json.dumps([{"user": "loser", "account_value": "10"}]), encoding="utf-8")
        began = time.perf_counter()
        books = {"clearinghouse": [snapshot]} if kind == "books" else {}
        episode, report = import_node_fills((), streams=[("made", stream)], **books)
        seconds = time.perf_counter() - began
    if report.unused:
        raise ValueError(report.troubles)
    return {
        "stream": kind,
        "MB": stream.made / 1e6,
        "rounds": len(episode),
        "seconds": seconds,
        "MB/s": stream.made / 1e6 / seconds,
        "growth MiB": isolate.peak_mib() - stream.early,
    }
