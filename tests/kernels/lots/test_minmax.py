"""Min-max over lots: against enumeration, against HiGHS, and against itself."""

from __future__ import annotations

import dataclasses
import itertools
import time

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import LotsResult, minmax_lots
from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.certificate import payable
from adl_opt.kernels.lots.pairs import best_pair
from adl_opt.kernels.lots.problem import checked_problem
from adl_opt.kernels.lots.vectors import NUMPY

TOL = 2e-12


def enumerate_all(capacity, account, value, lots, budget, base, payers=None):
    """(z, total, lots used) of the best cover by at most so many payers, or (None, most, None)."""
    grid = np.array(list(itertools.product(*[range(int(k) + 1) for k in lots])), float).reshape(-1, len(lots))
    paid = np.zeros((len(grid), len(capacity)))
    for j, i in enumerate(account):
        paid[:, i] += grid[:, j] * value[j]
    legal = ((paid <= capacity * (1 + 1e-12)) & ((base > 0) | (paid == 0))).all(axis=1)
    legal &= (paid > 0).sum(axis=1) <= (len(capacity) if payers is None else payers)
    paid, grid = paid[legal], grid[legal]
    total = paid.sum(axis=1)
    cover = total >= budget * (1 - 1e-12)
    if not cover.any():
        return None, total.max(), None
    burden = (paid / np.where(base > 0, base, 1.0)).max(axis=1, initial=0.0)
    z = burden[cover].min()
    best = cover & (burden <= z * (1 + 1e-12))
    least = total[best].min()
    return z, least, grid[best & (total <= least + 1e-12 * budget)].sum(axis=1).min()


VALUES = [
    lambda g, m: g.integers(1, 30, m).astype(float),
    lambda g, m: np.exp(g.normal(0, 3, m)),
    lambda g, m: np.full(m, g.choice([0.1, 0.3, 7.0])),
    lambda g, m: g.choice([7.0, 11.0, 13.0, 17.0, 101.0, 997.0], m),
    lambda g, m: g.choice([1e-9, 1e9, 0.1, 0.2, 0.3, 1 / 3], m),
    lambda g, m: np.round(g.random(m) * 3 + 0.01, 2),
]


def draw(seed, kind):
    """A small instance: lot values of one kind, capacities around the lots, budgets from dust to too much."""
    g = np.random.default_rng(seed)
    m, n = int(g.integers(0, 7)), int(g.integers(1, 5))
    account = g.integers(0, n, m)
    value = VALUES[kind](g, m)
    lots = g.integers(0, 4 if m > 4 else 6 if m > 3 else 12, m)
    total = np.bincount(account, value * lots, n)
    capacity = total * g.choice([0, 0.3, 0.7, 1, 1.5], n)
    base = capacity if g.random() < 0.6 else capacity * np.exp(g.normal(0, 1, n)) * g.choice([0, 1, 1, 1], n)
    budget = float(np.minimum(capacity, total).sum() * g.choice([0.02, 0.3, 0.7, 0.95, 1.0, 1.2]))
    return capacity, account, value, lots, budget, base


def solve(instance, **options):
    *front, base = instance
    return minmax_lots(*front, base=base, **options)


def check(instance):
    answer = solve(instance)
    assert answer.certify().ok, answer.certify()
    if instance[4] == 0:
        assert answer.z == 0
        assert not answer.lots.any()
        return
    z, total, used = enumerate_all(*instance)
    assert answer.gap == 0
    assert answer.executed_usd == pytest.approx(total, rel=1e-11)
    if z is None:
        assert answer.shortfall_usd > 0
    else:
        assert answer.shortfall_usd == 0
        assert answer.z == pytest.approx(z, rel=TOL)
        if answer.overshoot_proven:
            assert answer.lots.sum() == used


@pytest.mark.parametrize("kind", range(len(VALUES)))
def test_equals_enumeration(kind):
    for seed in range(20):
        check(draw(1000 * kind + seed, kind))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40), st.integers(0, 5)), max_size=5),
    capacity=st.lists(st.integers(0, 120), min_size=3, max_size=3),
    share=st.floats(0, 1.2),
)
def test_equals_enumeration_on_whole_numbers(rows, capacity, share):
    account, value, lots = (np.array([row[c] for row in rows], dtype=int) for c in range(3))
    room = np.array(capacity, dtype=float)
    budget = float(np.floor(share * np.minimum(room, np.bincount(account, value * lots, 3)).sum()))
    check((room, account, value.astype(float), lots, budget, room))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data())
