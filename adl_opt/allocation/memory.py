"""What an allocation learner remembers of each account, by account id."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.columns import Floats, Ints, Text

Flags = npt.NDArray[np.bool_]
State = dict[str, Any]
"""``rounds`` (with a payment so far), and parallel lists ``id``, ``paid``, ``last``: JSON gives it back."""


class Memory(NamedTuple):
    """What is remembered of the accounts of a round: (n,) arrays, no unit.

    Parameters
    ----------
    paid : (n,)
        Burden to date: the sum of an account's haircut fractions; 0 for one that is new.
    last : (n,)
        Its fraction in the last round in which it had capacity; 0 for one that is new.
    known : (n,) bool
        Whether the account was there before.
    """

    paid: Floats
    last: Floats
    known: Flags

    def take(self, rows: npt.NDArray[np.intp]) -> Memory:
        """Return the memory of some of the accounts, in this order."""
        if rows.size == self.paid.size:
            return self
        return Memory(self.paid[rows], self.last[rows], self.known[rows])


def blank() -> State:
    """Return the state before the first round.

    Examples
    --------
    >>> blank()
    {'rounds': 0, 'id': [], 'paid': [], 'last': []}
    """
    return {"rounds": 0, "id": [], "paid": [], "last": []}


def recall(state: State, ids: Text) -> Memory:
    """Return what is remembered of these accounts, in their order; those that are new have paid nothing.

    Notes
    -----
    O(n + accounts ever seen).

    Examples
    --------
    >>> recall({"rounds": 1, "id": ["a"], "paid": [0.5], "last": [0.5]}, np.array(["b", "a"])).paid
    array([0. , 0.5])
    """
    place = _places(state, ids)
    known = place >= 0
    paid, last = np.zeros(place.size), np.zeros(place.size)
    if known.any():
        paid[known] = np.array(state["paid"])[place[known]]
        last[known] = np.array(state["last"])[place[known]]
    return Memory(paid, last, known)


def remember(state: State, ids: Text, fraction: Floats) -> State:
    """Return the state after a round in which these accounts gave up these fractions of capacity.

    Accounts that are away keep what they have.

    Examples
    --------
    >>> remember(blank(), np.array(["a"]), np.array([0.25]))
    {'rounds': 1, 'id': ['a'], 'paid': [0.25], 'last': [0.25]}
    """
    place = _places(state, ids)
    new = place < 0
    names, kept = state["id"], len(state["id"])
    if new.any():
        names = names + ids[new].tolist()
        place[new] = np.arange(kept, len(names))
    paid, last = np.zeros(len(names)), np.zeros(len(names))
    paid[:kept], last[:kept] = state["paid"], state["last"]
    paid[place] += fraction
    last[place] = fraction
    return {"rounds": state["rounds"] + 1, "id": names, "paid": paid.tolist(), "last": last.tolist()}


def _places(state: State, ids: Text) -> Ints:
    """Return where each account is kept, (n,), -1 for one that is new."""
    names = ids.tolist()
    if names == state["id"]:
        return np.arange(len(names))
    kept = dict(zip(state["id"], range(len(state["id"])), strict=True))
    return np.array([kept.get(name, -1) for name in names], dtype=np.int64)
