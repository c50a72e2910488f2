"""What the proofs of Hedge and of betting rest on, checked number by number."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.severity import make_severity, play
from adl_opt.severity.learners import adahedge
from adl_opt.severity.learners.adaptive import prior_of, twos
from adl_opt.severity.learners.betting import epochs


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 1e-6, 1e6]), st.lists(st.floats(0, 1), min_size=3, max_size=3)),
        max_size=60,
    )
)
def test_adahedge_regret_is_at_most_twice_its_gap(rounds):
    losses, gap, paid, spread = np.zeros(3), 0.0, 0.0, []
    for scale, unit in rounds:
        new = scale * np.array(unit)
        weight = adahedge.weights(losses, gap)
        assert weight.sum() == pytest.approx(1.0)
        paid += float(weight @ new)
        gap = adahedge.gap_after(losses, gap, new, float(weight @ new))
        losses = losses + new
        spread.append(scale)
    regret = paid - losses.min()
    bound = adahedge.regret_bound(gap, np.array(spread), 3)
    slack = 1e-9 * (1.0 + sum(spread))
    assert regret <= bound + slack
    assert 2.0 * gap <= adahedge.regret_bound(math.inf, np.array(spread), 3) + slack  # Theorem 8


def log_kt(x, n):
    """log of the KT bettor's least wealth after n coins of sum x (Orabona & Pal 2016, eq. 19)."""
    half = (n + 1) / 2
    return (
        n * math.log(2.0)
        + math.lgamma(half + x / 2)
        + math.lgamma(half - x / 2)
        - 2.0 * math.lgamma(0.5)
        - math.lgamma(n + 1)
    )


@pytest.mark.parametrize("n", [1, 2, 3, 10, 100, 3000])
def test_closed_forms_of_kt(n):
    x = np.linspace(0.0, n, 400)
    logs = np.array([log_kt(v, n) for v in x])
    floor = x**2 / (2 * n) - 1.0 - 0.5 * math.log(math.pi * n)  # used by strongly-adaptive
    assert np.all(logs >= floor - 1e-9)
    for way in (0.5, 1.0):  # used by coin-betting: Cor. 5
        for wealth in (0.01, 0.5, 20.0):
            dual = np.max(way * x - wealth * np.exp(np.minimum(logs, 700.0))) + wealth
            closed = way * math.sqrt(n * math.log1p(24.0 * (n * way / wealth) ** 2))
            assert dual <= closed + wealth * (1.0 - 1.0 / (math.e * math.sqrt(math.pi * n)))


@settings(max_examples=50)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=200))
def test_kt_wealth_is_at_least_its_potential(coins):
    wealth = total = 0.0
    for n, coin in enumerate(coins):
        wealth += math.log1p(total / (n + 1) * coin)
        total += coin
    assert wealth >= log_kt(total, len(coins)) - 1e-9


def test_intervals():
    priors = sum((1 + twos(s)) * prior_of(s) for s in range(1, 5000))
    assert priors == pytest.approx(1.0, abs=1e-3)
    assert priors < 1.0
    learner = make_severity("strongly-adaptive")
    _, state = learner.run(learner.start(), np.ones(1000), np.full(1000, 0.3))
    assert len(state["experts"]) <= 1 + math.log2(1000)
    assert all(wealth >= 0.0 for *_, wealth, _coins, _count in state["experts"])


def test_epochs_cover_all_rounds():
    tops = np.array([1.0, 0.5, 7.0, 8.0, 2.0, 1e3])
    parts = epochs(tops)
    assert np.array_equal(np.concatenate([p for _, p in parts]), tops)
    assert all(p.max() <= scale for scale, p in parts)
    assert all(b > a for (a, _), (b, _) in pairwise(parts))


def test_moving_targets_are_followed():
    """After a jump the learners that adapt are better than those that do not."""
    n = 2000
    deficit, target = np.ones(n), np.where(np.arange(n) < n // 2, 0.9, 0.1)
    late = slice(n // 2 + 200, n)

    def loss(name):
        return np.abs(play(name, deficit, target) - target)[late].mean()

    slow = loss("ftrl-exact")
    assert all(loss(name) < 0.5 * slow for name in ("ftrl-discounted", "ftrl-windowed", "ader", "last-value"))
    assert loss("strongly-adaptive") < slow


@pytest.mark.parametrize("gap", [0.0, 5e-324, 1e-310, 1e-300, 1e300])
def test_weights_at_any_gap(gap):
    assert np.array_equal(adahedge.weights(np.ones(2), gap), [0.5, 0.5])
    assert adahedge.weights(np.array([0.0, 1.0]), gap).sum() == 1.0
    assert math.isfinite(adahedge.gap_after(np.zeros(2), gap, np.array([1e-300, 1.0]), 0.5))
