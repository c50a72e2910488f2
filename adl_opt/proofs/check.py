"""Check a proof file: ``python -m adl_opt.proofs.check FILE``.

The checker solves nothing and trusts nobody.  It recomputes every bound in whole numbers and fractions, so
nothing is rounded, with the standard library alone.  Exit codes: 0 accepted, 1 refused, 2 not a proof.
Numbers are texts: ``"3/7"``, ``"12.5"``, a hexadecimal float such as ``"0x1.8p+3"``; bounds may be ``"inf"``.

``linear``: least offset + cost'v, row_low <= A v <= row_high, low <= v <= high, some v whole.  The proof is a
tree.  A branching splits one whole column at k: v <= k, or v >= k + 1.  A leaf holds prices y of the rows: by
weak duality no v of it costs less than the least of y'r + (cost - A'y)'v over the boxes of r and v.  With
cost 0, a bound above 0 shows that the leaf is empty (Farkas).  A tangent stands for a curve in the cost.
``min-max``: least over [H - needed]_+ + weight z.  An account pays at most its capacity and z base: in whole
lots, or any amount of at least a ticket.  Together they pay at least (or exactly) the budget, and at most so
many pay.  The proof is a z at which those that may pay most, each at its most, raise less than the budget.
"""

from __future__ import annotations

import hashlib
import json
import sys
from fractions import Fraction
from math import lcm
from operator import index as whole
from typing import Any

LOG_BITS, MOST_LISTED, CENT, PLAIN = 192, 1 << 20, Fraction(1, 100), frozenset("0123456789+-./")
Box = tuple[int | None, int | None]


class Refused(Exception):
    """The file is a proof, and it does not prove its claim.  Any other error: it is not a proof."""


def number(text: str) -> Fraction:
    """Return the exact value of a finite number."""
    return Fraction(float.fromhex(text) if "0x" in text else text if set(text) <= PLAIN else "")


def need(holds: bool, why: str) -> None:
    """Refuse the proof unless a condition holds."""
    if not holds:
        raise Refused(why)


