"""The one type of certificate: what fails is named, with its error, and it is made once for each answer."""

import ast
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import adl_opt.proofs
from adl_opt.datasets.oct10 import load_oct10
from adl_opt.programs import (
    EpisodeProgram,
    ExactBudget,
    MaxBurden,
    RoundProgram,
    solve,
    solve_episode,
)
from adl_opt.programs.hindsight import best_fixed, depleting_optimum, severity_frontier
from adl_opt.proofs.certificate import Certificate, Check, noted, once, relative_gap

PROGRAM = RoundProgram(MaxBurden(), [ExactBudget()])


def test_the_room_knows_nobody():
    for path in Path(adl_opt.proofs.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert not name.startswith("adl_opt") or name.startswith("adl_opt.proofs"), (path, name)


def test_failed_checks_are_named_with_their_errors():
    checks = {
        "sum": Check(0.0),
        "range": Check(2.0, 1.0),
        "cents:lots": Check.that(False),
        "nan": Check(math.nan, 1.0),
    }
    report = Certificate(checks=checks, bound=3.0)
    assert not report.ok
    assert report.failed == ("range", "cents:lots", "nan")
    assert not report.feasible
    assert "range: error 2, allowed 1" in report.why()
    sound = Certificate(checks={"sum": Check(-math.inf, 0.0)})
    assert (sound.ok, sound.feasible, sound.failed, sound.why()) == (True, True, (), "")


def test_a_gap_is_relative_and_infinite_without_a_bound():
    assert relative_gap(2.0, 1.0, 0.0) == 0.5
    assert relative_gap(1.0, 2.0, 0.0) == 0.0
    assert relative_gap(0.0, -1e-9, 1.0) == pytest.approx(1e-3)
    assert relative_gap(1.0, -math.inf, 1.0) == math.inf


@dataclass(frozen=True)
class Counted:
    calls: list[int]
    note: str = ""

    @once
    def certify(self):
        self.calls.append(1)
        return len(self.calls)


def test_a_certificate_is_made_once_for_each_answer():
    answer = Counted([])
    assert answer.certify() == answer.certify() == 1
    assert noted(answer, note="later").certify() == 1
    assert replace(answer, note="another").certify() == 2
    assert answer.certify() == 1


def answers():
    episode = load_oct10().in_space()
    rounds, needed = zip(*((r, o.needed) for r, o in episode.rounds[4:6]), strict=True)
    yield solve(PROGRAM, rounds[0], needed=needed[0])
    yield solve(PROGRAM, rounds[0], needed=2 * rounds[0].capacity_usd)
    yield solve_episode(EpisodeProgram(PROGRAM), rounds, needed=needed)
    yield best_fixed(episode)
    yield severity_frontier(episode)
    yield depleting_optimum(episode, burden_weight=1e6)


def test_every_answer_has_the_same_type_of_certificate():
    for answer in answers():
        report = answer.certify()
        assert type(report) is Certificate
        assert report.ok, report.why()
        assert report.checks
        assert answer.certify() is report
