"""The difference that is kept, against two passes replayed in full; memory that does not grow with lines."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.datasets.node_fills.importer import import_node_fills

T0 = 1760130960000
TRADE = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["X", "Y"]),
    st.integers(1, 200),  # price
    st.integers(1, 5),  # size
    st.booleans(),  # buys
    st.booleans(),  # asks for auto-deleveraging, granted where it closes
    st.sampled_from([0, 200, 900, 4000, 9000]),  # ms since the block before
)


def blocks_of(trades):
    """Return blocks of one fill each, and the same as plain tuples (time, user, coin, px, size, fee, adl)."""
    held: dict[tuple[str, str], int] = {}
    blocks, plain, time = [], [], T0
    for number, (user, coin, px, sz, buys, adl, wait) in enumerate(trades):
        time += wait
        start = held.get((user, coin), 0)
        size = sz if buys else -sz
        if adl and start:
            size = -min(sz, abs(start)) if start > 0 else min(sz, abs(start))
        adl = bool(adl and start)
        fill = {
            "coin": coin,
            "px": str(px),
            "sz": str(abs(size)),
            "side": "B" if size > 0 else "A",
            "time": time,
            "startPosition": str(start),
            "closedPnl": "1",
            "fee": "0.5",
            "tid": number,
        }
        fill |= (
            {"dir": "Auto-Deleveraging", "liquidation": {"liquidatedUser": "z", "markPx": str(px + 1)}}
            if adl
            else {"dir": "Trade"}
        )
        held[user, coin] = start + size
        blocks.append({"block_time": time, "block_number": number, "events": [[user, fill]]})
        plain.append((time, user, coin, px, size, 0.5, adl))
    return blocks, plain


def two_passes(plain, gap, markout):
    """Return H per round, by replaying both passes in full from the books at the round's start."""
    times = [row[0] for row in plain if row[6]]
    rounds = []
    for time in times:
        if rounds and time - rounds[-1][1] <= gap:
            rounds[-1][1] = time
        else:
            rounds.append([time, time])
    found = []
    for start, end in rounds:
        cash, size, price = {}, {}, {}
        passes = {}
        for skip in (False, True):
            cash, size, price = {}, {}, {}
            for time, user, coin, px, sz, fee, adl in plain:
                if time > end + markout:
                    break
                price[coin] = px
                if time > end or (skip and adl and time >= start):
                    continue
                cash[user] = cash.get(user, 0.0) - sz * px - fee
                size[user, coin] = size.get((user, coin), 0) + sz
            passes[skip] = {
                who: cash.get(who, 0.0) + sum(n * price[c] for (u, c), n in size.items() if u == who)
                for who in "abc"
            }
        winners = {row[1] for row in plain if row[6] and start <= row[0] <= end}
        found.append(sum(max(passes[True][who] - passes[False][who], 0.0) for who in winners))
    return found


@settings(max_examples=300)
@given(st.lists(TRADE, min_size=2, max_size=25))
def test_the_difference_is_that_of_two_full_passes(trades):
    blocks, plain = blocks_of(trades)
    if not any(row[6] for row in plain):
        return
    stream = io.BytesIO(b"".join(json.dumps(block).encode() + b"\n" for block in blocks))
    horizons = (0, 500, 5000)
    _, report = import_node_fills((), streams=[("f", stream)], horizon_ms=horizons, adl_prices="fill")
    assert report.unused == 0
    for markout in horizons:
        expected = two_passes(plain, 5000, markout)
        assert [line.production[markout] for line in report.rounds] == pytest.approx(expected, abs=1e-9)


def peak(blocks: int) -> tuple[int, int]:
    """Return peak bytes of an import of so many blocks, and the bytes read."""
    fill = {
        "coin": "X",
        "px": "10",
        "sz": "1",
        "side": "A",
        "time": T0,
        "startPosition": "1",
        "closedPnl": "1",
    }
    adl = fill | {"dir": "Auto-Deleveraging", "liquidation": {"liquidatedUser": "z", "markPx": "11"}}
    events = [["a", fill | {"dir": "Close Long"}]] * 20

    class Made:
        number = read_bytes = 0

        def read(self, size):
            lines = []
            while sum(map(len, lines)) < size and self.number < blocks:
                block = {
                    "block_time": T0 + self.number * 80,
                    "block_number": self.number,
                    "events": events if self.number % 1000 else [["a", adl]],
                }
                lines.append(json.dumps(block).encode() + b"\n")
                self.number += 1
            self.read_bytes += sum(map(len, lines))
            return b"".join(lines)

    made = Made()
    tracemalloc.start()
    import_node_fills((), streams=[("made", made)])
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held, made.read_bytes


def test_memory_does_not_grow_with_lines():
    (small, few), (large, many) = peak(400), peak(1600)
    assert many > 3.9 * few
    assert many - few > 2_700_000
    assert large - small < 600_000  # numbers of past blocks (up to 65,536 are remembered), and 4 rounds
