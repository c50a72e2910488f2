"""Whole lots in contract space against enumeration, and faults that the certificate finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import minmax_contract_lots, minmax_contracts
from benchmarks.instances import draw_contracts
from tests.kernels.contracts.books import large


def small(seed, cells=3):
    """At most 4 accounts and 6 legs of few lots; lots of a cell have one value as a rule."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    account, cell = rng.integers(0, n, m), rng.integers(0, cells, m)
    value = rng.integers(1, 5, cells).astype(float)[cell]
    if rng.random() < 0.3:
        value = rng.integers(1, 5, m).astype(float)
    lots = rng.integers(0, 5, m)
    u = rng.integers(0, 20, n).astype(float) if rng.random() < 0.3 else np.exp(rng.normal(2, 1, n))
    demand = np.floor(np.bincount(cell, value * lots, cells) * rng.random(cells))
    return u, account, cell, value, lots, demand


def least(u, account, cell, value, lots, demand):
    """Least largest burden over all lots that cover what can be covered."""
    able = np.where(u[account] > 0, lots, 0)
    needs = np.minimum(demand, np.bincount(cell, able * value, demand.size))
    best = np.inf
    for k in product(*(range(v + 1) for v in able)):
        if np.all(np.bincount(cell, k * value, demand.size) >= needs - 1e-9):
            x = np.bincount(account, k * value, u.size)
            best = min(best, float(np.max(x / np.where(u > 0, u, 1))))
    return best


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_no_bound_is_above_the_enumerated_optimum(cells):
    reached = 0
    for seed in range(120):
        book = small([seed, cells], cells)
        answer, best = minmax_contract_lots(*book), least(*book)
        assert answer.certify().ok
        assert answer.lower_bound <= best * (1 + 1e-9)
        assert answer.z >= best * (1 - 1e-9)
        reached += answer.z <= best * (1 + 1e-9)
        if cells == 1 and np.unique(book[1]).size == book[1].size:
            assert answer.gap == 0
    assert reached > 80


@given(st.integers(0, 2**32), st.booleans())
@settings(deadline=None, max_examples=150)
def test_every_answer_is_certified(seed, hard_cap):
    answer = minmax_contract_lots(*small(seed), hard_cap=hard_cap)
    assert answer.certify().ok
    assert not hard_cap or np.all(answer.haircut_usd <= answer.problem.capacity)


def test_lots_of_one_value_in_a_cell_are_counted_to_the_lot():
    for seed in range(60):
        u, account, cell, _, lots, demand = small(seed)
        value = np.array([2.0, 3.0, 5.0])
        answer = minmax_contract_lots(u, account, cell, value[cell], lots, demand)
        assert np.all(answer.overshoot_usd < value)


@pytest.mark.parametrize("kind", ["usual", "tied", "chain"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_large_books(kind, seed):
    u, account, cell, cap, demand = large(3000, 30, kind, seed)
    value = np.random.default_rng(2).uniform(0.5, 1.5, 30)[cell]
    lots = np.floor(cap / value).astype(int)
    answer = minmax_contract_lots(u, account, cell, value, lots, demand)
    assert answer.gap <= (1e-12 if np.count_nonzero(answer.deciding) == 1 else 0.005)
    assert answer.certify().ok
    left = np.maximum(demand - np.bincount(cell, value * lots, 30), 0.0)
    np.testing.assert_allclose(answer.residual_usd, left, rtol=1e-9, atol=1e-6)
    assert answer.lower_bound >= minmax_contracts(u, account, cell, value * lots, demand).z * (1 - 1e-12)


def test_cells_near_the_level_of_the_one_that_decides_are_levelled_anew():
    """Accounts and cells are about as many, and all cells need about the same level: rounding alone fails."""
    book = draw_contracts(200, 160, "tied")
    lots = np.floor(book.cap).astype(int)
    demand = np.minimum(np.floor(book.demand), np.bincount(book.cell, lots, 160))
    answer = minmax_contract_lots(book.capacity, book.account, book.cell, np.ones(lots.size), lots, demand)
    assert np.count_nonzero(answer.deciding) == 1
    assert answer.gap <= 1e-12
    assert answer.certify().ok


def test_what_lots_cannot_cover_is_a_residual():
    answer = minmax_contract_lots([10.0, 0.0], [0, 1], [0, 1], [3.0, 3.0], [2, 2], [9.0, 3.0])
    assert answer.residual_usd.tolist() == [3.0, 3.0]
    assert answer.lots.tolist() == [2, 0]
    assert answer.certify().ok
    capped = minmax_contract_lots([5.0], [0], [0], [2.0], [9], [8.0], hard_cap=True)
    assert (capped.lots.tolist(), capped.residual_usd.tolist()) == ([2], [4.0])
    assert capped.certify().ok


def test_nothing_to_do():
    for book in (
        ([], [], [], [], [], []),
        ([1.0], [0], [0], [1.0], [3], [0.0]),
        ([1.0], [], [], [], [], [2.0]),
    ):
        answer = minmax_contract_lots(*book)
        assert (answer.z, answer.gap, answer.lots.sum()) == (0.0, 0.0, 0)
        assert answer.certify().ok


FAULTS = {
    "whole": lambda a: replace(a, lots=a.lots + 100),
    "cleared": lambda a: replace(a, residual_usd=a.residual_usd + 1.0),
    "match": lambda a: replace(a, z=a.z * 1.01),
    "bound": lambda a: replace(a, lower_bound=a.z, deciding=np.array([False, True])),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_is_found(what):
    answer = minmax_contract_lots(
        [50.0, 70.0, 20.0], [0, 1, 1, 2], [0, 0, 1, 1], [3.0, 3.0, 2.0, 2.0], [9, 9, 9, 9], [21.0, 8.0]
    )
    assert answer.certify().ok
    assert not getattr(FAULTS[what](answer).certify(), what)


def test_too_few_lots_and_a_bound_that_is_too_high_are_refused():
    answer = minmax_contract_lots([10.0, 10.0], [0, 1], [0, 0], [3.0, 3.0], [3, 3], [8.0])
    assert not replace(answer, lots=np.array([1, 1])).certify().cleared
    worse = minmax_contract_lots([10.0, 10.0], [0, 1], [0, 0], [3.0, 3.0], [3, 0], [8.0])
    assert not replace(worse, problem=answer.problem).certify().bound


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(InputError, match="lot_value is not positive"):
        minmax_contract_lots([1.0], [0], [0], [0.0], [1], [1.0])
    with pytest.raises(InputError, match="lots"):
        minmax_contract_lots([1.0], [0], [0], [1.0], [1.5], [1.0])
    with pytest.raises(InputError, match="cell is out of range"):
        minmax_contract_lots([1.0], [0], [4], [1.0], [1], [1.0])
