"""What an engine hands back before anything is believed."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

from adl_opt.rounds.columns import Floats, Ints

INTERRUPTED = "interrupted by the user"
"""The message of what Ctrl-C ended outside HiGHS."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Raw:
    """An unproven answer.

    ``verdict`` is ``optimal``, ``stopped`` (a limit or Ctrl-C), ``infeasible`` or ``error``; x is None where
    there is no point.  ``proof`` is what the certificate recomputes the bound from.
    """

    verdict: str
    engine: str
    x: Floats | None = None
    lots: Ints | None = None
    closed: Floats | None = None
    fund: float = 0.0
    proof: Any = None
    nodes: int | None = None
    message: str = ""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search, here or in HiGHS."""
        return "nterrupt" in self.message


@contextmanager
def log_to_stderr(wanted: bool) -> Iterator[None]:
    """While a solver runs, send what it prints to stdout to stderr, be it from Python or from C."""
    if not wanted:
        yield
        return
    _flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush()
        os.dup2(kept, 1)
        os.close(kept)


def _flush() -> None:
    sys.stdout.flush()
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
