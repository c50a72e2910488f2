"""Losses against amounts worked out by hand."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt import losses
from adl_opt.errors import UsageError
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts


def test_eq_9_weighs_both_sides():
    loss = losses.Loss(under=3.0, over=5.0, fair=0.5)
    assert loss.total(8.0, 10.0, 0.6, 0.2) == pytest.approx(6.0 + 0.5 * 10 * 0.4)
    assert loss.total(12.0, 10.0, 0.2, 0.6) == pytest.approx(10.0 + 0.5 * 10 * 0.4)


def test_an_unknown_burden_matters_only_where_it_counts():
    assert np.isnan(losses.Loss().total(8.0, 10.0, np.nan, 0.2))
    assert losses.Loss(fair=0.0).total(8.0, 10.0, np.nan, 0.2) == 2.0


@pytest.mark.parametrize("text", ["", "under=5", "base=equity, limit=deficit, fair=0", "over=0.5,under=2"])
def test_a_loss_prints_as_it_is_read(text):
    loss = losses.as_loss(text, burden="capacity")
    assert losses.Loss.parse(str(loss)) == loss


@pytest.mark.parametrize(
    "text", ["undr=5", "under=0", "under=much", "base=cash", "limit=none", "fair=-1", "("]
)
def test_a_loss_that_cannot_be_is_refused_in_three_parts(text):
    with pytest.raises(UsageError) as refused:
        losses.as_loss(text)
    assert refused.value.got
    assert refused.value.ways_out


def test_short_forms_set_their_part():
    assert losses.as_loss("under=5", lam=2.0, burden="equity") == losses.Loss(
        under=5, fair=2.0, base="equity"
    )


def test_the_base_of_an_episode_is_that_of_its_record(oct10):
    assert losses.Loss().on(oct10).base == "equity"
    assert losses.Loss().on(adl.load("synthetic(accounts=3, rounds=1)")).base == "capacity"
    assert losses.Loss(base="capacity").on(oct10).base == "capacity"


def test_eq_10():
    assert losses.surrogate(12.0, 10.0, 0.5, track=2.0, fair=4.0) == 6.0


def test_eq_16_severity():
    assert losses.severity_loss([0.5, 1.0], [0.25, 1.0], [8.0, 3.0]).tolist() == [2.0, 0.0]


def test_eq_23():
    assert losses.Loss(fair=0.5).total(9.0, 10.0, 0.3, 0.1) == pytest.approx(1.0 + 0.5 * 10 * 0.2)


def test_target_severity_is_capped_and_zero_without_deficit():
    assert losses.target_severity([5.0, 20.0, 0.0, 1.0], [10.0, 10.0, 0.0, 0.0]).tolist() == [0.5, 1, 0, 0]


def test_overshoot_and_undershoot_make_up_tracking():
    rng = np.random.default_rng(1)
    h, b = rng.random(50), rng.random(50)
    assert np.array_equal(losses.overshoot(h, b) + losses.undershoot(h, b), losses.tracking(h, b))


def test_burden_over_nothing_is_zero():
    assert losses.burden([0.0, 1.0], [0.0, 4.0]).tolist() == [0.0, 0.25]
    assert losses.burden([0.0], [-3.0]).tolist() == [0.0]


def test_burdens_are_measured_against_capacity_or_positive_equity():
    accounts = Accounts(id=["a", "b", "c"], pnl=[9.0, 4.0, -1.0], equity=[6.0, -2.0, 5.0])
    round_ = Round(deficit=1.0, accounts=accounts)
    assert losses.burden_base(round_, "capacity").tolist() == accounts.capacity.tolist()
    assert losses.burden_base(round_, "equity").tolist() == [6.0, 0.0, 5.0]


def test_a_share_of_nothing_is_nothing():
    assert losses.share([1.0, 0.0, 3.0], [2.0, 0.0, 0.0]).tolist() == [0.5, 0.0, 0.0]


def test_the_disutility_is_exact_where_its_series_takes_over():
    h = np.array([0.0, 1e-8, 0.000999, 0.001001, 0.5, 1.0])
    exact = [0.0, 0.5e-16, 4.991667502e-07, 5.011677508e-07, 0.5 - 0.5 * np.log(2.0), 1.0]
    assert losses.entropy(h) == pytest.approx(exact, rel=1e-8)
    assert np.all(np.diff(losses.entropy(np.linspace(0.0009, 0.0011, 1001))) > 0)
