"""The least loss by domain: against enumeration, and against whatever is replayed."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.allocation.minmax import MinMaxLots, reference_burden
from adl_opt.losses import Loss, burden, burden_base
from adl_opt.programs.hindsight.joint import best_fractional, joint_optima
from adl_opt.programs.hindsight.joint_lots import best_in_lots

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
    x, least = best_fractional(round_, float(needed), reference, loss)
    assert (x >= 0).all()
    assert (x <= pnl * (1 + 1e-12)).all()
    assert math.fsum(x) <= loss.most(round_) * (1 + 1e-12)
    found = loss_of(loss, round_, x, needed, reference)
    assert found - 1e-9 <= least <= found
    for tried in itertools.product(*(np.linspace(0, u, 9) for u in pnl)):
        if math.fsum(tried) <= loss.most(round_):
            assert found <= loss_of(loss, round_, np.array(tried), needed, reference) + 1e-9


@pytest.fixture(scope="module")
def references():
    return [reference_burden(r, o.needed, "equity") for r, o in adl.load("oct10").in_space()]


@pytest.mark.parametrize(("limit", "weights"), [("capacity", (1.0, 1.0, 1.0)), ("deficit", (5.0, 3.0, 4.0))])
def test_depletion_is_proven_on_october_10(oct10, references, weights, limit):
    under, over, fair = weights
    loss = Loss(under=under, over=over, fair=fair, base="equity", limit=limit)
    free, best = joint_optima(oct10.in_space(), references, loss)
    assert free.bound_usd <= free.objective_usd <= free.bound_usd + 1e-5
    assert best.bound_usd <= best.objective_usd <= best.bound_usd + 1e-5
    assert best.objective_usd >= free.bound_usd


def exact_loss(loss, round_, x, needed, reference):
    """In fractions: what no rounding has touched; inf where the limit is broken."""
    total, b = sum(x), Fraction(needed)
    if total > Fraction(loss.most(round_)) * (1 + Fraction(1, 2**50)):  # the capacity is a rounded sum
        return math.inf
    base = [Fraction(float(v)) for v in burden_base(round_, loss.base)]
    worst = max((v / u for v, u in zip(x, base, strict=True)), default=Fraction(0))
    over, under, fair = (Fraction(w) for w in (loss.over, loss.under, loss.fair))
    return over * max(total - b, 0) + under * max(b - total, 0) + fair * b * abs(worst - Fraction(reference))


@st.composite
def rounds_in_lots(draw):
    n = draw(st.integers(1, 3))
    account = [*range(n), *draw(st.lists(st.integers(0, n - 1), max_size=2))]
    value = np.array([draw(st.integers(1, 9)) / draw(st.sampled_from([2, 3, 4])) for _ in account])
    have = np.array([draw(st.integers(1, 3)) for _ in account])
    pnl = np.bincount(account, value * have, minlength=n)
    more = np.array([float(draw(st.integers(0, 12))) for _ in range(n)])
    accounts = adl.Accounts(id=list("abc")[:n], pnl=pnl, equity=pnl + more, capacity=pnl)
    market = [f"m{k}" for k in range(len(account))]
    positions = adl.Positions(account=account, market=market, lot_value=value, lots=have)
    return adl.Round(deficit=float(draw(st.integers(0, 25))), accounts=accounts, positions=positions)


@settings(deadline=None, max_examples=60)
@given(rounds_in_lots(), st.integers(0, 25), st.sampled_from([None, 0.25, 0.7]), LOSSES)
def test_no_whole_lots_are_better(round_, needed, given_reference, loss):
    """Every combination of lots, in fractions; some references are not the min-max burden of the round."""
    needed, positions = float(needed), round_.positions
    reference = reference_burden(round_, needed, loss.base) if given_reference is None else given_reference
    start = MinMaxLots(base=loss.base).allocate(None, round_, needed).lots
    free = best_fractional(round_, needed, reference, loss)
    x, bound = best_in_lots(round_, needed, reference, loss, free, start)
    found, least = loss_of(loss, round_, x, needed, reference), math.inf
    values = [Fraction(float(v)) for v in positions.lot_value]
    caps = [Fraction(float(u)) for u in round_.accounts.capacity]
    for lots in itertools.product(*(range(k + 1) for k in positions.lots)):
        paid = [Fraction(0)] * len(caps)
        for who, value, k in zip(positions.account, values, lots, strict=True):
            paid[who] += value * k
        taken = [min(p, cap) for p, cap in zip(paid, caps, strict=True)]
        least = min(least, exact_loss(loss, round_, taken, needed, reference))
    scale = 1e-11 * (1.0 + needed + found)
    assert bound <= least + scale
    assert found <= least + 1e-7 * (1.0 + needed)
    assert bound >= least - 1e-7 * (1.0 + needed)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(AMOUNTS, st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=2),
    st.tuples(AMOUNTS, AMOUNTS),
    st.lists(st.integers(1, 6), min_size=2, max_size=2),
    LOSSES,
)
def test_no_depleting_haircuts_on_a_grid_are_better(drawn, more, eighths, loss):
    """Two accounts, one of them in every round: all haircuts in quarters of the capacity."""
    rounds, references = [], []
    for number, ((u, deficit, needed), m) in enumerate(zip(drawn, eighths, strict=False), start=1):
        pnl = np.array([u, 4.0])
        accounts = adl.Accounts(
            id=["a", "b" if number == 1 else "c"], pnl=pnl, equity=pnl + np.array(more), capacity=pnl
        )
        rounds.append(
            (
                adl.Round(deficit=float(deficit), accounts=accounts, number=number),
                adl.Outcome(needed=float(needed)),
            )
        )
        references.append(m / 8)
    episode = adl.Episode("e", "", rounds)
    *_, best = joint_optima(episode, references, loss)
    assert best.objective_usd - best.bound_usd <= 1e-7 * (1.0 + best.objective_usd)
    grids = [[Fraction(k, 4) for k in range(5)]] * 2
    for plan in itertools.product(itertools.product(*grids), repeat=len(rounds)):
        spent, had, total = {}, {}, Fraction(0)
        for shares, (round_, outcome), m in zip(plan, rounds, references, strict=True):
            caps = [Fraction(float(u)) for u in round_.accounts.capacity]
            x = [share * u for share, u in zip(shares, caps, strict=True)]
            for name, paid, u in zip(round_.accounts.id.tolist(), x, caps, strict=True):
                spent[name], had[name] = spent.get(name, 0) + paid, max(had.get(name, 0), u)
                if spent[name] > had[name]:
                    total = math.inf
            total += exact_loss(loss, round_, x, outcome.needed, m)
        assert best.bound_usd <= total + 1e-9


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
    assert fair.bound_usd == pytest.approx(16.8)  # burdens of 1 in all, 0.6 less than the references want
    assert fair.objective_usd == pytest.approx(16.8)
