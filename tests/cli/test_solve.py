"""``adl-opt solve`` beyond one table: a round of an episode, and whole episodes by models of every kind."""

import csv
import io
import json
from itertools import pairwise

import pytest

import adl_opt as adl
from adl_opt.catalogue import load_model
from adl_opt.programs import Options, solve, solve_episode
from tests.cli.test_app import accounts, run  # noqa: F401  (fixtures)

SMALL = "synthetic(accounts=20, rounds=3)"


def facts(run, *args):  # noqa: F811
    code, out, err = run("solve", *args, "--format", "json")
    assert code == 0, err
    return json.loads(out)


def test_an_episode_model_solves_all_rounds_together(run, tmp_path):  # noqa: F811
    path = tmp_path / "paid.csv"
    found = facts(run, SMALL, "--model", "cumulative-fairness(cap=0.4)", "--out", path)
    episode = adl.load(SMALL)
    model = load_model("cumulative-fairness(cap=0.4)").program
    direct = solve_episode(model, [r for r, _ in episode], needed=[o.needed for _, o in episode])
    assert found["status"] == "optimal"
    assert found["certified"] is True
    assert found["information"] == "ex-post"
    assert found["objective"] == pytest.approx(direct.objective, rel=1e-12)
    assert found["bound"] <= found["objective"]
    assert found["gap"] <= 1e-8
    assert [row["round"] for row in found["rounds"]] == [r.number for r, _ in episode]
    paid = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    for row in found["rounds"]:
        mine = [float(p["haircut_usd"]) for p in paid if int(p["round"]) == row["round"]]
        assert sum(mine) == pytest.approx(row["executed_usd"], rel=1e-12)
        assert len(mine) == row["accounts"]


def test_a_hindsight_model_gives_severities(run):  # noqa: F811
    found = facts(run, "oct10", "--model", "hindsight-path(path_budget=2)")
    best = load_model("hindsight-path(path_budget=2)").program(adl.load("oct10"))
    assert found["status"] == "optimal"
    assert found["certified"] is True
    assert found["objective"] == pytest.approx(best.loss_usd, rel=1e-12)
    assert sum(row["tracking_usd"] for row in found["rounds"]) == pytest.approx(best.loss_usd, rel=1e-9)
    moves = [row["severity"] for row in found["rounds"]]
    assert sum(abs(b - a) for a, b in pairwise(moves)) <= 2 + 1e-9
    code, out, _ = run("solve", "oct10", "--model", "hindsight-path", "--format", "csv")
    assert code == 0
    assert len(list(csv.DictReader(io.StringIO(out)))) == 16


def test_a_round_model_solves_every_round_alone(run):  # noqa: F811
    found = facts(run, SMALL, "--model", "budget-and-accounts(k=4)")
    assert found["status"] == "optimal"
    assert found["gap"] <= 1e-4
    for row, (round_, outcome) in zip(found["rounds"], adl.load(SMALL), strict=True):
        program = load_model("budget-and-accounts(k=4)").program
        alone = solve(program, round_, needed=outcome.needed, options=Options(mip_gap=1e-4))
        assert row["objective"] == alone.objective
        assert row["accounts"] == len(alone.paying) <= 4
    table = run("solve", SMALL, "--model", "tracking-lp")[1]
    assert "optimal" in table
    assert "ex-post" in table


def test_one_round_of_an_episode(run):  # noqa: F811
    found = facts(run, "oct10:28", "--model", "budget-and-accounts(k=50)", "--gap", "1e-4", "--nodes", "1000")
    assert found["status"] == "optimal"
    assert found["gap"] <= 1e-4
    assert found["bound_source"].startswith("re-derived")
    round_, outcome = next((r, o) for r, o in adl.load("oct10").in_space() if r.number == 28)
    assert found["budget_usd"] == outcome.needed
    assert found["deficit_usd"] == round_.deficit
    assert found["information"] == "ex-post"
    given = facts(run, "oct10:28", "--budget", "5")
    assert given["budget_usd"] == 5.0
    assert given["information"] == "start-of-round"


