"""Whole lots towards a quantity."""

import numpy as np
import pytest

from adl_opt.kernels.fill.whole import fill_lots, fill_shares


@pytest.mark.parametrize("seed", range(40))
def test_large_quantities_of_small_lots_are_closed_to_the_last_lot(seed):
    """Sums and quotients of floats are off by more than a small share of one lot in a million."""
    rng = np.random.default_rng(seed)
    size, many = 10.0 ** -rng.integers(0, 4), rng.integers(3, 200)
    most = rng.integers(1, 10**6, many)
    lots = int(most.sum() * rng.uniform(0.2, 0.9))
    wanted, sizes, order = float(f"{lots * size:.3f}"), np.full(many, size), np.arange(many)
    assert fill_lots(order, most, sizes, wanted).sum() == lots
    assert fill_shares(wanted * most / most.sum(), order, most, sizes, wanted).sum() == lots
