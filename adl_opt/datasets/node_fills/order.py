"""Blocks in the order of their numbers, each once.

Blocks that come a little late are put back in order (a buffer of :data:`REACH` blocks).  A block seen before
is left out and reported, and so is one that comes too late or whose time is far earlier than its number says.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.decode import Block
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
    """Puts blocks in order; ``reordered`` and ``backwards`` count what was mended.

    Times that run back a little (up to :data:`BACKWARDS_MS`) are lifted to the time before.
    """

    troubles: Troubles
    reordered: int = 0
    backwards: int = 0
    _known: dict[int, int] = field(default_factory=dict)
    _past: deque[int] = field(default_factory=deque)
    _held: list[tuple[int, int, Block]] = field(default_factory=list)
    _bytes: int = 0
    _last: int = -1
    _clock: int = 0

    def sorted(self, blocks: Iterable[tuple[bytes, Block]]) -> Iterator[Block]:
        """Yield the blocks of (line, block) by number."""
        highest = -1
        for text, block in blocks:
            print_ = hash(text.strip())
            if block.number in self._known:
                same = self._known[block.number] == print_
                why = "is a block seen before" if same else "has the number of another block: the first stays"
                self.troubles.add(block.file, block.line, why, f"block {block.number}")
                continue
            if block.number < self._last:
                detail = f"{block.number} after {self._last}"
                self.troubles.add(block.file, block.line, "is a block that comes too late", detail)
                continue
            self.reordered += block.number < highest
            highest = max(highest, block.number)
            self._remember(block.number, print_)
            heapq.heappush(self._held, (block.number, len(text), block))
            self._bytes += len(text)
            yield from self._released(REACH)
        yield from self._released(0)

    def _released(self, most: int) -> Iterator[Block]:
        """Yield the lowest blocks until at most so many, and so many bytes, are held back."""
        while len(self._held) > most or (self._bytes > REACH_BYTES and self._held):
            self._last, size, block = heapq.heappop(self._held)
            self._bytes -= size
            if self._in_time(block):
                self._clock = block.time
                yield block

    def _remember(self, number: int, print_: int) -> None:
        self._known[number] = print_
        self._past.append(number)
        if len(self._past) > REMEMBERED:
            del self._known[self._past.popleft()]

    def _in_time(self, block: Block) -> bool:
        back = self._clock - block.time
        if back > BACKWARDS_MS:
            why = "has a time that runs back against the block numbers"
            self.troubles.add(block.file, block.line, why, f"by {back} ms")
            return False
        if back > 0:
            self.backwards += 1
            block.time = self._clock
        return True
