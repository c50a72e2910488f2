"""The replay: its figures on the embedded episode, its information barrier, its bookkeeping."""

import dataclasses
import json
import math

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.errors import LackError
from adl_opt.evaluate.record import proven_coverage
from adl_opt.evaluate.replay import replay
from adl_opt.policy.lineup import BLOCKS, HINTED, UNHINTED, lineup
from adl_opt.testing.policies import Poisoned, make_round

FIELDS = [
    "policy",
    "severity",
    "allocation",
    "information",
    "haircut_usd",
    "tracking_usd",
    "fairness_usd",
    "total_usd",
    "envelope_share",
    "overshoot_usd",
    "undershoot_usd",
    "covered_rounds",
    "covered_usd_share",
    "worst_shortfall_usd",
    "cvar_shortfall_usd",
    "coverage_proven_95",
    "max_burden",
    "inversions",
    "rank_stability",
    "accounts_touched",
    "seconds",
    "space",
    "price",
    "residual_usd",
    "future_shortfall_usd",
    "p99_burden",
    "hedges_broken",
    "balance_usd",
    "lowest_balance_usd",
]


def test_production_is_the_published_row(catalogue_result):
    row = catalogue_result.frame().loc["production"]
    assert f"{row.tracking_usd:,.2f}" == "53,782,490.53"
    assert f"{row.fairness_usd:,.2f}" == "11,077,031.68"
    assert f"{100 * row.envelope_share:.1f}" == "50.0"
    assert row.information == "observed"


def test_pro_rata_tracks_to_the_dollar(catalogue_result):
    assert catalogue_result.frame().loc["pro-rata"].tracking_usd < 1.0


def test_every_default_policy_is_there_and_marked(catalogue_result):
    table = catalogue_result.frame()
    assert len(table) == len(lineup())
    for information, names in (("start-of-round", UNHINTED), ("whole-round-flow", HINTED)):
        known = set(table.index[table.information == information])
        assert known == {adl.make_policy(name).name for name in names}
    order = [BLOCKS.index(p.information) for p in catalogue_result.policies]
    assert order == sorted(order)  # what can be deployed comes first
    assert set(table.index[table.information == "observed"]) == {"production", "observed/pro-rata"}


def test_min_max_is_least_in_every_round(catalogue_result):
    rounds = catalogue_result.rounds()
    oracle = rounds[rounds.severity == "oracle"]
    least = oracle[oracle.policy == "min-max(base=equity)"].set_index("round").max_burden
    for name, group in oracle.groupby("policy"):
        burdens = group.set_index("round").max_burden
        assert (burdens >= least * (1 - 1e-9)).all(), name


def test_min_max_lots_is_least_among_rules_on_lots_and_proven(catalogue_result):
    rounds = catalogue_result.rounds().set_index(["policy", "round"])
    best = rounds.loc["min-max-lots(base=equity)"]
    assert (best.max_burden <= rounds.loc["integer-pro-rata"].max_burden * (1 + 1e-12)).all()
    assert np.allclose(best.max_burden, best.lower_bound, rtol=1e-9)
    assert np.allclose(best.max_burden, best.reference_burden, rtol=1e-12)


def test_json_has_the_agreed_fields(catalogue_result):
    data = json.loads(json.dumps(catalogue_result.to_json(), allow_nan=False))
    agreed = ["episode", "source", "rounds", "path_length", "envelope_usd", "trivial_usd"]
    assert list(data) == [
        "schema",
        *agreed,
        "envelope_informative",
        "policies",
        "lambda",
        "burden",
        "loss",
        "notes",
    ]
    assert data["rounds"] == 16
    assert all(list(p) == FIELDS for p in data["policies"])
    assert {p["information"] for p in data["policies"]} == set(adl.Information) - {
        adl.Information.WITHIN_ROUND
    }


