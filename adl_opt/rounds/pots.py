"""Who pays from what in contracts: the cross margin of an account, or an isolated position by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS, ISOLATED

if TYPE_CHECKING:
    from adl_opt.rounds.round import Round
    from adl_opt.rounds.tables import Accounts, Positions


def capacity_of(round_: Round) -> Floats:
    """Return the most that each account gives up, (n,) USD: in contracts the sum over its pots."""
    if round_.space != CONTRACTS or round_.positions is None:
        return round_.accounts.capacity
    return Pots.of(round_.accounts, round_.positions).limit


@dataclass(frozen=True, eq=False, kw_only=True)
class Pots:
    """The pots of a round: one for each account's cross margin, then one for each isolated position.

    Parameters
    ----------
    of_position : (m,) int
        The pot of each position.
    pnl, equity, capacity : (p,) USD
        Of each pot; the capacity is min(pnl+, equity+).
    limit : (n,) USD
        The most that an account gives up: the sum over its pots.  A capacity of its own below min(pnl+,
        equity+) holds for all its pots together.
    """

    of_position: Ints
    pnl: Floats
    equity: Floats
    capacity: Floats
    limit: Floats

    @classmethod
    @lru_cache(maxsize=2)
    def of(cls, accounts: Accounts, held: Positions) -> Pots:
        """Return the pots of the accounts and positions of a round in contracts.

        The last are kept: every policy of a round asks for the same, and tables are immutable.
        """
        n, alone = len(accounts), np.flatnonzero(held.margin_mode == ISOLATED)
        if not alone.size:
            figures = {name: getattr(accounts, name) for name in ("pnl", "equity", "capacity")}
            return cls(of_position=held.account, limit=accounts.capacity, **figures)
        owner, pnl = held.account[alone], held.pnl[alone]
        equity = held.isolated_margin[alone] + pnl
        all_pnl = np.concatenate([accounts.pnl - np.bincount(owner, pnl, minlength=n), pnl])
        all_equity = np.concatenate([accounts.equity - np.bincount(owner, equity, minlength=n), equity])
        capacity = np.clip(np.minimum(all_pnl, all_equity), 0.0, None)
        capacity[:n] = np.where(np.bincount(owner, minlength=n) > 0, capacity[:n], accounts.capacity)
        of_position = held.account.copy()
        of_position[alone] = n + np.arange(alone.size)
        in_all = capacity[:n] + np.bincount(owner, capacity[n:], minlength=n)
        agreed = accounts.capacity < np.clip(np.minimum(accounts.pnl, accounts.equity), 0.0, None)
        limit = np.where(agreed, np.minimum(accounts.capacity, in_all), in_all)
        return cls(of_position=of_position, pnl=all_pnl, equity=all_equity, capacity=capacity, limit=limit)
