"""Venue queues against orders worked out by hand."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.errors import LackError

#            a: long  +100%   b: short +50%   c: long +10%     d: short +20%
ACCOUNTS = {
    "id": ["a", "b", "c", "d"],
    "pnl": [100.0, 50.0, 10.0, 20.0],
    "equity": [200.0, 60.0, 20.0, 400.0],
    "side": [1, -1, 1, -1],
    "entry": [10.0, 10.0, 10.0, 10.0],
    "mark": [20.0, 5.0, 11.0, 8.0],
    "notional": [200.0, 50.0, 110.0, 80.0],
    "leverage": [1.0, 5.0, 5.5, 0.2],
    "margin": [10.0, 5.0, 11.0, 4.0],
}


def make_round(**changes):
    columns = {**ACCOUNTS, **changes}
    return adl.Round(
        deficit=100.0, accounts=adl.Accounts(**{k: v for k, v in columns.items() if v is not None})
    )


def payers(name, **changes):
    """Ids in the order in which they pay: who pays first as the budget grows."""
    round_ = make_round(**changes)
    rule = adl.make_allocation(name)
    order, u = [], round_.accounts.capacity
    for budget in np.linspace(0.5, round_.capacity_usd, 400):
        for i in np.flatnonzero(rule.allocate(None, round_, float(budget)).x > 0):
            if i not in order:
                order.append(int(i))
    assert len(order) == int((u > 0).sum())
    return "".join(str(round_.accounts.id[i]) for i in order)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # mark/entry x notional/equity: a 2 x 1 = 2, b .5 x .8333 = .4167, c 1.1 x 5.5 = 6.05, d .8 x .2 = .16
        ("hyperliquid-literal", "cabd"),
        # entry/mark for shorts: a 2, b 2 x .8333 = 1.667, c 6.05, d 1.25 x .2 = .25
        ("hyperliquid-side-adjusted", "cabd"),
        # pnl/max(1, wallet) x margin/equity: a 1 x .05; b 5 x .0833 = .4167; c 1 x .55; d .0526 x .01
        ("binance", "cbad"),
        ("aevo", "cbad"),
        # PNL% x notional/equity: a 1 x 1 = 1; b .5 x .8333 = .4167; c .1 x 5.5 = .55; d .2 x .2 = .04
        ("okx", "acbd"),
        # PNL% x margin/equity: a .05; b .5 x .0833 = .04167; c .1 x .55 = .055; d .2 x .01 = .002
        ("grvt", "cabd"),
        # leverage first
        ("ethereal", "cbad"),
        # the okx score by side: longs a, c; shorts b, d; merged by rank/count: 1/2 a b, then c d
        ("bitmex", "abcd"),
    ],
)
def test_order_by_hand(name, expected):
    assert payers(name) == expected


def test_literal_and_side_adjusted_part_on_shorts():
    # b is short and up: literal .5 x 4 = 2, adjusted 2 x 4 = 8, against a's 2 x 1.5 = 3
    changes = {"notional": [300.0, 240.0, 1.0, 1.0]}
    assert payers("hyperliquid-literal", **changes).startswith("ab")
    assert payers("hyperliquid-side-adjusted", **changes).startswith("ba")


def test_ties_go_by_id_not_by_row():
    same = {k: [v[0]] * 4 for k, v in ACCOUNTS.items() if k != "id"}
    assert payers("hyperliquid-literal", **same, id=["d", "b", "a", "c"]) == "abcd"
    assert payers("binance", **same, id=["d", "b", "a", "c"]) == "abcd"


def test_ethereal_breaks_ties_by_pnl_balance_then_newer():
    same = {"leverage": [2.0] * 4, "pnl": [5.0, 9.0, 9.0, 9.0], "equity": [20.0, 30.0, 25.0, 25.0]}
    assert payers("ethereal", **same) == "dcba"


def test_losers_come_last_and_the_worse_the_later():
    # all lose; u = 0 unless a winner: order() is looked at directly
    from adl_opt.allocation.queue import ranked

    changes = {
        "mark": [9.0, 11.0, 8.0, 12.0],
        "notional": [100.0, 0.0, 110.0, 80.0],
        "margin": [1.0, 0.0, 11.0, 4.0],
    }
    round_ = make_round(**changes)
    for name, first_to_last in (
        # PNL%/EffLev: longs a -.1/.5 = -.2, c -.2/5.5 = -.036; shorts b -.1/0 -> last, d -.2/.2 = -1
        ("bitmex", "cdab"),
        # PNL% x MB/MM: a -.1 x 200 = -20, b MM = 0 -> last, c -.2 x 20/11 = -.36, d -.2 x 100 = -20
        ("grvt", "cadb"),
    ):
        rule = adl.make_allocation(name)
        order = rule.order(ranked(rule, round_), round_)
        assert "".join(str(round_.accounts.id[i]) for i in order) == first_to_last


def test_dydx_walks_from_a_seeded_start():
    rule = adl.make_allocation("dydx-random", seed=3)
    first = rule.allocate(None, make_round(), 30.0).x
    assert np.array_equal(first, rule.allocate(None, make_round(), 30.0).x)
    starts = {
        int(np.argmax(adl.make_allocation("dydx-random", seed=s).allocate(None, make_round(), 1.0).x))
        for s in range(30)
    }
    assert starts == {0, 1, 2, 3}


def test_position_scope_respects_the_account():
    """Two positions of 60 each in an account of capacity 100: it never pays more than 100."""
    accounts = adl.Accounts(id=["a", "b"], pnl=[120.0, 80.0], equity=[100.0, 90.0])
    positions = adl.Positions(
        account=[0, 0, 1],
        market=["X", "Y", "X"],
        lot_value=[6.0, 6.0, 8.0],
        lots=[10, 10, 10],
        side=[1, 1, 1],
        entry=[1.0, 1.0, 1.0],
        mark=[3.0, 2.0, 2.5],
        notional=[100.0, 100.0, 100.0],
    )
    round_ = adl.Round(deficit=1.0, accounts=accounts, positions=positions)
    rule = adl.make_allocation("hyperliquid-side-adjusted")  # a/X 3, b/X 2.78, a/Y 2
    assert rule.allocate(None, round_, 60.0).x.tolist() == [60.0, 0.0]
    assert rule.allocate(None, round_, 150.0).x.tolist() == [70.0, 80.0]
    assert rule.allocate(None, round_, 500.0).x.tolist() == [100.0, 80.0]
    assert rule.allocate(None, round_, 500.0).shortfall == 320.0


def test_missing_columns_are_named():
    with pytest.raises(LackError, match="'binance' needs columns") as caught:
        adl.make_allocation("binance").allocate(None, make_round(margin=None), 5.0)
    assert "margin" in caught.value.got
