"""The lineup: one list in three blocks, and what a figure shows of many policies."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

import adl_opt as adl
from adl_opt.policy.lineup import BLOCKS, HINTED, UNHINTED, in_blocks, lineup, shown
from adl_opt.reports.html.facts import headline_cards
from adl_opt.reports.series.gallery import gallery
from adl_opt.severity.learners.exact import FtrlExact
from adl_opt.studies.findings import Findings
from adl_opt.studies.october10.lineup import with_hints, without_hints


@dataclass(frozen=True)
class Mine(FtrlExact):
    """Somebody's own learner."""

    name: ClassVar[str] = "mine"


@dataclass(frozen=True)
class EvenShare(adl.AllocationRule):
    """Somebody's own rule: pro-rata under another name."""

    name: ClassVar[str] = "even-share"

    def allocate(self, state, round_, asked):
        return adl.make_allocation("pro-rata").allocate(state, round_, asked)


def own():
    return adl.Policy(severity=Mine(), allocation=EvenShare())


def test_the_lineup_is_in_blocks_of_one_information_each():
    policies = [adl.make_policy(name) for name in lineup()]
    blocks = in_blocks(policies)
    assert [p for block in blocks for p in block] == policies
    of_a_policy = [known for known in BLOCKS if known is not adl.Information.WHOLE_ROUND_FLOW]
    assert [{p.information for p in block} for block in blocks] == [{known} for known in of_a_policy]
    assert len({p.name for p in policies}) == len(policies)


def test_the_study_begins_with_the_lineup():
    for severities, names in ((without_hints(), UNHINTED), (with_hints(), HINTED)):
        labels = [s.label() for s in severities]
        assert labels[: len(names)] == [adl.make_severity(name).label() for name in names]
        assert len(set(labels)) == len(labels)


def test_hints_are_left_out_where_nothing_has_a_flow(oct10):
    accounts = adl.Accounts(id=["a", "b"], pnl=[10.0, 5.0], equity=[20.0, 9.0])
    bare = adl.Episode("bare", "", [(adl.Round(deficit=4.0, accounts=accounts), adl.Outcome(needed=3.0))])
    result = adl.replay(bare)
    for name in HINTED:
        made = adl.make_policy(name).name
        assert made not in result.by_policy
        assert f"left out: {made} (no round has a flow)" in result.notes
    assert "follow-the-leader/pro-rata" in result.by_policy
    assert not any("hint" in s for s in Findings.of(bare, "pro-rata").severities.played)


def test_ones_own_policies_are_shown_before_the_lineup():
    names = [adl.make_policy(name).name for name in lineup("equity")]
    assert shown(names[:5]) == names[:5]
    assert "binance" not in shown(names)
    assert "min-max-lots(base=equity)" in shown(names)
    mine = [f"mine-{k}" for k in range(3)]
    assert set(mine) < set(shown([*names, *mine]))
    assert len(shown([*names, *mine])) == len(shown(names))
    many = [f"mine-{k}" for k in range(30)]
    assert shown([*names, *many]) == many


@pytest.fixture(scope="module")
def findings():
    return Findings.of(adl.load("oct10")[:4], [*lineup("equity"), own()])


def labels(figure):
    return [curve.label for chart in figure.charts for curve in chart.curves]


@pytest.mark.parametrize(
    "name", ["cumulative", "budgets", "envelope", "burdens", "severity-paths", "regret-growth"]
)
def test_ones_own_policy_is_in_every_figure(findings, name):
    assert any("mine" in label for label in labels(gallery(findings)[name]()))


def test_ones_own_learner_stands_beside_its_bound(findings):
    assert "mine: bound" in labels(gallery(findings)["regret-growth"]())


def test_ones_own_policy_is_in_the_study_with_its_bound():
    made = adl.study(policies=[own(), "ftrl-exact", "hint-only(fixed-gap)", "okx"], episodes=2)
    where = {row.policy: (b.information, b.hint) for b in made.blocks[1:] for row in b.rows}
    assert list(where) == [own().name, "ftrl-exact/pro-rata", "hint-only(fixed-gap)/pro-rata", "okx"]
    assert [known for known, _ in where.values()] == [
        "start-of-round",
        "start-of-round",
        "whole-round-flow",
        "ex-post",
    ]
    rows = made.frame().loc[[own().name, "ftrl-exact/pro-rata"]]
    assert rows["bound_usd"].nunique() == 1
    assert (rows["static_regret_usd"] <= rows["bound_usd"]).all()
    assert [row["policy"] for row in made.synthetic["policies"]] == [
        "mine",
        "ftrl-exact",
        "hint-only(fixed-gap)",
    ]
    assert made.sensitivity().index.unique().tolist()[0] == "mine"


def test_the_tile_is_the_least_row_of_the_table_and_the_study_has_the_same_row(catalogue_result):
    early = in_blocks(catalogue_result.policies)[0]
    best = min(early, key=lambda p: p.total_usd)
    tile = next(c for c in headline_cards(catalogue_result) if c["information"].startswith("start-of-round"))
    assert tile["information"] == f"start-of-round: {best.policy}"
    study = adl.study(episodes=2).frame()
    early = study[study["information"] == "start-of-round"]["total_usd"]
    assert early[best.policy] == pytest.approx(best.total_usd, rel=1e-9)
    assert early.min() <= best.total_usd  # it has more learners and hints


def test_a_record_alone_has_no_figure_of_who_paid(oct10):
    found = Findings.of(oct10[:2], "production")
    assert "burdens" not in gallery(found)
    assert found.severities.played  # those of the lineup


def test_a_named_hint_without_flow_says_what_it_plays():
    with_flow = adl.replay("oct10", ["hint-only(fixed-gap)"])
    assert not [note for note in with_flow.notes if "hint" in note]
    bare = adl.Round(deficit=4.0, accounts=adl.Accounts(id=["a"], pnl=[9.0], equity=[9.0]))
    episode = adl.Episode("bare", "", [(bare, adl.Outcome(needed=1.0))])
    notes = adl.replay(episode, ["hint-only(fixed-gap)", "pro-rata"]).notes
    assert [note for note in notes if "hint" in note] == [
        "hint-only(fixed-gap)/pro-rata: no round has a flow for the hint, so it plays D / 2"
    ]
