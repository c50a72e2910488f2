"""Allocation in contracts: the worked examples of venues, and what must hold of any book."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts, valued
from adl_opt.allocation.queue import Queue
from adl_opt.programs import Lots, MarketBalance, MaxBurden, RoundProgram, solve
from adl_opt.rounds.flows import reckoned, revealed, share_of_flow, usd_by_cell
from adl_opt.rounds.pots import Pots
from tests.rounds.books import any_book, book, small_book

SERVES = [name for name, rule in ALLOCATIONS.items() if "contracts" in rule.spaces]
OF_CAPACITY = [
    name for name in SERVES if hasattr(ALLOCATIONS[name], "cap") or name == "vector-mirror-descent"
]
"""Rules that never take more than a share of capacity, or of a gain."""
QUEUES = [name for name in SERVES if issubclass(ALLOCATIONS[name], Queue)]


def closed(rule, round_, quantity=None, **options):
    rule = make_allocation(rule) if isinstance(rule, str) else rule
    quantity = round_.flow.quantity if quantity is None else np.asarray(quantity, dtype=float)
    return allocate_in_contracts(rule, rule.start(), round_, quantity, **options)


@dataclass(frozen=True)
class Published(Queue):
    """A queue by scores that are given: leverage stands for them."""

    name = "published"
    needs_of_account = ("leverage",)

    def score(self, rows):
        return rows["leverage"]


def test_the_adl_example_of_bitmex():
    """Six longs; 20 contracts of a bankrupt short at 650, mark 700: accounts 2 and 5 give 10 each."""
    sizes, scores = [10, 10, 20, 30, 20, 10], [3.0, 6.0, 1.0, 4.0, 5.0, 2.0]
    round_ = small_book(
        sizes, side="long", entry=600.0, mark=700.0, losers="short", quantity=20.0, bankruptcy=650.0,
        leverage=scores,
    )  # fmt: skip
    action = closed(Published(), round_)
    assert action.lots.tolist() == [0, 10, 0, 0, 10, 0]
    assert action.x.tolist() == [0.0, 500.0, 0.0, 0.0, 500.0, 0.0]
    assert action.residual == {("XBT", "short"): 0.0}


def test_bitmex_ranks_inverse_contracts_by_their_pnl_in_coin():
    """Shorts A (entry 200, leverage 1), B (125, leverage 3) at 100: 1.00 before 0.75; linear has B first."""
    for kind, first in (("inverse", 0), ("linear", 1)):
        unit = 100.0 if kind == "inverse" else 1.0
        notional = 100 * (unit if kind == "inverse" else 100.0)
        round_ = small_book(
            [100, 100], side="short", entry=[200.0, 125.0], mark=100.0, losers="long", quantity=40.0,
            bankruptcy=110.0, kind=kind, multiplier=unit, equity=[notional, notional / 3],
        )  # fmt: skip
        lots = closed("bitmex", round_, positive_pnl_only=False).lots
        assert lots[first] == 40
        assert lots.sum() == 40


@pytest.mark.parametrize("rule", SERVES)
def test_a_bankrupt_long_is_paid_for_by_a_short(rule):
    """A short and a long with 1,000 USD of PNL each, and a bankrupt long of 400 USD."""
    held = adl.Positions(
        account=[0, 1], market=["BTC"] * 2, lots=[100, 100], side=["short", "long"],
        entry=[110.0, 90.0], mark=[100.0, 100.0],
    )  # fmt: skip
    round_ = a_round([1_000.0, 1_000.0], held, ["BTC"], ["long"], [40.0], [100.0], [110.0])
    assert closed(rule, round_).x.tolist() == [400.0, 0.0]


@pytest.mark.parametrize("rule", SERVES)
def test_the_deficit_of_a_market_takes_nothing_from_holders_of_another(rule):
    """A deficit in A1 only, and Bob holds A0 only."""
    held = adl.Positions(
        account=[0, 1], market=["A1", "A0"], lots=[100, 100], side=["short", "short"],
        entry=[110.0, 190.0], mark=[100.0, 100.0],
    )  # fmt: skip
    round_ = a_round([1_000.0, 9_000.0], held, ["A1"], ["long"], [40.0], [100.0], [110.0])
    assert closed(rule, round_).x.tolist() == [400.0, 0.0]
    nobody = replace(round_, flow=replace(round_.flow, market=np.array(["A2"])))
    action = closed(rule, nobody)
    assert action.x.tolist() == [0.0, 0.0]
    assert action.residual == {("A2", "long"): 40.0}
    assert action.residual_usd == 400.0


def a_round(pnl, held, markets, losers, quantity, mark, bankruptcy, **more):
    accounts = adl.Accounts(
        id=[f"a{k}" for k in range(len(pnl))], pnl=pnl, equity=np.abs(pnl) + 5_000.0,
        margin=np.full(len(pnl), 50.0), leverage=np.full(len(pnl), 2.0), notional=np.full(len(pnl), 1e4),
    )  # fmt: skip
    flow = adl.Flow(market=markets, side=losers, quantity=quantity, mark=mark, bankruptcy=bankruptcy, **more)
    return adl.Round(deficit=1_000.0, accounts=accounts, positions=held, flow=flow)


def test_queues_that_tie_in_a_pool_of_dollars_close_different_accounts():
    rounds = [any_book(seed) for seed in range(6)]
    paid = {name: tuple(tuple(closed(name, r).lots) for r in rounds) for name in QUEUES}
    assert len(set(paid.values())) >= 6


def test_isolated_margin_is_a_pot_of_its_own():
    round_ = book()
    pots = Pots.of(round_.accounts, round_.positions)
    assert pots.capacity[3] == pytest.approx(32.0)  # c: short 0.8 BTC from 640 at 600
    assert pots.equity[3] == pytest.approx(132.0)
    assert pots.limit[2] == pytest.approx(32.0)  # its cross position loses
    action = closed("pro-rata", round_, [1.5, 0.0])
    assert action.x[2] <= 32.0


def test_losers_pay_only_where_positive_pnl_is_no_limit():
    held = {"side": "short", "mark": 100.0, "losers": "long", "quantity": 15.0, "bankruptcy": 105.0}
    round_ = small_book([10, 10], entry=[110.0, 95.0], equity=[500.0, 500.0], **held)
    action = closed("pro-rata", round_)
    assert action.lots.tolist() == [10, 0]
    assert action.residual == {("XBT", "long"): 5.0}
    assert action.residual_usd == 25.0
    assert closed("pro-rata", round_, positive_pnl_only=False).lots.tolist() == [10, 5]


def test_a_closing_price_beyond_the_market_is_a_gain_and_no_haircut():
    round_ = small_book(
        [10], side="short", entry=110.0, mark=100.0, losers="long", quantity=4.0, bankruptcy=98.0
    )
    action = closed("bitmex", round_)
    assert (action.x.tolist(), action.lots.tolist()) == ([0.0], [4])
    assert action.closures.gains(1).tolist() == [8.0]


def test_several_losers_of_a_market_keep_their_prices():
    round_ = book()
    flow = adl.Flow(
        market=["BTC", "BTC"], side=["long", "long"], quantity=[0.5, 0.7], mark=[600.0, 600.0],
        bankruptcy=[650.0, 610.0],
    )  # fmt: skip
    action = closed("okx", replace(round_, flow=flow))
    assert action.closures.given_up == pytest.approx([50.0, 10.0])
    assert action.lots.tolist() == [4, 0, 0, 0, 8, 0]  # c is first: 0.5 at 650, 0.3 at 610; then a
    assert action.x == pytest.approx([0.4 * 10, 0.0, 0.5 * 50 + 0.3 * 10])


def test_the_share_of_the_flow_and_what_is_revealed():
    round_ = book()
    g = reckoned(round_)
    assert g == pytest.approx([50.0, 100.0 * (1 / 60_000 - 1 / 61_000) * 60_000.0])
    total = float(round_.flow.quantity @ g)
    assert share_of_flow(round_, total / 4, g) == pytest.approx(0.25)
    assert share_of_flow(round_, 3 * total, g) == 1.0
    by_cell = usd_by_cell(round_, g)
    assert by_cell[("BTC", "long")] == pytest.approx(75.0)
    assert sum(by_cell.values()) == pytest.approx(total)
    blind = replace(round_, flow=replace(round_.flow, bankruptcy=None))
    assert float(blind.flow.quantity @ reckoned(blind)) == pytest.approx(blind.deficit)
    assert reckoned(blind)[0] == pytest.approx(6.0 * reckoned(blind)[1])  # 600 USD a contract, and 100
    gaps = adl.Gaps(market=["BTC", "COIN"], side=["long", "long"], quantity=[1.5, 150.0], gap=[30.0, 0.0])
    outcome = adl.Outcome(30.0, gaps=gaps)
    assert revealed(blind, outcome) == pytest.approx([20.0, 0.0])
    action = closed("pro-rata", blind)
    again = valued(action, blind, revealed(blind, outcome))
    assert again.lots.tolist() == action.lots.tolist()
    assert again.executed == pytest.approx(20.0 * action.closures.contracts[action.closures.row == 0].sum())
    two = adl.Flow(
        market=["BTC"] * 2, side=[1, 1], quantity=[1.0, 1.0], mark=[600.0] * 2, bankruptcy=[650, 620]
    )
    outcome = adl.Outcome(90.0, gaps=adl.Gaps(market=["BTC"], quantity=[2.0], gap=[90.0]))
    assert revealed(replace(round_, flow=two), outcome) == pytest.approx([60.0, 30.0])  # the market paid 590


class OfThePool(AllocationRule):
    """A rule that closes no contracts."""

    name = "of-the-pool"

    def allocate(self, state, round_, asked):
        raise AssertionError


def test_a_rule_that_lacks_the_space_says_so():
    in_wealth = adl.load("oct10").in_space().rounds[0][0]
    rule = OfThePool()
    with pytest.raises(adl.InputError, match="'of-the-pool' does not serve rounds in contracts"):
        closed(rule, book())
    with pytest.raises(adl.InputError, match="'of-the-pool' does not serve rounds in contracts"):
        rule.allocate(rule.start(), book(), 10.0)  # nor does it answer for the pool
    with pytest.raises(adl.InputError, match="not in contracts"):
        allocate_in_contracts(make_allocation("okx"), None, in_wealth, np.zeros(1))


def outlasts(held, pots, price):
    """Whether the equity behind each position lasts from the mark to a price, contract by contract."""
    lasts = []
    for k, pot in enumerate(pots.of_position):
        mark, side = held.mark[k], held.side[k]
        gain = side * ((1 / mark - 1 / price) if held.kind[k] == "inverse" else price - mark)
        gain *= held.quantity[k] * held.multiplier[k] * held.settlement_rate[k]
        lasts.append(pots.equity[pot] + gain >= 0.0)
    return np.array(lasts)


@pytest.mark.parametrize("rule", SERVES)
def test_any_book_balances(rule):
    """No closure on the wrong side or market; quantities balance to the lot, cents to the cent."""
    first = 25 * SERVES.index(rule)  # other books for every rule: about 800 in all
    for seed in range(first, first + 25):
        round_ = any_book(seed)
        held, flow = round_.positions, round_.flow
        pots = Pots.of(round_.accounts, held)
        for limited in (True, False):
            action = closed(rule, round_, positive_pnl_only=limited)
            c = action.closures
            assert np.all(held.market[c.position] == flow.market[c.row]), seed
            assert np.all(held.side[c.position] == -flow.side[c.row]), seed
            assert np.all((action.lots >= 0) & (action.lots <= held.lots)), seed
            assert np.bincount(c.position, c.lots, len(held)).tolist() == action.lots.tolist(), seed
            taken = np.bincount(c.row, c.lots * held.lot_size[c.position], len(flow))
            assert np.all(taken <= flow.quantity + 1e-9), seed
            assert taken + c.left() == pytest.approx(flow.quantity, abs=1e-9), seed
            assert sum(action.residual.values()) == pytest.approx(
                float((flow.quantity - taken).sum()), abs=1e-9
            )
            given = float(c.contracts @ np.maximum(c.given_up, 0.0)[c.row])
            assert abs(action.executed - given) < 0.005, seed
            if limited:
                assert np.all(action.x <= pots.limit + 1e-6), seed
                of_pot = pots.of_position[c.position]
                paid = np.bincount(
                    of_pot, c.contracts * np.maximum(c.given_up, 0.0)[c.row], pots.capacity.size
                )
                assert np.all(paid <= pots.capacity + 1e-6), seed
            elif rule not in OF_CAPACITY:  # all there is is closed; dydx-v4 skips pairs that do not overlap
                for row in range(len(flow)):
                    side = (held.market == flow.market[row]) & (held.side == -flow.side[row])
                    if rule == "dydx-v4":
                        side &= outlasts(held, pots, flow.bankruptcy[row])
                    left = (held.lots - action.lots)[side]
                    size = held.lot_size[side][left > 0]
                    assert not size.size or c.left()[row] < size.min() * (1 + 1e-6), seed


def test_a_balance_of_markets_closes_the_other_side_only():
    """50 contracts of bankrupt longs: 50 of the shorts, 0 of the longs."""
    held = adl.Positions(
        account=[0, 1], market=["BTC"] * 2, lots=[100, 100], side=["short", "long"],
        entry=[110.0, 90.0], mark=[100.0, 100.0],
    )  # fmt: skip
    round_ = a_round([1_000.0] * 2, held, ["BTC"] * 2, ["long"] * 2, [30.0, 20.0], [100.0] * 2, [110.0] * 2)
    answer = solve(RoundProgram(MaxBurden(), [MarketBalance(), Lots()]), round_, needed=500.0)
    assert answer.status == "optimal"
    assert answer.lots == pytest.approx([50.0, 0.0], abs=1e-6)


def test_a_market_without_another_side_is_left_whole():
    round_ = book()
    nobody = replace(round_, positions=round_.positions.take(np.array([], dtype=np.int64)))
    action = closed("okx", nobody)
    assert nobody.space == "contracts"
    assert action.residual == {("BTC", "long"): 1.5, ("COIN", "long"): 150.0}
    assert action.x.tolist() == [0.0, 0.0, 0.0]