def test_one_policy_and_those_that_none_beats(catalogue_result):
    assert catalogue_result["production"].haircut_usd == pytest.approx(60_108_335.33)
    with pytest.raises(adl.UsageError):
        catalogue_result["prorata"]
    front = catalogue_result.pareto("overshoot_usd", "undershoot_usd")
    frame = catalogue_result.frame()
    for _, row in front.iterrows():
        less = (frame.overshoot_usd <= row.overshoot_usd) & (frame.undershoot_usd < row.undershoot_usd)
        assert not less.any()


def test_coverage_by_hand():
    accounts = adl.Accounts(id=["a"], pnl=[100.0], equity=[100.0])
    needs = [10.0, 20.0, 0.0, 40.0]
    rounds = [
        (adl.Round(deficit=15.0, accounts=accounts, number=k), adl.Outcome(needed=b))
        for k, b in enumerate(needs, start=1)
    ]
    (row,) = replay(adl.Episode("e", "", rounds), ["full-deficit/pro-rata"]).policies
    assert (row.covered_rounds, row.worst_shortfall_usd) == (2, 25.0)
    assert row.covered_usd_share == pytest.approx(1 - 30 / 70)
    assert row.cvar_shortfall_usd == pytest.approx(25.0)
    # at least 2 of 4 covered with probability 5 %: 1 - (1-p)^4 - 4p(1-p)^3
    p = row.coverage_proven_95
    assert 1 - (1 - p) ** 4 - 4 * p * (1 - p) ** 3 == pytest.approx(0.05)


def test_all_rounds_covered_prove_no_more_than_their_number_allows():
    assert proven_coverage(16, 16) == pytest.approx(0.05 ** (1 / 16))
    assert proven_coverage(0, 16) == 0.0


def test_no_row_mixes_bases(oct10):
    """On capacity the record has no burden, so there is no fairness and no total of it."""
    known, unknown = (
        replay(oct10, ["production", "hyperliquid-literal"], burden=base).frame()
        for base in ("equity", "capacity")
    )
    assert known.loc["production", "fairness_usd"] == pytest.approx(11_077_031.68, abs=0.01)
    assert known.loc["hyperliquid-literal", "fairness_usd"] == pytest.approx(13_426_770.31, abs=0.01)
    assert math.isnan(unknown.loc["production", "total_usd"])
    assert unknown.loc["production", "tracking_usd"] == known.loc["production", "tracking_usd"]


@pytest.mark.parametrize("name", ["ftrl-exact", "hedge-grid", "hedge(ftrl-exact | ogd)", "follow-the-leader"])
@pytest.mark.parametrize("loss", [adl.Loss(under=5), adl.Loss(over=3, limit="deficit")])
def test_a_learners_own_regret_is_that_of_the_table(oct10, name, loss):
    """The loss sets the weights of a learner, and both say the same of it."""
    result = replay(oct10, [f"{name}/pro-rata"], loss=loss)
    records = result.records
    deficit, needed, paid = (
        np.array([getattr(r, k) for r in records]) for k in ("deficit", "needed", "haircut")
    )
    learner = adl.make_severity(name).on(loss)
    assert (learner.under, learner.over) == (loss.under, loss.over)
    own = learner.regret(deficit, np.minimum(needed / deficit, 1.0), paid / deficit)
    assert result.regret().static_regret_usd.iloc[0] == pytest.approx(own, rel=1e-9)


def test_a_learner_keeps_weights_of_its_own(oct10):
    own = replay(oct10, ["ftrl-exact(under=9)/pro-rata"]).policies[0].haircut_usd
    assert replay(oct10, ["ftrl-exact(under=9)/pro-rata"], loss="under=2").policies[0].haircut_usd == own


def test_the_limit_holds_the_oracle_back(oct10):
    (row,) = replay(oct10, ["pro-rata"], loss="limit=deficit").policies
    assert row.undershoot_usd == pytest.approx(48_463, abs=1)