def test_subset_sums_are_the_best(data):
    columns = data.draw(st.integers(2, 4))
    value = np.array([data.draw(st.lists(st.integers(1, 90), min_size=columns, max_size=columns))], float)
    most = 300 if columns == 2 else 7
    lots = np.array([data.draw(st.lists(st.integers(0, most), min_size=columns, max_size=columns))], float)
    cap = np.array([data.draw(st.integers(0, int((value * lots).sum()) + 5))], float)
    sums = np.zeros(1)
    for j in range(columns):
        sums = np.unique(sums[:, None] + value[0, j] * np.arange(lots[0, j] + 1))
    best = sums[sums <= cap[0]].max()
    crowd, out = np.zeros((row.ROWS, 1)), np.zeros(row.SLOTS * columns)
    crowd[row.SIZE], crowd[row.ROOM], crowd[row.TRIES] = columns, cap, 1e9
    NUMPY.search(crowd, value[0], lots[0], out)
    assert crowd[row.LEAST] == crowd[row.MOST] == best
    found = out[int(crowd[row.SLOT, 0]) * columns :][:columns]
    assert (found * value[0]).sum() == best
    assert ((found >= 0) & (found <= lots[0])).all()
    problem = checked_problem(cap, np.zeros(columns, int), value[0], lots[0], 1.0, None)
    assert payable(problem, 1.0, -1.0) == best
    if columns == 2:
        assert (best_pair(cap, value, lots) * value).sum() == best


def highs_z(capacity, account, value, lots, budget):
    """Optimal z by HiGHS at gap 0 (variables: lots, then z; every integer found is within 1e-6)."""
    n, m = len(capacity), len(account)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = m + 1, 2 * n + 1
    lp.col_cost_ = np.r_[np.zeros(m), 1.0]
    lp.col_lower_ = np.zeros(m + 1)
    lp.col_upper_ = np.r_[lots.astype(float), 1.0]
    lp.row_lower_ = np.r_[np.full(2 * n, -highspy.kHighsInf), budget]
    lp.row_upper_ = np.r_[capacity, np.zeros(n), highspy.kHighsInf]
    index = np.column_stack((account, n + account, np.full(m, 2 * n))).ravel()
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.r_[np.arange(m + 1) * 3, 3 * m + n].astype(np.int32)
    lp.a_matrix_.index_ = np.r_[index, n + np.arange(n)].astype(np.int32)
    lp.a_matrix_.value_ = np.r_[np.repeat(value, 3), -capacity]
    lp.integrality_ = [highspy.HighsVarType.kInteger] * m + [highspy.HighsVarType.kContinuous]
    solver = highspy.Highs()
    for name, setting in {
        "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 0.0, "mip_abs_gap": 0.0,
        "mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9,
    }.items():  # fmt: skip
        assert solver.setOptionValue(name, setting) == highspy.HighsStatus.kOk
    assert solver.passModel(lp) == highspy.HighsStatus.kOk
    assert solver.run() == highspy.HighsStatus.kOk
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return solver.getInfo().objective_function_value


@pytest.mark.parametrize("seed", range(6))
def test_equals_highs(seed):
    g = np.random.default_rng(seed)
    n, m = 5, 9
    account = np.r_[np.arange(n), g.integers(0, n, m - n)]
    value, lots = g.integers(3, 60, m).astype(float), g.integers(2, 20, m)
    capacity = np.floor(np.bincount(account, value * lots, n) * 0.8) + 1
    budget = float(np.floor(0.3 * capacity.sum()))
    answer = minmax_lots(capacity, account, value, lots, budget)
    assert answer.gap == 0
    assert answer.z == pytest.approx(highs_z(capacity, account, value, lots, budget), rel=1e-7)


def crowd(seed=3, n=400):
    """Heavy-tailed accounts with one to six positions of hundreds of lots."""
    g = np.random.default_rng(seed)
    account = np.repeat(np.arange(n), np.minimum(g.geometric(0.6, n), 6))
    capacity = np.exp(g.normal(6, 2.5, n))
    lots = np.ceil(np.exp(g.normal(6, 1, account.size))).astype(int)
    share = g.exponential(size=account.size)
    value = capacity[account] * share / np.bincount(account, share)[account] / lots
    return capacity, account, value, lots, 0.02 * capacity.sum()


def test_large_instance_is_proven_and_certified():
    answer = minmax_lots(*crowd())
    assert answer.gap <= 1e-9
    assert answer.certify().ok
    assert answer.overshoot_usd >= 0 or answer.shortfall_usd == 0


