"""OnlineProgram: a policy of any program, in the replay."""

from __future__ import annotations

import json

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation import ALLOCATIONS, AllocationRule
from adl_opt.allocation.program import ProgramAllocation
from adl_opt.catalogue import load_model, model_names
from adl_opt.datasets.book import invented_book
from adl_opt.errors import PolicyError, UsageError
from adl_opt.policy.online import OnlineProgram
from adl_opt.programs import (
    ExactBudget,
    HaircutCap,
    Lots,
    MaxBurden,
    MinTicket,
    Overshoot,
    RoundProgram,
    Solvency,
)
from adl_opt.severity import make_severity
from adl_opt.studies.october10.lineup import with_hints, without_hints
from adl_opt.testing.policies import Poisoned, make_round

MODEL = RoundProgram(minimize=2 * Overshoot() + MaxBurden(), subject_to=[Solvency()], name="mine")
EXACT = RoundProgram(minimize=MaxBurden(), subject_to=[ExactBudget()], name="exact")


@pytest.fixture(scope="module")
def episode():
    return adl.load("synthetic(accounts=20, rounds=8, markets=4, seed=3)")


def small(**params):
    return make_round(np.array([10.0, 30.0]), np.array([50.0, 50.0]), np.array([4, 5]), **params)


def test_the_program_allocates_what_the_learner_proposes(episode):
    policy = OnlineProgram(EXACT, "ftrl-exact", "market-gap")
    twin = adl.make_policy("hinted(ftrl-exact, market-gap)/pro-rata")
    result = adl.replay(episode, [policy, twin])
    ours, theirs = result.by_policy.values()
    assert policy.information == "start-of-round"
    assert [r.budget for r in ours] == [r.budget for r in theirs]
    assert [r.haircut for r in ours] == pytest.approx([r.budget for r in ours])
    assert [r.max_burden for r in ours] == pytest.approx([r.max_burden for r in theirs])  # Prop. 9


def test_it_takes_any_severity_and_learns_from_the_outcome(episode):
    rounds = list(episode)
    policy = OnlineProgram(EXACT, "last-value")
    state = policy.start()
    for round_, outcome in rounds[:3]:
        action = policy.act(state, round_)
        state = policy.learn(state, round_, outcome, action)
    assert state[0] == pytest.approx(rounds[2][1].needed / rounds[2][0].deficit)
    oracle = OnlineProgram(EXACT, make_severity("oracle"), name="told")
    assert oracle.information == "ex-post"
    assert adl.replay(episode, [oracle]).policies[0].tracking_usd == pytest.approx(0.0, abs=0.01)


def test_cut_and_resumed_is_the_same(episode):
    policy = OnlineProgram(MODEL, "coin-betting", "linear-impact")
    whole = [r.haircut for r in adl.replay(episode, [policy]).records]
    rounds = list(episode)
    first = adl.replay(adl.Episode("a", "", rounds[:4]), [policy])
    states = json.loads(json.dumps(first.states))
    second = adl.replay(adl.Episode("b", "", rounds[4:]), [policy], states=states)
    assert [r.haircut for r in [*first.records, *second.records]] == whole


def test_a_lack_of_capacity_takes_all_and_names_the_rest():
    round_ = small()
    taken = ProgramAllocation(EXACT).allocate(None, round_, 55.0)
    assert taken.x.tolist() == pytest.approx([10.0, 30.0])
    assert taken.shortfall == pytest.approx(15.0)
    capped = RoundProgram(minimize=MaxBurden(), subject_to=[ExactBudget(), HaircutCap(0.5)], name="capped")
    taken = ProgramAllocation(capped).allocate(None, round_, 30.0)
    assert taken.x.tolist() == pytest.approx([5.0, 15.0])
    assert taken.shortfall == pytest.approx(10.0)


def test_lots_stay_whole_when_capacity_lacks():
    model = RoundProgram(minimize=MaxBurden(), subject_to=[Solvency(), Lots()], name="lots")
    round_ = small()
    for budget in (12.0, 99.0):
        taken = ProgramAllocation(model).allocate(None, round_, budget)
        assert taken.lots is not None
        adl_check(round_, taken)
    assert taken.executed == pytest.approx(40.0)
    assert taken.shortfall == pytest.approx(59.0)


def adl_check(round_, taken):
    from adl_opt.evaluate.check import check_allocation

    check_allocation("lots", round_, taken)


def test_a_model_by_name_and_terms_that_cannot_hold(episode):
    policy = OnlineProgram("min-max-lp", "coin-betting")
    assert policy.name == "coin-betting/model:min-max-lp"
    assert adl.replay(episode, [policy]).policies[0].tracking_usd > 0
    whole = [n for n in model_names() if load_model(n).kind not in ("round", "procedure")]
    tight = RoundProgram(minimize=MaxBurden(), subject_to=[ExactBudget(), MinTicket(8.0)], name="tickets")
    makers = [lambda: OnlineProgram(whole[0]), lambda: OnlineProgram("min-max-lq")]
    makers += [lambda: OnlineProgram(tight).allocation.allocate(None, small(), 3.0)]
    for make in makers:
        with pytest.raises(adl.AdlOptError) as refused:
            make()
        assert refused.value.what
        assert refused.value.got
        assert refused.value.ways_out


def test_a_hint_needs_a_learner():
    with pytest.raises(UsageError, match="learns") as refused:
        OnlineProgram(MODEL, "full-deficit", "market-gap")
    assert refused.value.ways_out


def learns(kind):
    return isinstance(kind, type) and kind.learn is not AllocationRule.learn


class Locked(Poisoned):
    """An outcome that is poison until the policy has acted on its round."""

    def __getattribute__(self, name):
        if name.startswith("__") or "opened" not in object.__getattribute__(self, "__dict__"):
            return super().__getattribute__(name)
        return getattr(object.__getattribute__(self, "__dict__")["opened"], name)


LINEUP = [s.label() for s in (*without_hints(), *with_hints())]


@pytest.mark.parametrize("severity", [*LINEUP, "hedge(ftrl-exact | ader)"])
def test_no_outcome_is_seen_before_its_round_is_over(severity, episode):
    """All outcomes are locked; each opens only when its round has been acted on."""
    policy = OnlineProgram(EXACT, severity)
    state, blind = policy.start(), severity.startswith(("constant", "full-deficit", "hint-only(fixed"))
    for round_, outcome in episode:
        locked = Locked()
        action = policy.act(state, round_)
        if blind:  # nothing to learn
            continue
        with pytest.raises(PolicyError, match="looked at the outcome"):
            policy.learn(state, round_, locked, action)
        object.__getattribute__(locked, "__dict__")["opened"] = outcome
        state = policy.learn(state, round_, locked, action)


@pytest.mark.parametrize("rule", [name for name, kind in ALLOCATIONS.items() if learns(kind)])
def test_no_learner_of_allocation_looks_at_an_outcome_at_all(rule, episode):
    policy = adl.make_policy(f"last-value/{rule}")
    state = policy.start()
    played = episode if "wealth" in policy.allocation.spaces else invented_book(accounts=30, markets=3)
    for round_, outcome in played:
        action = policy.act(state, round_)
        assert policy.allocation.learn(state[1], round_, Locked(), action) is not None
        state = policy.learn(state, round_, outcome, action)
