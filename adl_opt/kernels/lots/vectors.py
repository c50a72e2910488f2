"""The inner loops of the search in numpy: all accounts at once."""

from __future__ import annotations

import numpy as np

from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.base import (
    AT_ONCE,
    MISSED,
    MORE,
    REL_TOL,
    SCALES,
    SMALL,
    BoolArray,
    FloatArray,
    IntArray,
    Leaf,
    Sums,
    whole_lots,
)
from adl_opt.kernels.lots.pairs import Box, best_pair, by_size

BLOCK = 1 << 15
"""Pairs that are solved at once: what they need stays in the cache of a core."""

ROUNDS = 12
"""Rounds of swaps of neighbours before the sorting is given up."""

PART, SORTED = 4, 1024
"""Lines are sorted and given back in parts: lots down to so small a share of the dearest at a time, or about
so many lines, each time twice as many."""


def _lines(
    order: IntArray, account: IntArray, value: FloatArray, lots: IntArray, room: FloatArray
) -> tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray, IntArray, FloatArray]:
    """See `Leaf`."""
    with np.errstate(over="ignore"):
        fit = np.floor(room[account] / value)
    most = np.minimum(lots, fit)
    kept = order[most[order] > 0]
    kept = _sorted(kept, account[kept], value[kept])
    who, worth, have = account[kept], value[kept], most[kept]
    fresh = np.ones(kept.size, dtype=bool)
    fresh[1:] = (who[1:] != who[:-1]) | (worth[1:] != worth[:-1])
    origin: IntArray = np.cumsum(fresh) - 1
    if not fresh.all():
        line = np.flatnonzero(fresh)
        have = np.minimum(np.bincount(origin, weights=have), fit[kept[line]]).astype(np.float64)
        who, worth = who[line], worth[line]
    size = np.bincount(who, minlength=room.size).astype(np.int64)
    paid = np.bincount(who, weights=have * worth, minlength=room.size).astype(np.float64)
    return kept, origin, who, worth, have, size, paid


def _sorted(kept: IntArray, account: IntArray, value: FloatArray) -> IntArray:
    """Sort within accounts, the dearest lot first, by swaps of neighbours as far as that is quick."""
    order, worth, same = kept.copy(), value.copy(), account[1:] == account[:-1]
    for _ in range(ROUNDS):
        place = np.flatnonzero(same & (worth[1:] > worth[:-1]))
        if place.size == 0:
            return order
        place = place[np.diff(place, prepend=-2) > 1]
        for array in (order, worth):
            array[place], array[place + 1] = array[place + 1], array[place]
    return kept[np.lexsort((-value, account))]


def _sums(z: float, singles: FloatArray, crowd: FloatArray) -> tuple[float, float, float, float]:
    """See `Leaf`."""
    rate, worth, have = singles
    fixed = float(np.sum(whole_lots(rate, have, z) * worth))
    with np.errstate(over="ignore"):
        room = np.minimum(crowd[row.BASE] * z, crowd[row.CAP])
    paid = np.where(crowd[row.BEST] <= room, crowd[row.BEST], crowd[row.UNDER])
    slack = np.minimum(room, crowd[row.TOP])
    slack *= room >= crowd[row.CHEAPEST]
    slack -= paid
    np.maximum(slack, 0.0, out=slack)
    gone = np.minimum(slack, crowd[row.MISS])
    grown = np.minimum(slack - gone, crowd[row.STEP])
    with np.errstate(over="ignore"):
        variance = float(np.sum(np.where(crowd[row.KNOWN] > 0, grown * crowd[row.STEP], gone * gone)))
    lower, most_slack = fixed + float(np.sum(paid)), float(np.sum(slack))
    return lower, lower + most_slack, lower + (most_slack - float(np.sum(gone))), variance


