"""`make_book`, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled, pairwise
from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.subset_sums import BoolArray, FloatArray, IntArray


def make_book(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> Book:
    """Drop what cannot pay, sort by (account, dearest lot, index), join equal lots, cut at capacity."""
    room, most, kept, first, size = _by_account(capacity, base, account, value, lots)
    _dearest_first(kept, first, size, value)
    who, worth, have, first, size, origin, total, sure = _lines(room, most, kept, first, size, value, lots)
    return Book(base, capacity, total, who, worth, have, first, size, kept, origin, sure)


@compiled
def _by_account(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> tuple[FloatArray, FloatArray, IntArray, IntArray, IntArray]:
    """Room of every account, lots that fit, the positions that can pay by account, and where they lie."""
    room = np.empty(capacity.size)
    for i in range(room.size):
        room[i] = capacity[i] * (1 + SLACK) if base[i] > 0 else 0.0
    most, size = np.empty(account.size), np.zeros(room.size, dtype=np.int64)
    for j in range(account.size):
        most[j] = np.floor(room[account[j]] / value[j]) if lots[j] > 0 else 0.0
    for j in range(account.size):
        size[account[j]] += most[j] > 0
    first = np.empty_like(size)
    count = 0
    for i in range(size.size):
        first[i] = count
        count += size[i]
    kept, place = np.empty(count, dtype=np.int64), first.copy()
    for j in range(account.size):
        if most[j] > 0:
            kept[place[account[j]]] = j
            place[account[j]] += 1
    return room, most, kept, first, size


@compiled
def _dearest_first(kept: IntArray, first: IntArray, size: IntArray, value: FloatArray) -> None:
    """Sort the positions of every account in place, dearest lot first, equal ones in index order."""
    for i in range(first.size):
        if size[i] > 32:
            mine = kept[first[i] : first[i] + size[i]].copy()
            order = np.argsort(-value[mine], kind="mergesort")
            kept[first[i] : first[i] + size[i]] = mine[order]
            continue
        for j in range(first[i] + 1, first[i] + size[i]):
            moved, k = kept[j], j
            while k > first[i] and value[kept[k - 1]] < value[moved]:
                kept[k] = kept[k - 1]
                k -= 1
            kept[k] = moved


@compiled
def _lines(
    room: FloatArray,
    most: FloatArray,
    kept: IntArray,
    start: IntArray,
    held: IntArray,
    value: FloatArray,
    lots: IntArray,
) -> tuple[IntArray, FloatArray, FloatArray, IntArray, IntArray, IntArray, FloatArray, float]:
    """Join equal lots of an account; cut at its room; add up what it can pay."""
    who, worth = np.empty(kept.size, dtype=np.int64), np.empty(kept.size)
    have, origin = np.empty(kept.size), np.empty(kept.size, dtype=np.int64)
    first, size = np.empty_like(start), np.empty_like(held)
    total, whole = np.empty(room.size), np.empty(room.size)
    line = -1
    for i in range(room.size):
        first[i] = line + 1
        for j in range(start[i], start[i] + held[i]):
            position = kept[j]
            if line < first[i] or value[position] != worth[line]:
                line += 1
                who[line], worth[line], have[line] = i, value[position], 0.0
            have[line] = min(have[line] + lots[position], most[position])
            origin[j] = line
        size[i] = line + 1 - first[i]
        paid = 0.0
        for j in range(first[i], line + 1):
            paid += have[j] * worth[j]
        whole[i] = paid if paid <= room[i] else 0.0
        total[i] = min(paid, room[i])
    end = line + 1
    sure = pairwise(whole, 0, whole.size)
    return who[:end].copy(), worth[:end].copy(), have[:end].copy(), first, size, origin, total, sure
