"""Allocations against amounts worked out by hand."""

import numpy as np
import pytest

import adl_opt as adl


def accounts_round(**more):
    accounts = adl.Accounts(id=["a", "b", "c"], pnl=[50.0, 30.0, 20.0], equity=[100.0, 30.0, 200.0], **more)
    return adl.Round(deficit=100.0, accounts=accounts)


def x_of(name, budget, round_=None, **params):
    rule = adl.make_allocation(name, **params)
    return rule.allocate(rule.start(), round_ or accounts_round(), budget).x


def test_pro_rata():
    assert x_of("pro-rata", 25.0).tolist() == [12.5, 7.5, 5.0]


def test_capped_pro_rata_stops_at_the_cap_and_names_the_shortfall():
    a = adl.make_allocation("capped-pro-rata", cap=0.25).allocate(None, accounts_round(), 40.0)
    assert a.x.tolist() == [12.5, 7.5, 5.0]
    assert a.shortfall == 15.0


def test_equity_pro_rata_caps_at_capacity():
    # shares of equity 100 : 30 : 200; c is capped at 20, the rest 100 : 30
    assert np.allclose(x_of("equity-pro-rata", 59.0), [30.0, 9.0, 20.0])


def test_pnl_pro_rata_differs_where_equity_caps():
    accounts = adl.Accounts(id=["a", "b"], pnl=[60.0, 40.0], equity=[15.0, 100.0])
    round_ = adl.Round(deficit=1.0, accounts=accounts)
    assert np.allclose(x_of("pnl-pro-rata", 20.0, round_), [12.0, 8.0])
    assert np.allclose(x_of("pnl-pro-rata", 45.0, round_), [15.0, 30.0])


def test_leverage_pro_rata_weighs_by_one_plus_leverage():
    x = x_of("leverage-pro-rata", 25.0, accounts_round(leverage=[0.0, 1.0, 3.0]))
    assert np.allclose(x, 25.0 * np.array([50, 60, 80]) / 190)


def test_drift_by_notional():
    assert np.allclose(
        x_of("drift-socialised", 30.0, accounts_round(notional=[10.0, 10.0, 40.0])), [5, 5, 20]
    )


def test_idle_weights_pay_only_after_all_others():
    x = x_of("drift-socialised", 60.0, accounts_round(notional=[10.0, 0.0, 10.0]))
    assert np.allclose(x, [40.0, 0.0, 20.0])
    x = x_of("drift-socialised", 80.0, accounts_round(notional=[10.0, 0.0, 10.0]))
    assert np.allclose(x, [50.0, 10.0, 20.0])


def lots_round():
    accounts = adl.Accounts(id=["a", "b"], pnl=[50.0, 30.0], equity=[100.0, 90.0])
    positions = adl.Positions(
        account=[0, 0, 1], market=["X", "Y", "X"], lot_value=[7.0, 3.0, 4.0], lots=[5, 5, 7]
    )
    return adl.Round(deficit=25.0, accounts=accounts, positions=positions)


def test_integer_pro_rata_by_hand():
    # reach 50 and 28; target 16.03 and 8.97; a: X 1.60, Y 1.60 lots; b: 2.24; floors 1, 1, 2 = 18;
    # remainders .60 (X first), .60, .24: one X more makes exactly 25
    a = adl.make_allocation("integer-pro-rata").allocate(None, lots_round(), 25.0)
    assert a.lots.tolist() == [2, 1, 2]
    assert a.x.tolist() == [17.0, 8.0]


def test_min_max_lots_by_hand():
    # z = 17/50: 14 + 3 from a, 8 from b covers 25; with z < .34 a pays at most 16.., on its grid 14, 13, ..
    a = adl.make_allocation("min-max-lots").allocate(None, lots_round(), 25.0)
    assert a.x.sum() >= 25.0
    best = min(
        max(x / 50, y / 30)
        for x in {7 * i + 3 * j for i in range(6) for j in range(6)}
        for y in {4 * k for k in range(8)}
        if x + y >= 25
    )
    assert max(a.x[0] / 50, a.x[1] / 30) == pytest.approx(best, rel=1e-12)
    assert a.lower_bound == pytest.approx(best, rel=1e-9)


