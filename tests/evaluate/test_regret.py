"""Comparators of hindsight and bounds against a second route."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.evaluate.bounds import deficit_counted_once, envelope_usd, path_length
from adl_opt.evaluate.regret import class_regret, severity_regret
from adl_opt.losses import Loss, severity_loss, target_severity

MONEY = st.integers(0, 10**9).map(lambda v: v / 100)
STREAMS = st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=12).map(lambda s: np.array(s).T)


@given(STREAMS)
def test_best_fixed_severity_is_the_best_of_all_targets(stream):
    needed, deficit = stream
    of = severity_regret(needed, needed, deficit, Loss())
    theta, loss = of.best_fixed, of.best_fixed_loss
    target = target_severity(needed, deficit)
    tried = [math.fsum(severity_loss(t, target, deficit)) for t in (*target, 0.0, 1.0)]
    assert 0.0 <= theta <= 1.0
    assert loss == pytest.approx(min(tried), rel=1e-9, abs=1e-6)


@given(STREAMS, st.floats(0, 1))
def test_regret_of_a_constant_is_never_negative(stream, theta):
    needed, deficit = stream
    of = severity_regret(theta * deficit, needed, deficit, Loss())
    slack = 1e-9 * (1 + deficit.sum())
    assert of.static >= -slack
    assert of.dynamic >= of.static - slack
    assert of.loss == pytest.approx(of.static + of.best_fixed_loss, rel=1e-9, abs=1e-6)


def test_oct10_best_fixed_severity(oct10):
    """paper.md section 8, point 1: theta 0.126 leaves $8.52M of tracking error; doing nothing $15.08M."""
    needed = [o.needed for _, o in oct10]
    deficit = [r.deficit for r, _ in oct10]
    theta = severity_regret(needed, needed, deficit, Loss()).best_fixed
    assert round(theta, 3) == 0.126
    result = adl.replay(oct10, [f"constant({theta})/pro-rata", "constant(0)/pro-rata"])
    fixed, nothing = (p.tracking_usd for p in result.policies)
    assert round(fixed / 1e6, 2) == 8.52
    assert round(nothing / 1e6, 2) == 15.08


def test_envelope_bounds_projected_gradient_descent():
    """Prop. 1 on adversarial severities: OGD with eta* stays within the envelope."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        deficit = rng.exponential(1e6, 40)
        needed = deficit * rng.integers(0, 2, 40)
        target = target_severity(needed, deficit)
        eta = math.sqrt((1 + 2 * path_length(needed, deficit)) / float(deficit @ deficit))
        theta, loss = 0.0, 0.0
        for d, t in zip(deficit, target, strict=True):
            loss += d * abs(theta - t)
            theta = min(max(theta - eta * d * np.sign(theta - t), 0.0), 1.0)
        assert loss <= envelope_usd(needed, deficit)


def test_a_recurring_loss_is_counted_once():
    assert deficit_counted_once([5.0, 7.0, 9.0], [5.0, 5.001, 2.0]).tolist() == [
        5.0,
        pytest.approx(1.999),
        9.0,
    ]


def test_class_regret_keeps_the_unknown_unknown():
    out = class_regret({"a": 3.0, "b": math.nan, "c": 1.0})
    assert out["a"] == 2.0
    assert math.isnan(out["b"])
