"""One round as a policy met it: from an episode, or from the log of a shadow."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.allocation.cells import Cell
from adl_opt.allocation.contracts import settled
from adl_opt.datasets.episodes import load
from adl_opt.errors import UsageError
from adl_opt.naming import episode_and_number, unknown_name
from adl_opt.policy.policy import GuestPolicy, Policy, as_policies
from adl_opt.reading.bounded import plain_json
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.round import Allocation, Information, Outcome, Pair, Recorded, Round, is_pair
from adl_opt.service.deciding import learned, outcome_in, round_in
from adl_opt.service.document import PolicyDocument, in_service
from adl_opt.service.log import START, read_log
from adl_opt.service.wire import OUTCOME, ROUND

DEFAULT = "pro-rata"
Given = Round | Pair | str | PathLike[str]


@dataclass(frozen=True, eq=False)
class Situation:
    """A policy before a round: what it knows, what it sees, and the outcome where it is known.

    ``source`` says where the round comes from, in words; ``before`` are the rounds of its episode before it.
    """

    policy: Policy
    state: Any
    round_: Round
    outcome: Outcome | None
    source: str
    before: tuple[Round, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.policy, GuestPolicy):
            ways_out = ["make the policy in Python: it then runs in this process", "see its rows in a replay"]
            raise UsageError(
                "a policy of another package is not explained: its rule runs in a process of its own",
                got=self.policy.name,
                ways_out=ways_out,
            )

    def run(self, round_: Round | None = None) -> Allocation:
        """Return what the policy takes in the round, or in a changed one, as reckoned at the mark."""
        return self.watched(round_)[0]

    def watched(self, round_: Round | None = None) -> tuple[Allocation, list[Cell]]:
        """Return what the policy takes, and in contracts each cell as the rule saw it last."""
        seen: dict[int, Cell] = {}
        round_ = round_ or self.round_
        inner = self.policy.allocation

        def close(plan: Any, cell: Cell) -> Ints:
            seen[cell.row] = cell
            return inner.close(plan, cell)

        rule, policy = copy(inner), copy(self.policy)
        object.__setattr__(rule, "close", close)
        object.__setattr__(policy, "allocation", rule)
        made = act(policy, self.state, round_, self.outcome)
        if isinstance(made, Recorded):
            ways_out = ["name a policy whose haircuts are computed, such as pro-rata"]
            got = f"{policy.name}: its sum is on record, and not who paid"
            raise UsageError("there are no haircuts to explain", got=got, ways_out=ways_out)
        return made, list(seen.values())

    def revealed(self, action: Allocation) -> Allocation:
        """Return what the policy took as the outcome reveals it, where there is one."""
        return action if self.outcome is None else settled(action, self.round_, self.outcome)


def act(policy: Policy, state: Any, round_: Round, outcome: Outcome | None) -> Allocation | Recorded:
    """Let a policy act on the information that it declares.

    Raises
    ------
    UsageError
        It needs the outcome, and there is none.
    """
    if policy.information is Information.START_OF_ROUND:
        return policy.act(state, round_)
    if outcome is None:
        rule = policy.allocation.name
        raise UsageError(
            f"the policy {policy.name!r} needs the outcome of the round",
            got=f"round {round_.number} without an outcome",
            ways_out=["give (Round, Outcome), or EPISODE:NUMBER", f"choose full-deficit/{rule}"],
        )
    return policy.act_ex_post(state, round_, outcome)


def is_deleveraged(action: Allocation, account: int) -> bool:
    """Say whether anything is taken of an account: a haircut, or in contracts a lot."""
    if action.closures is not None:
        return bool(np.any(action.closures.account == account))
    return bool(action.x[account] > 0.0)


def situation_of(given: Given, policy: object = None) -> Situation:
    """Return the case that is meant.

    Parameters
    ----------
    given : Round, (Round, Outcome), or str
        ``EPISODE:NUMBER`` such as ``oct10:28``, or ``DIR:NUMBER`` with the folder of a shadow's log.
    policy : Policy, str, path, severity, rule or model, optional
        By default the policy of the log, else pro-rata.

    Raises
    ------
    UsageError
        No round is meant, or an unknown name or number.
    InputError
        A folder or a log is refused.
    """
    if isinstance(given, Round):
        made = _policy(policy)
        return Situation(made, made.start(), given, None, "the round that was given")
    if not isinstance(given, (str, PathLike)):
        if not is_pair(given):
            ways_out = ["give a Round, (Round, Outcome), or EPISODE:NUMBER"]
            raise UsageError("one round is meant", got=f"{type(given).__name__}", ways_out=ways_out)
        made = _policy(policy)
        return Situation(made, made.start(), given[0], given[1], "the round that was given")
    name, number = episode_and_number(str(given))
    if number is None:
        ways_out = ["name the round: EPISODE:NUMBER, such as oct10:28", "or of a shadow: DIR:NUMBER"]
        raise UsageError("one round is explained", got=str(given), ways_out=ways_out)
    path = Path(name)
    if path.suffix == ".jsonl" or (path.is_dir() and any(path.glob("log-*.jsonl"))):
        return _from_log(path, number, policy)
    return _from_episode(name, number, _policy(policy))


def _policy(given: object) -> Policy:
    if isinstance(given, PathLike) or (isinstance(given, str) and given.endswith(".toml")):
        return in_service(given)[0]
    made = as_policies(DEFAULT if given is None else given)
    if len(made) != 1:
        names = ", ".join(policy.name for policy in made)
        raise UsageError("one policy is meant", got=names or "none", ways_out=["name one policy"])
    return made[0]


def _from_episode(name: str, number: int, policy: Policy) -> Situation:
    """Play the rounds before, where the policy remembers any."""
    episode = load(name)
    pairs = {r.number: (r, o) for r, o in episode}
    if number not in pairs:
        raise unknown_name(f"round of {name}", str(number), map(str, pairs))
    state = policy.start()
    if state != (None, None):
        for before in [n for n in pairs if n < number]:
            round_, outcome = pairs[before]
            action = act(policy, state, round_, outcome)
            state = policy.learn(state, round_, outcome, action) if isinstance(action, Allocation) else state
    earlier = tuple(r for n, (r, _) in pairs.items() if n < number)
    return Situation(policy, state, *pairs[number], f"round {number} of {episode.name}", earlier)


def _from_log(log: Path, number: int, given: object) -> Situation:
    """Play the log up to the round."""
    policy = None if given is None else _policy(given)
    state: Any = None
    begun: dict[int | None, tuple[Round, Allocation]] = {}
    found: Situation | None = None
    for _, line in read_log(log):
        if line.kind == START and state is None:
            start = plain_json(line.text)
            made = PolicyDocument(**start["policy"]).make() if policy is None else policy
            policy, state = made, start["state"] if given is None else made.start()
        assert policy is not None  # noqa: S101
        if line.kind == ROUND:
            round_ = round_in(line)
            if line.number == number:
                found = Situation(policy, state, round_, None, f"round {number} of the log {log}")
            if found is not None:
                continue
            action = act(policy, state, round_, None)
            assert isinstance(action, Allocation)  # noqa: S101
            begun[line.number] = round_, action
        elif line.kind == OUTCOME and found is not None and line.number == number:
            return replace(found, outcome=outcome_in(line))
        elif line.kind == OUTCOME and found is None:
            state = learned(policy, state, *begun.pop(line.number), line)
    if found is not None:
        return found
    raise unknown_name(f"round of {log}", str(number), map(str, begun))
