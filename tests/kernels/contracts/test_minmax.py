"""Min-max in contract space against enumeration in rationals, a linear program, and water-filling."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import minmax_contracts, waterfill
from adl_opt.kernels.contracts import levels
from tests.kernels.contracts.books import KINDS, enumerated, large, small


@pytest.mark.parametrize("kind", KINDS)
def test_haircuts_are_those_of_enumerating_all_sets_of_cells(kind):
    for seed in range(30):
        book = small(seed, kind)
        answer, (haircut, _) = minmax_contracts(*book), enumerated(book)
        u = book[0]
        z = max(
            (float(x / v) for x, v in zip(haircut, np.where(u > 0, u, 1).tolist(), strict=True)), default=0
        )
        assert answer.z == pytest.approx(z, rel=1e-12)
        np.testing.assert_allclose(answer.haircut_usd, np.array(haircut, dtype=float), rtol=1e-11)


@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.booleans())
@settings(deadline=None, max_examples=300)
def test_every_answer_is_proven_in_rationals(seed, kind, hard_cap):
    answer = minmax_contracts(*small(seed, kind), hard_cap=hard_cap)
    assert answer.certify(exact=True).ok
    assert answer.certify().ok
    assert answer.gap <= 1e-12


@pytest.mark.parametrize("kind", ["usual", "level", "chain", "whole"])
def test_z_is_the_optimum_of_the_linear_program(kind):
    optimize = pytest.importorskip("scipy.optimize")
    for seed in range(40):
        u, account, cell, cap, demand = small(seed, kind)
        able = cap * (u[account] > 0)
        need = np.minimum(demand, np.bincount(cell, able, demand.size))
        of_cell = cell == np.arange(demand.size)[:, None]
        of_account = np.column_stack([account == np.arange(u.size)[:, None], -u])
        found = optimize.linprog(
            np.append(np.zeros(cap.size), 1.0),
            A_ub=of_account,
            b_ub=np.zeros(u.size),
            A_eq=np.column_stack([of_cell, np.zeros(demand.size)]),
            b_eq=need,
            bounds=[(0, c) for c in able] + [(0, None)],
        )
        assert minmax_contracts(u, account, cell, cap, demand).z == pytest.approx(
            found.fun, rel=1e-7, abs=1e-9
        )


@pytest.mark.parametrize("kind", ["usual", "tied", "chain"])
def test_large_books_are_proven_and_fast(kind):
    book = large(20_000, 160, kind)
    minmax_contracts(*small(0, "usual"))
    start = time.process_time()
    answer = minmax_contracts(*book)
    assert time.process_time() - start < 3.0  # 0.05 s on a machine that is not busy
    assert answer.gap <= 1e-12
    assert answer.certify().ok
    if kind == "tied":
        assert answer.z == pytest.approx(0.05, rel=1e-12)
        assert answer.deciding.all()


def test_one_cell_is_water_filling():
    assert minmax_contracts([100.0, 100.0], [0, 1], [0, 0], [10.0, 100.0], [50.0]).haircut_usd.tolist() == [
        10,
        40,
    ]
    rng = np.random.default_rng(4)
    u, share = np.exp(rng.normal(5, 2, 500)), rng.random(500)
    filled = waterfill(u, 0.2 * float(u @ share), cap=share)
    answer = minmax_contracts(u, np.arange(500), np.zeros(500, int), u * share, [0.2 * float(u @ share)])
    np.testing.assert_allclose(answer.haircut_usd, filled, rtol=1e-11)


@given(st.integers(0, 2**32), st.sampled_from(KINDS))
@settings(deadline=None, max_examples=100)
def test_a_pool_of_the_cells_has_no_larger_burden(seed, kind):
    u, account, cell, cap, demand = small(seed, kind)
    able = cap * (u[account] > 0)
    pooled = [np.minimum(demand, np.bincount(cell, able, demand.size)).sum()]
    pool = minmax_contracts(u, account, 0 * cell, cap, pooled)
    assert pool.z <= minmax_contracts(u, account, cell, cap, demand).z * (1 + 1e-12)


def test_the_answer_is_lexicographic_not_only_the_largest_burden():
    answer = minmax_contracts(np.ones(4), [0, 1, 2, 3], [0, 0, 1, 1], np.full(4, 9.0), [4.0, 1.0])
    assert answer.haircut_usd.tolist() == [2.0, 2.0, 0.5, 0.5]
    assert answer.level.tolist() == [2.0, 0.5]
    assert answer.deciding.tolist() == [True, False]


def test_what_cannot_be_covered_is_a_residual_of_its_cell():
    u, account, cell = [10.0, 0.0, 5.0], [0, 1, 2, 2], [0, 0, 1, 2]
    answer = minmax_contracts(u, account, cell, [4.0, 7.0, 2.0, 0.0], [9.0, 1.0, 3.0])
    assert answer.residual_usd.tolist() == [5.0, 0.0, 3.0]
    assert answer.leg_usd.tolist() == [4.0, 0.0, 1.0, 0.0]
    assert answer.certify(exact=True).ok


def test_a_burden_above_one_is_stated_and_the_hard_cap_leaves_a_residual():
    book = ([10.0, 20.0], [0, 0, 1], [0, 1, 1], [50.0, 50.0, 50.0], [15.0, 10.0])
    free, capped = minmax_contracts(*book), minmax_contracts(*book, hard_cap=True)
    assert free.z == 1.5
    assert not free.residual_usd.any()
    assert capped.z == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(capped.residual_usd, [5.0, 0.0], rtol=1e-12)
    np.testing.assert_allclose(capped.haircut_usd, [10.0, 10.0], rtol=1e-12)
    assert np.all(capped.haircut_usd <= book[0])
    assert capped.certify(exact=True).ok


def test_the_least_residual_under_the_hard_cap_is_that_of_the_linear_program():
    optimize = pytest.importorskip("scipy.optimize")
    for seed in range(40):
        u, account, cell, cap, demand = small(seed, "usual")
        of_cell, of_account = (
            index == np.arange(size)[:, None] for index, size in ((cell, demand.size), (account, u.size))
        )
        if cap.size == 0:
            continue
        most = optimize.linprog(
            -np.ones(cap.size),
            A_ub=np.vstack([of_cell, of_account]),
            b_ub=np.append(demand, u),
            bounds=[(0, c) for c in cap],
        )
        answer = minmax_contracts(u, account, cell, cap, demand, hard_cap=True)
        assert answer.leg_usd.sum() == pytest.approx(-most.fun, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("size", [1e-100, 1.0, 1e100])
def test_huge_and_tiny_amounts(size):
    u, account, cell, cap, demand = small(3, "usual")
    answer = minmax_contracts(u * size, account, cell, cap * size, demand * size)
    assert answer.z == pytest.approx(minmax_contracts(u, account, cell, cap, demand).z, rel=1e-12)
    assert answer.certify().ok


def test_nothing_to_do():
    for book in (([], [], [], [], []), ([1.0], [], [], [], [2.0]), ([1.0], [0], [0], [1.0], [0.0])):
        answer = minmax_contracts(*book)
        assert (answer.z, answer.gap, answer.leg_usd.sum()) == (0.0, 0.0, 0.0)
        assert answer.residual_usd.sum() == sum(book[4])
        assert answer.certify(exact=True).ok


def test_one_block_of_all_cells_ends_a_search_that_does_not(monkeypatch):
    monkeypatch.setattr(levels, "ROUNDS", 0)
    for kind in KINDS:
        assert minmax_contracts(*small(8, kind)).certify(exact=True).ok


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"capacity": [-1.0, 1.0]}, "capacity"),
        ({"capacity": [1e-200, 1.0]}, "capacity is too small"),
        ({"account": [0, 2]}, "account is out of range"),
        ({"cell": [0, -1]}, "cell is out of range"),
        ({"cell": [0.0, 1.0]}, "cell is not one whole number"),
        ({"account": [0]}, "account is not one whole number"),
        ({"cap": [np.nan, 1.0]}, "cap"),
        ({"demand": [-1.0, 1.0]}, "demand"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, what):
    book = {
        "capacity": [1.0, 1.0],
        "account": [0, 1],
        "cell": [0, 1],
        "cap": [1.0, 1.0],
        "demand": [1.0, 1.0],
    }
    with pytest.raises(InputError, match=what):
        minmax_contracts(**(book | change))
