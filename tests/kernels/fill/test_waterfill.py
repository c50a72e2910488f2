"""waterfill against cvxpy, its definition, and the properties that ADL-1 asks of the rule."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import waterfill

MONEY = st.floats(1e-3, 1e6) | st.just(0.0) | st.integers(1, 5).map(float)
CAP = st.floats(1e-6, 1.0) | st.sampled_from([0.0, 0.25, 0.5, 1.0])
WEIGHT = st.floats(1e-3, 1e3) | st.sampled_from([0.0, 1.0, 2.0])
SHARE = st.floats(1e-9, 1.3) | st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def rounds(draw, weight=WEIGHT):
    n = draw(st.integers(1, 12))
    u, beta, w = (np.array(draw(st.lists(s, min_size=n, max_size=n))) for s in (MONEY, CAP, weight))
    return u, beta, w, draw(SHARE) * float(u @ beta)


def most(u, beta, w):
    return u * beta * (w > 0)


def check(u, budget, beta, w):
    """Feasible, of total min(B, U), and of the form u * min(beta, tau w): the full characterisation."""
    x = waterfill(u, budget, cap=beta, weights=w)
    top = most(u, beta, w)
    assert x.shape == u.shape
    assert np.all(x >= 0.0)
    assert np.all(x <= top)
    assert x.sum() == pytest.approx(min(budget, top.sum()), rel=1e-12, abs=0.0)
    if budget >= top.sum() * (1 + 1e-12):
        assert np.array_equal(x, top)
    paying = (top > 0) & (x < top * (1 - 1e-12))
    if paying.any():  # one level for all that are below their cap; nobody at the cap could pay less than it
        level = x[paying] / (u * w)[paying]
        assert level.max() - level.min() <= 1e-10 * level.max()
        capped = (top > 0) & ~paying
        assert np.all((beta / np.where(w > 0, w, 1))[capped] <= level.max() * (1 + 1e-10))
    return x


@given(rounds())
@settings(max_examples=120, deadline=None)
@example((np.array([1e-9, 1e12, 1e12, 1e-9]), np.array([0.5, 0.5, 1.0, 1.0]), np.ones(4), 1.2e12))
@example((np.array([1e-9, 1e12]), np.ones(2), np.ones(2), 1e-9))
@example((np.array([1e-9, 1e12]), np.ones(2), np.array([1e9, 1e-9]), 2.0))
@example((np.array([1.0, 1.0]), np.ones(2), np.array([1e-300, 1e-304]), 1.5))
@example((np.array([1.0, 1.0]), np.array([1e-300, 1e-304]), np.ones(2), 5e-301))
def test_definition(case):
    u, beta, w, budget = case
    check(u, budget, beta, w)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [1_000, 60_000])
def test_large(n, seed):
    rng = np.random.default_rng(seed)
    u = rng.lognormal(0, [0.1, 3, 6, 9][seed], n)
    beta = rng.uniform(0, 1, n) if seed % 2 else rng.choice([0.1, 0.5, 1.0], n)
    w = rng.lognormal(0, 1, n) * (rng.random(n) < 0.9)
    for share in (1e-12, 0.01, 0.5, 0.999, 1 - 1e-12):
        check(u, share * most(u, beta, w).sum(), beta, w)


def test_many_breakpoints_far_apart():
    n = 300  # each Newton step would saturate one account only
    u, beta, w = np.ones(n), np.ones(n), 2.0 ** -np.arange(n)
    for share in (0.1, 0.5, 0.9):
        check(u, share * n, beta, w)


@pytest.mark.parametrize("name", ["square", "entropy", "power", "weighted"])
@pytest.mark.parametrize("seed", range(2))
def test_minimises_every_strictly_convex_cost(name, seed):
    rng = np.random.default_rng(seed)
    n = 7
    u, beta, w = rng.uniform(0.5, 3, n), rng.uniform(0.1, 1, n), rng.uniform(0.3, 3, n)
    budget = rng.uniform(0.2, 0.8) * float(u @ beta)
    h = cp.Variable(n)
    costs = {
        "square": cp.sum(cp.multiply(u, cp.square(h))),
        "entropy": -cp.sum(cp.multiply(u, cp.entr(h))),
        "power": cp.sum(cp.multiply(u, cp.power(h, 3))),
        "weighted": cp.sum(cp.multiply(u / w, cp.square(h))),
    }
    cp.Problem(cp.Minimize(costs[name]), [h >= 0, h <= beta, u @ h == budget]).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
    )
    x = waterfill(u, budget, cap=beta, weights=w if name == "weighted" else None)
    np.testing.assert_allclose(x, u * h.value, atol=1e-5)


def test_pro_rata_is_the_special_case():
    u = np.array([1.0, 2.0, 0.0, 7.0])
    np.testing.assert_allclose(waterfill(u, 5.0), u / 2, rtol=1e-15)
    assert np.array_equal(waterfill(u, 5.0), waterfill(u, 5.0, cap=1.0, weights=np.full(4, 3.0)))


def test_zero_weight_is_exempt_even_in_saturation():
    assert waterfill([1.0, 1.0], 5.0, weights=[0.0, 1.0]).tolist() == [0.0, 1.0]
    assert waterfill([1.0, 1.0], 0.5, weights=[0.0, 0.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("budget", [0.0, 1.0])
def test_no_and_one_account(budget):
    assert waterfill([], budget).shape == (0,)
    assert waterfill([2.0], budget) == pytest.approx([budget], rel=1e-15)
    assert waterfill([2.0], budget, cap=0.25) == pytest.approx([min(budget, 0.5)], rel=1e-15)


@given(rounds(), st.integers(-20, 20))
@settings(max_examples=100, deadline=None)
def test_money_scales_by_powers_of_two_exactly(case, power):
    u, beta, w, budget = case
    s = 2.0**power
    x = waterfill(u, budget, cap=beta, weights=w)
    assert np.array_equal(waterfill(s * u, s * budget, cap=beta, weights=w), s * x)


@given(rounds(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_permutation(case, random):
    u, beta, w, budget = case
    p = np.array(random.sample(range(u.size), u.size))
    x = waterfill(u, budget, cap=beta, weights=w)
    y = waterfill(u[p], budget, cap=beta[p], weights=w[p])
    np.testing.assert_allclose(y, x[p], rtol=1e-11, atol=1e-14 * budget)


@given(rounds(), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_monotone_in_budget(case, share):
    u, beta, w, budget = case
    less = waterfill(u, share * budget, cap=beta, weights=w)
    more = waterfill(u, budget, cap=beta, weights=w)
    assert np.all(less <= more * (1 + 1e-12) + 1e-300)


@given(rounds(weight=st.floats(1e-3, 1e3)), st.floats(0, 1), st.data())
@settings(max_examples=100, deadline=None)
def test_splitting_an_account_changes_nothing(case, part, data):
    u, beta, w, budget = case
    i = data.draw(st.integers(0, u.size - 1))
    split = np.append(u, (1 - part) * u[i])
    split[i] *= part
    y = waterfill(split, budget, cap=np.append(beta, beta[i]), weights=np.append(w, w[i]))
    y[i] += y[-1]
    x = waterfill(u, budget, cap=beta, weights=w)
    np.testing.assert_allclose(y[:-1], x, rtol=1e-10, atol=1e-13 * budget)


def test_equal_accounts_pay_the_same_bits_and_input_is_untouched():
    u = np.full(1001, 0.1)
    kept = u.copy()
    x = waterfill(u, 33.3, cap=0.7)
    assert len(set(x.tolist())) == 1
    x[:] = -1.0
    assert np.array_equal(u, kept)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"capacity": [1.0, np.nan]}, r"capacity must be finite\n  got: capacity\[1\] = nan"),
        ({"capacity": [np.inf, 1.0]}, r"capacity\[0\] = inf"),
        ({"capacity": [1.0, -2.0]}, r"at least 0\n  got: capacity\[1\] = -2.0"),
        ({"capacity": [[1.0, 2.0]]}, r"one-dimensional\n  got: shape \(1, 2\)"),
        ({"capacity": 3.0}, "one-dimensional"),
        ({"capacity": ["a", "b"]}, "real numbers"),
        ({"capacity": [1.0, 2j]}, "real numbers"),
        ({"capacity": [[1.0], [1.0, 2.0]]}, "not an array of numbers"),
        ({"capacity": np.ma.array([1.0, 2.0], mask=[0, 1])}, "masked"),
        ({"capacity": [1e200, 1.0]}, r"is larger than 1e\+150"),
        ({"budget": -1.0}, "budget = -1.0"),
        ({"budget": np.nan}, "budget = nan"),
        ({"budget": np.inf}, "budget = inf"),
        ({"budget": [1.0]}, "one number"),
        ({"budget": None}, "real numbers"),
        ({"cap": 1.5}, r"exceed 1\n  got: cap\[0\] = 1.5"),
        ({"cap": -0.1}, "cap"),
        ({"cap": np.nan}, "cap"),
        ({"cap": [0.5, 1.0 + 1e-9]}, r"cap\[1\]"),
        ({"cap": [0.5]}, "cap has 1 values, expected 2"),
        ({"weights": [1.0, -1.0]}, r"weights\[1\] = -1.0"),
        ({"weights": [1.0, np.inf]}, r"weights\[1\] = inf"),
        ({"weights": [np.nan, np.nan]}, r"weights\[0\] = nan \(and 1 more\)"),
        ({"weights": [1.0, 1.0, 1.0]}, "weights has 3 values"),
    ],
)
def test_bad_input(arguments, message):
    given_arguments = {"capacity": [1.0, 2.0], "budget": 1.0} | arguments
    with pytest.raises(InputError, match=message):
        waterfill(**given_arguments)
