"""The checker accepts what is true and refuses what is false, whatever is changed in a file."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from adl_opt.proofs import check as checker
from adl_opt.proofs import document as doc
from tests.proofs.random_problems import enumerated, proven, whole_problem

SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_true_claims_are_accepted(seed):
    made = proven(whole_problem(seed))
    found = enumerated(made["problem"])
    assert (made["claim"]["status"] == "infeasible") == (found is None)
    if found is not None:
        assert checker.number(made["claim"]["bound"]) >= found[0] - Fraction(1, 10**9)
    checker.check(made)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every number of a document: texts and whole numbers, with where they stand."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    elif path[0] in ("claim", "problem", "proof", "point") and not isinstance(value, bool):
        yield path, value


def changed(made: dict[str, Any], path: tuple[Any, ...], new: Any) -> dict[str, Any]:
    made = copy.deepcopy(made)
    inner: Any = made
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return made


def others(value: Any, rng: np.random.Generator) -> list[Any]:
    if isinstance(value, int):
        return [value + 1, value - 1]
    if value in ("inf", "-inf"):
        return ["3"]
    try:
        number = checker.number(value)
    except ValueError:
        return []
    step = Fraction(int(rng.integers(1, 9)), 4)
    near = number * Fraction(999_999, 1_000_000) if number else Fraction(-1, 1_000_000)
    return [str(number + step), str(number - step), str(near)]


def changes(made: dict[str, Any], rng: np.random.Generator) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield a document with every number changed, one at a time, and its digest made again."""
    for path, value in places(made):
        for new in others(value, rng):
            other = changed(made, path, new)
            assert refused(other), path  # by the digest
            other["sha256"] = checker.digest(other)
            yield (path, value, new), other


def refused(made: dict[str, Any]) -> bool:
    try:
        checker.check(made)
    except Exception:  # the command line answers 1 or 2; both refuse
        return True
    return False


def is_true(made: dict[str, Any]) -> bool:
    """Say whether the claim of a document holds, by enumeration of its own problem."""
    found, claim = enumerated(made["problem"]), made["claim"]
    if claim["status"] == "infeasible":
        return found is None
    if found is not None and checker.number(claim["bound"]) > found[0]:
        return False
    if "objective" not in claim:
        return True
    return found is not None or checker.number(claim["tolerance"]) > 0


def test_every_change_is_refused_or_the_claim_stays_true():
    rng, tried, accepted = np.random.default_rng(1), 0, 0
    for seed in range(12):
        made = proven(whole_problem(seed))
        for where, other in changes(made, rng):
            tried += 1
            if not refused(other):
                accepted += 1
                assert is_true(other), (seed, where)
    assert tried > 1000
    assert 0 < accepted < tried


@pytest.mark.parametrize("x", [Fraction(1, 10**9), Fraction(7, 3), Fraction(10), Fraction(2) ** 200 + 1])
def test_logarithms_are_bracketed(x):
    low, high = checker.log(x)
    assert low <= high
    assert float(low) == pytest.approx(float(np.log(float(x))), rel=1e-15)
    assert high - low < Fraction(1, 10**30)


def test_an_index_from_the_end_is_no_proof():
    made = proven(whole_problem(3))
    row = next(row for row in made["problem"]["rows"] if row["entries"])
    row["entries"][0][0] -= len(made["problem"]["columns"])
    made["sha256"] = checker.digest(made)
    with pytest.raises(ValueError, match="not in range"):
        checker.check(made)


def test_lots_of_one_value_are_one_position():
    """Four positions of 2,000 lots: all their sums, listed, would be more than the checker lists."""
    three, seven = Fraction(3), Fraction(7)
    for cap in (Fraction(20_000), Fraction(40_001, 2)):
        most = max(3 * k + (cap - 3 * k) // 7 * 7 for k in range(int(cap // 3) + 1))
        assert checker.most_in_lots([(three, 2000)] * 4 + [(seven, 9000)], cap) == most
    assert checker.most_in_lots([(three, 2000)] * 4, Fraction(10**6)) == 24_000


def test_command_line_codes(tmp_path):
    made = proven(whole_problem(3))
    file = tmp_path / "proof.json"
    for content, code in (
        (checker.proof_text(made), 0),
        (json.dumps(changed(made, ("claim", "bound"), "1000000")), 1),
        ("{}", 2),
        ("not json", 2),
    ):
        file.write_text(content)
        run = subprocess.run(
            [sys.executable, "-m", "adl_opt.proofs.check", file], capture_output=True, text=True
        )
        assert run.returncode == code, run.stderr
        assert (run.stdout == "") == (code != 0)
    alone = subprocess.run([sys.executable, "-I", checker.__file__, file], capture_output=True, text=True)
    assert alone.returncode == 2


def test_a_tree_that_runs_in_a_circle_is_no_tree():
    made = proven(whole_problem(0))
    circle = [{"split": [0, 0], "down": 0, "up": 0}]
    with pytest.raises(ValueError, match="reached twice"):
        doc.with_bounds(checker.Linear(made["problem"]), circle)
