"""What an allocation learner remembers of each account, by account id.

Accounts come, leave and return, and each round lists them in an order of its own.  The roster lists every
account once, in the order in which it was first seen.  The arrays ``paid`` and ``last`` follow the roster.

A round first finds the place of each of its accounts in the roster.  Most accounts were also in the round
before, and their places are known from there.  The others are looked up in the whole roster, and those that
are not in it are appended.  If a round has the same accounts in the same order as the roster, nothing is
looked up at all.

The roster is a few pieces: the accounts of a first round, then newcomers.  Learners share pieces.  A short
piece is joined with the next, so there are never many.  To readers and to JSON the state is a plain dict of a
number and three lists.  The lists are made only when somebody reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.ids import Ids

_JOIN = 2
"""A piece of the roster is joined with a next one that is longer than its half."""

Flags = npt.NDArray[np.bool_]


class Memory(NamedTuple):
    """What is remembered of the accounts of a round: (n,) arrays, no unit.

    Parameters
    ----------
    paid : (n,)
        Burden to date: the sum of an account's haircut fractions; 0 for one that is new.
    last : (n,)
        Its fraction in the last round in which it had capacity, in units of ``share`` as
        :func:`remember` was given it; 0 for one that is new.  Negative where units are given and it was away
        since.
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