BAD = {
    "an episode model and a table": (
        ["{accounts}", "--budget", "5", "--model", "cumulative-fairness"],
        "adl-opt solve EPISODE --model cumulative-fairness",
    ),
    "a hindsight model and one round": (["oct10:7", "--model", "hindsight-path"], "whole episode"),
    "an episode without a model": (["oct10"], "oct10:1"),
    "an episode with a budget": (["oct10", "--model", "tracking-lp", "--budget", "5"], "drop it"),
    "a round that is not there": (["oct10:3", "--model", "tracking-lp"], "unknown round of oct10"),
    "a deficit for a round that has one": (["oct10:7", "--deficit", "5"], "drop --deficit"),
    "limits without a model": (["oct10:7", "--gap", "0.1"], "give --model"),
    "a gap out of range": (["oct10:7", "--model", "tracking-lp", "--gap", "7"], "'mip_gap' is out of range"),
    "no such episode": (["oct11", "--model", "tracking-lp"], "oct11"),
    "no budget": (["{accounts}"], "needs a budget"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(run, accounts, case):  # noqa: F811
    args, said = BAD[case]
    code, out, err = run("solve", *(a.format(accounts=accounts) for a in args))
    assert code == 2, err
    assert said in " ".join(err.split())
    assert out == ""


@pytest.mark.parametrize("engine", ["highs", "scip", "cvxpy:CLARABEL"])
def test_the_engine_and_its_options_go_by_name(run, engine):  # noqa: F811
    option = {"highs": "presolve=off", "scip": "separating/maxrounds=2", "cvxpy:CLARABEL": "max_iter=300"}[
        engine
    ]
    if engine == "scip":
        pytest.importorskip("pyscipopt")
    args = ("oct10:28", "--model", "min-max-lp")
    found, best = facts(run, *args, "--engine", engine, "--option", option), facts(run, *args)
    assert found["engine"].lower() == engine.lower()
    assert found["status"] == "optimal"
    assert found["objective"] == pytest.approx(best["objective"], rel=1e-7)
    code, _, err = run("solve", *args, "--engine", engine, "--option", "no_such_option=1")
    assert code == 2
    assert "no_such_option" in err


def test_engines_are_for_models_of_rounds(run):  # noqa: F811
    code, _, err = run("solve", "oct10:28", "--engine", "highs")
    assert code == 2
    assert "drop --engine" in err
    code, _, err = run("solve", "oct10", "--model", "hindsight-path", "--engine", "highs")
    assert code == 2
    assert "has one engine" in err
    code, _, err = run(
        "solve", "oct10:28", "--model", "min-max-lp", "--engine", "highs", "--option", "presolve"
    )
    assert code == 2
    assert "NAME=VALUE" in err


def test_an_exported_round_comes_back_and_is_judged(run, tmp_path):  # noqa: F811
    out, answer = tmp_path / "round.mps", tmp_path / "round.json"
    assert run("export", "oct10:28", "--model", "min-max-lp", "--out", out)[0] == 0
    round_, outcome = next((r, o) for r, o in adl.load("oct10").in_space() if r.number == 28)
    best = solve(load_model("min-max-lp").program, round_, needed=outcome.needed)
    table = list(csv.DictReader(io.StringIO((tmp_path / "round.columns.csv").read_text(encoding="utf-8"))))
    pay = dict(zip(round_.accounts.id.tolist(), best.x.tolist(), strict=True))
    values = {row["column"]: pay[row["account"]] / float(row["unit"]) for row in table if row["account"]}
    answer.write_text(json.dumps(values), encoding="utf-8")
    code, out_, err = run("certify-point", "oct10:28", answer, "--model", "min-max-lp", "--format", "json")
    assert code == 0, err
    found = json.loads(out_)
    assert found["status"] == "optimal"
    assert found["objective"] == pytest.approx(best.objective, rel=1e-9)
    answer.write_text(json.dumps({name: 0.5 * value for name, value in values.items()}), encoding="utf-8")
    code, out_, _ = run("certify-point", "oct10:28", answer, "--model", "min-max-lp")
    assert code == 0
    assert out_.startswith("error:")
    assert "the answer breaks exact-budget by" in out_
