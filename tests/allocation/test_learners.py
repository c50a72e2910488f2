"""Learners of who pays: memory, relief, entering and leaving, cut and resumed, the named shortfall."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.allocation.learners import HaircutLearner
from adl_opt.allocation.memory import Roster
from adl_opt.kernels import project_capped, project_capped_kl
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.testing.policies import check_claims, rounds

NAMES = [
    "mirror-descent-euclid",
    "mirror-descent-kl",
    "ftrl-haircuts",
    "ftrl-haircuts(mirror=kl)",
    "cumulative-burden",
]
NOTHING = adl.Outcome(needed=0.0)


def round_of(capacity, number=1):
    ids, u = list(capacity), np.array(list(capacity.values()), dtype=float)
    return adl.Round(deficit=1.0, number=number, accounts=adl.Accounts(id=ids, pnl=u, equity=u + 1.0))


def stream(seed, n=12, length=9):
    """Rounds whose accounts come and go; every third budget is nothing, one is above all capacity."""
    rng = np.random.default_rng(seed)
    for t in range(length):
        here = rng.permutation(n)[: rng.integers(1, n + 1)]
        u = {f"a{i}": round(float(rng.lognormal(3, 2)), 2) for i in here}
        share = 1.4 if t == 5 else (0.0 if t % 3 == 2 else float(rng.uniform(0.01, 0.9)))
        yield round_of(u, t + 1), share * math.fsum(u.values())


def play(rule, state, steps, resume=False):
    made = []
    for round_, budget in steps:
        if resume:
            state = json.loads(json.dumps(state, allow_nan=False))
        allocation = rule.allocate(state, round_, budget)
        state = rule.learn(state, round_, NOTHING, allocation)
        made.append(allocation)
    return made, state


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_cut_and_resumed_through_json_is_the_same_to_the_bit(name, seed):
    rule = adl.make_allocation(name)
    whole, last = play(rule, rule.start(), stream(seed))
    cut, end = play(rule, rule.start(), stream(seed), resume=True)
    assert json.dumps(last) == json.dumps(end)
    for a, b in zip(whole, cut, strict=True):
        assert a.x.tobytes() == b.x.tobytes()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cap", [1.0, 0.35])
@pytest.mark.parametrize("seed", range(4))
def test_budget_is_met_within_caps_or_the_shortfall_is_named(name, cap, seed):
    rule = adl.make_allocation(name.replace(")", f", cap={cap})") if "(" in name else f"{name}(cap={cap})")
    made, _ = play(rule, rule.start(), stream(seed))
    for (round_, budget), a in zip(stream(seed), made, strict=True):
        u = round_.accounts.capacity
        target = min(budget, cap * round_.capacity_usd)
        assert math.isclose(a.executed, target, rel_tol=1e-11, abs_tol=1e-12)
        assert np.all((a.x >= 0) & (a.x <= cap * u))
        assert math.isclose(a.shortfall, budget - target, rel_tol=1e-9, abs_tol=1e-9 * max(budget, 1.0))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(round_=rounds(positions=False), share=st.floats(0.0, 1.2), seed=st.integers(0, 99))
def test_claims_hold_with_a_past(name, round_, share, seed):
    """The kit starts every rule afresh; here it meets a rule with a memory of these very accounts."""
    rule = adl.make_allocation(name)
    rng = np.random.default_rng(seed)
    ids = round_.accounts.id.tolist()
    past = dict(zip(ids, np.round(rng.uniform(0, 2, len(ids)), 3).tolist(), strict=True))
    last = {i: 0.01 + paid / 4 for i, paid in past.items()}
    known = [i + tail for i in ids for tail in ("", "/1", "/2")]
    first = [i.split("/")[0] for i in known]
    state = {"rounds": 3, "id": known, "paid": [past[i] for i in first], "last": [last[i] for i in first]}

    class Remembering(type(rule)):
        def start(self):
            return state

    check_claims(Remembering(**vars(rule)), round_, share * round_.capacity_usd)


@pytest.mark.parametrize("name", NAMES)
def test_first_round_is_pro_rata(name, oct10):
    round_, outcome = next(iter(oct10))
    rule = adl.make_allocation(name)
    x = rule.allocate(rule.start(), round_, outcome.needed).x
    fair = adl.make_allocation("pro-rata").allocate(None, round_, outcome.needed).x
    assert np.allclose(x, fair, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_relief_for_those_who_paid_before(name):
    rule = adl.make_allocation(name)
    alone = round_of({"a": 10.0})
    state = rule.learn(rule.start(), alone, NOTHING, rule.allocate(rule.start(), alone, 6.0))
    x = rule.allocate(state, round_of({"a": 10.0, "b": 10.0}, 2), 6.0).x
    assert x[0] < x[1]


def test_cumulative_burden_evens_out_what_is_paid_in_all():
    rule = adl.make_allocation("cumulative-burden")
    steps = [(round_of({"a": 10.0}), 2.5), (round_of({"a": 20.0, "b": 8.0, "c": 4.0}, 2), 5.0)]
    made, state = play(rule, rule.start(), steps)
    assert made[1].x.tolist() == pytest.approx([20 / 16, 2.5, 1.25])
    assert np.ptp(state["paid"]) < 1e-15


def test_an_account_that_leaves_keeps_its_past():
    rule = adl.make_allocation("cumulative-burden")
    _, state = play(
        rule, rule.start(), [(round_of({"a": 10.0}), 5.0), (round_of({"b": 10.0, "z": 0.0}, 2), 1.0)]
    )
    assert dict(zip(state["id"], state["paid"], strict=True)) == {"a": 0.5, "b": 0.1}
    assert rule.allocate(state, round_of({"a": 10.0, "b": 10.0}, 3), 4.0).x.tolist() == [0.0, 4.0]


def test_largest_burden_to_date_is_least_among_all_rules():
    """One step of cumulative-burden minimises the largest burden to date over those who pay."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        paid, u = rng.uniform(size=5), rng.lognormal(size=5)
        h = fill_to_level(-paid, np.ones(5), 1.0, u, 0.3 * u.sum())
        best = float((paid + h)[h > 0].max())
        for _ in range(40):
            other = project_capped(rng.uniform(-1, 1, 5), u, 0.3 * u.sum())
            assert (paid + other)[other > 0].max() >= best - 1e-12


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(1e-9, 1.0), cap=st.sampled_from([1.0, 0.3]))
def test_level_by_newton_is_the_exact_projection(seed, share, cap):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    y, u = rng.normal(size=n) * 10.0 ** rng.integers(-3, 3), rng.lognormal(0, 3, n)
    budget = share * cap * float(u.sum()) * (1 - 1e-12)
    one = np.ones(n)
    exact = project_capped(y, u, budget, cap=cap, weighted=True)
    assert np.allclose(fill_to_level(y, one, cap, u, budget), exact, atol=1e-11 * max(1.0, np.abs(y).max()))
    z = np.exp(np.clip(y, -50, 5))
    exact = project_capped_kl(z, u, budget, cap=cap, weighted=True)
    found = fill_to_level(0 * z, z, cap, u, budget)
    assert np.allclose(
        found * u, exact * u, rtol=1e-9, atol=4e-15 * budget
    )  # USD: the budget itself is rounded


