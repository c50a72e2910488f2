"""Offline optima beside the policies: known figures, order, limits, command line."""

import json
import sys

import pytest

import adl_opt as adl
from adl_opt.cli.app import main
from adl_opt.evaluate.optimum import optimum

SMALL = "synthetic(accounts=30, rounds=4, seed=2)"


@pytest.fixture(scope="module")
def found():
    return optimum(adl.load("oct10"), ["production", "pro-rata", "constant(0.126)/min-max"])


def test_known_figures(found):
    loss = found.benchmarks.frame().tracking_usd
    assert round(loss["best-fixed"] / 1e6, 2) == 8.52
    assert round(loss["best-switching(K=3)"]) == 2_970_845


def test_every_benchmark_is_proven_and_ex_post(found):
    for b in found.benchmarks:
        if b.kind != "library":
            assert b.information == "ex-post"
            assert b.bound_usd == pytest.approx(b.objective_usd, rel=1e-9, abs=0.05)  # lots: within 3 cents


def test_wider_limits_are_never_worse():
    episode = adl.load("synthetic(accounts=5, rounds=8, seed=2)")

    def losses(**limit):
        return {b.name: b.objective_usd for b in optimum(episode, ["pro-rata"], **limit).benchmarks}

    paths = [losses(path_budget=p)[f"best-path(P={p:g})"] for p in (0.0, 0.3, 1.0, 99.0)]
    fixed = losses(switches=0)
    assert paths == sorted(paths, reverse=True)
    assert paths[0] == pytest.approx(fixed["best-fixed"], rel=1e-9)
    assert fixed["best-switching(K=0)"] == pytest.approx(paths[0], rel=1e-9)


def test_policies_are_measured_against_them(found):
    frame = found.frame()
    assert (frame.gap_to_optimum_usd >= -1e-9).all()
    assert frame.loc["constant(theta=0.126)/min-max", "regret_to_best-fixed_usd"] >= -1e-6
    assert frame.loc["pro-rata", "regret_to_best-fixed_usd"] < 0
    assert frame.loc["production", "information"] == "observed"


def test_gaps_are_taken_within_one_domain():
    """What a policy executes says its domain; a coarse lot makes the two optima differ."""
    accounts = adl.Accounts(id=["a", "b"], pnl=[9.0, 9.0], equity=[9.0, 9.0])
    lots = adl.Positions(account=[0, 1], market=["m", "m"], lot_value=[3.0, 4.5], lots=[3, 2])
    rounds = [(adl.Round(deficit=5.0, accounts=accounts, positions=lots), adl.Outcome(needed=8.0))]
    episode = adl.Episode("coarse", "", rounds)
    names = ["min-max", "min-max-lots", "constant(0)", "full-deficit/pro-rata"]
    found = optimum(episode, names, loss="fair=0,base=capacity")
    frame, best = found.frame(), found.benchmarks.frame()
    assert best.bound_usd["fractional-optimum"] == 0.0
    assert best.bound_usd["whole-lots-optimum"] == pytest.approx(0.5)  # 3 + 4.5
    assert frame.domain.to_list() == ["fractional", "whole-lots", "whole-lots", "fractional"]
    assert frame.gap_to_optimum_usd.to_list() == pytest.approx([0.0, 2.0, 7.5, 3.0])
    limited = optimum(episode, names, loss="fair=0,base=capacity,limit=deficit").frame()
    assert limited.domain.to_list() == ["fractional", "beyond-limit", "whole-lots", "fractional"]
    assert limited.gap_to_optimum_usd["full-deficit/pro-rata"] == pytest.approx(0.0, abs=1e-12)
    assert limited.gap_to_optimum_usd.isna().to_list() == [False, True, False, False]
    shown = {row["policy"]: row["domain"] for row in found.to_json()["policies"]}
    assert shown["min-max-lots"] == "whole-lots"


def test_fewer_payers_cost_burden():
    episode = adl.load("oct10")[-3:]
    found = optimum(episode, ["pro-rata"], accounts=[1, 3, 50])
    frame = found.selection_frame()
    assert list(frame.columns) == [1, 3, 50]
    assert (frame[1] >= frame[3]).all()
    assert (frame[3] >= frame[50]).all()
    for row in found.selection:
        assert row["paying"] <= row["accounts"]
        assert row["max_burden"] == pytest.approx(row["lower_bound"], rel=1e-9)
    with pytest.raises(adl.UsageError):
        optimum(episode, ["pro-rata"], accounts=[-1])


def test_no_need_at_all():
    accounts = adl.Accounts(id=["a"], pnl=[1.0], equity=[2.0])
    episode = adl.Episode("calm", "", [(adl.Round(deficit=0.0, accounts=accounts), adl.Outcome(needed=0.0))])
    assert all(b.tracking_usd == 0.0 for b in optimum(episode, ["pro-rata"]).benchmarks)


@pytest.mark.parametrize("kwargs", [{"path_budget": -1.0}, {"path_budget": float("nan")}, {"switches": -1}])
def test_bad_limits(kwargs):
    with pytest.raises(adl.UsageError):
        optimum(adl.load(SMALL), ["pro-rata"], **kwargs)


def test_command_line(monkeypatch, capsys):
    args = [
        "optimum",
        SMALL,
        "--path-budget",
        "1",
        "--switches",
        "2",
        "--policy",
        "pro-rata",
        "--format",
        "json",
    ]
    monkeypatch.setattr(sys, "argv", ["adl-opt", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    data = json.loads(capsys.readouterr().out)
    names = [b["name"] for b in data["benchmarks"]]
    assert names[:3] == ["fractional-optimum", "whole-lots-optimum", "depleting-optimum"]
    assert {"best-fixed", "best-path(P=1)", "best-switching(K=2)", "best-of-library"} <= set(names)
    for b in data["benchmarks"]:
        assert b["class"] in ("optimum", "severity", "haircuts", "library")
        assert b["bound_usd"] is None or b["bound_usd"] <= b["objective_usd"]
    assert data["policies"][0]["policy"] == "pro-rata"
    assert data["policies"][0]["gap_to_optimum_usd"] >= 0
