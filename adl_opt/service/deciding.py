"""A decision and what is learned from it: pure steps, by which a log is played again too."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.policy.policy import Policy
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.service.log import Line
from adl_opt.service.proof import proof_of_decision
from adl_opt.service.wire import Revealed, read_line, sha256
from adl_opt.version import __version__

Decision = dict[str, Any]
"""A line: seq, round, policy, asked_usd, executed_usd, haircuts by id (USD), proof, prev, hash."""


def refuse_late(policy: Policy) -> None:
    """Refuse a policy that does not decide at the start of the round.

    Raises
    ------
    UsageError
        It names the policy, and what can run in its place.
    """
    if policy.information is not Information.START_OF_ROUND:
        allocation = policy.allocation.label()
        raise UsageError(
            "only a policy that decides at the start of the round can run in shadow",
            got=f"{policy.name!r} is {policy.information.value}: it needs the outcome to decide",
            ways_out=[
                f"name a severity that decides at the start: full-deficit/{allocation}",
                f"or one that learns: ftrl-exact/{allocation}",
                "see adl-opt policies for what each policy knows",
            ],
        )


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python look for unused objects after the block: a full search takes as long as a large decision."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def decided(policy: Policy, state: Any, round_: Round, *, seq: int, prev: str) -> tuple[Decision, Allocation]:
    """Return the decision of a policy in a state, without its hash, and what it rests on."""
    action = policy.act(state, round_)
    paying = np.flatnonzero(action.x)
    ids = round_.accounts.id[paying].tolist()
    made = {
        "seq": seq,
        "round": int(round_.number),
        "policy": policy.name,
        "asked_usd": float(action.asked),
        "executed_usd": action.executed,
        "haircuts": dict(zip(ids, action.x[paying].tolist(), strict=True)),
        "proof": proof_of_decision(policy, round_, action),
        "prev": prev,
    }
    return made, action


def learned(policy: Policy, state: Any, round_: Round, action: Allocation, ended: Line) -> Any:
    """Return the state after a round in which a policy acted so, from the line of its outcome."""
    return policy.learn(state, round_, outcome_in(ended), action)


def plain(state: Any) -> Any:
    """Return a state as JSON gives it back."""
    return list(state)


@cache
def code() -> str:
    """Return the version of the code: that of the package, and a hash of its files."""
    root = Path(__file__).parents[1]
    files = sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix())
    return f"{__version__}+{sha256(b''.join(path.read_bytes() for path in files))[:16]}"


def round_in(line: Line) -> Round:
    """Return the round of a line of a log."""
    made = read_line(line.text, f"round {line.number} of the log")
    assert isinstance(made, Round)  # noqa: S101
    return made


def outcome_in(line: Line) -> Outcome:
    """Return the outcome of a line of a log."""
    made = read_line(line.text, f"outcome of round {line.number} of the log")
    assert isinstance(made, Revealed)  # noqa: S101
    return made.outcome


def decision_in(line: Line) -> Decision:
    """Return the decision of a line of a log."""
    assert line.decision is not None  # noqa: S101
    return line.decision