def test_same_input_same_bits_and_permuted_accounts_permute():
    capacity, account, value, lots, budget = crowd(n=150)
    one, two = (
        minmax_lots(capacity, account, value, lots, budget),
        minmax_lots(capacity, account, value, lots, budget),
    )
    assert (one.lots == two.lots).all()
    assert (one.z, one.lower_bound, one.nodes) == (two.z, two.lower_bound, two.nodes)
    g = np.random.default_rng(0)
    order, rows = g.permutation(capacity.size), g.permutation(account.size)
    place = np.argsort(order)
    other = minmax_lots(capacity[order], place[account][rows], value[rows], lots[rows], budget)
    assert other.z == pytest.approx(one.z, rel=1e-9)
    for kind in range(len(VALUES)):
        u, a, d, k, b, w = draw(77 + kind, kind)
        order = g.permutation(u.size)
        mixed = minmax_lots(u[order], np.argsort(order)[a], d, k, b, base=w[order])
        assert mixed.z == pytest.approx(solve((u, a, d, k, b, w)).z, rel=TOL)


def test_money_scales_by_powers_of_two():
    capacity, account, value, lots, budget = crowd(n=100)
    one = minmax_lots(capacity, account, value, lots, budget)
    for scale in (2.0**-20, 2.0**30):
        other = minmax_lots(scale * capacity, account, scale * value, lots, scale * budget)
        assert other.z == one.z
        assert (other.lots == one.lots).all()


def test_burden_grows_with_the_budget():
    capacity, account, value, lots, _ = crowd(n=60)
    z = [minmax_lots(capacity, account, value, lots, s * capacity.sum()).z for s in np.linspace(0, 0.9, 25)]
    assert (np.diff(z) >= -1e-9 * np.array(z[1:])).all()


@pytest.mark.parametrize("limit", [1, 10, 100, 1000, 10_000])
def test_small_node_limit_is_honest(limit):
    instance = crowd(n=200)
    best = minmax_lots(*instance)
    answer = minmax_lots(*instance, node_limit=limit)
    assert answer.nodes <= limit
    assert answer.lower_bound <= best.z * (1 + TOL)
    assert best.lower_bound <= answer.z * (1 + TOL)
    assert 0 <= answer.gap <= 1
    assert answer.certify().ok
    if limit == 1:
        assert answer.gap > 0


def test_node_limit_without_cover_proves_nothing():
    value = np.array([41.0, 37.0, 31.0, 29.0, 23.0, 19.0])
    answer = minmax_lots([150.0], np.zeros(6, int), value, np.ones(6, int), 150.0, node_limit=1)
    assert answer.shortfall_usd == 0 or answer.gap == 1
    assert minmax_lots([150.0], np.zeros(6, int), value, np.ones(6, int), 150.0).gap == 0


@pytest.mark.parametrize("z", [0.1, 0.3, 0.7])
def test_lots_that_fill_a_cap_exactly_are_taken(z):
    """0.1 * 3 > 0.3 in floats: whole lots decide, not rounding."""
    for lots in (3, 7, 10, 1000):
        answer = minmax_lots([0.1 * lots], [0], [0.1], [lots], 0.1 * lots)
        assert answer.lots[0] == lots
        assert answer.z == 1
        assert answer.haircut_usd[0] <= 0.1 * lots
        part = minmax_lots([1.0], [0], [z / lots], [10 * lots], z)
        assert part.lots[0] == lots


def test_shortfall_is_named_and_maximal():
    answer = minmax_lots(
        [10.0, 7.0, 5.0], [0, 0, 1, 2], [4.0, 3.0, 2.0, 5.0], [9, 9, 2, 1], 100.0, base=[10, 7, 0]
    )
    assert answer.haircut_usd.tolist() == [10.0, 4.0, 0.0]
    assert answer.shortfall_usd == 86.0
    assert answer.gap == 0
    assert answer.certify().ok


@pytest.mark.parametrize(
    ("instance", "z"),
    [
        (([], [], [], [], 0.0), 0.0),
        (([], [], [], [], 5.0), 0.0),
        (([1.0, 2.0], [], [], [], 1.0), 0.0),
        (([0.0], [0], [1.0], [5], 1.0), 0.0),
        (([1e12, 1e-12], [0, 1], [1e3, 1e-13], [10**9, 10], 5e11), 0.5),
        (([1e-12], [0], [1e-14], [100], 5e-13), 0.5),
        (([10.0, 10.0], [0, 1], [1.0, 1.0], [10, 10], 0.0), 0.0),
    ],
)
def test_edges(instance, z):
    answer = minmax_lots(*instance)
    assert answer.z == pytest.approx(z, rel=TOL)
    assert answer.certify().ok
    if instance[4] == 0:
        assert not answer.lots.any()


