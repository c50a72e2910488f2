"""Projections against cvxpy, bisection and their KKT conditions."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import project_capped, project_capped_kl, waterfill

KINDS = ["euclidean", "kl", "weighted kl"]


def project(kind, y, w, budget, cap):
    if kind == "euclidean":
        return project_capped(y, w, budget, cap=cap)
    return project_capped_kl(y, w, budget, cap=cap, weighted=kind == "weighted kl")


@st.composite
def cases(draw):
    n = draw(st.integers(1, 12))
    pick = [
        st.floats(1e-3, 3.0) | st.sampled_from([0.25, 0.5]),
        st.floats(1e-2, 1e3) | st.sampled_from([1.0, 2.0]),
        st.floats(1e-6, 1.0) | st.sampled_from([0.0, 0.5, 1.0]),
    ]
    y, w, cap = (np.array(draw(st.lists(s, min_size=n, max_size=n))) for s in pick)
    return y, w, cap, draw(st.floats(1e-9, 1.0) | st.just(0.0)) * float(w @ cap)


def check(kind, y, w, cap, budget, tol=1e-9):
    """Feasible, and one level t explains every coordinate (the KKT conditions).

    `pull` is the level at which a coordinate takes its value freely: t >= pull if it is above 0,
    t <= pull if it is below its cap.
    """
    h = project(kind, y, w, budget, cap)
    assert np.all(h >= 0.0)
    assert np.all(h <= cap)
    assert w @ h == pytest.approx(budget, rel=1e-12, abs=1e-300)
    positive, free = h * w > 1e-6 * budget, h < cap * (1 - tol)
    with np.errstate(divide="ignore"):
        pull = h - y if kind == "euclidean" else np.log(np.maximum(h, 1e-250) / y)
    slack = np.full(y.size, tol) * (1 + np.abs(y) if kind == "euclidean" else 1.0)
    if kind != "weighted kl":
        pull, slack = pull / w, slack / w
    if positive.any() and free.any():
        assert (pull - slack)[positive].max() <= (pull + slack)[free].min()
    return h


@pytest.mark.parametrize("kind", KINDS)
@given(case=cases())
@settings(max_examples=80, deadline=None)
@example(case=(np.array([1e-9, 1.0]), np.array([1e-9, 1e12]), np.ones(2), 1e-6))
@example(case=(np.ones(3), np.array([1e-9, 1.0, 1e12]), np.array([1.0, 0.5, 1.0]), 1e12))
@example(case=(np.ones(3), np.array([1e-9, 1.0, 1e12]), np.array([1.0, 0.5, 0.0]), 0.3))
@example(case=(np.array([1e-150, 1e150]), np.ones(2), np.ones(2), 1.5))
def test_kkt(kind, case):
    check(kind, *case)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [500, 40_000])
def test_kkt_large(kind, seed, n):
    rng = np.random.default_rng(seed)
    w = rng.lognormal(0, [0.1, 2, 4][seed], n)
    cap = rng.choice([0.0, 0.1, 1.0], n) if seed else rng.uniform(0, 1, n)
    y = rng.normal(0.3, 1, n) if kind == "euclidean" else rng.lognormal(-1, 1, n)
    for share in (1e-9, 0.3, 0.99):
        check(kind, y, w, cap, share * float(w @ cap))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_against_cvxpy(kind, seed):
    rng = np.random.default_rng(seed)
    n = 6
    y, w, cap = rng.uniform(0.05, 1.2, n), rng.uniform(0.5, 3, n), rng.uniform(0.1, 1, n)
    if kind == "euclidean":
        y -= 0.5
    budget = rng.uniform(0.1, 0.9) * float(w @ cap)
    h = cp.Variable(n)
    distance = {
        "euclidean": cp.sum_squares(h - y),
        "kl": cp.sum(cp.kl_div(h, y)),
        "weighted kl": cp.sum(cp.multiply(w, cp.kl_div(h, y))),
    }[kind]
    cp.Problem(cp.Minimize(distance), [h >= 0, h <= cap, w @ h == budget]).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
    )
    np.testing.assert_allclose(project(kind, y, w, budget, cap), h.value, atol=1e-5)


def test_against_bisection():
    rng = np.random.default_rng(5)
    n = 20_000
    y, w, cap = rng.normal(size=n), rng.pareto(1.2, n) + 0.01, rng.uniform(0, 1, n)
    budget = 0.4 * float(w @ cap)
    low, high = float(((y - cap) / w).min()), float((y / w).max())
    for _ in range(200):
        level = 0.5 * (low + high)
        low, high = (level, high) if np.clip(y - level * w, 0, cap) @ w > budget else (low, level)
    np.testing.assert_allclose(
        project_capped(y, w, budget, cap=cap), np.clip(y - level * w, 0, cap), atol=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_idempotent(kind, case):
    y, w, cap, budget = case
    h = project(kind, y, w, budget, cap)
    start = h if kind == "euclidean" else np.maximum(h, 1e-100)
    again = project(kind, start, w, budget, cap)
    # a coordinate may move while the budget does not: only its share of the mass is determined
    np.testing.assert_allclose(w * again, w * h, rtol=1e-9, atol=1e-12 * budget + 1e-90)


@pytest.mark.parametrize("kind", KINDS)
@given(case=cases(), random=st.randoms(use_true_random=False), power=st.integers(-20, 20))
@settings(max_examples=60, deadline=None)
def test_permutation_and_unit_of_money(kind, case, random, power):
    y, w, cap, budget = case
    p = np.array(random.sample(range(y.size), y.size))
    h = project(kind, y, w, budget, cap)
    moved = project(kind, y[p], w[p], budget, cap[p])
    np.testing.assert_allclose(w[p] * moved, w[p] * h[p], rtol=1e-9, atol=1e-12 * budget)
    if kind != "kl":  # its Newton method takes logarithms of money
        s = 2.0**power
        assert np.array_equal(project(kind, y, s * w, s * budget, cap), h)


@given(cases(), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
@example((np.ones(3), np.ones(3), np.ones(3), 0.75), 5e-324)
def test_monotone_in_budget(case, share):
    y, w, cap, budget = case
    for kind in KINDS:
        less, more = (project(kind, y, w, part * budget, cap) for part in (share, 1.0))
        assert np.all(w * less <= w * more * (1 + 1e-9) + 1e-12 * budget)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_weighted_kl_is_waterfilling_with_risk_weights_y(case):
    y, w, cap, budget = case
    h = project("weighted kl", y, w, budget, cap)
    np.testing.assert_allclose(w * h, waterfill(w, budget, cap=cap, weights=y), rtol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_edges(kind):
    one = np.ones(3)
    assert project(kind, [], [], 0.0, 1.0).shape == (0,)
    assert project(kind, [0.7], [2.0], 1.0, 1.0) == pytest.approx([0.5], rel=1e-15)
    assert project(kind, one, one, 0.0, 1.0).tolist() == [0.0, 0.0, 0.0]
    assert project(kind, one, one, 3.0, None).tolist() == [1.0, 1.0, 1.0]
    assert project(kind, one, one, 3.0 * (1 + 1e-13), 1.0).tolist() == [1.0, 1.0, 1.0]  # rounding of w @ cap
    assert project(kind, 0.1 * one, one, 1.0, 0.5).tolist() == [1 / 3] * 3
    for budget, w, cap in ((3.1, one, 1.0), (1.6, one, 0.5), (1.0, [], 1.0)):
        with pytest.raises(InputError, match=r"no projection\n  got: budget = "):
            project(kind, np.ones(len(w)), w, budget, cap)


@pytest.mark.parametrize("size", [1e3, 1e9, 1e20, 1e100])
def test_far_points_still_meet_the_budget(size):
    rng = np.random.default_rng(1)
    n = 50
    y, w = size * rng.normal(size=n), rng.lognormal(0, 5, n)
    h = project_capped(y, w, 0.3 * w.sum())
    assert w @ h == pytest.approx(0.3 * w.sum(), rel=1e-12)
    assert np.all((h >= 0) & (h <= 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [0.1, np.nan]}, r"y must be finite\n  got: y\[1\] = nan"),
        ({"y": [np.inf, 0.1]}, r"y\[0\] = inf"),
        ({"y": [[0.1, 0.1]]}, "y must be one-dimensional"),
        ({"w": [1.0]}, "weights has 1 values, expected 2"),
        ({"w": [1.0, 0.0]}, r"must be above 0\n  got: weights\[1\] = 0.0"),
        ({"w": [1.0, -1.0]}, r"weights\[1\] = -1.0"),
        ({"w": [1.0, np.nan]}, r"weights\[1\] = nan"),
        ({"budget": -0.1}, "budget = -0.1"),
        ({"budget": np.nan}, "budget = nan"),
        ({"budget": np.inf}, "budget = inf"),
        ({"cap": 1.1}, r"cap\[0\] = 1.1"),
        ({"cap": [0.5, -0.5]}, r"cap\[1\] = -0.5"),
        ({"cap": [0.5, np.nan]}, r"cap\[1\] = nan"),
        ({"cap": [0.5, 0.5, 0.5]}, "cap has 3 values"),
    ],
)
def test_bad_input(kind, arguments, message):
    with pytest.raises(InputError, match=message):
        project(kind, **({"y": [0.1, 0.2], "w": [1.0, 1.0], "budget": 0.5, "cap": 1.0} | arguments))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("y", [[0.1, 0.0], [0.1, -1.0]])
def test_entropy_needs_a_positive_point(y, weighted):
    with pytest.raises(InputError, match=r"must be above 0\n  got: y\[1\]"):
        project_capped_kl(y, [1.0, 1.0], 0.5, weighted=weighted)
