"""Leverage draining: the theorems of the one-asset case, and where they end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.draining import drain_factor, drain_leverage
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.risk.shortfall import expected_shortfall
from adl_opt.programs.engines.highs.risk import risk_based_lp

RNG = np.random.default_rng(7)
LAWS = {
    "two-point": ([-0.3, 0.3], None),
    "skewed": ([-0.9, -0.1, 0.05, 0.2], [0.05, 0.3, 0.35, 0.3]),
    "one-sided": ([-0.6, -0.4, -0.2, -0.1], None),
    "drifted": (RNG.normal(-0.2, 0.2, 40), None),
    "normal": (RNG.normal(0, 0.3, 40), None),
    "heavy": (RNG.standard_t(2, 40) * 0.2, None),
    "discrete": (RNG.choice([-0.5, -0.25, 0.0, 0.25], 20), None),
}


def one_asset(size, equity, quantity, gives_up=0.0):
    n = np.size(size)
    return RiskBook.of(
        equity, np.arange(n), np.zeros(n), size, [[quantity, 0.0]], gives_up=np.full(n, gives_up)
    )


def drawn(seed, n=40):
    rng = np.random.default_rng(seed)
    size = rng.lognormal(3, 1, n)
    return size, size / rng.uniform(0.5, 12, n), 0.4 * size.sum()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("gives_up", [0.0, 0.06])
def test_draining_has_the_least_expected_shortfall_under_every_law(law, gives_up):
    moves, chance = LAWS[law]
    scenarios = PriceMoves.of(np.reshape(moves, (-1, 1)), chance, source=law)
    for seed in range(3):
        size, equity, quantity = drawn(seed)
        book = one_asset(size, equity, quantity, gives_up)  # e > g N for all
        k = drain_leverage(size, equity, quantity, gives_up=gives_up)
        assert k.sum() == pytest.approx(quantity, rel=1e-12)
        ours = expected_shortfall(book, scenarios, k)
        least = risk_based_lp(book, scenarios)
        assert ours == pytest.approx(least.shortfall_usd, rel=1e-12, abs=1e-12 * equity.sum())
        assert least.bound_usd <= ours * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_leverage_is_least(seed):
    size, equity, quantity = drawn(seed)
    k = drain_leverage(size, equity, quantity)
    largest = ((size - k) / equity).max()
    low = np.maximum(size - largest * (1 - 1e-9) * equity, 0).sum()  # what a lower level would have to close
    assert low > quantity
    untouched = k == 0
    assert np.all((size / equity)[untouched] <= largest * (1 + 1e-12))


def test_after_haircuts_levelling_at_the_mark_is_wrong():
    size, equity = [100.0, 40.0], [100.0, 20.0]
    book = one_asset(size, equity, 30.0, 0.5)
    moves = PriceMoves.of([[-1.0], [0.0]], [0.1, 0.9], source="a fall of 1 with probability 0.1")
    at_the_mark = drain_leverage(size, equity, 30.0)
    assert at_the_mark == pytest.approx([25 / 3, 65 / 3])
    assert expected_shortfall(book, moves, at_the_mark) == pytest.approx(0.9166666666666667)
    assert expected_shortfall(book, moves, [0.0, 30.0]) == pytest.approx(0.5)
    least = risk_based_lp(book, moves)
    assert least.shortfall_usd == pytest.approx(0.5)
    assert least.bound_usd == pytest.approx(0.5)
    with pytest.raises(InputError, match="cannot be levelled"):  # e = g N for the second account
        drain_leverage(size, equity, 30.0, gives_up=0.5)


def test_accounts_under_water_are_refused_and_the_program_leaves_them_alone():
    size, equity = [30.0, 100.0, 50.0], [-20.0, 30.0, 25.0]
    with pytest.raises(InputError, match=r"cannot be levelled"):
        drain_leverage(size, equity, 60.0)
    book = one_asset(size, equity, 60.0)
    moves = PriceMoves.of([[-1.0], [1.0]], source="two points")
    least = risk_based_lp(book, moves)
    assert least.shortfall_usd == pytest.approx(42.5)
    assert least.closed[0] <= 10.0 + 1e-9  # its last 20 contracts gain in a rise what they lose in a fall
    assert expected_shortfall(book, moves, [30.0, 30.0, 0.0]) == pytest.approx(52.5)  # most levered first


def test_under_cvar_a_leverage_cutoff_describes_the_optimal_set():
    """In the tail of moves beyond -z, an account above leverage 1/z is always short: its f is linear."""
    tail = np.array([0.25, 0.4, 0.7])
    scenarios = PriceMoves.of(-tail[:, None], source="the worst tail of a law")
    cutoff = 1 / tail.min()
    size, equity = np.array([100.0, 120.0, 90.0, 40.0]), np.array([10.0, 15.0, 18.0, 20.0])
    quantity = 60.0
    book = one_asset(size, equity, quantity)
    drained = drain_leverage(size, equity, quantity)
    assert np.all(((size - drained) / equity)[drained > 0] > cutoff)
    least = expected_shortfall(book, scenarios, drained)
    spare = np.maximum(size - cutoff * equity, 0.0)
    rng = np.random.default_rng(0)
    for _ in range(20):  # every way that takes nobody below the cutoff is as good
        k = spare * rng.random(4)
        k *= quantity / k.sum()
        if np.all(k <= spare):
            assert expected_shortfall(book, scenarios, k) == pytest.approx(least, rel=1e-12)
    below = np.array([0.0, 0.0, 20.0 + spare[2], 0.0])
    below[0] = quantity - below[2]
    assert expected_shortfall(book, scenarios, below) > least * (1 + 1e-6)


AMOUNT = st.floats(1.0, 1e5)


@given(
    st.lists(st.tuples(AMOUNT, AMOUNT), min_size=2, max_size=8), st.floats(0.05, 0.95), st.floats(0.1, 0.9)
)
@settings(max_examples=60, deadline=None)
def test_splitting_an_account_changes_nothing(rows, part, share):
    size, equity = np.array(rows).T
    quantity = part * size.sum()
    whole = drain_leverage(size, equity, quantity)
    split = drain_leverage(
        np.append(size, share * size[0]) * np.append([1 - share], np.ones(size.size)),
        np.append(equity, share * equity[0]) * np.append([1 - share], np.ones(size.size)),
        quantity,
    )
    assert split[0] + split[-1] == pytest.approx(whole[0], rel=1e-9, abs=1e-9 * quantity)
    assert split[1:-1] == pytest.approx(whole[1:], rel=1e-9, abs=1e-9 * quantity)


@given(
    st.lists(st.tuples(AMOUNT, st.floats(0.5, 20.0)), min_size=1, max_size=8),
    st.floats(0.05, 0.95),
    st.floats(0.1, 0.9),
    st.sampled_from([0.0, 0.04]),
)
@settings(max_examples=60, deadline=None)
def test_closing_in_two_steps_is_closing_at_once(rows, part, share, gives_up):
    size, leverage = np.array(rows).T
    equity, quantity = size / leverage, part * size.sum()
    at_once = drain_leverage(size, equity, quantity, gives_up=gives_up)
    first = drain_leverage(size, equity, share * quantity, gives_up=gives_up)
    later = drain_leverage(size - first, equity - gives_up * first, quantity - first.sum(), gives_up=gives_up)
    assert first + later == pytest.approx(at_once, rel=1e-9, abs=1e-9 * quantity)


def test_a_wash_trade_changes_nothing():
    """Selling to oneself at the mark turns PNL into collateral; size and equity stay."""
    size, entry, collateral, mark = (
        np.array([5.0, 8.0]),
        np.array([80.0, 95.0]),
        np.array([60.0, 90.0]),
        100.0,
    )
    equity = collateral + size * (mark - entry)
    washed_collateral = collateral + size * (mark - entry)
    washed_equity = washed_collateral + size * (mark - np.full(2, mark))
    before = drain_leverage(size, equity, 6.0)
    assert np.array_equal(before, drain_leverage(size, washed_equity, 6.0))
    returns = (mark - entry) / entry  # a queue by return on entry would turn round
    assert returns[0] > returns[1]
    assert before[1] > before[0] * 0.5


@pytest.mark.parametrize("law", LAWS)
def test_one_factor_is_water_filling_in_factor_adjusted_leverage(law):
    factor, chance = LAWS[law]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        n, markets = 25, 4
        account, market = np.nonzero(rng.random((n, markets)) < 0.6)
        size = rng.lognormal(3, 1, account.size) * rng.choice([-1.0, 1.0, 1.0], account.size)
        gross = np.bincount(account, weights=np.abs(size), minlength=n)
        equity = (1 + gross) / rng.uniform(0.5, 8, n)
        beta = np.array([1.0, 0.6, 1.4, 0.9])
        there = np.bincount(market, weights=np.maximum(size, 0), minlength=markets)
        shorts = np.bincount(market, weights=np.maximum(-size, 0), minlength=markets)
        quantity = np.column_stack([0.3 * there, [0, 0, 0.2 * shorts[2], 0]])
        book = RiskBook.of(equity, account, market, size, quantity)
        scenarios = PriceMoves.of(np.reshape(factor, (-1, 1)) * beta, chance, source=law)
        ours = expected_shortfall(book, scenarios, drain_factor(book, beta))
        least = risk_based_lp(book, scenarios).shortfall_usd
        assert ours == pytest.approx(least, rel=1e-8, abs=1e-9 * equity.sum())


def test_a_hedged_account_is_left_alone_where_gross_leverage_would_close_it():
    book = RiskBook.of([50.0, 50.0], [0, 0, 1], [0, 1, 0], [100, -100, 60], [[30, 0], [0, 0]])
    assert drain_factor(book, [1.0, 1.0]) == pytest.approx([0.0, 0.0, 30.0])
    moves = PriceMoves.of([[-2.0, -2.0], [2.0, 2.0]], source="one factor")
    assert expected_shortfall(book, moves, [0, 0, 30]) < expected_shortfall(book, moves, [30, 0, 0])


def test_what_cannot_be_closed_is_left_and_caps_hold():
    assert drain_leverage([10.0, 5.0], [1.0, 1.0], 99.0) == pytest.approx([10.0, 5.0])
    assert drain_leverage([10.0, 5.0], [1.0, 1.0], 6.0, closable=[2.0, 5.0]) == pytest.approx([2.0, 4.0])
    with pytest.raises(InputError, match="more than the position"):
        drain_leverage([10.0], [1.0], 1.0, closable=[11.0])
    with pytest.raises(InputError, match="closes at the mark"):
        drain_factor(one_asset([1.0], [1.0], 0.5, 0.1), [1.0])
