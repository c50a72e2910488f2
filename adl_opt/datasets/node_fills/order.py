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

    def sorted(self, blocks: Iterable[tuple[str, int, bytes, Block]]) -> Iterator[Block]:
        """Yield the blocks of (file, line, text, block) by number."""
        heap: list[tuple[int, int, str, int, Block]] = []
        held, highest, last, clock = 0, -1, -1, 0
        for file, line, text, block in blocks:
            print_ = hash(text.strip())
            if block.number in self._known:
                same = self._known[block.number] == print_
                why = "is a block seen before" if same else "has the number of another block: the first stays"
                self.troubles.add(file, line, why, f"block {block.number}")
                continue
            if block.number < last:
                self.troubles.add(
                    file, line, "is a block that comes too late", f"{block.number} after {last}"
                )
                continue
            self.reordered += block.number < highest
            highest = max(highest, block.number)
            self._remember(block.number, print_)
            heapq.heappush(heap, (block.number, len(text), file, line, block))
            held += len(text)
            while len(heap) > REACH or (held > REACH_BYTES and heap):
                item = heapq.heappop(heap)
                held, last = held - item[1], item[0]
                if self._in_time(item, clock):
                    clock = item[4].time
                    yield item[4]
        while heap:
            item = heapq.heappop(heap)
            if self._in_time(item, clock):
                clock = item[4].time
                yield item[4]

    def _remember(self, number: int, print_: int) -> None:
        self._known[number] = print_
        self._past.append(number)
        if len(self._past) > REMEMBERED:
            del self._known[self._past.popleft()]

    def _in_time(self, item: tuple[int, int, str, int, Block], clock: int) -> bool:
        _, _, file, line, block = item
        if block.time >= clock:
            return True
        if clock - block.time > BACKWARDS_MS:
            why = "has a time that runs back against the block numbers"
            self.troubles.add(file, line, why, f"by {clock - block.time} ms")
            return False
        self.backwards += 1
        block.time = clock
        return True
