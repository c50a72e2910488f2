"""The console of every table and progress bar: its own escapes reach the terminal, those of data never."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from adl_opt.errors import printable_lines, terminal_of


class PlainConsole(Console):
    r"""A console that spells out control characters in every text that it draws.

    Parameters
    ----------
    stderr : bool
        Draw on stderr.
    file : stream, optional
        Draw there.
    more
        Options of :class:`rich.console.Console`.

    Examples
    --------
    >>> PlainConsole().print("\x1b[2J")
    \x1b[2J
    """

    def __init__(self, *, stderr: bool = False, file: Any = None, **more: Any) -> None:
        target = file or terminal_of(sys.stderr if stderr else sys.stdout)
        super().__init__(file=target, markup=False, emoji=False, highlight=False, **more)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the pieces of what is drawn."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)
