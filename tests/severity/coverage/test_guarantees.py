"""Guarantees of coverage: held on every game against an adversary, tight, and honest about what they say."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.errors import InputError, UsageError
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow
from adl_opt.severity import LEARNERS, make_severity
from adl_opt.severity.coverage.covering import Seen
from adl_opt.severity.learners.guarantee import Guarantee
from benchmarks.solvency_games import RULES, THEOREMS, drawn, lengths, played
from tests.severity.streams import adversaries, families

COVERING = ["risk-control", *(f"conformal(rule={rule})" for rule in RULES)]


def stream(seed, rounds=60):
    """Rounds with a flow whose hint is worth anything, and needs below and above all of D and U."""
    rng = np.random.default_rng(seed)
    for t in range(rounds):
        deficit, notional, capacity = (10.0 ** rng.uniform(-3, 6) for _ in range(3))
        flow = Flow(market=["A"], quantity=[1.0], mark=[notional]) if rng.random() < 0.9 else None
        winner = Accounts(id=["w"], pnl=[capacity], equity=[capacity])
        deficit = 0.0 if rng.random() < 0.05 else deficit
        needed = float(rng.choice([0.0, 0.01 * notional, deficit, 2 * capacity])) * 2 * rng.random()
        yield Round(deficit=deficit, accounts=winner, flow=flow, number=t), Outcome(needed=needed)


@pytest.mark.parametrize("theorem", THEOREMS)
def test_no_game_breaks_a_guarantee(theorem):
    """The adversary sees each budget; the whole campaign is `python -m benchmarks --only solvency`."""
    rng = np.random.default_rng(THEOREMS.index(theorem))
    for _ in range(60):
        game = played(drawn(theorem, rng), lengths(rng, 300), rng)
        made = game.guarantee()
        assert made.holds, game
        assert made.within, (game, made)
        assert 0.0 <= made.uncovered <= made.value <= made.worst * (1 + 1e-12)
        assert made.informative == (made.limit < made.worst)


@pytest.mark.parametrize("name", ["long-term", "long-term(alpha=0.3)", "long-term(under=5, prior=0.1)"])
def test_regret_of_the_virtual_queue_is_within_its_bound(name):
    learner = make_severity(name)
    for deficit, target in (families(600) | adversaries(learner, 600)).values():
        theta, _ = learner.run(learner.start(), deficit, target)
        bound = learner.bound(deficit, target, theta)
        assert bound.holds
        assert learner.regret(deficit, target, theta) <= bound.value
        parts = bound.constants
        if "paid_usd" not in parts:  # no round teaches anything
            continue
        against = parts["penalty_usd"] + parts["stability_usd"] - parts["paid_usd"]
        root = float(np.linalg.norm(deficit / deficit.max())) * deficit.max()
        c = 2 * max(learner.prior, 1 - learner.prior) / math.sqrt(2)
        assert against <= 8 * c * max(learner.under, learner.over) * root * (1 + 1e-9)  # the closed form


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_turns_regret_into_coverage(name):
    learner = make_severity(name, under=4.0)
    for deficit, target in families(80).values():
        theta, _ = learner.run(learner.start(), deficit, target)
        for beyond in (1.0, 1.5):  # B above D in every round whose target is 1
            made = learner.guarantee(deficit, np.where(target == 1.0, beyond, target) * deficit, theta)
            assert made.holds
            assert made.within


@pytest.mark.parametrize(
    ("name", "hint"),
    [*((name, hint) for name in COVERING for hint in (None, "fixed-gap", "log-gap")), ("long-term", None)],
)
def test_played_through_rounds_it_is_the_same_rule(name, hint):
    """choose and learn, cut and resumed through JSON, against the guarantee on what they asked for."""
    severity = make_severity(name) if hint is None else make_severity(name, hint=hint)
    for seed in range(4):
        rounds, state, asked, units = list(stream(seed)), severity.start(), [], []
        for round_, outcome in rounds:
            guess = None if hint is None else severity.hint.predict(state["hint"], round_)
            units.append(math.nan if guess is None else guess)
            asked.append(severity.choose(state, round_))
            state = json.loads(json.dumps(severity.learn(state, round_, outcome, asked[-1]), allow_nan=False))
        deficit, needed, capacity = (
            np.array(x) for x in zip(*((r.deficit, o.needed, r.capacity_usd) for r, o in rounds), strict=True)
        )
        safe = np.where(deficit > 0, deficit, 1.0)
        bare = np.isnan(units)
        most = np.where(bare, np.minimum(deficit, capacity), capacity)
        theta = np.array(asked) / safe
        if name == "long-term":
            made = severity.guarantee(deficit, needed, theta)
        else:
            shares = np.where(bare, 1.0, np.array(units) / safe)
            assert np.all(np.array(asked) <= most)
            made = severity.guarantee(deficit, needed, theta, shares, most)
            alone = severity.guarantee_on(rounds)
            assert alone.uncovered == pytest.approx(made.uncovered, rel=1e-9)
            assert alone.limit == pytest.approx(made.limit, rel=1e-9)
        assert made.holds
        assert made.within


@pytest.mark.parametrize("name", COVERING)
def test_played_on_arrays(name):
    rng = np.random.default_rng(5)
    deficit, target, hint = rng.exponential(size=80), rng.random(80), rng.random(80)
    for given in (None, hint):
        theta = adl.play(name, deficit, target, given)
        assert np.all((theta >= 0) & (theta <= 1))
        made = make_severity(name).guarantee(deficit, target * deficit, theta, given)
        assert made.holds
        assert made.within
        other = make_severity(name).guarantee(deficit, target * deficit, np.clip(theta - 0.1, 0, 1), given)
        assert not other.holds  # another path is noticed
    severity, scaled = make_severity(name), adl.play(name, deficit * 2.0**40, target, hint)
    assert scaled.tobytes() == theta.tobytes()  # without scale
    head, state = severity.run(severity.start(), deficit[:33], target[:33], hint[:33])
    tail, _ = severity.run(json.loads(json.dumps(state)), deficit[33:], target[33:], hint[33:])
    assert np.concatenate([head, tail]).tobytes() == theta.tobytes()


def test_risk_control_by_hand_in_fractions():
    """The rule of the docstring in rationals: S, M and H step by step, on 200 random games."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        alpha, reach = Fraction(1, 8), Fraction(2)
        owed = largest = Fraction(0)
        rule = make_severity("risk-control", alpha=0.125)
        state = rule.first()
        for _ in range(12):
            unit, most, needed = (Fraction(int(k), 4) for k in rng.integers(1, 40, 3))
            most = min(most, reach * unit)
            largest = max(largest, unit)
            exact = min(min(max(1 + owed / largest, Fraction(0)), reach) * unit, most)
            asked = rule.asked(state, float(unit), float(most))
            assert asked == pytest.approx(float(exact), rel=1e-12)
            owed = max(owed + max(Fraction(0), min(needed, most) - exact) - alpha * needed, -largest)
            state = rule.taught(state, Seen(float(unit), float(most), asked, float(needed)))


