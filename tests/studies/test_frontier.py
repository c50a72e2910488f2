"""The frontier: every row is what a replay of that policy says, and hindsight is marked as such."""

import json

import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.studies.frontier import ALPHAS, HINTS

KEYS = ["policy", "alpha", "overshoot_usd", "covered_usd_share", "covered_rounds", "information", "default"]
EPISODE = "synthetic(accounts=3, rounds=12, seed=4)"


def test_rows_are_those_of_a_replay():
    rows = {row["policy"]: row for row in adl.frontier(EPISODE)}
    names = [
        "risk-control(alpha=0.1, hint=log-gap)",
        "conformal",
        "long-term(alpha=0.2)",
        "hint-only(fixed-gap)",
        "hinted(ftrl-exact(under=9.0), log-gap-common)",
    ]
    for p in adl.replay(EPISODE, names).policies:
        row = rows[p.policy.removesuffix("/pro-rata")]
        assert row["overshoot_usd"] == pytest.approx(p.overshoot_usd, abs=0.01)
        assert row["covered_usd_share"] == pytest.approx(p.covered_usd_share, abs=1e-6)
        assert row["covered_rounds"] == p.covered_rounds
        assert row["information"] == "start-of-round"


def test_what_is_swept_and_what_is_shipped():
    rows = list(adl.frontier(EPISODE))
    assert all(list(row) == KEYS for row in rows)
    swept = [row for row in rows if row["policy"].startswith("risk-control(") and "hint" not in row["policy"]]
    assert {row["alpha"] for row in swept} == set(ALPHAS) - {0.05}  # 0.05 needs no bracket
    assert [row["default"] for row in rows if row["policy"] == "risk-control"] == [True]
    assert not any(row["default"] for row in swept)
    hindsight = [row for row in rows if row["information"] == "hindsight"]
    assert not any(row["default"] for row in hindsight)
    assert {row["policy"].split(" x ")[1] for row in hindsight if " x " in row["policy"]} == set(HINTS)
    oracle = next(row for row in rows if row["information"] == "ex-post")
    assert (oracle["overshoot_usd"], oracle["covered_usd_share"]) == (0.0, 1.0)
    within = [row["policy"] for row in rows if row["information"] == "within-round"]
    assert within == ["catch-up(fixed-gap)", "fund-float(fixed-gap)"]


def test_the_command_prints_the_bare_rows():
    done = CliRunner().invoke(app, ["frontier", EPISODE, "--format", "json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads(json.dumps(list(adl.frontier(EPISODE))))


def test_without_a_flow_there_are_no_hints():
    bare = adl.Episode(
        rounds=[
            (
                adl.Round(deficit=4.0, accounts=adl.Accounts(id=["a"], pnl=[9.0], equity=[9.0])),
                adl.Outcome(needed=6.0),
            )
        ],
        name="bare",
        source="by hand",
    )
    rows = list(adl.frontier(bare))
    assert not any("gap" in row["policy"] for row in rows)
    assert next(row for row in rows if row["information"] == "ex-post")["covered_usd_share"] == 1.0
