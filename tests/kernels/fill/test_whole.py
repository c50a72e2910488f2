"""Whole lots towards a quantity."""

from fractions import Fraction

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
    assert fill_shares(wanted * most / most.sum(), lambda rows: rows, most, sizes, wanted).sum() == lots


def in_plain_arithmetic(ideal, names, most, size, wanted):
    """Return whole lots near ideal ones, in rationals: down, then one each by remainder, then many."""
    ideal, wanted = [Fraction(v) for v in ideal], Fraction(wanted)
    size = Fraction(size)
    lots = [min(int(v / size), m) for v, m in zip(ideal, most, strict=True)]
    by = sorted(range(len(lots)), key=lambda k: (lots[k] - ideal[k] / size, names[k]))
    for once in (True, False):
        for k in by:
            left = int(wanted / size) - sum(lots)
            lots[k] += min(most[k] - lots[k], left, 1 if once else left)
    return lots


@pytest.mark.parametrize("seed", range(30))
def test_shares_are_those_of_plain_arithmetic(seed):
    """Also where many remainders tie, and where fewer positions can give than lots are missing."""
    rng = np.random.default_rng(seed)
    many, size = int(rng.integers(1, 9)), float(rng.choice([0.25, 1.0, 4.0]))
    most = rng.integers(1, 9, many)
    names = rng.permutation([f"a{k}" for k in range(many)])
    ideal = np.minimum(rng.integers(0, 40, many) / 8, most) * size
    wanted = float(rng.integers(1, 30)) * size
    ideal *= min(1.0, wanted / max(ideal.sum(), 1e-9)) if seed % 2 else 1.0
    if ideal.sum() > wanted:
        wanted = float(np.ceil(ideal.sum() / size)) * size
    lots = fill_shares(ideal, lambda rows: names[rows], most, np.full(many, size), wanted)
    if seed % 2 == 0:  # the others have remainders that floats round
        assert lots.tolist() == in_plain_arithmetic(ideal.tolist(), names, most.tolist(), size, wanted)
    assert lots.sum() == min(most.sum(), round(wanted / size))
    assert np.all(lots <= most)
