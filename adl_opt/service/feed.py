"""Lines in: from a file, a folder of files or a pipe, until it ends or a signal comes."""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from adl_opt.errors import InputError
from adl_opt.reading import LONGEST_LINE, split_lines

STDIN = "-"
PAUSE_S = 0.05
"""How long a file that has no new line is left alone."""

_CHUNK = 1 << 20


class Stop:
    """Whether a signal has asked to end: the line that is worked on is finished."""

    asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        self.asked = True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Let SIGTERM and Ctrl-C end the work after its line, within the block."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def incoming(source: str, *, follow: bool, stop: Stop) -> Iterator[tuple[str, str]]:
    """Yield where each line stands, and its text; blank lines are left out.

    Parameters
    ----------
    source : str
        ``-`` for the standard input, a file, or a folder, whose files are read in the order of their names.
    follow : bool
        Wait for more where a file or folder ends, until a signal comes.  A file of a folder ends where there
        is a next one.  A last line without an end counts only where nothing more is waited for.
    stop : Stop

    Raises
    ------
    InputError
        There is no such file or folder, or a line is not UTF-8.
    """
    if source == STDIN:
        yield from _numbered("standard input", sys.stdin.fileno(), lambda: follow, stop)
        return
    path = Path(source)
    if path.is_dir():
        yield from _folder(path, follow, stop)
    else:
        yield from _file(path, lambda: follow, stop)


def _file(path: Path, waits: Callable[[], bool], stop: Stop) -> Iterator[tuple[str, str]]:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        ways_out = ["check the path", "- is the standard input"]
        got = f"{path}: {error.strerror}"
        raise InputError("the input cannot be read", got=got, ways_out=ways_out) from error
    try:
        yield from _numbered(path.name, handle, waits, stop)
    finally:
        os.close(handle)


def _folder(folder: Path, follow: bool, stop: Stop) -> Iterator[tuple[str, str]]:
    """Read file by file; a file that may still grow is left when there is a next one."""
    last = ""

    def later() -> list[str]:
        names = (p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
        return sorted(name for name in names if name > last)

    while not stop.asked:
        if names := later():
            last = names[0]
            yield from _file(folder / last, lambda: follow and not later(), stop)
        elif follow:
            time.sleep(PAUSE_S)
        else:
            return


def _pieces(handle: int, waits: Callable[[], bool], stop: Stop) -> Iterator[bytes]:
    """Yield what can be read, piece by piece; where the input ends, wait for more if it may come."""
    grows = stat.S_ISREG(os.fstat(handle).st_mode)
    while not stop.asked:
        if not grows and sys.platform != "win32" and not select.select([handle], [], [], PAUSE_S)[0]:
            continue
        more = grows and waits()
        if piece := os.read(handle, _CHUNK):
            yield piece
        elif more:
            time.sleep(PAUSE_S)
        else:
            return


def _numbered(name: str, handle: int, waits: Callable[[], bool], stop: Stop) -> Iterator[tuple[str, str]]:
    for count, line, cut in split_lines(_pieces(handle, waits, stop)):
        if (line is None or line.strip()) and not (cut and stop.asked):
            yield f"{name}, line {count}", _text(line, f"{name}, line {count}")


def _text(line: bytes | None, where: str) -> str:
    if line is None:
        ways_out = ["end each line"]
        raise InputError(f"{where}: is longer than {LONGEST_LINE:,} bytes", ways_out=ways_out)
    try:
        return line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: this is not UTF-8", got=str(error), ways_out=["write UTF-8"]) from error
