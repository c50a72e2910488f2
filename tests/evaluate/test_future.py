"""Future shortfall, the 99th percentile of burdens, and the invented book."""

from __future__ import annotations

import math

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.datasets.book import invented_book
from tests.evaluate.test_contracts import episode
from tests.rounds.books import book

POLICIES = ["pro-rata", "min-max-lots", "leverage-draining", "risk-based", "dydx-random"]


@pytest.fixture(scope="module")
def result():
    return adl.replay(invented_book(accounts=400, markets=5, seed=3), POLICIES)


def test_risk_based_leaves_the_least_and_min_max_burdens_the_least(result):
    frame = result.frame()
    assert frame["future_shortfall_usd"].idxmin() == "risk-based"
    assert frame["p99_burden"].idxmin() in ("min-max-lots", "pro-rata")
    assert np.allclose(frame["haircut_usd"], frame["haircut_usd"].iloc[0], rtol=1e-3)  # the same quantity


def test_both_objectives_draw_a_frontier(result):
    front = result.pareto("total_usd", "future_shortfall_usd")
    assert {"risk-based", "min-max-lots"} <= set(front.index)


def test_rows_and_json_have_the_columns(result):
    rows = result.rounds()
    assert rows["future_shortfall_usd"].notna().all()
    assert rows["p99_burden"].between(0.0, 1.0 + 1e-9).all()
    assert all(row["future_shortfall_usd"] > 0 for row in result.to_json()["policies"])


def test_wealth_has_a_percentile_and_no_shortfall():
    record = adl.replay("oct10", ["pro-rata"], burden="capacity").records[0]
    assert math.isnan(record.future_shortfall)
    assert record.p99_burden == pytest.approx(record.max_burden)


def test_a_file_of_moves_serves_scores_and_rules(tmp_path):
    file = tmp_path / "moves.csv"
    file.write_text("BTC,COIN\n-0.9,0.0\n0.9,0.0\n")
    calm = adl.replay(episode(book()), ["risk-based"])
    wild = adl.replay(episode(book()), ["risk-based"], moves=file)
    assert "file moves.csv" in " ".join(wild.notes)
    assert wild.records[0].future_shortfall != calm.records[0].future_shortfall


def test_a_replay_goes_on_with_the_marks_it_has_seen():
    later = book(mark=[500.0, 500.0, 500.0, 60_000.0, 500.0, 60_000.0])
    flow = adl.Flow(market=["BTC"], side=["long"], quantity=[1.0], mark=[500.0], bankruptcy=[520.0])
    later = adl.Round(deficit=10.0, accounts=later.accounts, positions=later.positions, flow=flow, number=2)
    both = episode(book(), later)
    whole = adl.replay(both, ["risk-based"])
    first = adl.replay(both[:1], ["risk-based"])
    rest = adl.replay(both[1:], ["risk-based"], states=first.states)
    assert rest.records[0].future_shortfall == whole.records[1].future_shortfall
    assert "past moves" in " ".join(whole.notes)