def in_ints(values: list[Fraction]) -> tuple[list[int], int]:
    """Return whole numbers and the denominator that all share."""
    share = lcm(*(value.denominator for value in values))
    return [value.numerator * (share // value.denominator) for value in values], share


def boxes_of(items: list[dict[str, Any]]) -> tuple[list[Box], int]:
    """Return the bounds of rows or columns as whole numbers (None: no bound) over one denominator."""
    ends = [None if end in ("inf", "-inf") else number(end) for i in items for end in (i["low"], i["high"])]
    ints, share = in_ints([end or Fraction(0) for end in ends])
    whole_ends = [None if end is None else value for end, value in zip(ends, ints, strict=True)]
    return list(zip(whole_ends[::2], whole_ends[1::2], strict=True)), share


class Linear:
    """A linear problem; costs, matrix and boxes are kept in whole numbers over shared denominators."""

    def __init__(self, problem: dict[str, Any]) -> None:
        columns, rows = problem["columns"], problem["rows"]
        (self.boxes, self.unit), (self.row_boxes, self.row_unit) = boxes_of(columns), boxes_of(rows)
        self.whole = [bool(c.get("whole")) for c in columns]
        self.cost, self.offset = [number(c["cost"]) for c in columns], number(problem["offset"])
        self.cost_ints = in_ints(self.cost)
        self.curve = {j: c["curve"] for j, c in enumerate(columns) if "curve" in c}
        self.entries = [[(range(len(columns))[j], number(v)) for j, v in row["entries"]] for row in rows]
        self.share = lcm(*(value.denominator for row in self.entries for _, value in row))
        self.ints = [[(j, int(value * self.share)) for j, value in row] for row in self.entries]

    def leaf(self, leaf: dict[str, Any], boxes: dict[int, Box], empty: bool) -> Fraction:
        """Return the bound that a leaf proves; with ``empty`` every cost counts as 0."""
        prices = {range(len(self.ints))[i]: number(y) for i, y in leaf["prices"]}
        times, share = in_ints(list(prices.values()))
        total, slope = 0, [0] * len(self.cost)
        for i, y in zip(prices, times, strict=True):
            total += _least(y, self.row_boxes[i], "row", i)
            for j, value in self.ints[i]:
                slope[j] -= y * value
        bound = Fraction(total, share * self.row_unit)
        costs, of_cost = ([0] * len(slope), 1) if empty else self.cost_ints
        if self.curve and not empty:
            touching = {whole(j): (number(at), number(rate)) for j, at, rate in leaf["tangents"]}
            for j, curve in self.curve.items():
                bound += above_line(curve, *touching[j], boxes.get(j, self.boxes[j]), self.unit)
            rates = [c + touching[j][1] if j in self.curve else c for j, c in enumerate(self.cost)]
            costs, of_cost = in_ints(rates)
        share, total = share * self.share, 0
        for j, (rate, cost) in enumerate(zip(slope, costs, strict=True)):
            total += _least(rate * of_cost + cost * share, boxes.get(j, self.boxes[j]), "column", j)
        return bound + Fraction(total, share * of_cost * self.unit) + (0 if empty else self.offset)

    def bound(self, proof: dict[str, Any]) -> Fraction | None:
        """Walk the whole tree; return the least bound of its leaves, None where every leaf is empty."""
        stack: list[tuple[int, dict[int, Box]]] = [(0, {})]
        unseen, least = dict(enumerate(proof["tree"])), None
        while stack:
            at, boxes = stack.pop()
            need(at in unseen, "a branch leads nowhere, or to a node twice")
            node = unseen.pop(at)
            if any(low is not None and high is not None and low > high for low, high in boxes.values()):
                continue
            if "split" in node:
                j, k = range(len(self.whole))[node["split"][0]], whole(node["split"][1])
                need(self.whole[j], f"column {j} need not be whole")
                low, high = boxes.get(j, self.boxes[j])
                stack.append((whole(node["down"]), {**boxes, j: (low, k * self.unit)}))
                stack.append((whole(node["up"]), {**boxes, j: ((k + 1) * self.unit, high)}))
                continue
            empty = bool(node.get("empty"))
            bound = self.leaf(node, boxes, empty)
            need(number(node["bound"]) == bound, f"leaf {at} states a bound, and proves {float(bound)!r}")
            need(not empty or bound > 0, f"leaf {at} is called empty, and its prices do not show it")
            least = least if empty else bound if least is None else min(least, bound)
        return least

    def value(self, point: list[Fraction], tolerance: Fraction) -> Fraction:
        """Return what a point costs at most; it may break a row or box by the tolerance."""
        need(len(point) == len(self.cost), "the point has not one value for each column")
        for j, v in enumerate(point):
            need(not self.whole[j] or v.denominator == 1, f"column {j} of the point is not whole")
            _inside(
                v, self.boxes[j], self.unit, 0 if self.whole[j] else tolerance, f"the point breaks column {j}"
            )
        for i, row in enumerate(self.entries):
            activity = sum((a * point[j] for j, a in row), Fraction(0))
            _inside(activity, self.row_boxes[i], self.row_unit, tolerance, f"the point breaks row {i}")
        curved = sum((curve_at(curve, point[j])[1] for j, curve in self.curve.items()), Fraction(0))
        return sum((c * v for c, v in zip(self.cost, point, strict=True)), self.offset) + curved


def _least(rate: int, box: Box, kind: str, at: int) -> int:
    end = box[0] if rate > 0 else box[1]
    need(rate == 0 or end is not None, f"the price of {kind} {at} has the wrong sign")
    return rate * (end or 0)


def _inside(v: Fraction, box: Box, unit: int, by: Fraction | int, what: str) -> None:
    low, high = box
    need((low is None or (v + by) * unit >= low) and (high is None or (v - by) * unit <= high), what)


def curve_at(curve: dict[str, Any], v: Fraction) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Return bounds of a curve and of its slope at v: value low and high, slope low and high.

    square: weight (v - at)^2; neglog: -weight ln(v + at); entropy: weight u ((1 - h) ln(1 - h) + h), h = v/u.
    """
    weight, at, unit = number(curve["weight"]), number(curve.get("at", "0")), number(curve.get("unit", "1"))
    need(weight >= 0 and unit > 0, "a curve is not convex")
    if curve["kind"] == "square":
        return (weight * (v - at) ** 2,) * 2 + (2 * weight * (v - at),) * 2
    if curve["kind"] == "neglog":
        low, high = log(v + at)
        return -weight * high, -weight * low, -weight / (v + at), -weight / (v + at)
    need(curve["kind"] == "entropy", "a curve is of no known kind")
    rest, size = 1 - v / unit, weight * unit
    low, high = log(rest)
    return size * (rest * low + 1 - rest), size * (rest * high + 1 - rest), -weight * high, -weight * low


def above_line(curve: dict[str, Any], at: Fraction, rate: Fraction, box: Box, unit: int) -> Fraction:
    """Return a lower bound of curve(v) - rate v on the box, from the tangent that touches at a point."""
    if box[0] is None or box[1] is None or not box[0] <= at * unit <= box[1]:
        raise Refused("a tangent touches outside the box, or the box is not finite")
    low, high = Fraction(box[0], unit), Fraction(box[1], unit)
    value, _, first, last = curve_at(curve, at)
    left, right = (low - at) * max(last - rate, Fraction(0)), (high - at) * min(first - rate, Fraction(0))
    return value - rate * at + min(left, right)


def log(x: Fraction) -> tuple[Fraction, Fraction]:
    """Return bounds of ln x: x = m 2^k with m in [1/2, 2], ln x = k ln 2 + 2 artanh((m - 1) / (m + 1))."""
    need(x > 0, "a logarithm is asked of a number that is not positive")
    k = x.numerator.bit_length() - x.denominator.bit_length()
    m = x / Fraction(2) ** k
    low, high = artanh((m - 1) / (m + 1))
    two = [2 * k * end for end in artanh(Fraction(1, 3))]
    return 2 * low + min(two), 2 * high + max(two)


def artanh(t: Fraction) -> tuple[Fraction, Fraction]:
    """Return bounds of artanh t = t + t^3 / 3 + ..., abs(t) <= 1/3, in fixed point with every rounding."""
    one, n = 1 << LOG_BITS, 1
    power = total = abs(t.numerator) * one // t.denominator
    square = power * power // one
    while power:
        power, n = power * square // one, n + 2
        total += power // n
    low, high = Fraction(total - 1, one), Fraction(total + 4 * n, one)
    return (low, high) if t >= 0 else (-high, -low)


def most_in_lots(positions: list[tuple[Fraction, int]], cap: Fraction) -> Fraction:
    """Return the most that whole lots pay within a cap; all positions but the finest are listed."""
    finest, *others = sorted(positions)
    sums = {Fraction(0)}
    for value, count in others:
        need(len(sums) * (count + 1) <= MOST_LISTED, "an account has too many sums to list")
        sums = {s + value * k for s in sums for k in range(count + 1) if s + value * k <= cap}
    return max(s + finest[0] * min(int((cap - s) // finest[0]), finest[1]) for s in sums)


class MinMaxProblem:
    """Accounts that pay in whole lots, or any amount of at least a ticket."""

    def __init__(self, problem: dict[str, Any]) -> None:
        names = ("budget", "needed", "ticket", "weight", "over")
        self.budget, self.needed, self.ticket, self.weight, self.over = (number(problem[n]) for n in names)
        self.exact, self.most = bool(problem["exact"]), whole(problem["accounts_at_most"])
        self.accounts: list[tuple[Fraction, Fraction, list[tuple[Fraction, int]] | None]] = []
        for i, item in enumerate(problem["accounts"]):
            lots = [(number(v), whole(k)) for v, k in item["positions"]] if "positions" in item else None
            self.accounts.append((number(item["base"]), number(item["capacity"]), lots))
            good = min(self.accounts[-1][:2]) >= 0 and all(v > 0 and k >= 0 for v, k in lots or ())
            need(good, f"account {i} has a negative amount")
        need(min(self.ticket, self.weight, self.over) >= 0, "a ticket or weight is negative")

    def bound(self, proof: dict[str, Any]) -> Fraction | None:
        """Return the bound at the z of the proof; None where no z raises the budget."""
        z = None if proof["z"] == "inf" else max(number(proof["z"]), Fraction(0))
        listed, pays = {whole(i) for i in proof["listed"]}, []
        for i, (base, capacity, lots) in enumerate(self.accounts):
            cap = capacity if z is None else min(capacity, z * base)
            if lots and (len(lots) == 1 or i in listed):
                pays.append(most_in_lots(lots, cap))
            elif lots is not None:
                pays.append(min(cap, sum((v * k for v, k in lots), Fraction(0))))
            elif cap >= self.ticket:
                pays.append(cap)
        at_ticket = int(self.budget // self.ticket) if self.exact and self.ticket else self.most
        raised = sum(sorted(pays, reverse=True)[: max(min(self.most, at_ticket), 0)], Fraction(0))
        need(raised < self.budget, f"at that z the accounts may raise {float(raised)!r}")
        return (
            None if z is None else self.weight * z + self.over * max(self.budget - self.needed, Fraction(0))
        )

    def value(self, point: list[Fraction], tolerance: Fraction) -> Fraction:
        """Return what a point costs: lots of each position, or the haircut of each account without any."""
        left, pays, z = point[::-1], [], Fraction(0)
        for i, (base, cap, lots) in enumerate(self.accounts):
            pay = left.pop() if lots is None else Fraction(0)
            for value, held in lots or ():
                k = left.pop()
                need(k.denominator == 1 and 0 <= k <= held, f"account {i}: lots are not whole, or not held")
                pay += value * k
            may = pay == 0 or (base > 0 and self.ticket - tolerance <= pay <= cap + tolerance)
            need(may and pay >= 0, f"account {i} pays too much or too little")
            pays.append(pay)
            z = max(z, pay / base) if pay else z
        total = sum(pays, Fraction(0))
        need(not left and sum(pay > 0 for pay in pays) <= self.most, "too many accounts pay")
        over = total - self.budget
        need(over >= -tolerance and not (self.exact and over > tolerance), "the budget is not raised")
        return self.over * max(total - self.needed, Fraction(0)) + self.weight * z


def digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of all that a document holds but its digest: JSON, keys sorted, no spaces."""
    content = {key: value for key, value in document.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check(document: dict[str, Any]) -> str:
    """Return the claim in words; raise Refused, or another error where the document is no proof."""
    if document["format"] != "adl_opt proof" or document["version"] != 1:
        raise ValueError("the format is not adl_opt proof 1")
    need(document["sha256"] == digest(document), "the digest does not match the content")
    claim, problem, proof = document["claim"], document["problem"], document["proof"]
    made = MinMaxProblem(problem) if problem["kind"] == "min-max" else Linear(problem)
    bound = made.bound(proof)
    if claim["status"] == "infeasible":
        need(bound is None, "the proof does not show that nothing is feasible")
        return "nothing is feasible"
    stated = number(claim["bound"])
    need(bound is None or stated <= bound, f"the claim is {claim['bound']}, and the proof gives {bound}")
    if "objective" not in claim:
        return f"no feasible point costs less than {float(stated)!r}"
    tolerance, objective = number(claim["tolerance"]), number(claim["objective"])
    need(0 <= tolerance <= CENT, "the tolerance is beyond a cent")
    value = made.value([number(v) for v in document["point"]], tolerance)
    need(value <= objective, f"the point costs {float(value)!r}, more than the claimed objective")
    return f"a point costs at most {float(objective)!r}, and none less than {float(stated)!r}"


def run(path: str) -> int:
    """Check a file, print the verdict, return the exit code."""
    try:
        with open(path, encoding="utf-8") as file:
            print(f"accepted: {check(json.load(file))}")
        return 0
    except Exception as error:  # whatever a file may hold, the verdict is one line
        refused = isinstance(error, Refused)
        print(error if refused else f"not a proof: {error!r}", file=sys.stderr)
        return 1 if refused else 2


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]) if len(sys.argv) == 2 else 2)
