"""Rounds in contracts: what positions are worth, which space a round is in, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.rounds.contracts import given_up_per_contract, pnl_per_contract, return_on_entry
from tests.rounds.books import book

HELD = {"account": [0, 1], "market": ["X", "X"], "lots": [10, 8]}
SIDED = HELD | {"side": [1, -1], "entry": [9.0, 12.0], "mark": [10.0, 10.0]}


def test_inverse_contracts_earn_in_coin():
    """KuCoin, support 35084312224281: linear arithmetic swaps the two."""
    earned = return_on_entry("inverse", [1, -1], [60_000.0, 62_000.0], [62_000.0, 60_000.0])
    assert [round(100.0 * v, 2) for v in earned] == [3.23, 3.33]
    swapped = return_on_entry("linear", [1, -1], [60_000.0, 62_000.0], [62_000.0, 60_000.0])
    assert [round(100.0 * v, 2) for v in swapped] == [3.33, 3.23]


def test_an_inverse_contract_settles_in_its_coin_at_the_mark():
    held = adl.Positions(**SIDED, kind="inverse", multiplier=100.0)
    coin = np.array([1 / 9 - 1 / 10, 1 / 10 - 1 / 12]) * 100.0 * [10, 8]
    assert held.settlement_rate.tolist() == [10.0, 10.0]
    assert held.pnl == pytest.approx(coin * 10.0, rel=1e-12)
    other = adl.Positions(**SIDED, kind="inverse", multiplier=100.0, settlement_rate=2.0)
    assert other.pnl == pytest.approx(coin * 2.0, rel=1e-12)


@pytest.mark.parametrize("kind", ["linear", "inverse"])
@pytest.mark.parametrize("losers", [1, -1])
def test_what_a_contract_gives_up_is_pnl_at_the_market_less_pnl_at_the_close(kind, losers):
    entry, close, executed = 90.0, 104.0, 97.0
    at_market = pnl_per_contract(kind, -losers, entry, executed, 3.0, 2.0)
    at_close = pnl_per_contract(kind, -losers, entry, close, 3.0, 2.0)
    assert given_up_per_contract(kind, losers, close, executed, 3.0, 2.0) == pytest.approx(
        at_market - at_close, rel=1e-12
    )


def test_columns_with_a_default_take_one_value_for_all_rows_and_are_silent_at_it():
    held = adl.Positions(**SIDED, lot_size=0.5)
    assert held.lot_size.tolist() == [0.5, 0.5]
    assert held.quantity.tolist() == [5.0, 4.0]
    assert held.present() == ["account", "market", "lot_value", "lots", "side", "entry", "mark", "lot_size"]
    assert held.lot_value.tolist() == [0.5, 1.0]
    again = adl.Positions.from_frame(held.frame())
    assert again.lot_value.tolist() == held.lot_value.tolist()
    assert adl.Positions(**HELD, lot_value=2.0).lot_value.tolist() == [2.0, 2.0]


def test_the_space_of_a_round_and_of_an_episode():
    round_ = book()
    assert round_.space == "contracts"
    assert round_.in_space("contracts") is round_
    pool = round_.in_space("wealth")
    assert pool.space == "wealth"
    assert pool.positions.lot_value.min() > 0.0
    assert pool.accounts is round_.accounts
    assert pool.positions.notional == pytest.approx([600.0, 300.0, 20_000.0, 480.0])
    outcome = adl.Outcome(1.0)
    assert adl.Episode("e", "", [(round_, outcome)]).space == "contracts"
    both = [(round_, outcome), (replace(pool, number=2), outcome)]
    assert adl.Episode("e", "", both).space == "wealth"
    assert adl.Episode("e", "", [(round_, outcome)], space="wealth").head(1).space == "wealth"
    with pytest.raises(adl.InputError, match="not in contracts"):
        pool.in_space("contracts")
    with pytest.raises(adl.UsageError):
        adl.Episode("e", "", both, space="coins")


def test_a_round_in_contracts_comes_back_from_its_frames():
    round_ = book()
    episode = adl.Episode("book", "made up", [(round_, adl.Outcome(1.0))])
    frames = episode.to_frames()
    again = adl.Episode.from_frames(*frames).rounds[0][0]
    for noun in ("positions", "flow"):
        one, two = getattr(round_, noun), getattr(again, noun)
        assert one.present() == two.present()
        assert all(getattr(one, n).tolist() == getattr(two, n).tolist() for n in one.present())
    assert {"lot_size", "kind", "isolated_margin_usd"} <= set(frames.positions)
    assert "settlement_rate_usd" not in frames.positions
    assert {"side", "bankruptcy_usd"} <= set(frames.flow)


def test_hedge_mode_is_both_sides_of_a_market_in_one_account():
    held = adl.Positions(**SIDED | {"account": [0, 0]})
    assert len(held) == 2
    with pytest.raises(adl.InputError, match="twice"):
        adl.Positions(**SIDED | {"account": [0, 0], "side": [1, 1], "entry": [9.0, 9.0]})


def changed(noun, **columns):
    round_ = book()
    return replace(round_, **{noun: replace(getattr(round_, noun), **columns)})


REFUSED = {
    "neither way": (lambda: adl.Positions(**HELD), "no lot_value, and no side, entry, mark"),
    "half of a way": (lambda: adl.Positions(**HELD, side=[1, 1]), "no entry, mark"),
    "contract of no kind": (lambda: adl.Positions(**SIDED, kind="quanto"), "row 0: quanto"),
    "margin of no mode": (lambda: adl.Positions(**SIDED, margin_mode="shared"), "row 0: shared"),
    "isolated without margin": (lambda: adl.Positions(**SIDED, margin_mode="isolated"), "row 0: 0.0"),
    "cross with margin": (lambda: adl.Positions(**SIDED, isolated_margin=5.0), "row 0: 5.0"),
    "lot size 0": (lambda: adl.Positions(**SIDED, lot_size=0.0), "row 0: 0.0"),
    "lots against side, entry and mark": (
        lambda: changed("positions", lot_value=np.full(6, 10.0)),
        "row 1: 10.0",
    ),
    "PNL against positions": (lambda: changed("accounts", pnl=[0.0, 500.0, 0.0]), "row 0"),
    "capacity above equity": (
        lambda: changed("accounts", equity=[1.0, 9.0, 9.0], capacity=[2.0, 0.0, 0.0]),
        "row 0: 2.0",
    ),
    "two contracts in a market": (
        lambda: book(kind=["linear", "inverse", "linear", "inverse", "linear", "inverse"]),
        "row 1: inverse",
    ),
    "marks in different units": (lambda: changed("flow", mark=[0.06, 60_000.0]), "row 0: 0.06"),
    "a losing position in wealth": (lambda: changed("flow", side=None), "row 1: -5.0"),
}


def test_a_mark_for_each_side_and_prices_of_executions_are_no_contradiction():
    """Two marks of one market, and a mean price of the flow that is neither of them."""
    entry = [720.0, 670.0, 520.0, 62_000.0, 660.0, 66_000.0]
    held = [620.0] * 3 + [60_000.0, 620.0, 60_000.0]
    assert book(entry=entry, mark=held).flow.mark[0] == 600.0
    assert changed("flow", mark=[900.0, 60_000.0]).space == "contracts"


@pytest.mark.parametrize("case", REFUSED)
def test_what_contradicts_itself_is_refused_in_three_parts(case):
    make, value = REFUSED[case]
    with pytest.raises(adl.InputError) as caught:
        make()
    assert value in caught.value.got
    assert caught.value.ways_out