def _look(z: float, crowd: FloatArray) -> Sums:
    """See `Leaf`."""
    with np.errstate(over="ignore"):
        room = np.minimum(crowd[row.BASE] * z, crowd[row.CAP], out=crowd[row.ROOM])
    fits = crowd[row.BEST] <= room
    crowd[row.LEAST] = np.where(fits, crowd[row.BEST], crowd[row.UNDER])
    crowd[row.SLOT] = np.where(fits, crowd[row.BEST_SLOT], crowd[row.UNDER_SLOT])
    most = np.minimum(room, crowd[row.TOP])
    most *= room >= crowd[row.CHEAPEST]
    np.maximum(most, crowd[row.LEAST], out=crowd[row.MOST])
    return _totals(crowd)


def _totals(crowd: FloatArray) -> Sums:
    """See `Leaf`, `look`."""
    slack = crowd[row.MOST] - crowd[row.LEAST]
    return (
        float(np.sum(crowd[row.LEAST])),
        float(np.sum(slack)),
        float(np.sum(np.minimum(slack, crowd[row.MISS]))),
    )


def _free(crowd: FloatArray, rows: IntArray) -> FloatArray:
    """Return the first slot that no known lots of an account stand in."""
    slot: FloatArray = np.zeros(rows.size)
    for _ in range(3):
        slot += np.any(crowd[[row.BEST_SLOT, row.UNDER_SLOT, row.SLOT]][:, rows] == slot, axis=0)
    return slot


def _improve(crowd: FloatArray, rows: IntArray, paid: FloatArray, exact: BoolArray, slot: FloatArray) -> Sums:
    """Take sums that some accounts can pay; none is larger where exact."""
    better = paid > crowd[row.LEAST, rows]
    crowd[row.LEAST, rows[better]], crowd[row.SLOT, rows[better]] = paid[better], slot[better]
    least = crowd[row.LEAST, rows]
    crowd[row.MOST, rows] = np.where(exact, least, np.maximum(crowd[row.MOST, rows], least))
    return _totals(crowd)


def _greedy(crowd: FloatArray, value: FloatArray, most: FloatArray, lots: FloatArray) -> Sums:
    """See `Leaf`."""
    room, first, size = crowd[row.ROOM], crowd[row.FIRST].astype(np.int64), crowd[row.SIZE]
    slot = _free(crowd, np.arange(room.size))
    place = first + slot.astype(np.int64) * value.size
    paid, rest, count = np.zeros(room.size), room.copy(), np.ones(room.size)
    fits, worth = np.zeros((3, room.size)), np.ones((3, room.size))  # the two most lots, and one more
    for column in range(int(np.max(size, initial=0))):
        rows = np.flatnonzero(size > column)
        line = first[rows] + column
        v, have, left = value[line], most[line], rest[rows]
        taken = np.minimum(np.floor(left / v), have)
        lots[place[rows] + column] = taken
        taken *= v
        paid[rows] += taken
        rest[rows] = np.maximum(left - taken, 0.0)
        fits[2, rows], worth[2, rows] = np.minimum(np.floor(room[rows] / v), have), v
        for low, high in ((1, 2), (0, 1)):
            swap = rows[fits[high, rows] > fits[low, rows]]
            for array in (fits, worth):
                array[low, swap], array[high, swap] = array[high, swap], array[low, swap]
        with np.errstate(over="ignore"):
            count[rows] *= fits[2, rows] + 1
    both = np.minimum(fits[0] * worth[0], fits[1] * worth[1])
    crowd[row.COUNT], crowd[row.GAP] = (
        count,
        np.divide(worth[0] * worth[1], both, out=room.copy(), where=both > 0),
    )
    crowd[row.STEP] = MISSED * _misses(crowd, value, most)
    crowd[row.MISS] = np.where(crowd[row.KNOWN] > 0, crowd[row.MISS], crowd[row.STEP])
    return _improve(crowd, np.arange(room.size), paid, size == 1, slot)