@pytest.mark.parametrize("name", ["mirror-descent-kl", "ftrl-haircuts"])
@pytest.mark.parametrize("last", [[0.0, 0.0, 0.0], [0.0, 1e-320, 1.0], [1e-200, 0.0, 1e-250]])
def test_extreme_pasts_and_steps_still_meet_the_budget(name, last):
    params = {"mirror": "kl"} if name == "ftrl-haircuts" else {}
    for eta in (1.0, 1e6):
        rule = adl.make_allocation(name, eta=eta, **params)
        state = {"rounds": 2, "id": ["a", "b", "c"], "paid": [0.0, 1.0, 2.0], "last": last}
        for u in ([1.0, 2.0, 3.0], [1e-300, 1e12, 1.0], [5e-324, 5e-324, 1e-310]):
            for share in (1e-9, 0.2, 0.999999):
                round_ = round_of(dict(zip("abc", u, strict=True)))
                made = rule.allocate(state, round_, share * round_.capacity_usd)
                target = share * round_.capacity_usd
                assert math.isclose(made.executed, target, rel_tol=1e-9, abs_tol=1e-322)


def test_a_step_takes_few_passes(monkeypatch):
    """Passes over the data at n = 20,000, counted: one clip for each mass that is evaluated."""
    calls = []
    clip = np.clip
    monkeypatch.setattr(
        "adl_opt.kernels.fill.level.np.clip", lambda *a, **k: calls.append(1) or clip(*a, **k)
    )
    rng = np.random.default_rng(0)
    for spread in (0.1, 1.0, 10.0):
        for share in (0.001, 0.2, 0.9):
            u = rng.lognormal(5, 2, 20_000)
            paid = spread * rng.uniform(size=u.size)
            calls.clear()
            h = fill_to_level(-paid, np.ones(u.size), 1.0, u, share * u.sum())
            assert len(calls) <= 12
            assert math.isclose(float(u @ h), share * u.sum(), rel_tol=1e-12)
            calls.clear()
            fill_to_level(0 * u, np.exp(-paid), 1.0, u, share * u.sum())
            assert len(calls) <= 12


