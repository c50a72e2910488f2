"""The contract of learners: pure, resumable, without scale, silent where there is no deficit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt
from adl_opt.errors import InputError, UsageError
from adl_opt.losses import target_severity
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.rounds.tables import Accounts
from adl_opt.severity import LEARNERS, Hedge, Severity, make_severity, play
from adl_opt.severity.learners.betting import power_above
from tests.datasets.conftest import refused
from tests.severity.streams import OCT10_DEFICIT, OCT10_TARGET, families

NAMES = [
    "ogd",
    "adagrad",
    "ftrl-quadratic",
    "ftrl-entropy",
    "ftrl-barrier",
    "ftrl-exact",
    "ftrl-discounted",
    "ftrl-windowed",
    "optimistic-ftrl",
    "coin-betting",
    "hedge-grid",
    "ader",
    "strongly-adaptive",
    "follow-the-leader",
    "last-value",
]
HEDGE = Hedge(learners=(make_severity("ftrl-exact"), make_severity("coin-betting", prior=0.2)))
ALL = [*map(make_severity, NAMES), HEDGE]
ids = [learner.name for learner in ALL]
STREAMS = families(90)


def test_names():
    assert list(LEARNERS) == NAMES
    for name in NAMES:
        learner = adl_opt.make_severity(name)
        assert isinstance(learner, Severity)
        assert learner.name == name == learner.label()
        assert learner.information is Information.START_OF_ROUND
        for word in ("Rule", "Theorem", "Source", "Information"):
            assert f"{word}" in type(learner).__doc__, (name, word)
        assert learner.theorem
    assert adl_opt.play is play


def test_label_can_be_read_back():
    learner = make_severity("ftrl-discounted(discount=0.9, under=2)")
    assert learner.label() == "ftrl-discounted(under=2, discount=0.9)"
    assert make_severity(learner.label()) == learner


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_cut_and_resumed_through_json_is_the_same_to_the_bit(learner):
    for deficit, target in STREAMS.values():
        hint = target[::-1].copy()
        whole, last = learner.run(learner.start(), deficit, target, hint)
        state, parts = learner.start(), []
        for cut in np.array_split(np.arange(deficit.size), 3):
            part, state = learner.run(state, deficit[cut], target[cut], hint[cut])
            parts.append(part)
            state = json.loads(json.dumps(state, allow_nan=False))
        assert np.concatenate(parts).tobytes() == whole.tobytes()
        assert json.dumps(last) == json.dumps(state)


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_round_by_round_is_the_same_as_at_once_and_changes_no_state(learner):
    for deficit, target in STREAMS.values():
        whole, last = learner.run(learner.start(), deficit, target)
        state = learner.start()
        for d, goal, expected in zip(deficit.tolist(), target.tolist(), whole.tolist(), strict=True):
            before = json.dumps(state)
            theta = learner.predict(state, d)
            after = learner.update(state, d, goal, theta)
            assert theta == expected
            assert 0.0 <= theta <= 1.0
            assert json.dumps(state) == before
            if d == 0.0:
                assert json.dumps(after) == before
            state = after
        assert json.dumps(state) == json.dumps(last)


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_run_does_not_change_the_state_it_is_given(learner):
    deficit, target = STREAMS["heavy-tailed deficits"]
    _, state = learner.run(learner.start(), deficit, target)
    before = json.dumps(state)
    learner.run(state, deficit, target)
    assert json.dumps(state) == before


@pytest.mark.parametrize("learner", ALL, ids=ids)
@pytest.mark.parametrize("power", [-40, 3, 60])
def test_the_scale_of_money_does_not_matter(learner, power):
    for name in ("random walk", "heavy-tailed deficits", "many zero deficits", "growing deficits", "ties"):
        deficit, target = STREAMS[name]
        scaled = np.ldexp(deficit, power)
        expected = learner.run(learner.start(), deficit, target)[0]
        assert learner.run(learner.start(), scaled, target)[0].tobytes() == expected.tobytes()


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_rounds_without_a_deficit_teach_nothing(learner):
    deficit, target = STREAMS["random walk"]
    at = np.repeat(np.arange(deficit.size), 2)
    doubled, goals = deficit[at], target[at]
    doubled[::2], goals[::2] = 0.0, 1.0
    assert np.array_equal(
        learner.run(learner.start(), doubled, goals)[0][1::2],
        learner.run(learner.start(), deficit, target)[0],
    )


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_the_future_is_not_seen(learner):
    deficit, target = STREAMS["random walk"]
    poisoned = target.copy()
    poisoned[40:] = 1.0 - target[40:]
    plain = learner.run(learner.start(), deficit, target)[0]
    assert np.array_equal(plain[:41], learner.run(learner.start(), deficit, poisoned)[0][:41])


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_a_constant_target_is_found(learner):
    deficit, target = np.ones(400), np.full(400, 0.75)
    theta = learner.run(learner.start(), deficit, target)[0]
    assert abs(theta[-50:].mean() - 0.75) < 0.12


@pytest.mark.parametrize("learner", ALL, ids=ids)
def test_as_a_severity(learner):
    accounts = Accounts(id=["a"], pnl=[100.0], equity=[100.0])
    state = learner.start()
    needed = OCT10_TARGET * OCT10_DEFICIT
    theta = play(learner, OCT10_DEFICIT, target_severity(needed, OCT10_DEFICIT))
    for d, b, expected in zip(OCT10_DEFICIT.tolist(), needed.tolist(), theta.tolist(), strict=True):
        round_ = Round(deficit=d, accounts=accounts)
        budget = learner.choose(state, round_)
        assert budget == expected * d
        state = learner.learn(state, round_, Outcome(needed=b), budget)
    quiet = Round(deficit=0.0, accounts=accounts)
    assert learner.choose(state, quiet) == 0.0
    assert learner.learn(state, quiet, Outcome(needed=1.0), 0.0) is state


def test_a_budget_that_was_changed_counts_as_played():
    learner = make_severity("adagrad")
    round_ = Round(deficit=10.0, accounts=Accounts(id=["a"], pnl=[100.0], equity=[100.0]))
    state = learner.learn(learner.start(), round_, Outcome(needed=8.0), 9.0)
    assert state == learner.update(learner.start(), 10.0, 0.8, 0.9)
    capped = learner.learn(learner.start(), round_, Outcome(needed=8.0), 90.0)
    assert capped == learner.update(learner.start(), 10.0, 0.8, 1.0)


def test_replay_on_october_10():
    pytest.importorskip("adl_opt.kernels.lots")  # on its own branch
    policies = [adl_opt.make_policy(f"{name}/pro-rata") for name in NAMES]
    result = adl_opt.replay(adl_opt.load("oct10"), policies)
    assert {p.information for p in result.policies} == {Information.START_OF_ROUND}
    assert [p.policy for p in result.policies] == [f"{name}/pro-rata" for name in NAMES]
    assert all(math.isfinite(p.tracking_usd) for p in result.policies)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        *[(n, {"prior": 1.5}, ("prior", "1.5")) for n in NAMES],
        *[(n, {"under": 0.0}, ("under", "0.0")) for n in NAMES],
        *[(n, {"over": math.nan}, ("over", "nan")) for n in NAMES],
        ("ogd", {"eta": 0.0}, ("eta",)),
        ("ogd", {"eta": "fast"}, ("eta", "fast")),
        ("ftrl-entropy", {"prior": 0.0}, ("prior",)),
        ("ftrl-barrier", {"prior": 1.0}, ("prior",)),
        ("ftrl-barrier", {"clip": 0.5}, ("clip",)),
        ("ftrl-discounted", {"discount": 1.01}, ("discount",)),
        ("ftrl-windowed", {"window": 1}, ("window",)),
        ("ftrl-windowed", {"window": 2.5}, ("window", "2.5")),
        ("coin-betting", {"wealth": -1.0}, ("wealth",)),
        ("hedge-grid", {"points": 1}, ("points",)),
        ("ader", {"experts": True}, ("experts",)),
        ("adagrad", {"eta": 1.0}, ("eta",)),
    ],
)
def test_bad_parameters(name, params, words):
    refused(lambda: make_severity(name, **params), UsageError, *words)


def test_hedge_refuses_what_it_cannot_weigh():
    one = make_severity("adagrad")
    for bad in ((), (one,), [one, one], (one, 3), (one, make_severity("adagrad", under=2.0))):
        refused(lambda bad=bad: Hedge(learners=bad), UsageError, "hedge", "under")
    refused(lambda: make_severity("hedge"), UsageError, "learners")


@pytest.mark.parametrize(
    ("deficit", "target", "hint", "word"),
    [
        ([1.0, math.nan], [0.5, 0.5], None, "deficit"),
        ([1.0, -1.0], [0.5, 0.5], None, "deficit"),
        ([1.0, 1e120], [0.5, 0.5], None, "deficit"),
        ([1.0, math.inf], [0.5, 0.5], None, "deficit"),
        ([1.0, 1.0], [0.5, math.nan], None, "target"),
        ([1.0, 1.0], [0.5, 1.5], None, "target"),
        ([1.0, 1.0], [-0.5, 0.5], None, "target"),
        ([1.0, 1.0], [0.5], None, "target"),
        ([[1.0, 1.0]], [0.5], None, "deficit"),
        (["a", "b"], [0.5, 0.5], None, "deficit"),
        ([1.0, 1.0], [0.5, 0.5], [0.5], "hint"),
        ([1.0, 1.0], [0.5, 0.5], [0.5, 2.0], "hint"),
        ([1.0, 1.0], [0.5, 0.5], [0.5, math.nan], "hint"),
    ],
)
@pytest.mark.parametrize("name", ["adagrad", "ftrl-exact", "optimistic-ftrl"])
def test_bad_arrays(name, deficit, target, hint, word):
    refused(lambda: play(name, deficit, target, hint), InputError, word)
    if hint is None:
        refused(lambda: make_severity(name).bound(deficit, target, target), InputError, word)


def test_what_cannot_be_played():
    refused(lambda: play("constant(0.5)", [1.0], [0.5]), UsageError, "learner", "ftrl-exact")
    refused(lambda: play(None, [1.0], [0.5]), UsageError, "learner")
    refused(lambda: play("ftrl-exakt", [1.0], [0.5]), UsageError, "ftrl-exact")
    assert play("adagrad", [], []).size == 0
    assert make_severity("adagrad").bound([], [], []).value == 0.0


@given(st.floats(1e-300, 1e100))
@settings(max_examples=50)
def test_power_above(x):
    assert x < power_above(x) <= 2.0 * x
