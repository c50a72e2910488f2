"""Matching the accounts of a round to those of the round before, most of which stay as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.columns import Ints, Text

_FIRST, _LARGEST = 128, 1024
_BREAKS = 16
"""Of this many accounts, one may break a run; above that, looking all of them up is faster."""


def followed(before: tuple[Text, Ints | None], ids: Text, index: Mapping[str, int], kept: int) -> Ints | None:
    """Return where each account is kept, from where those of the round before are; or None.

    Parameters
    ----------
    before : (ids (m,), places (m,) or None)
        The accounts of the round before and where they are kept, -1 for one that is not; None for 0 ... m-1.
    ids : (n,)
        The accounts of this round.
    index : mapping
        The place of every account that is kept, by id.
    kept : int
        Places from here on are those of another state.

    Returns
    -------
    (n,) int64, or None
        -1 for an account that is not kept.  None where the order differs so much that runs do not pay.

    Notes
    -----
    Runs of equal accounts are compared as bytes, one lookup where a run breaks: O(n + breaks).

    Examples
    --------
    >>> followed((np.array(["a", "b", "c"]), None), np.array(["a", "c"]), {"a": 0, "b": 1, "c": 2}, 3)
    array([0, 2])
    """
    if ids.dtype != before[0].dtype or not ids.size or not before[0].size:
        return None
    old, new = _words(before[0]), _words(ids)
    at = np.arange(before[0].size) if before[1] is None else before[1]
    place, i, j, breaks = np.full(ids.size, -1), 0, 0, 0
    row = None
    while i < ids.size:
        run = _run(old[j:], new[i:])
        place[i : i + run] = at[j : j + run]
        i, j, breaks = i + run, j + run, breaks + 1
        if i == ids.size:
            break
        if breaks > _BREAKS + ids.size // _BREAKS:
            return None
        if row is None:
            row = np.full(kept, -1)
            row[at[at >= 0]] = np.flatnonzero(at >= 0)
        found = index.get(str(ids[i]), -1)
        if 0 <= found < kept and row[found] >= 0:
            j = int(row[found])
        else:
            place[i] = found if found < kept else -1
            i += 1
    return place


def same(before: Text, ids: Text) -> bool:
    """Return whether both hold the same ids in the same order.

    Examples
    --------
    >>> same(np.array(["a", "b"]), np.array(["a", "b"]))
    True
    """
    if ids.dtype != before.dtype or ids.size != before.size or not ids.size:
        return False
    return _run(_words(before), _words(ids)) == ids.size


def _words(ids: Text) -> npt.NDArray[Any]:
    """Return the characters of each id, (n, words): the array itself, read as whole numbers."""
    size = 8 if ids.dtype.itemsize % 8 == 0 else 4
    return np.ascontiguousarray(ids).view(np.dtype(f"u{size}")).reshape(ids.size, -1)


def _run(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> int:
    """Return how many rows from the first on are the same."""
    words = old.shape[1]
    most, start, size = min(len(old), len(new)), 0, _FIRST
    while start < most:
        end = min(start + size, most)
        differ = (old[start:end] != new[start:end]).ravel()
        first = int(differ.argmax())
        if differ[first]:
            return int(start + first // words)
        start, size = end, min(2 * size, _LARGEST)
    return most
