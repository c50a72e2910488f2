"""Ids as whole numbers: whether they are unique, and where each of them stood in another round.

Comparing a million texts one by one is slow, so ids are compared as arrays of numbers.

1. An id becomes a row of 64-bit words (one byte a character, for ASCII) and one 64-bit hash of them.
2. The first bits of the hash are a slot in a table, and the table holds the row of the id.  If two ids want
   the same slot, one of them loses it and goes to a smaller table, and so on.
3. To find the ids of another round, most rounds need no table: accounts that stood side by side mostly still
   do.  One id of each block of 64 is looked up, and the others are expected beside it.  Where a hash
   disagrees, the table is asked.
4. Every answer is then compared with the words themselves.  The hash decides only how fast the answer is
   found.  If the tables cannot tell, names are looked up one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.intp]
Tables = tuple[tuple[np.uint64, np.uint64, npt.NDArray[np.int32]], ...]

_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_ROOM = 4
"""Slots for each id, at least: one id in twenty loses its slot, or fewer."""
_LEVELS = 12
_NAME_SHIFT = np.uint64(64 - 18)
"""Names that come often have 2**18 slots."""
_BLOCK = 64
"""Rows that are taken to have kept their order together."""


@dataclass(frozen=True, eq=False)
class Ids:
    """Ids with their words and hashes; tables are made when ids are looked for here.

    Parameters
    ----------
    text : (n,) str
    words : (n, w) uint64
        The characters, 8 to a word where all are ASCII, else 2.
    ascii : bool
    hashes : (n,) uint64

    Examples
    --------
    >>> Ids.of(np.array(["a", "b"])).find(Ids.of(np.array(["b", "c", "a"])))
    array([ 1, -1,  0])
    """

    text: npt.NDArray[np.str_]
    words: Words = field(repr=False)
    ascii: bool = field(repr=False)
    hashes: Words = field(repr=False)
    _taken: list[tuple[Rows, Ids]] = field(default_factory=list, repr=False)
    _places: WeakKeyDictionary[Ids, Rows] = field(default_factory=WeakKeyDictionary, repr=False)
    _joined: WeakKeyDictionary[Ids, Ids] = field(default_factory=WeakKeyDictionary, repr=False)

    @classmethod
    def of(cls, ids: npt.NDArray[np.str_] | Ids) -> Ids:
        """Return the ids with what finds them, O(n); what is so already, as it is."""
        if isinstance(ids, cls):
            return ids
        assert isinstance(ids, np.ndarray)  # noqa: S101
        words, plain = _packed(ids)
        hashes = _hashed(words)
        return cls(text=ids, words=words, ascii=plain, hashes=hashes)

    @cached_property
    def tables(self) -> Tables:
        """(shift, mixing factor, table of rows) in the order in which they are asked; -1 is an empty slot.

        None at all where they cannot hold every id: two are equal, or their hashes were made to collide.
        """
        return _tabled(self.hashes)

    @cached_property
    def by_name(self) -> dict[str, int]:
        """The row of each id, for what the tables cannot tell."""
        return dict(zip(self.text.tolist(), range(len(self)), strict=True))

    def take(self, rows: Rows) -> Ids:
        """Return some of the ids; the same rows again are the same object, with the tables it has by then.

        Every learner of a round asks for its newcomers, and they are the same for all.
        """
        if rows.size == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        for known, made in self._taken:
            if np.array_equal(known, rows):
                return made
        made = Ids(text=self.text[rows], words=self.words[rows], ascii=self.ascii, hashes=self.hashes[rows])
        self._taken.append((rows, made))
        return made

    @property
    def unique(self) -> bool:
        """Whether no id occurs twice."""
        return bool(self.tables) or np.unique(self.text).size == self.text.size

    def __len__(self) -> int:
        return self.text.size

    def equals(self, other: Ids) -> bool:
        """Return whether both hold the same ids in the same order."""
        if self is other or self.text is other.text:
            return True
        if not np.array_equal(self.hashes, other.hashes) or self.ascii is not other.ascii:
            return False
        ours, theirs = _alike(self.words, other.words)
        return np.array_equal(ours, theirs)

    def find(self, other: Ids) -> Rows | None:
        """Return the row here of each id of the other, (m,), -1 for one that is not here.

        None where the tables cannot tell; :meth:`places` then looks the names up one by one.
        """
        if not self.tables or self.ascii is not other.ascii:
            return None
        if not len(self):
            return np.full(len(other), -1)
        found = self._guessed(other)
        if found is None:
            found = self._rows(other.hashes)
        return self._compared(found, other)

    def after(self, before: Ids) -> Ids:
        """Return other ids with these behind them; asked again, the same object."""
        if before not in self._joined:
            self._joined[before] = Ids.of(np.concatenate((before.text, self.text)))
        return self._joined[before]

    def places(self, other: Ids) -> Rows:
        """Return the row here of each id of the other, (m,), -1 for one that is not here; by name if need be.

        The answer stays with the other ids for as long as both are there, as all who share a round ask the
        same.  Only to be read.
        """
        found = other._places.get(self)
        if found is None:
            found = self.find(other)
            if found is None:
                row = self.by_name.get
                found = np.array([row(name, -1) for name in other.text.tolist()], dtype=np.intp)
            found.setflags(write=False)
            other._places[self] = found
        return found

    def common(self, other: Ids) -> tuple[Rows, Rows]:
        """Return the rows here and the rows there of the ids that both hold, in the order there.

        Examples
        --------
        >>> here, there = Ids.of(np.array(["a", "b"])).common(Ids.of(np.array(["b", "c", "a"])))
        >>> here.tolist(), there.tolist()
        ([1, 0], [0, 2])
        """
        found = self.places(other)
        there = np.flatnonzero(found >= 0)
        return found[there], there

    def _rows(self, hashes: Words) -> Rows:
        """Return the row of each hash, (m,), -1 for one that is not here."""
        found = np.full(hashes.size, -1)
        rest = np.arange(hashes.size)
        for shift, factor, table in self.tables:
            asked = hashes if rest.size == found.size else hashes[rest]
            at = table.take(_slots(asked, shift, factor), mode="clip").astype(np.intp)
            lost = np.flatnonzero(self.hashes.take(at, mode="wrap") != asked)
            there = at[lost] >= 0  # an empty slot: the id is not here at all
            at[lost] = -1
            found[rest] = at
            rest = rest[lost[there]]
            if rest.size == 0:
                break
        return found

    def _guessed(self, other: Ids) -> Rows | None:
        """Return the rows where whole blocks kept their order, (m,); None where they did not.

        One id in each block is looked up, and the others are taken to stand beside it as they do there.
        Where the hashes say that they do not, they are taken to stand before the first id of the next block;
        what is left is looked up.
        """
        size, most = len(other), len(self) - _BLOCK
        if min(size, most) < _BLOCK:
            return None
        first = np.arange(0, size, _BLOCK)
        ahead = self._rows(other.hashes[::_BLOCK]) - first
        if 2 * np.count_nonzero(ahead[1:] == ahead[:-1]) < first.size:
            return None
        ahead = np.minimum(np.maximum(ahead, -first), most - first)
        found: Rows = np.add(np.arange(_BLOCK), (first + ahead)[:, None]).reshape(-1)[:size]
        rest = np.flatnonzero(self.hashes.take(found, mode="clip") != other.hashes)
        hashes = other.hashes[rest]
        again = np.clip(rest + ahead.take(rest // _BLOCK + 1, mode="clip"), 0, len(self) - 1)
        left = np.flatnonzero(self.hashes.take(again, mode="clip") != hashes)
        again[left] = self._rows(hashes[left])
        found[rest] = again
        return found

    def _compared(self, found: Rows, other: Ids) -> Rows | None:
        """Return the rows where the words agree wherever the hashes did, else None."""
        ours, theirs = _alike(self.words, other.words)
        here = ours.take(found, axis=0, mode="clip")
        away = np.flatnonzero(found < 0)
        here[away] = theirs[away]
        return found if np.array_equal(here, theirs) else None


def numbered(names: npt.NDArray[np.str_]) -> tuple[npt.NDArray[np.str_], Rows]:
    """Return the distinct names in order, and which of them each is: `np.unique` for few that come often.

    Notes
    -----
    O(n) and a sort of the distinct names, found by their hashes; where two of them meet in one slot, a sort
    of all.

    Examples
    --------
    >>> names, number = numbered(np.array(["b", "a", "b"]))
    >>> names.tolist(), number.tolist()
    (['a', 'b'], [1, 0, 1])
    """
    words, _ = _packed(names)
    slots = (_hashed(words) >> _NAME_SHIFT).view(np.intp)
    row = np.full(1 << int(np.uint64(64) - _NAME_SHIFT), -1, dtype=np.int32)
    row[slots] = np.arange(names.size, dtype=np.int32)
    if not np.array_equal(words[row[slots]], words):
        distinct, number = np.unique(names, return_inverse=True)
        return distinct, number
    rows = row[row >= 0]
    order = np.argsort(names[rows], kind="stable")
    row[row >= 0] = np.argsort(order)
    return names[rows[order]], row[slots].astype(np.intp)


def _packed(ids: npt.NDArray[np.str_]) -> tuple[Words, bool]:
    size = ids.dtype.itemsize // 4
    if not size or not ids.size:
        return np.zeros((ids.size, 1), dtype=np.uint64), True
    letters = np.ascontiguousarray(ids).view(np.uint32).reshape(ids.size, size)
    plain = int(letters.max()) < 128
    width, kind = (8, np.uint8) if plain else (2, np.uint32)
    padded: npt.NDArray[Any] = np.zeros((ids.size, -(-size // width) * width), dtype=kind)
    padded[:, :size] = letters
    return padded.view(np.uint64), plain


def _hashed(words: Words) -> Words:
    """Return sum_k words_k M^(k + 1), mixed; an empty word adds nothing, so the width does not count."""
    powers = [pow(int(_MIX), k + 1, 1 << 64) for k in range(words.shape[1])]
    hashes = words @ np.array(powers, dtype=np.uint64)
    return np.asarray((hashes ^ (hashes >> _HALF)) * _MIX)


def _slots(hashes: Words, shift: np.uint64, factor: np.uint64) -> Rows:
    return ((hashes * factor) >> shift).view(np.intp)


def _tabled(hashes: Words) -> Tables:
    tables, rows, factor = [], np.arange(hashes.size, dtype=np.int32), np.uint64(1)
    for _ in range(_LEVELS):
        bits = max(4, (_ROOM * rows.size - 1).bit_length())
        shift = np.uint64(64 - bits)
        slots = _slots(hashes[rows], shift, factor)
        table = np.full(1 << bits, -1, dtype=np.int32)
        table[slots] = rows
        tables.append((shift, factor, table))
        won = table[slots]
        lost = won != rows
        if (hashes[won[lost]] == hashes[rows[lost]]).any():  # the same id twice, as a rule
            return ()
        rows = rows[lost]
        if rows.size == 0:
            return tuple(tables)
        factor = np.uint64((int(factor) * int(_MIX)) & 0xFFFFFFFFFFFFFFFF)
    return ()


def _alike(first: Words, second: Words) -> tuple[Words, Words]:
    """Return both as wide as the wider one."""
    gap = first.shape[1] - second.shape[1]
    if gap > 0:
        second = np.pad(second, ((0, 0), (0, gap)))
    elif gap < 0:
        first = np.pad(first, ((0, 0), (0, -gap)))
    return first, second
