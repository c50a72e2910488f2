"""What was wrong with the lines of an import: every one counted, the first of them listed."""

from __future__ import annotations

from collections.abc import Callable

LISTED = 1000
"""Most troubles that are kept one by one; beyond, they are only counted (memory stays flat)."""

IN_NOTES = 20
"""Most troubles that the episode's notes name one by one."""

Tell = Callable[[str], None]


class Troubles:
    """A list of what could not be used: file, line and reason, counted by reason.

    Parameters
    ----------
    tell : callable, optional
        Called at once with the text of each of the first :data:`LISTED` troubles.

    Examples
    --------
    >>> troubles = Troubles()
    >>> troubles.add("fills.json", 7, "is not JSON")
    >>> troubles.summary
    '1 line or event not used (fills.json:7 is not JSON)'
    """

    def __init__(self, tell: Tell | None = None) -> None:
        self.listed: list[str] = []
        self.counts: dict[str, int] = {}
        self._tell = tell

    def __len__(self) -> int:
        return sum(self.counts.values())

    def add(self, file: str, line: int, reason: str, detail: str = "") -> None:
        """Note that a line (counted from 1; 0: the file as a whole) was not used, or not all of it."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        where = f"{file}:{line}" if line else file
        text = f"{where} {reason}" + (f" ({detail})" if detail else "")
        if len(self.listed) < LISTED:
            self.listed.append(text)
            if self._tell is not None:
                self._tell(text)

    @property
    def summary(self) -> str:
        """One line: how many, and the first of them."""
        if not self.counts:
            return "every line used"
        total, named = len(self), self.listed[:IN_NOTES]
        more = f"; and {total - len(named)} more" if total > len(named) else ""
        word = "line or event" if total == 1 else "lines or events"
        return f"{total} {word} not used ({'; '.join(named)}{more})"
