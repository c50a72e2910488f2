"""The study: fields, figures, and what it says of them."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from dataclasses import fields

import numpy as np
import pytest
from rich.console import Console

import adl_opt as adl
from adl_opt.answer import SCHEMA
from adl_opt.cli.app import main
from adl_opt.errors import UsageError
from adl_opt.reports.terminal.study import study_tables
from adl_opt.severity import LEARNERS, Hinted, HintOnly, Learner, make_severity
from adl_opt.severity.defaults import frozen_defaults
from adl_opt.studies.october10.lineup import budgets_of, variants, with_hints, without_hints
from adl_opt.studies.october10.many import interval, many
from adl_opt.studies.october10.online import NO_HINT
from adl_opt.studies.october10.online import study as run_study
from tests.readme import shown

FIELDS = [
    "policy",
    "space",
    "tracking_usd",
    "fairness_usd",
    "total_usd",
    "envelope_share",
    "dynamic_regret_usd",
    "static_regret_usd",
    "overshoot_usd",
    "undershoot_usd",
    "covered_rounds",
    "covered_usd_share",
    "worst_shortfall_usd",
    "coverage_proven_95",
    "balance_usd",
    "lowest_balance_usd",
    "bound_usd",
    "informative",
    "guarantee_usd",
]


@pytest.fixture(scope="module")
def study():
    return run_study(episodes=3)


def test_json_has_the_agreed_fields(study):
    data = json.loads(json.dumps(study.to_json(), allow_nan=False))
    assert list(data) == ["schema", "blocks", "synthetic", "notes", "bursts", "defaults"]
    assert [b["information"] for b in data["blocks"]] == [
        *("ex-post", "start-of-round", "whole-round-flow", "within-round"),
    ]
    assert data["defaults"] == frozen_defaults()
    assert [b["hint"] for b in data["blocks"]][:2] == [NO_HINT, NO_HINT]
    assert data["blocks"][2]["hint"] == "published markets"
    for block in data["blocks"]:
        assert list(block) == ["information", "hint", "policies"]
        assert all(list(p) == FIELDS for p in block["policies"])
    assert data["synthetic"]["episodes"] == 3


def test_the_blocks_say_what_is_known(study):
    ex_post, plain, hinted, within = study.blocks
    assert [row.policy.partition("(")[0] for row in within.rows] == ["catch-up", "fund-float"]
    assert all(abs(row.balance_usd) < 1e5 for row in within.rows)
    figures = {row.policy: row for row in ex_post.rows}
    assert figures["production"].tracking_usd == pytest.approx(53_782_490.53, abs=0.01)
    assert figures["integer-pro-rata"].total_usd == pytest.approx(3_404_185.00, abs=0.01)
    nothing = plain.rows[0]
    assert nothing.tracking_usd == pytest.approx(15_079_669.61, abs=0.01)
    assert {f"{n}/pro-rata" for n in LEARNERS} <= {row.policy for row in plain.rows}
    known = {row.policy: row.tracking_usd for row in hinted.rows}  # the README's figures
    assert known["hint-only(fixed-gap)/pro-rata"] == pytest.approx(4_483_610, abs=1)
    assert known["hinted(ftrl-exact, fixed-gap)/pro-rata"] == pytest.approx(5_772_027, abs=1)
    assert known["hinted(coin-betting, fixed-gap)/pro-rata"] == pytest.approx(4_382_693, abs=1)
    assert known["hinted(optimistic-ftrl, market-gap)/pro-rata"] == pytest.approx(8_658_732, abs=1)


def test_rounds_and_bursts_stand_side_by_side(study):
    found = {row["policy"]: row for row in study.to_json()["bursts"]}
    production = found.pop("production")
    assert production["tracking_usd"] == pytest.approx(53_782_490.53, abs=0.01)
    assert production["bursts_tracking_usd"] is None
    assert list(found) == [row.policy for block in study.blocks[1:3] for row in block.rows]
    assert {row["bursts_information"] for row in found.values()} == {"start-of-round"}
    nothing = found["constant(theta=0)/pro-rata"]
    assert nothing["bursts_tracking_usd"] == pytest.approx(nothing["tracking_usd"], abs=0.01)
    hint = found["hint-only(fixed-gap)/pro-rata"]
    assert hint["information"] == "whole-round-flow"
    assert hint["bursts_tracking_usd"] == pytest.approx(6_407_991, abs=1)
    columns = re.findall(r"^\| `([^`]+)` \|.*\| start-of-round \| (.*) \|$", shown("bursts"), re.MULTILINE)
    assert len(columns) > 5  # a replay of the bursts wrote this table (tests/test_readme.py)
    for policy, figures in columns:
        row = found[policy]
        over, under = (f"{row[f'bursts_{name}_usd'] / 1e6:,.2f}" for name in ("overshoot", "undershoot"))
        assert figures == f"{over} | {under} | {row['bursts_covered_rounds']} of 60"


def test_another_episode_has_no_notes_on_october_10():
    made = run_study("synthetic(accounts=3, rounds=3)", episodes=2)
    assert not made.bursts
    (frozen,) = made.to_json()["notes"]
    assert "a test of them" in frozen
    assert {block.information for block in made.blocks} == {"start-of-round", "within-round"}
    assert made.to_json()["schema"] == SCHEMA


def test_every_bound_holds_and_is_there(study):
    rows = [row for block in study.blocks for row in block.rows]
    assert all(row.bound_holds for row in rows if not math.isnan(row.bound_usd))
    without = {row.policy.split("/")[0] for block in study.blocks[1:3] for row in block.rows
               if math.isnan(row.bound_usd)}  # fmt: skip
    assert all(n.startswith(("constant", "full-deficit", "hint-only")) for n in without)
    for row in rows:
        assert row.total_usd == pytest.approx(row.tracking_usd + row.fairness_usd)


def test_the_study_in_contracts():
    """Closing the whole flow pays B; budgets are those of the replay; bounds are of the pool."""
    episode = adl.load("synthetic(accounts=40, rounds=4, markets=2, space=contracts)")
    names = ["constant(0)", "full-deficit", "ftrl-exact", "hint-only(fixed-gap)"]
    made = run_study(episode, policies=names, episodes=2)
    rows = {row.policy.split("/")[0]: row for block in made.blocks for row in block.rows}
    assert {row.space for row in rows.values()} == {"contracts"}
    assert all(math.isnan(row.bound_usd) for row in rows.values())
    rounds = list(episode)
    needed = [o.needed for _, o in rounds]
    for block in made.blocks:
        for severity in block.severities:
            off = math.fsum(np.abs(np.subtract(budgets_of(severity, rounds), needed)))
            assert off == pytest.approx(rows[severity.label()].tracking_usd, abs=1e-3 * sum(needed))
    drawn = {row["policy"]: row["share_of_needed"] for row in made.synthetic["policies"]}
    assert drawn["full-deficit"] == pytest.approx(0.0, abs=1e-4)
    assert "space=contracts" in made.synthetic["generator"]
    assert "in contracts" in made.to_json()["notes"][-1]
    pool = run_study(episode, policies=names[:1], episodes=2, space="wealth")
    assert pool.blocks[0].rows[0].space == "wealth"


def test_cumulative_objective_ends_at_the_total(study):
    frame = study.cumulative()
    assert frame.shape[0] == 16
    totals = [row.total_usd for block in study.blocks for row in block.rows]
    assert frame.iloc[-1].tolist() == pytest.approx(totals)
    assert (np.diff(frame.to_numpy(), axis=0) >= 0).all()


def test_decomposition_and_frontier(study):
    parts = study.decomposition()
    above = parts["control_usd"] + parts["estimation_usd"] - parts["tracking_usd"]
    assert (above >= -1e-6).all()
    alone = parts[parts.index.str.startswith("hint-only(fixed-gap)")]
    assert (alone["failure_usd"] >= alone["hint_failure_usd"] - 1e-6).all()  # capped at D
    frontier = study.against_frontier()
    columns = [c for c in frontier.columns if c.startswith("P=")]
    assert (frontier[columns].diff(axis=1).iloc[:, 1:] >= -1e-6).all().all()  # longer paths lose less


def numbers(part):
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    return {k for k, v in values.items() if isinstance(v, (int, float)) and k not in ("under", "over")}


def named(severity):
    if isinstance(severity, Learner):
        return numbers(severity)
    found = numbers(severity.hint) if isinstance(severity, (HintOnly, Hinted)) else set()
    if isinstance(severity, Hinted):
        found |= {f"learner {name}" for name in numbers(severity.learner)}
        found |= set() if severity.learner.uses_hint else {"reach"}
    return found


def test_sensitivity_covers_every_default(study):
    frame = study.sensitivity()
    assert set(frame["factor"]) == {0.5, 2.0}
    for block in study.blocks[1:]:  # every number of every learner and hint, but the prices of the loss
        rows = frame[frame["hint"] == block.hint]
        for severity in block.severities:
            own = set(rows[rows.index == severity.label()]["parameter"])
            assert own == named(severity), severity.label()
    assert frame.groupby(["hint", "policy", "parameter"]).size().eq(2).all()
    assert len(frame) == sum(len(list(variants(b.severities))) for b in study.blocks)
    assert (frame["tracking_usd"] > 0).all()


def test_tables(study):
    console = Console(width=220, record=True, file=io.StringIO())
    for table in study_tables(study):
        console.print(table)
    out = console.export_text()
    for words in (
        "severity: ex-post",
        "start-of-round",
        "eq. 22",
        "sensitivity",
        "noisy deficits",
        "lowest balance",
    ):
        assert words in out
    frame = study.frame()
    assert list(frame.columns[:2]) == ["information", "hint"]
    assert len(frame) == sum(len(b.rows) for b in study.blocks)


def test_synthetic_episodes():
    made = many([*without_hints()[:1], make_severity("ftrl-exact"), with_hints()[0]], 6, first_seed=4)
    rows = {row["policy"]: row for row in made["policies"]}
    assert rows["constant(theta=0)"]["share_of_needed"] == pytest.approx(1.0)
    assert rows["ftrl-exact"]["against_baseline_usd"] == 0.0
    for row in [*made["policies"], *made["noisy_deficit"]["policies"]]:
        assert row["low_usd"] <= row["tracking_usd"] <= row["high_usd"]
    again = many([make_severity("ftrl-exact")], 6, first_seed=4)
    assert again["policies"][0]["tracking_usd"] == rows["ftrl-exact"]["tracking_usd"]
    mean, low, high = interval(np.array([0.0, 2.0]))
    assert (mean, high - mean) == (1.0, pytest.approx(1.959963984540054))
    assert mean - low == pytest.approx(high - mean)


def test_too_few_episodes_are_refused_in_three_parts():
    with pytest.raises(UsageError) as refused:
        many([], 1)
    assert refused.value.what
    assert refused.value.got
    assert refused.value.ways_out


def run(monkeypatch, capsys, *args):
    monkeypatch.setattr(sys, "argv", ["adl-opt", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    out = capsys.readouterr()
    assert "Traceback" not in out.err
    return stop.value.code or 0, out.out, out.err


def test_the_command(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "study", "oct10", "--episodes", "2", "--format", "json")
    assert code == 0
    assert len(json.loads(out)["blocks"]) == 4
    code, _, err = run(monkeypatch, capsys, "study", "oct10", "--episodes", "1")
    assert code == 2
    assert "episodes" in err


def test_notes_say_what_the_rows_say(study):
    notes = study.to_json()["notes"]
    assert "frozen on" in notes[0]
    assert "fixed-gap was added after a first look" in notes[1]
    assert "weak evidence" in notes[1]
    assert "coin-betting under hints" in notes[2]
    told = iter(notes[3:])
    for block in study.blocks[1:3]:
        target, moonshot = next(told), next(told)
        for row in block.rows:
            assert (f"{row.policy} (${row.total_usd / 1e6:.2f}M)" in target) == (row.total_usd <= 6e6)
        best = min(row.total_usd for row in block.rows)
        assert ("not reached" in moonshot) == (best > 3.4e6)
        assert f"${best / 1e6:.2f}M" in moonshot
    buffer = io.StringIO()
    for table in study_tables(study):
        Console(file=buffer, width=250).print(table)
    assert "weak evidence" in buffer.getvalue()


def test_a_budget_that_capacity_cut_has_no_bound():
    """Theorems are about theta D; where winners have less than that, none is shown."""
    rich, poor = (adl.Accounts(id=["a", "b"], pnl=[u, u], equity=[2 * u, 2 * u]) for u in (50.0, 0.5))
    for accounts, cut in ((rich, False), (poor, True)):
        rounds = [
            (adl.Round(deficit=10.0, accounts=accounts, number=k), adl.Outcome(needed=6.0)) for k in (1, 2, 3)
        ]
        made = run_study(adl.Episode("e", "invented", rounds), episodes=2)
        rows = {row.policy: row for block in made.blocks for row in block.rows}
        row = rows["ftrl-exact/pro-rata"]
        assert math.isnan(row.bound_usd) == cut
        assert (row.informative is None) == cut
        assert "not about the executed budget" in str(made)


@pytest.mark.parametrize("rule", ["min-max-lots", "capped-pro-rata(cap=0.01)"])
def test_where_lots_or_caps_change_what_is_asked_no_bound_is_shown_and_the_whole_policy_has_one(rule):
    held = adl.Accounts(id=["a", "b"], pnl=[50.0, 50.0], equity=[80.0, 90.0])
    lots = adl.Positions(account=[0, 1], market=["M", "M"], lot_value=[7.0, 11.0], lots=[7, 4])
    rounds = [
        (adl.Round(deficit=10.0, accounts=held, positions=lots, number=k), adl.Outcome(needed=6.0))
        for k in (1, 2, 3)
    ]
    policy = adl.make_policy(f"ftrl-exact/{rule}")
    (row,) = run_study(adl.Episode("e", "invented", rounds), policies=[policy], episodes=2).blocks[0].rows
    assert math.isnan(row.bound_usd)
    assert math.isnan(row.guarantee_usd) == ("capped" in rule)  # lots take more, so less stays uncovered
    bound = policy.bound(rounds)
    assert bound.constants["apart_usd"] > 0.0
    assert policy.regret(rounds) <= bound.value


def test_on_a_weighted_loss_weighted_regrets_stand_beside_weighted_bounds():
    made = run_study(episodes=2, loss="under=5")
    learnt = {s.label(): s for block in made.blocks for s in block.severities if isinstance(s, Learner)}
    seen = 0
    for block in made.blocks:
        for row in block.rows:
            if row.bound_usd == row.bound_usd:
                assert row.bound_holds
                assert row.bound_usd <= block.result.trivial_usd
                seen += 1
    assert seen > 15
    split = made.decomposition()
    assert (split.tracking_usd <= split.control_usd + split.estimation_usd + 1e-3).all()
    rows = {row.policy: row.tracking_usd for block in made.blocks for row in block.rows}
    assert split.tracking_usd.tolist() == [rows[name] for name in split.index]
    assert {(s.under, s.over) for s in learnt.values()} == {(5.0, 1.0)}


def test_a_study_of_learners_without_hints_can_be_printed():
    made = run_study("synthetic(accounts=2, rounds=3)", policies=["ftrl-exact"], episodes=2)
    assert made.decomposition().empty
    assert "ftrl-exact" in str(made)
