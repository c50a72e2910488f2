"""Check a proof file: ``python -m adl_opt.proofs.check FILE``; exit 0 accepted, 1 refused, 2 not a proof.

Every bound is recomputed in fractions.  Numbers are texts: ``3/7``, ``12.5``, a hexadecimal float, ``inf``.
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
from collections import Counter
from fractions import Fraction
from functools import cache
from math import lcm
from operator import index as whole
from typing import Any

LOG_BITS, MOST_LISTED, CENT, PLAIN = 128, 1 << 20, Fraction(1, 100), frozenset("0123456789+-./")
Box = tuple[int | None, int | None]


class Refused(Exception):
    """The file is a proof, and it does not prove its claim.  Any other error: it is not a proof."""


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON from its keys and values; a key that is given twice is a ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice[:60]!r} is given twice")
    return found


def number(text: str) -> Fraction:
    """Return the exact value of a finite number."""
    return Fraction(float.fromhex(text) if "0x" in text else text if set(text) <= PLAIN else "")


def need(holds: bool, why: str) -> None:
    """Refuse the proof unless a condition holds."""
    if not holds:
        raise Refused(why)


def _in_ints(values: list[Fraction]) -> tuple[list[int], int]:
    share = lcm(*(value.denominator for value in values))
    return [value.numerator * (share // value.denominator) for value in values], share


def _boxes_of(items: list[dict[str, Any]]) -> tuple[list[Box], int]:
    ends = [None if end in ("inf", "-inf") else number(end) for i in items for end in (i["low"], i["high"])]
    ints, share = _in_ints([end or Fraction(0) for end in ends])
    whole_ends = [None if end is None else value for end, value in zip(ends, ints, strict=True)]
    return list(zip(whole_ends[::2], whole_ends[1::2], strict=True)), share


class Linear:
    """A linear problem; costs, matrix and boxes are kept in whole numbers over shared denominators."""

    def __init__(self, problem: dict[str, Any]) -> None:
        columns, rows = problem["columns"], problem["rows"]
        (self.boxes, self.unit), (self.row_boxes, self.row_unit) = _boxes_of(columns), _boxes_of(rows)
        self.whole = [bool(c.get("whole")) for c in columns]
        self.cost, self.offset = [number(c["cost"]) for c in columns], number(problem["offset"])
        self.cost_ints = _in_ints(self.cost)
        self.curve = {j: c["curve"] for j, c in enumerate(columns) if "curve" in c}
        self.entries = [[(range(len(columns)).index(j), number(v)) for j, v in r["entries"]] for r in rows]
        self.share = lcm(*(value.denominator for row in self.entries for _, value in row))
        self.ints = [[(j, int(value * self.share)) for j, value in row] for row in self.entries]

    def leaf(self, leaf: dict[str, Any], boxes: dict[int, Box], empty: bool) -> Fraction:
        """Return the bound that a leaf proves; with ``empty`` every cost counts as 0."""
        prices = {range(len(self.ints)).index(i): number(y) for i, y in leaf["prices"]}
        times, share = _in_ints(list(prices.values()))
        total, slope, box = 0, [0] * len(self.cost), [boxes.get(j, b) for j, b in enumerate(self.boxes)]
        for i, y in zip(prices, times, strict=True):
            total += _least(y, self.row_boxes[i], "row", i)
            for j, value in self.ints[i]:
                slope[j] -= y * value
        bound = Fraction(total, share * self.row_unit)
        costs, of_cost = ([0] * len(slope), 1) if empty else self.cost_ints
        if self.curve and not empty:
            touching = {whole(j): (number(at), number(rate)) for j, at, rate in leaf["tangents"]}
            bound += sum(above_line(c, *touching[j], box[j], self.unit) for j, c in self.curve.items())
            rates = [c + touching[j][1] if j in self.curve else c for j, c in enumerate(self.cost)]
            costs, of_cost = _in_ints(rates)
        share, total = share * self.share, 0
        for j, (rate, cost) in enumerate(zip(slope, costs, strict=True)):
            total += _least(rate * of_cost + cost * share, box[j], "column", j)
        return bound + Fraction(total, share * of_cost * self.unit) + (0 if empty else self.offset)

    def bound(self, proof: dict[str, Any]) -> Fraction | None:
        """Walk the whole tree; return the least bound of its leaves, None where every leaf is empty."""
        stack: list[tuple[int, dict[int, Box]]] = [(0, {})]
        unseen, least = dict(enumerate(proof["tree"])), None
        while stack:
            at, boxes = stack.pop()
            need(at in unseen, "a branch leads nowhere, or to a node twice")
            node = unseen.pop(at)
            if "split" in node:
                j, k = range(len(self.whole)).index(node["split"][0]), whole(node["split"][1])
                need(self.whole[j], f"column {j} need not be whole")
                low, high = boxes.get(j, self.boxes[j])
                stack.append((whole(node["down"]), {**boxes, j: (low, k * self.unit)}))
                stack.append((whole(node["up"]), {**boxes, j: ((k + 1) * self.unit, high)}))
                continue
            bound = self.leaf(node, boxes, empty := bool(node.get("empty")))
            need(number(node["bound"]) == bound, f"leaf {at} states a bound, and proves {float(bound)!r}")
            need(not empty or bound > 0, f"leaf {at} is called empty, and its prices do not show it")
            least = least if empty else bound if least is None else min(least, bound)
        return least

    def value(self, point: list[Fraction], tolerance: Fraction) -> Fraction:
        """Return what a point costs at most; it may break a row or box by the tolerance."""
        for j, (v, must) in enumerate(zip(point, self.whole, strict=True)):
            need(not must or v.denominator == 1, f"column {j} of the point is not whole")
            _inside(v, self.boxes[j], self.unit, 0 if must else tolerance, f"column {j}")
        for i, row in enumerate(self.entries):
            activity = sum((a * point[j] for j, a in row), Fraction(0))
            _inside(activity, self.row_boxes[i], self.row_unit, tolerance, f"row {i}")
        curved = (curve_at(curve, point[j])[1] for j, curve in self.curve.items())
        return self.offset + sum([*curved, *(c * v for c, v in zip(self.cost, point, strict=True))])


def _least(rate: int, box: Box, kind: str, at: int) -> int:
    end = box[0] if rate > 0 else box[1]
    need(rate == 0 or end is not None, f"the price of {kind} {at} has the wrong sign")
    return rate * (end or 0)


def _inside(v: Fraction, box: Box, unit: int, by: Fraction | int, what: str) -> None:
    low, high = ((v if end is None else Fraction(end, unit)) for end in box)
    need(low - by <= v <= high + by, f"the point breaks {what}")


def curve_at(curve: dict[str, Any], v: Fraction) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Return bounds of a curve and of its slope at v: value low and high, slope low and high.

    square: weight (v - at)^2; neglog: -weight ln(v + at); entropy: weight u ((1 - h) ln(1 - h) + h), h = v/u.
    """
    weight, at, unit = number(curve["weight"]), number(curve.get("at", "0")), number(curve.get("unit", "1"))
    need(weight >= 0 and unit > 0 and curve["kind"] in ("square", "neglog", "entropy"), "no convex curve")
    if curve["kind"] == "square":
        return (weight * (v - at) ** 2,) * 2 + (2 * weight * (v - at),) * 2
    if curve["kind"] == "neglog":
        low, high = log(v + at)
        return -weight * high, -weight * low, -weight / (v + at), -weight / (v + at)
    rest, size = 1 - v / unit, weight * unit
    low, high = log(rest)
    return size * (rest * low + 1 - rest), size * (rest * high + 1 - rest), -weight * high, -weight * low