@dataclass(frozen=True)
class Roster:
    """All accounts ever seen, in the order of their first round, in pieces that learners share.

    The first piece is the ids of a round, and each later one the newcomers of a round.  Pieces that are small
    beside what follows are joined, so that there are few: each is at least `_JOIN` times as long as the next.
    """

    pieces: tuple[Ids, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def names(self) -> list[str]:
        """Return the ids as plain text."""
        return [name for piece in self.pieces for name in piece.text.tolist()]

    def extended(self, new: Ids) -> Roster:
        """Return a roster that goes on with the new ids."""
        pieces = list(self.pieces)
        while pieces and len(pieces[-1]) < _JOIN * len(new):
            new = new.after(pieces.pop())
        return Roster((*pieces, new))

    def places(self, ids: Ids) -> Ints:
        """Return where each id stands, (m,), -1 for one that is new."""
        found, start = np.full(len(ids), -1), 0
        for piece in self.pieces:
            place = piece.places(ids)
            found = np.where(place < 0, found, start + place)
            start += len(piece)
        return found


class State(dict[str, Any]):
    """``rounds`` (with a payment so far) and parallel ``id``, ``paid``, ``last``: a plain value when asked.

    It is the dict of a number and three lists that it looks like, to JSON and to every reader; but the lists
    are made only when read.  Between rounds the figures stay in arrays, and the accounts of the last round
    stay matched to their places, so that a round of the same accounts matches no id again.
    """

    def __init__(self, rounds: int, roster: Roster, paid: Floats, last: Floats) -> None:
        super().__init__(rounds=rounds)
        self.roster, self.paid, self.last = roster, paid, last
        self.seen: tuple[Ids, Ints | None] | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> State:
        """Return the state that a plain value describes."""
        if isinstance(value, cls):
            return value
        roster = Roster().extended(Ids.of(np.array(list(value["id"]), dtype=np.str_)))
        return cls(value["rounds"], roster, *(np.array(value[k], dtype=np.float64) for k in ("paid", "last")))

    @property
    def plain(self) -> dict[str, Any]:
        """The number and the lists."""
        return {key: self[key] for key in ("rounds", "id", "paid", "last")}

    def __missing__(self, key: str) -> list[Any]:
        """Return a list that was not read before."""
        if key not in ("id", "paid", "last"):
            raise KeyError(key)
        return self.roster.names() if key == "id" else list(getattr(self, key).tolist())

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return 4

    # What dict says of itself leaves out the lists that nobody has read; Mapping reads what it needs.
    items, keys, values, get = Mapping.items, Mapping.keys, Mapping.values, Mapping.get  # type: ignore[assignment]
    __contains__, __eq__, __ne__ = Mapping.__contains__, Mapping.__eq__, object.__ne__
    __hash__ = None

    def __repr__(self) -> str:
        return repr(self.plain)

    def __reduce__(self) -> tuple[Callable[..., State], tuple[dict[str, Any]]]:
        return State.of, (self.plain,)


def blank() -> State:
    """Return the state before the first round.

    Examples
    --------
    >>> blank()
    {'rounds': 0, 'id': [], 'paid': [], 'last': []}
    """
    return State(0, Roster(), np.zeros(0), np.zeros(0))


def recall(state: Mapping[str, Any], ids: Text | Ids) -> Memory:
    """Return what is remembered of these accounts, in their order; those that are new have paid nothing.

    Notes
    -----
    O(n) array operations; accounts that were not in the last round are looked for among all that were.
    Give :attr:`~adl_opt.rounds.tables.Accounts.index`, made once with the accounts, rather than their names.

    Examples
    --------
    >>> recall({"rounds": 1, "id": ["a"], "paid": [0.5], "last": [0.5]}, np.array(["b", "a"])).paid
    array([0. , 0.5])
    """
    past, here = State.of(state), Ids.of(ids)
    place = _places(past, here)
    if place is None:
        return Memory(past.paid, past.last, np.ones(len(here), dtype=np.bool_))
    known = place >= 0
    if past.paid.size == 0:
        return Memory(np.zeros(len(here)), np.zeros(len(here)), known)
    paid, last = past.paid.take(place, mode="clip"), past.last.take(place, mode="clip")
    new = np.flatnonzero(~known)
    paid[new] = last[new] = 0.0
    return Memory(paid, last, known)


def remember(
    state: Mapping[str, Any],
    ids: Text | Ids,
    fraction: Floats,
    rows: npt.NDArray[np.intp] | None = None,
    share: float | None = None,
) -> State:
    """Return the state after a round in which these accounts gave up these fractions of capacity.

    Accounts that are away keep what they have; so do all but ``rows``, where given: the (k,) accounts, in
    order, that the (k,) fractions are of.  With ``share``, the last fractions are kept in units of it, and
    those of accounts that are away get a minus sign.

    Examples
    --------
    >>> remember(blank(), np.array(["a"]), np.array([0.25]))
    {'rounds': 1, 'id': ['a'], 'paid': [0.25], 'last': [0.25]}
    """
    past, here = State.of(state), Ids.of(ids)
    place, roster, kept = _places(past, here), past.roster, past.paid.size
    if place is None and rows is None:
        made = State(past["rounds"] + 1, roster, past.paid + fraction, fraction / (share or 1.0))
        made.seen = (here, None)
        return made
    whole = np.arange(len(here)) if place is None else place.copy()
    new = np.flatnonzero(whole < 0) if rows is None else rows[whole[rows] < 0]
    if new.size:
        roster = roster.extended(here.take(new))
        whole[new] = np.arange(kept, kept + new.size)
    paid, last = np.empty(kept + new.size), np.empty(kept + new.size)
    paid[:kept], last[:kept] = past.paid, past.last
    paid[kept:] = last[kept:] = 0.0
    if share is not None:
        np.negative(np.abs(last, out=last), out=last)
    paying = whole if rows is None else whole[rows]
    paid[paying] += fraction
    last[paying] = fraction / (share or 1.0)
    made = State(past["rounds"] + 1, roster, paid, last)
    made.seen = (here, None if _in_order(whole, paid.size) else whole)
    return made


def _in_order(place: Ints, kept: int) -> bool:
    return place.size == kept and bool(np.array_equal(place, np.arange(kept)))


def _places(past: State, ids: Ids) -> Ints | None:
    """Return where each account is kept, (n,), -1 for one that is new; None for all, in the order kept."""
    kept = past.paid.size
    if kept == 0:
        return np.full(len(ids), -1)
    if past.seen is not None and past.seen[0].equals(ids):
        past.seen = (ids, past.seen[1])
        return past.seen[1]
    place = _looked_up(past, ids)
    past.seen = (ids, None if _in_order(place, kept) else place)
    return past.seen[1]


def _looked_up(past: State, ids: Ids) -> Ints:
    """Return the places, from the accounts of the last round where that can be, else in the whole roster."""
    if past.seen is None or not len(past.seen[0]):  # a round without accounts knows no place
        return past.roster.places(ids)
    before, at = past.seen
    place = before.places(ids)
    if at is not None:
        place = np.where(place < 0, -1, at.take(place, mode="clip"))
    left = np.flatnonzero(place < 0)
    if left.size:
        place = place.copy()
        place[left] = past.roster.places(ids.take(left))
    return place
