"""Any solver, one judge: engines by name, their options by name, and a bound that is re-derived here."""

import subprocess
import sys

import pytest

from adl_opt.errors import UsageError
from adl_opt.programs import ExactBudget, MaxBurden, Options, RoundProgram, Status, solve
from adl_opt.programs.engines import choice
from tests.programs.cases import convex_programs, enumerate_lots, linear_programs, make_round, whole_programs

OTHERS = ("scip", "cvxpy:SCIP", "cvxpy:OSQP", "cvxpy:SCS", "cvxpy:CLARABEL", "cvxpy:highs")
TAKE_WHOLE = ("scip", "cvxpy:SCIP", "cvxpy:HIGHS")


def needs_scip(engine):
    if "scip" in engine.lower():
        pytest.importorskip("pyscipopt")


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("kind", ["min-max", "min-max-equity", "tracking", "fund", "cvar"])
def test_no_solver_is_believed_beyond_its_answer(kind, engine):
    """OSQP and SCS end near the optimum: their answers are FEASIBLE, under the bound that is proven here."""
    needs_scip(engine)
    round_ = make_round(1, 6)
    needed = 0.3 * round_.capacity_usd
    program = linear_programs(round_, needed)[kind]
    best = solve(program, round_, needed=needed)
    found = solve(program, round_, needed=needed, engine=engine)
    assert found.engine.lower() == engine.lower()
    assert found.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert found.certify().ok
    assert found.bound == pytest.approx(best.objective, rel=1e-9)
    if found.status is Status.OPTIMAL:
        assert found.objective == pytest.approx(best.objective, rel=1e-7)
    assert found.objective >= best.objective * (1 - 1e-9)


@pytest.mark.parametrize("engine", TAKE_WHOLE)
@pytest.mark.parametrize("kind", ["lots", "lots-tracking", "budget-and-accounts"])
def test_whole_numbers_by_every_solver_that_takes_them(kind, engine):
    needs_scip(engine)
    round_ = make_round(3, 4, positions=5)
    needed = 0.3 * round_.capacity_usd
    program = whole_programs(round_, needed)[kind]
    found = solve(program, round_, needed=needed, engine=engine)
    assert found.status is Status.OPTIMAL
    assert found.certify().ok
    assert found.objective == pytest.approx(enumerate_lots(program, round_, needed), rel=1e-9)


def test_an_infeasible_round_is_infeasible_by_scip_too():
    pytest.importorskip("pyscipopt")
    round_ = make_round(3, 4, positions=5)
    needed = 0.99 * round_.capacity_usd
    program = whole_programs(round_, needed)["budget-and-accounts"]
    by = {e: solve(program, round_, needed=needed, engine=e) for e in ("highs", "scip")}
    assert {answer.status for answer in by.values()} == {Status.INFEASIBLE}
    assert by["scip"].conflict == by["highs"].conflict


ROUND = make_round(1, 4)
PROGRAM = RoundProgram(MaxBurden(), [ExactBudget()])


def refused(engine, program=PROGRAM, **options):
    with pytest.raises(UsageError) as caught:
        solve(program, ROUND, needed=5.0, engine=engine, options=options)
    return str(caught.value)


def test_engines_that_are_not_there(monkeypatch):
    assert "did you mean highs?" in refused("high")
    assert "unknown engine 'highs:x'" in refused("highs:x")
    assert "engine 'cvxpy:mosek' is not installed" in refused("cvxpy:MOSEK")
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert 'pip install "adl-opt[scip]"' in refused("scip")


def test_a_solver_that_cannot_take_the_program_says_so():
    whole = whole_programs(make_round(1, 4, positions=5), 5.0)["cardinality"]
    assert "does not take this program" in refused("cvxpy:OSQP", whole)
    assert "clarabel does not take whole numbers" in refused("cvxpy:clarabel", whole)
    pytest.importorskip("pyscipopt")
    assert "terms without rows: entropy" in refused("scip", convex_programs(ROUND, 5.0)["entropy"])


@pytest.mark.parametrize(
    ("engine", "known", "near", "ours"),
    [
        ("highs", {"presolve": "off"}, {"presolv": "off"}, {"time_limit": 1.0}),
        ("cvxpy:highs", {"simplex_strategy": 4}, {"simplex_strateg": 4}, {"threads": 2}),
        ("cvxpy:clarabel", {"max_iter": 300}, {"max_itr": 300}, None),
        ("scip", {"separating/maxrounds": 3}, {"separating/maxround": 3}, {"limits/time": 1.0}),
    ],
)
def test_options_of_the_solver_go_by_name(engine, known, near, ours):
    needs_scip(engine)
    answer = solve(PROGRAM, ROUND, needed=5.0, engine=engine, options=Options(solver_options=known))
    assert answer.status is Status.OPTIMAL
    assert f"did you mean {next(iter(known))}" in refused(engine, solver_options=near)
    if ours:
        assert next(iter(ours)) in refused(engine, solver_options=ours)


def test_options_arrive_at_the_solver():
    stopped = {"simplex_iteration_limit": 0, "presolve": "off"}
    answer = solve(PROGRAM, ROUND, needed=5.0, engine="highs", options={"solver_options": stopped})
    assert answer.status is not Status.OPTIMAL
    one = {"solver_options": {"max_iter": 1}}
    answer = solve(
        convex_programs(ROUND, 5.0)["entropy"], ROUND, needed=5.0, engine="cvxpy:clarabel", options=one
    )
    assert "MaxIterations" in answer.message or answer.status is not Status.OPTIMAL


def test_options_that_no_solver_hears_are_refused():
    assert "for the solver that the engine names" in refused("auto", solver_options={"presolve": "off"})
    assert "does not know the options of adl_opt" in refused("cvxpy:SCS", node_limit=5)
    assert "refuses its options" in refused("cvxpy:SCS", solver_options={"no_such_option": 1})
    assert "HiGHS refuses option 'presolve'" in refused("highs", solver_options={"presolve": 7})
    assert "'log' is True or False" in refused("highs", log="yes")


LOG = """
import sys
from adl_opt.programs import *
from tests.programs.cases import convex_programs, make_round, whole_programs
engine, kind = sys.argv[1:]
round_ = make_round(1, 5, positions=6)
program = {**whole_programs(round_, 20.0), **convex_programs(round_, 20.0)}[kind]
print("{" + solve(program, round_, needed=20.0, engine=engine, options={"log": True}).status.value + "}")
"""


@pytest.mark.parametrize(
    ("engine", "kind", "word"),
    [
        ("highs", "lots", "HiGHS"),
        ("scip", "lots", "SCIP Status"),
        ("cvxpy:clarabel", "entropy", "Clarabel"),
        ("cvxpy:SCIP", "lots", "SCIP Status"),
    ],
)
def test_the_log_goes_to_stderr(engine, kind, word):
    needs_scip(engine)
    done = subprocess.run(
        [sys.executable, "-c", LOG, engine, kind], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "{optimal}\n"
    assert word in done.stderr
