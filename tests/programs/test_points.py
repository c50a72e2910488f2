"""Answers from anywhere: a start for a search, other solvers' files, and the one judge of them all."""

import json
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec
from itertools import product

import highspy
import numpy as np
import pytest

from adl_opt import certify_point
from adl_opt.errors import InputError, UsageError
from adl_opt.programs import (
    Entropy,
    ExactBudget,
    Lots,
    MaxAccounts,
    MaxBurden,
    Overshoot,
    RoundProgram,
    Solvency,
    Status,
    solve,
    write_model,
)
from adl_opt.rounds.round import Allocation, Round
from adl_opt.rounds.tables import Accounts, Positions
from tests.programs.cases import linear_programs, make_round, whole_programs

MIN_MAX = RoundProgram(MaxBurden(), [ExactBudget()])
CHOICE = RoundProgram(Overshoot() + 40 * MaxBurden(), [Solvency(), MaxAccounts(2), Lots()])


def lot_round():
    """Three accounts with one position each, in whole USD."""
    u = np.array([40.0, 60.0, 100.0])
    positions = Positions(
        account=[0, 1, 2], market=["m", "n", "m"], lot_value=[7.0, 11.0, 13.0], lots=[5, 5, 7]
    )
    return Round(
        deficit=50.0, accounts=Accounts(id=["a", "b", "c"], pnl=u, equity=2 * u), positions=positions
    )


def true_value(lots, needed=50):
    """Objective of CHOICE in fractions; None where it breaks a rule."""
    worth, u = (7, 11, 13), (40, 60, 100)
    paid = [Fraction(k * d) for k, d in zip(lots, worth, strict=True)]
    if sum(paid) < needed or sum(p > 0 for p in paid) > 2 or any(p > c for p, c in zip(paid, u, strict=True)):
        return None
    return sum(paid) - needed + 40 * max(p / c for p, c in zip(paid, u, strict=True))


ALL = {lots: true_value(lots) for lots in product(range(6), range(6), range(8))}
BEST = min(value for value in ALL.values() if value is not None)


def test_every_combination_of_lots_is_judged_right():
    """Feasible or not, optimal or not: against enumeration in fractions."""
    round_, words = lot_round(), set()
    for lots in list(ALL)[::9]:
        found, value = certify_point(CHOICE, round_, np.array(lots), needed=50.0), ALL[lots]
        words.add(found.status)
        if value is None:
            assert found.status is Status.ERROR
            assert "the answer breaks" in found.message
            assert not found.certify().feasible
            continue
        assert found.objective == pytest.approx(float(value), rel=1e-12)
        assert found.bound <= float(BEST) * (1 + 1e-9)
        assert found.status is (Status.OPTIMAL if value == BEST else Status.FEASIBLE)
        assert found.certify().ok
    assert words >= {Status.ERROR, Status.FEASIBLE}
    best = next(lots for lots, value in ALL.items() if value == BEST)
    assert certify_point(CHOICE, round_, np.array(best), needed=50.0).status is Status.OPTIMAL


def test_the_same_answer_in_every_form(tmp_path):
    round_ = lot_round()
    answer = solve(CHOICE, round_, needed=50.0)
    allocation = Allocation(x=answer.x, asked=50.0, lots=answer.lots)
    by_id = dict(zip(["a", "b", "c"], answer.x.tolist(), strict=True))
    forms = (answer, answer.point, allocation, answer.lots, by_id)
    found = [certify_point(CHOICE, round_, form, needed=50.0) for form in forms]
    assert {f.status for f in found} == {Status.OPTIMAL}
    assert {f.objective for f in found} == {answer.objective}
    assert all(f.executed == answer.executed and f.paying == answer.paying for f in found)
    assert json.dumps(found[0].to_json())
    assert "optimal: objective" in str(found[0])
    assert found[0].frame().loc["gap", "passed"]


def test_what_breaks_a_constraint_is_named_with_usd():
    found = certify_point(MIN_MAX, make_round(1, 3), np.array([1.0, 2.0, 3.0]), needed=7.0)
    assert found.status is Status.ERROR
    assert found.conflict == ("exact-budget",)
    assert found.message == "the answer breaks exact-budget by 1.00 USD"


def test_smooth_and_funded_programs_are_judged_too():
    round_ = make_round(1, 4)
    for program in (RoundProgram(Entropy(), [ExactBudget()]), linear_programs(round_, 30.0)["fund"]):
        answer = solve(program, round_, needed=30.0)
        found = certify_point(program, round_, answer.x, needed=30.0)
        assert found.status is Status.OPTIMAL
        assert found.fund_usd == answer.fund_usd
    worse = np.array([4.0, 26.0, 0.0, 0.0])
    found = certify_point(RoundProgram(Entropy(), [ExactBudget()]), round_, worse, needed=30.0)
    assert found.status is Status.FEASIBLE
    assert "finds a better answer" in found.message


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ([1.0, 2.0], "a point has 3 haircuts"),
        ([1.0, 2.0, np.nan], "all finite"),
        (["x", "y", "z"], "all finite"),
        ("nowhere.sol", "cannot be read"),
    ],
)
def test_what_is_no_point_is_refused(given, word):
    with pytest.raises(InputError, match=word):
        certify_point(MIN_MAX, make_round(1, 3), given, needed=7.0)


