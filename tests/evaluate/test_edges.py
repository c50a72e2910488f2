"""Numbers at the edges: rounds without accounts, lots to 2^53, magnitudes to the stated limits."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.evaluate.replay import replay
from benchmarks.attack.rounds import hostile_rounds, policies


def pair(number, size, *, lots=None, value=1.0):
    worth = np.full(size, 10.0) if lots is None else np.full(size, lots * value)
    accounts = adl.Accounts(id=[f"a{k}" for k in range(size)], pnl=worth, equity=worth)
    held = None
    if lots is not None:
        rows = np.arange(size)
        held = adl.Positions(account=rows, market=["m"] * size, lot_value=[value] * size, lots=[lots] * size)
    needed = 0.3 * float(worth.sum())
    return adl.Round(deficit=needed, accounts=accounts, positions=held, number=number), adl.Outcome(needed)


def test_rounds_without_accounts_stand_between_others():
    result = replay([pair(1, 3), pair(2, 0), pair(3, 3), pair(4, 0), pair(5, 2)])
    assert not result.failures
    assert all(len(rows) == 5 for rows in result.by_policy.values())
    states = replay([pair(1, 3), pair(2, 0)], ["cumulative-burden"]).states
    assert not replay([pair(3, 3)], ["cumulative-burden"], states=states).failures


@pytest.mark.parametrize("lots", [10**12, 2**49, 2**53])
@pytest.mark.parametrize("rule", ["integer-pro-rata", "metaflux", "min-max-lots"])
def test_many_lots(lots, rule):
    held = pair(1, 3, lots=lots, value=min(1.0, 1e14 / lots))
    result = replay([held], [rule, "pro-rata"])
    assert not result.failures
    assert result[rule].haircut_usd == pytest.approx(held[1].needed, rel=1e-9)


def test_scores_beyond_every_float_are_an_order_still():
    extreme = [1e15, 1e-300, 1.0]
    accounts = adl.Accounts(
        id=["a", "b", "c"],
        pnl=[10.0] * 3,
        equity=[1e-300, 10.0, 1e15],
        entry=extreme[::-1],
        mark=extreme,
        notional=extreme,
        side=[1, -1, 1],
    )
    round_ = adl.Round(deficit=3.0, accounts=accounts)
    queues = [
        "hyperliquid-literal",
        "hyperliquid-side-adjusted",
        "okx",
        "bybit",
        "bitmex",
        "drift-socialised",
    ]
    with np.errstate(all="raise", under="ignore"):
        result = replay([(round_, adl.Outcome(3.0))], queues)
    assert not result.failures
    assert all(p.haircut_usd == pytest.approx(3.0) for p in result.policies)


def test_hostile_rounds_break_no_policy():
    rows = hostile_rounds(rounds=60)
    known = "vector-mirror-descent"
    assert [row for row in rows[:-1] if not row["policy"].startswith(known)] == []
    assert len(policies()) > 50
