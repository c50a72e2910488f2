"""Code of others in a process of its own: what a policy of another package, or a model by its path, runs in.

The process is a fresh interpreter.  It has this package and the foreign code, and learns of an episode only
what it is sent: the rounds, and the outcome of a round after it has decided on it (before, if it says that
it is ex post).  It cannot reach the rounds, results or memory of others.  What it prints is dropped.  A call
that fails, ends the process or takes longer than :func:`call_seconds` is a :class:`PolicyError`, and nothing
of it is left running.

This is no sandbox: the process has the rights of the user (see docs/security.md).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, ClassVar

from adl_opt.allocation.base import AllocationRule
from adl_opt.errors import PolicyError, printable
from adl_opt.policy.wire import of_message, receive, send
from adl_opt.rounds.contracts import SPACES
from adl_opt.severity.base import Severity

CALL_SECONDS = 60.0
START_SECONDS = 10.0
"""The least time for the start of a process, whatever the limit of a call."""
_MAIN = "from adl_opt.policy.guest_main import serve; serve()"


def call_seconds() -> float:
    """Return how long a call may take: ``ADL_OPT_PLUGIN_SECONDS``, or 60 seconds."""
    try:
        return max(float(os.environ.get("ADL_OPT_PLUGIN_SECONDS", CALL_SECONDS)), 0.001)
    except ValueError:
        return CALL_SECONDS


@dataclass(eq=False)
class Guest:
    """A policy in a process of its own; the process starts with the first call.

    Parameters
    ----------
    name : str
        What the policy is called in messages.
    recipe : dict
        Plain values from which :mod:`adl_opt.policy.guest_main` makes it.
    """

    name: str
    recipe: dict[str, Any]
    _process: _Process | None = field(default=None, repr=False)
    _used: bool = field(default=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "recipe": self.recipe, "_process": None, "_used": False}

    def facts(self) -> dict[str, Any]:
        """Return what the policy says of itself; the process starts if it does not run."""
        return self._running().facts

    def begin(self) -> Any:
        """Return the state before the first round, in a process that has seen no round."""
        if self._used:
            self.end()
        return self.call("start")

    def call(self, what: str, *given: Any) -> Any:
        """Return the answer to a call.

        Raises
        ------
        PolicyError
            The code failed, ended its process, or took too long.
        """
        process = self._running()
        self._used = True
        return self._asked(process, (what, *given), call_seconds())["answer"]

    def end(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process, self._used = None, False

    def _running(self) -> _Process:
        if self._process is None:
            self._process = process = _Process()
            process.facts = self._asked(
                process, (list(sys.path), self.recipe), max(call_seconds(), START_SECONDS)
            )
        return self._process

    def _asked(self, process: _Process, question: Any, seconds: float) -> dict[str, Any]:
        try:
            answer = process.exchange(pickle.dumps(question), seconds)
            process.asked += 1
            plain = of_message(answer)
            if plain["question"] != process.asked:
                raise ValueError("an answer to another question")
        except queue.Empty:
            raise self._failed(f"no answer within {seconds:g} seconds") from None
        except (EOFError, OSError):
            raise self._failed(f"its process ended{process.how_ended()}") from None
        except Exception as error:
            raise self._failed(f"what it answered cannot be read ({type(error).__name__})") from error
        except BaseException:
            self.end()  # Ctrl-C: the answer that is due would be taken for that of the next call
            raise
        if "error" in plain:
            raise self._failed(str(plain["error"]), end="facts" not in vars(process))
        return plain

    def _failed(self, why: str, *, end: bool = True) -> PolicyError:
        if end:
            self.end()
        return PolicyError(
            f"policy {self.name!r} failed",
            got=in_one_line(why),
            ways_out=["leave the policy out", "repair its code", "ADL_OPT_PLUGIN_SECONDS sets the limit"],
        )


@dataclass(frozen=True)
class GuestSeverity(Severity):
    """The severity of a guest, which only says its name here."""

    guest: Guest
    name: ClassVar[str] = "guest"

    def label(self) -> str:
        """Return what it calls itself."""
        return str(self.guest.facts()["severity"])


@dataclass(frozen=True)
class GuestRule(AllocationRule):
    """The allocation of a guest, which only says its name here."""

    guest: Guest
    name: ClassVar[str] = "guest"
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def label(self) -> str:
        """Return what it calls itself."""
        return str(self.guest.facts()["allocation"])


class _Process:
    """The interpreter, and a thread that waits for its answers."""

    facts: dict[str, Any]

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
        self.child = subprocess.Popen(  # noqa: S603  (this interpreter, and no argument from outside)
            [sys.executable, "-P", "-c", _MAIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        self.questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
        threading.Thread(
            target=_exchanges, args=(self.child, self.questions, self.answers), daemon=True
        ).start()
        self.asked = 0
        self.kill = weakref.finalize(self, _kill, self.child, self.questions)

    def exchange(self, question: bytes, seconds: float) -> bytes:
        """Return the answer to a question; raise queue.Empty when the time is up."""
        self.questions.put(question)
        answer = self.answers.get(timeout=seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def how_ended(self) -> str:
        """Return the exit code, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.child.wait(timeout=1.0)
            return f" (signal {-code})" if code < 0 else f" (exit code {code})"
        return ""


def _exchanges(
    child: subprocess.Popen[bytes],
    questions: queue.SimpleQueue[bytes | None],
    answers: queue.SimpleQueue[bytes | Exception],
) -> None:
    assert child.stdin is not None  # noqa: S101
    assert child.stdout is not None  # noqa: S101
    try:
        while (question := questions.get()) is not None:
            send(child.stdin, question)
            answers.put(receive(child.stdout))
    except Exception as error:  # the waiting call raises it
        answers.put(error)
    for stream in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            stream.close()


def _kill(child: subprocess.Popen[bytes], questions: queue.SimpleQueue[bytes | None]) -> None:
    """End the process and those that it started, unless they left its group."""
    questions.put(None)
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5.0)


def in_one_line(text: str, longest: int = 300) -> str:
    """Return text in one line without control characters, cut where it is long."""
    return printable(" ".join(text.split())[:longest])
