"""Who paid: the haircut of every account, by policy and round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from adl_opt.allocation.contracts import settled
from adl_opt.losses import burden_base
from adl_opt.naming import unknown_name
from adl_opt.policy.sight import Reader, information_on
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.owners import by_owner
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Information, Outcome, Recorded, Round

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "policy",
    "information",
    "round",
    "id",
    "capacity_usd",
    "base_usd",
    "haircut_usd",
    "side",
    "leverage",
)


class Playable(Reader, Protocol):
    """What a policy does in a round."""

    @property
    def name(self) -> str:
        """Shown in tables."""

    def act(self, state: Any, round_: Round) -> Allocation:
        """Return the haircuts at the start of the round."""

    def act_ex_post(self, state: Any, round_: Round, outcome: Outcome) -> Allocation | Recorded:
        """Return the haircuts with the outcome in hand."""

    def learn(self, state: Any, round_: Round, outcome: Outcome, action: Allocation) -> Any:
        """Return the state after the round."""


def paid_by_account(
    episode: Episode, begun: Mapping[str, tuple[Playable, Any]], base: str, names: Iterable[str]
) -> pd.DataFrame:
    """Return one row per policy, round and account that could pay or did, by playing the policies again.

    Parameters
    ----------
    episode : Episode
    begun : mapping of name to (Policy, state)
        Policies, each with its state before the first round.
    base : str
        What burdens are measured against: ``capacity`` or ``equity``.
    names : iterable of str
        Which of them.  Those that record no haircut of single accounts (production) give no rows.

    Returns
    -------
    DataFrame
        ``policy``, ``information``, ``round``, ``id``, ``capacity_usd``, ``base_usd``, ``haircut_usd``;
        ``side`` (1 long, -1 short, 0 both) and ``leverage``, NaN where the round does not have them.

    Raises
    ------
    UsageError
        A name that is not among the policies.

    Examples
    --------
    >>> import adl_opt as adl
    >>> policy = adl.make_policy("pro-rata")
    >>> begun = {"pro-rata": (policy, policy.start())}
    >>> paid = paid_by_account(adl.load("synthetic(accounts=5, rounds=2)"), begun, "capacity", begun)
    >>> sorted(set(paid["round"])), bool((paid["haircut_usd"] <= paid["capacity_usd"]).all())
    ([1, 2], True)
    """
    import pandas as pd

    chosen = list(names)
    for name in chosen:
        if name not in begun:
            raise unknown_name("policy of this result:", name, begun)
    frames = [frame for name in chosen for frame in _frames(*begun[name], episode, base)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))


def played_again(episode: Episode, policy: Playable, state: Any) -> Iterator[tuple[Round, Allocation]]:
    """Yield each round with what a policy does in it, valued as revealed; nothing of a mere record.

    Sub-accounts are one, as their policy sees them.
    """
    for given, outcome in episode:
        round_ = by_owner(given)
        early = policy.information is Information.START_OF_ROUND
        action = policy.act(state, round_) if early else policy.act_ex_post(state, round_, outcome)
        if not isinstance(action, Allocation):
            return
        state = policy.learn(state, round_, outcome, action)
        yield round_, settled(action, round_, outcome)


def _frames(policy: Playable, state: Any, episode: Episode, base: str) -> Iterator[pd.DataFrame]:
    for round_, action in played_again(episode, policy, state):
        accounts, capacity = round_.accounts, capacity_of(round_)
        frame = action.frame(round_).assign(
            capacity_usd=capacity,
            policy=policy.name,
            information=information_on(policy, round_).value,
            round=round_.number,
            base_usd=capacity if base == "capacity" else burden_base(round_, base),
            side=_sides(round_),
            leverage=np.nan if accounts.leverage is None else accounts.leverage,
        )
        yield frame.loc[(capacity > 0) | (action.x > 0), list(COLUMNS)]


def _sides(round_: Round) -> Floats | float:
    """Return the side of each account: its own, or that of its positions, 0 where they are on both."""
    held, accounts = round_.positions, round_.accounts
    if accounts.side is not None:
        return accounts.side.astype(float)
    if held is None or held.side is None:
        return float("nan")
    long, short = (np.bincount(held.account[held.side == s], minlength=len(accounts)) > 0 for s in (1, -1))
    return np.where(long | short, long.astype(float) - short, np.nan)
