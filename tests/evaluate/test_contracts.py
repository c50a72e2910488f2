"""Replay in contracts: the same book in both spaces, the share of the flow, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.evaluate.check import check_allocation
from adl_opt.policy.policy import Policy
from adl_opt.programs import ExactBudget, Lots, MaxBurden, RoundProgram, Solvency, WithinPositions
from adl_opt.rounds.flows import reckoned
from tests.rounds.books import any_book, book, small_book


def episode(*rounds, needed=None, gaps=None):
    pairs = []
    for number, round_ in enumerate(rounds, start=1):
        total = float(round_.flow.quantity @ np.maximum(reckoned(round_), 0.0))
        outcome = adl.Outcome(total if needed is None else needed, gaps=gaps)
        pairs.append((replace(round_, number=number), outcome))
    return adl.Episode("books", "made up", pairs)


def short_book(**changes):
    held = {"side": "short", "entry": 110.0, "mark": 100.0, "losers": "long", "quantity": 20.0}
    return small_book([10, 30], **held | {"bankruptcy": 105.0} | changes)


def test_one_market_with_one_price_is_the_pool():
    """Section 1: with one market, one side and equal g, pro-rata is water-filling over capacity."""
    result = adl.replay(episode(short_book()), ["pro-rata", "full-deficit"])
    row = result["pro-rata"]
    assert (row.space, row.haircut_usd, row.tracking_usd, row.residual_usd) == ("contracts", 100.0, 0.0, 0.0)
    assert row.max_burden == pytest.approx(100.0 / 400.0)
    assert row.fairness_usd == pytest.approx(0.0, abs=1e-9)
    pool = adl.replay(episode(short_book()), ["pro-rata"], space="wealth")
    assert pool["pro-rata"].space == "wealth"
    assert pool["pro-rata"].haircut_usd == pytest.approx(100.0)


def test_water_filling_caps_by_what_contracts_can_give():
    """Section 1: u = (100, 100), q g = (10, 100), B = 50 gives (10, 40)."""
    round_ = small_book(
        [1, 10], side="short", entry=[200.0, 110.0], mark=100.0, losers="long", quantity=5.0, bankruptcy=110.0
    )
    result = adl.replay(episode(round_), ["pro-rata"])
    assert result.haircuts("pro-rata")["haircut_usd"].tolist() == [10.0, 40.0]
    assert result.records[0].reference_burden == pytest.approx(0.4)


def test_a_table_says_which_space_it_is_in():
    result = adl.replay(episode(book(), book()))
    made = json.loads(json.dumps(result.to_json()))
    assert {p["space"] for p in made["policies"]} == {"contracts"}
    assert all(p["residual_usd"] is not None for p in made["policies"])
    assert not any("do not serve" in note for note in result.notes)  # every rule serves contracts
    assert any("do not serve wealth" in note for note in adl.replay("synthetic(accounts=5, rounds=1)").notes)
    assert "contracts" in str(result)
    assert {"space", "residual_usd"} <= set(result.rounds())


def test_severities_close_a_share_of_every_row():
    """A quarter of what Q g comes to closes a quarter of the flow; full-deficit closes all of it."""
    round_ = replace(short_book(), deficit=100.0)
    result = adl.replay(episode(round_), ["constant(0.25)", "full-deficit"])
    assert result["constant(theta=0.25)/pro-rata"].haircut_usd == pytest.approx(25.0)
    assert result["full-deficit/pro-rata"].haircut_usd == pytest.approx(100.0)
    small = replace(round_, deficit=10.0)
    assert adl.replay(episode(small), ["full-deficit"]).policies[0].haircut_usd == pytest.approx(100.0)


def test_the_gap_that_only_the_outcome_has_values_the_contracts():
    round_ = short_book()
    blind = replace(round_, flow=replace(round_.flow, bankruptcy=None), deficit=200.0)
    gaps = adl.Gaps(market=["XBT"], quantity=[20.0], gap=[60.0])
    result = adl.replay(episode(blind, needed=60.0, gaps=gaps), ["pro-rata", "constant(0.5)/okx"])
    assert result["pro-rata"].haircut_usd == pytest.approx(60.0)  # the oracle closes the whole flow
    assert result["constant(theta=0.5)/okx"].haircut_usd == pytest.approx(30.0)


def test_the_residual_is_named_in_usd():
    result = adl.replay(episode(short_book(quantity=50.0)), ["okx"])
    assert result["okx"].residual_usd == pytest.approx(50.0)  # ten contracts of 5 USD have no other side
    assert result["okx"].undershoot_usd == pytest.approx(50.0)


def test_positive_pnl_only_is_a_rule_that_can_be_switched_off():
    round_ = small_book(
        [10, 10], side="short", entry=[110.0, 95.0], mark=100.0, losers="long", quantity=15.0,
        bankruptcy=105.0,
    )  # fmt: skip
    oracle, rule = adl.make_severity("oracle"), adl.make_allocation("pro-rata")
    free = Policy(severity=oracle, allocation=rule, positive_pnl_only=False)
    result = adl.replay(episode(round_), ["pro-rata", free])
    assert result["pro-rata"].haircut_usd == pytest.approx(50.0)
    assert result["pro-rata (losers too)"].haircut_usd == pytest.approx(75.0)


class FirstPays(adl.AllocationRule):
    """A rule in dollars only."""

    name = "first-pays"

    def allocate(self, state, round_, asked):
        x = np.zeros(len(round_.accounts))
        x[0] = min(asked, round_.accounts.capacity[0])
        return adl.Allocation(x=x, asked=asked)


@pytest.mark.parametrize("demand", [ExactBudget(), Solvency()])
def test_a_model_without_positive_pnl_only_gives_up_what_its_contracts_say(demand):
    """40 contracts give up 5 USD each, of accounts with capacities of 40 and 120 USD."""
    round_ = small_book([10, 30], side="short", entry=104.0, mark=100.0, losers="long", bankruptcy=105.0,
                        quantity=40.0)  # fmt: skip
    rules = [demand, WithinPositions(), *([Lots()] if isinstance(demand, Solvency) else [])]
    found = adl.solve(round_, 200.0, model=RoundProgram(MaxBurden(), rules))
    assert found.allocation.x.tolist() == pytest.approx([50.0, 150.0])
    assert found.allocation.closures.haircuts(2) == pytest.approx(found.allocation.x)
    assert found.burdens.max() == pytest.approx(1.25)


def test_a_space_that_is_lacking_is_refused():
    with pytest.raises(adl.InputError, match="not in contracts"):
        adl.replay("synthetic(accounts=5, rounds=1)", ["okx"], space="contracts")
    with pytest.raises(adl.InputError, match="does not serve rounds in contracts"):
        adl.replay(episode(book()), [FirstPays()])
    with pytest.raises(adl.InputError, match="does not serve rounds in wealth") as lacking:
        adl.replay("oct10", ["risk-based"])
    assert not any("wealth" in way for way in lacking.value.ways_out)
    assert "--space contracts" in lacking.value.ways_out[0]
    with pytest.raises(adl.UsageError, match="space"):
        adl.replay(episode(book()), ["okx"], space="coins")


def test_the_pool_needs_no_larger_burden_than_any_rule_in_contracts():
    for seed in range(60):
        rounds = episode(any_book(seed))
        result = adl.replay(rounds, ["pro-rata", "bitmex", "integer-pro-rata", "okx"])
        for record in result.records:
            if record.haircut >= record.needed * (1 - 1e-9):
                assert record.max_burden >= record.reference_burden * (1 - 1e-9), (seed, record.policy)


def test_a_side_on_both_ends_is_refused():
    round_ = short_book()
    action = adl.make_policy("full-deficit/okx").act((None, None), round_)
    check_allocation("okx", round_, action)
    longs = replace(round_.flow, side=np.array([-1]))
    with pytest.raises(adl.PolicyError, match="its own side"):
        check_allocation("okx", replace(round_, flow=longs), action)
    less = replace(round_.flow, quantity=np.array([1.0]))
    with pytest.raises(adl.PolicyError, match="more is closed"):
        check_allocation("okx", replace(round_, flow=less), action)


def test_what_accounts_without_capacity_give_up_is_named_and_is_in_no_burden():
    """A loser who is solvent at the mark was executed beyond its bankruptcy price: a gain became a loss.

    Contracts were reckoned to give up nothing, so all shorts could be closed, and each gave up 10 USD.
    """
    accounts = adl.Accounts(id=["loses", "gains"], pnl=[-50.0, 30.0], equity=[500.0, 500.0])
    short = {"market": ["B", "B"], "side": ["short", "short"], "mark": [110.0, 110.0]}
    held = adl.Positions(account=[0, 1], lots=[10, 10], entry=[105.0, 113.0], **short)
    flow = adl.Flow(market=["B"], side=["long"], quantity=[6.0], mark=[110.0], bankruptcy=[100.0])
    gaps = adl.Gaps(market=["B"], side=["long"], quantity=[6.0], gap=[60.0])
    made = adl.Round(deficit=10.0, accounts=accounts, positions=held, flow=flow)
    episode = adl.Episode(name="e", source="s", rounds=[(made, adl.Outcome(needed=60.0, gaps=gaps))])
    names = [f"full-deficit/{rule}" for rule in ("percolator", "okx")]
    result = adl.replay(episode, names)
    rows = result.rounds().set_index("policy")
    assert rows["haircut_usd"].tolist() == [60.0, 60.0]
    assert rows["uncounted_usd"].tolist() == [30.0, 0.0]
    assert rows["max_burden"].tolist() == [1.0, 2.0]  # 30 and 60 of a capacity of 30
    assert np.isfinite(rows[["max_burden", "p99_burden", "gini"]]).all(axis=None)
    assert any(f"without capacity, in no burden: {names[0]} $30.00" in note for note in result.notes)