def test_equity_base(oct10):
    result = replay(oct10, ["min-max(base=equity)", "equity-pro-rata", "pro-rata"], burden="equity")
    rows = result.rounds().set_index(["policy", "round"])
    best = rows.loc["min-max(base=equity)"].max_burden
    assert np.allclose(best, rows.loc["equity-pro-rata"].max_burden, rtol=1e-9)
    assert (best <= rows.loc["pro-rata"].max_burden * (1 + 1e-12)).all()


def test_lambda_weighs_fairness(oct10):
    one, three = (replay(oct10, ["binance"], lam=lam).policies[0] for lam in (1.0, 3.0))
    assert three.total_usd == pytest.approx(one.tracking_usd + 3 * one.fairness_usd, rel=1e-12)


def test_regret_table(catalogue_result):
    regret = catalogue_result.regret()
    assert regret.class_regret_usd.min() == 0.0
    assert regret.loc["pro-rata", "dynamic_regret_usd"] < 1.0
    assert (regret.dynamic_regret_usd >= regret.static_regret_usd - 1e-6).all()


def test_results_are_the_same_bits_twice(oct10, catalogue_result):
    again = replay(oct10).rounds().drop(columns="seconds")
    assert again.equals(catalogue_result.rounds().drop(columns="seconds"))


def test_cut_and_resumed_is_uninterrupted(oct10):
    names = ["vector-mirror-descent-text", "dydx-random(seed=4)", "full-deficit/pro-rata"]
    whole = replay(oct10, names)
    first = replay(adl.Episode("head", "", oct10.rounds[:7]), names)
    states = json.loads(json.dumps(first.states))  # states are plain values
    second = replay(adl.Episode("tail", "", oct10.rounds[7:]), names, states=states)
    for name in names:
        joined = [r.haircut for part in (first, second) for r in part.by_policy[name]]
        burdens = [r.max_burden for part in (first, second) for r in part.by_policy[name]]
        assert joined == [r.haircut for r in whole.by_policy[name]]
        assert burdens == [r.max_burden for r in whole.by_policy[name]]
        stable = [r.rank_stability for part in (first, second) for r in part.by_policy[name]]
        assert np.array_equal(stable, [r.rank_stability for r in whole.by_policy[name]], equal_nan=True)
    with pytest.raises(adl.UsageError, match="states lack a policy"):
        replay(oct10, [*names, "pro-rata"], states=states)


class Spy(adl.Severity):
    """A start-of-round severity that records what it is given."""

    name = "spy"

    def choose(self, state, round_):
        assert isinstance(round_, adl.Round)
        assert not any(isinstance(v, adl.Outcome) for v in vars(round_).values())
        return 0.5 * round_.deficit


def test_start_of_round_policies_never_meet_the_outcome():
    """The act of such a policy takes no outcome at all; given one by force, looking at it raises."""
    policy = adl.Policy(severity=Spy(), allocation=adl.make_allocation("pro-rata"))
    assert policy.information is adl.Information.START_OF_ROUND
    round_ = make_round(np.array([10.0, 5.0]), np.array([20.0, 9.0]), np.array([2, 3]))
    policy.act(policy.start(), round_)
    with pytest.raises(adl.PolicyError, match="looked at the outcome"):
        adl.make_policy("pro-rata").act_ex_post((None, None), round_, Poisoned())
    with pytest.raises(NotImplementedError):
        adl.make_policy("pro-rata").act((None, None), round_)


@pytest.mark.parametrize("name", [n for n in lineup() if adl.make_policy(n).information == "start-of-round"])
def test_the_future_does_not_matter_to_start_of_round_policies(name, oct10):
    """Twist what the last three of six rounds needed: a learner sees it from the fifth round on."""
    honest = oct10.rounds[-6:]
    twisted = [*honest[:3], *((r, adl.Outcome(needed=0.37 * o.needed + 11.0)) for r, o in honest[3:])]
    first, second = (
        [r.haircut for r in replay(adl.Episode("tail", "", rounds), [name]).records]
        for rounds in (honest, twisted)
    )
    assert first[:4] == second[:4]


