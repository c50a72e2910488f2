"""From a file to its lines: plain or LZ4 frame, streamed, with bounds on what it may unpack to.

A file that starts with the LZ4 magic is unpacked, whatever its name; frames may follow one another.  A frame
that ends early or is damaged is reported, and what came before it is kept.  A line that is too long is left
out and reported.  A file that unpacks to more than the limits allow is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

from adl_opt.datasets.node_fills.troubles import Troubles
from adl_opt.errors import InputError
from adl_opt.reading import refuse_devices, split_lines, unreadable

MAGIC = b"\x04\x22\x4d\x18"
CHUNK = 1 << 18
_PART = re.compile(r"(.+)\.part-([a-z]{2})")

Advance = Callable[[int], None]


class Readable(Protocol):
    """Anything with ``read(n) -> bytes``."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""
        ...


@dataclass(frozen=True)
class UnpackLimits:
    """Bounds of what a file may unpack to.

    Parameters
    ----------
    line : int
        Longest line, bytes; a longer one is left out and reported.
    total : int
        Most bytes that one file may unpack to; beyond, the file is refused.
    ratio, slack : int
        A file is refused once it has given more than ``ratio`` x the bytes read + ``slack``.  LZ4 leaves the
        digits of addresses and hashes as they are, so node data unpack to 2 or 3 times their size.
    """

    line: int = 64 << 20
    total: int = 64 << 30
    ratio: int = 8
    slack: int = 4 << 20


def pieces_of(stream: Readable) -> Iterator[bytes]:
    """Yield an open stream piece by piece."""
    while piece := stream.read(CHUNK):
        yield piece


def file_pieces(*paths: Path) -> Iterator[bytes]:
    """Yield files piece by piece as one, each opened when its turn comes.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    for path in paths:
        try:
            refuse_devices(path)
            with path.open("rb") as file:
                yield from pieces_of(file)
        except (OSError, ValueError) as error:
            raise unreadable(path, error, "give JSON lines, plain or as an LZ4 frame") from error


def in_parts(paths: Sequence[Path]) -> list[tuple[str, tuple[Path, ...]]]:
    """Return (name, its files) in the order given: NAME.part-aa, NAME.part-ab, ... are one file NAME.

    Raises
    ------
    InputError
        A part is missing before one that is there.

    Examples
    --------
    >>> [(name, len(files)) for name, files in in_parts([Path("b.part-aa"), Path("a"), Path("b.part-ab")])]
    [('b', 2), ('a', 1)]
    """
    found: dict[tuple[Path, str, int], list[Path]] = {}
    for row, path in enumerate(paths):
        match = _PART.fullmatch(path.name)
        key = (path.parent, match[1], -1) if match else (path.parent, path.name, row)
        found.setdefault(key, []).append(path)
    made = []
    for (_, name, row), files in found.items():
        files = sorted(files) if row < 0 else files
        wanted = [f"{name}.part-{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(len(files))]
        if row < 0 and [path.name for path in files] != wanted:
            raise InputError(
                f"{name}: parts are missing, or given twice",
                got=", ".join(path.name for path in files),
                ways_out=[f"give them all once: {name}.part-*", "adl-opt fetch oct10 --all"],
            )
        made.append((name, tuple(files)))
    return made


def lines_of(
    name: str,
    pieces: Iterator[bytes],
    troubles: Troubles,
    limits: UnpackLimits,
    advance: Advance | None = None,
) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (number from 1, line without its end, whether the line's end is missing) of the pieces of a file.

    Raises
    ------
    InputError
        The file cannot be read, or unpacks beyond the limits.
    """
    if advance is not None:
        pieces = _told(pieces, advance)
    first = next(pieces, b"")
    while 0 < len(first) < len(MAGIC) and (more := next(pieces, b"")):
        first += more
    pieces = chain([first], pieces)
    if first.startswith(MAGIC):
        pieces = _unpacked(name, pieces, troubles, limits)
    for number, line, cut in split_lines(pieces, limits.line):
        if line is None:
            troubles.add(name, number, f"is longer than {limits.line} bytes")
        else:
            yield number, line, cut


def _told(pieces: Iterator[bytes], advance: Advance) -> Iterator[bytes]:
    for piece in pieces:
        advance(len(piece))
        yield piece


def _unpacked(
    name: str, packed: Iterator[bytes], troubles: Troubles, limits: UnpackLimits
) -> Iterator[bytes]:
    import lz4.frame

    frame, started, frames, read, written = lz4.frame.LZ4FrameDecompressor(), False, 0, 0, 0
    for piece in packed:
        read += len(piece)
        data = piece
        while data or not frame.needs_input:
            started = True
            try:
                out = frame.decompress(data, max_length=CHUNK)
            except (RuntimeError, ValueError, MemoryError, EOFError) as error:
                what = "has a damaged LZ4 frame: the rest of the file is not read"
                if frames:
                    what = "has bytes after its LZ4 frame that are none: they are not read"
                troubles.add(name, 0, what, f"after {written} bytes unpacked, {error}")
                return
            data = b""
            written += len(out)
            _refuse_bomb(name, read, written, limits)
            if out:
                yield out
            if frame.eof:
                data, frames, started = frame.unused_data or b"", frames + 1, False
                frame = lz4.frame.LZ4FrameDecompressor()
            elif not out:
                break
    if started:
        why = "has an LZ4 frame that ends early: the file is cut"
        troubles.add(name, 0, why, f"after {read} bytes, {written} unpacked")


def _refuse_bomb(name: str, read: int, written: int, limits: UnpackLimits) -> None:
    if written <= min(limits.total, limits.ratio * read + limits.slack):
        return
    raise InputError(
        f"{name}: the file unpacks to more than is believed",
        got=f"{written} bytes out of {read}; the limits are {limits.total} bytes and {limits.ratio} : 1",
        ways_out=["check where the file comes from", "unpack it yourself and give the plain file"],
    )
