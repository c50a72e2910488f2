"""Risk-based closing over markets: against other solvers and enumeration; bounds that cannot lie."""

from dataclasses import replace
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError, UsageError
from adl_opt.kernels.risk import book as book_module
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.bound import Prices, proven_bound
from adl_opt.kernels.risk.layers import Layers
from adl_opt.kernels.risk.pairs import Pairs
from adl_opt.kernels.risk.pools import Pools
from adl_opt.kernels.risk.saddle import risk_based
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.risk.shortfall import expected_shortfall
from tests.kernels.risk.books import (
    enumerated_one_asset,
    exact_prices_value,
    random_book,
    random_moves,
)


def by_clarabel(book, scenarios):
    """Return the optimum over all pairs, none pruned, by another solver and another way of writing it."""
    k, holds = cp.Variable(book.size.size), np.zeros((book.equity.size, book.size.size))
    holds[book.account, np.arange(book.size.size)] = 1
    cash = book.equity - holds @ cp.multiply(book.gives_up, k)
    left = book.size - cp.multiply(book.side, k)
    lost = sum(
        chance * cp.sum(cp.neg(cash + holds @ cp.multiply(move[book.market], left)))
        for move, chance in zip(scenarios.moves, scenarios.chance, strict=True)
    )
    sums = [cp.sum(k[book.pool == pool]) == book.to_close[pool] for pool in np.unique(book.pool)]
    program = cp.Problem(cp.Minimize(lost), [k >= 0, k <= book.can_close, *sums])
    return program.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_is_that_of_another_solver(seed):
    book, scenarios = random_book(seed), random_moves(seed)
    answer = risk_based(book, scenarios, gap=1e-7)
    assert answer.shortfall_usd == pytest.approx(by_clarabel(book, scenarios), rel=2e-6)
    assert answer.gap <= 1e-7
    assert answer.certify().ok, answer.certify().why()


