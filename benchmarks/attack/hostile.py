"""Hostile policies, as a package that is installed beside the library would bring them.

Each class overrides one thing of a policy that is otherwise ``full-deficit/pro-rata``.  This file is copied
under the name of a package of its own and run only there.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adl_opt.allocation.catalogue import make_allocation
from adl_opt.policy.policy import Policy
from adl_opt.rounds.round import Allocation, Outcome
from adl_opt.severity.base import make_severity


@dataclass(frozen=True)
class Hostile(Policy):
    """What all of them are when they do no harm."""

    severity: Any = make_severity("full-deficit")
    allocation: Any = make_allocation("pro-rata")

    def plain(self, state: Any, round_: Any) -> Any:
        """Answer as a sound policy does."""
        return Policy.act(self, state, round_)


def _acting(name: str, act: Any) -> Any:
    return dataclass(frozen=True)(type(name, (Hostile,), {"act": act, "__doc__": (act.__doc__ or name)}))


def writes_rounds(self: Any, state: Any, round_: Any) -> Any:
    """Make the arrays of the round writeable and change them."""
    for array in (round_.accounts.capacity, round_.accounts.pnl, round_.accounts.index.hashes):
        array.setflags(write=True)
        array[:] = 1
    return self.plain(state, round_)


def reads_frames(self: Any, state: Any, round_: Any) -> Any:
    """Look for the outcome in the frames of the callers."""
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if isinstance(value, Outcome):
                return replace(self.plain(state, round_), asked=value.needed)
        frame = frame.f_back
    raise LookupError("no outcome in any frame")


def reads_heap(self: Any, state: Any, round_: Any) -> Any:
    """Look for an outcome of a round that is not over in all objects of the process."""
    found = [value for value in gc.get_objects() if isinstance(value, Outcome)]
    if len(found) >= round_.number:
        return replace(self.plain(state, round_), asked=found[-1].needed)
    raise LookupError("no outcome in the heap")


def changes_library(self: Any, state: Any, round_: Any) -> Any:
    """Replace the check of haircuts by one that accepts everything, and take too much."""
    from adl_opt.evaluate import check, replay

    check.check_allocation = replay.check_allocation = lambda *given, **more: None
    return Allocation(x=round_.accounts.capacity * 2.0, asked=1.0)


def exits(self: Any, state: Any, round_: Any) -> Any:
    """Call sys.exit(0)."""
    sys.exit(0)


def leaves(self: Any, state: Any, round_: Any) -> Any:
    """End the process at once, exit code 0."""
    os._exit(0)


def aborts(self: Any, state: Any, round_: Any) -> Any:
    """Abort."""
    os.abort()


def segfaults(self: Any, state: Any, round_: Any) -> Any:
    """Read memory that is not there."""
    import ctypes

    ctypes.string_at(0)


def kills_itself(self: Any, state: Any, round_: Any) -> Any:
    """Send itself SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


def raises(self: Any, state: Any, round_: Any) -> Any:
    """Raise an error whose text holds escapes."""
    raise KeyError("\x1b]0;title\x07\x1b[31mred")


def raises_unprintable(self: Any, state: Any, round_: Any) -> Any:
    """Raise an error that cannot be printed."""

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    raise Unprintable


def recurses(self: Any, state: Any, round_: Any) -> Any:
    """Call itself without end."""
    return recurses(self, state, round_)


def loops(self: Any, state: Any, round_: Any) -> Any:
    """Loop without end."""
    while True:
        pass


def sleeps(self: Any, state: Any, round_: Any) -> Any:
    """Sleep for years."""
    time.sleep(1e9)


def ignores_signals(self: Any, state: Any, round_: Any) -> Any:
    """Ignore SIGTERM and SIGINT, and loop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    return loops(self, state, round_)


def prints(self: Any, state: Any, round_: Any) -> Any:
    """Print a megabyte and escapes to stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        print("\x1b[2J{}" * 200_000, file=stream)
    os.write(1, b"{}" * 1000)
    return self.plain(state, round_)


def forks(self: Any, state: Any, round_: Any) -> Any:
    """Fork, so that two processes answer."""
    os.fork()
    return self.plain(state, round_)


