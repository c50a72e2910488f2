"""What a report is made of: of the episode's own rounds, and computed once."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.studies.findings import Findings


@pytest.fixture(scope="module")
def findings():
    episode = adl.load("synthetic(accounts=40, rounds=4, seed=3)")
    return Findings.of(episode, ["pro-rata", "min-max-lots", "hyperliquid-side-adjusted"])


def test_haircuts_of_who_paid_add_up_to_the_replay(findings):
    paid = findings.paid.groupby("policy")["haircut_usd"].sum()
    took = {p.policy: p.haircut_usd for p in findings.result.policies}
    assert len(paid) == 3
    for name, amount in paid.items():
        assert amount == pytest.approx(took[name], rel=1e-12)


def test_severities_are_shares_and_those_of_a_replay(findings):
    found = findings.severities
    records = adl.replay(findings.episode, ["ftrl-exact/pro-rata"]).records
    assert found.played["ftrl-exact"] == pytest.approx([r.haircut / r.deficit for r in records])
    for values in (found.need, *found.played.values()):
        assert len(values) == len(found.rounds)
        assert all(0.0 <= v <= 1.0 for v in values)


def test_an_episode_without_positions_shows_what_fits_it():
    accounts = adl.Accounts(id=["a", "b"], pnl=np.array([9.0, 5.0]), equity=np.array([9.0, 5.0]))
    episode = adl.Episode(
        name="bare",
        source="invented",
        rounds=[(adl.Round(deficit=4.0, accounts=accounts, number=1), adl.Outcome(needed=2.0))],
    )
    found = Findings.of(episode)
    assert found.least_burdens == [None]
    assert "ftrl-exact/pro-rata" in found.result.by_policy
    assert "min-max-lots" not in found.result.by_policy


def test_least_burdens_are_proven_and_at_most_those_of_a_policy(findings):
    lots = findings.result.by_policy["min-max-lots"]
    for best, record in zip(findings.least_burdens, lots, strict=True):
        assert best.certify().ok
        assert best.z <= record.max_burden + 1e-12


def test_each_part_is_computed_once(findings):
    assert findings.paid is findings.paid
    assert findings.frontier is findings.frontier
    assert findings.least_burdens is findings.least_burdens
