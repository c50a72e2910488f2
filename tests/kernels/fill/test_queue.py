"""Queues against the LP that they solve (Prop. 7), and against exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from adl_opt.errors import InputError
from adl_opt.kernels import descending, fill_in_order

MONEY = st.floats(1e-3, 1e6) | st.sampled_from([0.0, 1e-9, 0.1, 1.0, 1e12])


@st.composite
def queues(draw):
    u = np.array(draw(st.lists(MONEY, max_size=12)))
    order = np.array(draw(st.permutations(range(u.size))), dtype=int)
    return u, order, draw(st.floats(0.0, 1.3) | st.sampled_from([0.0, 1.0])) * float(u.sum())


@given(queues())
@settings(max_examples=120, deadline=None)
@example((np.array([1e12, 1e-9, 1e-9]), np.array([0, 1, 2]), 1e12))
@example((np.array([0.1] * 10), np.arange(10), 0.3))
@example((np.array([0.0, 0.0]), np.arange(2), 1.0))
def test_exact_greedy(case):
    u, order, budget = case
    x = fill_in_order(u, order, budget)
    left = Fraction(budget)
    for i in order:
        pays = min(left, Fraction(u[i]))
        assert x[i] == pytest.approx(float(pays), rel=3e-16, abs=1e-30 * budget)
        left -= pays


def test_exact_greedy_large_with_dust():
    rng = np.random.default_rng(0)
    u = rng.choice([1e-9, 0.1, 7.3, 1e12], 100_000)
    order = rng.permutation(u.size)
    for share in (1e-9, 0.3, 0.99999):
        budget = share * float(u.sum())
        x = fill_in_order(u, order, budget)
        part = np.flatnonzero((x > 0) & (x < u))
        assert part.size <= 1
        assert sum(map(Fraction, x)) == pytest.approx(Fraction(budget), rel=1e-16)
        paying = x[order] > 0
        assert not paying[np.argmin(paying) :].any()


@pytest.mark.parametrize("seed", range(10))
def test_maximises_the_score(seed):
    rng = np.random.default_rng(seed)
    n = 8
    u, score = rng.lognormal(0, 1, n), rng.normal(size=n)
    budget = rng.uniform(0, 1) * u.sum()
    lp = linprog(
        -score,
        A_eq=np.ones((1, n)),
        b_eq=[budget],
        bounds=list(zip(np.zeros(n), u, strict=True)),
        method="highs",
    )
    np.testing.assert_allclose(fill_in_order(u, descending(score), budget), lp.x, atol=1e-9)


@given(queues(), st.integers(-20, 20), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_scale_and_monotone(case, power, share):
    u, order, budget = case
    x = fill_in_order(u, order, budget)
    assert np.array_equal(fill_in_order(2.0**power * u, order, 2.0**power * budget), 2.0**power * x)
    assert np.all(fill_in_order(u, order, share * budget) <= x)
    relabel = order[::-1]
    place = np.empty_like(relabel)
    place[relabel] = np.arange(relabel.size)
    assert np.array_equal(fill_in_order(u[relabel], place[order], budget), x[relabel])


def test_no_and_one_account():
    assert fill_in_order([], [], 1.0).shape == (0,)
    assert fill_in_order([2.0], [0], 0.5).tolist() == [0.5]
    assert fill_in_order([2.0], [0], 5.0).tolist() == [2.0]
    assert descending([]).shape == (0,)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, -0.0, 1.0, np.inf, -np.inf]), st.integers(0, 2)), max_size=10)
)
def test_descending(pairs):
    score, key = [p[0] for p in pairs], [p[1] for p in pairs]
    expected = sorted(range(len(pairs)), key=lambda i: (-score[i], key[i], i))
    assert descending(score, key).tolist() == expected
    assert descending(score, np.array([f"0x{k}" for k in key], dtype="U8")).tolist() == expected
    assert descending(np.zeros(len(pairs)), -np.array(score), key).tolist() == expected


def test_large_integer_ids_keep_their_order():
    assert descending([1.0, 1.0], np.array([2**60 + 1, 2**60])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("score", "keys", "message"),
    [
        ([1.0, np.nan], (), r"score must not be NaN\n  got: score\[1\] = nan"),
        ([[1.0]], (), "one-dimensional"),
        (["a"], (), "real numbers"),
        ([1.0, 2.0], ([1.0, np.nan],), r"tie_breaks\[0\]\[1\] = nan"),
        ([1.0, 2.0], ([1, 2], [1.0]), r"tie_breaks\[1\] has 1 values|tie_breaks\[1\] has another"),
        ([1.0, 2.0], ([1, 2, 3],), r"got: shape \(3,\), expected \(2,\)"),
        ([1.0], (np.array([None]),), "neither numbers nor strings"),
    ],
)
def test_bad_score(score, keys, message):
    with pytest.raises(InputError, match=message):
        descending(score, *keys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"capacity": [1.0, np.nan]}, r"capacity\[1\] = nan"),
        ({"capacity": [1.0, -1.0]}, r"capacity\[1\] = -1.0"),
        ({"capacity": [1.0, np.inf]}, r"capacity\[1\] = inf"),
        ({"budget": -1.0}, "budget = -1.0"),
        ({"budget": np.nan}, "budget = nan"),
        ({"order": [0]}, "one index per account"),
        ({"order": [0.0, 1.0]}, "dtype float64"),
        ({"order": [0, 2]}, r"order\[1\] = 2, n = 2"),
        ({"order": [-1, 0]}, r"order\[0\] = -1"),
        ({"order": [1, 1]}, "index 1 occurs 2 times"),
    ],
)
def test_bad_fill(arguments, message):
    with pytest.raises(InputError, match=message):
        fill_in_order(**({"capacity": [1.0, 2.0], "order": [0, 1], "budget": 1.0} | arguments))
