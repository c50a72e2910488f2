"""How the answers in the two spaces hang together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.rounds.flows import reckoned
from tests.rounds.books import any_book, small_book

IN_BOTH = [name for name, rule in ALLOCATIONS.items() if len(rule.spaces) == 2]
OTHERWISE = ("percolator", "drift-socialised", "vector-mirror-descent", "dydx-v4")
"""In contracts these share by contracts held and not by dollars, pass nothing on, or close losers."""
IN_LOTS = ("integer-pro-rata", "metaflux", "min-max-lots")
"""In the pool their lots are dearer: all the PNL of a lot."""


def one_market(seed, n=6, quantity=50.0, most=40_000):
    """One market and side, equal g of 1 USD a contract; lots of a hundredth, so that they hardly bind."""
    rng = np.random.default_rng(seed)
    lots = rng.integers(500, most, n)
    round_ = small_book(
        lots, side="short", entry=np.round(rng.uniform(100.5, 140, n), 2), mark=100.0, losers="long",
        quantity=quantity, bankruptcy=101.0, lot_size=0.01, leverage=rng.uniform(1, 9, n),
    )  # fmt: skip
    more = {"margin": rng.uniform(1, 9, n), "notional": lots * 1.0}
    return replace(round_, accounts=replace(round_.accounts, **more))


def level(most, u, asked):
    """The level z at which min(most, z u) adds up, by bisection."""
    low, high = 0.0, 1e3
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.minimum(most, middle * u).sum() < asked else (low, middle)
    return np.minimum(most, high * u)


def test_one_market_is_water_filling_over_capacity_capped_by_what_is_held():
    """x = min(z u, q g); burdens stay over u, not over min(u, q g)."""
    for seed in range(40):
        round_ = one_market(seed)
        u, held = round_.accounts.capacity, round_.positions
        expected = level(np.minimum(u, held.quantity), u, 50.0)
        for name in ("min-max", "min-max-lots", "pro-rata", "metaflux"):
            x = adl.make_allocation(name).allocate(None, round_, 1e9).x
            assert np.all(np.abs(x - expected) <= 0.02), (seed, name)


@pytest.mark.parametrize("name", [n for n in IN_BOTH if n not in (*OTHERWISE, *IN_LOTS)])
def test_where_nothing_binds_both_spaces_answer_alike(name):
    """One market and side, one price, and capacity binds before what is held: contracts are dollars."""
    rule = adl.make_allocation(name)
    for seed in range(8):
        round_ = one_market(seed, quantity=30.0, most=600)
        accounts = replace(round_.accounts, capacity=np.minimum(round_.accounts.capacity, 5.0))
        round_ = replace(round_, accounts=accounts)
        here = rule.allocate(rule.start(), round_, 20.0).x
        there = rule.allocate(rule.start(), round_.in_space("wealth"), 20.0).x
        assert np.all(np.abs(here - there) <= 0.02), seed


def test_the_optimum_of_the_pool_is_at_most_that_of_contracts():
    """Dropping the clearing of each market is a relaxation, with the same u and the same sum."""
    for seed in range(80):
        round_ = any_book(seed)
        inside = adl.make_allocation("min-max").allocate(None, round_, 1e12)
        u = round_.accounts.capacity
        if inside.executed <= 0.0 or np.any(round_.positions.margin_mode == "isolated"):
            continue
        pool = adl.make_allocation("min-max").allocate(None, round_.in_space("wealth"), inside.executed)
        worst = np.max(inside.x[u > 0] / u[u > 0])
        assert np.max(pool.x[u > 0] / u[u > 0]) <= worst * (1 + 1e-9), seed


def test_the_rule_is_the_kernel_up_to_a_lot():
    for seed in range(20):
        round_ = one_market(seed)
        held, g = round_.positions, float(reckoned(round_)[0])
        n = len(round_.accounts)
        usd = np.minimum(held.quantity * g, round_.accounts.capacity)
        found = minmax_contracts(round_.accounts.capacity, np.arange(n), np.zeros(n, int), usd, [50.0 * g])
        x = adl.make_allocation("min-max").allocate(None, round_, 1e9).x
        assert np.all(np.abs(x - found.leg_usd) <= 0.01 * g + 1e-9)


def test_a_learner_in_contracts_relieves_those_who_paid_before():
    """Two rounds of one market: by the second, the largest burden to date is as low as it can be."""
    first, second = one_market(3, quantity=60.0), one_market(3, quantity=90.0)
    rule = adl.make_allocation("cumulative-burden")
    state, u = rule.start(), first.accounts.capacity
    one = rule.allocate(
        state, replace(first, accounts=replace(first.accounts, exempt=[1, 0, 0, 0, 0, 0])), 1e9
    )
    assert one.x[0] == 0.0
    state = rule.learn(state, first, adl.Outcome(60.0), one)
    two = rule.allocate(state, second, 1e9)
    total = (one.x + two.x) / u
    paying = two.x > 0
    room = np.minimum(second.positions.quantity, u)
    assert np.ptp(total[paying & (two.x < room - 0.02)]) <= 0.02 / u.min()
    assert two.x[0] / u[0] == pytest.approx(total.max(), abs=0.02 / u.min())


def test_a_learner_counts_what_it_took_in_rows_before():
    """Two rows of one market are as one for a rule that levels the burden to date."""
    round_ = one_market(5, quantity=80.0)
    flow = round_.flow
    columns = {"market": ["XBT"] * 2, "side": [1, 1], "mark": [100.0] * 2, "bankruptcy": [101.0] * 2}
    two = replace(round_, flow=adl.Flow(quantity=[30.0, 50.0], **columns))
    assert flow.quantity.tolist() == [80.0]
    for name in ("cumulative-burden", "capped-pro-rata", "pro-rata"):
        rule = adl.make_allocation(name)
        one = rule.allocate(rule.start(), round_, 1e9).x
        assert rule.allocate(rule.start(), two, 1e9).x == pytest.approx(one, abs=0.03), name


def test_a_cap_on_the_share_of_capacity_holds_over_all_rows():
    round_ = one_market(6, quantity=1e6, most=900)
    columns = {
        "market": ["XBT"] * 3,
        "side": [1] * 3,
        "mark": [100.0] * 3,
        "bankruptcy": [120.0, 101.0, 110.0],
    }
    round_ = replace(round_, flow=adl.Flow(quantity=[1.0, 9.0, 1e3], **columns))
    for name in ("capped-pro-rata", "leverage-pro-rata(cap=0.25)", "ftrl-haircuts(cap=0.3)"):
        rule = adl.make_allocation(name)
        x = rule.allocate(rule.start(), round_, 1e9).x
        assert np.all(x <= rule.cap * round_.accounts.capacity * (1 + 1e-9)), name
        there = 10.0 * (round_.positions.quantity - 10.0)  # 10 contracts may be closed for less
        assert x.sum() >= 0.9 * np.minimum(rule.cap * round_.accounts.capacity, there).sum()


def test_learners_replay_in_contracts_and_can_be_cut_and_resumed():
    names = ["ftrl-haircuts", "mirror-descent-kl", "mirror-descent-euclid", "vector-mirror-descent-text"]
    rounds = [(replace(any_book(seed), number=seed + 1), adl.Outcome(40.0)) for seed in range(6)]
    whole = adl.replay(adl.Episode("e", "", rounds), names)
    first = adl.replay(adl.Episode("e", "", rounds[:3]), names)
    second = adl.replay(adl.Episode("e", "", rounds[3:]), names, states=first.states)
    for name in names:
        parts = [r.haircut for r in [*first.by_policy[name], *second.by_policy[name]]]
        assert parts == [r.haircut for r in whole.by_policy[name]]