def test_overshoot_then_fewest_lots():
    """At z = 0.4 each account pays exactly 4: four lots of 1, or 3 + 1; the second is fewer lots."""
    answer = minmax_lots([10.0, 10.0], [0, 0, 1, 1], [5.0, 1.0, 3.0, 1.0], [1, 6, 1, 6], 8.0)
    assert answer.executed_usd == 8.0
    assert answer.z == 0.4
    assert answer.overshoot_proven
    assert answer.lots.sum() == 6


def planted(answer: LotsResult):
    j = int(np.argmax(answer.lots))
    for step in (-1, 1):
        lots = answer.lots.copy()
        lots[j] += step
        yield "lots", dataclasses.replace(answer, lots=lots)
    yield "fraction", dataclasses.replace(answer, lots=answer.lots + 0.5)
    yield "z", dataclasses.replace(answer, z=answer.z * (1 - 1e-9), lower_bound=0.0, gap=1.0)
    yield (
        "bound",
        dataclasses.replace(answer, z=answer.z * 1.01, lower_bound=answer.z * 1.005, gap=0.005 / 1.01),
    )
    yield "above", dataclasses.replace(answer, lower_bound=answer.z * 1.01)
    yield "gap", dataclasses.replace(answer, lower_bound=answer.z * 0.9)
    yield "haircut", dataclasses.replace(answer, haircut_usd=answer.haircut_usd * 1.01)
    yield "executed", dataclasses.replace(answer, executed_usd=answer.executed_usd * 1.01)
    yield "overshoot", dataclasses.replace(answer, overshoot_usd=answer.overshoot_usd + 1)
    yield "shortfall", dataclasses.replace(answer, shortfall_usd=1.0)
    yield "shape", dataclasses.replace(answer, lots=answer.lots[:-1])
    yield "nan", dataclasses.replace(answer, z=float("nan"))


@pytest.mark.parametrize(
    "instance", [crowd(n=80), ([10.0, 9.0], [0, 1, 1], [3.0, 2.0, 4.0], [3, 2, 2], 11.0)]
)
def test_certificate_rejects_planted_errors(instance):
    answer = minmax_lots(*instance)
    assert answer.certify().ok
    for name, wrong in planted(answer):
        assert not wrong.certify().ok, name


GOOD = {"capacity": [10.0, 10.0], "account": [0, 1], "lot_value": [1.0, 2.0], "lots": [3, 4], "budget": 5.0}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"capacity": [10.0, np.nan]}, "capacity[1] = nan"),
        ({"capacity": [np.inf, 1.0]}, "capacity[0] = inf"),
        ({"capacity": [1.0, -2.0]}, "capacity[1] = -2.0"),
        ({"capacity": [[1.0, 2.0]]}, "shape (1, 2)"),
        ({"capacity": ["a", "b"]}, "capacity = ['a', 'b']"),
        ({"lot_value": [1.0, 0.0]}, "lot_value[1] = 0.0"),
        ({"lot_value": [-1.0, 1.0]}, "lot_value[0] = -1.0"),
        ({"lot_value": [np.nan, 1.0]}, "lot_value[0] = nan"),
        ({"lot_value": [1.0]}, "1 values of lot_value"),
        ({"lots": [3, -1]}, "lots[1] = -1"),
        ({"lots": [3, 1.5]}, "lots[1] = 1.5"),
        ({"lots": [3, np.nan]}, "lots[1] = nan"),
        ({"lots": [3, 2**60]}, "lots[1] = "),
        ({"lots": [3]}, "1 values of lots"),
        ({"account": [0, 2]}, "account[1] = 2"),
        ({"account": [-1, 1]}, "account[0] = -1"),
        ({"account": [0, 0.5]}, "account[1] = 0.5"),
        ({"budget": -1.0}, "budget = -1.0"),
        ({"budget": np.nan}, "budget = nan"),
        ({"budget": np.inf}, "budget = inf"),
        ({"base": [1.0, np.nan]}, "base[1] = nan"),
        ({"base": [1.0, -1.0]}, "base[1] = -1.0"),
        ({"base": [1.0, 5e-324]}, "base[1] = 5e-324"),
        ({"base": [1.0]}, "1 values of base"),
        ({"node_limit": 0}, "node_limit = 0"),
        ({"node_limit": 1.5}, "node_limit = 1.5"),
    ],
)
def test_bad_input_is_refused_in_three_parts(change, shown):
    with pytest.raises(InputError) as caught:
        minmax_lots(**(GOOD | change))
    assert shown in caught.value.got
    assert caught.value.what
    assert caught.value.ways_out


