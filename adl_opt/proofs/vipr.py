"""Proof documents of linear and mixed-integer problems in the format VIPR 1.1.

VIPR is a public format for certificates of mixed-integer linear programs, with a checker of its own.  Bounds
of columns are constraints there.  Each branching is a pair of assumptions; each leaf is a linear combination
of constraints; two sides of a branching are joined by ``uns``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from adl_opt.proofs.check import number


class _Constraints:
    """Constraints by what they bound, with their index in the file."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.bound: dict[tuple[str, int, str], tuple[int, Fraction]] = {}
        for j, column in enumerate(problem["columns"]):
            self._add("column", j, column, "1 " + f"{j} 1")
        self.bounds = len(self.lines)
        for i, row in enumerate(problem["rows"]):
            sums: dict[int, Fraction] = {}
            for j, value in row["entries"]:
                sums[j] = sums.get(j, Fraction(0)) + number(value)
            self._add("row", i, row, _terms(sums))

    def _add(self, kind: str, at: int, item: dict[str, Any], terms: str) -> None:
        for side, sense in (("low", "G"), ("high", "L")):
            if item[side] not in ("inf", "-inf"):
                end = number(item[side])
                self.bound[kind, at, side] = (len(self.lines), end)
                self.lines.append(f"{kind}{at}{side} {sense} {end} {terms}")


def _terms(values: dict[int, Fraction]) -> str:
    kept = {j: value for j, value in values.items() if value}
    return " ".join([str(len(kept)), *(f"{j} {value}" for j, value in sorted(kept.items()))])


def vipr_text(document: dict[str, Any]) -> str:
    """Return a document of kind ``linear`` without curves as the text of a VIPR file.

    Raises
    ------
    ValueError
        Another kind of problem, or one with curves.
    """
    problem, claim = document["problem"], document["claim"]
    if problem["kind"] != "linear" or any("curve" in column for column in problem["columns"]):
        raise ValueError("VIPR holds linear and mixed-integer problems only")
    made, columns = _Constraints(problem), problem["columns"]
    whole = [j for j, column in enumerate(columns) if column.get("whole")]
    cost = {j: number(column["cost"]) for j, column in enumerate(columns)}
    derived = list(_derivation(document, made, cost))
    offset = number(problem["offset"])
    infeasible = claim["status"] == "infeasible"
    lines = ["VER 1.1", f"VAR {len(columns)}", *(f"c{j}" for j in range(len(columns)))]
    lines += [f"INT {len(whole)}", " ".join(map(str, whole)), "OBJ min", _terms(cost)]
    lines += [f"CON {len(made.lines)} {made.bounds}", *made.lines]
    lower = "-inf" if infeasible else str(number(claim["bound"]) - offset)
    point = document.get("point") if _is_exact(document) else None
    value = (
        sum((c * number(v) for c, v in zip(cost.values(), point, strict=True)), Fraction(0))
        if point
        else None
    )
    lines.append("RTP infeas" if infeasible else f"RTP range {lower} {'inf' if value is None else value}")
    lines.append(f"SOL {int(point is not None)}")
    if point is not None:
        lines.append("best " + _terms({j: number(v) for j, v in enumerate(point)}))
    return "\n".join([*lines, f"DER {len(derived)}", *derived]) + "\n"


def _is_exact(document: dict[str, Any]) -> bool:
    """Say whether the point of a document breaks nothing at all: VIPR knows no tolerance."""
    if "point" not in document:
        return False
    problem, point = document["problem"], [number(v) for v in document["point"]]
    for value, column in zip(point, problem["columns"], strict=True):
        if not _within(value, column) or (column.get("whole") and value.denominator != 1):
            return False
    return all(
        _within(sum((number(v) * point[j] for j, v in row["entries"]), Fraction(0)), row)
        for row in problem["rows"]
    )


def _within(value: Fraction, item: dict[str, Any]) -> bool:
    low, high = item["low"], item["high"]
    return (low == "-inf" or value >= number(low)) and (high == "inf" or value <= number(high))


def _derivation(document: dict[str, Any], made: _Constraints, cost: dict[int, Fraction]) -> Iterator[str]:
    """Yield the derived constraints: assumptions before leaves, leaves before the joins above them."""
    nodes, problem = document["proof"]["tree"], document["problem"]
    offset, index = number(problem["offset"]), len(made.lines)
    results: dict[int, tuple[int, Fraction | None]] = {}
    stack: list[tuple[int, dict[tuple[str, int, str], tuple[int, Fraction]], tuple[int, int] | None]] = [
        (0, {}, None)
    ]
    while stack:
        at, local, marks = stack.pop()
        node = nodes[at]
        if "split" in node and marks is None:
            j, k = node["split"]
            yield f"a{index} L {k} 1 {j} 1 {{ asm }} -1"
            yield f"a{index + 1} G {k + 1} 1 {j} 1 {{ asm }} -1"
            stack.append((at, local, (index, index + 1)))
            stack.append((node["down"], {**local, ("column", j, "high"): (index, Fraction(k))}, None))
            stack.append((node["up"], {**local, ("column", j, "low"): (index + 1, Fraction(k + 1))}, None))
            index += 2
            continue
        if marks is not None:
            (first, one), (second, two) = results[node["down"]], results[node["up"]]
            known = [bound for bound in (one, two) if bound is not None]
            least = min(known) if known else None
            claim = "G 1 0" if least is None else f"G {least} OBJ"
            yield f"d{index} {claim} {{ uns {first} {marks[0]} {second} {marks[1]} }} -1"
        else:
            least, text = _leaf(node, problem, {**made.bound, **local}, cost, offset)
            yield f"d{index} {text} -1"
        results[at] = (index, least)
        index += 1


def _leaf(
    node: dict[str, Any], problem: dict[str, Any], bounds: dict[tuple[str, int, str], tuple[int, Fraction]],
    cost: dict[int, Fraction], offset: Fraction,
) -> tuple[Fraction | None, str]:  # fmt: skip
    """Return the bound of a leaf (None: it is empty) and its line: prices of rows, then of column bounds."""
    empty = bool(node.get("empty"))
    rates = {} if empty else dict(cost)
    parts: list[tuple[int, Fraction]] = []
    total = Fraction(0)
    prices = [("row", i, number(y)) for i, y in node["prices"]]
    for _, i, y in prices:
        for j, value in problem["rows"][i]["entries"]:
            rates[j] = rates.get(j, Fraction(0)) - y * number(value)
    for kind, at, rate in [*prices, *(("column", j, rate) for j, rate in sorted(rates.items()))]:
        if rate:
            index, end = bounds[kind, at, "low" if rate > 0 else "high"]
            parts.append((index, rate))
            total += rate * end
    reason = " ".join(["lin", str(len(parts)), *(f"{index} {rate}" for index, rate in parts)])
    if empty:
        return None, f"G {total} 0 {{ {reason} }}"
    return total, f"G {total} OBJ {{ {reason} }}"
