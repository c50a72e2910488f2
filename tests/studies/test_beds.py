"""Test beds: every rule on the same rounds, and against the better of two."""

from __future__ import annotations

import pytest

import adl_opt as adl
from adl_opt.studies import beds as module


def only(monkeypatch, synthetic, simulated=()):
    monkeypatch.setattr(module, "EPISODES", ())
    monkeypatch.setattr(module, "SIMULATED", simulated)
    monkeypatch.setattr(module, "SYNTHETIC", {name: module.SYNTHETIC[name] for name in synthetic})


def test_rows_of_a_replayed_and_of_a_simulated_bed(monkeypatch):
    only(monkeypatch, ["synthetic, by-market"], ("no-deficit", "square-root-book"))
    steps = []
    rows = list(adl.beds("full-deficit", seeds=1, progress=lambda *done: steps.append(done)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    found = {(row["bed"], row["policy"]): row for row in rows}
    mine = found["synthetic, by-market", "full-deficit/pro-rata"]
    assert mine["rounds"] == 16
    assert mine["tracking_usd"] == pytest.approx(mine["overshoot_usd"] + mine["undershoot_usd"], abs=0.02)
    for bed in {row["bed"] for row in rows}:
        compared = [row for row in rows if row["bed"] == bed and row["policy"] != "full-deficit/pro-rata"]
        best = min(row["tracking_usd"] for row in compared)
        ratio = found[bed, "full-deficit/pro-rata"]["against_best"]
        assert ratio is None if best == 0.0 else ratio > 0.0
        assert min(row["against_best"] or 1.0 for row in compared) == 1.0
    calm = found["no-deficit", "full-deficit/pro-rata"]
    assert (calm["rounds"], calm["covered_usd_share"], calm["against_best"]) == (0, 1.0, None)


def test_the_default_holds_up_where_every_hint_is_ten_times_off(monkeypatch):
    only(monkeypatch, ["synthetic, flow x 10"])
    found = {row["policy"]: row["against_best"] for row in adl.beds(seeds=5)}
    assert found["hint-only(fixed-gap)/pro-rata"] > 5.0
    assert found["recommended"] <= 1.3


def test_a_policy_that_is_given_the_outcome_is_refused():
    with pytest.raises(adl.UsageError, match="start of the round"):
        adl.beds("pro-rata", seeds=1)