def ratio(name, deficit, needed, hint=None, **params):
    """Return uncovered / limit against needs that answer to what is asked."""
    severity = make_severity(name, **params)
    theta, given = [], []
    for t, d in enumerate(deficit):
        played_now = adl.play(severity, [*deficit[:t], d], [*given, 0.0], hint)[-1]
        theta.append(played_now)
        given.append(needed(t, played_now * d, d) / d)
    made = severity.guarantee(deficit, np.array(given) * deficit, theta, hint)
    assert made.within
    return made.uncovered / made.limit


def test_guarantees_are_tight():
    """A need that rises to all as soon as too little is asked meets each bound to a few percent."""
    assert ratio("risk-control", [1.0], lambda t, asked, d: d, alpha=0.0, hint=None) == 0.0  # D is asked for
    tightest = 0.0
    rng = np.random.default_rng(1)
    for _ in range(200):
        made = played(drawn("risk-control", rng), 30, rng).guarantee()
        tightest = max(tightest, made.uncovered / made.limit if made.limit else 0.0)
    assert tightest > 0.9
    quadratic = ratio("ftrl-quadratic", [1.0] * 60, lambda t, asked, d: d if asked < d else 0.0, under=4.0)
    assert quadratic > 0.5


@pytest.mark.parametrize("step", [Fraction(1, 2), Fraction(1), Fraction(3)])
def test_a_stepping_rule_on_a_hint_starts_as_after_a_miss(step):
    """All that can be reached is needed whenever less is asked for: misses in fractions, and the theorem."""
    alpha, reach, q, missed = Fraction(1, 8), Fraction(2), min(Fraction(2), 1 + step), 0
    severity = make_severity("conformal", alpha=0.125, step_size=float(step), hint="fixed-gap")
    state = severity.first()
    for t in range(1, 61):
        assert severity.multiple(state, 1.0) == float(min(q, reach))
        short = q < reach
        missed += short
        q = max(Fraction(0), q + step * (short - alpha))
        asked = severity.asked(state, 1.0, 2.0)
        state = severity.taught(state, Seen(1.0, 2.0, asked, 2.0 if short else 0.0))
        assert missed <= alpha * t + Fraction(severity.slack(t)).limit_denominator(10**6)
    assert severity.slack(60) == pytest.approx(float((2 - min(Fraction(2), 1 + step)) / step + 1 - alpha))


