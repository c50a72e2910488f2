"""Measured regret is at most the learner's own bound, on every stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.evaluate.bounds import envelope_usd
from adl_opt.losses import Loss, severity_loss
from adl_opt.severity import LEARNERS, Bound, Hedge, make_severity
from adl_opt.severity.learners.bound import best_fixed_severity
from adl_opt.severity.learners.gradient import Ogd
from tests.severity.streams import OCT10_DEFICIT, OCT10_TARGET, adversaries, families

SLOW = {"hedge-grid", "ader", "strongly-adaptive", "hedge"}
VARIANTS = [{}, {"under": 3.0}, {"over": 2.5, "prior": 0.9}]
ROUNDS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 3.0, 1e-3, 1e6]) | st.floats(0.0, 1e9),
        st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0.0, 1.0),
    ),
    min_size=1,
    max_size=40,
)


def make(name, **params):
    if name != "hedge":
        return make_severity(name, **params)
    return Hedge(
        learners=tuple(make_severity(n, **params) for n in ("ftrl-exact", "last-value", "ogd")), **params
    )


def check(learner, deficit, target, hint=None):
    deficit, target = np.asarray(deficit, float), np.asarray(target, float)
    theta, _ = learner.run(learner.start(), deficit, target, hint)
    assert np.all((theta >= 0.0) & (theta <= 1.0))
    bound = learner.bound(deficit, target, theta, hint)
    assert isinstance(bound, Bound)
    assert bound.kind == learner.kind
    assert bound.holds
    assert all(math.isfinite(v) for v in bound.constants.values())
    regret = learner.regret(deficit, target, theta)
    assert regret <= bound.value, (learner, bound)
    return regret, bound


@pytest.mark.parametrize("name", [*LEARNERS, "hedge"])
@pytest.mark.parametrize("part", range(4))
def test_battery(name, part):
    """Every learner on every family, in parts; the slow see 10,000 rounds of an adversary below."""
    learner, streams = make(name), families(500 if name in SLOW else 2_000)
    assert len(streams) >= 20
    for deficit, target in list(streams.values())[part::4]:
        check(learner, deficit, target)


@pytest.mark.parametrize("name", [*LEARNERS, "hedge"])
@pytest.mark.parametrize("params", VARIANTS, ids=str)
def test_battery_of_variants_and_adversaries(name, params):
    learner = make(name, **params)
    size = 60 if name in SLOW else 400
    streams = adversaries(learner, size if params else 200 if name in SLOW else 1000)
    for deficit, target in (streams | (families(size) if params else {})).values():
        check(learner, deficit, target)


@pytest.mark.parametrize("name", sorted(SLOW))
def test_a_long_adversary_of_the_slow(name):
    learner = make(name)
    check(learner, *adversaries(learner, 10_000, rules=("far end",))["far end"])


@pytest.mark.parametrize("name", [*LEARNERS, "hedge"])
@settings(max_examples=25, deadline=None)
@given(rounds=ROUNDS, variant=st.sampled_from(VARIANTS))
def test_any_stream(name, rounds, variant):
    deficit, target = map(np.array, zip(*rounds, strict=True))
    check(make(name, **variant), deficit, target)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ogd", {"eta": 0.01}),
        ("ogd", {"eta": 100.0}),
        ("ftrl-discounted", {"discount": 0.0}),
        ("ftrl-discounted", {"discount": 0.5}),
        ("ftrl-discounted", {"discount": 1.0}),
        ("ftrl-windowed", {"window": 2}),
        ("ftrl-windowed", {"window": 7}),
        ("ftrl-barrier", {"clip": 0.2, "prior": 0.1}),
        ("coin-betting", {"wealth": 0.01}),
        ("coin-betting", {"wealth": 20.0}),
        ("hedge-grid", {"points": 2}),
        ("ader", {"experts": 3}),
    ],
)
def test_parameters(name, params):
    learner = make_severity(name, **params)
    for deficit, target in (families(200) | adversaries(learner, 200)).values():
        check(learner, deficit, target)


@settings(max_examples=60, deadline=None)
@given(rounds=ROUNDS, data=st.data(), variant=st.sampled_from(VARIANTS))
def test_hints(rounds, data, variant):
    deficit, target = map(np.array, zip(*rounds, strict=True))
    hint = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(rounds), max_size=len(rounds))))
    check(make_severity("optimistic-ftrl", **variant), deficit, target, hint)


def test_right_hints_cost_a_constant():
    learner = make_severity("optimistic-ftrl")
    for n in (10, 1000):
        for deficit, target in (families(n)[k] for k in ("Rademacher", "drift", "random walk")):
            regret, bound = check(learner, deficit, target, target)
            assert bound.constants["hint_error_norm_usd"] == 0.0
            assert regret <= bound.value <= 1.001 * math.sqrt(0.125) * 2.0 * deficit.max()


@pytest.mark.parametrize("params", [{}, {"prior": 0.1, "wealth": 0.05}, {"under": 3.0}], ids=str)
def test_coin_betting_loses_a_constant_against_its_prior(params):
    """However long the stream: within an epoch no more than its first wealth."""
    learner = make_severity("coin-betting", **params)
    for deficit, target in (families(2000) | adversaries(learner, 500)).values():
        theta, _ = learner.run(learner.start(), deficit, target)
        gap = learner.loss(deficit, target, theta) - learner.loss(
            deficit, target, np.full(deficit.size, learner.prior)
        )
        tops = learner.steepest(deficit)
        assert math.fsum(gap) <= learner.at_prior(deficit) + 1e-10 * math.fsum(tops) + 1e-98
        assert learner.at_prior(deficit) <= 4.0 * learner.wealth * float(np.max(tops, initial=0.0))
    assert make_severity("ogd").at_prior(np.ones(3)) == math.inf


def test_identity_of_last_value():
    regret, bound = check(make_severity("last-value"), OCT10_DEFICIT, OCT10_TARGET)
    assert bound.value == pytest.approx(regret, rel=1e-9)


def test_step_of_proposition_1_gives_the_envelope():
    learner = Ogd.in_hindsight(OCT10_DEFICIT, OCT10_TARGET)
    _, bound = check(learner, OCT10_DEFICIT, OCT10_TARGET)
    envelope = envelope_usd(OCT10_TARGET * OCT10_DEFICIT, OCT10_DEFICIT)
    assert bound.kind == "dynamic"
    assert bound.value <= envelope * (1.0 + 1e-9)
    assert bound.theorem_usd == pytest.approx(envelope, rel=1e-6)


def test_worst_case_forms():
    """The bounds as observed stay below the closed forms in the docstrings."""
    for deficit, target in families(500).values():
        squares = float(np.linalg.norm(deficit / (deficit.max() or 1.0)) * (deficit.max() or 1.0))
        slack = 1.0 + 1e-9
        for name, factor in (("adagrad", 2**0.5), ("ftrl-quadratic", 0.5**0.5), ("ftrl-exact", 0.5**0.5)):
            _, bound = check(make_severity(name), deficit, target)
            assert bound.value - bound.constants["rounding_usd"] <= factor * squares * slack + 1e-98
        _, bound = check(make_severity("ftrl-entropy"), deficit, target)
        assert bound.value - bound.constants["rounding_usd"] <= math.log(2.0) ** 0.5 * squares * slack + 1e-98


def test_another_path_is_noticed():
    bound = make_severity("adagrad").bound([1.0, 1.0], [0.0, 1.0], [0.5, 0.4])
    assert not bound.holds
    assert bound.assumptions == {"played by this learner": False}


@pytest.mark.parametrize("prices", [(1.0, 1.0), (3.0, 1.0), (1.0, 2.5)])
def test_best_fixed_is_the_best_on_a_grid(prices):
    under, over = prices
    for deficit, target in families(60).values():
        theta, loss = best_fixed_severity(deficit, target, under, over)
        grid = np.concatenate([target, np.linspace(0, 1, 101)])
        losses = [
            math.fsum(severity_loss(np.full(deficit.size, x), target, deficit, under, over)) for x in grid
        ]
        assert 0.0 <= theta <= 1.0
        assert loss <= min(losses) * (1.0 + 1e-12) + 1e-300


def static_regret(learner, deficit, target):
    theta, _ = learner.run(learner.start(), deficit, target)
    loss = math.fsum(learner.loss(deficit, target, theta))
    return loss - best_fixed_severity(deficit, target, learner.under, learner.over)[1]


def exponent(learner, sizes, stream):
    """The slope of log static regret over log T, regret averaged over a few seeds."""
    means = [np.mean([static_regret(learner, *stream(n, seed)) for seed in range(6)]) for n in sizes]
    return np.polyfit(np.log(sizes), np.log(np.maximum(means, 1e-9)), 1)[0]


def coins(n, seed):
    """Targets 0 and 1 in random order, one end in the majority by sqrt(T): as fair coins, but less noise."""
    ahead = np.arange(n) < (n + math.isqrt(n)) // 2
    return np.ones(n), np.random.default_rng(seed).permutation(ahead).astype(float)


@pytest.mark.parametrize("name", LEARNERS)
def test_regret_grows_as_the_root(name):
    grown = exponent(
        make_severity(name), [64, 256, 1024, 4096] if name in SLOW else [100, 1000, 10_000], coins
    )
    assert grown <= 0.6


def alternating(n, seed):
    return np.ones(n), (np.arange(n) + seed) % 2.0


def test_what_is_bad_grows_linearly():
    assert exponent(make_severity("last-value"), [100, 1000, 10_000], alternating) >= 0.95
    n = 1000
    deficit, target = np.ones(n), np.where(np.arange(n) % 2 == 0, 1.0, 0.0)
    deficit[0] = 0.5  # the leader is always the side that loses next
    leader, learner = make_severity("follow-the-leader"), make_severity("ftrl-exact")
    assert leader.regret(deficit, target, leader.run(leader.start(), deficit, target)[0]) > 0.45 * n
    assert learner.regret(deficit, target, learner.run(learner.start(), deficit, target)[0]) < n**0.5


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("weights", [{}, {"under": 3.0, "over": 0.5}])
def test_a_bound_is_at_most_the_worst_loss_and_says_so(name, weights):
    learner = make_severity(name, **weights)
    deficit, target = OCT10_DEFICIT, OCT10_TARGET
    played, _ = learner.run(learner.start(), deficit, target)
    bound = learner.bound(deficit, target, played)
    worst = sum(
        max(learner.under * d * y, learner.over * d * (1 - y)) for d, y in zip(deficit, target, strict=True)
    )
    assert bound.value == pytest.approx(min(bound.theorem_usd, worst))
    assert bound.informative == (bound.theorem_usd < worst)
    again = bound.within(worst * (1 + 1e-15))
    assert (again.value, again.informative) == (bound.value, bound.informative)


def test_some_bounds_of_october_10_say_nothing():
    said = {}
    for name in ("ftrl-exact", "follow-the-leader", "ogd"):
        learner = make_severity(name)
        played, _ = learner.run(learner.start(), OCT10_DEFICIT, OCT10_TARGET)
        said[name] = learner.bound(OCT10_DEFICIT, OCT10_TARGET, played).informative
    assert said == {"ftrl-exact": True, "follow-the-leader": False, "ogd": False}


def test_the_envelope_of_a_weighted_loss_bounds_gradient_descent():
    """Prop. 1 with slopes up to G = max(under, over) D: the step is (1 + 2P) / sum G^2, rooted."""
    loss, rng = Loss(under=5.0, over=0.5), np.random.default_rng(0)
    for _ in range(50):
        deficit, target = 10.0 ** rng.uniform(-2, 2, 30), rng.random(30)
        path = float(np.abs(np.diff(target)).sum())
        most = envelope_usd(target * deficit, deficit, loss)
        assert most == pytest.approx(5.0 * envelope_usd(target * deficit, deficit))
        eta = math.sqrt((1 + 2 * path) / (25.0 * (deficit**2).sum()))
        learner = Ogd(eta=eta, under=5.0, over=0.5)
        assert learner.regret(deficit, target, learner.run(learner.start(), deficit, target)[0]) <= most
