"""Who paid: the haircut of every account, by policy and round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.allocation.contracts import revealed, valued
from adl_opt.policy.policy import Policy, make_policy
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Allocation, Information

if TYPE_CHECKING:
    import pandas as pd


def paid_by_account(episode: Episode, policies: Iterable[str | Policy]) -> pd.DataFrame:
    """Return one row per policy, round and account that could pay.

    Parameters
    ----------
    episode : Episode
    policies : iterable of str or Policy
        Those that record no haircut of single accounts (production's published figures) give no rows.

    Returns
    -------
    DataFrame
        ``policy``, ``information``, ``round``, ``id``, ``capacity_usd`` > 0, ``haircut_usd``.

    Raises
    ------
    InputError
        A policy needs columns that a round lacks.

    Examples
    --------
    >>> import adl_opt as adl
    >>> frame = paid_by_account(adl.load("synthetic(accounts=5, rounds=2)"), ["pro-rata"])
    >>> list(frame.columns)
    ['policy', 'information', 'round', 'id', 'capacity_usd', 'haircut_usd']
    """
    import pandas as pd

    columns = ["policy", "information", "round", "id", "capacity_usd", "haircut_usd"]
    parts = [_rows(p if isinstance(p, Policy) else make_policy(p), episode) for p in policies]
    kept = [frame for part in parts for frame in part]
    return pd.concat(kept, ignore_index=True)[columns] if kept else pd.DataFrame(columns=columns)


def _rows(policy: Policy, episode: Episode) -> list[pd.DataFrame]:
    state, frames = policy.start(), []
    for round_, outcome in episode.in_space():
        early = policy.information is Information.START_OF_ROUND
        action = policy.act(state, round_) if early else policy.act_ex_post(state, round_, outcome)
        if not isinstance(action, Allocation):
            return []
        state = policy.learn(state, round_, outcome, action)
        if action.closures is not None:
            action = valued(action, round_, revealed(round_, outcome))
        frame = action.frame(round_)
        frame = frame[np.asarray(frame["capacity_usd"]) > 0]
        frames.append(
            frame.assign(policy=policy.name, information=policy.information.value, round=round_.number)
        )
    return frames
