"""What an allocation learner remembers of each account, by account id."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.ids import Ids

Flags = npt.NDArray[np.bool_]


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


@dataclass
class Book:
    """All accounts ever seen, in the order of their first round; it only grows, so that states share it."""

    names: list[str] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)

    def extended(self, size: int, new: list[str]) -> Book:
        """Return a book whose first ``size`` names are as here and which goes on with the new ones."""
        book = self
        if size < len(self.names):  # another state has gone on from here with accounts of its own
            book = Book(self.names[:size], dict(zip(self.names[:size], range(size), strict=True)))
        book.place.update(zip(new, range(size, size + len(new)), strict=True))
        book.names.extend(new)
        return book


class State(dict[str, Any]):
    """``rounds`` (with a payment so far) and parallel ``id``, ``paid``, ``last``: a plain value when asked.

    It is the dict of a number and three lists that it looks like, to JSON and to every reader; but the lists
    are made only when read.  Between rounds the figures stay in arrays, and the accounts of the last round
    stay matched to their places, so that a round of the same accounts matches no id again.
    """

    def __init__(self, rounds: int, book: Book, paid: Floats, last: Floats) -> None:
        super().__init__(rounds=rounds)
        self.book, self.paid, self.last = book, paid, last
        self.seen: tuple[Ids, Ints | None] | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> State:
        """Return the state that a plain value describes."""
        if isinstance(value, cls):
            return value
        names = list(value["id"])
        book = Book(names, dict(zip(names, range(len(names)), strict=True)))
        return cls(value["rounds"], book, *(np.array(value[k], dtype=np.float64) for k in ("paid", "last")))

    @property
    def plain(self) -> dict[str, Any]:
        """The number and the lists."""
        return {key: self[key] for key in ("rounds", "id", "paid", "last")}

    def __missing__(self, key: str) -> list[Any]:
        """Return a list that was not read before."""
        if key not in ("id", "paid", "last"):
            raise KeyError(key)
        return self.book.names[: self.paid.size] if key == "id" else list(getattr(self, key).tolist())

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return the items of the plain value."""
        return self.plain.items()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """Return the keys of the plain value."""
        return self.plain.keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return the values of the plain value."""
        return self.plain.values()

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return 4

    def __contains__(self, key: object) -> bool:
        return key in self.plain

    def __eq__(self, other: object) -> bool:
        return self.plain == (other.plain if isinstance(other, State) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

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
    return State(0, Book(), np.zeros(0), np.zeros(0))


def recall(state: Mapping[str, Any], ids: Text | Ids) -> Memory:
    """Return what is remembered of these accounts, in their order; those that are new have paid nothing.

    Notes
    -----
    O(n) array operations and one look-up by name for each account that was not in the last round; O(n)
    look-ups by name where no round is known.  Give :attr:`~adl_opt.rounds.tables.Accounts.index`, made once
    with the accounts, rather than their names.

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
    state: Mapping[str, Any], ids: Text | Ids, fraction: Floats, rows: npt.NDArray[np.intp] | None = None
) -> State:
    """Return the state after a round in which these accounts gave up these fractions of capacity.

    Accounts that are away keep what they have; so do all but ``rows``, where given: the (k,) accounts, in
    order, that the (k,) fractions are of.

    Examples
    --------
    >>> remember(blank(), np.array(["a"]), np.array([0.25]))
    {'rounds': 1, 'id': ['a'], 'paid': [0.25], 'last': [0.25]}
    """
    past, here = State.of(state), Ids.of(ids)
    place, book, kept = _places(past, here), past.book, past.paid.size
    if place is None and rows is None:
        made = State(past["rounds"] + 1, book, past.paid + fraction, np.array(fraction))
        made.seen = (here, None)
        return made
    whole = np.arange(len(here)) if place is None else place.copy()
    new = np.flatnonzero(whole < 0) if rows is None else rows[whole[rows] < 0]
    if new.size:
        book = book.extended(kept, here.text[new].tolist())
        whole[new] = np.arange(kept, kept + new.size)
    paid, last = np.zeros(kept + new.size), np.zeros(kept + new.size)
    paid[:kept], last[:kept] = past.paid, past.last
    paying = whole if rows is None else whole[rows]
    paid[paying] += fraction
    last[paying] = fraction
    made = State(past["rounds"] + 1, book, paid, last)
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
    place = _looked_up(past, ids, kept)
    past.seen = (ids, None if _in_order(place, kept) else place)
    return past.seen[1]


def _looked_up(past: State, ids: Ids, kept: int) -> Ints:
    """Return the places, from the accounts of the last round where that can be, else by name."""
    place = None
    if past.seen is not None:
        before, at = past.seen
        place = before.find(ids)
        if place is not None and at is not None:
            place = np.where(place < 0, -1, at.take(place, mode="clip"))
    if place is None:
        place = np.full(len(ids), -1)
    find, left = past.book.place.get, np.flatnonzero(place < 0)
    if left.size:
        named = np.array([find(name, -1) for name in ids.text[left].tolist()])
        place[left] = np.where(named < kept, named, -1)
    return place
