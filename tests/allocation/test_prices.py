"""The price of a venue: what each specification closes at, what is lacking, and what rows say of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.allocation.prices import priced
from adl_opt.allocation.specifications import closes_at, venue_card
from adl_opt.policy.policy import Policy
from tests.rounds.books import any_book, book, small_book

AT = {
    "mark": ["aevo", "grvt", "okx"],
    "previous mark": ["hyperliquid-literal", "hyperliquid-side-adjusted"],
    "bankruptcy": ["binance", "bitmex", "dydx-v4", "dydx-random"],
    "capped mark": ["ethereal"],
}
"""From the pages of venues.md; where no page states a price, the flow's own is taken."""


def shorts(**changes):
    round_ = small_book(
        [10, 30], side="short", entry=110.0, mark=100.0, losers="long", quantity=20.0, bankruptcy=105.0,
        leverage=[1.0, 2.0],
    )  # fmt: skip
    accounts = replace(round_.accounts, margin=[5.0, 5.0], notional=[1e3, 3e3])
    return replace(round_, accounts=accounts, flow=replace(round_.flow, **changes))


def episode(round_, needed=100.0, **more):
    return adl.Episode("one", "made up", [(round_, adl.Outcome(needed, **more))])


def test_the_prices_are_those_of_the_specifications():
    known = {name: price for price, names in AT.items() for name in names}
    for name in ALLOCATIONS:
        assert closes_at(name) == known.get(name, "close"), name
    for card in map(venue_card, ("okx-old", "hyperliquid-literal", "binance", "aevo", "grvt")):
        assert card["closes_at"].split()[-1] in card["price"]


def test_every_rule_closes_at_the_flows_price_unless_it_is_told_otherwise():
    result = adl.replay(episode(shorts()), ["okx", "bitmex", "hyperliquid-literal"])
    assert [(p.price, p.haircut_usd) for p in result.policies] == [("close", 100.0)] * 3
    assert result.to_json()["policies"][0]["price"] == "close"


def test_each_venue_closes_at_its_own_price():
    """20 contracts: at 105 winners give up 100, at the mark nothing, at the mark before (98) they gain."""
    names = ["okx", "bitmex", "hyperliquid-literal", "ethereal", "pro-rata"]
    round_ = shorts(previous_mark=[98.0], close=[104.0], bankruptcy=[105.0])
    result = adl.replay(episode(round_, 80.0), names, price="venue")
    rows = {p.policy: (p.price, p.haircut_usd, p.undershoot_usd) for p in result.policies}
    assert rows == {
        "okx": ("mark", 0.0, 80.0),
        "bitmex": ("bankruptcy", 100.0, 0.0),
        "hyperliquid-literal": ("previous mark", 0.0, 80.0),
        "ethereal": ("capped mark", 100.0, 0.0),
        "pro-rata": ("close", 80.0, 0.0),
    }
    assert set(result.rounds()["price"]) == {price for price, *_ in rows.values()}
    assert any(note.startswith("closing prices: ") and "mark: okx" in note for note in result.notes)
    assert "price: venue" in " ".join(str(result).split())


def test_all_prices_close_the_same_share_of_the_flow():
    """Half of what Q g comes to at the flow's own price is half of the flow, whatever the rule closes at."""
    round_ = replace(shorts(previous_mark=[104.0]), deficit=100.0)
    made = {name: adl.make_policy(f"constant(0.5)/{name}") for name in ("okx", "hyperliquid-literal")}
    for policy in made.values():
        at = replace(policy, price="venue")
        assert at.act(at.start(), round_).lots.sum() == 10
        assert policy.act(policy.start(), round_).lots.sum() == 10
    at = replace(made["hyperliquid-literal"], price="venue")
    assert at.act(at.start(), round_).executed == pytest.approx(40.0)


@pytest.mark.parametrize("kind", ["linear", "inverse"])
@pytest.mark.parametrize("losers", [1, -1])
def test_what_the_market_paid_is_the_same_at_every_price(kind, losers):
    """g at another price differs by what the prices differ, in the contract's own terms."""
    multiplier = 1.0 if kind == "linear" else 1e4
    round_ = small_book(
        [10], side=-losers, entry=100.0 + 20 * losers, mark=100.0, losers=losers, quantity=5.0,
        bankruptcy=100.0 + 5 * losers, kind=kind, multiplier=multiplier,
    )  # fmt: skip
    gaps = adl.Gaps(market=["XBT"], quantity=[5.0], gap=[10.0])
    policy = Policy(
        severity=adl.make_severity("full-deficit"), allocation=adl.make_allocation("hyperliquid-literal"),
        price="venue", positive_pnl_only=False,
    )  # fmt: skip
    for before in (100.0 + 4 * losers, 100.0 + 9 * losers):
        at = replace(round_, flow=replace(round_.flow, previous_mark=np.array([before])))
        x = adl.replay(episode(at, 10.0, gaps=gaps), [policy]).policies[0].haircut_usd
        own = 100.0 + 5 * losers
        apart = before - own if kind == "linear" else (1 / own - 1 / before) * multiplier * 100.0
        assert x == pytest.approx(max(5.0 * (2.0 + losers * apart), 0.0), rel=1e-9)


