"""`make_book`, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled, pairwise
from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.subset_sums import FloatArray, IntArray

INSERTED = 64
"""Accounts with more positions are sorted by merging instead of insertion."""


def make_book(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> Book:
    """Drop what cannot pay, sort by (account, dearest lot, index), join equal lots, cut at capacity."""
    room, most, kept, longest = _that_pay(capacity, base, account, value, lots)
    if longest > INSERTED:
        kept = _by_account(kept[np.argsort(-value[kept], kind="stable")], account, room.size)
    else:
        _dearest_first(kept, account, value)
    who, worth, have, origin = _lines(most, kept, account, value, lots)
    first, size, total, sure = _accounts(room, who, worth, have)
    return Book(base, capacity, total, who, worth, have, first, size, kept, origin, sure)


@compiled
def _that_pay(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> tuple[FloatArray, FloatArray, IntArray, int]:
    """Room of every account, lots that fit, positions that can pay by account, most of one account."""
    room = np.empty(capacity.size)
    for i in range(room.size):
        room[i] = capacity[i] * (1 + SLACK) if base[i] > 0 else 0.0
    most, kept, count = np.empty(account.size), np.empty(account.size, dtype=np.int64), 0
    for j in range(account.size):
        most[j] = np.floor(room[account[j]] / value[j])
    last, run, longest, in_order = 0, 0, 0, True
    for j in range(account.size):
        kept[count] = j
        count += (most[j] >= 1) & (lots[j] >= 1)
        run = run + 1 if account[j] == last else 1
        longest = max(longest, run)
        in_order &= account[j] >= last
        last = account[j]
    kept = kept[:count]
    if not in_order:
        kept = _by_account(kept, account, room.size)
        longest = int(np.max(np.bincount(account[kept]))) if count else 0
    return room, most, kept, longest


@compiled
def _by_account(kept: IntArray, account: IntArray, accounts: int) -> IntArray:
    """Sort positions by account, stably."""
    place, out = np.zeros(accounts + 1, dtype=np.int64), np.empty_like(kept)
    for position in kept:
        place[account[position] + 1] += 1
    place = np.cumsum(place)
    for position in kept:
        out[place[account[position]]] = position
        place[account[position]] += 1
    return out


@compiled
def _dearest_first(kept: IntArray, account: IntArray, value: FloatArray) -> None:
    """Sort the positions of every account in place, dearest lot first, equal ones in index order."""
    if kept.size == 0:
        return
    before, owner, worth, earlier = kept[0], account[kept[0]], value[kept[0]], -1
    for j in range(1, kept.size):
        moved, mine, v = kept[j], account[kept[j]], value[kept[j]]
        swap = (owner == mine) & (worth < v)
        kept[j - 1] = moved if swap else before
        deeper = swap & (earlier == mine)
        before, worth, owner, earlier = before if swap else moved, worth if swap else v, mine, owner
        kept[j] = before
        k = j - 1
        while deeper and k > 0 and account[kept[k - 1]] == mine and value[kept[k - 1]] < v:
            kept[k - 1], kept[k] = moved, kept[k - 1]
            k -= 1


@compiled
def _lines(
    most: FloatArray, kept: IntArray, account: IntArray, value: FloatArray, lots: IntArray
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Join equal lots of an account, cut at its room."""
    who, worth = np.empty(kept.size, dtype=np.int64), np.empty(kept.size)
    have, origin = np.empty(kept.size), np.empty(kept.size, dtype=np.int64)
    last, price, joined = -1, 0.0, False
    for j in range(kept.size):
        position = kept[j]
        i, v = account[position], value[position]
        joined |= (i == last) & (v == price)
        who[j], worth[j], origin[j] = i, v, j
        have[j] = min(float(lots[position]), most[position])
        last, price = i, v
    line = kept.size - 1
    if joined:
        line = -1
        for j in range(kept.size):
            if line < 0 or who[j] != who[line] or worth[j] != worth[line]:
                line += 1
                who[line], worth[line], have[line] = who[j], worth[j], 0.0
            have[line] = min(have[line] + lots[kept[j]], most[kept[j]])
            origin[j] = line
    return who[: line + 1], worth[: line + 1], have[: line + 1], origin


@compiled
def _accounts(
    room: FloatArray, who: IntArray, worth: FloatArray, have: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, float]:
    """First line and number of lines of every account, what all its lots can pay, and the sure sum (USD)."""
    size, paid = np.zeros(room.size, dtype=np.int64), np.zeros(room.size)
    last, count, total = -1, 0, 0.0
    for line in range(who.size):
        same = who[line] == last
        last = who[line]
        count = count + 1 if same else 1
        total = (total if same else 0.0) + have[line] * worth[line]
        size[last], paid[last] = count, total
    whole = np.empty(room.size)
    for i in range(room.size):
        whole[i] = paid[i] if paid[i] <= room[i] else 0.0
        paid[i] = paid[i] if paid[i] < room[i] else room[i]
    return np.cumsum(size) - size, size, paid, pairwise(whole, 0, whole.size)
