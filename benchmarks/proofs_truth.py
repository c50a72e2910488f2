"""Least objectives of small rounds by enumeration in whole numbers; nothing of the library is used.

Lots: every combination.  Amounts: every set of payers; given who pays, the least largest burden z is where
``sum of min(upper, z base)`` meets what must be raised, a function of z with one kink for each account.
Scenarios: the objective is piecewise linear in H, so its least value is at a kink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import lcm

Position = tuple[int, Fraction, int]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A program on a round, in fractions.

    ``raise_`` is ``exact`` (H = B), ``least`` (H + fund >= B) or empty.  Prices are of a USD beyond B, of a
    USD below B, of a USD of H, of the largest burden, of an account that pays, and of a USD of the fund.
    ``balance`` is the number of lots that the first positions of all accounts close, exactly or at least.
    ``beyond`` is the H from which ``over`` counts, B by default.  ``cost`` of H comes on top, with its kinks;
    then H is free, from ``floor`` on.
    """

    upper: Sequence[Fraction]
    base: Sequence[Fraction]
    needed: Fraction
    raise_: str
    positions: Sequence[Position] | None = None
    most: int = 8
    ticket: Fraction = Fraction(0)
    fund: Fraction = Fraction(0)
    balance: tuple[int, str] | None = None
    over: Fraction = Fraction(0)
    under: Fraction = Fraction(0)
    haircut: Fraction = Fraction(0)
    burden: Fraction = Fraction(0)
    touched: Fraction = Fraction(0)
    draw: Fraction = Fraction(0)
    beyond: Fraction | None = None
    cost: Callable[[Fraction], Fraction] | None = None
    kinks: Sequence[Fraction] = ()
    floor: Fraction = Fraction(0)


def least(task: Task) -> Fraction | None:
    """Return the least objective; None where nothing is feasible."""
    if task.cost is not None:
        return min(_of_totals(task), default=None)
    return min(_of_amounts(task) if task.positions is None else _of_lots(task), default=None)


def _beyond(task: Task) -> Fraction:
    return task.needed if task.beyond is None else task.beyond


def _of_totals(task: Task) -> Iterator[Fraction]:
    assert task.cost is not None  # noqa: S101
    payers = [(u, b) for u, b in zip(task.upper, task.base, strict=True) if u > 0 and b > 0]
    full = [
        sum((min(u, at * b) for u, b in payers), Fraction(0))
        for at in {Fraction(0), *(u / b for u, b in payers)}
    ]
    for raised in {*full, *task.kinks, task.floor}:
        if task.floor <= raised <= max(full):
            yield task.cost(raised) + task.burden * least_burden(payers, raised, Fraction(0))


def _of_amounts(task: Task) -> Iterator[Fraction]:
    able = [i for i, most in enumerate(task.upper) if most > 0 and most >= task.ticket and task.base[i] > 0]
    for count in range(min(task.most, len(able)) + 1):
        for who in combinations(able, count):
            raised = max(task.needed, count * task.ticket)
            if raised > sum(task.upper[i] for i in who) or (task.raise_ == "exact" and raised > task.needed):
                continue
            z = least_burden([(task.upper[i], task.base[i]) for i in who], raised, task.ticket)
            value = task.over * max(raised - _beyond(task), Fraction(0)) + task.haircut * raised
            yield value + task.burden * z + task.touched * count


def least_burden(payers: Sequence[tuple[Fraction, Fraction]], raised: Fraction, ticket: Fraction) -> Fraction:
    """Return the least z at which payers raise an amount and each of them a ticket; upper bounds allow it."""
    full = sorted((upper / base, upper, base) for upper, base in payers)
    paid, free, z = Fraction(0), sum((base for _, base in payers), Fraction(0)), Fraction(0)
    for kink, upper, base in full:
        if paid + free * kink >= raised:
            z = (raised - paid) / free
            break
        paid, free = paid + upper, free - base
    return max([z, *(ticket / base for _, base in payers)])


def _of_lots(task: Task) -> Iterator[Fraction]:
    """Yield the value of every feasible combination; sums are of whole numbers over shared denominators."""
    assert task.positions is not None  # noqa: S101
    some = (task.needed, task.ticket, task.fund, _beyond(task))
    amounts = [*task.upper, *task.base, *(value for _, value, _ in task.positions), *some]
    unit = lcm(*(amount.denominator for amount in amounts))
    needed, ticket, fund, beyond = (int(amount * unit) for amount in some)
    base = [int(amount * unit) for amount in task.base]
    shared = lcm(*(b for b in base if b))
    prices = (task.over, task.under, task.haircut, task.draw, task.burden, task.touched)
    cents = lcm(*(price.denominator for price in prices))
    over, under, haircut, draw, burden, touched = (int(price * cents) for price in prices)
    points = [(0, 0, 0, 0)]
    for i, most in enumerate(task.upper):
        ways = list(_ways([p for p in task.positions if p[0] == i], unit, int(most * unit), ticket, base[i]))
        step = shared // base[i] if base[i] else 0
        points = [
            (h + pay, max(z, pay * step), n + (pay > 0), closed + lots)
            for h, z, n, closed in points
            for pay, lots in ways
            if pay == 0 or n < task.most
        ]
    for h, z, n, closed in points:
        lack = max(needed - h, 0)
        if task.raise_ and (lack > fund or (task.raise_ == "exact" and h != needed)):
            continue
        if task.balance and (
            closed < task.balance[0] or (task.balance[1] == "=" and closed > task.balance[0])
        ):
            continue
        money = over * max(h - beyond, 0) + under * lack + haircut * h + (draw * lack if task.raise_ else 0)
        yield Fraction(
            money * shared + burden * unit * z + touched * n * unit * shared, cents * unit * shared
        )


def _ways(own: Sequence[Position], unit: int, most: int, ticket: int, base: int) -> Iterator[tuple[int, int]]:
    """Yield what an account pays and its lots of the first position, for every combination of lots."""
    values = [int(value * unit) for _, value, _ in own]
    for lots in product(*(range(held + 1) for _, _, held in own)):
        pay = sum(k * v for k, v in zip(lots, values, strict=True))
        if pay == 0 or (ticket <= pay <= most and base > 0):
            yield pay, lots[0] if lots else 0