def test_a_price_that_is_needed_and_missing_is_named():
    with pytest.raises(adl.InputError) as caught:
        adl.replay(episode(shorts()), ["hyperliquid-literal"], price="venue")
    assert "previous_mark" in caught.value.got
    assert caught.value.ways_out
    blind = shorts(bankruptcy=None)
    with pytest.raises(adl.InputError) as caught:
        adl.replay(episode(blind), ["okx"], price="venue")
    assert "bankruptcy" in caught.value.got
    result = adl.replay(episode(shorts()), price="venue")  # by default the others go on, and a note says so
    assert any("hyperliquid-literal" in note and "previous_mark" in note for note in result.notes)


def test_a_pool_has_no_price():
    with pytest.raises(adl.UsageError, match="no closing price"):
        adl.replay("oct10", ["okx"], price="venue")
    with pytest.raises(adl.UsageError, match="price"):
        adl.replay(episode(shorts()), ["okx"], price="market")
    assert adl.replay("synthetic(accounts=5, rounds=1)", ["pro-rata"]).policies[0].price == ""


def test_the_band_looks_at_the_price_that_is_used():
    round_ = shorts(previous_mark=[98.0], band=[0.03])
    result = adl.replay(episode(round_), ["bitmex", "okx"], price="venue")
    assert [p.accounts_touched for p in result.policies] == [0, 0]
    assert [p.residual_usd for p in result.policies] == [100.0, 0.0]  # at 105 nothing is closed


def test_a_capped_mark_takes_nothing_that_a_loser_does_not_have():
    round_ = book()
    two = adl.Flow(
        market=["BTC"] * 2, side=["long", "short"], quantity=[1.0, 1.0], mark=[600.0] * 2,
        bankruptcy=[650.0, 620.0],
    )  # fmt: skip
    assert priced(replace(round_, flow=two), "capped mark").flow.closing.tolist() == [650.0, 600.0]


def test_dydx_v4_closes_losers_and_skips_pairs_that_do_not_overlap_in_a_replay():
    """The second short loses 5 a contract and still has equity at 105; the third would be bankrupt there."""
    round_ = small_book(
        [10, 10, 10], side="short", entry=[110.0, 95.0, 110.0], mark=100.0, losers="long", quantity=25.0,
        bankruptcy=105.0, equity=[500.0, 500.0, 40.0],
    )  # fmt: skip
    result = adl.replay(episode(round_, 125.0), ["dydx-v4", "dydx-random"])
    assert result.haircuts("dydx-v4")["haircut_usd"].tolist() == [50.0, 50.0, 0.0]
    rows = {p.policy: p for p in result.policies}
    assert rows["dydx-v4"].haircut_usd == 100.0
    assert rows["dydx-v4"].residual_usd == 25.0
    assert rows["dydx-random"].haircut_usd == 90.0  # 50 of the first, and 40 of equity of the third
    assert any("losers pay too: dydx-v4" in note for note in result.notes)


@pytest.mark.parametrize("rule", [name for name, r in ALLOCATIONS.items() if "contracts" in r.spaces])
def test_several_losers_of_a_market_keep_their_prices_under_every_rule(rule):
    """Every row is closed at its own price: the haircut is the sum over rows, no price is blended."""
    round_ = shorts()
    flow = adl.Flow(
        market=["XBT"] * 2,
        side=["long"] * 2,
        quantity=[6.0, 9.0],
        mark=[100.0] * 2,
        bankruptcy=[110.0, 102.0],
    )
    policy = replace(adl.make_policy(f"full-deficit/{rule}"), positive_pnl_only=False)
    action = policy.act(policy.start(), replace(round_, flow=flow))
    c = action.closures
    assert c.given_up.tolist() == [10.0, 2.0]
    closed = [float(c.contracts[c.row == row].sum()) for row in range(2)]
    assert closed == [6.0, 9.0] or rule == "vector-mirror-descent"
    assert action.executed == pytest.approx(10.0 * closed[0] + 2.0 * closed[1])


def test_queues_match_losers_in_order_and_others_treat_each_row_by_itself():
    round_ = shorts()
    flow = adl.Flow(
        market=["XBT"] * 2,
        side=["long"] * 2,
        quantity=[8.0, 8.0],
        mark=[100.0] * 2,
        bankruptcy=[110.0, 102.0],
    )
    round_ = replace(round_, flow=flow)
    for name in ("okx", "bitmex", "pro-rata", "integer-pro-rata"):
        rule = adl.make_allocation(name)
        action = rule.allocate(None, round_, 1e6)
        alone = [
            rule.allocate(None, replace(round_, flow=flow.take(np.array([row]))), 1e6).lots for row in (0, 1)
        ]
        if name in ("pro-rata", "integer-pro-rata"):
            assert action.lots.tolist() == (alone[0] + alone[1]).tolist()
        else:  # the first in the queue is closed against the first loser, and then against the next
            first = int(np.argmax(action.lots > 0))
            of_first = action.closures.row[action.closures.position == first]
            assert of_first.tolist() == sorted(of_first.tolist())
            assert of_first[0] == 0


@pytest.mark.parametrize(
    ("rule", "column"),
    [("binance", "margin"), ("aevo", "margin"), ("ethereal", "leverage"), ("leverage-pro-rata", "leverage")],
)
def test_a_column_that_a_rule_needs_is_named_in_contracts_too(rule, column):
    round_ = any_book(3)
    bare = replace(round_, accounts=replace(round_.accounts, **{column: None}))
    with pytest.raises(adl.InputError) as caught:
        adl.make_policy(f"full-deficit/{rule}").act((None, None), bare)
    assert f"accounts without {column}" in caught.value.got
