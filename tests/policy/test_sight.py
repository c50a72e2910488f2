"""What a policy sees of a flow that was known late, and the word that it then carries in every table."""

from __future__ import annotations

from dataclasses import replace

import pytest

import adl_opt as adl
from adl_opt.datasets.store.folder import load_episode, save_episode
from adl_opt.policy.guest_main import _Server
from adl_opt.policy.sight import information_on, shown_to
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.digest import episode_sha256
from adl_opt.service.wire import read_line, round_line

LATE, START = adl.Information.WHOLE_ROUND_FLOW, adl.Information.START_OF_ROUND


class Sees(adl.Severity):
    """Asks for 1 % of the flow that it is given, and 1 USD where it is given none."""

    name = "sees"

    def choose(self, state, round_):
        return 1.0 if round_.flow is None else 0.01 * float(round_.flow.notional.sum())


class Says(Sees):
    """The same, and says that it reads the flow."""

    name = "says"
    without_flow = "1 USD"


@pytest.fixture(scope="module")
def tail():
    """Rounds 25 and 28 of October 10, whose flow was known late."""
    return adl.load("oct10")[-2:]


def half_late(tail):
    """Return the two rounds, the flow of the second alone known late."""
    (round_, outcome), last = tail
    return adl.Episode("mixed", "", [(replace(round_, flow_known=START), outcome), last], space=WEALTH)


def of(severity):
    return adl.Policy(severity=severity, allocation=adl.make_allocation("pro-rata"))


def test_only_a_policy_that_says_so_is_given_a_late_flow(tail):
    rows = {r.policy: r for r in adl.replay(tail, [of(Sees()), of(Says())]).records if r.round == 28}
    assert (rows["sees/pro-rata"].budget, rows["sees/pro-rata"].information) == (1.0, START)
    assert rows["says/pro-rata"].budget == pytest.approx(0.01 * tail[1][0].flow.notional.sum())
    assert rows["says/pro-rata"].information is LATE
    early = adl.Episode("early", "", [(replace(r, flow_known=START), o) for r, o in tail], space=WEALTH)
    both = adl.replay(early, [of(Sees()), of(Says())]).records
    assert {r.information for r in both} == {START}
    assert both[0].budget == both[2].budget > 1.0


def test_in_contracts_every_policy_closes_the_flow(tail):
    round_ = tail.in_space("contracts")[0][0]
    policy = of(Sees())
    assert shown_to(policy, round_) is round_
    assert information_on(policy, round_) is LATE
    assert information_on(adl.make_policy("pro-rata"), round_) is adl.Information.EX_POST


def test_an_episode_is_of_its_weakest_round(tail):
    result = adl.replay(half_late(tail), ["hint-only(fixed-gap)", "ftrl-exact"])
    assert [r.information for r in result.records] == [START, LATE, START, START]
    assert [p.information for p in result.policies] == [LATE, START]


def test_a_guest_says_whether_it_reads_the_flow():
    for name, reads in (("ftrl-exact", False), ("hinted", True), ("ftrl-exact/vector-mirror-descent", True)):
        assert _Server(adl.make_policy(name)).facts()["reads_flow"] is reads


def test_it_is_kept_by_files_frames_and_lines(tail, tmp_path):
    mixed = half_late(tail)
    stored = load_episode(save_episode(mixed, tmp_path / "mixed"))
    framed = adl.Episode.from_frames(*mixed.to_frames(), name="mixed", source="", space=mixed.space)
    for made in (stored, framed):
        assert [r.flow_known for r, _ in made] == [START, LATE]
    assert episode_sha256(stored) == episode_sha256(mixed) != episode_sha256(tail)
    assert [read_line(round_line(r)).flow_known for r, _ in mixed] == [START, LATE]
    with pytest.raises(adl.UsageError, match="flow_known"):
        replace(tail[0][0], flow_known="ex-post")
