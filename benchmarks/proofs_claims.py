"""Is the claim of a proof document true?  Judged by enumeration, without its proof and without the checker.

Whole columns are listed.  What is left is solved exactly by the criss-cross method in fractions.  Curves are
evaluated at whole points, logarithms with 60 digits; where a change lets a column with a curve be any number,
at eighths.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from math import ceil, floor, prod
from typing import Any

from benchmarks.proofs_truth import Task, least

FAR, MOST = Fraction(10**30), 20_000
"""A side in place of an infinite one, and the most whole points to list."""

DIGITS = Fraction(1, 10**40)
"""By how much sums of logarithms may be off."""

Row = tuple[list[tuple[int, Fraction]], Fraction, Fraction]


def number(text: str) -> Fraction:
    """Return the exact value of a number of a document; infinite sides are far away."""
    if text in ("inf", "-inf"):
        return FAR if text == "inf" else -FAR
    return Fraction(float.fromhex(text)) if "x" in text else Fraction(text)


def holds(document: dict[str, Any]) -> bool:
    """Say whether what a document claims is true."""
    problem, claim = document["problem"], document["claim"]
    linear = problem["kind"] == "linear"
    optimum = linear_optimum(problem) if linear else least(task_of(problem))
    if claim["status"] == "infeasible":
        return optimum is None
    true = optimum is None or number(claim["bound"]) <= optimum + DIGITS
    if "objective" not in claim:
        return true
    point, tolerance = [number(v) for v in document["point"]], number(claim["tolerance"])
    value = (linear_value if linear else lots_value)(problem, point, tolerance)
    return true and value is not None and value <= number(claim["objective"]) + DIGITS


def _columns(problem: dict[str, Any]) -> tuple[list[Fraction], list[tuple[Fraction, Fraction]], list[Row]]:
    cost = [number(c["cost"]) for c in problem["columns"]]
    boxes = [(number(c["low"]), number(c["high"])) for c in problem["columns"]]
    place = range(len(cost))  # -1 is the last one, as the checker reads it
    rows = [
        ([(place[j], number(v)) for j, v in r["entries"]], number(r["low"]), number(r["high"]))
        for r in problem["rows"]
    ]
    return cost, boxes, rows


def linear_optimum(problem: dict[str, Any]) -> Fraction | None:
    """Return the least cost; None where nothing is feasible."""
    cost, boxes, rows = _columns(problem)
    steps = {
        j: 1 if c.get("whole") else 8
        for j, c in enumerate(problem["columns"])
        if "whole" in c or "curve" in c
    }
    rest = [j for j in range(len(cost)) if j not in steps]
    ranges = [range(ceil(boxes[j][0] * by), floor(boxes[j][1] * by) + 1) for j, by in steps.items()]
    if prod(len(r) for r in ranges) > MOST:
        raise ValueError("too many whole points to list")
    best = None
    for chosen in product(*ranges):
        at = {j: Fraction(k, by) for (j, by), k in zip(steps.items(), chosen, strict=True)}
        fixed = curved(problem, at)
        if fixed is None:
            continue
        fixed += sum((cost[j] * v for j, v in at.items()), number(problem["offset"]))
        left = []
        for entries, low, high in rows:
            moved = sum((a * at[j] for j, a in entries if j in at), Fraction(0))
            left.append(([(rest.index(j), a) for j, a in entries if j not in at], low - moved, high - moved))
        value = linear_least([cost[j] for j in rest], [boxes[j] for j in rest], left)
        if value is not None:
            best = fixed + value if best is None else min(best, fixed + value)
    return best


def linear_least(
    cost: Sequence[Fraction], boxes: Sequence[tuple[Fraction, Fraction]], rows: Sequence[Row]
) -> Fraction | None:
    """Return the least cost of columns in boxes under rows; None where nothing is feasible.

    Rows of one free column become its box.  Then, with v = low + y: least c'y, A y <= b, y >= 0.
    """
    boxes, before = list(boxes), -1
    if any(low > high for low, high in [*boxes, *((low, high) for _, low, high in rows)]):
        return None
    while before != len(rows):
        before, kept = len(rows), list[Row]()
        for entries, low, high in rows:
            moved = sum((a * boxes[j][0] for j, a in entries if boxes[j][0] == boxes[j][1]), Fraction(0))
            free = [(j, a) for j, a in entries if boxes[j][0] != boxes[j][1] and a]
            low, high = low - moved, high - moved
            if len(free) == 1:
                (j, a), (least_, most) = free[0], boxes[free[0][0]]
                ends = sorted([low / a, high / a])
                boxes[j] = max(least_, ends[0]), min(most, ends[1])
            elif free:
                kept.append((free, low, high))
            if (not free and not low <= 0 <= high) or any(boxes[j][0] > boxes[j][1] for j, _ in free):
                return None
        rows = kept
    if any(low > high for low, high in boxes):
        return None
    n, start = len(cost), [low for low, _ in boxes]
    table = []
    for entries, low, high in rows:
        dense = [Fraction(0)] * n
        for j, a in entries:
            dense[j] += a
        moved = sum((a * s for a, s in zip(dense, start, strict=True)), Fraction(0))
        table += [[*dense, high - moved], [*(-a for a in dense), moved - low]]
    for j, (low, high) in enumerate(boxes):
        table.append([Fraction(int(i == j)) for i in range(n)] + [high - low])
    table = [row for row in table if any(row[:n]) or row[n] < 0]
    at_start = sum((c * s for c, s in zip(cost, start, strict=True)), Fraction(0))
    least_ = _criss_cross([*table, [*cost, Fraction(0)]])
    return None if least_ is None else at_start + least_


def _criss_cross(table: list[list[Fraction]]) -> Fraction | None:
    # the last row is the cost, the last column the right side; the least index that is wrong enters or leaves
    m, n = len(table) - 1, len(table[0]) - 1
    columns, basis = list(range(n)), list(range(n, n + m))
    while True:
        rows = [(basis[i], i) for i in range(m) if table[i][n] < 0]
        wrong = [(columns[j], j) for j in range(n) if table[m][j] < 0]
        if not rows and not wrong:
            return -table[m][n]
        if rows and (not wrong or min(rows) < min(wrong)):
            i = min(rows)[1]
            able = [(columns[j], j) for j in range(n) if table[i][j] < 0]
            if not able:
                return None
            j = min(able)[1]
        else:
            j = min(wrong)[1]
            i = min((basis[i], i) for i in range(m) if table[i][j] > 0)[1]
        pivot, row = table[i][j], table[i]
        scaled = [v / pivot for v in row]
        scaled[j] = 1 / pivot
        for k, other in enumerate(table):
            if k != i and other[j]:
                factor = other[j]
                table[k] = [v - factor * s for v, s in zip(other, scaled, strict=True)]
                table[k][j] = -factor / pivot
        table[i], basis[i], columns[j] = scaled, columns[j], basis[i]


def curved(problem: dict[str, Any], at: dict[int, Fraction]) -> Fraction | None:
    """Return the value of all curves; None outside of their domain."""
    total = Fraction(0)
    for j, column in enumerate(problem["columns"]):
        if "curve" not in column:
            continue
        curve = column["curve"]
        weight, shift = number(curve["weight"]), number(curve.get("at", "0"))
        if curve["kind"] == "square":
            total += weight * (at[j] - shift) ** 2
            continue
        unit = number(curve.get("unit", "1"))
        rest = at[j] + shift if curve["kind"] == "neglog" else 1 - at[j] / unit
        if rest < 0 or (rest == 0 and curve["kind"] == "neglog"):
            return None
        if curve["kind"] == "neglog":
            total -= weight * _log(rest)
        else:
            total += weight * unit * ((rest * _log(rest) if rest else 0) + 1 - rest)
    return total


@cache
def _log(x: Fraction) -> Fraction:
    with decimal.localcontext(prec=60):
        return Fraction((decimal.Decimal(x.numerator) / decimal.Decimal(x.denominator)).ln())


def linear_value(problem: dict[str, Any], point: list[Fraction], tolerance: Fraction) -> Fraction | None:
    """Return what a point costs; None where it breaks a row or box by more than the tolerance."""
    cost, boxes, rows = _columns(problem)
    for v, (low, high), column in zip(point, boxes, problem["columns"], strict=True):
        whole = column.get("whole")
        by = Fraction(0) if whole else tolerance
        if not low - by <= v <= high + by or (whole and v.denominator != 1):
            return None
    for entries, low, high in rows:
        if not low - tolerance <= sum((a * point[j] for j, a in entries), Fraction(0)) <= high + tolerance:
            return None
    curves = curved(problem, dict(enumerate(point)))
    plain = sum((c * v for c, v in zip(cost, point, strict=True)), number(problem["offset"]))
    return None if curves is None else curves + plain


def task_of(problem: dict[str, Any]) -> Task:
    """Return a min-max problem for the enumeration."""
    accounts = problem["accounts"]
    lots = [(i, number(v), int(k)) for i, a in enumerate(accounts) for v, k in a.get("positions", ())]
    return Task(
        upper=[number(a["capacity"]) for a in accounts],
        base=[number(a["base"]) for a in accounts],
        needed=number(problem["budget"]),
        beyond=number(problem["needed"]),
        raise_="exact" if problem["exact"] else "least",
        positions=lots if any("positions" in a for a in accounts) else None,
        most=problem["accounts_at_most"],
        ticket=number(problem["ticket"]),
        over=number(problem["over"]),
        burden=number(problem["weight"]),
    )


def lots_value(problem: dict[str, Any], point: list[Fraction], tolerance: Fraction) -> Fraction | None:
    """Return what lots or haircuts cost; None where they break the problem by more than the tolerance."""
    task, pays = task_of(problem), [Fraction(0)] * len(problem["accounts"])
    for i, pay in _paid(problem, point):
        if pay < 0:
            return None
        pays[i] += pay
    z, total = Fraction(0), sum(pays, Fraction(0))
    for pay, upper, base in zip(pays, task.upper, task.base, strict=True):
        if pay and (base <= 0 or not task.ticket - tolerance <= pay <= upper + tolerance):
            return None
        z = max(z, pay / base) if pay else z
    lacks, too_much = total < task.needed - tolerance, total > task.needed + tolerance
    if lacks or (task.raise_ == "exact" and too_much) or sum(pay > 0 for pay in pays) > task.most:
        return None
    return task.over * max(total - number(problem["needed"]), Fraction(0)) + task.burden * z


def _paid(problem: dict[str, Any], point: list[Fraction]) -> Iterator[tuple[int, Fraction]]:
    left = iter(point)
    for i, account in enumerate(problem["accounts"]):
        if "positions" not in account:
            yield i, next(left)
        for value, held in account.get("positions", ()):
            lots = next(left)
            yield i, number(value) * lots if lots.denominator == 1 and 0 <= lots <= held else Fraction(-1)