@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_is_that_of_enumeration(seed):
    rng = np.random.default_rng(seed)
    size, equity = rng.integers(1, 30, 3), rng.integers(-4, 12, 3)
    quantity, g = int(size.sum() // 2), float(rng.choice([0.0, 0.25]))
    moves, chance = rng.integers(-8, 6, 3) / 4, [0.25, 0.5, 0.25]
    least = enumerated_one_asset(size.tolist(), equity.tolist(), quantity, g, moves.tolist(), chance)
    book = RiskBook.of(equity, [0, 1, 2], [0, 0, 0], size, [[quantity, 0]], gives_up=[g] * 3)
    answer = risk_based(book, PriceMoves.of(moves[:, None], chance, source="drawn"), gap=1e-10)
    assert answer.shortfall_usd == pytest.approx(float(least), rel=1e-8, abs=1e-9)
    assert answer.bound_usd <= float(least) * (1 + 1e-15)


@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_no_price_proves_more_than_it_does_in_rational_numbers(seed, keep):
    book, scenarios = random_book(seed, accounts=5, markets=2), random_moves(seed, markets=2, count=4)
    rng = np.random.default_rng(seed)
    n, s = book.equity.size, scenarios.chance.size
    account, scenario = (part.ravel() for part in np.indices((n, s)))
    price = (
        scenarios.chance[scenario] * rng.choice([0.0, 1.0, rng.random()], n * s) * (rng.random(n * s) < keep)
    )
    prices = Prices(account, scenario, price)
    ours = proven_bound(book, scenarios, prices)
    exact, level = best_level(book, scenarios, prices)
    exact = max(exact, Fraction(0))  # no shortfall is below 0
    assert Fraction(ours) <= exact, level
    assert float(exact) - ours <= 1e-12 * (1 + np.abs(book.size).sum() + np.abs(book.equity).sum())
    even = np.zeros(book.size.size)
    for pool in np.flatnonzero(book.to_close):
        mine = book.pool == pool
        even[mine] = book.can_close[mine] * book.to_close[pool] / book.can_close[mine].sum()
    assert ours <= expected_shortfall(book, scenarios, book.restored(even)) * (1 + 1e-12) + 1e-9


def best_level(book, scenarios, prices):
    """Return the value at the prices of pools that the bound takes, in rational numbers."""
    n = book.equity.size
    weight = np.bincount(prices.account, weights=prices.price, minlength=n)
    moved = np.zeros((n, scenarios.moves.shape[1]))
    np.add.at(moved, prices.account, prices.price[:, None] * scenarios.moves[prices.scenario])
    rows = np.flatnonzero(book.can_close > 0)
    pools = Pools.of(book.pool[rows], book.can_close[rows], book.to_close)
    cost = book.side * moved[book.account, book.market] + book.gives_up * weight[book.account]
    level = np.zeros(book.quantity.size)
    level[pools.number] = pools.cheapest(cost[rows])[1]
    return exact_prices_value(book, scenarios, prices, level), level


def test_planted_faults_are_refused():
    book, scenarios = random_book(3, accounts=30), random_moves(3, count=20)
    answer = risk_based(book, scenarios, gap=1e-6)
    assert answer.certify().ok
    top = float(np.argmax(answer.closed))
    moved = answer.closed.copy()
    moved[int(top)] -= 0.5
    high = answer.prices._replace(price=answer.prices.price * 1.5)
    twice = Prices(*(np.repeat(part, 2) for part in answer.prices))
    faults = {
        "stated-bound": [
            replace(answer, bound_usd=answer.bound_usd * (1 + 1e-6)),
            replace(answer, prices=high),
            replace(answer, prices=twice),
            replace(answer, prices=answer.prices._replace(price=0.0 * answer.prices.price)),
            replace(answer, prices=answer.prices._replace(account=answer.prices.account[::-1])),
        ],
        "shortfall": [replace(answer, shortfall_usd=answer.shortfall_usd * (1 - 1e-6))],
        "cents:quantity": [replace(answer, closed=moved)],
        "cents:range": [
            replace(answer, closed=answer.closed - 1.0),
            replace(answer, closed=answer.closed * np.nan),
            replace(answer, closed=answer.closed[1:]),
        ],
        "residual": [replace(answer, residual=answer.residual + 1.0)],
    }
    for check, wrong in faults.items():
        for answer_ in wrong:
            assert check in answer_.certify().failed, check


def test_pruning_leaves_out_only_what_cannot_fall_short():
    book, scenarios = random_book(5, accounts=40), random_moves(5, count=30)
    pairs = Pairs.of(book, scenarios)
    rng = np.random.default_rng(0)
    assert 0 < pairs.short.size < book.equity.size * scenarios.chance.size
    for _ in range(20):
        k = book.can_close * rng.choice([0.0, 1.0, 0.5], book.size.size)
        whole = expected_shortfall(book, scenarios, book.restored(k))
        assert pairs.expected(k[pairs.rows]) == pytest.approx(whole, rel=1e-12)
        assert np.all(pairs.shortfall(k[pairs.rows])[pairs.always] >= -1e-9)


def test_small_blocks_give_the_same(monkeypatch):
    book, scenarios = random_book(9, accounts=50), random_moves(9, count=20)
    k = book.restored(0.3 * book.can_close)
    whole, pairs = expected_shortfall(book, scenarios, k), Pairs.of(book, scenarios).short.size
    monkeypatch.setattr(book_module, "BLOCK", 50)
    assert expected_shortfall(book, scenarios, k) == pytest.approx(whole, rel=1e-14)
    assert Pairs.of(book, scenarios).short.size == pairs


def test_equity_before_and_after_haircuts_are_told_apart():
    book = RiskBook.of([100.0, 20.0], [0, 1], [0, 0], [100.0, 40.0], [[30.0, 0.0]], gives_up=[0.5, 0.5])
    moves = PriceMoves.of([[-1.0], [0.0]], [0.1, 0.9], source="by hand")
    k = [25 / 3, 65 / 3]
    assert expected_shortfall(book, moves, k, equity="after") == pytest.approx(0.9166666666666667)
    assert expected_shortfall(book, moves, k, equity="before") == pytest.approx(0.0)
    assert risk_based(book, moves, equity="before").shortfall_usd == pytest.approx(0.0, abs=1e-9)
    assert risk_based(book, moves, equity="after").shortfall_usd == pytest.approx(0.5)
    with pytest.raises(UsageError, match="before or after"):
        risk_based(book, moves, equity="during")


def test_what_nobody_holds_is_a_residual_and_nothing_at_risk_is_closed_evenly():
    book = RiskBook.of([1e9, 1e9], [0, 1], [0, 0], [10.0, 30.0], [[20.0, 5.0]])
    answer = risk_based(book, PriceMoves.of([[-1.0], [1.0]], source="small"))
    assert answer.closed == pytest.approx([5.0, 15.0])
    assert (answer.shortfall_usd, answer.bound_usd, answer.gap) == (0.0, 0.0, 0.0)
    assert answer.residual.tolist() == [[0.0, 5.0]]
    assert answer.certify().ok
    nothing = risk_based(RiskBook.of([-3.0], [], [], [], [[0.0, 0.0]]), PriceMoves.of([[1.0]], source="one"))
    assert nothing.shortfall_usd == pytest.approx(3.0)
    assert nothing.certify().ok
    assert nothing.gap <= 1e-12


def test_all_of_a_market_is_closed_where_that_is_asked():
    book = random_book(2, accounts=20)
    full = np.zeros_like(book.quantity)
    np.add.at(full.reshape(-1), book.pool, np.abs(book.size))
    book = replace(book, quantity=full)
    answer = risk_based(book, random_moves(2))
    assert answer.closed == pytest.approx(book.restored(np.abs(book.size)), rel=1e-9)
    assert answer.certify().ok, answer.certify().why()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"equity": [1.0, np.nan]}, "finite"),
        ({"account": [0, 2]}, "not a row number below 2"),
        ({"market": [0, 0.5]}, "not a row number below 1"),
        ({"account": [0, 0]}, "occurs twice"),
        ({"quantity": [[-1.0, 0.0]]}, "at least 0"),
        ({"quantity": [1.0, 0.0]}, "one row a market"),
        ({"closable": [20.0, 0.0]}, "more than the position"),
        ({"gives_up": [-1.0, 0.0]}, "at least 0"),
    ],
)
def test_wrong_books_are_refused(change, word):
    good = {
        "equity": [5.0, 5.0],
        "account": [0, 1],
        "market": [0, 0],
        "size": [10.0, 5.0],
        "quantity": [[3.0, 0.0]],
    }
    RiskBook.of(**good)
    with pytest.raises(InputError, match=word):
        RiskBook.of(**(good | change))


def test_scenarios_of_another_number_of_markets_are_refused():
    with pytest.raises(InputError, match="another number of markets"):
        risk_based(random_book(0), random_moves(0, markets=2))


def test_the_matrix_in_layers_is_the_matrix():
    book, scenarios = random_book(8, accounts=60, markets=6), random_moves(8, markets=6, count=15)
    pairs = Pairs.of(book, scenarios)
    free = pairs.take(~pairs.always)
    layers, rng = Layers.of(free), np.random.default_rng(1)
    assert len(layers.layers) > 2
    k, price = rng.random(free.rows.size), rng.random(free.short.size)
    assert layers.rates(k) == pytest.approx(free.shortfall(k) - free.short, abs=1e-12)
    assert layers.cost(price) == pytest.approx(free.cost(price), abs=1e-12)
