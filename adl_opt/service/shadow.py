"""A policy beside production: decisions round by round, in a log that survives any kill."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

from adl_opt.allocation.contracts import settled
from adl_opt.answer import SCHEMA
from adl_opt.checks import checked_type, quoted
from adl_opt.errors import InputError, UsageError
from adl_opt.files import to_json, write_text
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy
from adl_opt.reading.bounded import file_bytes, plain_json
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.service.deciding import (
    Decision,
    code,
    decided,
    decision_in,
    learned,
    plain,
    refuse_late,
    round_in,
    uncollected,
)
from adl_opt.service.document import PolicyDocument, in_service
from adl_opt.service.log import Log
from adl_opt.service.metrics import Metrics
from adl_opt.service.wire import OUTCOME, ROUND, Revealed, compact, joined, outcome_line, round_line, sha256
from adl_opt.tabular import Noun

MOST_BYTES = 1 << 28
"""Size from which a file of the log is followed by the next: 256 MiB."""


class Told(NamedTuple):
    """A decision, the same as a line, and whether it is new."""

    decision: Decision
    text: str
    new: bool


class Shadow(Noun):
    """Run a policy beside production: it decides, and nothing of it is executed.

    Parameters
    ----------
    policy : Policy, str, path or PolicyDocument
        A policy, its name, or the path of a ``policy.toml``.
    state_dir : path
        Folder of the state (``state.json``), the log (``log-000001.jsonl`` and on) and the metrics
        (``metrics.txt``, OpenMetrics).  A folder that was used before goes on where it ended.
    loss : Loss or str, optional
        What learners learn on; a document has its own.
    most_bytes : int
        Size from which a file of the log is followed by the next.

    Raises
    ------
    UsageError
        The policy needs to know the outcome, the folder belongs to another policy, or is in use.
    InputError
        The state or the log is damaged.

    Notes
    -----
    A decision is on the disk before it is returned.  After a kill at any moment the next start finds either
    the whole decision, or nothing of it.  A round that was decided before gets the decision of the log.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from adl_opt.rounds.tables import Accounts
    >>> round_ = Round(deficit=5.0, accounts=Accounts(id=["a"], pnl=[10.0], equity=[40.0]))
    >>> with TemporaryDirectory() as folder, Shadow("full-deficit/pro-rata", folder) as shadow:
    ...     decision = shadow.decide(round_)
    ...     shadow.reveal(Outcome(3.0))
    >>> decision["haircuts"], decision["proof"]["status"]
    ({'a': 5.0}, 'rule')
    """

    def __init__(
        self,
        policy: Policy | str | PathLike[str] | PolicyDocument,
        state_dir: str | PathLike[str],
        *,
        loss: Loss | str | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.policy, self.document = in_service(policy, loss)
        refuse_late(self.policy)
        self.folder = Path(state_dir)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock: int | None = _locked(self.folder)
        self.metrics = Metrics(self.policy.name)
        self.log = Log(self.folder, most_bytes, self.document.values(), self.document.hash)
        self._prev = ""
        self.state: Any = None
        self._pending: dict[int, tuple[Round, Allocation]] = {}
        try:
            self.log.open(plain(self.policy.start()), code())
            self._recover()
        except BaseException:
            self._release()
            raise

    @uncollected()
    def decide(self, round_: Round) -> Decision:
        """Return the decision of a round, once it is in the log.

        Rounds come in the order of their numbers.  A round that was decided already, and is the same, gets
        its decision from the log.

        Raises
        ------
        UsageError
            A number that was decided on another input, or that is not above those before.
        PolicyError
            The haircuts break the rules of the round; nothing is logged.
        """
        checked_type("a round", round_, Round, "give a Round; its outcome comes by reveal()")
        return self.decide_line(round_, round_line(round_)).decision

    def decide_line(self, round_: Round, text: str) -> Told:
        """Return the decision of a round whose input reads so, as a line."""
        began, number, raw = time.perf_counter(), int(round_.number), text.encode()
        given = sha256(raw)
        if number in self._rounds:
            place = self.log.places[self._rounds[number]]
            self._refuse_other(number, given, place.input, "decided")
            logged = decision_in(place.read())
            return Told(logged, compact(logged), False)
        if self._rounds and number < (last := next(reversed(self._rounds))):
            ways_out = ["send rounds in the order of their numbers", "start another --state"]
            raise UsageError(
                "rounds come in order", got=f"round {number} after round {last}", ways_out=ways_out
            )
        seq = len(self._rounds) + 1
        decision, action = decided(self.policy, self.state, round_, seq=seq, prev=self._prev)
        covers = {"input": given, "state": self._state_hash, "code": code()}
        texts = {name: compact(value) for name, value in decision.items()}
        covers["proof"] = sha256(texts["proof"])
        told = self.log.write(ROUND, number, covers, raw, joined(texts))
        decision["hash"] = self.log.last
        self._rounds[number] = len(self.log.places) - 1
        self._prev = decision["hash"]
        self._pending[number] = round_, action
        self.metrics.decided(decision, time.perf_counter() - began)
        return Told(decision, told, True)

    def reveal(self, outcome: Outcome, number: int | None = None) -> None:
        """Learn what a round revealed, by default the oldest that waits for it.

        An outcome that was revealed already, and is the same, changes nothing.

        Raises
        ------
        UsageError
            The round was not decided, or was revealed otherwise.
        """
        checked_type("an outcome", outcome, Outcome, "give an Outcome")
        if number is None:
            if not self._pending:
                got = "no round waits for an outcome"
                raise UsageError("there is nothing to reveal", got=got, ways_out=["decide a round first"])
            number = next(iter(self._pending))
        self.reveal_line(Revealed(number, outcome), outcome_line(number, outcome))

    def reveal_line(self, revealed: Revealed, text: str) -> bool:
        """Learn an outcome whose input reads so; say whether it is new."""
        number, given = revealed.number, sha256(text)
        if number in self._outcomes:
            self._refuse_other(number, given, self.log.places[self._outcomes[number]].input, "revealed")
            return False
        if number not in self._pending:
            ways_out = ["send the round before its outcome", "check the number"]
            raise UsageError(
                "an outcome of a round that was not decided", got=f"round {number}", ways_out=ways_out
            )
        round_, action = self._pending[number]
        state = self.policy.learn(self.state, round_, revealed.outcome, action)
        digest = _digest(state)
        covers = {"input": given, "state": digest, "code": code()}
        self.log.write(OUTCOME, number, covers, text.encode())
        self._outcomes[number] = len(self.log.places) - 1
        del self._pending[number]
        self.state, self._state_hash = state, digest
        if not self._pending:  # a file has the rounds of all its outcomes, and the state their actions
            self.log.rotate(plain(state), code())
            self._save()
        haircut = settled(action, round_, revealed.outcome).executed
        self.metrics.revealed(revealed.outcome.needed, haircut)
        return True

    def decisions(self, after: int = 0) -> list[Decision]:
        """Return the decisions of the log from seq ``after`` + 1 on."""
        places = list(self._rounds.values())[after:]
        return [decision_in(self.log.places[place].read()) for place in places]

    def hash_of(self, seq: int) -> str | None:
        """Return the hash of a decision; None where there is none of that seq."""
        places = list(self._rounds.values())
        return self.log.places[places[seq - 1]].hash if 0 < seq <= len(places) else None

    def write_metrics(self) -> None:
        """Write ``metrics.txt``."""
        write_text(self.folder / "metrics.txt", self.metrics.text(len(self._pending), self.log.size()))

    def close(self) -> None:
        """Write the metrics and leave the folder to others."""
        if self._lock is not None:
            self.write_metrics()
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _release(self) -> None:
        if self._lock is not None:
            self.log.close()
            os.close(self._lock)
            self._lock = None

    @staticmethod
    def _refuse_other(number: int, given: str, known: str, what: str) -> None:
        if given != known:
            raise UsageError(
                f"round {number} was {what} already, on another input",
                got=f"input {given[:12]}..., and the log has {known[:12]}...",
                ways_out=["give new rounds their own numbers", "start another --state"],
            )

    def _save(self) -> None:
        made = {"schema": SCHEMA, "policy": self.document.hash, "lines": len(self.log.places)}
        made |= {"hash": self.log.last, "state": plain(self.state)}
        write_text(self.folder / "state.json", to_json(made))

    def _recover(self) -> None:
        """Go on from the state that was saved, and the lines of the log that came after it."""
        places = self.log.places
        if places[0].input != self.document.hash:
            raise UsageError(
                "the folder belongs to another policy",
                got=f"{self.folder}: policy {places[0].input[:12]}..., given {self.document.hash[:12]}...",
                ways_out=["give the policy that it was begun with", "give another folder"],
            )
        self._rounds = {p.number: k for k, p in enumerate(places) if p.kind == ROUND and p.number is not None}
        self._outcomes = {
            p.number: k for k, p in enumerate(places) if p.kind == OUTCOME and p.number is not None
        }
        self._prev = next((p.hash for p in reversed(places) if p.kind == ROUND), places[0].hash)
        state, done = self._saved()
        for place in places[done:]:
            line, number = place.read(), place.number
            assert number is not None  # noqa: S101
            if place.kind == ROUND:
                round_ = round_in(line)
                self._pending[number] = round_, self.policy.act(state, round_)
                continue
            state = learned(self.policy, state, *self._pending.pop(number), line)
            if _digest(state) != line.covers["state"]:
                raise InputError(
                    "the log does not lead to the state that it names",
                    got=f"{place.file.name}, byte {place.start}: round {number}",
                    ways_out=["adl-opt shadow POLICY --verify LOG says where it differs"],
                )
        self.state, self._state_hash = state, _digest(state)
        if not self._pending:
            self._save()

    def _saved(self) -> tuple[Any, int]:
        path = self.folder / "state.json"
        if not path.exists():
            return self.policy.start(), 1
        try:
            given: Mapping[str, Any] = plain_json(file_bytes(path))
            lines = int(given["lines"])
            known = self.log.places[lines - 1].hash == given["hash"] and lines > 0
        except (ValueError, KeyError, TypeError, IndexError):
            known = False
        if not known:
            raise InputError(
                "the state is not one of this log",
                got=quoted(str(path)),
                ways_out=[
                    "restore log and state together",
                    "remove state.json: the log has it all",
                ],
            )
        return given["state"], lines


def _digest(state: Any) -> str:
    return sha256(compact(plain(state)))


def _locked(folder: Path) -> int:
    """Hold the folder for this process."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        ways_out = ["stop the other process", "give another folder"]
        raise UsageError("another process runs in this folder", got=str(folder), ways_out=ways_out) from error
    return handle
