"""Bounds of what is executed through capacity: exact for hedge-grid, said not to hold for the others."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adl_opt.losses import severity_loss
from adl_opt.severity import LEARNERS, make_severity
from adl_opt.severity.learners.executed import best_executed
from benchmarks.solvency_games import EXECUTED, executed, lengths

DEFICIT, CAPACITY = np.full(400, 10.0), np.tile([20.0, 2.0], 200)
TARGET = np.tile([0.1, 0.9], 200)


@pytest.mark.parametrize("name", EXECUTED)
def test_no_game_breaks_a_bound_of_what_is_executed(name):
    rng = np.random.default_rng(EXECUTED.index(name))
    for _ in range(40):
        measured, bound = executed(name, 1 + lengths(rng, 60), rng)
        assert bound.holds
        assert measured <= bound.value, (name, bound)


def test_a_bound_on_severities_says_nothing_of_what_is_executed():
    """U and B alternate between (20, 1) and (2, 9): what FTRL executes has a regret far above its bound."""
    learner = make_severity("ftrl-exact")
    plain, _ = learner.run(learner.start(), DEFICIT, TARGET)
    cut, _ = learner.through(DEFICIT, TARGET, CAPACITY)
    assert learner.regret(DEFICIT, TARGET, plain) <= learner.bound(DEFICIT, TARGET, plain).value
    bound = learner.bound(DEFICIT, TARGET, cut, capacity=CAPACITY)
    assert bound.assumptions["about the executed budget"] is False
    assert learner.regret(DEFICIT, TARGET, cut, CAPACITY) > 4.0 * bound.value

    grid = make_severity("hedge-grid")
    shares, _ = grid.through(DEFICIT, TARGET, CAPACITY)
    bound = grid.bound(DEFICIT, TARGET, shares, capacity=CAPACITY)
    assert bound.holds
    assert grid.regret(DEFICIT, TARGET, shares, CAPACITY) <= bound.value < 60.0


@pytest.mark.parametrize("name", LEARNERS)
def test_where_no_capacity_cuts_all_are_about_what_is_executed(name):
    learner = make_severity(name)
    played, _ = learner.through(DEFICIT, TARGET, 2.0 * DEFICIT)
    bound = learner.bound(DEFICIT, TARGET, played, capacity=2.0 * DEFICIT)
    assert bound.holds
    assert bound.assumptions["about the executed budget"]
    assert bound.value == learner.bound(DEFICIT, TARGET, played).value


@pytest.mark.parametrize("prices", [(1.0, 1.0), (3.0, 0.5)])
def test_best_executed_is_the_best_of_all_corners(prices):
    rng = np.random.default_rng(0)
    for _ in range(100):
        d, target = rng.exponential(size=12), np.rint(8 * rng.random(12)) / 8
        capacity = d * np.rint(8 * rng.uniform(0, 1.5, 12)) / 8
        cut = np.minimum(1.0, capacity / d)
        theta, loss = best_executed(d, target, capacity, *prices)
        tried = [
            math.fsum(severity_loss(np.minimum(x, cut), target, d, *prices)) for x in [0.0, *target, *cut]
        ]
        assert loss == pytest.approx(min(tried), rel=1e-12, abs=1e-15)
        assert 0.0 <= theta <= 1.0
