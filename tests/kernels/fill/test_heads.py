"""Heads of queues against the whole queue, exact sums against math.fsum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.allocation.queue import Queue
from adl_opt.errors import InputError
from adl_opt.kernels import descending, leaders
from adl_opt.kernels.fill.heads import highest
from adl_opt.proofs.sums import BLOCK, exact_sum
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions

QUEUES = [
    n for n, rule in adl.allocation.ALLOCATIONS.items() if isinstance(rule, type) and issubclass(rule, Queue)
]
SCORES = st.lists(
    st.sampled_from([-math.inf, -1.0, -0.0, 0.0, 0.5, 2.0, math.inf]) | st.floats(-9, 9), max_size=40
)


@pytest.fixture
def short_heads(monkeypatch):
    """Queues of any length go by their heads."""
    monkeypatch.setattr("adl_opt.kernels.fill.heads._SMALL", 4)


@given(SCORES, st.integers(-1, 45))
@settings(max_examples=120, deadline=None)
def test_the_highest_are_the_head_of_the_queue_with_all_ties(score, count):
    rows = highest(score, count)
    assert len(score) >= rows.size >= min(max(count, 0), len(score))
    least = min((score[i] for i in rows), default=math.nan)
    assert rows.tolist() == [i for i, s in enumerate(score) if s >= least]


@given(SCORES, st.data())
@settings(max_examples=120, deadline=None)
def test_leaders_are_a_prefix_that_reaches_beyond_the_budget(score, data):
    weight = np.array(data.draw(st.lists(st.floats(0, 9), min_size=len(score), max_size=len(score))))
    budget = data.draw(st.floats(0, 1.2)) * float(weight.sum())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adl_opt.kernels.fill.heads._SMALL", 4)
        rows = leaders(score, weight, budget)
    order = descending(score)
    assert set(order[: rows.size].tolist()) <= set(rows.tolist()) or rows.size == 0
    assert rows.size == len(score) or weight[rows].sum() > budget
    assert leaders(score, weight, math.inf).tolist() == list(range(len(score)))


@pytest.mark.parametrize("kind", ["spread", "tied", "periodic"])
def test_the_highest_of_many_are_hardly_more_than_asked_for(kind):
    rng, n = np.random.default_rng(0), 100_000
    score = {
        "spread": rng.normal(size=n),
        "tied": rng.integers(0, 1000, n) * 1.0,
        "periodic": rng.random(n) + 2.0 * (np.arange(n) % 12 == 0),  # all that a sample sees
    }[kind]
    for count in (10, 1000, 60_000):
        rows = highest(score, count)
        assert count <= rows.size <= 3 * count + 100
        assert np.array_equal(rows, np.flatnonzero(score >= score[rows].min()))


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="NaN"):
        leaders([1.0, math.nan], np.ones(2), 1.0)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from("abc"), st.integers(0, 2)), max_size=30
    )
)
def test_ties_are_broken_in_turn(rows):
    score, name, number = ([r[k] for r in rows] for k in range(3))
    expected = sorted(range(len(rows)), key=lambda i: (-score[i], name[i], number[i], i))
    names = np.array(name, dtype="U1")
    assert descending(score, names, np.array(number, dtype=np.int64)).tolist() == expected


def tied_round(rng, n):
    """Accounts and positions with few distinct figures, some without capacity, more held than capacity."""
    account = np.repeat(np.arange(n), 3)[rng.random(3 * n) < 0.6]
    account = rng.permutation(account)
    market = np.array([f"M{k}" for k in range(account.size)])
    figures = {
        "side": lambda m: rng.choice([-1, 1], m),
        "entry": lambda m: rng.choice([1.0, 2.0], m),
        "mark": lambda m: rng.choice([1.0, 2.0], m),
        "notional": lambda m: rng.integers(0, 4, m) * 50.0,
    }
    accounts = Accounts(
        id=[f"u{k}" for k in rng.permutation(n)],
        pnl=rng.integers(-1, 4, n) * 10.0,
        equity=rng.integers(1, 4, n) * 20.0,
        leverage=rng.integers(0, 3, n) * 1.0,
        margin=rng.integers(0, 3, n) * 1.0,
        **{name: draw(n) for name, draw in figures.items()},
    )
    positions = Positions(
        account=account,
        market=market,
        lot_value=rng.choice([0.5, 1.0, 3.0], account.size),
        lots=rng.integers(0, 8, account.size),
        **{name: draw(account.size) for name, draw in figures.items()},
    )
    return accounts, positions


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", [*QUEUES, "integer-pro-rata"])
def test_rules_that_look_at_the_head_pay_as_with_the_whole_queue(name, seed, short_heads, monkeypatch):
    rng, rule = np.random.default_rng(seed), adl.make_allocation(name)
    accounts, positions = tied_round(rng, 300)
    for held in (positions, None) if name != "integer-pro-rata" else (positions,):
        round_ = Round(deficit=1.0, accounts=accounts, positions=held)
        for share in (0.0, 0.001, 0.02, 0.3, 0.9, 1.1):
            budget = share * round_.capacity_usd
            x = rule.allocate(None, round_, budget).x
            with monkeypatch.context() as whole:
                whole.setattr("adl_opt.kernels.fill.heads._SMALL", 10**9)
                assert np.array_equal(x, rule.allocate(None, round_, budget).x)


@given(st.lists(st.floats(-1e300, 1e300) | st.floats(-1, 1), max_size=80), st.integers(1, 3))
@settings(max_examples=120, deadline=None)
def test_exact_sums_are_those_of_math(values, times):
    many = np.array(values * times)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adl_opt.proofs.sums.SOME", 0)
        assert exact_sum(many) == math.fsum(many)


def test_exact_sums_of_many_and_of_what_is_not_finite():
    rng = np.random.default_rng(0)
    for span in (1, 30, 150):
        v = rng.standard_normal(3 * BLOCK + 7) * 10.0 ** rng.uniform(-span, span, 3 * BLOCK + 7)
        v = np.concatenate([v, -v[::-1] * (1 + 1e-15)])
        assert exact_sum(v) == math.fsum(v)
    assert exact_sum(np.full(5000, 5e-324)) == 5000 * 5e-324
    assert exact_sum(np.append(np.ones(5000), math.inf)) == math.inf
    assert math.isnan(exact_sum(np.append(np.ones(5000), math.nan)))
    with pytest.raises(ValueError, match="inf"):
        exact_sum(np.array([math.inf, -math.inf] * 3000))