def _misses(crowd: FloatArray, value: FloatArray, most: FloatArray) -> FloatArray:
    """USD by which the best sum of every account probably lies below its room: cheapest lots first."""
    room, first, size = crowd[row.ROOM], crowd[row.FIRST].astype(np.int64), crowd[row.SIZE]
    step, hole, reach, used = room.copy(), np.zeros(room.size), np.zeros(room.size), np.zeros(room.size)
    for column in range(int(np.max(size, initial=0)) - 1, -1, -1):
        rows = np.flatnonzero(size > column)
        rows = rows[value[first[rows] + column] <= room[rows]]
        v, have = value[first[rows] + column], most[first[rows] + column]
        near, before = reach[rows], used[rows]
        share = np.minimum(np.maximum(before * v / room[rows], 1 / (have + 1)), 1.0)
        step[rows] = np.where(before > 0, step[rows] * share, v)
        lost = np.where((v > near) & (near > 0), 0.5 * (v - near) * (1 - near / v), 0.0)
        hole[rows] = np.maximum(hole[rows], lost)  # so much the cheaper lots cannot fill
        reach[rows] += have * v
        used[rows] += 1
    missed: FloatArray = np.maximum(np.maximum(step, hole), room - reach)
    return missed


def _plan(crowd: FloatArray, allowed: float, cover: bool) -> tuple[float, int]:
    """See `Leaf`."""
    slack, crowd[row.TRIES] = crowd[row.MOST] - crowd[row.LEAST], 0.0
    loss = slack if cover else np.minimum(slack, crowd[row.MISS])
    rows = np.flatnonzero((loss > 0) & (loss > SMALL * allowed / max(loss.size, 1)))
    loss, count, gap = loss[rows], crowd[row.COUNT, rows], crowd[row.GAP, rows]
    scale = np.inf
    with np.errstate(all="ignore"):
        root = np.sqrt(gap if cover else np.maximum(gap, loss * count))
        if allowed > 0 and rows.size:
            whole = float(np.max(count / root))
            most = min(whole, float(np.sum(root)) / allowed) if cover else whole
            low, high = 0, SCALES  # the scale is halved so many times, in quarters
            while high - low > 1:
                middle = (low + high) // 2
                tried = most * 2.0 ** (-middle / 4)
                lost = np.minimum(loss, root / tried) if cover else loss
                if float(np.sum(lost[count > root * tried])) <= allowed:
                    low = middle
                else:
                    high = middle
            scale = most * 2.0 ** (-low / 4) * (1 + 1e-9)
        whole = (count <= root * scale) | (scale == np.inf)
        tries = np.where(whole, np.where(count > 1, MORE * count + 1, 1.0), np.ceil(root * scale))
        near = np.where(whole, 0.0, 0.5 * root / scale)
    tries[~((tries <= AT_ONCE) & (whole | (cover & (loss > 2 * near))))] = 0.0
    crowd[row.TRIES, rows], crowd[row.NEAR, rows] = tries, near
    return float(np.sum(tries)), int(np.count_nonzero(tries))


def _search(crowd: FloatArray, value: FloatArray, most: FloatArray, lots: FloatArray) -> tuple[int, Sums]:
    """See `Leaf`; every try is made, however near the sums are."""
    nodes = 0
    for rows, column in by_size(np.where(crowd[row.TRIES] > 0, crowd[row.SIZE], 0.0)):
        first, room, tries = (
            crowd[row.FIRST, rows].astype(np.int64),
            crowd[row.ROOM, rows],
            crowd[row.TRIES, rows],
        )
        real = column < crowd[row.SIZE, rows][:, None]
        line = np.where(real, first[:, None] + column, 0)
        worth = np.where(real, value[line], 1.0)
        fit = np.where(real, np.minimum(most[line], np.floor(room[:, None] / worth)), 0.0)
        order = np.argsort(-fit, axis=1, kind="stable")
        worth, fit = np.take_along_axis(worth, order, 1), np.take_along_axis(fit, order, 1)
        box = Box(room, tries, worth, fit)
        total, found = np.full(rows.size, -1.0), np.zeros_like(fit)
        for start in range(0, int(box.end[-1]), BLOCK):
            mine, tried, spent = box.choices(start, start + BLOCK)
            if mine.size:
                tried[:, :2] = best_pair(room[mine] - spent, worth[mine, :2], fit[mine, :2])
                spent += tried[:, 0] * worth[mine, 0] + tried[:, 1] * worth[mine, 1]
                begin = np.flatnonzero(np.diff(mine, prepend=-1))
                group = np.cumsum(np.diff(mine, prepend=mine[0]) > 0)
                node = np.flatnonzero(spent == np.maximum.reduceat(spent, begin)[group])
                node = node[spent[node] > total[mine[node]]]
                total[mine[node[::-1]]], found[mine[node[::-1]]] = spent[node[::-1]], tried[node[::-1]]
        nodes += int(box.end[-1])
        slot = _free(crowd, rows)
        into = (slot.astype(np.int64) * value.size + first)[:, None] + order
        put = np.take_along_axis(real, order, 1)
        lots[into[put]] = found[put]
        exact = np.all(box.wide[:, 2:] > fit[:, 2:], axis=1)
        crowd[row.COUNT, rows[(tries >= crowd[row.COUNT, rows]) & ~exact]] *= (
            4  # more choices than were counted
        )
        left = np.where(exact, 0.0, room - total)
        crowd[row.GAP, rows] = np.maximum(crowd[row.GAP, rows], 0.5 * left * tries)  # coarser than it seemed
        _improve(crowd, rows, total, exact, slot)
    return nodes, _totals(crowd)


