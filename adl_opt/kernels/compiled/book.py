"""`make_book`, compiled."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.compiled.jit import compiled
from adl_opt.kernels.compiled.order import INSERTED, by_class, pairwise
from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.subset_sums import FloatArray, IntArray


def make_book(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> Book:
    """Drop what cannot pay, sort by (account, dearest lot, index), join equal lots, cut at capacity."""
    room, most, kept, who, worth, have, in_order = _that_pay(capacity, base, account, value, lots)
    if not in_order:
        kept = kept[by_class(account[kept], room.size)[0]]
        who, worth, have = account[kept], value[kept], np.minimum(lots, most)[kept]
    if not _dearest_first(kept, who, worth, have):
        kept = np.flatnonzero((most >= 1) & (lots >= 1))
        kept = kept[np.argsort(-value[kept], kind="stable")]
        kept = kept[by_class(account[kept], room.size)[0]]
        who, worth, have = account[kept], value[kept], np.minimum(lots, most)[kept]
    who, worth, have, origin = _joined(kept, who, worth, have, most)
    first, size, total, sure = _accounts(room, who, worth, have)
    return Book(base, capacity, total, who, worth, have, first, size, kept, origin, sure)


@compiled
def _that_pay(
    capacity: FloatArray, base: FloatArray, account: IntArray, value: FloatArray, lots: IntArray
) -> tuple[FloatArray, FloatArray, IntArray, IntArray, FloatArray, FloatArray, bool]:
    """Room of every account, lots that fit, positions that pay (index, account, USD a lot, lots), order."""
    room = np.empty(capacity.size)
    for i in range(room.size):
        room[i] = capacity[i] * (1 + SLACK) if base[i] > 0 else 0.0
    most, last, count, in_order = np.empty(account.size), 0, 0, True
    for j in range(account.size):
        most[j] = np.floor(room[account[j]] / value[j])
    kept, who = np.empty(account.size, dtype=np.int64), np.empty(account.size, dtype=np.int64)
    worth, have = np.empty(account.size), np.empty(account.size)
    for j in range(account.size):
        kept[count], who[count], worth[count] = j, account[j], value[j]
        have[count] = min(float(lots[j]), most[j])
        in_order &= account[j] >= last
        last = account[j]
        count += (most[j] >= 1) & (lots[j] >= 1)
    return room, most, kept[:count], who[:count], worth[:count], have[:count], in_order


@compiled
def _dearest_first(kept: IntArray, who: IntArray, worth: FloatArray, have: FloatArray) -> bool:
    """Sort the positions of every account in place, dearest lot first, equal ones in index order.

    False, and the arrays are spoilt, where an account has too many.
    """
    if who.size == 0:
        return True
    position, price, held, earlier = kept[0], worth[0], have[0], -1  # the cheapest so far, not yet written
    for j in range(1, who.size):
        p, mine, v, lots = kept[j], who[j], worth[j], have[j]
        swap = (who[j - 1] == mine) & (price < v)
        deeper = swap & (earlier == mine)
        earlier = who[j - 1]
        kept[j - 1], position = p if swap else position, position if swap else p
        worth[j - 1], price = v if swap else price, price if swap else v
        have[j - 1], held = lots if swap else held, held if swap else lots
        if deeper:
            k = j - 1
            while k > 0 and who[k - 1] == mine and worth[k - 1] < v:
                kept[k], worth[k], have[k] = kept[k - 1], worth[k - 1], have[k - 1]
                k -= 1
            kept[k], worth[k], have[k] = p, v, lots
            if j - k > INSERTED:
                return False
    kept[-1], worth[-1], have[-1] = position, price, held
    return True


@compiled
def _joined(
    kept: IntArray, who: IntArray, worth: FloatArray, have: FloatArray, most: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Join equal lots of an account, cut at its room; return also the line of every position."""
    origin, joined = np.empty(who.size, dtype=np.int64), False
    for j in range(who.size):
        origin[j] = j
    for j in range(1, who.size):
        joined |= (who[j] == who[j - 1]) & (worth[j] == worth[j - 1])
    if not joined:
        return who, worth, have, origin
    line = 0
    for j in range(1, who.size):
        if who[j] == who[line] and worth[j] == worth[line]:
            have[line] += have[j]
        else:
            line += 1
            who[line], worth[line], have[line] = who[j], worth[j], have[j]
        origin[j] = line
    for j in range(who.size):
        have[origin[j]] = min(have[origin[j]], most[kept[j]])
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


@compiled
def start(base: FloatArray, total: FloatArray, target: float) -> tuple[float, float, float, float]:
    """`ArrayPayers.start`: burdens at both ends of the interval, slope and roof."""
    high, slopes, paid = 0.0, np.empty(base.size), np.empty(base.size)
    for i in range(base.size):
        pays = total[i] > 0
        high = max(high, total[i] / base[i] if pays else 0.0)
        slopes[i] = base[i] if pays else 0.0
    slope, roof = pairwise(slopes, 0, base.size), pairwise(total, 0, base.size)
    open_, fixed, low = slope, 0.0, 0.0
    while open_ > 0:
        step = (target - fixed) / open_
        if not step > low * (1 + SLACK):
            break
        low = step
        for i in range(base.size):
            full = low * base[i] >= total[i]
            slopes[i], paid[i] = 0.0 if full else base[i], total[i] if full else 0.0
        open_, fixed = pairwise(slopes, 0, base.size), pairwise(paid, 0, base.size)
    return low, high, slope, roof
