"""The inner loops of the search, compiled by numba: one account after the other.

This module imports numba and is imported only by `engine`.  It takes nothing from other files of the
package but `machine_pairs` and numbers of `base` and `row`.  `engine` watches the four for changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.base import AT_ONCE, LOOKS, MISSED, MORE, SCALES, SMALL
from adl_opt.kernels.lots.machine_pairs import box, compiled, fits, next_choice, pair


def lines(order: Any, account: Any, value: Any, lots: Any, room: Any) -> Any:
    """See `Leaf`; memory is not asked for in compiled code, which would take longer to compile."""
    whole, amounts = np.empty((3, order.size), np.int64), np.empty((2, order.size))
    size, paid = np.zeros(room.size, np.int64), np.zeros(room.size)
    used, line = _fill(order, account, value, lots, room, whole, amounts, size, paid)
    return whole[0, :used], whole[1, :used], whole[2, :line], amounts[0, :line], amounts[1, :line], size, paid


def _fill(
    order: Any, account: Any, value: Any, lots: Any, room: Any, whole: Any, amounts: Any, size: Any, paid: Any
) -> Any:
    """Fill a book: insertion sort within the accounts; return how many positions and lines it has."""
    kept, origin, who, worth, have = whole[0], whole[1], whole[2], amounts[0], amounts[1]
    used = 0
    for p in order:
        if lots[p] > 0 and value[p] <= room[account[p]]:
            k = used
            while k > 0 and account[kept[k - 1]] == account[p] and value[kept[k - 1]] < value[p]:
                kept[k] = kept[k - 1]
                k -= 1
            kept[k] = p
            used += 1
    line = -1
    for k in range(used):
        i, v = account[kept[k]], value[kept[k]]
        if line < 0 or who[line] != i or worth[line] != v:
            line += 1
            who[line], worth[line], have[line] = i, v, 0.0
            size[i] += 1
        more = min(float(lots[kept[k]]), np.floor(room[i] / v) - have[line])
        have[line] += more
        paid[i] += more * v
        origin[k] = line
    return used, line + 1


def _sums(z: float, singles: Any, crowd: Any) -> Any:
    """See `Leaf`: one pass over the accounts, whose sums may be added in any order."""
    rate, worth, have = singles[0], singles[1], singles[2]
    fixed = 0.0
    for i in range(rate.size):
        fixed += min(np.floor(rate[i] * z), have[i]) * worth[i]
    base, cap, cheapest, top = crowd[row.BASE], crowd[row.CAP], crowd[row.CHEAPEST], crowd[row.TOP]
    best, under, known = crowd[row.BEST], crowd[row.UNDER], crowd[row.KNOWN]
    miss, step = crowd[row.MISS], crowd[row.STEP]
    paid, open_, missed, variance = 0.0, 0.0, 0.0, 0.0
    for i in range(base.size):
        room = min(base[i] * z, cap[i])
        least = best[i] if best[i] <= room else under[i]
        roof = min(room, top[i]) if room >= cheapest[i] else 0.0
        slack = max(roof - least, 0.0)
        gone = min(slack, miss[i])
        grown = min(slack - gone, step[i])
        paid += least
        open_ += slack
        missed += gone
        variance += grown * step[i] if known[i] > 0 else gone * gone
    lower = fixed + paid
    return lower, lower + open_, lower + (open_ - missed), variance


def _look(z: float, crowd: Any) -> Any:
    """See `Leaf`."""
    for i in range(crowd.shape[1]):
        room, best = min(crowd[row.BASE, i] * z, crowd[row.CAP, i]), crowd[row.BEST, i]
        least, slot = crowd[row.UNDER, i], crowd[row.UNDER_SLOT, i]
        if best <= room:
            least, slot = best, crowd[row.BEST_SLOT, i]
        roof = min(room, crowd[row.TOP, i]) if room >= crowd[row.CHEAPEST, i] else 0.0
        crowd[row.ROOM, i], crowd[row.SLOT, i] = room, slot
        crowd[row.LEAST, i], crowd[row.MOST, i] = least, max(roof, least)
    return _totals(crowd)


def _totals(crowd: Any) -> Any:
    """See `Leaf`, `look`."""
    least, most, miss = crowd[row.LEAST], crowd[row.MOST], crowd[row.MISS]
    paid, slack, missed = 0.0, 0.0, 0.0
    for i in range(least.size):
        paid += least[i]
        slack += most[i] - least[i]
        missed += min(most[i] - least[i], miss[i])
    return paid, slack, missed


def _free(crowd: Any, i: int) -> int:
    """Return the first slot that no known lots of an account stand in."""
    slot = 0
    while slot == crowd[row.BEST_SLOT, i] or slot == crowd[row.UNDER_SLOT, i] or slot == crowd[row.SLOT, i]:
        slot += 1
    return slot


def _improve(crowd: Any, i: int, paid: float, exact: bool, slot: int) -> None:
    """Take a sum that an account can pay; none is larger where exact."""
    if paid > crowd[row.LEAST, i]:
        crowd[row.LEAST, i], crowd[row.SLOT, i] = paid, slot
    if exact or crowd[row.MOST, i] < crowd[row.LEAST, i]:
        crowd[row.MOST, i] = crowd[row.LEAST, i]


def _greedy(crowd: Any, value: Any, most: Any, lots: Any) -> Any:
    """See `Leaf`."""
    for i in range(crowd.shape[1]):
        first, size, slot = int(crowd[row.FIRST, i]), int(crowd[row.SIZE, i]), _free(crowd, i)
        at, cap = slot * value.size + first, crowd[row.ROOM, i]
        paid, rest, count = 0.0, cap, 1.0
        one, two, v1, v2 = 0.0, 0.0, 0.0, 0.0  # the two positions with most lots
        for j in range(size):
            v, have = value[first + j], most[first + j]
            taken, fit = min(np.floor(rest / v), have), min(np.floor(cap / v), have)
            lots[at + j] = taken
            paid += taken * v
            rest = max(rest - taken * v, 0.0)
            if fit > two:
                count *= two + 1
                two, v2 = fit, v
                if fit > one:
                    two, v2, one, v1 = one, v1, two, v2
            else:
                count *= fit + 1
        crowd[row.COUNT, i] = count
        crowd[row.GAP, i] = v1 * v2 / min(one * v1, two * v2) if two > 0 else cap
        step, hole, reach, used = cap, 0.0, 0.0, 0.0
        for j in range(first + size - 1, first - 1, -1):  # the cheapest lots first
            v, have = value[j], most[j]
            if v <= cap:
                step = step * min(max(used * v / cap, 1 / (have + 1)), 1.0) if used else v
                if v > reach > 0:  # so much the cheaper lots cannot fill
                    hole = max(hole, 0.5 * (v - reach) * (1 - reach / v))
                reach += have * v
                used += 1
        crowd[row.STEP, i] = MISSED * max(max(step, hole), cap - reach)
        if not crowd[row.KNOWN, i] > 0:
            crowd[row.MISS, i] = crowd[row.STEP, i]
        _improve(crowd, i, paid, size == 1, slot)
    return _totals(crowd)


def _plan(crowd: Any, allowed: float, cover: bool) -> Any:
    """See `Leaf`.  Until the scale is known, the rows `TRIES` and `NEAR` hold losses and roots of gaps."""
    loss, root, count = crowd[row.TRIES], crowd[row.NEAR], crowd[row.COUNT]
    roots, whole = 0.0, 0.0
    for i in range(loss.size):
        loss[i], gap = crowd[row.MOST, i] - crowd[row.LEAST, i], crowd[row.GAP, i]
        if not cover:
            loss[i] = min(loss[i], crowd[row.MISS, i])
            gap = max(gap, loss[i] * count[i])
        if not loss[i] > SMALL * allowed / loss.size:
            loss[i] = 0.0
        if loss[i] > 0:
            root[i] = np.sqrt(gap)
            roots += root[i]
            whole = max(whole, count[i] / root[i])
    scale = np.inf
    if allowed > 0 and roots > 0:
        most = min(whole, roots / allowed) if cover else whole
        low, high = 0, SCALES  # the scale is halved so many times, in quarters
        while high - low > 1:
            middle = (low + high) // 2
            if _left(crowd, most * 2.0 ** (-middle / 4), cover) <= allowed:
                low = middle
            else:
                high = middle
        scale = most * 2.0 ** (-low / 4) * (1 + 1e-9)
    cost, rows = 0.0, 0
    for i in range(loss.size):
        if loss[i] > 0:
            if scale == np.inf or count[i] <= root[i] * scale:
                tries, near = MORE * count[i] + 1 if count[i] > 1 else 1.0, 0.0
            else:
                tries, near = np.ceil(root[i] * scale), 0.5 * root[i] / scale
            able = tries <= AT_ONCE and (near == 0 or (cover and loss[i] > 2 * near))
            loss[i], root[i] = tries if able else 0.0, near
            cost += loss[i]
            rows += 1 if able else 0
    return cost, rows


def _left(crowd: Any, scale: float, cover: bool) -> float:
    """Return what accounts lose when they get so many times the root of their gap in problems, USD."""
    loss, root, count = crowd[row.TRIES], crowd[row.NEAR], crowd[row.COUNT]
    left = 0.0
    for i in range(loss.size):
        if loss[i] > 0 and count[i] > root[i] * scale:
            left += min(loss[i], root[i] / scale) if cover else loss[i]
    return left


def _search(crowd: Any, value: Any, most: Any, lots: Any) -> Any:
    """See `Leaf`: counts of all positions but two are chosen one after the other, within a box.

    Rows of ``work`` are the lines of one account, most lots first: value, lots that fit, least, greatest
    and present count, and place.
    """
    widest, nodes = 0.0, 0
    for i in range(crowd.shape[1]):
        widest = max(widest, crowd[row.SIZE, i])
    work = np.empty((6, int(widest)))
    for i in range(crowd.shape[1]):
        tries = crowd[row.TRIES, i]
        if not tries > 0:
            continue
        cap, slot = crowd[row.ROOM, i], _free(crowd, i)
        used = fits(work, cap, value, most, lots, int(crowd[row.FIRST, i]), int(crowd[row.SIZE, i]), slot)
        if used < 2:
            if used == 1:
                lots[int(work[5, 0])] = work[1, 0]
            _improve(crowd, i, work[1, 0] * work[0, 0] if used == 1 else 0.0, used < 2, slot)
            continue
        big, small, bigs, smalls = work[0, 0], work[0, 1], work[1, 0], work[1, 1]
        swap = big < small
        if swap:
            big, small, bigs, smalls = small, big, smalls, bigs
        step = big - np.floor(big / small) * small
        whole = box(work, used, cap, tries)
        best, more = -1.0, True
        while more:
            spent = 0.0
            for k in range(2, used):
                spent += work[4, k] * work[0, k]
            nodes += 1
            if spent <= cap:
                rest = cap - spent
                b = pair(rest, big, small, min(bigs, np.floor(rest / big)), smalls, step)
                s = min(smalls, np.floor(max(rest - b * big, 0.0) / small))
                paid = spent + b * big + s * small
                if paid > best:
                    best = paid
                    work[4, 0], work[4, 1] = (s, b) if swap else (b, s)
                    for k in range(used):
                        lots[int(work[5, k])] = work[4, k]
                    if cap - best <= crowd[row.NEAR, i]:
                        break
            more = next_choice(work, used)
        exact = whole and not more
        if not exact:
            if tries >= crowd[row.COUNT, i]:  # more choices than were counted at another burden
                crowd[row.COUNT, i] *= 4
            crowd[row.GAP, i] = max(crowd[row.GAP, i], 0.5 * (cap - best) * tries)  # coarser than it seemed
        _improve(crowd, i, best, exact, slot)
    return nodes, _totals(crowd)


def give_back(lots: Any, value: Any, overshoot: float) -> None:
    """See `Leaf`."""
    _give_back(lots, value, overshoot, np.arange(value.size))


def _give_back(lots: Any, value: Any, overshoot: float, fits: Any) -> None:
    """Look for the dearest lot that fits, some times, then take lots as they come; ``fits`` are lines."""
    count = fits.size
    for _ in range(LOOKS):
        dearest, left = -1, 0
        for k in range(count):
            j = fits[k]
            if lots[j] > 0 and value[j] <= overshoot:
                fits[left] = j
                left += 1
                if dearest < 0 or value[j] > value[dearest]:
                    dearest = j
        if dearest < 0:
            return
        count = left
        taken = min(np.floor(overshoot / value[dearest]), lots[dearest])
        lots[dearest] -= taken
        overshoot -= taken * value[dearest]
    for k in range(count):
        j = fits[k]
        taken = min(np.floor(max(overshoot, 0.0) / value[j]), lots[j])
        lots[j] -= taken
        overshoot -= taken * value[j]


def _jump(low: float, high: float, singles: Any, crowd: Any) -> Any:
    """See `Leaf`."""
    size, burden = 0.0, 0.0
    rate, worth, have = singles[0], singles[1], singles[2]
    for i in range(rate.size):
        lots = min(np.floor(rate[i] * high), have[i])
        if worth[i] > size and lots > min(np.floor(rate[i] * low), have[i]):
            size, burden = worth[i], lots / rate[i]
    for i in range(crowd.shape[1]):
        z = crowd[row.BEST, i] / crowd[row.BASE, i]
        if crowd[row.STEP, i] > size and low < z <= high:
            size, burden = crowd[row.STEP, i], z
    return size, burden


_fill = compiled(_fill)
sums = compiled(_sums, fastmath={"reassoc", "nsz"})
_totals = compiled(_totals, fastmath={"reassoc", "nsz"})
_left = compiled(_left, fastmath={"reassoc", "nsz"})
_free, _improve = compiled(_free), compiled(_improve)
look, greedy, plan = compiled(_look), compiled(_greedy), compiled(_plan)
search, _give_back, jump = compiled(_search), compiled(_give_back), compiled(_jump)
