"""From raw exports to a recommendation, a shadow run and an explanation; the ranking by hand."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.rounds.owners import by_owner
from adl_opt.service.document import PolicyDocument
from adl_opt.service.evidence import Evidence, frames_by_name
from adl_opt.service.ranking import candidates_in_order, verdict_on
from adl_opt.studies.flow_bursts import FACTORS, flow_bursts
from adl_opt.studies.simulation.own_book import Stress, start_of_book
from adl_opt.studies.simulation.run import run_policy
from adl_opt.studies.simulation.world import CENTS, check_books

SMALL = "seeds=1, steps=6"


def test_four_commands_and_no_code(exports, tmp_path, monkeypatch):
    """Raw files to recommendation, shadow run and explanation."""
    monkeypatch.chdir(tmp_path)
    candidates = "--policy full-deficit --policy full-deficit/min-max-lots --policy constant(0)"
    account = "EPISODE"
    for line in (
        f"import book {exports} --out episode",
        f"recommend ./episode {candidates} --stress seeds=1,steps=6 --out policy.toml --html page.html",
        "shadow policy.toml --state state --in episode --out decisions.jsonl",
        "explain state:2 ID --format json",
    ):
        words = line.replace("ID", account).split()
        ran = CliRunner().invoke(app, words)
        assert ran.exit_code == 0, ran.output
        if words[0] == "shadow":
            decisions = [json.loads(text) for text in (tmp_path / "decisions.jsonl").read_text().splitlines()]
            account = max(decisions[1]["haircuts"], key=decisions[1]["haircuts"].get)
    assert [d["round"] for d in decisions] == [1, 2, 3, 4]
    assert json.loads(ran.stdout)["reckoned_usd"] == decisions[1]["haircuts"][account]
    document = PolicyDocument.read(tmp_path / "policy.toml")
    assert decisions[0]["policy"] == document.make().name
    page = (tmp_path / "page.html").read_text()
    assert "full-deficit/min-max-lots" in page
    assert document.hash in page
    assert "src=" not in page  # nothing is fetched
    head = page[page.index("<body>") :]
    assert head.index("guarantees:") < head.index('class="card"')
    assert head.count("<rect") == 1  # our point
    assert ">50 %</text>" in head
    assert "accepted" in str(adl.verify(tmp_path / "page.html"))
    assert adl.shadow("policy.toml", verify=tmp_path / "state").accepted


@pytest.fixture(scope="module")
def made(exchange):
    return adl.recommend(
        exchange, policies=["constant(0)", "full-deficit", "full-deficit/kucoin"], stress=SMALL, cover=0.5
    )


def test_an_answer_says_what_it_rests_on(made):
    assert [one.name for one in made.evidence] == ["own", "bursts", "stress"]
    assert made.policy.startswith("full-deficit/")
    frame = made.frame()
    for column in ("own_total_usd", "own_fairness_usd", "own_future_shortfall_usd", "own_hedges_broken"):
        assert frame[column].notna().all()
    told = made.to_json()
    assert told["policy"] == told["candidates"][0]["policy"] == made.policy
    assert {"size", "leverage"} <= set(told["cohorts"])
    assert told["frontier"]
    assert json.dumps(told, allow_nan=False)
    text = " ".join(made.statement())
    for words in (
        "4 rounds",
        "guarantees",
        "assumptions",
        "shadow",
        "margin is cross",
    ):
        assert words in text
    assert f"recommended: {made.policy}" in str(made)


def test_figures_are_those_of_a_replay(made, exchange):
    result = adl.replay(exchange, ["full-deficit", "full-deficit/kucoin"], loss=made.loss)
    frame = made.frame()
    for row in result.policies:
        assert frame.loc[row.policy, "own_total_usd"] == pytest.approx(row.total_usd)
        assert frame.loc[row.policy, "covered_share_own"] == pytest.approx(row.covered_usd_share)
    apart = made.differences()["own"].loc["constant(theta=0)/pro-rata"]
    rounds = made.evidence[0].rounds.pivot(index="round", columns="policy", values="total_usd")
    mine = rounds["constant(theta=0)/pro-rata"] - rounds[made.policy]
    assert apart["difference_usd"] == pytest.approx(mine.sum())


def test_the_ranking_by_hand():
    def evidence(name, **rows):
        columns = ("total_usd", "undershoot_usd", "needed_usd", "max_burden")
        made = [{"policy": p, "round": 1, **dict(zip(columns, row, strict=True))} for p, row in rows.items()]
        return Evidence(name, name, pd.DataFrame(made))

    own = evidence("own", dear=(50, 0, 100, 0.5), cheap=(10, 2, 100, 0.1), short=(1, 60, 100, 0.0))
    other = evidence("bursts", dear=(10, 0, 10, 1.0), cheap=(9, 0, 10, 0.9), short=(0, 10, 10, 0.0))
    table = candidates_in_order(frames_by_name([own, other]), 0.95)
    assert table.index.tolist() == ["cheap", "dear", "short"]
    assert table["score"].tolist() == pytest.approx([(0.1 + 0.9) / 2, (0.5 + 1.0) / 2, 0.005])
    assert table["covered"].tolist() == [0.98, 1.0, 0.0]
    assert table["qualifies"].tolist() == [True, True, False]
    assert candidates_in_order(frames_by_name([own, other]), 0.99).index[0] == "dear"
    gone = Evidence("stress", "", other.rounds[other.rounds["policy"] != "cheap"])
    assert (
        candidates_in_order(frames_by_name([own, gone]), 0.95).index[0] == "dear"
    )  # who was not tried does not qualify


def test_where_none_qualifies_the_least_loss_near_the_best_coverage_is_nearest():
    """``greedy`` covers all and takes 3.4 times what an account has: it is last, and says why."""
    columns = ("total_usd", "undershoot_usd", "needed_usd", "max_burden")
    rows = {
        "greedy": (1, 0, 100, 3.4),
        "dear": (60, 50, 100, 0.5),
        "cheap": (20, 54, 100, 1.0),
        "far": (10, 56, 100, 0.1),
    }
    made = [{"policy": p, "round": 1, **dict(zip(columns, row, strict=True))} for p, row in rows.items()]
    table = candidates_in_order(frames_by_name([Evidence("own", "", pd.DataFrame(made))]), 0.95)
    assert table.index.tolist() == ["cheap", "dear", "far", "greedy"]
    assert not table["qualifies"].any()
    assert table.loc["greedy", "reason"] == "takes 3.4 times what an account has (own)"
    assert table.loc["far", "reason"] == "raises 44.0 % (own)"
    assert verdict_on(table) == "none qualifies; nearest: cheap"
    assert "none is near" in verdict_on(table.tail(1))


def test_nothing_is_recommended_where_none_qualifies(tmp_path):
    """One round: no interval, no verdict between rivals; a warning beside the answer, a note in the file."""
    words = ["recommend", "synthetic(accounts=8, rounds=1)", "--policy", "constant(0)", "--format", "json"]
    ran = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "policy.toml")])
    told = json.loads(ran.stdout)
    assert (told["qualifies"], told["verdict"]) == (
        False,
        "none qualifies; nearest: constant(theta=0)/pro-rata",
    )
    assert "warning: none qualifies" in ran.stderr
    assert (tmp_path / "policy.toml").read_text().startswith("# none qualifies; nearest:")
    assert PolicyDocument.read(tmp_path / "policy.toml").hash == told["document"]["hash"]
    made = adl.recommend("synthetic(accounts=8, rounds=1)", policies=["full-deficit", "full-deficit/min-max"])
    text = " ".join(made.statement())
    assert "1 round cannot tell them apart: 6 are the fewest that could" in text
    assert "The book has 1 round." in text
    assert made.differences()["own"]["bootstrap_low_usd"].isna().all()


def test_a_policy_that_lacks_a_column_is_named_with_the_column():
    episode = adl.load("synthetic(accounts=8, rounds=1)")
    ((round_, outcome),) = episode
    bare = replace(round_, accounts=replace(round_.accounts, margin=None))
    book = adl.Episode(name="bare", source="bare", rounds=[(bare, outcome)])
    made = adl.recommend(book, policies=["full-deficit", "full-deficit/binance"])
    (note,) = [note for note in made.notes if "was not tried" in note]
    assert "give the accounts the columns margin" in note


def test_by_default_severities_come_first_and_then_who_pays():
    steps = []
    made = adl.recommend(
        "synthetic(accounts=8, rounds=3)", progress=lambda done, total: steps.append((done, total))
    )
    severities = {name.rpartition("/")[0] for name in made.table.index if name.endswith("/pro-rata")}
    assert {"full-deficit", "ftrl-exact"} <= severities
    assert any(name.startswith("risk-control") for name in severities)
    best = made.policy.rpartition("/")[0]
    assert {f"{best}/okx", f"{best}/min-max-lots"} <= set(made.table.index)
    assert "nothing can be simulated" in " ".join(made.notes)
    assert steps[-1][0] == steps[-1][1]
    assert {row["information"] for row in made.curve} >= {"start-of-round", "hindsight"}


def test_what_cannot_be_deployed_is_refused(exchange):
    with pytest.raises(adl.UsageError, match="can be deployed") as caught:
        adl.recommend(exchange, policies="binance")
    assert "full-deficit/binance" in str(caught.value)
    for wrong in ({"cover": 2.0}, {"stress": "dorp=0.5"}, {"stress": 5}):
        with pytest.raises(adl.UsageError):
            adl.recommend(exchange, policies="full-deficit", **wrong)


def test_the_simulated_venue_starts_from_the_book(exchange):
    round_ = by_owner(adl.load(exchange).rounds[0][0])
    stress = Stress.parse("drop=0.5, depth=0.002, seeds=1, steps=8")
    settings = stress.settings(round_, "crash")
    start = start_of_book(round_, settings, 0)
    world, mark = start.world, np.full(settings.markets, 10_000)
    assert world.equity(mark) == pytest.approx(round_.accounts.equity * CENTS, abs=1)
    check_books(world, world.ledger(), 0)
    notional = np.bincount(round_.positions.markets[1], round_.positions.notional)
    assert np.abs(world.lots).sum(axis=0) * 100 == pytest.approx(notional, abs=50 * len(round_.positions))
    assert world.margin_bp[0] == 100  # the exchange's own rate
    nobody = run_policy("constant(0)", settings, start=start)
    assert nobody.totals["money_created_usd"] == 0
    assert nobody.totals["needed_usd"] > 0
    assert nobody.totals == run_policy("constant(0)", settings, start=start).totals


def test_bursts_are_rounds_of_the_book_times_a_factor(exchange):
    episode = adl.load(exchange)
    made = flow_bursts(episode, rounds=9, seed=4)
    own = [(r.deficit, o.needed) for r, o in episode]
    for round_, outcome in made:
        found = [
            f
            for f in FACTORS
            for d, b in own
            if math.isclose(round_.deficit, f * d) and outcome.needed == f * b
        ]
        assert found
        assert outcome.gaps.gap.sum() == pytest.approx(outcome.needed)
        cells = set(zip(round_.flow.market.tolist(), round_.flow.side.tolist(), strict=True))
        assert len(cells) == len(round_.flow)
    assert len({round_.deficit for round_, _ in made}) > 3
    pooled = flow_bursts(episode, rounds=1, seed=0).rounds[0][0]
    whole = next(r for r, _ in episode if any(math.isclose(pooled.deficit, f * r.deficit) for f in FACTORS))
    from adl_opt.rounds.flows import reckoned, usd_by_cell

    one, several = (usd_by_cell(r, reckoned(r)) for r in (pooled, whole))
    scale = pooled.deficit / whole.deficit
    assert one == pytest.approx({cell: scale * usd for cell, usd in several.items()}, rel=1e-9)
