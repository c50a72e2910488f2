"""Bounds as objects: assumptions checked by name, measured below bound, the printed slip refuted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.evaluate.bounds import envelope_usd
from adl_opt.evaluate.theorems.descent import (
    Descent,
    best_step,
    descend,
    least_dynamic_regret,
    prop_2,
    prop_3,
    prop_3_as_printed,
    prop_5,
)
from adl_opt.evaluate.theorems.geometry import prop_4, surrogate_slope
from adl_opt.evaluate.theorems.measured import Measured
from adl_opt.evaluate.theorems.theorems import learner_theorem, prop_1, prop_10
from adl_opt.kernels import fill_in_order, project_capped, waterfill
from adl_opt.losses import surrogate, target_severity
from adl_opt.severity import LEARNERS, Bound
from adl_opt.studies.theory.games import vector_game
from adl_opt.studies.theory.slip import coins, swinging
from tests.severity.streams import families

UNIT = st.floats(0.0, 1.0)


def holds(measured):
    assert isinstance(measured, Measured)
    assert isinstance(measured.bound, Bound)
    assert measured.bound.holds, measured.bound.assumptions
    assert all(math.isfinite(v) for v in measured.bound.constants.values())
    assert measured.within, measured
    assert measured.ratio <= 1.0
    return measured


def test_prop_1_at_the_best_step_is_the_envelope_of_october_10(oct10):
    deficit = np.array([r.deficit for r, _ in oct10])
    needed = np.array([o.needed for _, o in oct10])
    made = holds(prop_1(deficit, target_severity(needed, deficit)))
    assert made.bound.value == pytest.approx(envelope_usd(needed, deficit), rel=1e-8)
    assert made.bound.value == pytest.approx(129_699_802, abs=1)
    assert made.bound.constants["path"] == pytest.approx(7.0595, abs=1e-4)


@pytest.mark.parametrize("name", families(40))
def test_prop_1_on_the_battery(name):
    deficit, target = families(300)[name]
    if float(deficit.max()) < 1e-50:
        return  # such deficits have no step in floats
    for eta in (None, 1e-3, 1.0, 1e3):
        made = prop_1(deficit, target, eta=eta)
        assert made.within, (eta, made)


@settings(max_examples=60, deadline=None)
@given(
    rounds=st.lists(st.tuples(st.floats(1e-3, 1e6), UNIT), min_size=1, max_size=30),
    eta=st.none() | st.floats(1e-6, 1e3),
    prior=UNIT,
)
def test_prop_1_on_any_stream(rounds, eta, prior):
    deficit, target = map(np.array, zip(*rounds, strict=True))
    holds(prop_1(deficit, target, eta=eta, prior=prior))


def test_every_learner_has_its_theorem(oct10):
    deficit = np.array([r.deficit for r, _ in oct10])
    needed = np.array([o.needed for _, o in oct10])
    for kind in LEARNERS.values():
        holds(learner_theorem(kind(), deficit, target_severity(needed, deficit)))
    hinted = learner_theorem(adl.make_severity("optimistic-ftrl"), [1.0, 2.0], [0.1, 0.7], [0.1, 0.7])
    holds(hinted)


@settings(max_examples=60, deadline=None)
@given(point=st.lists(st.sampled_from([0.0, 0.5, 1.0]) | UNIT, min_size=39, max_size=39))
def test_props_2_3_5_on_any_linear_losses(point):
    fixed = vector_game(np.array(point), moving=False)
    moving = vector_game(np.array(point), moving=True)
    if moving.squares == 0.0:
        return
    holds(prop_2(fixed))
    holds(prop_3(fixed))
    wide, best = holds(prop_3(moving)), holds(prop_5(moving))
    assert wide.bound.value == pytest.approx(best.bound.value)  # eta* is the best step


def test_a_comparator_that_moves_a_wrong_step_and_a_wrong_projection_are_named():
    moving = vector_game(np.random.default_rng(0).uniform(size=39), moving=True)
    assert not prop_2(moving).bound.assumptions["comparator is fixed"]
    assert not prop_2(moving).bound.assumptions["step is Diam / (G sqrt T)"]
    twice = Descent(**{**_parts(moving), "eta": 2 * moving.eta})
    assert not prop_5(twice).bound.assumptions["step is the best one"]
    thrown = Descent(**{**_parts(moving), "points": moving.points + 5.0})
    assert not prop_3(thrown).bound.assumptions["points and comparators lie within the diameter"]
    frozen = Descent(**{**_parts(moving), "points": np.tile(moving.comparators.mean(axis=0), (13, 1))})
    assert not prop_3(frozen).bound.assumptions["a step brings no comparator further"]


def _parts(game):
    return {k: getattr(game, k) for k in ("points", "slopes", "comparators", "eta", "diameter")}


def test_props_2_and_3_on_eq_10_with_capacities_that_swap():
    """Projected subgradient on the surrogate of eq. 10, over polytopes that are those of eq. 18."""
    rounds, large = 400, 4.0
    u = np.where((np.arange(rounds) % 2 == 0)[:, None], [1.0, large], [large, 1.0])
    eta = 1.0 / math.sqrt(rounds)

    def slope(t, x):
        return surrogate_slope(x, u[t], 1.0)

    def project(t, y):
        return project_capped(y, np.ones(2), 1.0)

    points, slopes = descend(np.array([0.9, 0.1]), slope, project, eta=eta, rounds=rounds)
    best = np.array([waterfill(row, 1.0) for row in u])
    game = Descent(points=points, slopes=slopes, comparators=best, eta=eta, diameter=math.sqrt(2.0))
    holds(prop_3(game))
    loss = [surrogate(1.0, 1.0, (x / row).max()) for x, row in zip(points[:-1], u, strict=True)]
    least = [surrogate(1.0, 1.0, (x / row).max()) for x, row in zip(best, u, strict=True)]
    assert math.fsum(loss) - math.fsum(least) <= game.regret + 1e-9  # linear losses bound convex ones


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), track=st.floats(0.0, 10.0), fair=st.floats(0.0, 10.0), share=st.floats(0, 1.5)
)
def test_prop_4_on_any_round(seed, track, fair, share):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    u = rng.lognormal(0, 2, n)
    x = u * rng.choice([0.0, 1.0, 0.3, 0.7], (4, n))
    for made in prop_4(x, u, share * u.sum(), track=track, fair=fair):
        holds(made)


def test_surrogate_slope_is_a_subgradient():
    rng = np.random.default_rng(2)
    for _ in range(100):
        u = rng.lognormal(size=4)
        x, y = u * rng.uniform(size=4), u * rng.uniform(size=4)
        fx, fy = (float(surrogate(z.sum(), 1.0, (z / u).max())) for z in (x, y))
        assert fy >= fx + surrogate_slope(x, u, 1.0) @ (y - x) - 1e-9


@given(st.lists(st.tuples(UNIT, UNIT, st.floats(0.0, 1e4)), min_size=1, max_size=20))
def test_prop_10_on_any_estimates(rows):
    estimate, impact, quantity = map(np.array, zip(*rows, strict=True))
    holds(prop_10(estimate, impact, quantity))


def test_prop_10_refuses_what_is_no_impact():
    with pytest.raises(adl.InputError):
        prop_10([-1.0], [1.0], [1.0])
    with pytest.raises(adl.InputError):
        prop_10([1.0], [1.0, 2.0], [1.0, 1.0])


def test_the_printed_form_of_prop_3_fails_for_every_constant():
    """Stated algorithm: regret / (G Diam sqrt T + G P) doubles with each fourfold T, as sqrt T / 4."""
    ratios = []
    for rounds in (64, 256, 1024, 4096):
        game = swinging(rounds)
        printed = prop_3_as_printed(game)
        assert not printed.bound.holds
        assert printed.regret > printed.bound.value
        holds(prop_3(game))  # what the proof gives stands
        assert game.regret > least_dynamic_regret(game)  # the fixed step is not the best that can be done
        best = holds(prop_1(np.ones(rounds), game.comparators[:, 0]))
        assert best.bound.value < prop_3(game).bound.value  # nor the bound at eta*
        ratios.append(printed.ratio)
    growth = np.array(ratios[1:]) / np.array(ratios[:-1])
    assert np.all(growth > 1.9)


@pytest.mark.parametrize("name", ["ogd", "adagrad", "ftrl-quadratic", "coin-betting"])
def test_the_printed_form_fails_for_any_algorithm(name):
    """Coins in blocks of sqrt T: regret of order T^(3/4) over a printed line of order sqrt T."""
    learner, ratios = adl.make_severity(name), []
    for rounds in (256, 4096):
        regret = line = 0.0
        for seed in range(6):
            target, comparator = coins(rounds, seed)
            played = adl.play(learner, np.ones(rounds), target)
            regret += float(np.abs(played - target).sum() - np.abs(comparator - target).sum())
            line += math.sqrt(rounds) + float(np.abs(np.diff(comparator)).sum())
        ratios.append(regret / line)
    assert ratios[1] > 1.0
    assert ratios[1] > 1.6 * ratios[0]  # in the mean 16^(1/4) = 2


def test_best_step_is_best():
    game = vector_game(np.random.default_rng(1).uniform(size=39), moving=True)
    eta = best_step(game)
    least = prop_3(Descent(**{**_parts(game), "eta": eta})).bound.value
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert prop_3(Descent(**{**_parts(game), "eta": factor * eta})).bound.value > least


def test_mirror_descent_of_haircuts_keeps_to_prop_3_on_moving_polytopes():
    """mirror-descent-euclid in its own geometry, x = sqrt(u) h, steps that shrink, budgets that change."""
    rng, rule = np.random.default_rng(4), adl.make_allocation("mirror-descent-euclid")
    u = rng.lognormal(0, 1, 5)
    accounts = adl.Accounts(id=list("abcde"), pnl=u, equity=u)
    state, rounds = rule.start(), 60
    first = adl.Round(deficit=1.0, accounts=accounts)
    paid = fill_in_order(
        u, [0, 1, 2, 3, 4], 0.4 * u.sum()
    )  # a queue came before: there is something to even out
    state = rule.learn(state, first, adl.Outcome(needed=1.0), adl.Allocation(x=paid, asked=paid.sum()))
    regret = path = terms = 0.0
    before = None
    for _ in range(rounds):
        budget = float(rng.uniform(0.05, 0.6) * u.sum())
        h_last, g = np.array(state["last"]), np.array(state["paid"]) / state["rounds"]
        eta = 1.0 / math.sqrt(state["rounds"])
        h = rule.allocate(state, first, budget).x / u
        best = fill_in_order(u, np.argsort(g, kind="stable"), budget) / u
        # the step of round t starts at the last point: the proof's one inequality, with u_t = best
        gap = h_last - best
        left, right = np.sum(u * (h - best) ** 2), np.sum(u * (gap - eta * g) ** 2)
        assert left <= right + 1e-12
        regret += float(np.sum(u * g * gap))
        terms += 0.5 * eta * float(np.sum(u * g * g))
        path += 0.0 if before is None else math.sqrt(float(np.sum(u * (best - before) ** 2)))
        before = best
        state = rule.learn(state, first, adl.Outcome(needed=1.0), adl.Allocation(x=u * h, asked=budget))
    diameter = math.sqrt(float(u.sum()))
    assert regret <= (diameter**2 + 2 * diameter * path) / (2 * eta) + terms
