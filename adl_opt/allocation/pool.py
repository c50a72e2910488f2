"""The options of a round in the pool of dollars, which every rule is held to: who is exempt, caps, owners.

A rule is asked as if there were no cap.  Whoever gives up more than a cap allows gives up the cap, and the
rule is asked again about the others and the rest, until nobody is above a cap.  For pro-rata this is
water-filling; a queue goes on with the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.options import cohorts
from adl_opt.rounds.owners import Owners

if TYPE_CHECKING:
    from adl_opt.rounds.round import Allocation, Round
    from adl_opt.rounds.tables import Accounts

NEAR = 1e-12

Answer = Callable[["Round", float], "Allocation"]
"""What a rule gives up of a round, for so many USD."""


def has_options(accounts: Accounts) -> bool:
    """Say whether accounts have an option that holds in the pool."""
    return len(accounts.missing("exempt", "cap", "cohort_cap", "owner")) < 4


def within_options(answer: Answer, round_: Round, asked: float) -> Allocation:
    """Return the answer of a rule to a round in wealth, within the options of its accounts.

    Parameters
    ----------
    answer : callable
        The rule, from a round without options and USD to an Allocation.
    round_ : Round
    asked : float
        USD.
    """
    if not has_options(round_.accounts):
        return answer(round_, asked)
    if (owners := Owners.of(round_)) is not None:
        return owners.split(within_options(answer, owners.round, asked))
    accounts = round_.accounts
    if accounts.cap is not None:
        answer = _capped(answer, np.arange(len(accounts)), accounts.cap)
    if accounts.cohort_cap is not None:
        answer = _capped(answer, *cohorts(accounts))
    capacity = accounts.capacity
    if accounts.exempt is not None:
        capacity = np.where(accounts.exempt == 1, 0.0, capacity)
    bare = replace(accounts, exempt=None, cap=None, cohort=None, cohort_cap=None)
    found = answer(_with(replace(round_, accounts=bare), capacity), asked)
    return replace(found, asked=asked)


def _with(round_: Round, capacity: Floats) -> Round:
    return replace(round_, accounts=replace(round_.accounts, capacity=capacity))


def _capped(answer: Answer, group: Ints, cap: Floats) -> Answer:
    """Return an answer in which no group of accounts gives up more than its cap, USD."""

    def within(round_: Round, asked: float) -> Allocation:
        capacity = round_.accounts.capacity
        first = found = answer(round_, asked)
        parts, left = [], asked
        while (over := _over(found.x, group, cap)).any():
            for members in _members(over, group):
                part = _at_cap(answer, round_, np.where(members, capacity, 0.0), group, cap)
                parts.append(part)
                left -= part.executed
            capacity = np.where(over[group], 0.0, capacity)
            found = answer(_with(round_, capacity), max(left, 0.0))
        if not parts:
            return first
        parts.append(found)
        lots = None if found.lots is None else np.sum([p.lots for p in parts if p.lots is not None], axis=0)
        return replace(first, x=np.sum([part.x for part in parts], axis=0), lots=lots)

    return within


def _over(x: Floats, group: Ints, cap: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(np.bincount(group, x, cap.size) > cap * (1.0 + NEAR))


def _members(over: npt.NDArray[np.bool_], group: Ints) -> list[npt.NDArray[np.bool_]]:
    """Return the accounts of each group that is over; single accounts all at once, for each has its cap."""
    if group.size == over.size:
        return [over[group]]
    return [group == one for one in np.flatnonzero(over)]


def _at_cap(answer: Answer, round_: Round, capacity: Floats, group: Ints, cap: Floats) -> Allocation:
    """Return what the accounts with capacity give up where their groups give up their caps."""
    there = np.unique(group[capacity > 0])
    if group.size == cap.size:
        capacity = np.minimum(capacity, cap)
    asked = float(cap[there].sum())
    part = answer(_with(round_, capacity), asked)
    if part.executed > asked * (1.0 + NEAR):  # whole lots may take a little more: no lot beyond the cap
        part = answer(_with(round_, np.minimum(capacity, part.x * (asked / part.executed))), asked)
    return part
