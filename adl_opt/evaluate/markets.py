"""In contracts: who was closed by market and side, what is left, and whose hedges are broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from adl_opt.errors import LackError
from adl_opt.evaluate.paid import Playable, played_again
from adl_opt.naming import unknown_name
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import tables_in_contracts
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    import pandas as pd

CELL = ["market", "losers"]


def broken_hedges(account: Ints, side: Ints, closed: Floats | Ints, n: int) -> npt.NDArray[np.bool_]:
    """Return which of n accounts hold both sides, in any markets, and had lots of one side only closed, (n,).

    Parameters
    ----------
    account, side : (m,) int
        Of each position with lots; +1 long, -1 short.
    closed : (m,) int
        Lots that were closed of it.
    n : int

    Examples
    --------
    >>> broken_hedges(np.array([0, 0, 1, 1, 2]), np.array([1, -1, 1, -1, 1]), np.array([5, 0, 2, 3, 4]), 3)
    array([ True, False, False])
    """
    holds, loses = (
        [np.bincount(account[rows & (side == s)], minlength=n) > 0 for s in (1, -1)]
        for rows in (np.ones(account.size, dtype=bool), closed > 0)
    )
    return np.asarray(holds[0] & holds[1] & (loses[0] ^ loses[1]))


def hedges_broken_by(round_: Round, closures: Closures) -> npt.NDArray[np.bool_]:
    """Return :func:`broken_hedges` of the accounts of a round in contracts, (n,)."""
    _, held = tables_in_contracts(round_)
    assert held.side is not None  # noqa: S101
    lots = np.bincount(closures.position, closures.lots, len(held))
    there = held.lots > 0
    return broken_hedges(held.account[there], held.side[there], lots[there], len(round_.accounts))


def per_market(episode: Episode, begun: Mapping[str, tuple[Playable, Any]], policy: str) -> pd.DataFrame:
    """Return who was closed under a policy, by market and side of the losers, by playing it again.

    Parameters
    ----------
    episode : Episode
        In contracts.
    begun : mapping of name to (Policy, state)
        Policies, each with its state before the first round.
    policy : str

    Returns
    -------
    DataFrame
        By ``market`` and ``losers`` (``long`` or ``short``; the other side pays), summed over rounds:
        ``rounds`` with a flow; ``flow``, ``wanted``, ``closed`` and ``residual`` in contracts (what the
        venue had to close, what the severity asked for, what was closed, what of that was not); ``accounts``
        that were closed, counted once a round; ``haircut_usd``, ``gain_usd`` (where the closing price was
        better than the market's) and ``residual_usd``; ``hedges_broken``, accounts that hold both sides, in
        any markets, and of which this side only was closed.

    Raises
    ------
    UsageError
        A name that is not among the policies.
    LackError
        The episode is in wealth, or the policy is a mere record.

    Examples
    --------
    >>> import adl_opt as adl
    >>> result = adl.replay("synthetic(accounts=50, rounds=2, markets=2, space=contracts)", "pro-rata")
    >>> frame = result.per_market("pro-rata")
    >>> frame.index.names, bool((frame["closed"] <= frame["wanted"] * (1 + 1e-9)).all())
    (FrozenList(['market', 'losers']), True)
    """
    import pandas as pd

    if policy not in begun:
        raise unknown_name("policy of this result:", policy, begun)
    frames = []
    for round_, action in played_again(episode, *begun[policy]):
        if (closures := action.closures) is not None:
            cells = _cells(closures, hedges_broken_by(round_, closures))
            frames.append(cells.assign(flow=tables_in_contracts(round_)[0].quantity))
    if not frames:
        raise LackError(
            "figures by market and side are those of closed contracts",
            got=f"{policy}: no contracts are closed, the space is {episode.space}",
            ways_out=['replay with space="contracts" (--space contracts)', "ask for another policy"],
        )
    by_round = pd.concat([frame.groupby(CELL, sort=False).sum().assign(rounds=1) for frame in frames])
    summed = by_round.groupby(CELL).sum()
    whole = ["rounds", "accounts", "hedges_broken"]
    summed[whole] = summed[whole].astype(int)
    amounts = ["flow", "wanted", "closed", "residual", "haircut_usd", "gain_usd", "residual_usd"]
    return summed[["rounds", *amounts[:4], "accounts", *amounts[4:], "hedges_broken"]]


def _cells(closures: Closures, broken: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return one row per row of the flow of a round; an account counts in the first row that closes it."""
    import pandas as pd

    k, row = closures.wanted.size, closures.row
    names = pd.DataFrame(list(closures.cells), columns=CELL)
    code = names.groupby(CELL, sort=False).ngroup().to_numpy()[row]
    first = np.zeros(row.size, dtype=bool)
    first[np.unique(np.stack([code, closures.account]), axis=1, return_index=True)[1]] = True
    given_up = closures.given_up[row] * closures.contracts
    left = closures.left()
    figures = {
        "wanted": closures.wanted,
        "closed": np.bincount(row, closures.contracts, k),
        "residual": left,
        "accounts": np.bincount(row[first], minlength=k),
        "haircut_usd": np.bincount(row, np.maximum(given_up, 0.0), k),
        "gain_usd": np.bincount(row, np.maximum(-given_up, 0.0), k),
        "residual_usd": left * np.maximum(closures.given_up, 0.0),
        "hedges_broken": np.bincount(row[first & broken[closures.account]], minlength=k),
    }
    return names.assign(**figures)
