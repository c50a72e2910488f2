"""The default severity: its first round, its domain, its floor, and what it promises."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps
from adl_opt.severity import make_severity
from adl_opt.severity.coverage.covering import Seen
from adl_opt.severity.coverage.risk_control import Floor
from adl_opt.severity.learners import adahedge
from tests.severity.coverage.test_guarantees import stream


def round_of(deficit, notional, number=0, capacity=1e9):
    winner = Accounts(id=["w"], pnl=[capacity], equity=[capacity])
    flow = Flow(market=["A"], quantity=[1.0], mark=[notional])
    return Round(deficit=deficit, accounts=winner, flow=flow, number=number)


def test_a_hint_that_nobody_has_tried_has_no_say():
    severity = make_severity("default")
    state = severity.start()
    assert severity.choose(state, round_of(4.0, 1e6)) == 2.0  # ftrl-exact at its prior, not 1 % of a million
    state = severity.learn(state, round_of(4.0, 400.0), Outcome(needed=4.0), 2.0)  # the hints were right
    assert severity.choose(state, round_of(4.0, 400.0, 1)) > 3.0


def test_no_more_than_its_reach_times_what_was_seen_is_asked_for():
    severity = make_severity("hedged-hints(full-deficit | hint-only(fixed-gap))")
    state = severity.start()
    assert severity.choose(state, round_of(4.0, 1e6)) == (4.0 + 4 * 4.0) / 2
    state = severity.learn(state, round_of(4.0, 1e6), Outcome(needed=12.0), 0.0)  # 3 D
    assert severity._budgets(state, round_of(5.0, 1e6, 1)) == [5.0, 4 * 3 * 5.0]
    assert make_severity(make_severity("default(reach=8)").label()).reach == 8.0


def test_a_hint_is_trusted_ten_times_as_far_as_it_was_tried():
    severity = make_severity("default(ftrl-exact | hint-only(fixed-gap))")
    state = severity.start()
    tiny = round_of(0.04, 1e-6)  # the hint asks for next to nothing, and is right; ftrl-exact asks for 0.02
    assert severity.choose(state, tiny) == 0.02
    state = severity.learn(state, tiny, Outcome(needed=0.0), 0.02)
    large = round_of(400.0, 1e-6, 1)
    first = severity._budgets(state, large)[0]
    assert 0.0 < first - severity.choose(state, large) <= 10 * 0.02
    assert make_severity(make_severity("default(trust=4, under=2)").label()).trust == 4.0


@pytest.mark.parametrize("under", [1.0, 19.0])
def test_the_price_of_distrust_and_the_gap_in_advance(under):
    """The member that the mean is furthest from is right; deficits cover four orders of magnitude."""
    names = "ftrl-exact | hint-only(fixed-gap) | hint-only(market-gap)"
    severity = make_severity(f"default({names})", under=under, trust=2.0)
    rng = np.random.default_rng(0)
    for _ in range(8):
        state, spreads, priced, away, paid = severity.start(), [], 0.0, np.zeros(3), 0.0
        for t in range(40):
            deficit, notional = (float(10.0 ** rng.uniform(0.0, 4.0)) for _ in range(2))
            round_ = round_of(deficit, 10.0 * notional, t)
            own = severity._budgets(state, round_)
            played = severity._mixed(state, own)
            needed = max((min(own), max(own)), key=lambda b: severity._losses([played], b)[0])
            new = severity._losses(own, needed)
            weights = adahedge.weights(np.array(state["losses"]), state["gap"])
            priced += max(0.0, float(severity._losses([played], needed)[0] - weights @ new))
            spreads.append(under * (max(own) - min(own)))
            away = np.maximum(away, np.abs(np.array(own) - own[0]))
            paid += float(severity._losses([played], needed)[0])
            gaps = Gaps(market=["A"], quantity=[1.0], gap=[needed])
            state = severity.learn(state, round_, Outcome(needed=needed, gaps=gaps), played)
        s = np.array(spreads)
        assert 0.0 < priced <= under * away.sum() * (1 + 1e-9)
        assert paid <= min(state["losses"]) + 2 * state["gap"] * (1 + 1e-9)
        known = math.sqrt(math.log(3) * (s @ s)) + 2 * s.max() + 4 * priced
        assert 2 * state["gap"] <= known * (1 + 1e-9)


@pytest.mark.parametrize("prices", [{}, {"under": 19.0}])
def test_cut_and_resumed_it_keeps_both_promises(prices):
    """Rounds with needs below and above D and U, and a flow that may be worth anything."""
    severity = make_severity("default", **prices)
    for seed in range(3):
        rounds, state, lost, played = list(stream(seed, 40)), severity.start(), 0.0, []
        for round_, outcome in rounds:
            budget = severity.choose(state, round_)
            assert (
                severity.floor.choose(state["floor"], round_) <= budget <= round_.capacity_usd * (1 + 1e-12)
            )
            lost += float(adl.Loss(**prices).tracking(budget, outcome.needed))
            played.append(budget)
            state = json.loads(json.dumps(severity.learn(state, round_, outcome, budget), allow_nan=False))
        bound, made = severity.bound(rounds), severity.guarantee_on(rounds)
        assert bound.holds
        assert lost <= bound.value if bound.kind == "dynamic" else bound.value > 0.0
        assert made.within
        assert made.uncovered == pytest.approx(
            math.fsum(max(0.0, o.needed - b) for b, (_, o) in zip(played, rounds, strict=True))
        )


def test_the_guarantee_on_arrays_notices_a_budget_below_the_floor():
    deficit, needed = np.full(60, 4.0), np.full(60, 4.0)
    severity = make_severity("default", under=19.0)
    full = severity.guarantee(deficit, needed, np.ones(60))
    assert (full.kind, full.holds, full.informative, full.uncovered) == ("dollars", True, True, 0.0)
    assert not severity.guarantee(deficit, needed, np.full(60, 0.1)).holds


def test_the_floor_in_fractions():
    """S, M and the floor of the docstring in rationals, and the theorem, whatever else lifts the budgets."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        alpha, floor = Fraction(1, 8), Floor(alpha=0.125)
        state, owed, largest, short, needs, most_needed = floor.first(), *[Fraction(0)] * 5
        for _ in range(15):
            unit, capacity, needed, lift = (Fraction(int(k), 4) for k in rng.integers(0, 40, 4))
            unit += 1
            most, largest = min(unit, capacity), max(largest, unit)
            exact = min(max(owed / largest, Fraction(0)), Fraction(1)) * most
            asked = floor.asked(state, float(unit), float(most))
            assert asked == pytest.approx(float(exact), rel=1e-12)
            exact += lift / 4
            gap = max(Fraction(0), min(needed, most) - exact)
            state = floor.taught(state, Seen(float(unit), float(most), float(exact), float(needed)))
            owed = max(owed + gap - alpha * needed, -largest)
            short, needs, most_needed = short + gap, needs + needed, max(most_needed, min(needed, most))
        assert short <= alpha * needs + largest + most_needed


def test_recommended_is_the_default_with_pro_rata():
    policy = adl.make_policy("recommended")
    assert (policy.name, policy.severity, policy.allocation.name) == (
        "recommended",
        make_severity("default"),
        "pro-rata",
    )
    assert policy.on(adl.Loss(under=19.0)).severity.floor.alpha == 0.05
    assert "recommended" in [row["name"] for row in adl.policies()]
