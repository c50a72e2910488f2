"""A policy as a function of arrays does what a replay of the same rounds does."""

import numpy as np
import pytest

import adl_opt as adl


def called(decide, round_):
    held, flow = round_.positions, round_.flow
    return decide(
        equity=round_.accounts.equity,
        account=held.account,
        market=held.market,
        side=held.side,
        lots=held.lots,
        entry=held.entry,
        mark=held.mark,
        losers_market=flow.market,
        losers_side=flow.side,
        losers_quantity=flow.quantity,
        losers_price=flow.closing,
        deficit=round_.deficit,
        margin=round_.accounts.margin,
        id=round_.accounts.id,
        lot_size=held.lot_size,
    )


@pytest.mark.parametrize("name", ["ftrl-exact/binance", "full-deficit/pro-rata", "ftrl-exact/min-max-lots"])
def test_it_is_the_policy_of_a_replay(name):
    from adl_opt.datasets.book import invented_book

    pairs = [invented_book(accounts=40, markets=3, seed=s).rounds[0] for s in range(3)]
    decide, policy = adl.make_array_policy(name), adl.make_policy(name)
    state = policy.start()
    for round_, outcome in pairs:
        made = called(decide, round_)
        action = policy.act(state, round_)
        assert made.lots.tolist() == action.lots.tolist()
        assert made.haircut == pytest.approx(action.x, abs=1e-9)
        decide.learn(outcome.needed)
        state = policy.learn(state, round_, outcome, action)
    assert decide.number == 3


def test_the_deficit_follows_from_the_losers():
    decide = adl.make_array_policy("full-deficit/pro-rata")
    made = decide(
        equity=[300.0, 300.0],
        account=[0, 1],
        market=["X", "X"],
        side=[-1, 1],
        lots=[4, 4],
        entry=[20.0, 20.0],
        mark=[10.0, 10.0],
        losers_market=["X", "Y"],
        losers_side=[1, 1],
        losers_quantity=[2.0, 1.0],
        losers_price=[15.0, 7.0],
    )
    assert made.lots.tolist() == [2, 0]  # a long never pays for a bankrupt long, and nobody holds Y
    assert made.haircut.tolist() == [10.0, 0.0]
    assert np.issubdtype(made.lots.dtype, np.integer)


def test_what_cannot_be_called():
    with pytest.raises(adl.UsageError, match="full-deficit/binance"):
        adl.make_array_policy("binance")
    with pytest.raises(adl.UsageError, match="waits for an outcome"):
        adl.make_array_policy("full-deficit").learn(5.0)
