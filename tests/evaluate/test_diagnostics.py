"""Diagnostics against scipy and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from adl_opt.evaluate.diagnostics import Common, Neighbours, Sorted, gini, rank_correlation

VALUES = st.lists(st.integers(0, 9).map(float), min_size=3, max_size=20)


@given(st.data())
def test_rank_correlation_is_spearman(data):
    a = np.array(data.draw(VALUES))
    b = np.array(data.draw(st.lists(st.integers(0, 9).map(float), min_size=a.size, max_size=a.size)))
    ours = rank_correlation(a, b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)


NEAR = st.sampled_from([0.0, 0.1, 0.1 + 1e-16, 0.1 + 1e-11, 0.3, 1.0, math.inf]) | st.floats(0, 1)


@given(st.lists(NEAR, min_size=3, max_size=20), st.lists(NEAR, min_size=3, max_size=20), st.data())
def test_ranks_of_common_accounts_are_those_of_these_alone(a, b, data):
    a, b = np.array(a), np.array(b)
    size = data.draw(st.integers(0, min(a.size, b.size)))
    rows = tuple(np.array(data.draw(st.permutations(range(v.size)))[:size], dtype=int) for v in (a, b))
    common = Common.of(rows, (a.size, b.size))
    ours = rank_correlation(Sorted(a), Sorted(b), common)
    alone = rank_correlation(a[rows[0]], b[rows[1]])
    assert ours == pytest.approx(alone, abs=1e-12, nan_ok=True)


@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=20),
    st.lists(st.floats(0, 1e6), min_size=20, max_size=20),
)
def test_ranks_are_scipys_up_to_rounding(a, b):
    a, b = np.array(a), np.array(b[: len(a)])
    steps = [np.round(v / v.max(), 9) if v.max() > 0 else v for v in (a, b)]
    if np.ptp(steps[0]) == 0 or np.ptp(steps[1]) == 0:
        assert math.isnan(rank_correlation(a, b))
    else:
        assert rank_correlation(a, b) == pytest.approx(spearmanr(*steps).statistic, abs=1e-9)


def test_rank_correlation_ignores_rounding():
    a = 0.1 + 1e-16 * np.arange(5)
    assert math.isnan(rank_correlation(a, np.arange(5.0)))


@given(VALUES.filter(lambda v: sum(v) > 0))
def test_gini_is_the_mean_difference(values):
    v = np.array(values)
    plain = np.abs(v[:, None] - v[None, :]).sum() / (2 * v.size**2 * v.mean())
    assert gini(v) == pytest.approx(plain, abs=1e-12)


def test_inversions_count_strictly_richer_neighbours():
    # 1, 2, 2, 5 after haircuts 0, 1.5, 0, 4.5 leave 1, .5, 2, .5
    neighbours = Neighbours.of(np.array([5.0, 2.0, 1.0, 2.0]))
    assert neighbours.inversions(np.array([4.5, 1.5, 0.0, 0.0])) == 2
    assert neighbours.pairs == 2


def test_pro_rata_never_inverts():
    u = np.random.default_rng(0).pareto(1.0, 500) + 0.01
    assert Neighbours.of(u).inversions(0.3 * u) == 0
