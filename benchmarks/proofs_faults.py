"""Faults planted in proof documents, one at a time: what the checker accepts must be true."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram, Status, solve
from adl_opt.proofs.check import Linear, MinMaxProblem, Refused, check, digest
from adl_opt.proofs.document import document, exact, leaf, linear_problem, split, with_bounds
from benchmarks.proofs_cases import (
    Drawn,
    account_selection,
    budget_and_accounts,
    draw,
    exact_lots,
    haircuts_of_lots,
    min_max_lots,
)
from benchmarks.proofs_claims import holds
from benchmarks.sections import Section

TEXT = (
    "Documents of small rounds and of small drawn problems. In each, every number, index, flag and list "
    "of the claim, the problem, the proof and the point is changed, one at a time. As it is, the digest "
    "refuses it. `With a new digest` the checker refuses it or accepts it; so it does `at its "
    "strongest`: the bounds of all leaves are computed anew, and the claim is the most that the changed "
    "proof gives. Whether an accepted claim is true says an enumeration in fractions of the changed "
    "problem, which does not read the proof (`benchmarks/proofs_claims.py`)."
)
COLUMNS = [
    "kind", "documents", "accepted as they are", "faults", "refused by digest",
    "new digest: refused", "new digest: true", "new digest: false",
    "strongest: refused", "strongest: true", "strongest: false",
]  # fmt: skip
SMALL = 8
"""Combinations of lots in a round whose documents are changed."""

A_DOCUMENT = 60
"""Faults in one document."""


def proofs_faults_section(faults: int) -> Section:
    """Plant so many faults, the same number in every kind of document."""
    section = Section("Planted faults in proofs", TEXT, COLUMNS)
    each = math.ceil(faults / len(KINDS))
    rows = section.rows = [measure(kind, each) for kind in KINDS]
    planted, refused = (sum(row[name] for row in rows) for name in ("faults", "refused by digest"))
    true = all(row["accepted as they are"] == row["documents"] for row in rows)
    false = sum(row["new digest: false"] + row["strongest: false"] for row in rows)
    accepted = sum(row["new digest: true"] + row["strongest: true"] for row in rows)
    section.targets = [
        (
            f"{faults:,} planted faults: all refused by the digest",
            f"{refused:,}",
            refused == planted >= faults,
        ),
        ("with a new digest: no false claim accepted", f"{false} of {false + accepted:,}", not false),
        ("every true proof accepted", "yes" if true else "no", true),
    ]
    return section


def measure(kind: str, faults: int) -> dict[str, Any]:
    """Plant faults in documents of a kind until there are enough of them."""
    count, rng = Counter[str](), np.random.default_rng(faults)
    for made in KINDS[kind]():
        count["documents"] += 1
        count["accepted as they are"] += outcome(made) == "true"
        planted = list(faults_of(made))
        some = rng.permutation(len(planted))[: min(A_DOCUMENT, faults - count["faults"])]
        for wrong in (planted[k] for k in some):
            count["faults"] += 1
            count["refused by digest"] += refused_by_digest(wrong)
            count[f"new digest: {outcome(signed(wrong))}"] += 1
            count[f"strongest: {outcome(strongest(wrong))}"] += 1
        if count["faults"] >= faults:
            break
    return {"kind": kind, **{name: count[name] for name in COLUMNS[1:]}}


def refused_by_digest(made: dict[str, Any]) -> bool:
    """Say whether the checker refuses a document for its digest."""
    try:
        check(made)
    except Refused as refusal:
        return "digest" in str(refusal)
    return False


def outcome(made: dict[str, Any] | None) -> str:
    """Return ``refused``, or whether the claim of an accepted document is ``true`` or ``false``."""
    try:
        assert made is not None  # noqa: S101
        check(made)
    except Exception:  # not a proof, or one that does not prove its claim
        return "refused"
    return "true" if holds(made) else "false"


def signed(made: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the digest of its content."""
    return made | {"sha256": digest(made)}


def strongest(wrong: dict[str, Any]) -> dict[str, Any] | None:
    """Return the most that a changed proof claims, with a new digest; None where it proves nothing."""
    try:
        problem, proof = wrong["problem"], wrong["proof"]
        if problem["kind"] == "linear":
            linear = Linear(problem)
            proof = {"tree": with_bounds(linear, proof["tree"])}
            bound = linear.bound(proof)
        else:
            bound = MinMaxProblem(problem).bound(proof)
    except Exception:  # what is changed can no longer be read
        return None
    claim = {"status": "infeasible"} if bound is None else {"status": "bounded", "bound": exact(bound)}
    return signed(
        {"format": "adl_opt proof", "version": 1, "claim": claim, "problem": problem, "proof": proof}
    )


