"""The exact leader against brute force, and the tree of past targets."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from adl_opt.kernels import weighted_median
from adl_opt.severity import make_severity, play
from adl_opt.severity.learners.points import LEAF, copied, empty, least, with_point
from tests.severity.streams import families

POINT = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1e-300, 0.5 + 2.0**-53]) | st.floats(0.0, 1.0)
WEIGHT = st.sampled_from([1.0, 2.0, 0.1]) | st.floats(1e-6, 1e6)
POINTS = st.lists(st.tuples(POINT, WEIGHT), min_size=1, max_size=150)
PRICES = st.sampled_from([(1.0, 1.0), (3.0, 1.0), (1.0, 2.5)])


def tree(points):
    node = empty()
    for value, weight in points:
        node = with_point(node, value, weight)
    return node


def cost(x, points, under, over, prior, stiffness):
    x = Fraction(x)
    total = Fraction(stiffness) * (x - Fraction(prior)) ** 2 / 2
    for value, weight in points:
        gap = x - Fraction(value)
        total += Fraction(weight) * (Fraction(over) * gap if gap > 0 else -Fraction(under) * gap)
    return total


@settings(max_examples=100, deadline=None)
@given(POINTS, PRICES, st.floats(0.0, 1.0), st.sampled_from([0.0, 1e-3, 1.0, 30.0]) | st.floats(0.0, 1e6))
def test_least_is_the_least(points, prices, prior, stiffness):
    """No nearby point, no target and no grid point is better (in exact arithmetic, up to rounding)."""
    total = sum(w for _, w in points)
    x = least(tree(points), total, *prices, prior, stiffness)
    assert 0.0 <= x <= 1.0
    found = cost(x, points, *prices, prior, stiffness)
    slack = Fraction(1e-12 * (total * sum(prices) + stiffness))
    others = [v for v, _ in points[:25]] + [min(1.0, x + 1e-6), max(0.0, x - 1e-6), 0.0, 1.0, 0.37]
    assert all(found <= cost(y, points, *prices, prior, stiffness) + slack for y in others)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(POINT, st.integers(1, 9).map(float)), min_size=1, max_size=120))
def test_without_a_regulariser_it_is_the_weighted_median(points):
    values, weights = zip(*points, strict=True)
    x = least(tree(points), sum(weights), 1.0, 1.0, 0.5, 0.0)
    assert x == weighted_median(values, weights)


def test_exact_leader_equals_convex_minimisation():
    deficit, target = families(120)["heavy-tailed deficits"]
    for params in ({}, {"under": 3.0, "prior": 0.8}):
        learner = make_severity("ftrl-exact", **params)
        theta = play(learner, deficit, target)
        rate = 0.5**0.5 * max(learner.prior, 1.0 - learner.prior)
        for t in (1, 2, 5, 40, 119):
            stiffness = max(learner.under, learner.over) * np.linalg.norm(deficit[: t + 1]) / rate

            def objective(x, t=t, learner=learner, stiffness=stiffness):
                past = learner.loss(deficit[:t], target[:t], np.full(t, x)).sum()
                return past + stiffness * (x - learner.prior) ** 2 / 2

            found = minimize_scalar(objective, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12})
            assert objective(theta[t]) <= found.fun * (1.0 + 1e-12)
            assert theta[t] == pytest.approx(found.x, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(POINTS)
def test_in_place_and_copied_are_the_same(points):
    changed, shared, steps = empty(), empty(), []
    for value, weight in points:
        assert with_point(changed, value, weight, in_place=True) is changed
        steps.append(json.dumps(shared))
        before, shared = shared, with_point(shared, value, weight)
        assert json.dumps(before) == steps[-1]  # the older tree is as it was
        assert changed == shared
    again = copied(shared)
    assert again == shared
    with_point(again, 0.123, 1.0, in_place=True)
    assert again != shared


def test_many_points():
    rng = np.random.default_rng(0)
    values, weights = rng.uniform(size=20_000), rng.integers(1, 100, size=20_000).astype(float)
    node = empty()
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        with_point(node, value, weight, in_place=True)
    assert depth(node) <= 7
    assert least(node, float(weights.sum()), 1.0, 1.0, 0.5, 0.0) == weighted_median(values, weights)
    close = empty()
    for k in range(10 * LEAF):  # closer than the tree can part
        close = with_point(close, k * 1e-300, 1.0)
    assert depth(close) <= 18
    assert least(close, 10.0 * LEAF, 1.0, 1.0, 0.5, 0.0) == (5 * LEAF - 1) * 1e-300
    json.loads(json.dumps(close))


@pytest.mark.parametrize("seed", range(20))
def test_a_crowd_that_the_tree_cannot_part(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(60, 400))
    points = list(
        zip((rng.permutation(size) * 1e-300).tolist(), rng.integers(1, 9, size).tolist(), strict=True)
    )
    node, total = tree(points), float(sum(w for _, w in points))
    values, weights = zip(*sorted(points), strict=True)
    for under, over in ((1.0, 1.0), (3.0, 1.0), (1e3, 1.0), (1.0, 1e3)):
        x = least(node, total, under, over, 0.5, 0.0)
        below = int(np.searchsorted((under + over) * np.cumsum(weights), under * total))
        assert x == values[below]
        firm = least(node, total, under, over, 0.5, 1e-9)
        assert values[0] <= firm <= 0.5


def depth(node):
    return 0 if len(node) == 2 else 1 + max(depth(child) for child in node[1])
