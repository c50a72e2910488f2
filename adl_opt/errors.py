"""Errors: one root, a few leaves, every message in three parts.

A message says what is wrong, shows the offending values (row, account, round, value), and
lists each way out.  Nothing in this package repairs bad input silently.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LONGEST_MESSAGE = 6_000
"""Most characters of one part of a message."""


def printable(text: str) -> str:
    r"""Return text with control characters spelled out, so that no data can steer a terminal.

    Examples
    --------
    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str, longest: int | None = None) -> str:
    """Return text with all control characters spelled out but ends of lines, cut if it is too long."""
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}... ({len(text):,} characters)"
    return "\n".join(map(printable, text.split("\n")))


class Spelled:
    r"""A stream of text that spells control characters out, so that nothing printed steers a terminal.

    It says that it is no terminal, so that nobody colours what is written to it.  Who draws on the terminal
    itself takes ``terminal_of(stream)``, and spells out what is not its own.

    Examples
    --------
    >>> import sys
    >>> print("\x1b[2J", file=Spelled(sys.stdout))
    \x1b[2J
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text; ends of lines and tabs stay what they are."""
        self.stream.write("\t".join(map(printable_lines, text.split("\t"))))
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write several texts."""
        self.write("".join(texts))

    def isatty(self) -> bool:
        """Say that this is no terminal."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def terminal_of(stream: Any) -> Any:
    """Return the stream under :class:`Spelled`."""
    return stream.stream if isinstance(stream, Spelled) else stream


class AdlOptError(Exception):
    """Root of all errors that a user of this package can cause or meet.

    Parameters
    ----------
    what : str
        What is wrong, in one sentence.
    got : str, optional
        The offending values: row, account or round, and the value itself.
    ways_out : iterable of str, optional
        Each way out, one sentence each.

    Examples
    --------
    >>> print(InputError("budget is negative", got="budget = -1.0", ways_out=["give 0 or more"]))
    budget is negative
      got: budget = -1.0
      ways out:
        - give 0 or more
    """

    exit_code = 1

    def __init__(self, what: str, *, got: str = "", ways_out: Iterable[str] = ()) -> None:
        self.what = what
        self.got = got
        self.ways_out = tuple(ways_out)
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.got:
            lines.append(f"  got: {self.got}")
        if self.ways_out:
            lines.append("  ways out:")
            lines.extend(f"    - {way}" for way in self.ways_out)
        return "\n".join(printable_lines(line, LONGEST_MESSAGE) for line in lines)


class InputError(AdlOptError):
    """Data that cannot be accepted: a value, a column, a file (exit code 2).

    ``cell`` is the table, the column and the row of the value that is refused, where it is one of a table.
    """

    exit_code = 2
    cell: tuple[str, str, int] | None = None


class LackError(InputError):
    """A rule needs something that a round does not have; another rule may do without (exit code 2)."""


class UsageError(AdlOptError):
    """A call that cannot be meant: an unknown name, option or combination (exit code 2)."""

    exit_code = 2


class SolverError(AdlOptError):
    """A solver failed, or gave an answer that its certificate refuses (exit code 1).

    ``proof`` is what shows that nothing is feasible, where that is why.
    """

    proof: Any = None


class ProofRefused(AdlOptError):
    """A proof file does not prove its claim (exit code 1)."""


class PolicyError(AdlOptError):
    """A policy returned haircuts that break the rules of the round (exit code 1)."""


class ConservationError(AdlOptError):
    """The books of a simulation do not balance: a fault of the simulator, never of the user (exit code 1)."""
