"""``adl-opt shadow``: lines in, decisions out; and a log played again."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO

from adl_opt.answer import OneRow
from adl_opt.errors import InputError, UsageError
from adl_opt.locks import keeps_inputs
from adl_opt.policy.policy import Policy
from adl_opt.rounds.round import Round
from adl_opt.service.deciding import uncollected
from adl_opt.service.document import PolicyDocument
from adl_opt.service.feed import STDIN, Stop, incoming, stop_on_signals
from adl_opt.service.replayed import LogCheck, verify_log
from adl_opt.service.shadow import MOST_BYTES, Shadow
from adl_opt.service.wire import compact, read_line

METRICS_S = 1.0
"""Metrics are written when this long has passed since the last time."""


@dataclass(frozen=True, kw_only=True)
class Served(OneRow):
    """What one run of ``shadow`` did.

    Parameters
    ----------
    state : str
        The folder.
    decided, revealed : int
        Rounds that are new in the log, and outcomes.
    repeated : int
        Lines that were in the log already.
    hash : str
        Of the last line of the log.
    """

    state: str
    decided: int
    revealed: int
    repeated: int
    hash: str

    def __str__(self) -> str:
        return (
            f"{self.decided} decided, {self.revealed} revealed, {self.repeated} known before; "
            f"{self.state}, hash {self.hash}"
        )


@keeps_inputs("out", "state")
def shadow(
    policy: Policy | str | PathLike[str] | PolicyDocument,
    state: str | PathLike[str] | None = None,
    source: str | PathLike[str] = STDIN,
    out: str | PathLike[str] = STDIN,
    *,
    follow: bool = False,
    verify: str | PathLike[str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Served | LogCheck:
    """Run a policy beside production: JSON lines in, decisions out as they are made.

    Parameters
    ----------
    policy : Policy, str, path or PolicyDocument
        As of :class:`adl_opt.Shadow`.
    state : path
        Folder of state, log and metrics.
    source : path
        JSON lines, rounds and outcomes: a file, a folder of files, or ``-`` for the standard input.  The
        folder of an episode gives its rounds and outcomes.
    out : path
        Where decisions go: a file, or ``-`` for the standard output.
    follow : bool
        Wait for more where the file or folder ends, until SIGTERM or Ctrl-C.
    verify : path, optional
        Play a log again in place of all that, and find the first difference.
    most_bytes : int
        Size from which a file of the log is followed by the next.

    Returns
    -------
    Served, or LogCheck where a log is verified

    Raises
    ------
    InputError
        A line is refused: it is named, and nothing of it is in the log.
    UsageError
        No state, or as of :class:`adl_opt.Shadow`.

    Notes
    -----
    A run that starts again may get the same lines again: what the log has is not decided twice.  An output
    file is first brought in line with the log, so it has each decision once.  On the standard output a round
    that comes again gets the decision of the log, since nobody knows whether it was read.
    """
    if verify is not None:
        return verify_log(policy, verify)
    if state is None:
        raise UsageError(
            "shadow needs a folder for its state",
            got="no state",
            ways_out=["give --state DIR (in Python: state=)"],
        )
    begun = Shadow(policy, state, most_bytes=most_bytes)
    with begun as running, _opened(str(out), running) as target, stop_on_signals() as stop:
        return _serve(running, str(source), target, follow, stop, again=str(out) == STDIN)


def _serve(
    running: Shadow, source: str, target: IO[bytes], follow: bool, stop: Stop, *, again: bool
) -> Served:
    counts = {"decided": 0, "revealed": 0, "repeated": 0}
    written = time.monotonic()
    for where, text in incoming(source, follow=follow, stop=stop):
        with uncollected():
            counts[_take(running, where, text, target, again=again)] += 1
        if time.monotonic() - written > METRICS_S:
            running.write_metrics()
            written = time.monotonic()
        if stop.asked:
            break
    return Served(state=str(running.folder), hash=running.log.last, **counts)


def _take(running: Shadow, where: str, text: str, target: IO[bytes], *, again: bool) -> str:
    """Take one line, write its decision, and say what became of it."""
    given = read_line(text, where)
    try:
        if not isinstance(given, Round):
            return "revealed" if running.reveal_line(given, text) else "repeated"
        told = running.decide_line(given, text)
    except UsageError as error:
        raise InputError(f"{where}: {error.what}", got=error.got, ways_out=error.ways_out) from error
    if note := told.decision["proof"].get("note"):
        sys.stderr.write(f"note: {where}: {note}\n")
    if told.new or again:
        target.write(told.text.encode() + b"\n")
        target.flush()
    return "decided" if told.new else "repeated"


@contextmanager
def _opened(out: str, running: Shadow) -> Iterator[IO[bytes]]:
    """Give the output; a file has the decisions of the log first."""
    if out == STDIN:
        yield sys.stdout.buffer
        return
    path = Path(out)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError("the output is not a plain file", got=out, ways_out=["give a file, or - for a pipe"])
    with path.open("ab+") as file:
        for decision in running.decisions(_complete(file, running)):
            file.write(compact(decision).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
        yield file


def _complete(file: IO[bytes], running: Shadow) -> int:
    """Return how many decisions a file has, without a last line that a kill cut off."""
    file.seek(0)
    last, count, end = b"", 0, 0
    for raw in file:
        if raw.endswith(b"\n"):
            last, count, end = raw, count + 1, end + len(raw)
    file.truncate(end)
    file.seek(0, os.SEEK_END)
    known = running.hash_of(count)
    if count and (known is None or f'"hash":"{known}"'.encode() not in last):
        raise UsageError(
            "the output has other decisions than the log",
            got=f"{file.name}: {count} lines",
            ways_out=["give the output that belongs to the state", "give a new file: it gets all decisions"],
        )
    return count
