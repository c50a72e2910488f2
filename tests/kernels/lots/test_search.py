"""The search behind min-max over lots: bounds hold at every burden, and what is not proven is not claimed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.kernels import minmax_lots
from adl_opt.kernels.lots import row
from adl_opt.kernels.lots.base import REL_TOL
from adl_opt.kernels.lots.book import lots_book
from adl_opt.kernels.lots.field import Field
from adl_opt.kernels.lots.pairs import best_pair
from adl_opt.kernels.lots.problem import checked_problem
from adl_opt.kernels.lots.search import GAP_GOAL, LotsSearch
from adl_opt.kernels.lots.vectors import NUMPY


def draw(seed, most_positions=6, accounts=60):
    """Heavy-tailed accounts with one to several positions, shuffled."""
    g = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), g.integers(1, most_positions + 1, accounts))
    capacity = np.exp(g.normal(6, 2, accounts))
    lots = np.floor(10 ** g.uniform(0, 2.5, account.size)).astype(int) + 1
    share = g.exponential(size=account.size)
    value = capacity[account] * share / np.bincount(account, share)[account] / lots
    order = g.permutation(account.size)
    return capacity, account[order], value[order], lots[order]


def most_payable(capacity, account, value, lots, z):
    """The largest total at burden z by listing every account's sums."""
    total = 0.0
    for i in range(capacity.size):
        sums = np.zeros(1)
        for j in np.flatnonzero(account == i):
            sums = np.unique(np.add.outer(sums, np.arange(lots[j] + 1) * value[j]))
            sums = sums[sums <= z * capacity[i] * (1 + 1e-13)]
        total += sums.max()
    return total


def search_for(capacity, account, value, lots, share):
    """A search on a new book for a share of what all can pay."""
    book = lots_book(checked_problem(capacity, account, value, lots, 1.0, None), NUMPY)
    target = share * book.total.sum()
    return book, target, LotsSearch(Field(book, NUMPY), target, 10**7)


@pytest.mark.parametrize("seed", range(6))
def test_bounds_hold_the_most_that_can_be_paid(seed):
    capacity, account, value, lots = draw(seed, most_positions=3, accounts=12)
    lots = np.minimum(lots, 30)
    _, _, search = search_for(capacity, account, value, lots, 0.1)
    search.climb()
    field = search.field
    for z in np.linspace(search.low, search.high, 7):
        field.at(z)
        true = most_payable(capacity, account, value, lots, z)
        for rung in range(12):
            assert field.lower <= true * (1 + 1e-12)
            assert true <= field.upper * (1 + 1e-12)
            field.ladder(rung, 1e9)
            field.search()
        assert field.lower == pytest.approx(true, rel=1e-12)
        assert field.upper == pytest.approx(true, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_lots_at_the_upper_end_cover_and_make_its_burden(seed):
    capacity, account, value, lots = draw(seed)
    book, target, search = search_for(capacity, account, value, lots, 0.05)
    search.run()
    assert search.covered
    assert search.gap() <= GAP_GOAL
    taken = search.field.line_lots(search.high)
    paid = np.bincount(book.account, taken * book.value, capacity.size)
    assert paid.sum() >= target * (1 - 1e-14)
    assert (paid / capacity).max() == pytest.approx(search.high, rel=1e-12)
    assert ((taken >= 0) & (taken <= book.lots)).all()


def test_settled_singles_pay_as_before():
    capacity, account, value, lots = draw(3, most_positions=1, accounts=40_000)
    book = lots_book(checked_problem(capacity, account, value, lots, 1.0, None), NUMPY)
    field, whole = Field(book, NUMPY), Field(book, NUMPY)
    field.settle(0.02, 0.021)
    assert 0 < field.singles[0].size < whole.singles[0].size
    for z in (0.02, 0.0203, 0.021):
        assert field.sums(z)[0] == pytest.approx(whole.sums(z)[0], rel=1e-14)
        assert (field.line_lots(z) == whole.line_lots(z)).all()
    size, z = field.leaf.jump(0.02, 0.021, field.singles, field.crowd)
    assert 0.02 < z <= 0.021
    assert whole.sums(z * (1 + 1e-13))[0] - whole.sums(z * (1 - 1e-12))[0] >= size * (1 - 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-9, 0), st.booleans())
def test_a_plan_is_enough_and_goes_where_it_tells(seed, power, cover):
    """What is left is allowed, where nothing limits the effort; and nobody gets more than settles him."""
    g = np.random.default_rng(seed)
    size = int(g.integers(1, 200))
    gap, count = np.exp(g.normal(0, 3, size)), np.floor(10 ** g.uniform(0, 4, size))
    miss = gap / count
    slack = miss + np.exp(g.normal(1, 2, size))
    allowed = 10.0**power * float((slack if cover else np.minimum(slack, miss)).sum())
    crowd = np.zeros((row.ROWS, size))
    crowd[row.MOST], crowd[row.MISS], crowd[row.GAP], crowd[row.COUNT] = slack, miss, gap, count
    cost, rows = NUMPY.plan(crowd, allowed, cover)
    tries, near = crowd[row.TRIES], crowd[row.NEAR]
    left = slack.copy() if cover else np.minimum(slack, miss)
    left = np.where(tries == 0, left, np.where(near == 0, 0.0, np.minimum(left, 2 * near)))
    assert left.sum() <= 1.11 * allowed
    assert (tries <= 1.25 * count + 1).all()
    assert (cost, rows) == (tries.sum(), np.count_nonzero(tries))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_euclid_finds_what_listing_finds(data):
    value = np.array(data.draw(st.lists(st.integers(1, 500), min_size=2, max_size=2)), float)
    lots = np.array(data.draw(st.lists(st.integers(0, 400), min_size=2, max_size=2)), float)
    cap = float(data.draw(st.integers(0, int(value @ lots) + 5)))
    sums = np.add.outer(np.arange(lots[0] + 1) * value[0], np.arange(lots[1] + 1) * value[1])
    assert best_pair(np.array([cap]), value[None, :], lots[None, :])[0] @ value == sums[sums <= cap].max()


def test_a_shortfall_is_proven_maximal_or_says_that_it_is_not():
    """Fourteen positions of one account below its capacity: too many sums for so few nodes."""
    g = np.random.default_rng(5)
    value, lots = np.exp(g.normal(0, 1, 14)), g.integers(5, 60, 14)
    capacity = 0.61 * float(value @ lots)
    few = minmax_lots([capacity], np.zeros(14, int), value, lots, 2 * capacity, node_limit=20)
    assert few.shortfall_usd > 0
    assert few.gap == 1
    assert few.certify().ok
    exact = minmax_lots([7.0, 4.0], [0, 0, 1], [3.0, 2.0, 5.0], [1, 1, 3], 100.0)
    assert exact.haircut_usd.tolist() == [5.0, 0.0]
    assert exact.gap == 0
    assert exact.certify().ok


@pytest.mark.parametrize("limit", [1, 50, 3000])
def test_without_nodes_dearest_lots_first_still_cover(limit):
    capacity, account, value, lots = draw(8, most_positions=14, accounts=30)
    budget = 0.3 * np.minimum(capacity, np.bincount(account, value * lots)).sum()
    answer = minmax_lots(capacity, account, value, lots, budget, node_limit=limit)
    assert answer.shortfall_usd == 0
    assert answer.nodes <= limit
    assert answer.lower_bound <= answer.z <= 0.5
    assert answer.executed_usd >= budget * (1 - REL_TOL)
    assert answer.certify().ok