def faults_of(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a document with each place of what the checker reads changed, one at a time."""
    for part in ("claim", "problem", "proof", "point"):
        for path in places(made.get(part), (part,)):
            *above, last = path
            for change in changes(_at(made, path)):
                wrong = copy.deepcopy(made)
                _at(wrong, above)[last] = change
                yield wrong
            wrong = copy.deepcopy(made)
            if above:  # without this item
                del _at(wrong, above)[last]
                yield wrong


def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value; names are for readers."""
    if path[-1] in ("names", "kind") and len(path) == 2:
        return
    if value is not None:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changes(value: Any) -> list[Any]:
    """Return what stands in place of a value: numbers a little off, doubled, of the other sign, 0."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value - 1, value + 1]
    if not isinstance(value, str):
        return []
    try:
        own = Fraction(float.fromhex(value)) if "x" in value else Fraction(value)
    except ValueError:
        words = {"inf": "1000", "-inf": "-1000", "feasible": "bounded", "bounded": "infeasible"}
        return [words.get(value, "bounded")]
    tiny = Fraction(1, 2**20)
    near = [own * (1 + tiny), own * (1 - tiny), own * 2, -own, own + 1, own - 1, Fraction(0)]
    return [str(other) for other in dict.fromkeys(near) if other != own]


def _at(value: Any, path: Any) -> Any:
    for key in path:
        value = value[key]
    return value


Maker = Callable[[Drawn], Any]


def solved(make: Maker, engine: str, status: Status) -> Iterator[dict[str, Any]]:
    """Yield the documents of small rounds with two or three accounts."""
    for seed in range(10_000, 100_000):
        drawn = draw(seed)
        sizes = math.prod(k + 1 for k in drawn.lots)
        if not 2 <= len(drawn.equity) <= 3 or sizes > SMALL:
            continue
        program, _ = make(drawn)
        answer = solve(program, drawn.round(), needed=drawn.usd(drawn.needed), engine=engine)
        if answer.status is status and answer.proof is not None:
            yield answer.proof.document()


def trees() -> Iterator[dict[str, Any]]:
    """Yield trees over lots and payers, with amounts that are not whole."""
    for pair in zip(
        solved(budget_and_accounts, "highs", Status.OPTIMAL),
        solved(haircuts_of_lots, "highs", Status.OPTIMAL),
        strict=False,
    ):
        yield from pair


def empty_trees() -> Iterator[dict[str, Any]]:
    """Yield Farkas prices of rounds that cannot raise what they must: of amounts, and of lots."""

    def amounts(drawn: Drawn) -> tuple[RoundProgram, None]:
        object.__setattr__(drawn, "needed", sum(drawn.upper) + drawn.needed + 1)
        return RoundProgram(MaxBurden(), [ExactBudget()]), None

    for pair in zip(
        solved(amounts, "auto", Status.INFEASIBLE),
        solved(exact_lots, "highs", Status.INFEASIBLE),
        strict=False,
    ):
        yield from pair


def curves() -> Iterator[dict[str, Any]]:
    """Yield convex problems with a curve of each kind over whole columns, one row, and one split."""
    for seed in range(1_000):
        rng = np.random.default_rng([seed, 5])
        low, high = np.zeros(3), rng.integers(3, 6, 3).astype(float)
        cost, needed = rng.integers(-4, 5, 3) / 4.0, float(rng.integers(2, 6))
        kinds = [
            {"kind": "square", "weight": "3/4", "at": exact(int(rng.integers(0, 4)))},
            {"kind": "neglog", "weight": "2", "at": "1"},
            {"kind": "entropy", "weight": "1/2", "unit": exact(int(high[2]) + 1)},
        ]
        problem = linear_problem(
            cost=cost, column_box=(low, high), whole=np.ones(3, dtype=bool),
            row_box=(np.array([needed]), np.array([np.inf])),
            entries=(np.zeros(3, dtype=int), np.arange(3), np.ones(3)), curves=dict(enumerate(kinds)),
        )  # fmt: skip
        price = np.array([float(rng.integers(0, 5)) / 4.0])
        k = int(rng.integers(0, 3))
        points = [np.array([min(1.0, k), 1.0, 1.0]), np.array([max(k + 1.0, 2.0), 1.0, 1.0])]
        tangents = [[(j, float(at), float(price[0] - cost[j])) for j, at in enumerate(v)] for v in points]
        tree = [split(0, k, 1, 2), *(leaf(price, tangents=touching) for touching in tangents)]
        bound = min(number_of(node) for node in with_bounds(Linear(problem), tree))
        yield document(problem, {"tree": tree}, bound=bound, point=[max(needed - 2.0, 0.0), 1.0, 1.0])


def number_of(node: dict[str, Any]) -> float:
    """Return the bound of a leaf; inf of a split."""
    return float(Fraction(node["bound"])) if "bound" in node else math.inf


KINDS: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "linear, a tree": trees,
    "infeasible (Farkas)": empty_trees,
    "curves": curves,
    "min-max over lots": lambda: solved(min_max_lots, "kernel", Status.OPTIMAL),
    "account selection": lambda: solved(account_selection, "kernel", Status.OPTIMAL),
}