def above_line(curve: dict[str, Any], at: Fraction, rate: Fraction, box: Box, unit: int) -> Fraction:
    """Return a lower bound of curve(v) - rate v on the box, from the tangent that touches at a point."""
    low, high = (Fraction(end, unit) for end in box if end is not None)
    need(low <= at <= high, "a tangent touches outside the box")
    value, _, first, last = curve_at(curve, at)
    left, right = (low - at) * max(last - rate, Fraction(0)), (high - at) * min(first - rate, Fraction(0))
    return value - rate * at + min(left, right)


@cache
def log(x: Fraction) -> tuple[Fraction, Fraction]:
    """Return bounds of ln x = k ln 2 + 2 artanh((m - 1) / (m + 1)), where x = m 2^k and 1 <= m <= 2."""
    need(x > 0, "a logarithm is asked of a number that is not positive")
    k = x.numerator.bit_length() - x.denominator.bit_length()
    k -= x < Fraction(2) ** k
    m, two = x / Fraction(2) ** k, [2 * k * end for end in artanh(Fraction(1, 3))]
    low, high = artanh((m - 1) / (m + 1))
    return 2 * low + min(two), 2 * high + max(two)


@cache
def artanh(t: Fraction) -> tuple[Fraction, Fraction]:
    """Return bounds of artanh t = t + t^3 / 3 + ..., 0 <= t <= 1/3, in fixed point with every rounding."""
    one, n = 1 << LOG_BITS, 1
    power = total = t.numerator * one // t.denominator
    square = power * power // one
    while power:
        power, n = power * square // one, n + 2
        total += power // n
    return Fraction(total - 1, one), Fraction(total + 4 * n, one)


