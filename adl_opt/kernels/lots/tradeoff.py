"""Burden against overshoot over lots: a little more burden often spares the overshoot of whole lots."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from adl_opt.kernels.lots.base import AIM, SLACK, FloatArray, IntArray
from adl_opt.kernels.lots.book import LotsBook, lots_book
from adl_opt.kernels.lots.choice_result import LotsChoiceResult
from adl_opt.kernels.lots.engine import engine
from adl_opt.kernels.lots.result import LotsResult, result_of

STATES = 20_000
"""Totals that are kept while accounts are put together; beyond, they are thinned evenly."""

PRODUCT = 1_000_000
"""Totals that are listed at a time."""

LISTED = 400_000
"""Sums of one account that are listed; beyond, it keeps its lots."""

CROWD = 500
"""Accounts that take part, those with the finest lots; the others keep theirs."""

STEPS = 10
"""Burdens tried between the least one and the gap asked for."""

Result = TypeVar("Result", bound=LotsResult)


class Choices(NamedTuple):
    """What one account can pay: sums in USD, ascending, and the lots of its lines behind each."""

    line: IntArray
    total: FloatArray
    lots: FloatArray


def trade_burden(result: Result, weight: float, goal: float) -> Result:
    """Lower ``weight * z + overshoot`` of an answer by raising z a little, its proven bound kept.

    Parameters
    ----------
    result : LotsResult or LotsChoiceResult
        An answer that covers its budget, with lots of the least burden.
    weight : float
        USD of overshoot that one unit of burden is worth, > 0.
    goal : float
        Relative gap to ``weight * lower_bound`` at which to stop.

    Returns
    -------
    LotsResult or LotsChoiceResult
        The same kind, never worse; ``lower_bound`` is that of the input.

    Notes
    -----
    At burdens just above the least one, every account lists what it can pay near its cap, and the accounts
    are put together so that the total is the least that covers the budget.  Where at most k may pay and more
    could, only those pay that did.  Lists are thinned evenly beyond fixed sizes, so this is a heuristic, and
    its cost is bounded; it has no random part.

    Examples
    --------
    At the least burden both must pay; two lots of the second alone overshoot less at a burden of 0.54.

    >>> from adl_opt.kernels import minmax_lots
    >>> least = minmax_lots([10.0, 10.0], [0, 1], [5.0, 2.7], [2, 3], 5.1)
    >>> traded = trade_burden(least, 0.1, 1e-4)
    >>> least.z, least.lots.tolist(), traded.z, traded.lots.tolist()
    (0.5, [1, 1], 0.54, [0, 2])
    """
    problem = result.problem
    if result.shortfall_usd > 0 or problem.budget == 0 or result.lower_bound <= 0:
        return result
    book = lots_book(problem, engine())
    payers = np.flatnonzero(book.total > 0)
    if isinstance(result, LotsChoiceResult) and result.accounts < payers.size:
        payers = result.chosen
    finest = np.full(problem.capacity.size, np.inf)
    np.minimum.at(finest, book.account, book.value)
    payers = np.sort(payers[np.argsort(finest[payers], kind="stable")[:CROWD]])
    best = result
    for step in sorted({*(10.0**-k for k in range(9, 0, -1)), *(goal * j / STEPS for j in range(1, STEPS))}):
        value = weight * best.z + best.overshoot_usd
        if value <= weight * result.lower_bound * (1 + goal) or weight * result.z * (1 + step) >= value:
            break
        line_lots = _least_total(book, payers, best, result.z * (1 + step), problem.budget)
        lots = book.spread(line_lots, problem.lots)
        other = result_of(problem, lots, result.lower_bound, False, result.nodes)
        if other.shortfall_usd == 0 and weight * other.z + other.overshoot_usd < value:
            best = _as(best, other)
    return best


def _as(best: Result, other: LotsResult) -> Result:
    """Return the answer with the figures of another one."""
    names = ("z", "gap", "lots", "haircut_usd", "executed_usd", "overshoot_usd", "overshoot_proven")
    changed = {name: getattr(other, name) for name in names}
    if isinstance(best, LotsChoiceResult):
        changed["chosen"] = np.unique(best.problem.account[other.lots > 0])
    return replace(best, **changed)


def _least_total(book: LotsBook, payers: IntArray, known: LotsResult, z: float, budget: float) -> FloatArray:
    """Return lots of every line: burdens up to z, and the least listed total from the budget on."""
    groups = [np.arange(book.first[who], book.first[who] + book.size[who]) for who in payers]
    mine = np.zeros(book.account.size)
    np.add.at(mine, book.origin, known.lots[book.kept])
    most = []
    for who, line in zip(payers, groups, strict=True):
        room = min(z * float(book.base[who]), float(book.capacity[who])) * (1 + SLACK)
        most.append(_near_top(book, line, mine[line], room))
    answer = mine.copy()
    for line in groups:
        answer[line] = 0.0
    kept = float(answer @ book.value)
    spare = float(sum(choices.total[-1] for choices in most)) + kept - budget * AIM
    lists = []
    for choices in most:
        top = float(choices.total[-1])
        listed = _sums(book, choices.line, top, top - max(spare, 0.0))
        lists.append(choices if listed is None else listed)
    for choices, place in zip(lists, _give_back(lists, spare), strict=True):
        answer[choices.line] = choices.lots[place]
    return answer


def _near_top(book: LotsBook, line: IntArray, lots: FloatArray, room: float) -> Choices:
    """Return sums of one account just below its room; the lots that it has where nothing is listed."""
    paid = float(lots @ book.value[line])
    for share in (1e-9, 1e-6, 1e-4, 1e-2, 1.0):
        listed = _sums(book, line, room, max(room * (1 - share), paid * (1 - SLACK)))
        if listed is None:
            break
        if listed.total.size:
            return listed
    return Choices(line, np.array([paid]), lots[None, :])


def _sums(book: LotsBook, line: IntArray, high: float, low: float) -> Choices | None:
    """Return every sum of one account within [low, high], with its lots; None where they are too many."""
    value = book.value[line]
    most = np.minimum(book.lots[line], np.floor(high * (1 + SLACK) / value))
    order = np.argsort(most, kind="stable")
    total, lots = np.zeros(1), np.zeros((1, line.size))
    for place, column in enumerate(order):
        last = place == order.size - 1
        upto = np.minimum(most[column], np.floor(np.maximum(high * (1 + SLACK) - total, 0.0) / value[column]))
        start = np.ceil((low - total) / value[column] - 1e-9) if last else np.zeros(total.size)
        start = np.maximum(start, 0.0)
        count = np.maximum(upto - start + 1, 0.0)
        if float(np.sum(count)) > LISTED / max(line.size / 4, 1):
            return None
        size = count.astype(np.int64)
        parent = np.repeat(np.arange(size.size), size)
        steps = np.arange(parent.size) - np.repeat(np.cumsum(size) - size, size) + start[parent]
        total, lots = total[parent] + steps * value[column], lots[parent]
        lots[:, column] = steps
        total, first = np.unique(total, return_index=True)
        lots = lots[first]
    return Choices(line, total, lots)


def _give_back(lists: list[Choices], spare: float) -> list[int]:
    """Return a place in every list so that together they give back the most that is not above ``spare``."""
    order = sorted(range(len(lists)), key=lambda k: lists[k].total.size)
    given, trail = np.zeros(1), []
    for k in order:
        total = lists[k].total
        fits = np.flatnonzero(total[-1] - total <= max(spare, 0.0))
        fits = fits[:: max(1, -(-fits.size * given.size // PRODUCT))] if fits.size > 1 else fits
        fits = np.union1d(fits, [total.size - 1])
        sums = (given[:, None] + (total[-1] - total[fits])).ravel()
        rows = np.flatnonzero(sums <= max(spare, 0.0))
        given, first = np.unique(sums[rows], return_index=True)
        rows = rows[first]
        if given.size > STATES:
            kept = np.unique(np.linspace(0, given.size - 1, STATES).astype(np.int64))
            given, rows = given[kept], rows[kept]
        trail.append((rows // fits.size, fits[rows % fits.size]))
    node, places = given.size - 1, [0] * len(lists)
    for k, (parent, choice) in zip(order[::-1], trail[::-1], strict=True):
        places[k] = int(choice[node])
        node = int(parent[node])
    return places
