"""The least largest burden, at the edge of floats."""

import numpy as np

from adl_opt.kernels.fill.least import LeastBurden


def test_a_slope_beyond_all_floats_is_infinite_and_leaves_amounts_that_can_be_paid_alone():
    least = LeastBurden.of(np.array([1e-300]), np.array([5e-310]))
    assert least.slope(0.0) == np.inf
    assert least.at(np.array([0.0, 1e-300])).tolist() == [0.0, 1e-300 / 5e-310]
    assert least.at(np.array([1.0])).tolist() == [np.inf]
