"""A log played again from its inputs: every hash, state and decision, up to the first difference."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer
from adl_opt.errors import AdlOptError
from adl_opt.policy.policy import Policy
from adl_opt.reading import plain_json
from adl_opt.rounds.round import Allocation, Round
from adl_opt.service.deciding import code, decided, learned, plain, refuse_late
from adl_opt.service.document import PolicyDocument, in_service
from adl_opt.service.log import START, Line, read_log
from adl_opt.service.wire import ROUND, compact, read_line, sha256

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class LogCheck(Answer):
    """A log that was played again.

    Parameters
    ----------
    log : str
    accepted : bool
        Every hash, state and decision came out again.
    lines, decisions : int
        So many were checked.
    hash : str
        Of the last line that was checked.
    difference : dict or None
        The first difference: ``where``, ``field``, what was ``logged`` and what was ``found``.
    notes : tuple of str
        Lines that were written by another version of the code.
    """

    log: str
    accepted: bool
    lines: int
    decisions: int
    hash: str
    difference: dict[str, Any] | None
    notes: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row."""
        import pandas as pd

        return pd.DataFrame([asdict(self) | {"difference": str(self.difference or "")}])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, **asdict(self)}

    def __str__(self) -> str:
        notes = "".join(f"\n  note: {note}" for note in self.notes)
        if self.difference is None:
            return f"accepted: {self.lines} lines, {self.decisions} decisions, hash {self.hash}{notes}"
        first = "".join(f"\n  {key}: {value}" for key, value in self.difference.items())
        return f"refused: the first difference{first}{notes}"


class _Differs(Exception):
    """The first difference: field, what was logged, what was found."""


def verify_log(policy: Policy | str | PathLike[str] | PolicyDocument, log: str | PathLike[str]) -> LogCheck:
    """Play a log again from its inputs, and find the first difference.

    Parameters
    ----------
    policy : Policy, str, path or PolicyDocument
        The policy that the log is said to be of.
    log : path
        The folder of a state, or one file of it, which begins with the state it was left.

    Raises
    ------
    InputError
        There is no log, or a line cannot be read.
    """
    made, document = in_service(policy)
    refuse_late(made)
    player = _Player(made, document)
    difference, where = None, ""
    for where, line in read_log(Path(log)):
        try:
            player.play(line)
        except _Differs as found:
            field, logged, again = found.args
            difference = {"where": where, "field": field, "logged": logged, "found": again}
            break
        except AdlOptError as error:
            difference = {"where": where, "field": "input", "logged": line.text[:80], "found": str(error)}
            break
    notes = [f"line of the code {name}; here {code()}" for name in sorted(player.codes - {code()})]
    return LogCheck(
        log=str(log),
        accepted=difference is None,
        lines=player.lines,
        decisions=player.decisions,
        hash=player.last,
        difference=difference,
        notes=tuple(notes),
    )


class _Player:
    """Where a log stands that is played again."""

    def __init__(self, policy: Policy, document: PolicyDocument) -> None:
        self.policy, self.document = policy, document
        self.state: Any = None
        self.lines = self.decisions = self.seq = 0
        self.last = self.prev = ""
        self.codes: set[str] = set()
        self.begun: dict[int | None, tuple[Round, Allocation]] = {}

    def play(self, line: Line) -> None:
        """Check one line, and take its state over."""
        self.codes.add(line.covers.get("code", ""))
        _same("hash", line.hash, line.own_hash())
        if line.kind == START:
            self._start(line)
        else:
            _same("after", line.after, self.last)
            _same("covers.input", line.covers["input"], sha256(line.text))
            self._decide(line) if line.kind == ROUND else self._learn(line)
            self.last = line.hash
        self.lines += 1

    def _start(self, line: Line) -> None:
        given = plain_json(line.text)
        _same("policy", line.covers["input"], self.document.hash)
        _same("policy.hash", line.covers["input"], PolicyDocument(**given["policy"]).hash)
        _same("state", line.covers["state"], sha256(compact(given["state"])))
        if self.lines == 0:
            self.state, self.last, self.prev = given["state"], line.hash, line.hash
            if line.after == "":
                _same("state", line.covers["state"], sha256(compact(plain(self.policy.start()))))
            else:  # a later file by itself
                self.last, self.prev = line.after, ""
        else:
            _same("after", line.after, self.last)
            _same("state", line.covers["state"], sha256(compact(plain(self.state))))

    def _decide(self, line: Line) -> None:
        logged = line.decision or {}
        _same("covers.state", line.covers["state"], sha256(compact(plain(self.state))))
        round_ = read_line(line.text, "input")
        if not isinstance(round_, Round):
            raise _Differs("input", "a line of a round", "another line")
        seq = self.seq + 1 if self.seq else logged.get("seq", 1)
        prev = self.prev or logged.get("prev", "")
        made, action = decided(self.policy, self.state, round_, seq=seq, prev=prev)
        again = made | {"hash": line.hash}
        _same_within("decision", logged, json.loads(compact(again)))
        _same("covers.proof", line.covers["proof"], sha256(compact(again["proof"])))
        self.seq, self.prev, self.decisions = seq, line.hash, self.decisions + 1
        self.begun[line.number] = round_, action

    def _learn(self, line: Line) -> None:
        begun = self.begun.pop(line.number, None)
        if begun is None:
            raise _Differs("number", line.number, "no round of that number before it in this log")
        self.state = learned(self.policy, self.state, *begun, line)
        _same("covers.state", line.covers["state"], sha256(compact(plain(self.state))))


def _same(field: str, logged: Any, found: Any) -> None:
    if logged != found:
        raise _Differs(field, logged, found)


def _same_within(field: str, logged: Any, found: Any) -> None:
    """Compare values key by key, so that the first that differs is named."""
    if isinstance(logged, dict) and isinstance(found, dict):
        for key in [*logged, *(key for key in found if key not in logged)]:
            _same_within(f"{field}.{key}", logged.get(key), found.get(key))
    else:
        _same(field, logged, found)
