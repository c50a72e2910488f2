"""The log of a policy in service: lines of JSON in a chain of hashes, in files of a bounded size.

Each line begins with what the chain rests on: ``kind``, ``number`` of the round, its ``hash``, the hash of
the line ``after`` which it comes, and what it ``covers``: the SHA-256 of input and state, the code, and of a
decision its proof.  The hash is the SHA-256 of all that, and of the decision.  ``time_ms`` is outside it.
The input stands last, as it came in.

A file begins with a line ``start``: the document of the policy and its state there, so that a file can be
played again by itself.  Only the first one is a link of the chain: where a file ends does not change a hash.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adl_opt.checks import quoted
from adl_opt.errors import InputError
from adl_opt.files import write_bytes
from adl_opt.reading.bounded import plain_json
from adl_opt.service.wire import OUTCOME, ROUND, compact, sha256

START = "start"
_HEAD = re.compile(
    rb'\{"kind":"(\w+)","number":(\w+),"hash":"(\w+)","after":"(\w*)","covers":\{"input":"(\w+)","state":"(\w+)"'
)
_INPUT = b',"input":'
_HEAD_BYTES = 600


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a log, read.

    Parameters
    ----------
    kind : str
        ``start``, ``round`` or ``outcome``.
    number : int or None
        Of the round.
    hash, after : str
    covers : dict
    decision : dict or None
    text : str
        The input, as it came in; of a start its policy and state.
    """

    kind: str
    number: int | None
    hash: str
    after: str
    covers: dict[str, str]
    decision: dict[str, Any] | None
    text: str

    def own_hash(self) -> str:
        """Return the hash that the line should have."""
        bare = {k: v for k, v in (self.decision or {}).items() if k != "hash"}
        return chained(self.kind, self.number, self.after, self.covers, compact(bare))


def chained(kind: str, number: int | None, after: str, covers: dict[str, str], decision: str = "{}") -> str:
    """Return the hash of a line: of all that it says, and not of when.

    ``decision`` is compact JSON, without its own hash.

    Examples
    --------
    >>> chained("round", 1, "", {}) == chained("round", 2, "", {})
    False
    """
    return sha256(compact([kind, number, after, covers]) + decision)


@dataclass(frozen=True)
class Place:
    """Where a line stands, and what its head says."""

    file: Path
    start: int
    kind: str
    number: int | None
    hash: str
    input: str

    def read(self) -> Line:
        """Read the whole line."""
        with self.file.open("rb") as file:
            file.seek(self.start)
            return parsed(file.readline(), f"{self.file.name}, byte {self.start}")


def files_of(log: Path) -> list[Path]:
    """Return the files of a log in order: one file, or those of a folder."""
    if log.is_file():
        return [log]
    found = sorted(log.glob("log-*.jsonl"))
    if not found:
        ways_out = ["give the folder of --state, or one of its files log-*.jsonl"]
        raise InputError("there is no log here", got=str(log), ways_out=ways_out)
    return found


def parsed(raw: bytes, where: str) -> Line:
    """Return a line from its bytes.

    Raises
    ------
    InputError
        It is no line of a log.
    """
    try:
        cut = raw.index(_INPUT)
        text = raw[cut + len(_INPUT) : -2].decode("utf-8")
        given = plain_json(raw[:cut] + b"}")
        names = ("kind", "number", "hash", "after", "covers")
        return Line(**{name: given[name] for name in names}, decision=given.get("decision"), text=text)
    except (ValueError, KeyError, TypeError) as error:
        raise _no_line(where, raw) from error


def _no_line(where: str, raw: bytes) -> InputError:
    ways_out = ["restore the file", "verify the files before it"]
    return InputError(f"{where}: this is no line of a log", got=quoted(raw[:80]), ways_out=ways_out)


def read_log(log: Path) -> Iterator[tuple[str, Line]]:
    """Yield where each line of a log stands, and the line; a last line that was cut off is left out."""
    for path in files_of(log):
        with path.open("rb") as file:
            for count, raw in enumerate(file, start=1):
                if raw.endswith(b"\n"):
                    yield f"{path.name}, line {count}", parsed(raw, f"{path.name}, line {count}")