def test_integer_pro_rata_ends_beside_a_lot_that_is_too_dear():
    """One lot of a exceeds its capacity: b, with lots of a millionth of a dollar, covers it all at once."""
    accounts = adl.Accounts(id=["a", "b"], pnl=[1e7, 1e6], equity=[9e5, 1e6])
    positions = adl.Positions(account=[0, 1], market=["X", "X"], lot_value=[1e6, 1e-6], lots=[10, 10**12])
    round_ = adl.Round(deficit=1.0, accounts=accounts, positions=positions)
    a = adl.make_allocation("integer-pro-rata").allocate(None, round_, 1e6)
    assert a.x[0] == 0.0
    assert a.executed == pytest.approx(1e6, rel=1e-9)


def test_an_ex_post_allocation_is_given_the_outcome():
    class Peek(adl.AllocationRule):
        name = "peek"
        information = adl.Information.EX_POST

        def allocate_ex_post(self, state, round_, asked, outcome):
            return adl.Allocation(
                x=round_.accounts.capacity * (outcome.needed / round_.capacity_usd), asked=asked
            )

    policy = adl.Policy(severity=adl.make_severity("full-deficit"), allocation=Peek())
    assert policy.information is adl.Information.EX_POST
    episode = adl.Episode("e", "", [(accounts_round(), adl.Outcome(needed=10.0))])
    assert adl.replay(episode, [policy]).policies[0].haircut_usd == pytest.approx(10.0)


def test_rules_on_lots_need_positions():
    for name in ("integer-pro-rata", "min-max-lots"):
        with pytest.raises(adl.InputError, match="closes whole lots"):
            x_of(name, 1.0)


def test_vector_mirror_descent_is_the_projection_of_zero():
    # one market: h proportional to u, x to u^2: 2500 : 900 : 400
    x = x_of("vector-mirror-descent", 19.0)
    assert np.allclose(x, 19.0 * np.array([2500, 900, 400]) / 3800)
    # h is cut at 1 for the largest
    x = x_of("vector-mirror-descent", 76.0)
    assert np.allclose(x, [50.0, 26.0 * 900 / 1300, 26.0 * 400 / 1300])


def test_vector_mirror_descent_text_carries_fractions_on():
    rule = adl.make_allocation("vector-mirror-descent-text")
    round_, outcome = accounts_round(), adl.Outcome(needed=19.0)
    state = rule.start()
    first = rule.allocate(state, round_, 19.0)
    assert np.allclose(first.x, x_of("vector-mirror-descent", 19.0))
    state = rule.learn(state, round_, outcome, first)
    second = rule.allocate(state, round_, 19.0)
    assert second.x[0] < first.x[0]  # who paid the largest share gets relief
    assert second.x.sum() == pytest.approx(19.0, rel=1e-12)
    capped = adl.make_allocation("vector-mirror-descent-text(cap=0.25)").allocate(state, round_, 60.0)
    assert np.allclose(capped.x, 0.25 * round_.accounts.capacity)  # beyond cap U the shortfall is named
    assert capped.shortfall == pytest.approx(60.0 - 0.25 * round_.capacity_usd)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("capped-pro-rata(cap=1.5)", "out of range"),
        ("capped-pro-rata(cap=nan)", "out of range"),
        ("capped-pro-rata(cup=0.5)", "unknown parameter"),
        ("min-max(base=pnl)", "not known"),
        ("dydx-random(seed=-1)", "out of range"),
        ("dydx-random(seed=1.5)", "out of range"),
        ("dydx-random(seed=1, seed=2)", "cannot be read"),
        ("dydx-random(1, seed=2)", "parameter twice"),
        ("capped-pro-rata(0.5,,)", "cannot be read"),
        ("capped-pro-rata(٠)", "out of range"),
        ("dydx-random(1, 2)", "takes 1 parameters at most"),
        ("pro rata", "not of the form"),
        ("prorata", "unknown allocation"),
        ("min-max-lots(node_limit=0)", "out of range"),
        ("vector-mirror-descent-text(eta=-1)", "out of range"),
    ],
)
def test_bad_names_and_parameters(call, what):
    with pytest.raises(adl.UsageError, match=what) as caught:
        adl.make_allocation(call)
    assert caught.value.got
    assert caught.value.ways_out