def test_alpha_of_the_rounds_is_missed_in_the_long_run():
    """Fixed steps miss alpha of the rounds on exchangeable needs, up to the slack of the theorem."""
    rng = np.random.default_rng(2)
    deficit, target = np.ones(4000), rng.random(4000)
    for rule in RULES[:3]:
        theta = adl.play(f"conformal(alpha=0.2, rule={rule}, step_size=0.1)", deficit, target)
        missed = np.mean(theta < target)
        assert missed <= 0.2 + (0.01 if rule == "fixed-step" else 0.05)
        assert missed >= 0.1


def test_what_cannot_be_reached_counts_in_full():
    """No multiple of the unit covers 5 of 9; the guarantee says so and does not hide it."""
    rule = make_severity("risk-control", alpha=0.0)
    made = rule.guarantee([2.0], [9.0], [1.0], [1.0], [4.0])
    assert (made.uncovered, made.constants["out_of_reach_usd"]) == (7.0, 5.0)
    assert made.within
    counted = make_severity("conformal", alpha=0.0).guarantee([2.0], [9.0], [1.0], [1.0], [4.0])
    assert counted.constants["out_of_reach_rounds"] == 1.0


def test_an_uninformative_guarantee_says_so():
    made = make_severity("risk-control").guarantee([4.0], [1.0], [1.0])
    assert (made.value, made.informative) == (1.0, False)
    long = make_severity("conformal").guarantee(np.ones(500), np.ones(500), np.ones(500))
    assert long.informative
    assert isinstance(long, Guarantee)


def test_it_follows_the_limit_of_a_loss():
    severity = make_severity("risk-control", hint="fixed-gap").on(adl.Loss(limit="deficit"))
    round_, _ = next((r, o) for r, o in stream(1) if r.flow is not None and r.deficit < 1.0)
    assert severity.choose(severity.start(), round_) <= round_.deficit
    assert make_severity(severity.label()) == severity


def test_a_study_prints_what_stays_uncovered_at_most():
    names = ["risk-control(hint=fixed-gap)", "ftrl-exact", "conformal", "full-deficit"]
    rows = {
        row.policy.split("/")[0]: row
        for b in adl.study("oct10", policies=names, episodes=2).blocks
        for row in b.rows
    }
    for name in names[:2]:
        short = rows[name].guarantee_usd
        uncovered = (1.0 - rows[name].covered_usd_share) * 15_079_669.61
        assert uncovered <= short <= 15_079_669.62
    assert all(math.isnan(rows[name].guarantee_usd) for name in names[2:])


def test_oct10_rows_are_replayed():
    names = ["risk-control(hint=fixed-gap)", "conformal(hint=fixed-gap, rule=decaying)", "long-term"]
    result = adl.replay("oct10", names)
    assert [p.information.value for p in result.policies] == ["whole-round-flow"] * 2 + ["start-of-round"]
    assert result.policies[0].covered_usd_share > 0.8


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_severity("risk-control", alpha=-0.1),
        lambda: make_severity("risk-control", reach=0.5),
        lambda: make_severity("risk-control", hint="no-such-hint"),
        lambda: make_severity("conformal", rule="other"),
        lambda: make_severity("conformal", step_size=0.0),
        lambda: make_severity("long-term", alpha=1.5),
        lambda: make_severity("conformal", limit="all"),
    ],
)
def test_bad_parameters_are_refused_in_three_parts(make):
    with pytest.raises(UsageError) as refused:
        make()
    assert refused.value.what
    assert refused.value.got
    assert refused.value.ways_out


def test_bad_arrays_are_refused():
    for severity in (make_severity("risk-control"), make_severity("ftrl-exact")):
        for arrays in (([1.0], [-1.0], [0.5]), ([1.0], [1.0, 2.0], [0.5]), ([1.0], [math.nan], [0.5])):
            with pytest.raises(InputError):
                severity.guarantee(*arrays)


def test_labels():
    for label in (
        "risk-control",
        "risk-control(alpha=0.1, hint=log-gap(level=0.9), reach=3)",
        "conformal(rule=pid)",
        "conformal(hint=mixed-hints(fixed-gap | log-gap), rule=strongly-adaptive)",
        "long-term(alpha=0.1)",
    ):
        made = make_severity(label)
        assert make_severity(made.label()) == made
        assert replace(made).label() == made.label()
