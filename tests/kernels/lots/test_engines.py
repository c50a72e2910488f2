"""The compiled lots kernels against their numpy twins: the same numbers to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adl_opt.kernels import lots, lots_engine, minmax_lots
from adl_opt.kernels.lots import NODE_LIMIT, solved
from adl_opt.kernels.lots.base import REL_TOL
from adl_opt.kernels.lots.problem import checked_problem
from adl_opt.kernels.lots.engine import NUMPY
from adl_opt.kernels.lots_payers import ArrayPayers
from adl_opt.kernels.lots_search import Search
from adl_opt.kernels.subset_sums import Nodes, best_of_many
from tests.kernels.lots.test_adversarial import LOTS, instances

pytest.importorskip("numba")
HOUSE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def numba():
    return lots_engine.numba()


def draw(g, accounts=80):
    """Heavy-tailed accounts, shuffled: few or many positions, coarse or fine lots, any capacity."""
    n, most = int(g.integers(1, accounts)), int(g.choice([1, 2, 3, 6, 14, 20]))
    account = np.repeat(np.arange(n), g.integers(1, most + 1, n))
    capacity = np.exp(g.normal(6, 2, n))
    lots = np.floor(10 ** g.uniform(0, g.choice([1, 2.5, 4]), account.size)).astype(int) + 1
    share = g.exponential(size=account.size)
    value = capacity[account] * share / np.bincount(account, share)[account] / lots
    value = np.round(value, 1) + 0.1 if g.random() < 0.3 else value
    capacity = capacity * g.uniform(0.3, 1.5, n) if g.random() < 0.3 else capacity
    base = capacity * np.exp(g.normal(0, 1, n)) if g.random() < 0.3 else None
    order = g.permutation(account.size)
    payable = np.minimum(capacity, np.bincount(account, value * lots, n)).sum()
    budget = float(g.choice([0.01, 0.1, 0.3, 0.9, 1.0, 1.1])) * payable
    return checked_problem(capacity, account[order], value[order], lots[order], budget, base)


def same(problem, numba, node_limit=NODE_LIMIT):
    """Hold every figure of both answers together; return one."""
    one, two = (solved(problem, node_limit, kernel) for kernel in (NUMPY, numba))
    for field in fields(one):
        assert np.array_equal(getattr(one, field.name), getattr(two, field.name)), field.name
    return two


@pytest.mark.parametrize("part", range(4))
def test_answers_are_the_same_to_the_last_bit(numba, part):
    g = np.random.default_rng(part)
    for _ in range(60):
        answer = same(draw(g), numba, node_limit=int(g.choice([1, 50, 3000, 20_000])))
        assert answer.certify().ok


def test_an_account_with_many_positions_is_the_same(numba):
    g = np.random.default_rng(2)
    account = np.concatenate((np.zeros(300, dtype=int), np.repeat(np.arange(1, 20), 3)))
    value, lots = np.exp(g.normal(0, 1, account.size)), g.integers(1, 40, account.size)
    capacity = 0.8 * np.bincount(account, value * lots)
    for share in (0.05, 0.4, 1.0):
        problem = checked_problem(capacity, account, value, lots, share * capacity.sum(), None)
        same(problem, numba, node_limit=20_000)


def test_hostile_magnitudes_are_the_same(numba):
    g, ladder = np.random.default_rng(1), 5.0 ** -np.arange(60)
    wide = np.full(120, 1.0), np.arange(60), ladder, np.ones(60, int), 1e-30, np.tile(ladder, 2)
    huge = [10.0, 10.0], [0, 0, 1, 1], [3.0, 2.0, 3.0, 2.0], [3] * 4, 11.0, [1e-200, 1e200]
    dust = [1e10, 1e10], [0, 1, 1], [1e-300, 1e-300, 3.0], [2**53, 2**53, 9], 5.0, None
    for case in (wide, huge, dust):
        same(checked_problem(*case), numba)
    for _ in range(40):  # equal lots whose sum no float counts
        lots = np.concatenate(([2**53], g.integers(2**50, 2**53, int(g.integers(1, 20)))))
        value = np.ones(lots.size)
        problem = checked_problem([1e30, 5.0], np.zeros(lots.size, int), value, lots, 1e16, None)
        same(problem, numba)
        account, value = np.arange(lots.size) % 3, g.choice([0.3, 1.0, 7.0, 7e5], lots.size)
        capacity = np.bincount(account, value * lots, 3) * g.uniform(0.1, 1.5, 3)
        budget = float(g.choice([1e-6, 0.1, 0.9])) * capacity.sum()
        same(checked_problem(capacity, account, value, lots, budget, None), numba, node_limit=2000)


def test_a_search_without_limit_stays_small(numba):
    """Twelve nearly equal positions: a bound on the combinations is far above any memory."""
    g = np.random.default_rng(1)
    value = np.exp(g.normal(0, 0.02, 12))
    capacity = 10 * value.mean()
    problem = checked_problem(
        [capacity], np.zeros(12, int), value, [10**6] * 12, capacity * (1 - 1e-15), None
    )
    answer = same(problem, numba, node_limit=10**18)
    assert answer.lower_bound <= answer.z


@pytest.mark.parametrize("kind", LOTS)
def test_answers_to_adversarial_lots_are_the_same(numba, kind):
    @given(instances(kind))
    @settings(max_examples=100, **HOUSE)
    def check(instance):
        same(checked_problem(*instance, None), numba)

    check()


def test_a_venue_is_the_same(numba):
    g = np.random.default_rng(1)
    account = np.repeat(np.arange(4000), 1 + g.poisson(0.6, 4000))
    capacity, lots = np.exp(g.normal(6, 2, 4000)), np.floor(10 ** g.uniform(1.5, 4.5, account.size))
    share = 0.05 + g.random(account.size)
    value = capacity[account] * share / np.bincount(account, share)[account] / lots
    problem = checked_problem(capacity, account, value, lots, 0.02 * capacity.sum(), None)
    answer = same(problem, numba)
    assert answer.gap == 0


@pytest.mark.parametrize("trust", [True, False])
def test_every_step_of_the_search_is_the_same(numba, trust):
    problem = draw(np.random.default_rng(3))
    target = 0.3 * problem.capacity.sum()
    book = NUMPY.make_book(problem.capacity, problem.base, problem.account, problem.lot_value, problem.lots)
    one, two = (Search(book, payers(book), target, 10**6) for payers in (ArrayPayers, numba.payers))
    assert (one.low, one.high, one.slope, one.roof) == (two.low, two.high, two.slope, two.roof)
    for z in np.linspace(one.low, one.high, 9):
        assert one.payers.expected(z) == two.payers.expected(z)
        assert one.payers.doubt(z) == two.payers.doubt(z)
        assert one.payers.largest_step(one.low, z) == two.payers.largest_step(one.low, z)
        a, b = one.at(z), two.at(z)
        while one.sharpen(a, 500, trust=trust) | two.sharpen(b, 500, trust=trust):
            assert one.nodes == two.nodes
            assert (a.lower, a.upper, a.expected) == (b.lower, b.upper, b.expected)
            assert np.array_equal(a.crowd.lower, b.crowd.lower)
            assert np.array_equal(a.crowd.upper, b.crowd.upper)
        one.payers.fill(a)
        two.payers.fill(b)
        assert (a.lower, a.upper, a.expected) == (b.lower, b.upper, b.expected)
        assert one.accept(a) == two.accept(b)
        assert (one.low, one.high) == (two.low, two.high)
        assert np.array_equal(one.lots(), two.lots())


def test_books_are_the_same(numba):
    g = np.random.default_rng(0)
    for trial in range(200):
        n = int(g.integers(0, 20))
        m = int(g.integers(0, 90 if trial % 10 else 900)) if n else 0
        capacity = np.where(g.random(n) < 0.2, 0.0, np.exp(g.normal(3, 2, n)))
        base = np.where(g.random(n) < 0.1, 0.0, capacity)
        value = np.round(np.exp(g.normal(0, 1.5, m)), 1) + 0.1
        account, lots = g.integers(0, max(n, 1), m), g.integers(0, 30, m)
        account = np.sort(account) if trial % 2 else account
        one, two = (kernel.make_book(capacity, base, account, value, lots) for kernel in (NUMPY, numba))
        for field in fields(one):
            a, b = getattr(one, field.name), getattr(two, field.name)
            assert np.array_equal(a, b), field.name
            assert np.asarray(a).dtype == np.asarray(b).dtype


def test_subset_sums_are_the_same_by_listing_and_by_euclid():
    from adl_opt.kernels.compiled.sums import search

    g = np.random.default_rng(0)
    for lots_held in (9, 3000):
        for positions in (2, 3, 5, 14):
            rows, held = 40, lots_held if positions < 5 else 12
            value = np.exp(g.normal(0, 1, (rows, positions)))
            lots = g.integers(0, held, (rows, positions)).astype(float)
            cap = 0.4 * (value * lots).sum(axis=1)
            lots = np.minimum(lots, np.floor(cap[:, None] / value))
            order = np.argsort(-lots, axis=1, kind="stable")  # both enumerate all but the two with most
            value, lots = np.take_along_axis(value, order, 1), np.take_along_axis(lots, order, 1)
            width = g.integers(1, 3 if positions > 5 else 12, rows)
            found = best_of_many([Nodes(cap, value, lots, width)])[0]
            first, size = np.arange(rows) * positions, np.full(rows, positions)
            lower, upper, kept = np.zeros(rows), cap.copy(), np.zeros(rows * positions)
            cost = np.full(rows, float(np.max(width) ** min(positions - 2, 10)))
            lines = first, size, value.ravel(), lots.ravel()
            fresh = np.zeros(rows, dtype=bool)
            nodes = search(np.arange(rows), width, cost, cap, lines, lower, upper, fresh, kept)
            assert nodes == found.nodes
            assert np.array_equal(lower, found.total)
            assert np.array_equal(kept.reshape(rows, positions), found.lots)
            assert np.array_equal(lower == upper, found.exact | (lower == cap))


@settings(max_examples=200, **HOUSE)
@given(st.integers(0, 2**32 - 1), st.floats(-6, 0.1))
def test_lots_given_back_are_the_same(numba, seed, share):
    g = np.random.default_rng(seed)
    size = int(g.integers(0, 1500))
    value = np.exp(g.normal(0, g.choice([0.1, 1, 4]), size))
    value = np.round(value, 1) + 0.1 if seed % 3 == 0 else value
    lots = np.floor(10 ** g.uniform(0, 3, size)) * (g.random(size) < 0.7)
    overshoot = float((lots * value).sum() * 10**share)
    one, two = (kernel.give_back(lots, value, overshoot) for kernel in (NUMPY, numba))
    assert np.array_equal(one, two)
    assert ((lots - one) * value).sum() <= overshoot * (1 + REL_TOL)


def test_sums_are_added_in_numpys_order():
    from adl_opt.kernels.compiled.order import pairwise

    g = np.random.default_rng(0)
    for size in (*range(300), 1000, 8192, 8193, 20_000, 100_001):
        values = np.exp(g.normal(0, 5, size + 3))
        assert pairwise(values, 3, size) == np.sum(values[3:])


def test_a_limit_beyond_any_integer_is_no_limit(monkeypatch, numba):
    call = [9.0, 7.0], [0, 0, 1], [3.0, 2.0, 1.0], [3, 1, 7], 9.0
    for kernel in (NUMPY, numba):
        monkeypatch.setattr(lots, "engine", lambda kernel=kernel: kernel)
        assert minmax_lots(*call, node_limit=10**40).gap == 0


def test_machine_code_of_other_sources_is_forgotten(tmp_path):
    from adl_opt.kernels.compiled import jit

    function = SimpleNamespace(stats=SimpleNamespace(cache_path=tmp_path / "cache"))
    assert jit.renew(function)
    stale, other = tmp_path / "cache" / "sums.search-1.py311.nbi", tmp_path / "cache" / "sums.pyc"
    stale.touch()
    other.touch()
    assert not jit.renew(function)
    assert stale.exists()
    (tmp_path / "cache" / jit.STAMP).write_text("of an older version")
    assert jit.renew(function)
    assert not stale.exists()
    assert other.exists()
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [jit.STAMP, "sums.pyc"]
    assert jit.renew(SimpleNamespace(stats=SimpleNamespace(cache_path=None)))


def test_the_switch_keeps_numpy(monkeypatch):
    for wanted, found, name in (("0", True, "numpy"), ("1", False, "numpy"), ("1", True, "numba")):
        monkeypatch.setenv(lots_engine.SWITCH, wanted)
        monkeypatch.setattr(lots_engine, "find_spec", lambda _, found=found: found or None)
        assert lots_engine.engine.__wrapped__().name == name


def test_numba_is_imported_by_the_first_problem_not_before():
    code = (
        "import sys; from adl_opt.kernels import minmax_lots; assert 'numba' not in sys.modules; "
        "print(minmax_lots([9.0], [0], [3.0], [3], 5.0).lots, 'numba' in sys.modules)"
    )
    for wanted in "01":
        env = {**os.environ, lots_engine.SWITCH: wanted}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
        assert run.stdout.split() == ["[2]", str(wanted == "1")]
        assert run.stderr == ""


def test_dust_and_huge_amounts(numba):
    capacity, value = np.array([1e12, 1e-9, 0.0, 3e5]), np.array([1e9, 1e-10, 5.0, 0.25, 1e3])
    problem = checked_problem(capacity, [0, 1, 2, 3, 3], value, [10**3, 10, 4, 10**6, 300], 4e11, None)
    answer = same(problem, numba)
    assert answer.gap == 0
    assert answer.certify().ok
