"""Losses against amounts worked out by hand."""

import numpy as np
import pytest

from adl_opt import losses


def test_eq_9_weighs_both_sides():
    assert losses.asymmetric(8.0, 10.0, 2.0, under=3.0, over=5.0, fair=0.5) == 7.0
    assert losses.asymmetric(12.0, 10.0, 2.0, under=3.0, over=5.0, fair=0.5) == 11.0


def test_eq_10():
    assert losses.surrogate(12.0, 10.0, 0.5, track=2.0, fair=4.0) == 6.0


def test_eq_16_severity():
    assert losses.severity_loss([0.5, 1.0], [0.25, 1.0], [8.0, 3.0]).tolist() == [2.0, 0.0]


def test_eq_23():
    assert losses.empirical(9.0, 10.0, 0.3, 0.1, lam=0.5) == pytest.approx(1.0 + 0.5 * 10 * 0.2)


def test_target_severity_is_capped_and_zero_without_deficit():
    assert losses.target_severity([5.0, 20.0, 0.0, 1.0], [10.0, 10.0, 0.0, 0.0]).tolist() == [0.5, 1, 0, 0]


def test_overshoot_and_undershoot_make_up_tracking():
    rng = np.random.default_rng(1)
    h, b = rng.random(50), rng.random(50)
    assert np.array_equal(losses.overshoot(h, b) + losses.undershoot(h, b), losses.tracking(h, b))


def test_burden_over_nothing_is_zero():
    assert losses.burden([0.0, 1.0], [0.0, 4.0]).tolist() == [0.0, 0.25]
    assert losses.burden([0.0], [-3.0]).tolist() == [0.0]