def leaves_a_child(self: Any, state: Any, round_: Any) -> Any:
    """Leave a process in another session that keeps all streams open, and exit."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(20)
    os._exit(0)


def closes_streams(self: Any, state: Any, round_: Any) -> Any:
    """Close every file of the process."""
    os.closerange(0, 256)
    return self.plain(state, round_)


def allocates(self: Any, state: Any, round_: Any) -> Any:
    """Ask for memory without end."""
    kept = []
    while True:
        kept.append(np.ones(1 << 27))


def returns_nothing(self: Any, state: Any, round_: Any) -> Any:
    """Return None."""


def returns_text(self: Any, state: Any, round_: Any) -> Any:
    """Return haircuts that are texts."""
    return Allocation(x=np.array(["a"] * len(round_.accounts)), asked=1.0)


def returns_nan(self: Any, state: Any, round_: Any) -> Any:
    """Return haircuts that are no numbers."""
    return Allocation(x=np.full(len(round_.accounts), np.nan), asked=1.0)


def returns_too_much(self: Any, state: Any, round_: Any) -> Any:
    """Take twice the capacity."""
    return Allocation(x=round_.accounts.capacity * 2.0, asked=1.0)


def returns_negative(self: Any, state: Any, round_: Any) -> Any:
    """Give money to everyone."""
    return Allocation(x=-round_.accounts.capacity, asked=1.0)


def returns_another_shape(self: Any, state: Any, round_: Any) -> Any:
    """Return one haircut too few."""
    return Allocation(x=round_.accounts.capacity[1:], asked=1.0)


def asks_for_infinity(self: Any, state: Any, round_: Any) -> Any:
    """Say that it was asked for infinitely much."""
    return replace(self.plain(state, round_), asked=float("inf"))


@dataclass(frozen=True)
class StateOfObjects(Hostile):
    """Keep a state that is no plain value."""

    def learn(self, state: Any, round_: Any, outcome: Any, action: Any) -> Any:
        """Return an object as the state."""
        return object(), object()


@dataclass(frozen=True)
class HugeState(Hostile):
    """Keep a state of half a gigabyte."""

    def learn(self, state: Any, round_: Any, outcome: Any, action: Any) -> Any:
        """Return a long text as the state."""
        return "x" * (1 << 29), None


def raises_when_made() -> Any:
    """Raise when the policy is made."""
    raise RuntimeError("not today")


def exits_when_made() -> Any:
    """Exit when the policy is made."""
    sys.exit(3)


def makes_no_policy() -> Any:
    """Return something that is no policy."""
    return "pro-rata"


_ACTS = (
    *(writes_rounds, reads_frames, reads_heap, changes_library, exits, leaves, aborts, segfaults),
    *(kills_itself, raises, raises_unprintable, recurses, loops, sleeps, ignores_signals, prints, forks),
    *(leaves_a_child, closes_streams, allocates, returns_nothing, returns_text, returns_nan),
    *(returns_too_much, returns_negative, returns_another_shape, asks_for_infinity),
)
MADE = {act.__name__.replace("_", "-"): _acting(act.__name__, act) for act in _ACTS}
MADE |= {
    "state-of-objects": StateOfObjects,
    "huge-state": HugeState,
    "raises-when-made": raises_when_made,
    "exits-when-made": exits_when_made,
    "makes-no-policy": makes_no_policy,
}
"""The policies by name; those that exit or hang on import are modules of their own."""
globals().update({f"make_{name.replace('-', '_')}": made for name, made in MADE.items()})
SLOW = ("loops", "sleeps", "ignores-signals", "allocates", "leaves-a-child", "hangs-on-import", "huge-state")
"""Those that end by the limit of time or memory."""
IMPORTS = {"exits-on-import": "raise SystemExit(0)", "hangs-on-import": "while True: pass"}
NAMES = (*MADE, *IMPORTS)
WHAT = {name: (made.__doc__ or "").strip() for name, made in MADE.items()}
WHAT |= {"exits-on-import": "Exit when the module is imported.", "hangs-on-import": "Hang on import."}
