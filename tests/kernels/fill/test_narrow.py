"""Many accounts: sample, blocks and settling against the search among all breakpoints; compensated sums."""

import math

import numpy as np
import pytest

from adl_opt.kernels import project_capped, project_capped_kl, waterfill
from adl_opt.kernels.fill import narrow as _narrow
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.kernels.fill.ramps import Ramps, search_all
from adl_opt.kernels.sums import total
from adl_opt.proofs.sums import BLOCK

N = 20_000
WEIGHTS = {
    "equal": lambda g: np.ones(N),
    "ties": lambda g: g.choice([1.0, 2.0, 3.0], N),
    "wide": lambda g: 10.0 ** g.uniform(-9, 12, N),
    "dust and giants": lambda g: g.choice([1e-9, 1e12], N),
    "heavy tail": lambda g: g.pareto(0.5, N) + 1e-3,
}
POINTS = {
    "equal": lambda g: np.full(N, 0.3),
    "near": lambda g: np.exp(g.normal(-3, 1, N)),
    "signs": lambda g: g.normal(0, 1, N),
    "ties": lambda g: g.choice([-0.5, 0.5, 0.0], N),
    "far": lambda g: 1e9 * g.normal(0, 1, N),
    "very far": lambda g: 1e20 * g.normal(0, 1, N),
}
CAPS = [lambda g: 1.0, lambda g: g.choice([0.0, 0.1, 1.0], N), lambda g: 10.0 ** g.uniform(-9, 0, N)]
SHARES = [1e-12, 1e-6, 0.02, 0.5, 1 - 1e-9, 1 - 1e-15]


def misses(amounts, budget):
    return abs(math.fsum([*amounts.tolist(), -budget])) / budget


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_hostile(weight, point):
    g = np.random.default_rng(7)
    w, y = WEIGHTS[weight](g), POINTS[point](g)
    for k, share in enumerate(SHARES):
        cap = CAPS[k % 3](g)
        caps = np.broadcast_to(cap, N)
        budget = share * total(w * caps)
        slope = np.ones(N) if k % 2 else w
        h = project_capped(y, w, budget, cap=cap, weighted=bool(k % 2))
        assert np.all((h >= 0.0) & (h <= caps))
        assert misses(w * h, budget) <= 1e-14
        exact = search_all(Ramps(y, slope, caps, w), budget)
        assert np.all(np.abs(h - exact) <= 1e-12 * (1.0 + np.abs(y)))
        start = np.minimum(np.abs(y) + 1e-3, 10.0)
        for weighted in (False, True):
            h = project_capped_kl(start, w, budget, cap=cap, weighted=weighted)
            assert np.all((h >= 0.0) & (h <= caps))
            assert misses(w * h, budget) <= 1e-14
        assert misses(waterfill(w, budget, cap=cap, weights=start), budget) <= 1e-14


def test_a_sample_that_misleads_costs_time_only(monkeypatch):
    g = np.random.default_rng(3)
    y, w = g.normal(0, 1, N), g.lognormal(0, 2, N)
    budget = 0.3 * float(w.sum())
    best = project_capped(y, w, budget)
    wrong = np.flatnonzero(y < -2.0)[:100].repeat(41)[: _narrow.SAMPLE]
    monkeypatch.setattr(_narrow, "sample", lambda weight, cap: (wrong, 1.0))
    np.testing.assert_allclose(project_capped(y, w, budget), best, atol=1e-14)


def test_the_sample_is_proportional_to_mass():
    g = np.random.default_rng(0)
    weight, cap = g.pareto(1.1, N + 5), g.choice([0.0, 0.5, 1.0], N + 5)
    index, each = _narrow.sample(weight, cap)
    mass = weight * cap
    assert each * _narrow.SAMPLE == pytest.approx(mass.sum(), rel=1e-12)
    assert mass[index].min() > 0.0
    times = np.bincount(index, minlength=mass.size)
    assert np.abs(times - mass / each).max() <= 1.0 + 1e-9


@pytest.mark.parametrize("size", [0, 1, 33, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
@pytest.mark.parametrize("signs", [[1.0], [-1.0, 1.0]])
def test_total_is_the_rounded_sum(size, signs):
    g = np.random.default_rng(size)
    for spread in (0.1, 10.0, 30.0):
        values = g.choice(signs, size) * np.exp(g.normal(0.0, spread, size))
        exact = math.fsum(values.tolist())
        assert abs(total(values) - exact) <= 1.2e-16 * abs(exact) + 1e-19 * np.abs(values).max(initial=0.0)
    assert total(np.full(size, 5e-324)) == size * 5e-324
    assert total(np.full(size, 1e302)) == pytest.approx(size * 1e302, rel=1e-15)


@pytest.mark.parametrize("unit", [1e-300, 1e-217, 1e-164, 1e-8, 1e15])
def test_a_level_does_not_depend_on_the_unit(unit):
    weight = np.array([1.0, 3.0, 2e-9])
    for offset in (None, np.array([0.0, 0.2, 0.9])):
        for slope in (None, weight):
            wanted = fill_to_level(offset, slope, 1.0, weight, 2.5)
            scaled = None if slope is None else slope * unit
            found = fill_to_level(offset, scaled, 1.0, weight * unit, 2.5 * unit)
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