def test_default_leaves_out_what_the_rounds_lack_and_says_so():
    accounts = adl.Accounts(id=["a", "b"], pnl=[10.0, 5.0], equity=[20.0, 9.0])
    episode = adl.Episode("bare", "", [(adl.Round(deficit=4.0, accounts=accounts), adl.Outcome(needed=3.0))])
    result = replay(episode)
    assert "pro-rata" in result.by_policy
    assert "binance" not in result.by_policy
    left = [note for note in result.notes if "(round 1: accounts without margin" in note]
    assert len(left) == 1
    assert left[0].startswith("left out: ")
    assert "binance" in left[0]
    assert any("production" in note for note in result.notes)
    with pytest.raises(LackError, match="'binance' needs"):
        replay(episode, ["binance"])


def test_figures_of_a_tiny_episode_by_hand():
    """Three accounts, two rounds, a queue by leverage: every figure of the row worked out."""
    rounds = []
    for number, leverage in ((1, [1.0, 3.0, 2.0]), (2, [3.0, 2.0, 1.0])):
        accounts = adl.Accounts(
            id=["a", "b", "c"], pnl=[10.0, 20.0, 40.0], equity=[50.0, 50.0, 50.0], leverage=leverage
        )
        rounds.append((adl.Round(deficit=50.0, accounts=accounts, number=number), adl.Outcome(needed=25.0)))
    result = replay(adl.Episode("tiny", "", rounds), ["ethereal", "full-deficit/ethereal"])
    row, full = result.policies
    # round 1: b 20, c 5; round 2: a 10, b 15.  m* = 25/70; burdens (0, 1, 1/8) and (1, 3/4, 0)
    assert row.haircut_usd == 50.0
    assert row.accounts_touched == 4
    assert row.max_burden == 1.0
    assert row.fairness_usd == pytest.approx(2 * 25 * (1 - 25 / 70))
    # left: (10, 0, 35) inverts a-b; (0, 5, 40) none: 1 of 4 pairs
    assert row.inversions == 0.25
    # ranks (1, 3, 2) and (3, 2, 1): Spearman -1/2
    assert row.rank_stability == pytest.approx(-0.5)
    first = result.by_policy["ethereal"][0]
    assert first.gini == pytest.approx(2 * (2 * 0.125 + 3 * 1.0) / (3 * 1.125) - 4 / 3)
    assert full.overshoot_usd == 50.0
    regret = result.regret()
    assert regret.loc["full-deficit/ethereal", "tracking_regret_usd"] == 50.0
    assert regret.loc["full-deficit/ethereal", "static_regret_usd"] == pytest.approx(50.0)
    dear = dataclasses.replace(result, loss=adl.Loss(over=3.0, fair=2.0, base="capacity"))
    assert dear.frame().loc["full-deficit/ethereal", "total_usd"] == pytest.approx(
        150.0 + 2 * full.fairness_usd
    )
    assert dear.regret().loc["full-deficit/ethereal", "static_regret_usd"] == pytest.approx(150.0)


def test_an_episode_may_be_named():
    assert replay("synthetic(accounts=5, rounds=2)", ["pro-rata"]).episode == "synthetic-0"
    with pytest.raises(adl.UsageError, match="by its name, or as a policy"):
        replay("oct10", [3])


def test_positions_that_reach_little_are_said():
    accounts = adl.Accounts(id=["a"], pnl=[100.0], equity=[500.0])
    positions = adl.Positions(account=[0], market=["X"], lot_value=[1.0], lots=[10])
    round_ = adl.Round(deficit=5.0, accounts=accounts, positions=positions)
    result = replay(adl.Episode("e", "", [(round_, adl.Outcome(needed=5.0))]), ["pro-rata"])
    assert any("reach only 10 %" in note for note in result.notes)


