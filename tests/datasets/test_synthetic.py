"""The generator: any size, seeded, lazy."""

import math

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.datasets.synthetic import Synthetic, SyntheticRounds


def make_synthetic(**spec):
    return Synthetic(**spec).episode()


def test_same_seed_same_bits_in_any_order():
    a, b = make_synthetic(accounts=40, rounds=5, seed=3), make_synthetic(accounts=40, rounds=5, seed=3)
    last = b.rounds[4][0]
    for (ra, oa), (rb, ob) in zip(a, b, strict=True):
        assert np.array_equal(ra.accounts.capacity, rb.accounts.capacity)
        assert oa.needed == ob.needed
    assert np.array_equal(last.accounts.capacity, a.rounds[-1][0].accounts.capacity)
    assert not np.array_equal(
        last.accounts.capacity, make_synthetic(accounts=40, rounds=5, seed=4).rounds[4][0].accounts.capacity
    )


def test_totals_are_exact():
    for round_, outcome in make_synthetic(accounts=333, rounds=4, capacity=1234567.89, seed=1):
        assert round_.capacity_usd == 1234567.89
        assert math.fsum(outcome.gaps.gap) == outcome.needed <= round_.deficit


def test_rounds_are_made_on_demand(monkeypatch):
    made = []
    monkeypatch.setattr(SyntheticRounds, "made", lambda self, t: made.append(t))
    episode = make_synthetic(accounts=10, rounds=1000)
    assert made == []
    assert len(episode) == 1000
    _ = episode.rounds[7], episode.rounds[-1]
    assert made == [7, 999]
    with pytest.raises(IndexError):
        episode.rounds[1000]
    part = episode.rounds[10:20:3]
    assert (len(part), made) == (4, [7, 999])
    _ = list(part)
    assert made[2:] == [10, 13, 16, 19]


def test_tail_and_persistence_and_correlation():
    heavy, light = (
        make_synthetic(accounts=500, rounds=1, tail=t).rounds[0][0].accounts.capacity for t in (0.8, 3.0)
    )
    assert heavy.max() > 3 * light.max()
    same = make_synthetic(accounts=50, rounds=2, persistence=1.0)
    assert len(set(same.rounds[0][0].accounts.id) & set(same.rounds[1][0].accounts.id)) >= 49
    other = make_synthetic(accounts=50, rounds=2, persistence=0.0)
    assert not set(other.rounds[0][0].accounts.id) & set(other.rounds[1][0].accounts.id)

    def adjacent(rho):
        path = SyntheticRounds(Synthetic(rounds=4000, accounts=1, correlation=rho))._severity
        return np.corrcoef(path[:-1], path[1:])[0, 1]

    assert abs(adjacent(0.0)) < 0.1
    assert adjacent(0.9) > 0.8


def test_one_account_one_market_one_round():
    episode = make_synthetic(accounts=1, rounds=1, markets=1)
    result = adl.replay(episode, ["pro-rata", "hyperliquid-literal", "min-max-lots"])
    assert result.frame().shape[0] == 3


@pytest.mark.parametrize(
    "text",
    [
        "synthetic(accounts=0)",
        "synthetic(rounds=0)",
        "synthetic(correlation=1)",
        "synthetic(persistence=2)",
        "synthetic(capacity=-1)",
        "synthetic(deficit_share=nan)",
        "synthetic(tail=0)",
        "synthetic(accounts=1.5)",
        "synthetic(accounts=many)",
        "synthetic(size=3)",
    ],
)
def test_bad_parameters(text):
    with pytest.raises(adl.UsageError) as caught:
        adl.load(text)
    assert caught.value.got
    assert caught.value.ways_out


def test_a_large_round_replays():
    episode = make_synthetic(accounts=100_000, rounds=1, seed=5)
    assert adl.replay(episode, ["pro-rata", "binance"]).policies[0].accounts_touched > 99_000
