"""Min-max over lots with at most k payers: against enumeration, against HiGHS, and against itself."""

from __future__ import annotations

import dataclasses

import highspy
import numpy as np
import pytest

from adl_opt.errors import InputError
from adl_opt.kernels import minmax_lots, minmax_lots_choice
from tests.kernels.lots.test_minmax import GOOD, TOL, VALUES, crowd, draw, enumerate_all, planted


def equal_lots(g, m):
    return np.full(m, 3.0)


def coprime(g, m):
    return g.choice([5.0, 7.0, 9.0, 11.0, 16.0], m)


def twins(g, m):
    return np.repeat(g.integers(1, 6, m // 2 + 1), 2)[:m].astype(float)


def tight(seed, values):
    """Three to five accounts of one to three positions; capacities equal in half of the draws."""
    g = np.random.default_rng(seed)
    n = int(g.integers(3, 6))
    account = np.r_[np.arange(n), g.integers(0, n, int(g.integers(0, 3)))]
    lots = g.integers(1, 5 if account.size < 6 else 3, account.size)
    value = values(g, account.size)
    total = np.bincount(account, value * lots, n)
    capacity = np.full(n, total.max()) if g.random() < 0.5 else total * g.choice([0.6, 1.0, 1.2], n)
    base = capacity if g.random() < 0.7 else capacity * g.choice([0.0, 1.0, 2.0], n)
    return capacity, account, value, lots, float(np.floor(total.sum() * g.choice([0.1, 0.3, 0.6, 0.9]))), base


def check(instance, k):
    *front, base = instance
    answer = minmax_lots_choice(*front, k, base=base)
    assert answer.certify().ok, answer.certify()
    assert answer.chosen.size <= k
    if instance[4] == 0:
        assert not answer.lots.any()
        return answer
    z, total, used = enumerate_all(*instance, payers=k)
    assert answer.gap == 0
    if z is None:
        assert answer.shortfall_usd > 0
        assert answer.executed_usd == pytest.approx(total, rel=1e-11)
        return answer
    assert answer.shortfall_usd == 0
    assert answer.z == pytest.approx(z, rel=TOL)
    assert answer.executed_usd >= total * (1 - 1e-11)
    if answer.overshoot_proven:
        assert answer.executed_usd == pytest.approx(total, rel=1e-11)
        assert answer.lots.sum() == used
    return answer


@pytest.mark.parametrize("values", [equal_lots, coprime, twins, VALUES[1], VALUES[4]])
def test_equals_enumeration_for_every_number_of_payers(values):
    for seed in range(12):
        instance = tight(seed, values)
        found = [check(instance, k) for k in range(instance[0].size + 1)]
        covers = [a.z for a in found if a.shortfall_usd == 0]
        assert (np.diff(covers) <= 1e-12).all()
        assert (np.diff([a.shortfall_usd for a in found]) <= 1e-9).all()


@pytest.mark.parametrize("kind", range(len(VALUES)))
def test_equals_enumeration_on_mixed_books(kind):
    for seed in range(30):
        instance = draw(1000 * kind + seed, kind)
        check(instance, 1 + seed % 2)


def test_all_payers_is_the_plain_problem():
    instances = [tight(seed, coprime) for seed in range(20)] + [draw(seed, seed % 6) for seed in range(40)]
    for *front, base in instances:
        one = minmax_lots(*front, base=base)
        for extra in (0, 3):
            other = minmax_lots_choice(*front, len(front[0]) + extra, base=base)
            assert (other.z, other.gap, other.executed_usd) == (one.z, one.gap, one.executed_usd)
            assert (other.lots == one.lots).all()


def test_one_idle_account_makes_no_difference():
    """With an idle account more than payers, the search itself must find what the plain kernel finds."""
    for seed in range(5):
        capacity, account, value, lots, budget = crowd(seed, n=60)
        plain = minmax_lots(capacity, account, value, lots, budget)
        crumb = float(value.min() * 1e-6)
        own = minmax_lots_choice(
            np.r_[capacity, crumb], np.r_[account, 60], np.r_[value, crumb], np.r_[lots, 1], budget, 60
        )
        assert own.z == pytest.approx(plain.z, rel=3e-9)
        assert own.certify().ok


def highs_z(capacity, account, value, lots, budget, k):
    """Least z by HiGHS at gap 0: lots, then a binary for each account, then z."""
    n, m = len(capacity), len(account)
    solver = highspy.Highs()
    for name, setting in {
        "output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 0.0,
        "mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9,
    }.items():  # fmt: skip
        solver.setOptionValue(name, setting)
    x = [solver.addIntegral(lb=0, ub=int(have)) for have in lots]
    pays = [solver.addBinary() for _ in range(n)]
    z = solver.addVariable(lb=0, ub=1)
    for i in range(n):
        paid = sum((float(value[j]) * x[j] for j in np.flatnonzero(account == i)), 0.0 * z)
        solver.addConstr(paid <= float(capacity[i]) * pays[i])
        solver.addConstr(paid <= float(capacity[i]) * z)
    solver.addConstr(sum(float(value[j]) * x[j] for j in range(m)) >= budget)
    solver.addConstr(sum(pays) <= k)
    solver.minimize(z)
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return solver.getInfo().objective_function_value


@pytest.mark.parametrize("seed", range(6))
def test_equals_highs(seed):
    g = np.random.default_rng(seed)
    n, m, k = 6, 10, 2 + seed % 3
    account = np.r_[np.arange(n), g.integers(0, n, m - n)]
    value, lots = g.integers(3, 60, m).astype(float), g.integers(2, 20, m)
    capacity = np.floor(np.bincount(account, value * lots, n) * 0.8) + 1
    budget = float(np.floor(0.4 * np.sort(capacity)[-k:].sum()))
    answer = minmax_lots_choice(capacity, account, value, lots, budget, k)
    assert answer.gap == 0
    assert answer.z == pytest.approx(highs_z(capacity, account, value, lots, budget, k), rel=1e-7)


def test_large_instance_is_proven_certified_and_monotone():
    capacity, account, value, lots, budget = crowd(n=600)
    found = [
        minmax_lots_choice(capacity, account, value, lots, 0.3 * budget, k) for k in (5, 20, 60, 200, 500)
    ]
    for answer in found:
        assert answer.gap <= 1e-8
        assert answer.certify().ok
    assert (np.diff([a.z for a in found]) <= 1e-9).all()


def test_nobody_may_pay():
    answer = minmax_lots_choice([10.0, 10.0], [0, 1], [3.0, 4.0], [3, 2], 8.0, 0)
    assert (answer.z, answer.shortfall_usd, answer.chosen.size) == (0.0, 8.0, 0)
    assert answer.certify().ok
    for k in (0, 1):
        assert minmax_lots_choice([], [], [], [], 0.0, k).certify().ok


@pytest.mark.parametrize("limit", [1, 10, 100, 1000, 10_000])
def test_small_node_limit_is_honest(limit):
    instance = crowd(n=200)
    best = minmax_lots_choice(*instance, 20)
    answer = minmax_lots_choice(*instance, 20, node_limit=limit)
    assert answer.nodes <= limit
    assert answer.lower_bound <= best.z * (1 + TOL)
    assert best.lower_bound <= answer.z * (1 + TOL)
    assert 0 <= answer.gap <= 1
    assert answer.certify().ok


def test_node_limit_without_cover_proves_nothing():
    value, own = np.tile([41.0, 37.0, 31.0, 29.0, 23.0, 19.0], 2), np.repeat([0, 1], 6)
    hard = [150.0, 150.0], own, value, np.ones(12, int), 150.0, 1
    first = minmax_lots_choice(*hard, node_limit=1)
    assert first.shortfall_usd == 0 or first.gap == 1
    assert minmax_lots_choice(*hard).gap == 0


def test_scale_and_permutation():
    capacity, account, value, lots, budget = crowd(n=100)
    one = minmax_lots_choice(capacity, account, value, lots, budget, 15)
    again = minmax_lots_choice(2.0**30 * capacity, account, 2.0**30 * value, lots, 2.0**30 * budget, 15)
    assert (again.lots == one.lots).all()
    order = np.random.default_rng(0).permutation(capacity.size)
    other = minmax_lots_choice(capacity[order], np.argsort(order)[account], value, lots, budget, 15)
    assert other.z == pytest.approx(one.z, rel=1e-9)


@pytest.mark.parametrize(
    ("instance", "k"),
    [(crowd(n=80), 12), (([10.0, 9.0, 8.0], [0, 1, 1, 2], [3.0, 2.0, 4.0, 1.0], [3, 2, 2, 4], 11.0), 2)],
)
def test_certificate_rejects_planted_errors(instance, k):
    answer = minmax_lots_choice(*instance, k)
    assert answer.certify().ok
    for name, wrong in planted(answer):
        assert not wrong.certify().ok, name
    assert not dataclasses.replace(answer, chosen=answer.chosen[:-1]).certify().ok
    assert not dataclasses.replace(answer, accounts=answer.chosen.size - 1).certify().ok
    assert not dataclasses.replace(answer, accounts=answer.problem.capacity.size).certify().ok


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"accounts": -1}, "accounts = -1"),
        ({"accounts": 1.5}, "accounts = 1.5"),
        ({"accounts": True}, "accounts = True"),
        ({"capacity": [10.0, np.nan]}, "capacity[1] = nan"),
        ({"lot_value": [1.0, 0.0]}, "lot_value[1] = 0.0"),
        ({"lots": [3, 1.5]}, "lots[1] = 1.5"),
        ({"budget": -1.0}, "budget = -1.0"),
        ({"node_limit": 0}, "node_limit = 0"),
    ],
)
def test_bad_input_is_refused_in_three_parts(change, shown):
    with pytest.raises(InputError) as caught:
        minmax_lots_choice(**({"accounts": 1} | GOOD | change))
    assert shown in caught.value.got
    assert caught.value.what
    assert caught.value.ways_out