def test_zero_rounds_worth_of_budget_and_no_accounts():
    empty = adl.Accounts(id=[], pnl=[], equity=[])
    rounds = [
        (adl.Round(deficit=0.0, accounts=empty, number=1), adl.Outcome(needed=0.0)),
        (adl.Round(deficit=9.0, accounts=empty, number=2), adl.Outcome(needed=4.0)),
    ]
    result = replay(adl.Episode("empty", "", rounds), ["pro-rata", "dydx-random", "min-max"])
    for p in result.policies:
        assert p.haircut_usd == 0.0
        assert p.undershoot_usd == 4.0
        assert p.max_burden == 0.0
    assert [r.shortfall for r in result.by_policy["pro-rata"]] == [0.0, 4.0]


def test_budget_above_capacity_takes_all_and_names_the_rest(oct10):
    round_ = oct10.rounds[4][0]
    episode = adl.Episode("short", "", [(round_, adl.Outcome(needed=2 * round_.capacity_usd))])
    for record in replay(episode, ["pro-rata", "binance", "min-max"]).records:
        assert record.haircut == pytest.approx(round_.capacity_usd, rel=1e-12)
        assert record.shortfall == pytest.approx(round_.capacity_usd, rel=1e-12)
        assert record.max_burden == pytest.approx(1.0)


class Rogue(adl.AllocationRule):
    name = "rogue"

    def allocate(self, state, round_, asked):
        return adl.Allocation(x=round_.accounts.capacity + 1.0, asked=asked)


def test_a_policy_that_takes_too_much_is_stopped(oct10):
    rogue = adl.Policy(severity=adl.make_severity("oracle"), allocation=Rogue())
    with pytest.raises(adl.PolicyError, match="'rogue', round 1: a haircut exceeds") as caught:
        replay(oct10, [rogue])
    assert "account a" in caught.value.got


class Nonsense(adl.Severity):
    name = "nonsense"

    def choose(self, state, round_):
        return float("nan")


def test_a_severity_that_is_not_an_amount_is_stopped(oct10):
    with pytest.raises(adl.InputError, match="not an amount"):
        replay(oct10, [adl.Policy(severity=Nonsense(), allocation=adl.make_allocation("pro-rata"))])


@pytest.mark.parametrize(
    ("kwargs", "what"),
    [
        ({"policies": ["proo-rata"]}, "unknown policy"),
        ({"policies": ["pro-rata", "pro-rata"]}, "different names"),
        ({"policies": []}, "at least one"),
        ({"policies": ["constant"]}, "needs a parameter"),
        ({"policies": ["constant(1.5)"]}, "out of range"),
        ({"policies": ["constant(theta=x)"]}, "out of range"),
        ({"policies": ["oracle/nothing"]}, "unknown allocation"),
        ({"policies": ["pro-rata"], "lam": -1.0}, "out of range"),
        ({"policies": ["pro-rata"], "lam": float("nan")}, "out of range"),
        ({"policies": ["pro-rata"], "burden": "wealth"}, "not known"),
    ],
)
def test_wrong_usage(oct10, kwargs, what):
    with pytest.raises(adl.UsageError, match=what) as caught:
        replay(oct10, **kwargs)
    assert caught.value.ways_out


def test_parameters_beside_two_part_names_are_refused():
    with pytest.raises(adl.UsageError, match="ambiguous"):
        adl.make_policy("constant(0.5)/dydx-random", seed=3)


def test_a_result_prints_itself(catalogue_result):
    text = str(catalogue_result)
    assert "production" in text
    assert "53,782,490.53" in text
    assert "as recorded" in text
    assert not math.isnan(catalogue_result.path_length)


def test_the_reference_is_solved_once_a_round(monkeypatch):
    from adl_opt.allocation import minmax

    calls = []
    exact = minmax.minmax_lots
    monkeypatch.setattr(minmax, "minmax_lots", lambda *args, **more: calls.append(1) or exact(*args, **more))
    replay("synthetic(accounts=30, rounds=4, seed=9)", ["pro-rata", "min-max-lots"])
    assert len(calls) == 4
