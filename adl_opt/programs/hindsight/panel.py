"""Accounts across rounds: who had how much capacity when, and which accounts can be merged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.episode import Episode


@dataclass(frozen=True, eq=False)
class Panel:
    """One entry per account and round with a positive capacity.

    Parameters
    ----------
    ids : (n,) text
        Every account of the episode, sorted, also those without capacity.
    needed : (T,) USD
    account, time : (k,) int
        Row in ``ids`` and index of the round, of each entry; sorted by account, then by time.
    capacity : (k,) USD > 0
    row : (k,) int
        Row of each entry among the accounts of all rounds, one round after the other.
    rows : int
        Number of those rows.
    """

    ids: Text
    needed: Floats
    account: Ints
    time: Ints
    capacity: Floats
    row: Ints
    rows: int

    @classmethod
    def of(cls, episode: Episode) -> Panel:
        """Collect the entries of an episode; an account is the same wherever its id is."""
        ids, sizes, capacity, needed = [], [], [], []
        for round_, outcome in episode:
            ids.append(round_.accounts.id)
            capacity.append(round_.accounts.capacity)
            sizes.append(len(round_.accounts))
            needed.append(outcome.needed)
        unique, account = np.unique(np.concatenate(ids), return_inverse=True)
        amount, time = np.concatenate(capacity), np.repeat(np.arange(len(sizes)), sizes)
        order = np.lexsort((time, account))
        order = order[amount[order] > 0.0]
        return cls(
            unique,
            np.array(needed, dtype=np.float64),
            account[order],
            time[order],
            amount[order],
            order,
            amount.size,
        )

    def entries(self, amounts: Floats) -> Floats:
        """Return the (k,) entries of amounts that are given for all rows."""
        return amounts[self.row]

    def amounts(self, entries: Floats) -> Floats:
        """Return the (rows,) amounts of all rows, 0 for those without an entry."""
        amounts = np.zeros(self.rows)
        amounts[self.row] = entries
        return amounts

    def per_round(self, amounts: Floats) -> Floats:
        """Return the (T,) sums of amounts of the entries."""
        return np.bincount(self.time, amounts, minlength=self.needed.size).astype(np.float64)

    @cached_property
    def start(self) -> Ints:
        """(k,) int: the first entry of each entry's account."""
        return np.searchsorted(self.account, self.account)

    @cached_property
    def visits(self) -> list[Ints]:
        """Entries by visit: the first of every account, the second of every account that returns, ..."""
        visit = np.arange(self.account.size) - self.start
        order = np.argsort(visit, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(visit[order])) + 1)

    @cached_property
    def available(self) -> Floats:
        """(k,) USD: the largest capacity that the account has had up to and including the entry's round."""
        most = self.capacity.copy()
        for entries in self.visits[1:]:
            most[entries] = np.maximum(most[entries], most[entries - 1])
        return most

    def cumulated(self, amounts: Floats) -> Floats:
        """Return running sums of amounts over the entries of each account."""
        sums = amounts.copy()
        for entries in self.visits[1:]:
            sums[entries] += sums[entries - 1]
        return sums

    def merged(self) -> tuple[Panel, Ints]:
        """Merge the accounts that are seen in one and the same round only.

        Returns
        -------
        panel : Panel
            Merged accounts come first, one for each round; they add their capacities.
        entry : (k,) int
            The entry of the merged panel that each entry is part of.
        """
        size = self.needed.size
        visits = np.bincount(self.account, minlength=self.ids.size)
        group = size + np.arange(self.ids.size)
        once = visits[self.account] == 1
        group[self.account[once]] = self.time[once]
        _, first, entry = np.unique(
            group[self.account] * size + self.time, return_index=True, return_inverse=True
        )
        _, account = np.unique(group[self.account[first]], return_inverse=True)
        ids = np.array([f"{number}" for number in range(int(np.max(account, initial=-1)) + 1)], dtype=np.str_)
        capacity = np.bincount(entry, self.capacity, minlength=first.size).astype(np.float64)
        rows = np.arange(first.size)
        return Panel(ids, self.needed, account, self.time[first], capacity, rows, rows.size), entry
