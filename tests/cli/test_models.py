"""Models on the command line: list, card, solve, replay, export; a folder of one's own; what is refused."""

import csv
import io
import json

import highspy
import pytest

import adl_opt as adl
from adl_opt.catalogue import load_model, model_names
from adl_opt.programs import solve
from tests.cli.test_app import accounts, run  # noqa: F401  (fixtures)

MINE = '''"""mine: pro-rata, and nobody in full."""

from adl_opt.programs import ExactBudget, HaircutCap, MaxBurden, RoundProgram

KIND = "round"


def build(cap: float = 0.5):
    return RoundProgram(MaxBurden(), [ExactBudget(), HaircutCap(cap)], name="mine")
'''


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.py").write_text(MINE)
    return folder


def test_models_lists_and_shows(run):  # noqa: F811
    rows = json.loads(run("models", "--format", "json")[1])["models"]
    assert [r["name"] for r in rows] == model_names()
    assert all(r["kind"] and r["needs"] and r["summary"] for r in rows)
    assert len(list(csv.DictReader(io.StringIO(run("models", "--format", "csv")[1])))) == len(model_names())
    assert "cvar-severity" in run("models")[1]
    assert run("models", "show", "leximin")[1] == load_model("leximin").card()


def test_solve_by_a_model(run, accounts, mine):  # noqa: F811
    args = ["solve", accounts, "--budget", "25", "--format", "json", "--model"]
    facts = json.loads(run(*args, "budget-and-accounts(k=1,weight=10)")[1])
    assert facts["status"] == "optimal"
    assert facts["accounts_touched"] == 1
    assert facts["bound"] <= facts["objective"]
    assert facts["gap"] <= 1e-8
    facts = json.loads(run(*args, mine)[1])
    assert facts["policy"] == "model:mine"
    assert facts["max_burden"] == pytest.approx(25 / 80, rel=1e-9)
    assert facts["budget_price"] == pytest.approx(1 / 80, rel=1e-9)
    facts = json.loads(run("solve", accounts, "--budget", "60", "--format", "json", "--model", mine)[1])
    assert facts["executed_usd"] == 40.0
    assert facts["shortfall_usd"] == 20.0
    assert "optimal by" in run("solve", accounts, "--budget", "25", "--model", f"{mine}(cap=0.9)")[1]
    assert run("solve", accounts, "--budget", "25", "--model", "leximin")[0] == 0


def test_replay_a_model_equals_the_rule(run, mine):  # noqa: F811
    made = run("replay", "oct10", "--policy", "min-max", "--model", "min-max-lp", "--format", "json")
    rule, model = json.loads(made[1])["policies"]
    assert model["policy"] == "model:min-max-lp"
    assert model["information"] == "ex-post"  # the oracle severity
    assert model["total_usd"] == pytest.approx(rule["total_usd"], rel=1e-6, abs=0.01)
    assert run("replay", "synthetic(accounts=20, rounds=2)", "--model", mine)[0] == 0


@pytest.mark.parametrize("form", ["mps", "lp"])
def test_export_is_read_back_to_the_same_optimum(run, tmp_path, accounts, form):  # noqa: F811
    path = tmp_path / f"round.{form}"
    assert (
        run("export", "oct10:17", "--model", "tracking-lp(l_fair=1e6)", "--format", form, "--out", path)[0]
        == 0
    )
    round_, outcome = next((r, o) for r, o in adl.load("oct10").in_space() if r.number == 17)
    expected = solve(load_model("tracking-lp(l_fair=1e6)").program, round_, needed=outcome.needed).objective
    assert read(path) == pytest.approx(expected, rel=1e-6)
    args = ["export", accounts, "--budget", "25", "--format", form, "--out", path, "--model"]
    assert run(*args, "budget-and-accounts(k=1,weight=10)")[0] == 0
    assert read(path) == pytest.approx(6.2, rel=1e-6)


def read(path):
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    unit = float(path.read_text(encoding="utf-8").splitlines()[0].rpartition(" x ")[2])
    return highs.getInfo().objective_function_value * unit


BAD = {
    "unknown model": (["solve", "{accounts}", "--budget", "5", "--model", "min-max-lotz"], "did you mean", 2),
    "no folder": (["solve", "{accounts}", "--budget", "5", "--model", "./nosuch"], "does not exist", 2),
    "an episode model": (["replay", "--model", "cumulative-fairness"], "whole episode", 2),
    "model and policy": (
        ["solve", "{accounts}", "--budget", "5", "--model", "queue-lp", "--policy", "okx"],
        "drop one",
        2,
    ),
    "no leverage": (["solve", "{accounts}", "--budget", "5", "--model", "queue-lp"], "leverage", 2),
    "conflict": (["solve", "{accounts}", "--budget", "5", "--model", "account-selection"], "min-ticket", 1),
    "show unknown": (["models", "show", "traking-lp"], "did you mean tracking-lp", 2),
    "export a cone": (
        ["export", "{accounts}", "--budget", "5", "--model", "capped-pro-rata", "--out", "{out}"],
        "terms without rows",
        2,
    ),
    "export a procedure": (["export", "oct10:1", "--model", "leximin", "--out", "{out}"], "kind round", 2),
    "export no round": (["export", "oct10:3", "--model", "min-max-lp", "--out", "{out}"], "unknown round", 2),
    "export no budget": (
        ["export", "{accounts}", "--model", "min-max-lp", "--out", "{out}"],
        "needs a budget",
        2,
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(run, accounts, tmp_path, case):  # noqa: F811
    args, said, exit_code = BAD[case]
    code, out, err = run(*(a.format(accounts=accounts, out=tmp_path / "o.mps") for a in args))
    assert code == exit_code, err
    assert said in " ".join(err.split())
    assert out == ""
    assert not (tmp_path / "o.mps").exists()


def test_the_readmes_replay_of_models_answers():
    result = adl.replay("oct10", load_model("risk-aware-pro-rata(cap=0.5)"))
    (row,) = result.policies
    assert row.haircut_usd > 15e6
    assert row.max_burden <= 0.5 + 1e-9


def test_a_model_is_not_run_to_be_shown(run, tmp_path):  # noqa: F811
    (tmp_path / "model.py").write_text("raise SystemExit('ran')")
    (tmp_path / "model.md").write_text("a card\x1b]0;title\x07\n")
    assert run("models", "show", tmp_path)[:2] == (0, "a card\\x1b]0;title\\x07\n")


@pytest.mark.parametrize("place", ["module", "build", "terms"])
def test_a_model_that_exits_or_prints_ends_in_a_message(run, accounts, tmp_path, place):  # noqa: F811
    deeds = dict.fromkeys(("module", "build", "terms"), "pass") | {place: "print('{}'); sys.exit(0)"}
    (tmp_path / "model.py").write_text(
        f"""
import sys
from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram
KIND = "procedure"
{deeds["module"]}
def build():
    {deeds["build"]}
    def answer(round_, *, needed, engine, options):
        {deeds["terms"]}
    return answer
"""
    )
    code, out, err = run("solve", accounts, "--budget", "25", "--model", tmp_path, "--format", "json")
    assert (code, out) == (2, "")
    assert "SystemExit" in err