@dataclass(eq=False)
class Log:
    """A log that is written: lines are on the disk before :meth:`write` returns.

    Parameters
    ----------
    folder : Path
    most_bytes : int
        A file that is larger is followed by the next.
    policy, policy_hash : dict, str
        The document of the policy, as plain values, and its hash.
    """

    folder: Path
    most_bytes: int
    policy: dict[str, Any]
    policy_hash: str
    last: str = ""
    places: list[Place] = field(default_factory=list)
    _handle: int = field(default=-1, init=False)

    def open(self, state: Any, code: str) -> None:
        """Open the log, or begin it; a line that a kill cut off is removed."""
        paths = sorted(self.folder.glob("log-*.jsonl"))
        if not paths:
            self._begin(1, state, code)
            return
        self._attach(paths[-1])
        self._cut()
        for path in paths:
            self._scan(path)

    def write(
        self,
        kind: str,
        number: int,
        covers: dict[str, str],
        text: bytes,
        decision: str = "",
    ) -> str:
        """Append a line with a decision as compact JSON; return the decision with its hash.

        Raises
        ------
        OSError
            The disk refuses; nothing of the line is left then.
        """
        made = chained(kind, number, self.last, covers, decision or "{}")
        head = self._head(kind, number, made, self.last, covers)
        if decision:
            decision = f'{decision[:-1]},"hash":"{made}"}}'
            head += f',"decision":{decision}'
        start = os.fstat(self._handle).st_size
        try:
            for piece in (head.encode() + _INPUT, text, b"}\n"):  # large texts are not copied
                view = memoryview(piece)
                while view:
                    view = view[os.write(self._handle, view) :]
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, start)
            raise
        self.last = made
        self.places.append(Place(self._path, start, kind, number, made, covers["input"]))
        return decision

    def rotate(self, state: Any, code: str) -> None:
        """Go on in a new file, if this one has reached its size."""
        if os.fstat(self._handle).st_size >= self.most_bytes:
            os.close(self._handle)
            self._begin(int(self._path.stem[4:]) + 1, state, code)

    def size(self) -> int:
        """Return the bytes of the file that is written to."""
        return os.fstat(self._handle).st_size

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _begin(self, place: int, state: Any, code: str) -> None:
        covers = {"input": self.policy_hash, "state": sha256(compact(state)), "code": code}
        made = chained(START, None, self.last, covers)
        head = self._head(START, None, made, self.last, covers)
        text = compact({"policy": self.policy, "state": state})
        path = self.folder / f"log-{place:06}.jsonl"
        write_bytes(path, head.encode() + _INPUT + text.encode() + b"}\n")
        self._attach(path)
        if place == 1:
            self.last = made
            self.places.append(Place(path, 0, START, None, made, covers["input"]))

    def _attach(self, path: Path) -> None:
        self._path, self._handle = path, os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))

    def _cut(self) -> None:
        """Remove a last line without an end."""
        size = end = os.fstat(self._handle).st_size
        with self._path.open("rb") as file:
            while end > 0:
                begin = max(end - (1 << 20), 0)
                file.seek(begin)
                if (at := file.read(end - begin).rfind(b"\n")) >= 0:
                    end = begin + at + 1
                    break
                end = begin
        if end < size:
            os.ftruncate(self._handle, end)
            os.fsync(self._handle)

    def _scan(self, path: Path) -> None:
        start = 0
        with path.open("rb") as file:
            for raw in file:
                head = _HEAD.match(raw[:_HEAD_BYTES])
                if head is None:
                    raise _no_line(f"{path.name}, byte {start}", raw)
                kind, number, own, _, given, _ = (part.decode() for part in head.groups())
                if kind != START or not self.places:
                    self.last = own
                    count = int(number) if kind in (ROUND, OUTCOME) else None
                    self.places.append(Place(path, start, kind, count, own, given))
                start += len(raw)

    @staticmethod
    def _head(kind: str, number: int | None, own: str, after: str, covers: dict[str, str]) -> str:
        head = {"kind": kind, "number": number, "hash": own, "after": after, "covers": covers}
        return compact(head | {"time_ms": time.time_ns() // 1_000_000})[:-1]