def most_in_lots(positions: list[tuple[Fraction, int]], cap: Fraction) -> Fraction:
    """Return the most that whole lots pay within a cap: two positions by Euclid, the others listed."""
    (room, *values), share = _in_ints([cap, *(value for value, _ in positions)])
    counts = dict.fromkeys(values, 0)
    for (_, count), v in zip(positions, values, strict=True):
        counts[v] += count
    held = sorted((min(count, room // v), v) for v, count in counts.items())
    (n, p), (m, q) = ([(0, 1), *held])[-2:]
    sums = {0}
    for count, v in held[:-2]:
        need(len(sums) * (count + 1) <= MOST_LISTED, "an account has too many sums to list")
        sums = {s + v * k for s in sums for k in range(count + 1) if s + v * k <= room}
    return Fraction(max(s + _pair(room - s, p, n, q, m) for s in sums), share)


def _pair(cap: int, p: int, n: int, q: int, m: int) -> int:
    # the most of p i + q j, i <= n, j <= m: from i = first on, m does not limit j
    top, first = min(n, cap // p), max((cap - q * (m + 1)) // p + 1, 0)
    best = p * min(first - 1, top) + q * m if first else 0
    return best if first > top else max(best, cap - least_residue(top - first + 1, q, p, cap - p * top))


def least_residue(n: int, m: int, a: int, b: int) -> int:
    """Return the least of (a k + b) mod m, k < n: it is the first of all, or the first after a wrap."""
    a, b = a % m, b % m
    if 2 * a > m:  # walk backwards, in steps of at most m / 2
        a, b = m - a, (b + a * (n - 1)) % m
    wraps = (a * (n - 1) + b) // m
    return min(b, least_residue(wraps, a, -m, b - m)) if wraps else b


class MinMaxProblem:
    """Accounts that pay in whole lots, or any amount of at least a ticket."""

    def __init__(self, problem: dict[str, Any]) -> None:
        names = ("budget", "needed", "ticket", "weight", "over")
        self.budget, self.needed, self.ticket, self.weight, self.over = (number(problem[n]) for n in names)
        self.exact, most = bool(problem["exact"]), whole(problem["accounts_at_most"])
        self.most = min(most, int(self.budget // self.ticket)) if self.exact and self.ticket else most
        self.accounts: list[tuple[Fraction, Fraction, list[tuple[Fraction, int]] | None]] = []
        for i, item in enumerate(problem["accounts"]):
            lots = [(number(v), whole(k)) for v, k in item["positions"]] if "positions" in item else None
            base, cap = number(item["base"]), number(item["capacity"])
            need(min(base, cap) >= 0 and all(v > 0 <= k for v, k in lots or ()), f"account {i} is negative")
            self.accounts.append((base, cap, lots))
        need(min(self.ticket, self.weight, self.over) >= 0 <= self.most, "a weight or number is negative")

    def bound(self, proof: dict[str, Any]) -> Fraction | None:
        """Return the bound at the z of the proof; None where no z raises the budget."""
        z = None if proof["z"] == "inf" else max(number(proof["z"]), Fraction(0))
        listed, pays = {whole(i) for i in proof["listed"]}, []
        for i, (base, capacity, lots) in enumerate(self.accounts):
            cap = capacity if z is None else min(capacity, z * base)
            if lots is not None:
                fits = sum((v * min(k, cap // v) for v, k in lots), Fraction(0))
                cap = most_in_lots(lots, cap) if i in listed else min(cap, fits)
            pays.append(cap if cap >= self.ticket else Fraction(0))
        raised = sum(sorted(pays, reverse=True)[: self.most], Fraction(0))
        need(z == 0 or raised < self.budget, f"at that z the accounts may raise {float(raised)!r}")
        beyond = max(self.budget - self.needed, Fraction(0))
        return None if z is None else self.weight * z + self.over * beyond

    def value(self, point: list[Fraction], tolerance: Fraction) -> Fraction:
        """Return what a point costs: lots of each position, or the haircut of each account without any."""
        left, pays = point[::-1], [(Fraction(0), Fraction(1))]
        for i, (base, cap, lots) in enumerate(self.accounts):
            pay, taken = (left.pop(), []) if lots is None else (Fraction(0), [left.pop() for _ in lots])
            for (value, held), k in zip(lots or (), taken, strict=True):
                need(k.denominator == 1 and 0 <= k <= held, f"account {i}: lots are not whole, or not held")
                pay += value * k
            may = pay == 0 or (base > 0 and self.ticket - tolerance <= pay <= cap + tolerance)
            need(may and pay >= 0, f"account {i} pays too much or too little")
            pays += [(pay, base)] if pay else []
        total, z = sum((pay for pay, _ in pays), Fraction(0)), max(pay / base for pay, base in pays)
        need(not left and len(pays) - 1 <= self.most, "too many accounts pay")
        over = total - self.budget
        need(over >= -tolerance and not (self.exact and over > tolerance), "the budget is not raised")
        return self.over * max(total - self.needed, Fraction(0)) + self.weight * z


def digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of all that a document holds but its digest: JSON, keys sorted, no spaces."""
    content = {key: value for key, value in document.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def proof_text(document: dict[str, Any]) -> str:
    """Return the one text that a file of a document may hold: JSON without spaces, in one line."""
    return json.dumps(document, separators=(",", ":")) + "\n"


def check(document: dict[str, Any], file: bytes | None = None) -> str:
    """Return the claim in words; raise Refused, or another error where document or file are no proof."""
    if document["format"] != "adl_opt proof" or document["version"] != 1:
        raise ValueError("the format is not adl_opt proof 1")
    need(document["sha256"] == digest(document), "the digest does not match the content")
    need(file is None or file == proof_text(document).encode(), "the file is not written as its content is")
    kinds: dict[str, type[Linear | MinMaxProblem]] = {"linear": Linear, "min-max": MinMaxProblem}
    claim, made = document["claim"], kinds[document["problem"]["kind"]](document["problem"])
    bound = made.bound(document["proof"])
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
    return f"the least cost lies between {float(stated)!r} and {float(objective)!r}"


def run(path: str) -> int:
    """Check a file, print the verdict, return the exit code."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        print(f"accepted: {check(json.loads(data, object_pairs_hook=object_of), data)}")
        return 0
    except Exception as error:  # whatever a file may hold, the verdict is one line
        print(error if isinstance(error, Refused) else f"not a proof: {error!r}", file=sys.stderr)
        return 2 - isinstance(error, Refused)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]) if len(sys.argv) == 2 else 2)
