"""Rules in contracts that plan all markets: leverage draining, risk-based, min-max."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.catalogue import make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.allocation.risk import RiskBased
from adl_opt.allocation.scenarios import ScenarioSource, marks_of
from adl_opt.evaluate.check import check_allocation
from adl_opt.evaluate.future import future_shortfall
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.rounds.flows import tables_in_contracts
from tests.rounds.books import any_book, book, small_book

NAMES = ("leverage-draining", "risk-based", "min-max", "min-max-lots")


def closed(name, round_, quantity=None, state=None):
    rule = make_allocation(name) if isinstance(name, str) else name
    wanted = tables_in_contracts(round_)[0].quantity if quantity is None else quantity
    return allocate_in_contracts(rule, rule.start() if state is None else state, round_, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_random_books_are_closed_from_the_other_side_and_balance_to_the_lot(name):
    done = 0
    for seed in range(150):
        round_ = any_book(seed)
        action = closed(name, round_)
        check_allocation(name, round_, action)
        queue = closed("dydx-random", round_)
        assert action.closures.wanted.sum() - action.closures.left().sum() >= 0.0
        if len(round_.flow) == 1:  # nothing competes for an account's room: as much closes as by a queue
            lot = round_.positions.lot_size.max()
            assert abs(action.closures.contracts.sum() - queue.closures.contracts.sum()) <= lot
        done += 1
    assert done > 30


def test_draining_levels_the_leverage_of_what_is_kept():
    round_ = small_book(
        [100, 40], side="long", entry=[0.5, 0.5], mark=1.0, losers="short", quantity=30.0, bankruptcy=0.99,
        equity=[100.0, 20.0], lot_size=1.0,
    )  # fmt: skip
    assert closed("leverage-draining", round_).lots.tolist() == [8, 22]  # (8.33, 21.67) in whole lots


def test_risk_based_looks_at_equity_after_haircuts():
    round_ = small_book(
        [100, 40], side="long", entry=[0.4, 0.4], mark=1.0, losers="short", quantity=30.0, bankruptcy=0.5,
        equity=[100.0, 20.0], lot_size=1.0,
    )  # fmt: skip
    fall = PriceMoves.of([[-1.0], [0.0]], [0.1, 0.9], source="a fall of 1 with probability 0.1")
    rule = RiskBased(gap=0.0, scenarios=ScenarioSource(read=lambda markets, worth: fall))
    action = closed(rule, round_)
    assert action.lots.tolist() == [0, 30]
    assert future_shortfall(round_, action.closures, fall) == pytest.approx(0.5)
    drained = closed("leverage-draining", round_)
    assert future_shortfall(round_, drained.closures, fall) == pytest.approx(0.9, abs=0.05)


def test_a_residual_is_charged_as_it_stands():
    round_ = small_book(
        [10], side="short", entry=[120.0], mark=100.0, losers="long", quantity=10.0, bankruptcy=103.0
    )
    moves = PriceMoves.of([[-10.0], [10.0]], source="by hand")
    none, half = (closed("pro-rata", round_, np.array([q])) for q in (0.0, 5.0))
    # ten longs have lost 3 each and move by 10: (130 + 0) / 2; a short with much equity never falls short
    assert future_shortfall(round_, none.closures, moves) == pytest.approx(65.0)
    assert future_shortfall(round_, half.closures, moves) == pytest.approx(32.5)


def test_risk_based_is_at_most_as_costly_as_all_lots_of_small_books():
    rng, seen = np.random.default_rng(5), 0
    for _ in range(12):
        n = 3
        equity = rng.uniform(5.0, 60.0, n)
        round_ = small_book(
            [4] * n, side="long", entry=rng.uniform(70.0, 80.0, n), mark=100.0, losers="short",
            quantity=6.0, bankruptcy=99.0, equity=equity,
        )  # fmt: skip
        moves = PriceMoves.of(rng.uniform(-40.0, 40.0, (5, 1)), source="by hand")
        rule = RiskBased(gap=1e-9, scenarios=ScenarioSource(read=lambda markets, worth, m=moves: m))
        action = closed(rule, round_)
        cost = future_shortfall(round_, action.closures, moves)
        best = np.inf
        for lots in product(range(5), repeat=n):
            if sum(lots) == 6 and all(
                k * 1.0 <= c for k, c in zip(lots, round_.accounts.capacity, strict=True)
            ):
                kept = equity - np.array(lots) + np.multiply.outer(moves.moves[:, 0], 4.0 - np.array(lots))
                best = min(best, float(np.maximum(-kept, 0.0).sum(axis=1) @ moves.chance))
        assert cost >= best - 1e-9
        lot = float(np.abs(moves.moves).mean())
        assert cost <= best + n * lot  # rounding moves less than one lot of each account
        seen += cost > 0
    assert seen > 3


def test_min_max_is_the_water_filling_of_what_contracts_can_give():
    round_ = small_book(
        [1, 10], side="short", entry=[200.0, 110.0], mark=100.0, losers="long", quantity=5.0, bankruptcy=110.0
    )
    for name in ("min-max", "min-max-lots"):
        assert closed(name, round_).x.tolist() == [10.0, 40.0]


@pytest.mark.parametrize("name", ["min-max", "min-max-lots"])
def test_min_max_blends_no_prices(name):
    """Two losers at 1 and 3 USD a contract; the second account holds ten contracts only.

    Blended at 2 USD, 30 and 10 contracts give (60, 20).  The dear ten contracts go to the account that has
    no more room for cheap ones: (50, 30).
    """
    held = adl.Positions(
        account=[0, 1], market=["XBT"] * 2, lots=[900, 100], side=["short"] * 2, entry=[101.0, 110.0],
        mark=[100.0] * 2, lot_size=0.1,
    )  # fmt: skip
    accounts = adl.Accounts(id=["a", "b"], pnl=held.pnl, equity=[9e3, 9e3], capacity=[90.0, 100.0])
    flow = adl.Flow(
        market=["XBT"] * 2, side=["long"] * 2, quantity=[20.0] * 2, mark=[100.0] * 2,
        bankruptcy=[101.0, 103.0],
    )  # fmt: skip
    round_ = adl.Round(deficit=80.0, accounts=accounts, positions=held, flow=flow)
    action = closed(name, round_)
    assert action.closures.left().tolist() == [0.0, 0.0]
    assert action.x.tolist() == pytest.approx([50.0, 30.0])
    assert (action.x / accounts.capacity).max() == pytest.approx(50.0 / 90.0)


def test_several_prices_are_as_level_as_all_whole_lots_allow():
    """Enumeration of what the first account gives against each of two rows, in hundredths of a contract."""
    seen = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        lots, q, g = rng.integers(2, 7, 2), rng.integers(1, 4, 2), rng.integers(1, 6, 2)
        if lots.sum() < q.sum() or g[0] == g[1]:
            continue
        capacity = rng.uniform(30, 60, 2)
        held = adl.Positions(
            account=[0, 1], market=["XBT"] * 2, lots=100 * lots, side=["short"] * 2, entry=[900.0] * 2,
            mark=[100.0] * 2, lot_size=0.01,
        )  # fmt: skip
        accounts = adl.Accounts(id=["a", "b"], pnl=held.pnl, equity=[9e3] * 2, capacity=capacity)
        flow = adl.Flow(
            market=["XBT"] * 2, side=["long"] * 2, quantity=q.astype(float), mark=[100.0] * 2,
            bankruptcy=100.0 + g,
        )  # fmt: skip
        round_ = adl.Round(deficit=1.0, accounts=accounts, positions=held, flow=flow)
        worst = (closed("min-max", round_).x / capacity).max()
        one, two = np.meshgrid(*(np.arange(100 * n + 1) for n in q), indexing="ij")
        fits = (one + two <= 100 * lots[0]) & (100 * q.sum() - one - two <= 100 * lots[1])
        paid = (one * g[0] + two * g[1]) / 100.0
        least = np.maximum(paid / capacity[0], (q @ g - paid) / capacity[1])[fits].min()
        assert least - 1e-9 <= worst <= least + 2 * 0.01 * g.sum() / capacity.min(), seed
        seen += 1
    assert seen > 12


def test_scenarios_come_from_rounds_so_far_and_else_from_the_named_covariance():
    round_, source = book(), ScenarioSource()
    first = source.of([], round_)
    assert "assumed" in first.source
    assert first.moves.shape == (64, 2)
    assert np.corrcoef(first.moves.T)[0, 1] > 0.6
    before = marks_of(round_) | {"BTC": 750.0}
    moved = source.of([before], round_)
    assert "past moves" in moved.source
    assert np.allclose(np.sort(moved.moves[:, 0]), [-120.0, 150.0])  # 600 x (600/750 - 1), and its mirror
    assert np.allclose(np.sort(moved.moves[:, 1]), 0.0)  # a hundred USD of COIN did not move
