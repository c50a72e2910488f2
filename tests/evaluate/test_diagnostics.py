"""Diagnostics against scipy and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from adl_opt.evaluate.diagnostics import adjacent_inversions, gini, rank_correlation

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
    inverted, pairs = adjacent_inversions(np.array([5.0, 2.0, 1.0, 2.0]), np.array([4.5, 1.5, 0.0, 0.0]))
    assert (inverted, pairs) == (2, 2)


def test_pro_rata_never_inverts():
    u = np.random.default_rng(0).pareto(1.0, 500) + 0.01
    assert adjacent_inversions(u, 0.3 * u)[0] == 0
