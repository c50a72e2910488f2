"""The generator: any size, seeded, lazy."""

import math

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.datasets.synthetic import Synthetic, SyntheticRounds
from adl_opt.datasets.synthetic_needs import NEEDS


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


@pytest.mark.parametrize("kind", NEEDS)
def test_needs_of_every_kind_add_up_and_are_seeded(kind):
    first, again = (list(make_synthetic(accounts=2, rounds=9, seed=4, needs=kind)) for _ in range(2))
    for (round_, outcome), (_, same) in zip(first, again, strict=True):
        assert 0.0 < outcome.needed == same.needed <= round_.capacity_usd
        assert math.fsum(outcome.gaps.gap) == pytest.approx(outcome.needed, rel=1e-12)
    shares = [o.needed / math.fsum(r.flow.notional) for r, o in first]
    assert (max(shares) > 10 * min(shares)) == (kind != "tied")


def test_flow_scales_the_notional_and_not_the_need():
    plain, large = (make_synthetic(accounts=2, rounds=3, flow=f) for f in (1.0, 10.0))
    for (a, needed), (b, same) in zip(plain, large, strict=True):
        assert math.fsum(b.flow.notional) == pytest.approx(10 * math.fsum(a.flow.notional), rel=1e-9)
        assert needed.needed == same.needed
    assert "flow=10" in large.source
    with pytest.raises(adl.UsageError, match="follow from the book"):
        adl.load("synthetic(needs=drift, space=contracts)")


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
        path = SyntheticRounds(Synthetic(rounds=4000, accounts=1, correlation=rho))._needs.share
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


def in_contracts(**spec):
    known = {"accounts": 300, "rounds": 4, "markets": 8, "capacity": 1e7, "inverse": 0.25, "isolated": 0.2}
    return make_synthetic(space="contracts", **known | spec)


def test_contracts_have_all_that_rounds_in_contracts_can_have():
    episode = in_contracts()
    assert episode.space == "contracts"
    several, losers = 0, set()
    for round_, outcome in episode:
        held, flow = round_.positions, round_.flow
        assert round_.space == "contracts"
        assert set(held.side) == {-1, 1}
        losers |= set(flow.side.tolist())
        assert 0.2 < np.mean(held.pnl < 0) < 0.8
        assert set(held.kind) == {"linear", "inverse"}
        assert 0.1 < np.mean(held.margin_mode == "isolated") < 0.3
        assert round_.capacity_usd == pytest.approx(1e7, rel=1e-3)
        assert (round_.accounts.equity > 0).all()
        pairs = list(zip(held.account.tolist(), held.market.tolist(), strict=True))
        assert 0 < len(pairs) - len(set(pairs)) < 0.4 * 300  # hedge mode
        cells = list(zip(flow.market.tolist(), flow.side.tolist(), strict=True))
        several += len(cells) - len(set(cells))
        assert outcome.needed == math.fsum(outcome.gaps.gap) <= round_.deficit
        for market, side in cells:
            across = (held.market == market) & (held.side == -side)
            rows = (flow.market == market) & (flow.side == side)
            assert flow.quantity[rows].sum() < held.quantity[across].sum()
    assert several > 0  # losers of one market and side, at several prices
    assert losers == {-1, 1}
    assert any(o.needed > 0 for _, o in episode)


def test_contracts_are_drawn_from_the_seed_alone():
    a, b = (adl.Episode.to_frames(in_contracts(seed=9)) for _ in range(2))
    assert all(x.equals(y) for x, y in zip(a, b, strict=True))
    assert not a.positions.equals(in_contracts(seed=10).to_frames().positions)
    marks = [dict(zip(r.flow.market, r.flow.mark, strict=True)) for r, _ in in_contracts()]
    assert len({row["M1"] for row in marks if "M1" in row}) > 1  # prices move between rounds


def test_contracts_options_switch_off():
    for round_, _ in in_contracts(hedged=0.0, inverse=0.0, isolated=0.0):
        held = round_.positions
        assert set(held.kind) == {"linear"}
        assert not held.isolated_margin.any()
        assert len({*zip(held.account.tolist(), held.market.tolist(), strict=True)}) == len(held)
    tiny = in_contracts(accounts=1, markets=1, rounds=3, inverse=0.0, isolated=0.0)
    assert len(adl.replay(tiny, ["pro-rata", "binance"]).policies) == 2


def test_contracts_are_a_name_that_load_knows_and_policies_differ():
    episode = adl.load("synthetic(accounts=200, rounds=3, space=contracts)")
    result = adl.replay(episode, ["binance", "pro-rata", "okx"])
    assert {p.space for p in result.policies} == {"contracts"}
    assert len({p.accounts_touched for p in result.policies}) == 3
    with pytest.raises(adl.UsageError, match="of rounds in contracts"):
        adl.load("synthetic(inverse=0.5)")


def test_the_wealth_default_is_as_it_was():
    """Figures of the generator as they were before it knew contracts."""
    episode = make_synthetic(accounts=40, rounds=3, seed=3)
    assert episode.source == (
        "synthetic: Synthetic(accounts=40, rounds=3, markets=20, seed=3, tail=None, correlation=0.5, "
        "persistence=0.5, capacity=100000000.0, deficit_share=0.02)"
    )
    assert [outcome.needed for _, outcome in episode] == [561966.34, 509371.88, 175816.88]
