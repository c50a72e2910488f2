"""The options of a round: every rule obeys them in both spaces, and an answer that breaks one is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.evaluate.check import check_allocation
from adl_opt.rounds.owners import Owners, by_owner
from tests.rounds.books import any_book, book, small_book

IN_CONTRACTS = [name for name, rule in ALLOCATIONS.items() if "contracts" in rule.spaces]
IN_WEALTH = [name for name, rule in ALLOCATIONS.items() if "wealth" in rule.spaces]
PASSES_ON = [name for name in IN_CONTRACTS if name != "vector-mirror-descent"]
"""Rules that let others close what a limit leaves."""
SHORTS = {"side": "short", "mark": 100.0, "losers": "long", "bankruptcy": 105.0}


def shorts(lots, quantity=20.0, entry=120.0, **more):
    """Short positions that gain 20 USD a contract, or by their entries, and give up 5."""
    n = len(lots)
    round_ = small_book(lots, entry=entry, quantity=quantity, leverage=np.arange(n) + 1.0, **SHORTS, **more)
    accounts = replace(round_.accounts, margin=np.full(n, 50.0), notional=np.array(lots) * 100.0)
    return replace(round_, accounts=accounts)


def having(round_, **columns):
    """The round with columns of its accounts, positions or flow."""
    tables = {"accounts": round_.accounts, "positions": round_.positions, "flow": round_.flow}
    for name, table in tables.items():
        own = {k: v for k, v in columns.items() if k in {spec.name for spec in type(table)._specs()}}
        tables[name] = replace(table, **own)
    return replace(round_, **tables)


def closed(rule, round_):
    """Close the whole flow by a rule, and check the answer."""
    rule = make_allocation(rule) if isinstance(rule, str) else rule
    action = allocate_in_contracts(rule, rule.start(), round_, round_.flow.quantity)
    check_allocation(rule.name, round_, action, positive_pnl_only=rule.positive_pnl_only)
    return action


@pytest.mark.parametrize("rule", IN_CONTRACTS)
def test_exempt_accounts_are_not_closed_and_others_close_instead(rule):
    round_ = having(shorts([20, 20, 20]), exempt=[1, 0, 0])
    lots = closed(rule, round_).lots
    assert lots[0] == 0
    assert lots.sum() == 20


@pytest.mark.parametrize("rule", IN_CONTRACTS)
def test_a_cap_of_an_account_holds_and_others_close_instead(rule):
    round_ = having(shorts([20, 20, 20]), cap=[15.0, 1e6, 17.0])  # 3 contracts of 5 USD
    lots = closed(rule, round_).lots
    assert np.all(lots[[0, 2]] <= 3)
    assert lots.sum() == 20 or rule not in PASSES_ON


@pytest.mark.parametrize("rule", IN_CONTRACTS)
def test_a_cap_of_a_cohort_holds_for_its_accounts_together(rule):
    cohort = {"cohort": ["a", "a", "b", "a"], "cohort_cap": [40.0, 40.0, 1e6, 40.0]}
    lots = closed(rule, having(shorts([20] * 4), **cohort)).lots
    assert lots[[0, 1, 3]].sum() <= 8
    assert lots.sum() == 20 or rule not in PASSES_ON


def test_a_cohort_within_its_cap_is_dealt_with_by_the_rule_itself():
    """Of 8 contracts a queue closes its first member, and pro-rata all alike."""
    cohort = {"cohort": ["a", "a", "b", "a"], "cohort_cap": [40.0, 40.0, 1e6, 40.0]}
    round_ = having(shorts([20] * 4, entry=[110.0, 120.0, 105.0, 130.0]), **cohort)
    assert closed("kucoin", round_).lots.tolist() == [0, 0, 12, 8]  # by return: d, b, a, c
    level = having(shorts([20] * 4), **cohort)
    assert closed("pro-rata", level).lots.tolist() == [3, 3, 12, 2]


@pytest.mark.parametrize("rule", IN_CONTRACTS)
def test_rows_outside_of_the_price_band_are_left_and_named(rule):
    round_ = shorts([20, 20], quantity=10.0)
    assert closed(rule, having(round_, band=[0.06])).lots.sum() == 10
    action = closed(rule, having(round_, band=[0.04]))  # the close is 5 % from the mark
    assert action.lots.sum() == 0
    assert action.residual == {("XBT", "long"): 10.0}
    assert action.residual_usd == 50.0


def test_a_band_without_a_closing_price_is_refused():
    with pytest.raises(adl.InputError, match="band"):
        closed("okx", having(shorts([20]), band=[0.1], bankruptcy=None))


@pytest.mark.parametrize("rule", IN_CONTRACTS)
def test_nobody_is_closed_for_less_than_the_least_quantity(rule):
    round_ = having(shorts([9] * 6, quantity=20.0), min_quantity=[6.0])
    lots = closed(rule, round_).lots
    assert set(lots) <= {0, 6, 7, 8, 9}
    assert lots.sum() >= 18  # three that close 6 at least, or two that close all


def pairs(shares=(0.0,), quantity=(10.0, 10.0)):
    """Account a is short of X and of Y; b and c hold one of them each."""
    held = adl.Positions(
        account=[0, 0, 1, 2], market=["X", "Y", "X", "Y"], lots=[10, 10, 10, 10], side=["short"] * 4,
        entry=[130.0, 130.0, 120.0, 120.0], mark=[100.0] * 4, hedge=[1, 1, 0, 0], hedge_tolerance=shares[0],
    )  # fmt: skip
    pnl = np.bincount(held.account, held.pnl)
    accounts = adl.Accounts(
        id=["a", "b", "c"], pnl=pnl, equity=pnl + 1e3, margin=[1.0] * 3, leverage=[3.0, 2.0, 1.0],
        notional=[2e3, 1e3, 1e3],
    )  # fmt: skip
    flow = adl.Flow(
        market=["X", "Y"], side=["long"] * 2, quantity=quantity, mark=[100.0] * 2, bankruptcy=[105.0] * 2
    )
    return adl.Round(deficit=100.0, accounts=accounts, positions=held, flow=flow)


@pytest.mark.parametrize("rule", PASSES_ON)
def test_hedged_pairs_are_closed_together_or_not_at_all(rule):
    lots = closed(rule, pairs(quantity=(8.0, 2.0))).lots
    assert lots[0] == lots[1]
    assert lots[[0, 2]].sum() == 8  # the other account closes what the pair does not
    assert lots[[1, 3]].sum() == 2
    lots = closed(rule, pairs(shares=(0.3,), quantity=(8.0, 2.0))).lots
    assert abs(lots[0] - lots[1]) <= 3
    one = pairs(quantity=(8.0, 0.0))
    assert closed(rule, one).lots.tolist() == [0, 0, 8, 0]


def test_a_queue_closes_pairs_as_far_as_they_go():
    assert closed("kucoin", pairs(quantity=(8.0, 2.0))).lots.tolist() == [2, 2, 6, 0]
    assert closed("kucoin", pairs(shares=(0.3,), quantity=(8.0, 2.0))).lots.tolist() == [5, 2, 3, 0]


@pytest.mark.parametrize("rule", [name for name in IN_CONTRACTS if not name.startswith("dydx")])
def test_sub_accounts_count_as_one_account(rule):
    """Owners give up what they would if each had one account: it is no use to split."""
    entry = [120.0, 130.0, 110.0, 125.0]
    whole = having(shorts([12, 8, 10, 6], entry=entry), owner=["p", "q", "p", "r"])
    action, made = closed(rule, whole), by_owner(whole)
    assert made.accounts.id.tolist() == ["p", "q", "r"]
    assert made.positions.lots.tolist() == [22, 8, 6]
    again = closed(rule, made)
    assert np.bincount([0, 1, 0, 2], action.lots).tolist() == again.lots.tolist()
    assert np.bincount([0, 1, 0, 2], action.x) == pytest.approx(again.x)


def test_owners_of_one_account_each_change_nothing():
    for seed in range(20):
        round_ = any_book(seed)
        alone = having(round_, owner=[f"o{k}" for k in range(len(round_.accounts))])
        for rule in ("bitmex", "pro-rata", "cumulative-burden", "min-max"):
            one, two = closed(rule, round_), closed(rule, alone)
            if rule != "bitmex":  # it compares ids where scores tie
                assert one.lots.tolist() == two.lots.tolist(), (seed, rule)


def test_owners_have_the_sums_and_the_mean_entry():
    round_ = having(shorts([1, 3], entry=[120.0, 140.0]), owner=["o", "o"], cap=[9.0, 4.0])
    owners = Owners.of(round_)
    assert owners.round.accounts.pnl.tolist() == [140.0]
    assert owners.round.positions.entry.tolist() == [135.0]
    assert owners.round.accounts.cap.tolist() == [4.0]
    assert owners.round.positions.pnl.tolist() == [140.0]
    coin = small_book(
        [1, 3], side="short", entry=[120.0, 140.0], mark=100.0, losers="long", quantity=2.0,
        bankruptcy=105.0, kind="inverse", multiplier=100.0,
    )  # fmt: skip
    merged = by_owner(having(coin, owner=["o", "o"]))
    assert merged.positions.pnl == pytest.approx([coin.positions.pnl.sum()], rel=1e-12)
    modes = having(coin, owner=["o", "o"], margin_mode=["cross", "isolated"], isolated_margin=[0.0, 9.0])
    with pytest.raises(adl.InputError, match="margin_mode"):
        closed("okx", modes)


def test_a_learner_remembers_owners():
    rule = make_allocation("cumulative-burden")
    accounts = adl.Accounts(id=["a", "b"], pnl=[10.0, 30.0], equity=[50.0, 50.0], owner=["o", "o"])
    round_ = adl.Round(deficit=5.0, accounts=accounts)
    action = rule.allocate(rule.start(), round_, 20.0)
    assert action.x.tolist() == [5.0, 15.0]
    assert dict(rule.learn(rule.start(), round_, adl.Outcome(20.0), action))["id"] == ["o"]
    result = adl.replay(adl.Episode("e", "", [(round_, adl.Outcome(20.0))]), ["cumulative-burden"])
    assert result.states["accounts"] == ["o"]


# In the pool of dollars


def pool(**columns):
    accounts = adl.Accounts(
        id=list("abcd"), pnl=[40.0, 30.0, 20.0, 10.0], equity=[90.0] * 4, notional=[100.0, 50.0, 50.0, 10.0],
        leverage=[4.0, 3.0, 2.0, 1.0], margin=[4.0] * 4, side=[1] * 4, entry=[1.0] * 4,
        mark=[1.4, 1.3, 1.2, 1.1], **columns,
    )  # fmt: skip
    held = adl.Positions(
        account=[0, 1, 2, 3], market=["X"] * 4, lots=[40, 30, 20, 10], lot_value=1.0, side=[1] * 4,
        entry=[1.0] * 4, mark=[1.4, 1.3, 1.2, 1.1], notional=[100.0, 50.0, 50.0, 10.0],
    )  # fmt: skip
    return adl.Round(deficit=50.0, accounts=accounts, positions=held)


def paid(rule, round_, asked=50.0):
    rule = make_allocation(rule)
    action = rule.allocate(rule.start(), round_, asked)
    check_allocation(rule.name, round_, action)
    return action


@pytest.mark.parametrize("rule", IN_WEALTH)
def test_options_hold_in_the_pool_and_the_others_pay_the_rest(rule):
    cohort = {"cohort": ["s", "t", "t", "u"], "cohort_cap": [1e3, 12.0, 12.0, 1e3]}
    for columns, most in (
        ({"exempt": [1, 0, 0, 0]}, [0, 30, 20, 10]),
        ({"cap": [9.0, 30.0, 20.0, 10.0]}, [9, 30, 20, 10]),
        (cohort, [40, 12, 12, 10]),
        ({"exempt": [0, 0, 0, 1], "cap": [25.0] * 4} | cohort, [25, 12, 12, 0]),
    ):
        action = paid(rule, pool(**columns), 30.0)
        assert np.all(action.x <= np.array(most) + 1e-9), columns
        if rule not in ("vector-mirror-descent", "capped-pro-rata"):
            assert action.executed == pytest.approx(30.0, abs=1.0), columns


def test_pro_rata_under_caps_is_water_filling():
    """x = min(cap, z u) against bisection in rationals."""
    for caps in product((2.0, 9.0, 100.0), repeat=4):
        x = paid("pro-rata", pool(cap=list(caps))).x
        u, low, high = [40, 30, 20, 10], Fraction(0), Fraction(10)
        for _ in range(60):
            z = (low + high) / 2
            total = sum(min(Fraction(c), z * v) for c, v in zip(caps, u, strict=True))
            low, high = (z, high) if total < 50 else (low, z)
        assert x == pytest.approx(
            [float(min(Fraction(c), high * v, v)) for c, v in zip(caps, u, strict=True)]
        )


def test_queues_go_on_with_the_next():
    assert paid("binance", pool(cap=[10.0, 30.0, 20.0, 10.0])).x.tolist() == [10.0, 30.0, 10.0, 0.0]
    cohort = {"cohort": ["s", "s", "s", "u"], "cohort_cap": [45.0] * 3 + [9e3]}
    assert paid("binance", pool(**cohort)).x.tolist() == [40.0, 5.0, 0.0, 5.0]


def test_owners_pay_as_one_account_in_the_pool():
    round_ = pool(owner=["o", "o", "p", "q"])
    assert paid("pro-rata", round_, 50.0).x.tolist() == [20.0, 15.0, 10.0, 5.0]
    one = adl.Round(
        deficit=50.0,
        accounts=adl.Accounts(id=["o", "p", "q"], pnl=[70.0, 20.0, 10.0], equity=[180.0, 90.0, 90.0]),
    )
    for rule in ("equity-pro-rata", "pnl-pro-rata", "min-max", "cumulative-burden"):
        x = paid(rule, round_).x
        assert [x[0] + x[1], x[2], x[3]] == pytest.approx(paid(rule, one).x.tolist()), rule
    action = paid("integer-pro-rata", pool(owner=["o", "o", "p", "q"], cap=[9.0] * 4))
    assert action.lots[:2].sum() <= 9


# Foreign rules and the border


class Careless(adl.AllocationRule):
    """Closes everybody in full, and takes everything."""

    name = "careless"
    spaces = ("wealth", "contracts")

    def allocate(self, state, round_, asked):
        return adl.Allocation(x=round_.accounts.capacity, asked=asked)

    def close(self, state, cell):
        return cell.most


BROKEN = {
    "exempt account": {"exempt": [1, 0, 0]},
    "cap of the account": {"cap": [1.0, 99.0, 99.0]},
    "cohort": {"cohort": ["a", "a", "b"], "cohort_cap": [9.0, 9.0, 99.0]},
    "price band": {"band": [0.01]},
    "less is closed": {"min_quantity": [15.0]},
}


@pytest.mark.parametrize("option", BROKEN)
def test_an_answer_that_breaks_an_option_is_refused(option):
    free = shorts([10, 10, 10], quantity=30.0)
    rule = make_allocation("pro-rata")
    action = allocate_in_contracts(rule, None, free, free.flow.quantity)
    with pytest.raises(adl.PolicyError, match=option):
        check_allocation("foreign", having(free, **BROKEN[option]), action)


def test_a_pair_that_is_broken_is_refused():
    round_ = pairs(quantity=(8.0, 0.0))
    free = having(round_, hedge=0)
    action = allocate_in_contracts(make_allocation("kucoin"), None, free, free.flow.quantity)
    with pytest.raises(adl.PolicyError, match="one leg"):
        check_allocation("foreign", round_, action)


def test_an_answer_without_closures_is_refused_in_contracts():
    round_ = shorts([10, 10])
    with pytest.raises(adl.PolicyError, match="lots and closures"):
        check_allocation("foreign", round_, adl.Allocation(x=np.zeros(2), asked=0.0))


def test_a_careless_rule_is_held_to_the_options_in_the_pool():
    rule = Careless()
    assert rule.allocate(None, pool(exempt=[1, 0, 0, 0], cap=[9.0] * 4), 50.0).x.tolist() == [0, 9, 9, 9]


@pytest.mark.parametrize("rule", IN_CONTRACTS)
def test_the_lowest_level_answers_in_the_space_of_the_round(rule):
    """``rule.allocate`` is the one way in both spaces: in contracts it closes contracts."""
    made, round_ = make_allocation(rule), shorts([10, 10], quantity=20.0)
    action = made.allocate(made.start(), round_, 50.0)
    assert action.closures is not None
    assert action.lots.sum() == 10  # half of the 100 USD that the flow gives up
    assert action.executed == pytest.approx(50.0)


def test_super_still_answers():
    class Mine(type(make_allocation("pro-rata"))):
        name = "mine"

        def allocate(self, state, round_, asked):
            return super().allocate(state, round_, asked / 2)

    assert Mine().allocate(None, pool(cap=[4.0, 30.0, 20.0, 10.0]), 20.0).executed == pytest.approx(10.0)


REFUSED = {
    "two caps of a cohort": ({"cohort": ["a", "a"], "cohort_cap": [1.0, 2.0]}, "row 1: 2.0"),
    "a cap of no cohort": ({"cohort_cap": [1.0, 1.0]}, "row 0: 1.0"),
    "half exempt": ({"exempt": [0.5, 0]}, "row 0: 0.5"),
    "more than exempt": ({"exempt": [2, 0]}, "row 0: 2"),
    "a pair of one": ({"hedge": [1, 0]}, "row 0: 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_contradict_themselves_are_refused(case):
    columns, got = REFUSED[case]
    with pytest.raises(adl.InputError) as caught:
        having(shorts([10, 10]), **columns)
    assert got in caught.value.got


def test_options_come_from_words_and_files(tmp_path):
    accounts = adl.Accounts(id=["a", "b"], pnl=[1.0, 2.0], equity=[3.0, 4.0], exempt=["true", "False"])
    assert accounts.exempt.tolist() == [1, 0]
    csv = tmp_path / "a.csv"
    csv.write_text("id,pnl,equity,exempt,cap_usd,owner\na,10,20,0,3,o\nb,10,20,1,9,p\n")
    x = adl.solve(csv, budget=8.0, policy="pro-rata").frame()["haircut_usd"]
    assert x.tolist() == [3.0, 0.0]


def test_the_options_of_a_book_are_columns_of_its_frames():
    round_ = having(book(), exempt=[0, 1, 0], band=[0.1, 0.2], hedge=[1, 1, 0, 0, 0, 0])
    frames = adl.Episode("e", "", [(round_, adl.Outcome(1.0))]).to_frames()
    assert "exempt" in frames.accounts
    assert "hedge" in frames.positions
    assert "hedge_tolerance" not in frames.positions
    assert "band" in frames.flow
