"""What ties the rounds of an episode together: what an account pays over time, and what it has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.programs.terms.limits import CumulativeBurden
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

Entries = tuple[Ints, Ints, Floats]
"""Rows, places in the haircuts of all rounds end to end, upper bound of each row in USD."""


@dataclass(frozen=True, eq=False)
class Depletion:
    """x_1 + ... + x_t <= capacity of round t: what was taken is gone, and the data do not know of it."""

    name: str = field(default="depletion", kw_only=True)


Link = CumulativeBurden | Depletion


def link_rows(link: Link, rounds: Sequence[Round]) -> Entries:
    """Return the rows ``sum of haircuts <= bound`` of a link.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> rounds = [Round(deficit=0.0, accounts=Accounts(id=["a"], pnl=[u], equity=[u])) for u in (4.0, 6.0)]
    >>> rows, places, bounds = link_rows(CumulativeBurden(0.5), rounds)
    >>> rows.tolist(), places.tolist(), bounds.tolist()
    ([0, 0], [0, 1], [3.0])
    """
    if not isinstance(link, (CumulativeBurden, Depletion)):
        raise UsageError(
            "an episode is linked by something else than a link",
            got=repr(link),
            ways_out=["give CumulativeBurden(...) or Depletion()", "put terms of one round into its program"],
        )
    if not rounds or not sum(len(r.accounts) for r in rounds):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    _, key = np.unique(np.concatenate([r.accounts.id for r in rounds]), return_inverse=True)
    if isinstance(link, Depletion):
        return _depletion_rows(rounds, key)
    paid = np.zeros(int(key.max()) + 1)
    base = np.zeros_like(paid)
    np.maximum.at(paid, key, np.concatenate([link.paid_by(r) for r in rounds]))
    np.maximum.at(base, key, np.concatenate([link.base_by(r) for r in rounds]))
    return key, np.arange(key.size), np.maximum(link.cap * base - paid, 0.0)


def link_rates(link: Link, rounds: Sequence[Round]) -> Entries:
    """Return (rows, places, rates): how the bounds of a link move per USD of capacity of an account.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> rounds = [Round(deficit=0.0, accounts=Accounts(id=["a"], pnl=[u], equity=[u])) for u in (4.0, 6.0)]
    >>> [part.tolist() for part in link_rates(CumulativeBurden(0.5), rounds)]
    [[0], [1], [0.5]]
    """
    rows, places, bounds = link_rows(link, rounds)
    if isinstance(link, Depletion):  # the last haircut of a row is that of the round whose capacity bounds it
        order = np.lexsort((places, rows))
        last = order[np.flatnonzero(np.diff(rows[order], append=-1))]
        return rows[last], places[last], np.ones(last.size)
    base = np.concatenate([link.base_by(r) for r in rounds]) if rows.size else np.empty(0)
    order = np.lexsort((base, rows))
    largest = order[np.flatnonzero(np.diff(rows[order], append=-1))]
    ids = np.concatenate([r.accounts.id for r in rounds]) if rows.size else np.empty(0, dtype=np.str_)
    own = ~np.isin(ids[largest], list(link.base or {})) & (bounds[rows[largest]] > 0)
    return rows[largest], largest, np.where(own, link.cap, 0.0)


def _depletion_rows(rounds: Sequence[Round], key: Ints) -> Entries:
    ends = np.cumsum([len(r.accounts) for r in rounds])
    rows, places, bounds, count = [], [], [], 0
    for t in range(1, len(rounds)):
        here, before = np.arange(ends[t - 1], ends[t]), np.arange(ends[t - 1])
        seen = np.isin(key[here], key[before])
        row_of = np.full(int(key.max()) + 1, -1)
        row_of[key[here[seen]]] = np.arange(count, count + int(seen.sum()))
        among = np.arange(ends[t])
        among = among[row_of[key[among]] >= 0]
        rows.append(row_of[key[among]])
        places.append(among)
        bounds.append(rounds[t].accounts.capacity[seen])
        count += int(seen.sum())
    return (
        np.concatenate([*rows, np.empty(0, dtype=np.int64)]).astype(np.int64),
        np.concatenate([*places, np.empty(0, dtype=np.int64)]).astype(np.int64),
        np.concatenate([*bounds, np.empty(0)]),
    )


def link_violation(link: Link, rounds: Sequence[Round], xs: Sequence[Floats]) -> float:
    """Return by how much haircuts break a link, USD."""
    rows, places, bounds = link_rows(link, rounds)
    paid = np.bincount(rows, weights=np.concatenate([*xs, np.empty(0)])[places], minlength=bounds.size)
    return float(np.max(paid - bounds, initial=0.0))