def test_lots_must_be_said_where_haircuts_do_not_say_them():
    round_ = make_round(1, 3, positions=5)
    program = RoundProgram(MaxBurden(), [Solvency(), Lots()])
    with pytest.raises(InputError, match="which lots are closed"):
        certify_point(program, round_, np.zeros(3), needed=7.0)
    with pytest.raises(InputError, match="whole numbers"):
        certify_point(program, round_, np.full(5, 0.5), needed=7.0)
    with pytest.raises(UsageError, match="unknown account"):
        certify_point(MIN_MAX, round_, {"nobody": 1.0}, needed=7.0)


@pytest.mark.parametrize("engine", ["auto", "highs", "scip", "cvxpy"])
def test_a_start_is_never_lost(engine):
    """Without a node a search finds little; the answer is at least as good as where it began."""
    if engine == "scip":
        pytest.importorskip("pyscipopt")
    round_ = make_round(5, 8, positions=12)
    needed = 0.3 * round_.capacity_usd
    program = whole_programs(round_, needed)["lots-tracking"]
    best = solve(program, round_, needed=needed)
    found = solve(program, round_, needed=needed, engine=engine, options={"node_limit": 0}, start=best)
    assert found.objective == pytest.approx(best.objective, rel=1e-9)
    assert found.certify().ok
    without = solve(program, round_, needed=needed, engine=engine, options={"node_limit": 0})
    assert np.isnan(without.objective) or without.objective >= found.objective * (1 - 1e-12)


def test_a_bad_start_does_no_harm():
    round_ = make_round(5, 4, positions=5)
    needed = 0.3 * round_.capacity_usd
    program = whole_programs(round_, needed)["budget-and-accounts"]
    plain = solve(program, round_, needed=needed)
    bad = solve(program, round_, needed=needed, start=np.zeros(5, dtype=int), engine="highs")
    assert bad.objective == pytest.approx(plain.objective, rel=1e-9)
    linear = linear_programs(round_, needed)["min-max"]
    assert solve(linear, round_, needed=needed, start=np.zeros(4)).status is Status.OPTIMAL


LINEAR = ("fund", "tracking", "min-max", "cvar")


def by_highs(path, answer):
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "mip_rel_gap": 0.0}.items():
        highs.setOptionValue(name, value)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    highs.writeSolution(str(answer), 0)
    return highs.getInfo().objective_function_value


def by_scip(path, answer):
    scip = pytest.importorskip("pyscipopt").Model()
    scip.hideOutput()
    scip.readProblem(str(path))
    scip.optimize()
    scip.writeBestSol(str(answer))
    return scip.getObjVal()


GLOP = """
import sys
from ortools.linear_solver.python import model_builder as builder
path, answer = sys.argv[1:]
model, solver = builder.Model(), builder.Solver("GLOP")
assert model.import_from_mps_file(path)
assert solver.solve(model) == builder.SolveStatus.OPTIMAL
with open(answer, "w", encoding="utf-8") as file:
    file.writelines(f"{v.name},{solver.value(v)!r}\\n" for v in model.get_variables())
print(solver.objective_value)
"""


def by_glop(path, answer):
    """Solve in a process of its own: OR-Tools brings a HiGHS that clashes with highspy."""
    if find_spec("ortools") is None:
        pytest.skip("OR-Tools is not installed")
    command = [sys.executable, "-c", GLOP, str(path), str(answer)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
@pytest.mark.parametrize("solver", [by_highs, by_scip, by_glop])
@pytest.mark.parametrize("kind", [*LINEAR, "budget-and-accounts", "lots-tracking", "cardinality"])
def test_other_solvers_read_the_file_and_their_answers_come_back(tmp_path, kind, solver, suffix):
    if solver is by_glop and (kind not in LINEAR or suffix == ".lp"):
        pytest.skip("GLOP takes no whole numbers, and OR-Tools reads another LP format")
    round_ = make_round(2, 4, positions=5)
    needed = 0.3 * round_.capacity_usd
    program = {**linear_programs(round_, needed), **whole_programs(round_, needed)}[kind]
    written = write_model(program, round_, tmp_path / f"model{suffix}", needed=needed)
    expected = solve(program, round_, needed=needed)
    read = solver(written.path, tmp_path / "answer.sol") * written.objective_unit
    assert read == pytest.approx(expected.objective, rel=1e-6)
    found = certify_point(program, round_, tmp_path / "answer.sol", needed=needed)
    assert found.status in (Status.OPTIMAL, Status.FEASIBLE), found.message
    assert found.objective == pytest.approx(expected.objective, rel=1e-6)
    assert found.bound == pytest.approx(expected.bound, rel=1e-8)


def test_the_side_file_says_whose_column_it_is(tmp_path):
    import pandas as pd

    written = write_model(CHOICE, lot_round(), tmp_path / "model.mps", needed=50.0)
    table = pd.read_csv(written.columns).set_index("column")
    closed = table[table["market"].notna()]
    assert closed["account"].tolist() == ["a", "b", "c"]
    assert closed["market"].tolist() == ["m", "n", "m"]
    assert closed["position"].tolist() == [0, 1, 2]
    assert all(name in written.path.read_text(encoding="utf-8") for name in table.index)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "other.sol").write_text("y_0 1.0\n", encoding="utf-8")
    with pytest.raises(InputError, match="no value of a column"):
        certify_point(MIN_MAX, make_round(1, 3), tmp_path / "other.sol", needed=7.0)