@pytest.mark.parametrize(
    "name",
    ["cumulative-burden", "cumulative-burden(cap=0.2)", "ftrl-haircuts", "ftrl-haircuts(eta=0.3, cap=0.5)"],
)
def test_no_burden_to_date_exceeds_that_of_pro_rata_in_every_round(name):
    """Who is there, capacities over twelve orders of magnitude, and budgets are chosen against the rule."""
    rule, rng, tightest = adl.make_allocation(name), np.random.default_rng(0), 0.0
    for game in range(40):
        state, paid = rule.start(), dict.fromkeys("abcdefgh", 0.0)
        asked, capacity = [], []
        for t in range(int(rng.integers(1, 30))):
            order = sorted(paid, key=paid.get, reverse=game % 2 == 0)  # the most or the least burdened first
            here = (
                order[: rng.integers(1, 9)]
                if game % 3
                else list(rng.permutation(order)[: rng.integers(1, 9)])
            )
            u = {i: float(10.0 ** rng.uniform(-6, 6)) if game % 4 else 1.0 for i in here}
            round_ = round_of(u, t + 1)
            budget = float(rng.choice([0.0, 1e-6, 0.01, 0.3, 1.5]) * rng.random() * round_.capacity_usd)
            a = rule.allocate(state, round_, budget)
            state = rule.learn(state, round_, NOTHING, a)
            for i, x in zip(here, a.x, strict=True):
                paid[i] += x / u[i]
            asked.append(budget)
            capacity.append(round_.capacity_usd)
        bound, most = rule.bound(asked, capacity), max(paid.values())
        assert most <= bound * (1 + 1e-9) + 1e-12
        tightest = max(tightest, most / bound if bound > 0.0 else 0.0)
    assert tightest > 0.99


def test_a_rule_without_the_theorem_says_so():
    for name in [*DESCENTS, "ftrl-haircuts(mirror=kl)", "ftrl-haircuts(eta=1.5)"]:
        assert math.isnan(adl.make_allocation(name).bound([1.0], [2.0]))
    assert adl.make_allocation("cumulative-burden(cap=0.4)").bound([1.0, 9.0, 5.0], [4.0, 9.0, 0.0]) == 0.65


@pytest.mark.parametrize("name", NAMES)
def test_few_passes_too_where_one_account_in_a_thousand_is_new(name, monkeypatch):
    """One leaves and one enters: no other id is looked up among all, and the level is found once."""
    calls, fills, found = [], [], Roster.places
    monkeypatch.setattr(Roster, "places", lambda self, ids: calls.append(len(ids)) or found(self, ids))
    for module in ("learners", "mirror"):
        path = f"adl_opt.allocation.{module}.fill_to_level"
        monkeypatch.setattr(path, lambda *a: fills.append(1) or fill_to_level(*a))
    rule = adl.make_allocation(name)
    first, second = ([f"a{k}" for k in range(start, start + 1000)] for start in (0, 1))
    steps = [(round_of(dict.fromkeys(ids, 100.0), t), 900.0) for t, ids in enumerate((first, first, second))]
    _, state = play(rule, rule.start(), steps[:2])
    calls.clear()
    fills.clear()
    play(rule, state, steps[2:])
    assert sum(calls) <= 2
    assert len(fills) == 1


def test_parameters_out_of_range_are_refused():
    for bad in ("cumulative-burden(cap=0)", "ftrl-haircuts(mirror=no)", "mirror-descent-kl(eta=-1)"):
        with pytest.raises(adl.UsageError):
            adl.make_allocation(bad)
    with pytest.raises(NotImplementedError):
        HaircutLearner.fractions(adl.make_allocation("cumulative-burden"), 0, None, None, 1.0)


DESCENTS = ["mirror-descent-euclid", "mirror-descent-kl"]


@pytest.mark.parametrize("name", DESCENTS)
def test_who_was_away_pays_no_more_than_pro_rata(name):
    """Three pay 150, two of them 0.2, all three 3: one each, not all of it from the one that was away."""
    rule = adl.make_allocation(name)
    everyone = {"a": 100.0, "b": 100.0, "c": 100.0}
    steps = [(everyone, 150.0), ({"a": 100.0, "b": 100.0}, 0.2), (everyone, 3.0)]
    made, _ = play(
        rule, rule.start(), [(round_of(u, t + 1), b) for t, (u, b) in enumerate(steps)], resume=True
    )
    assert made[-1].x.tolist() == pytest.approx([1.0, 1.0, 1.0])
    for seed in range(20):
        state, before = rule.start(), None
        for round_, budget in stream(seed):
            a = rule.allocate(state, round_, budget)
            ids, share = round_.accounts.id.tolist(), a.executed / max(round_.capacity_usd, 1e-300)
            for i, x, u in zip(ids, a.x, round_.accounts.capacity, strict=True):
                if i in state["id"] and before is not None and i not in before:
                    assert x <= share * u * (1 + 1e-9)
            if a.x.any():
                before = ids
            state = rule.learn(state, round_, NOTHING, a)


@pytest.mark.parametrize("name", DESCENTS)
def test_with_one_account_away_each_round_burdens_stay_near_those_of_pro_rata(name):
    rule, fair = adl.make_allocation(name), adl.make_allocation("pro-rata")
    rng, paid = np.random.default_rng(0), {name: np.zeros(20) for name in ("rule", "fair")}
    state = rule.start()
    for t in range(50):
        here = np.delete(np.arange(20), rng.integers(20))
        round_ = round_of({f"x{k}": 100.0 for k in here}, t + 1)
        budget = float(10.0 ** rng.uniform(-1.0, 1.2))
        a = rule.allocate(state, round_, budget)
        state = rule.learn(state, round_, NOTHING, a)
        paid["rule"][here] += a.x / 100.0
        paid["fair"][here] += fair.allocate(None, round_, budget).x / 100.0
    assert paid["rule"].max() <= 1.1 * paid["fair"].max()