def test_lots_beyond_what_floats_count_are_spread_over_equal_positions():
    """Sums of lots above 2**53 must not blur the lots of another account."""
    lots = [2**53, 2**53 - 1, 1, 5, 3]
    answer = minmax_lots([1e30, 3.0], [0, 0, 1, 1, 1], [1e3, 7e2, 0.8, 0.8, 0.8], lots, 1e29)
    assert answer.lots.tolist() == [2**53, 2**53 - 1, 1, 2, 0]
    assert answer.certify().ok


@pytest.mark.parametrize("cap", [49974.33960519, 49974.33960517, 12345.6789])
def test_pairs_of_a_hundred_million_lots_are_not_lost_to_rounding(cap):
    """Lots worth whole multiples of 2e-8: the best sum lies less than that below the cap."""
    value, lots = np.array([[0.00027964, 0.00069026]]), np.array([[178710836.0, 72399694.0]])
    for order in ([0, 1], [1, 0]):
        pair = best_pair(np.array([cap]), value[:, order], lots[:, order])
        assert 0 <= cap - float((pair * value[:, order]).sum()) < 2.1e-8


def test_least_overshoot_is_promised_only_where_it_is_proven():
    """Here 12,345 can be met exactly; too many sums to prove what is least."""
    value, lots = [7.0, 11.0, 13.0, 17.0], [1000, 999, 997, 991]
    answer = minmax_lots([1e4, 1e4], [0, 0, 1, 1], value, lots, 12345.0)
    assert answer.gap == 0
    assert answer.overshoot_usd == 0 or not answer.overshoot_proven
    assert answer.overshoot_usd < min(value)  # no single lot can be given back


@pytest.mark.parametrize("lots", [10**9, 10**12, 10**14])
def test_the_tolerance_is_not_used_up_by_rounding(lots):
    """Lots so fine that every budget is met almost exactly: never short, never far above."""
    g = np.random.default_rng(lots)
    for _ in range(40):
        capacity = np.exp(g.normal(8, 3, 3))
        budget = float(g.uniform(0.01, 0.99) * capacity.sum())
        answer = minmax_lots(capacity, [0, 1, 2], capacity / lots, [lots] * 3, budget)
        assert answer.shortfall_usd == 0
        assert answer.executed_usd == pytest.approx(budget, rel=1e-12, abs=capacity.max() / lots)
        assert answer.certify().ok


def test_the_certificate_takes_no_longer_than_the_search_of_fine_lots():
    """Lots of 1e10 to 1e12: sums cannot be listed, and few accounts need to be looked at."""
    g = np.random.default_rng(0)
    account = np.sort(np.concatenate((np.arange(2300), g.integers(0, 2300, 2200))))
    capacity, lots = (
        np.exp(g.normal(10, 2.5, 2300)),
        np.floor(10 ** g.uniform(0, 12, account.size)).astype(int),
    )
    part = 0.05 + g.random(account.size)
    value = capacity[account] * part / np.bincount(account, part)[account] / lots
    for share in (0.02, 0.3):
        spent = []
        for _ in range(3):
            start = time.process_time()
            answer = minmax_lots(capacity, account, value, lots, share * capacity.sum())
            middle = time.process_time()
            assert answer.certify().ok
            spent.append((middle - start, time.process_time() - middle))
        search, certificate = np.min(spent, axis=0)
        assert certificate < 2 * search + 0.02  # about the same; times of some milliseconds scatter


def test_lots_of_one_value_are_counted_and_not_listed():
    """Four positions of 5,000 lots each: to list their sums would take longer than a certificate may."""
    answer = minmax_lots([1e5, 1e5], [0, 0, 0, 0, 1], [3.0, 3.0, 3.0, 3.0, 7.0], [5000] * 5, 20_000.0)
    cap = next(c for c in itertools.count() if c // 3 * 3 + c // 7 * 7 >= 20_000)
    assert answer.z == pytest.approx(cap / 1e5, rel=1e-12)
    assert answer.gap == 0.0
    assert answer.certify().ok
    assert payable(answer.problem, (cap - 0.5) / 1e5, 0.0) == (cap - 1) // 3 * 3 + (cap - 1) // 7 * 7
