"""Margins of dexes and of isolated positions: how snapshots say them, and how fills move them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adl_opt.datasets.node_fills.books import Books, Held
from adl_opt.datasets.node_fills.decode import Fill
from adl_opt.datasets.node_fills.roles import Roles
from adl_opt.datasets.node_fills.snapshot import read_snapshot
from adl_opt.datasets.node_fills.troubles import Troubles


def trade(size, price, start, fee=0.0):
    return Fill("a", "X", float(price), float(size), float(start), None, fee)


def isolated(size, entry, cash, leverage=0.0):
    """Books with 1,000 USD of cross margin and one isolated position."""
    books = Books(cash={"a": 1000.0, "a#X": cash}, isolated={"a": {"X": leverage}}, prices={"X": entry})
    books.held["a#X"] = {"X": Held(size, entry)}
    return books


def test_an_isolated_position_gives_its_margin_back_as_it_shrinks():
    books = isolated(10.0, 20.0, -150.0)  # margin 50 at the entry
    books.apply(trade(-4, 21, 10, fee=1.0))  # equity 60 at 21: 40 % of it, less the fee
    assert (books.cash["a"], books.equity("a#X", {"X": 21.0})) == (1000 + 24 - 1, 36.0)
    books.apply(trade(-6, 21, 6))
    assert books.cash == {"a": 1000 + 24 - 1 + 36}
    assert books.written_off == 0.0


def test_a_loss_beyond_the_margin_is_the_venues():
    books = isolated(10.0, 20.0, -150.0)
    books.apply(trade(-4, 14, 10))  # equity -10: nothing to give back
    assert (books.cash["a"], books.equity("a#X", {"X": 14.0})) == (1000.0, -10.0)
    books.apply(trade(-6, 14, 6))
    assert (books.cash, books.written_off) == ({"a": 1000.0}, 10.0)


@pytest.mark.parametrize(("leverage", "taken"), [(10.0, 2 * 21 / 10), (0.0, 60 * 2 / 10)])
def test_one_that_grows_takes_margin(leverage, taken):
    books = isolated(10.0, 20.0, -150.0, leverage)
    books.apply(trade(2, 21, 10))
    assert books.cash["a"] == pytest.approx(1000 - taken)
    assert books.equity("a#X", {"X": 21.0}) == pytest.approx(60 + taken)


def test_one_that_turns_round_starts_with_the_margin_of_its_leverage():
    books = isolated(10.0, 20.0, -150.0, 10.0)
    books.apply(trade(-14, 21, 10))
    assert books.equity("a#X", {"X": 21.0}) == pytest.approx(4 * 21 / 10)
    assert books.cash["a"] == pytest.approx(1000 + 60 - 8.4)
    books.apply(trade(4, 21, -4))
    books.apply(trade(1, 21, 0))  # the leverage stands when it is opened again
    assert books.equity("a#X", {"X": 21.0}) == pytest.approx(2.1)


@given(
    st.lists(st.tuples(st.integers(-6, 6).filter(bool), st.integers(10, 30), st.integers(0, 2)), max_size=8),
    st.sampled_from([0.0, 5.0]),
)
def test_the_equity_of_a_user_is_that_of_one_margin_and_what_is_written_off(trades, leverage):
    alone, cross = isolated(5.0, 20.0, -80.0, leverage), Books(cash={"a": 920.0}, prices={"X": 20.0})
    cross.held["a"] = {"X": Held(5.0, 20.0)}
    start = 5
    for size, price, fee in trades:
        for books in (alone, cross):
            books.apply(trade(size, price, start, fee))
        start += size
        off = alone.whole_equity("a", {"X": 20.0}) - alone.written_off - cross.whole_equity("a", {"X": 20.0})
        assert off == pytest.approx(0.0, abs=1e-8)
        assert alone.written_off >= 0.0
    assert (alone.mismatched, cross.mismatched) == (0, 0)


def read(tmp_path, *elements):
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(list(elements)))
    troubles = Troubles()
    return read_snapshot([path], troubles, Roles()), troubles


def market(name, **row):
    usual = {"user": "a", "size": "-2", "entry_price": "12", "notional_size": "20"}
    return {"market_name": name, "positions": [usual | row]}


@pytest.mark.parametrize(
    "said",
    [
        {"leverage": {"type": "isolated", "value": 5, "rawUsd": "26"}},
        {"leverage": "5", "leverage_type": "isolated", "margin_used": "6"},
        {"isolated": True, "leverage": 5, "isolated_margin": "2"},
    ],
)
def test_each_way_to_say_an_isolated_margin(tmp_path, said):
    books, troubles = read(tmp_path, {"user": "a", "account_value": "100"}, market("hyperliquid:X", **said))
    assert (books.cash, books.isolated) == ({"a": 94.0, "a#X": 26.0}, {"a": {"X": 5.0}})
    assert not troubles


def test_an_isolated_position_without_margin_is_told(tmp_path):
    books, troubles = read(tmp_path, {"user": "a", "account_value": "100"}, market("X", isolated=True))
    assert "an isolated position without its margin" in troubles.summary
    assert books.cash == {"a": 100.0}


def test_markets_of_dexes_have_their_own_values(tmp_path):
    books, troubles = read(
        tmp_path,
        {"user": "a", "account_value": "100"},
        {"user": "a", "account_value": "30", "dex": "flx"},
        {"user": "b", "account_value": "7"},
        market("hyperliquid:xyz:X", account_value="50"),
        market("flx:X"),
        market("xyz:Y", user="b"),  # b is on no other: its value is that of xyz
        market("#1890"),
        market("hyperliquid:PURR/USDC"),
    )
    assert books.cash == {"a": 100.0, "a@xyz": 70.0, "a@flx": 50.0, "b@xyz": 27.0}
    assert (books.outside, books.moved_values, len(troubles)) == (2, 1, 0)
    assert books.prices == {"xyz:X": 10.0, "flx:X": 10.0, "xyz:Y": 10.0}
    _, troubles = read(tmp_path, {"user": "a", "account_value": "100"}, market("X"), market("xyz:X"))
    assert "has positions of an account without account value (a@xyz)" in troubles.summary


def test_a_delisted_market_counts_at_its_entry(tmp_path):
    books, troubles = read(tmp_path, {"user": "a", "account_value": "100"}, market("OLD", notional_size="0"))
    assert (books.cash, books.delisted, len(troubles)) == ({"a": 124.0}, {"OLD": 1}, 0)
    assert books.equity("a", books.prices) == 100.0
    assert books.equity("a", {"OLD": 10.0}) == 104.0
