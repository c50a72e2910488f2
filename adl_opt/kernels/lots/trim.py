"""Second goal of min-max over lots: at the burden found, give back the overshoot, then use fewest lots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adl_opt.kernels.lots.base import AIM, REL_TOL, FloatArray, IntArray, Leaf, caps
from adl_opt.kernels.lots.book import LotsBook

EXACT_LINES = 48
"""The exact second goal is tried while at most this many lines (account, lot value) could change."""

EXACT_STATES = 20_000

ROUNDING = 16 * float(np.finfo(float).eps)
"""Of a sum of lots, relative: what an overshoot may be off by.  So much of it is kept, so that a budget far
smaller than the lots stays covered."""


class AccountOptions(NamedTuple):
    """What one account can pay: distinct sums in USD, the fewest lots for each, and those lots per line."""

    total: FloatArray
    used: FloatArray
    lots: FloatArray


def second_goal(
    book: LotsBook, leaf: Leaf, lots: FloatArray, z: float, budget: float
) -> tuple[FloatArray, bool]:
    """Give back the overshoot of a cover at burden z; exact, and then True, where the problem is small."""
    target, paid = budget * AIM, float(np.sum(lots * book.value))
    leaf.give_back(lots, book.value, paid - target - ROUNDING * paid)
    best = exact_second_goal(book, z, target, lots)
    return (lots, False) if best is None else (best, True)


def first_of_equals(total: FloatArray, used: FloatArray) -> IntArray:
    """Rows with distinct totals, ascending, each with the fewest lots (first row wins ties)."""
    order = np.lexsort((used, total))
    fresh = np.ones(order.size, dtype=bool)
    fresh[1:] = np.diff(total[order]) > 0
    return order[fresh]


def account_options(value: FloatArray, most: FloatArray, room: float) -> AccountOptions | None:
    """Every sum that one account can pay within its room; None where they are too many."""
    options = AccountOptions(np.zeros(1), np.zeros(1), np.zeros((1, 0)))
    for worth, limit in zip(value, most, strict=True):
        tries = np.minimum(limit, np.floor(np.maximum(room - options.total, 0.0) / worth)) + 1
        if float(np.sum(tries)) > EXACT_STATES:
            return None
        tries = tries.astype(np.int64)
        parent = np.repeat(np.arange(tries.size), tries)
        count = (np.arange(parent.size) - np.repeat(np.cumsum(tries) - tries, tries)).astype(float)
        total, used = options.total[parent] + count * worth, options.used[parent] + count
        keep = first_of_equals(total, used)
        lots = np.column_stack((options.lots[parent[keep]], count[keep]))
        options = AccountOptions(total[keep], used[keep], lots)
    return options


def exact_second_goal(book: LotsBook, z: float, target: float, cover: FloatArray) -> FloatArray | None:
    """Lots of the least total >= target with every burden <= z, then fewest lots; None where too large.

    Totals above that of ``cover``, lots that reach the target, are dropped; so is what the others cannot lift
    to the target.
    """
    if np.count_nonzero(cover) > EXACT_LINES:
        return None
    ceiling = float(np.sum(cover * book.value))
    room = caps(z, book.base, book.capacity)
    most = np.minimum(book.lots, np.floor(room[book.account] / book.value))
    line = np.flatnonzero(most > 0)
    if line.size > EXACT_LINES:
        return None
    mine = [line[book.account[line] == who] for who in np.unique(book.account[line])]
    table = []
    for rows in mine:
        options = account_options(book.value[rows], most[rows], float(room[book.account[rows[0]]]))
        if options is None:
            return None
        table.append(options)
    spare = sum(float(options.total[-1]) for options in table) - target * (1 - REL_TOL)
    total, used, trail = np.zeros(1), np.zeros(1), []
    rest = sum(float(options.total[-1]) for options in table)
    for options in table:
        rest -= float(options.total[-1])
        keep = np.flatnonzero(options.total >= options.total[-1] - spare)
        if total.size * keep.size > EXACT_STATES:
            return None
        sums = (total[:, None] + options.total[keep]).ravel()
        lots = (used[:, None] + options.used[keep]).ravel()
        rows = first_of_equals(sums, lots)
        rows = rows[(sums[rows] <= ceiling * (1 + REL_TOL)) & (sums[rows] + rest >= target * (1 - REL_TOL))]
        trail.append((rows // keep.size, keep[rows % keep.size]))
        total, used = sums[rows], lots[rows]
    good = np.flatnonzero(total >= target)
    if good.size == 0:
        return None
    good = good[total[good] <= np.min(total[good]) + REL_TOL * target]
    node = int(good[np.argmin(used[good])])
    answer = np.zeros(book.account.size)
    for rows, options, (parent, choice) in zip(mine[::-1], table[::-1], trail[::-1], strict=True):
        answer[rows] = options.lots[choice[node]]
        node = int(parent[node])
    return answer