def _give_back(lots: FloatArray, value: FloatArray, overshoot: float) -> None:
    """See `Leaf`; dearest first.

    Lines come in parts, the dearest first, so that few are sorted: the overshoot soon is too small for most.
    """
    line = np.flatnonzero((lots > 0) & (value <= overshoot))
    worth, most = value[line], SORTED
    while overshoot > 0 and line.size:
        least = float(worth.max()) / PART if worth.size > SORTED else 0.0
        part = np.flatnonzero(worth >= least)
        if part.size > most:
            least = float(np.partition(worth[part], -most)[-most])
            part = part[worth[part] >= least]
        most *= 2
        part = part[np.argsort(-worth[part], kind="stable")]
        overshoot = _give_back_sorted(lots, value, line[part], overshoot)
        rest = np.flatnonzero((worth < least) & (worth <= overshoot))
        line, worth = line[rest], worth[rest]


def _give_back_sorted(lots: FloatArray, value: FloatArray, line: IntArray, overshoot: float) -> float:
    """Take lots of these lines, dearest first, away in place; return the overshoot that is left.

    Each pass takes whole lines, then part of one, and at least halves what is left, so about fifty do.
    """
    worth, at = np.cumsum(lots[line] * value[line]), 0
    while overshoot > 0 and at < line.size:
        at += int(np.searchsorted(-value[line[at:]], -overshoot))
        spent = float(worth[at - 1]) if at else 0.0
        stop = int(np.searchsorted(worth, spent + overshoot * (1 - REL_TOL), side="right"))
        overshoot -= float(np.sum(lots[line[at:stop]] * value[line[at:stop]]))
        lots[line[at:stop]] = 0.0
        if stop < line.size:
            part = min(float(np.floor(max(overshoot, 0.0) / value[line[stop]])), float(lots[line[stop]]))
            lots[line[stop]] -= part
            overshoot -= part * float(value[line[stop]])
        at = stop + 1
    return overshoot


def _jump(low: float, high: float, singles: FloatArray, crowd: FloatArray) -> tuple[float, float]:
    """See `Leaf`."""
    found = [(0.0, 0.0)]
    rate, worth, have = singles
    lots = whole_lots(rate, have, high)
    inside = np.flatnonzero(lots > whole_lots(rate, have, low))
    if inside.size:
        who = inside[np.argmax(worth[inside])]
        found.append((float(worth[who]), float(lots[who] / rate[who])))
    burden = crowd[row.BEST] / crowd[row.BASE]
    inside = np.flatnonzero((low < burden) & (burden <= high))
    if inside.size:
        who = inside[np.argmax(crowd[row.STEP, inside])]
        found.append((float(crowd[row.STEP, who]), float(burden[who])))
    return max(found)


NUMPY = Leaf("numpy", _lines, _sums, _look, _greedy, _plan, _search, _jump, _give_back)
