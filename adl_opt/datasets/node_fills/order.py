"""Blocks in the order of their numbers, each once.

Blocks that come a little late are put back in order (a buffer of :data:`REACH` lines).  Several lines of one
number and time are one block, whose events they share out; what an earlier line has already is left out.  A
line whose events were all seen before is left out and reported, and so is a block that comes too late or
whose time is far earlier than its number says.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.decode import Block, Fill
from adl_opt.datasets.node_fills.tally import Tally
from adl_opt.datasets.node_fills.troubles import Troubles

REACH = 64
"""Blocks that are held back, so that late ones find their place."""

REACH_BYTES = 16 << 20
"""Most bytes of lines that are held back."""

REMEMBERED = 65_536
"""Numbers of past blocks that are remembered, to tell a block seen before from a late one (over an hour)."""

BACKWARDS_MS = 60_000
"""A block's time may run back against its number by so much before the block is passed over."""


@dataclass
class Order:
    """Puts blocks in order; ``reordered``, ``backwards`` and ``continued`` count what was mended.

    Times that run back a little (up to :data:`BACKWARDS_MS`) are lifted to the time before.
    """

    troubles: Troubles
    tally: Tally
    reordered: int = 0
    backwards: int = 0
    continued: int = 0
    _known: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _further: dict[int, set[int]] = field(default_factory=dict)
    _past: deque[int] = field(default_factory=deque)
    _held: list[tuple[int, int, int, Block]] = field(default_factory=list)
    _lines: Counter[int] = field(default_factory=Counter)
    _bytes: int = 0
    _last: int = -1
    _clock: int = 0

    def sorted(self, blocks: Iterable[tuple[bytes, Block]]) -> Iterator[Block]:
        """Yield the blocks of (line, block) by number."""
        highest = -1
        for place, (text, block) in enumerate(blocks):
            known, prints = self._known.get(block.number), _prints(text, block)
            if known is not None and (why := self._seen(block, known, prints)):
                self._leave_out(block, why)
                continue
            if block.number < self._last:
                detail = f"{block.number} after {self._last}"
                self._leave_out(block, "is a block that comes too late", detail)
                continue
            self.reordered += block.number < highest
            highest = max(highest, block.number)
            self._remember(block, prints)
            heapq.heappush(self._held, (block.number, place, len(text), block))
            self._lines[block.number] += 1
            self._bytes += len(text)
            yield from self._released(REACH)
        yield from self._released(0)

    def _seen(self, block: Block, known: tuple[int, ...], prints: tuple[int, ...]) -> str:
        """Say why a line whose number is known is no further line of its block; blank if it is one."""
        if known[0] != block.time:
            return "has the number of another block: the first stays"
        further = self._further.get(block.number, ())
        return "is a block seen before" if any(one in known[1:] or one in further for one in prints) else ""

    def _leave_out(self, block: Block, why: str, detail: str = "") -> None:
        self.troubles.add(block.file, block.line, why, detail or f"block {block.number}")
        self.tally.add("fills of blocks left out", "refused", len(block.fills) + block.spot + block.outcome)

    def _released(self, most: int) -> Iterator[Block]:
        """Yield the lowest blocks until at most so many, and so many bytes, are held back."""
        while len(self._lines) > most or (self._bytes > REACH_BYTES and self._held):
            lines = [self._popped() for _ in range(self._lines.pop(self._held[0][0]))]
            block = self._joined(lines) if len(lines) > 1 else lines[0]
            if self._in_time(block):
                self._clock = block.time
                yield block

    def _popped(self) -> Block:
        self._last, _, size, block = heapq.heappop(self._held)
        self._bytes -= size
        return block

    def _joined(self, lines: list[Block]) -> Block:
        """Return the block of all its lines; events that an earlier line has are left out."""
        block, there = lines[0], {key for fill in lines[0].fills if (key := _key(fill)) is not None}
        for line in lines[1:]:
            fresh = [fill for fill in line.fills if _key(fill) not in there]
            if again := len(line.fills) - len(fresh):
                why = "has events that an earlier line of its block has"
                self.troubles.add(line.file, line.line, why, f"{again} fills, block {block.number}")
                self.tally.add("fills of blocks left out", "refused", again)
            there.update(key for fill in fresh if (key := _key(fill)) is not None)
            block.fills += fresh
            block.units |= line.units
            for name in ("spot", "outcome", "off_clock", "odd_fees"):
                setattr(block, name, getattr(block, name) + getattr(line, name))
        block.adl = frozenset().union(*(line.adl for line in lines))
        for fill in block.fills:
            if not fill.adl and fill.tid in block.adl:
                fill.of_adl()
        return block

    def _remember(self, block: Block, prints: tuple[int, ...]) -> None:
        if block.number in self._known:
            self.continued += 1
            self._further.setdefault(block.number, set()).update(prints)
            return
        self._known[block.number] = (block.time, *prints)
        self._past.append(block.number)
        if len(self._past) > REMEMBERED:
            oldest = self._past.popleft()
            del self._known[oldest]
            self._further.pop(oldest, None)

    def _in_time(self, block: Block) -> bool:
        back = self._clock - block.time
        if back > BACKWARDS_MS:
            why = "has a time that runs back against the block numbers"
            self._leave_out(block, why, f"by {back} ms")
            return False
        if back > 0:
            self.backwards += 1
            block.time = self._clock
        return True


def _prints(text: bytes, block: Block) -> tuple[int, ...]:
    """Return what tells the events of a line from others: their text, and their fills where all were read.

    The envelope around the events may differ between two copies of a line.
    """
    of_text = hash(text[max(text.find(b'"events"'), 0) :].strip())
    fills = tuple((fill.user, fill.coin, fill.price, fill.size, fill.tid) for fill in block.fills)
    return (of_text, hash(fills)) if fills and all(fill[0] for fill in fills) else (of_text,)


def _key(fill: Fill) -> tuple[object, ...] | None:
    """Return what one fill is known by; None where its trade has no id, or its user was not read."""
    if fill.tid is None or not fill.user:
        return None
    return fill.user, fill.coin, fill.tid, fill.price, fill.size
