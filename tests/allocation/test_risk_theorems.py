"""Theorems of risk-based closing, of the policies as a replay runs them: whole lots, fine enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.allocation.risk import RiskBased
from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.evaluate.future import future_shortfall
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.draining import drain_factor
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.risk.shortfall import expected_shortfall
from tests.rounds.books import small_book

LOT = 1e-3
MARK = 100.0
RNG = np.random.default_rng(11)
LAWS = {
    "symmetric": ([-0.4, 0.4], None),
    "skewed down": ([-0.9, -0.1, 0.1, 0.2], [0.05, 0.35, 0.35, 0.25]),
    "skewed up": ([-0.2, -0.1, 0.1, 0.9], [0.25, 0.35, 0.35, 0.05]),
    "only up": ([0.05, 0.2, 0.5], None),
    "heavy": (RNG.standard_t(2, 60) * 0.15, None),
}
RULES = [name for name, rule in ALLOCATIONS.items() if "contracts" in rule.spaces]


def moves_of(law):
    moves, chance = LAWS[law]
    return PriceMoves.of(np.reshape(moves, (-1, 1)) * MARK, chance, source=law)


def shorts(size, equity, quantity, bankruptcy=MARK, entry=None):
    """Return a round whose shorts are closed, by default at the mark; all of them gain."""
    lots = np.maximum(np.rint(np.asarray(size) / LOT), 1).astype(int)
    entry = 2 * MARK if entry is None else entry
    round_ = small_book(
        lots, side="short", entry=entry, mark=MARK, losers="long", quantity=quantity,
        bankruptcy=bankruptcy, equity=equity, lot_size=LOT,
    )  # fmt: skip
    n, worth = len(lots), round_.positions.quantity * MARK
    more = {"leverage": worth / equity, "notional": worth, "margin": np.full(n, 0.01) * worth}
    return replace(round_, accounts=replace(round_.accounts, **more))


def closed(name, round_):
    rule = make_allocation(name) if isinstance(name, str) else name
    return allocate_in_contracts(rule, rule.start(), round_, round_.flow.quantity, positive_pnl_only=False)


def drawn(seed, n=12):
    rng = np.random.default_rng(seed)
    size = rng.lognormal(1, 1, n)
    return size, size * MARK / rng.uniform(0.5, 15, n), round(0.35 * size.sum(), 3)


@pytest.mark.parametrize("law", LAWS)
def test_at_the_mark_the_least_largest_leverage_is_the_least_shortfall_of_all_rules(law):
    """One market, closed at the mark: no rule leaves less under any law, symmetric or skewed."""
    moves, apart = moves_of(law), 0
    for seed in range(4):
        round_ = shorts(*drawn(seed))
        known = RiskBased(gap=1e-9, scenarios=ScenarioSource(read=lambda markets, worth: moves))
        ours = closed("leverage-draining", round_)
        largest = _largest(round_, ours)
        shortfall = future_shortfall(round_, ours.closures, moves)
        trifle = len(round_.accounts) * LOT * float(np.abs(moves.moves).max())
        for rule in [*(name for name in RULES if name != "risk-based"), known]:
            other = closed(rule, round_)
            assert other.closures.contracts.sum() == pytest.approx(ours.closures.contracts.sum(), abs=LOT)
            assert largest <= _largest(round_, other) * (1 + 1e-3)
            assert shortfall <= future_shortfall(round_, other.closures, moves) + trifle, (seed, rule)
            apart += shortfall + trifle < future_shortfall(round_, other.closures, moves)
    assert apart > 10


def _largest(round_, action):
    kept = round_.positions.quantity - action.lots * LOT
    return float((kept * MARK / round_.accounts.equity).max())


def test_after_haircuts_the_least_largest_leverage_need_not_be_the_least_shortfall():
    """Closed away from the mark, the program that sees haircuts leaves less than draining."""
    fall = PriceMoves.of([[1.0 * MARK], [0.0]], [0.1, 0.9], source="a rise with probability 0.1")
    round_ = shorts([100.0, 40.0], np.array([100.0, 20.0]) * MARK, 30.0, bankruptcy=150.0)
    rule = RiskBased(gap=0.0, scenarios=ScenarioSource(read=lambda markets, worth: fall))
    best, drained = closed(rule, round_), closed("leverage-draining", round_)
    assert _largest(round_, drained) < _largest(round_, best)
    assert future_shortfall(round_, best.closures, fall) == pytest.approx(50.0)
    assert future_shortfall(round_, drained.closures, fall) == pytest.approx(91.67, abs=0.1)


def test_under_a_tail_all_that_stay_above_the_cutoff_are_as_good():
    """CVaR: in moves of at least z every account above leverage 1/z falls short, so its part is linear."""
    tail = PriceMoves.of(MARK * np.array([[0.25], [0.4], [0.7]]), source="the worst tail of a law")
    size, equity = np.array([100.0, 120.0, 90.0]), np.array([10.0, 15.0, 18.0]) * MARK
    round_ = shorts(size, equity, 20.0)  # each stays above leverage 4 = 1 / 0.25, whatever is closed
    worth = {
        name: future_shortfall(round_, closed(name, round_).closures, tail)
        for name in ("leverage-draining", "pro-rata", "dydx-random", "okx", "min-max")
    }
    assert max(worth.values()) == pytest.approx(min(worth.values()), rel=1e-9)
    calm = PriceMoves.of([[0.05 * MARK], [0.15 * MARK]], source="moves below the cutoff")
    apart = {name: future_shortfall(round_, closed(name, round_).closures, calm) for name in worth}
    assert apart["leverage-draining"] < max(apart.values()) * (1 - 1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_sybil_an_account_in_two_halves_closes_what_the_whole_did(seed):
    size, equity, quantity = drawn(seed)
    size = 2 * LOT * np.rint(size / (2 * LOT))
    whole = closed("leverage-draining", shorts(size, equity, quantity)).lots
    k = int(np.argmax(whole))  # the account that is closed most
    halves, cash = (np.append(v, v[k] / 2) - np.append(np.eye(12)[k] * v[k] / 2, 0.0) for v in (size, equity))
    split = closed("leverage-draining", shorts(halves, cash, quantity)).lots
    assert abs(split[k] + split[-1] - whole[k]) <= 2
    assert np.abs(np.delete(split[:-1] - whole, k)).max() <= 1
    assert whole[k] > 100


@pytest.mark.parametrize("seed", range(6))
def test_a_wash_trade_changes_nothing(seed):
    """Selling to oneself at the mark makes PNL collateral: entry and PNL move, equity and size stay."""
    size, equity, quantity = drawn(seed)
    before = shorts(size, equity, quantity)
    washed = shorts(size, equity, quantity, entry=np.where(np.arange(size.size) < 4, MARK, 2 * MARK))
    assert np.any(before.accounts.pnl != washed.accounts.pnl)
    ours = closed("leverage-draining", before).lots.tolist()
    assert ours == closed("leverage-draining", washed).lots.tolist()
    assert any(
        closed(queue, before).lots.tolist() != closed(queue, washed).lots.tolist()
        for queue in ("okx", "binance", "pnl-pro-rata")
    )


@pytest.mark.parametrize("seed", range(6))
def test_two_rounds_of_closing_are_one(seed):
    """Path: half of the flow and then the other half close what the whole flow closes."""
    size, equity, quantity = drawn(seed)
    at_once = closed("leverage-draining", shorts(size, equity, quantity)).lots
    first = closed("leverage-draining", shorts(size, equity, quantity / 2))
    left = shorts(size, equity, quantity / 2)
    rest = replace(left.positions, lots=left.positions.lots - first.lots)
    accounts = replace(left.accounts, pnl=rest.pnl, capacity=np.minimum(rest.pnl, equity))
    later = closed("leverage-draining", replace(left, positions=rest, accounts=accounts)).lots
    assert np.abs(first.lots + later - at_once).max() <= 2
    assert first.lots.sum() > 0


@pytest.mark.parametrize("law", LAWS)
def test_one_factor_is_water_filling_in_factor_adjusted_leverage(law):
    """Two markets that move together, and hedgers: the plan is that of levelling b'(q - k) / e."""
    factor, chance = LAWS[law]
    beta = np.array([1.0, 0.6])
    rng = np.random.default_rng(4)
    n = 10
    size = rng.lognormal(1, 1, n)
    other = rng.choice([-1.0, 0.0, 1.0], n) * size * rng.uniform(0.3, 1.5, n)
    hedge = np.flatnonzero(other)
    held = adl.Positions(
        account=[*range(n), *hedge], market=["A"] * n + ["B"] * hedge.size,
        lots=np.rint(np.abs([*size, *other[hedge]]) / LOT).astype(int),
        side=[-1] * n + np.sign(other[hedge]).astype(int).tolist(), entry=[2 * MARK] * (n + hedge.size),
        mark=[MARK] * (n + hedge.size), lot_size=LOT,
    )  # fmt: skip
    gross = np.bincount(held.account, held.quantity * MARK, minlength=n)
    equity = gross / rng.uniform(0.5, 8, n)
    pnl = np.bincount(held.account, held.pnl, minlength=n)
    accounts = adl.Accounts(id=[f"a{k}" for k in range(n)], pnl=pnl, equity=equity)
    quantity = round(0.3 * size.sum(), 3)
    flow = adl.Flow(market=["A"], side=["long"], quantity=[quantity], mark=[MARK], bankruptcy=[MARK])
    round_ = adl.Round(deficit=1.0, accounts=accounts, positions=held, flow=flow)
    moves = PriceMoves.of(np.reshape(factor, (-1, 1)) * beta * MARK, chance, source=law)
    rule = RiskBased(gap=1e-9, scenarios=ScenarioSource(read=lambda markets, worth: moves))
    ours = future_shortfall(round_, closed(rule, round_).closures, moves)
    book = RiskBook.of(
        equity, held.account, (held.market == "B").astype(int), held.side * held.quantity,
        [[0.0, quantity], [0.0, 0.0]],
    )  # fmt: skip
    levelled = expected_shortfall(book, moves, drain_factor(book, beta))
    assert ours == pytest.approx(levelled, rel=1e-3, abs=n * LOT * MARK)
