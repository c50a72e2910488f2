"""Both leaves of min-max over lots: equal z, bound, gap and certificate; and how a leaf is chosen."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adl_opt.kernels.lots import engine, row
from adl_opt.kernels.lots.book import lots_book
from adl_opt.kernels.lots.minmax import NODE_LIMIT
from adl_opt.kernels.lots.problem import checked_problem
from adl_opt.kernels.lots.vectors import NUMPY
from tests.kernels.lots.leaves import solved
from tests.kernels.lots.test_adversarial import LOTS, instances

pytest.importorskip("numba")
HOUSE = {"deadline": None, "suppress_health_check": list(HealthCheck)}
CLOSE = 1e-9  # where both gaps are at their goal, z lies in both intervals


@pytest.fixture(scope="module")
def numba():
    return engine.numba()


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


def same(problem, numba, node_limit=NODE_LIMIT, listed=True):
    """Hold both answers together: they agree as far as they prove, and both certificates hold; return one.

    Sums of accounts with very many lots cannot be ``listed``, and then a certificate confirms no bound.
    """
    one, two = (solved(problem, node_limit, leaf) for leaf in (NUMPY, numba))
    for answer, other in ((one, two), (two, one)):
        assert answer.lower_bound <= other.z * (1 + 2e-12) or other.shortfall_usd > 0
        assert answer.nodes <= node_limit
        certificate = answer.certify()
        assert certificate.ok if listed else certificate.integral and certificate.within_capacity
    if one.gap == two.gap == 0:
        assert one.z == pytest.approx(two.z, rel=2e-12)
        assert one.shortfall_usd == pytest.approx(two.shortfall_usd, rel=1e-9, abs=2e-12 * problem.budget)
    elif max(one.gap, two.gap) <= CLOSE:
        assert one.z == pytest.approx(two.z, rel=CLOSE)
    if one.overshoot_proven and two.overshoot_proven:
        assert one.executed_usd == pytest.approx(two.executed_usd, rel=2e-12)
        assert one.lots.sum() == two.lots.sum()
    return two


@pytest.mark.parametrize("part", range(3))
def test_answers_are_the_same(numba, part):
    g = np.random.default_rng(part)
    for _ in range(20):
        same(draw(g), numba, node_limit=int(g.choice([1, 50, 3000, 20_000])))


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
        same(checked_problem(*case), numba, listed=False)
    for _ in range(20):  # equal lots whose sum no float counts
        lots = np.concatenate(([2**53], g.integers(2**50, 2**53, int(g.integers(1, 20)))))
        value = np.ones(lots.size)
        problem = checked_problem([1e30, 5.0], np.zeros(lots.size, int), value, lots, 1e16, None)
        same(problem, numba, listed=False)
        account, value = np.arange(lots.size) % 3, g.choice([0.3, 1.0, 7.0, 7e5], lots.size)
        capacity = np.bincount(account, value * lots, 3) * g.uniform(0.1, 1.5, 3)
        budget = float(g.choice([1e-6, 0.1, 0.9])) * capacity.sum()
        same(
            checked_problem(capacity, account, value, lots, budget, None),
            numba,
            node_limit=2000,
            listed=False,
        )


def test_a_search_without_limit_stays_small(numba):
    """Twelve nearly equal positions: a bound on the combinations is far above any memory."""
    g = np.random.default_rng(1)
    value = np.exp(g.normal(0, 0.02, 12))
    capacity = 10 * value.mean()
    problem = checked_problem(
        [capacity], np.zeros(12, int), value, [10**6] * 12, capacity * (1 - 1e-15), None
    )
    for leaf in (NUMPY, numba):
        answer = solved(problem, 10**18, leaf)
        assert answer.lower_bound <= answer.z


@pytest.mark.parametrize("kind", LOTS)
def test_answers_to_adversarial_lots_are_the_same(numba, kind):
    @given(instances(kind))
    @settings(max_examples=100, **HOUSE)
    def check(instance):
        same(checked_problem(*instance, None), numba)

    check()


def test_books_are_the_same(numba):
    g = np.random.default_rng(0)
    for trial in range(60):
        n = int(g.integers(0, 20))
        m = int(g.integers(0, 90 if trial % 10 else 900)) if n else 0
        capacity = np.where(g.random(n) < 0.2, 0.0, np.exp(g.normal(3, 2, n)))
        base = np.where(g.random(n) < 0.1, 0.0, capacity)
        value = np.round(np.exp(g.normal(0, 1.5, m)), 1) + 0.1
        account, lots = g.integers(0, max(n, 1), m), g.integers(0, 30, m)
        account = np.sort(account) if trial % 2 else account
        problem = checked_problem(capacity, account, value, lots, 1.0, base)
        one, two = (lots_book(problem, leaf) for leaf in (NUMPY, numba))
        assert np.array_equal(one.kept, two.kept)
        assert np.array_equal(one.value, two.value)
        assert np.array_equal(one.lots, two.lots)
        assert (np.diff(one.account) >= 0).all()
        assert (np.diff(one.value)[np.diff(one.account) == 0] < 0).all()  # dearest first, equal lots joined


@settings(max_examples=80, **HOUSE)
@given(st.integers(0, 2**32 - 1))
def test_leaves_find_the_same_sums(numba, seed):
    """All choices are tried, so both find the largest sums."""
    g = np.random.default_rng(seed)
    size = g.integers(2, 5, 6)
    first = np.cumsum(size) - size
    value = np.exp(g.normal(0, 1, size.sum()))
    lots = np.floor(10 ** g.uniform(0, g.choice([0.7, 2.5]), size.sum()))
    room = g.uniform(0, 1.1, 6) * np.add.reduceat(value * lots, first)
    crowds, found = [], []
    for leaf in (NUMPY, numba):
        crowd, out = np.zeros((row.ROWS, 6)), np.zeros(4 * value.size)
        crowd[row.FIRST], crowd[row.SIZE] = first, size
        crowd[row.BASE], crowd[row.CAP], crowd[row.TOP] = room, room, room
        leaf.look(1.0, crowd)
        crowds.append((leaf.greedy(crowd, value, lots, out), crowd.copy()))
        paid = crowd[row.LEAST].copy()
        crowd[row.TRIES], crowd[row.NEAR] = 1e7, 0.0
        leaf.search(crowd, value, lots, out)
        total = crowd[row.LEAST]
        assert (crowd[row.MOST] == total).all()  # exact
        taken = out[np.repeat(crowd[row.SLOT].astype(int), size) * value.size + np.arange(value.size)]
        assert ((taken >= 0) & (taken <= lots) & (taken == np.floor(taken))).all()
        assert np.add.reduceat(taken * value, first) == pytest.approx(total, rel=1e-12)
        assert (total <= room * (1 + 1e-15)).all()
        assert (total >= paid * (1 - 1e-12)).all()
        found.append(total)
    assert crowds[0][0] == pytest.approx(crowds[1][0], rel=1e-12)
    assert crowds[0][1] == pytest.approx(crowds[1][1], rel=1e-12)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_parts_of_the_leaves_are_the_same(numba):
    g = np.random.default_rng(0)
    for size in (0, 1, 7, 5000):
        crowd, singles = np.exp(g.normal(0, 1, (row.ROWS, size))), np.exp(g.normal(0, 1, (3, size)))
        crowd[row.KNOWN], singles[2] = g.random(size) < 0.5, np.floor(singles[2] * 5)
        crowd[[row.SLOT, row.BEST_SLOT, row.UNDER_SLOT]] = g.integers(0, 4, (3, size))
        for z in (0.1, 1.0, 3.0):
            one, two = (leaf.sums(z, singles, crowd) for leaf in (NUMPY, numba))
            assert one == pytest.approx(two, rel=1e-12)
            assert one[0] <= one[2] <= one[1]
            tables = [crowd.copy(), crowd.copy()]
            one, two = (leaf.look(z, table) for leaf, table in zip((NUMPY, numba), tables, strict=True))
            assert one == pytest.approx(two, rel=1e-12)
            assert (tables[0] == tables[1]).all()
            for low in (0.05, 0.9):
                assert NUMPY.jump(low * z, z, singles, crowd) == numba.jump(low * z, z, singles, crowd)
            for allowed, cover in ((0.0, True), (1e-3, False), (1.0, True), (1e9, False)):
                plans = [table.copy() for table in tables]
                one, two = (
                    leaf.plan(p, allowed, cover) for leaf, p in zip((NUMPY, numba), plans, strict=True)
                )
                assert one == pytest.approx(two, rel=1e-12)
                rows = plans[0][row.TRIES] > 0
                assert plans[0][row.TRIES] == pytest.approx(plans[1][row.TRIES], rel=1e-12)
                assert plans[0][row.NEAR][rows] == pytest.approx(plans[1][row.NEAR][rows], rel=1e-12)


@pytest.mark.parametrize("kind", ["fine", "equal", "many"])
def test_no_lot_is_left_that_could_be_given_back(numba, kind):
    g = np.random.default_rng(3)
    value = np.ones(5000) if kind == "equal" else np.exp(g.normal(0, 2, 5000))
    most = g.integers(0, 2 if kind == "many" else 50, 5000).astype(float)
    for overshoot in (0.0, 1.5, 70.0, 3000.0, 1e9):
        for leaf in (NUMPY, numba):
            lots = most.copy()
            leaf.give_back(lots, value, overshoot)
            left = overshoot - (most - lots) @ value
            assert ((lots >= 0) & (lots <= most) & (lots == np.floor(lots))).all()
            assert left >= -1e-9
            assert not (value[lots > 0] <= left * (1 - 1e-9)).any()


def test_a_limit_beyond_any_integer_is_no_limit(numba):
    for leaf in (NUMPY, numba):
        problem = checked_problem([9.0, 7.0], [0, 0, 1], [3.0, 2.0, 1.0], [3, 1, 7], 9.0, None)
        assert solved(problem, 10**40, leaf).gap == 0


def test_machine_code_of_other_sources_is_forgotten(tmp_path):
    source, folder = tmp_path / "machine.py", tmp_path / "cache"
    source.write_text("one")
    assert engine._renew(folder, [source, source])
    stale, other = folder / "machine.search-1.py311.nbi", folder / "machine.pyc"
    stale.touch()
    other.touch()
    assert not engine._renew(folder, [source, source])
    assert stale.exists()
    source.write_text("two")
    assert engine._renew(folder, [source, source])
    assert not stale.exists()
    assert sorted(path.name for path in folder.iterdir()) == [engine.STAMP, "machine.pyc"]


def chosen(monkeypatch, wanted="1"):
    monkeypatch.setenv(engine.SWITCH, wanted)
    return engine.engine.__wrapped__().name


def test_the_switch_keeps_numpy(monkeypatch):
    assert chosen(monkeypatch, "1") == "numba"
    assert chosen(monkeypatch, "0") == "numpy"
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert chosen(monkeypatch) == "numpy"
    monkeypatch.delenv("NUMBA_DISABLE_JIT")
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    assert chosen(monkeypatch) == "numpy"


def test_damaged_machine_code_is_compiled_again_or_left_alone(monkeypatch):
    fails = iter([ValueError("damaged"), None])

    def try_out(leaf):
        error = next(fails)
        if error is not None:
            raise error

    forgotten = []
    monkeypatch.setattr(engine, "_try_out", try_out)
    monkeypatch.setattr(engine, "_forget", forgotten.append)
    assert chosen(monkeypatch) == "numba"
    assert len(forgotten) == 1
    fails = iter([ValueError("damaged"), ValueError("damaged")])
    assert chosen(monkeypatch) == "numpy"


def test_no_folder_for_machine_code_is_numpy(monkeypatch):
    machine = SimpleNamespace(search=SimpleNamespace(stats=SimpleNamespace(cache_path=None)), __file__="x")
    monkeypatch.setattr(engine, "imported", lambda name: machine)
    assert chosen(monkeypatch) == "numpy"


def test_an_import_of_numba_that_is_cut_short_is_undone(monkeypatch):
    def cut(name):
        monkeypatch.setitem(sys.modules, "numba.half", ModuleType("numba.half"))
        raise KeyboardInterrupt

    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "numba"}
    monkeypatch.setattr(engine, "import_module", cut)
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.imported("machine")
        assert not [name for name in sys.modules if name.partition(".")[0] == "numba"]
    finally:
        sys.modules.update(before)


def test_numba_is_imported_by_the_first_problem_not_before():
    code = (
        "import sys; from adl_opt.kernels import minmax_lots; assert 'numba' not in sys.modules; "
        "print(minmax_lots([9.0], [0], [3.0], [3], 5.0).lots, 'numba' in sys.modules)"
    )
    for wanted in "01":
        env = {**os.environ, engine.SWITCH: wanted}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
        assert run.stdout.split() == ["[2]", str(wanted == "1")]
        assert run.stderr == ""


def test_dust_and_huge_amounts(numba):
    capacity, value = np.array([1e12, 1e-9, 0.0, 3e5]), np.array([1e9, 1e-10, 5.0, 0.25, 1e3])
    problem = checked_problem(capacity, [0, 1, 2, 3, 3], value, [10**3, 10, 4, 10**6, 300], 4e11, None)
    assert same(problem, numba).gap == 0
