"""The least loss by domain: against enumeration, and against whatever is replayed."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.evaluate.optimum import optimum
from adl_opt.losses import Loss, burden, burden_base
from adl_opt.programs.hindsight.joint import best_fractional, joint_optima

AMOUNTS = st.integers(1, 12).map(float)
LOSSES = st.builds(
    Loss,
    under=st.sampled_from([0.5, 1.0, 5.0]),
    over=st.sampled_from([0.5, 1.0, 4.0]),
    fair=st.sampled_from([0.0, 1.0, 3.0]),
    base=st.sampled_from(["equity", "capacity"]),
    limit=st.sampled_from(["capacity", "deficit"]),
)


def loss_of(loss, round_, x, needed, reference):
    worst = np.max(burden(x, burden_base(round_, loss.base)), initial=0.0)
    return float(loss.total(math.fsum(x), needed, worst, reference))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=3),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 8),
    LOSSES,
)
def test_no_haircuts_on_a_grid_are_better(winners, deficit, needed, eighths, loss):
    pnl, more = (np.array(v) for v in zip(*winners, strict=True))
    accounts = adl.Accounts(id=list("abc")[: pnl.size], pnl=pnl, equity=pnl + more, capacity=pnl)
    round_ = adl.Round(deficit=float(deficit), accounts=accounts)
    reference = eighths / 8
    x = best_fractional(round_, float(needed), reference, loss)
    assert (x >= 0).all()
    assert (x <= pnl * (1 + 1e-12)).all()
    assert math.fsum(x) <= loss.most(round_) * (1 + 1e-12)
    found = loss_of(loss, round_, x, needed, reference)
    for tried in itertools.product(*(np.linspace(0, u, 9) for u in pnl)):
        if math.fsum(tried) <= loss.most(round_):
            assert found <= loss_of(loss, round_, np.array(tried), needed, reference) + 1e-9


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), LOSSES)
def test_every_gap_is_at_least_zero(seed, loss):
    """Replay, regret, optimum and learners agree on any loss and episode (a share of the benchmark)."""
    episode = adl.load(f"synthetic(accounts=8, rounds=4, seed={seed})")
    names = ["pro-rata", "binance", "min-max-lots", "ftrl-exact/min-max", "constant(0.3)", "full-deficit/okx"]
    found = optimum(episode, names, loss=loss)
    frame, result = found.frame(), found.result
    known = frame.gap_to_optimum_usd.dropna()
    assert (known >= -1e-9).all()
    assert {"pro-rata", "ftrl-exact/min-max"} <= set(known.index)
    for best in found.benchmarks:
        if best.kind != "library":
            assert best.bound_usd <= best.objective_usd * (1 + 1e-9) + 1e-9
    for p in result.policies:
        total = math.fsum(map(result.total_of, result.by_policy[p.policy]))
        assert p.total_usd == pytest.approx(total, rel=1e-9, abs=1e-9)
    fixed = {b.name: b.objective_usd for b in found.benchmarks}["best-fixed"]
    static = result.regret().static_regret_usd["ftrl-exact/min-max"]
    rows = result.by_policy["ftrl-exact/min-max"]
    if all(r.budget <= r.capacity for r in rows):
        own = frame.tracking_usd["ftrl-exact/min-max"] - fixed
        assert static == pytest.approx(own, rel=1e-9, abs=1e-6)


def test_depletion_is_proven_on_october_10(oct10):
    found = {b.name: b for b in optimum(oct10, ["pro-rata"]).benchmarks}
    best = found["depleting-optimum"]
    assert best.objective_usd - best.bound_usd <= 1e-6
    assert best.objective_usd < 1e-3


def test_what_is_taken_once_is_gone():
    """Two rounds of one account of 10: each needs 8, so 6 stay uncovered; on its own each round has none."""
    accounts = adl.Accounts(id=["a"], pnl=[10.0], equity=[10.0])
    rounds = [(adl.Round(deficit=9.0, accounts=accounts, number=k), adl.Outcome(needed=8.0)) for k in (1, 2)]
    episode = adl.Episode("e", "", rounds)
    loss = Loss(under=2.0, fair=0.0, base="capacity")
    free, gone = joint_optima(episode, [0.8, 0.8], loss)
    assert free.objective_usd == 0.0
    assert gone.objective_usd == pytest.approx(12.0)
    assert gone.bound_usd == pytest.approx(12.0)
    fair = joint_optima(episode, [0.8, 0.8], Loss(under=2.0, base="capacity"))[1]
    assert fair.bound_usd == pytest.approx(12.0)
    assert fair.objective_usd >= fair.bound_usd
