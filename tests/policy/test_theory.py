"""The theorem of a whole policy: held in games against it, in both spaces, and against plain arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.kernels.fill.least import LeastBurden
from adl_opt.policy.policy import make_policy
from benchmarks.policy_games import WHOLE, whole

ROUNDS = [(10, 40, 7), (4, 40, 3), (20, 16, 16), (5, 30, 0), (8, 8, 1)]
"""D, U and B of rounds with two accounts, a quarter and three quarters of U."""


def pairs(rounds=ROUNDS):
    for t, (d, u, b) in enumerate(rounds):
        held = adl.Accounts(id=["a", "b"], pnl=[u / 4, 3 * u / 4], equity=[u, u])
        yield adl.Round(deficit=d, accounts=held, number=t), adl.Outcome(needed=b)


@pytest.mark.parametrize(("name", "space"), WHOLE)
@pytest.mark.parametrize("equation", [10, 23])
def test_no_game_breaks_the_theorem_of_a_whole_policy(name, space, equation):
    """The whole campaign is `python -m benchmarks --only solvency`."""
    rng = np.random.default_rng([WHOLE.index((name, space)), equation])
    for _ in range(4 if space == "wealth" else 2):
        regret, bound = whole(name, space, equation, int(rng.integers(1, 16)), rng)
        assert bound.holds
        assert regret <= bound.value <= bound.theorem_usd, (name, bound)


@pytest.mark.parametrize("equation", [10, 23])
@pytest.mark.parametrize("fair", [1, 50])
def test_the_regret_is_that_of_plain_arithmetic(equation, fair):
    """Pro-rata in rationals against every severity where a loss can bend, and many between."""
    loss, policy = adl.Loss(under=2.0, fair=float(fair)), make_policy("ftrl-exact/pro-rata")
    rounds, played = list(pairs()), policy.on(loss)
    state, lost = played.start(), Fraction(0)

    def cost(h, b, u, best):
        track = max(h - b, 0) + 2 * max(b - h, 0)
        apart = h / u - min(Fraction(b), u) / u
        return track + fair * (h / u if equation == 10 else b * (max(apart, 0) if best else abs(apart)))

    for (round_, outcome), (_, u, b) in zip(rounds, ROUNDS, strict=True):
        action = played.act(state, round_)
        lost += cost(Fraction(action.executed), b, Fraction(u), False)
        state = played.learn(state, round_, outcome, action)
    bends = {Fraction(x, d) for d, u, b in ROUNDS for x in (u, b)} | {Fraction(k, 300) for k in range(301)}
    best = min(
        sum(cost(min(theta * d, Fraction(u)), b, Fraction(u), True) for d, u, b in ROUNDS)
        for theta in bends
        if theta <= 1
    )
    assert policy.regret(rounds, loss, equation) == pytest.approx(float(lost - best), rel=1e-12)
    assert policy.regret(rounds, loss, equation) <= policy.bound(rounds, loss, equation).value


def test_a_severity_that_learns_burdens_takes_less_where_they_are_dear():
    """The fair term pulls the best severity to 0; who learns on dollars alone does not see it."""
    rounds = list(pairs([(10, 40, 5)] * 60))
    aware, blind = (make_policy(f"{name}/pro-rata") for name in ("ftrl-whole", "ftrl-quadratic"))
    loss = "fair=100"
    assert aware.regret(rounds, loss, 10) < 0.2 * blind.regret(rounds, loss, 10)
    assert aware.bound(rounds, loss, 10).value < blind.bound(rounds, loss, 10).value
    assert blind.bound(rounds, loss, 10).constants["burdens_usd"] > 0.0
    cheap = [p.regret(rounds, "fair=0", 10) for p in (aware, blind)]
    assert cheap[0] == pytest.approx(cheap[1])


def test_capacity_caps_and_lots_are_counted_by_what_was_executed():
    alternating = list(pairs([(10, 20, 1), (10, 2, 9)] * 50))
    exact, grid = (make_policy(f"{name}/pro-rata") for name in ("ftrl-exact", "hedge-grid"))
    cut = exact.bound(alternating, "fair=0", 10)
    assert cut.constants["apart_usd"] > 100.0
    assert exact.regret(alternating, "fair=0", 10) <= cut.value
    through = grid.bound(alternating, "fair=0", 10)
    assert through.constants["apart_usd"] == pytest.approx(0.0, abs=1e-9)
    assert grid.regret(alternating, "fair=0", 10) <= through.value < 0.5 * cut.theorem_usd
    capped = make_policy("hedge-grid/capped-pro-rata(cap=0.1)").bound(alternating, "fair=0", 10)
    assert capped.holds
    assert capped.constants["apart_usd"] > 10.0


@pytest.mark.parametrize(
    ("name", "space", "base", "why"),
    [
        ("pro-rata", "wealth", "capacity", "ex-post"),
        ("production", "wealth", "capacity", "observed"),
        ("constant(0.5)/pro-rata", "wealth", "capacity", "does not learn"),
        ("risk-control/pro-rata", "wealth", "capacity", "coverage"),
        ("hint-only(fixed-gap)/pro-rata", "wealth", "capacity", "hint's error"),
        ("ftrl-exact/binance", "wealth", "capacity", "eq. 18"),
        ("ftrl-exact/cumulative-burden", "wealth", "capacity", "least"),
        ("ftrl-exact/pro-rata", "wealth", "equity", "on capacity"),
        ("ftrl-exact/pro-rata", "contracts", "capacity", "in contracts"),
        ("ftrl-exact/min-max", "contracts", "capacity", ""),
        ("ftrl-exact/min-max(base=equity)", "wealth", "equity", ""),
    ],
)
def test_policies_say_why_there_is_no_theorem(name, space, base, why):
    policy = make_policy(name)
    said = policy.no_theorem(space, base)
    assert why in said
    assert bool(why) == bool(said)
    if space == "wealth":
        made = policy.bound(list(pairs()), adl.Loss(base=base))
        assert (made is None) == bool(why)


def test_weights_of_its_own_and_options_are_named():
    rounds = list(pairs())
    other = make_policy("ftrl-exact(under=9)/pro-rata").bound(rounds)
    assert other.assumptions["the severity learns on the loss"] is False
    exempt = adl.Accounts(id=["a", "b"], pnl=[4.0, 4.0], equity=[9.0, 9.0], exempt=[1, 0])
    given = [(adl.Round(deficit=3.0, accounts=exempt), adl.Outcome(needed=1.0))]
    assert not make_policy("ftrl-exact/pro-rata").bound(given).holds


def test_the_least_burden_is_the_water_level():
    rng = np.random.default_rng(0)
    for _ in range(50):
        u, e = rng.exponential(size=5), rng.exponential(size=5) * (rng.random(5) < 0.9)
        least = LeastBurden.of(u, e)
        for z in rng.uniform(0.0, 3.0, 5):
            paid = float(np.minimum(u, z * e).sum())
            level = float(least.at(np.array(paid)))
            assert float(np.minimum(u, level * e).sum()) == pytest.approx(paid)
            assert level <= z * (1 + 1e-12)
        amounts = np.linspace(0.0, float(u[e > 0].sum()), 40)
        steps = np.diff(least.at(amounts))
        assert np.all(steps[1:] >= steps[:-1] * (1 - 1e-9))


def test_an_episode_is_taken_in_its_own_space():
    policy, day = make_policy("ftrl-exact/pro-rata"), adl.load("oct10").head(3)
    assert day[0][0].space == "contracts"
    assert policy.bound(day).value == policy.bound(list(day.in_space("wealth"))).value
