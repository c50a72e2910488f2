"""Severities that settle within the round: what they may know, what is left, the balance in every table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import adl_opt as adl
from adl_opt.evaluate.result import Result
from adl_opt.reports.terminal.tables import result_table
from adl_opt.rounds.round import Information

NAMES = ["catch-up", "fund-float"]


def round_of(need, number=1, capacity=1e9, notional=100.0):
    markets = [f"m{k}" for k in range(len(need))]
    held = adl.Accounts(id=["w"], pnl=[capacity], equity=[capacity])
    flow = adl.Flow(market=markets, quantity=[1.0] * len(need), mark=[notional] * len(need))
    gaps = adl.Gaps(market=markets, quantity=[1.0] * len(need), gap=need)
    deficit = max(float(np.sum(need)), 1.0)
    return adl.Round(deficit=deficit, accounts=held, flow=flow, number=number), adl.Outcome(
        needed=float(np.sum(need)), gaps=gaps
    )


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_taken_with_the_need_of_a_market_that_is_not_closed_yet(name):
    severity, rng = adl.make_severity(name), np.random.default_rng(0)
    for _ in range(30):
        need = rng.exponential(size=6)
        state = severity.start() | {"balance": float(rng.normal()) if name == "fund-float" else 0.0}
        made = severity.settled(state, *round_of(need))
        for k in range(6):
            other = np.concatenate([need[:k], rng.exponential(size=6 - k) * 50])
            again = severity.settled(state, *round_of(other))
            assert [s.taken for s in again[: k + 1]] == [s.taken for s in made[: k + 1]]


def test_later_markets_make_up_for_earlier_ones():
    """The hint is 1 USD a market (1 % of 100)."""
    taken = [
        s.taken for s in adl.make_severity("catch-up").settled(_start("catch-up"), *round_of([3.0, 0.0, 1.0]))
    ]
    assert taken == [1.0, 3.0, 0.0]  # short by 2; then 2 more; then 1 too much
    short = adl.make_severity("catch-up")
    round_, outcome = round_of([1.0, 9.0])
    assert outcome.needed - short.choose_ex_post(short.start(), round_, outcome) == 8.0  # of the last market


def _start(name):
    return adl.make_severity(name).start()


def test_a_fund_carries_its_balance_to_the_next_round():
    for name, budgets, balance in (("catch-up", [2.0, 2.0], -7.0), ("fund-float", [2.0, 9.0], 0.0)):
        severity = adl.make_severity(name)
        rounds = [round_of([1.0, 8.0]), round_of([1.0, 1.0], 2)]
        state, took = severity.start(), []
        for round_, outcome in rounds:
            took.append(severity.choose_ex_post(state, round_, outcome))
            state = json.loads(json.dumps(severity.learn(state, round_, outcome, took[-1])))
        assert took == budgets
        result = adl.replay(adl.Episode("two", "by hand", rounds), [name, "constant(0)"])
        row = result[f"{name}(fixed-gap)/pro-rata"]
        assert (row.balance_usd, row.lowest_balance_usd) == (balance, -7.0)
        assert row.information is Information.WITHIN_ROUND


def test_capacity_limits_what_is_taken_and_contracts_are_refused():
    severity = adl.make_severity("catch-up")
    round_, outcome = round_of([3.0, 3.0, 3.0], capacity=2.5)
    assert severity.choose_ex_post(severity.start(), round_, outcome) == 2.5
    bare = replace(round_, flow=None)
    assert severity.choose_ex_post(severity.start(), bare, adl.Outcome(needed=1.0)) == 2.5
    with pytest.raises(adl.LackError, match="settles in dollars"):
        adl.replay("synthetic(accounts=20, rounds=2, space=contracts)", ["catch-up"], space="contracts")


def test_the_balance_stands_in_every_table_that_has_them_and_in_no_other():
    rounds = [round_of([1.0, 8.0]), round_of([1.0, 1.0], 2)]
    episode = adl.Episode("two", "by hand", rounds)
    with_it = adl.replay(episode, ["fund-float", "constant(0)", "pro-rata"])
    without = adl.replay(episode, ["constant(0)", "pro-rata"])
    for result, there in ((with_it, True), (without, False)):
        console = Console(width=400)
        with console.capture() as said:
            console.print(result_table(result))
        assert ("lowest balance $" in said.get()) is there
        assert ("lowest balance" in result.to_latex()) is there
    keys = {"balance_usd", "lowest_balance_usd"}
    assert keys <= set(with_it.to_json()["policies"][0])
    blocks = [p.information.value for p in with_it.policies]
    assert blocks == ["within-round", "start-of-round", "ex-post"]
    assert isinstance(with_it, Result)
