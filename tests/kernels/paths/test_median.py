"""Weighted median against enumeration in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import weighted_median, weighted_median_interval

VALUE = st.floats(-1e6, 1e6) | st.integers(-2, 2).map(float)
WEIGHT = st.floats(1e-6, 1e6) | st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 2.0, 1e-9, 1e12])


def brute_force(values, weights):
    pairs = [(Fraction(v), Fraction(w)) for v, w in zip(values, weights, strict=True)]
    costs = {v: sum(w * abs(u - v) for u, w in pairs) for v, weight in pairs if weight > 0}
    best = [v for v, cost in costs.items() if cost == min(costs.values())]
    return float(min(best)), float(max(best))


@given(st.lists(st.tuples(VALUE, WEIGHT), min_size=1, max_size=12).filter(lambda p: any(w > 0 for _, w in p)))
@example([(1.0, 0.1), (2.0, 0.2), (3.0, 0.3)])  # 0.1 + 0.2 > 0.3 as binary fractions, but not when rounded
@example([(3.0, 1e12), (1.0, 1e12), (2.0, 1e-9)])
@example([(5.0, 0.0), (1.0, 3.0), (0.0, 0.0)])
@example([(1.0, 1e150), (2.0, 1e150)])
def test_interval(pairs):
    values, weights = zip(*pairs, strict=True)
    expected = brute_force(values, weights)
    assert weighted_median_interval(values, weights) == expected
    assert weighted_median(values, weights) == expected[0]


def test_equal_weights_large():
    values = np.random.default_rng(0).normal(size=100_001)
    assert weighted_median(values, np.full(values.size, 0.1)) == np.median(values)
    low, high = weighted_median_interval(values[1:], np.full(values.size - 1, 0.1))
    assert low < high
    assert (low + high) / 2 == np.median(values[1:])


@pytest.mark.parametrize(
    ("values", "weights", "message"),
    [
        ([], [], "got: no values"),
        ([1.0, 2.0], [0.0, 0.0], "all weights zero"),
        ([1.0, np.nan], [1.0, 1.0], r"values\[1\] = nan"),
        ([1.0, -np.inf], [1.0, 1.0], r"values\[1\] = -inf"),
        ([1.0, 2.0], [1.0, -1.0], r"weights\[1\] = -1.0"),
        ([1.0, 2.0], [1.0, np.nan], r"weights\[1\] = nan"),
        ([1.0, 2.0], [1.0], "weights has 1 values, expected 2"),
        ([[1.0]], [1.0], "one-dimensional"),
    ],
)
def test_bad_input(values, weights, message):
    with pytest.raises(InputError, match=message):
        weighted_median_interval(values, weights)
