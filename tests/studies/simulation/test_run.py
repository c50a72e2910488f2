"""The closed loop: books that balance, same bits, and what each knob does."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adl_opt.allocation import make_allocation
from adl_opt.errors import ConservationError, InputError, PolicyError, UsageError
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy
from adl_opt.rounds.round import Allocation
from adl_opt.rounds.tables import Accounts
from adl_opt.severity import make_severity
from adl_opt.studies.simulation import run as loop
from adl_opt.studies.simulation.accounts import LOT, apportion, draw_world
from adl_opt.studies.simulation.adl import _flow, show_round
from adl_opt.studies.simulation.behaviour import Habits, undo
from adl_opt.studies.simulation.book import impact, in_slices, slopes, steepness, trade
from adl_opt.studies.simulation.files import given_path
from adl_opt.studies.simulation.liquidation import Liquidation
from adl_opt.studies.simulation.paths import MAJOR_BETA, draw_path
from adl_opt.studies.simulation.run import Start, run_policy
from adl_opt.studies.simulation.scenarios import SCENARIOS, scenario
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import check_books, check_haircuts

SMALL = Settings(accounts=60, markets=3, steps=20, leverage=10.0, drop=0.7)
POLICIES = (
    *("pro-rata", "binance", "hyperliquid-side-adjusted", "min-max-lots", "integer-pro-rata"),
    *("full-deficit", "full-deficit/binance", "constant(0)", "ftrl-exact"),
)
KNOBS = st.builds(
    Settings,
    accounts=st.integers(4, 60),
    markets=st.integers(1, 5),
    steps=st.integers(1, 15),
    majors=st.integers(0, 5),
    leverage=st.floats(0.5, 40),
    long_share=st.floats(0.05, 0.95),
    whale=st.sampled_from([0.0, 0.3, 0.95]),
    path=st.sampled_from(["jump", "crash", "grind"]),
    volatility=st.floats(0, 0.3),
    jump_rate=st.floats(0, 1),
    jump_mean=st.floats(-0.5, 0.5),
    drop=st.floats(0, 0.95),
    rebound=st.floats(0, 1),
    impact=st.sampled_from(["linear", "square-root"]),
    depth=st.floats(1e-4, 1),
    resilience=st.floats(0, 1),
    slices=st.integers(1, 5),
    permanent=st.floats(0, 1),
    fund=st.floats(0, 0.1),
    lag=st.integers(0, 4),
    feedback=st.floats(0, 1),
    slope_spread=st.floats(1, 20),
    reactions=st.sampled_from(["rates", "oct10"]),
    withdraw=st.floats(0, 1),
    undo=st.floats(0, 1),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(KNOBS, st.integers(0, 2**32), st.sampled_from(POLICIES))
def test_books_balance_whatever_the_knobs(knobs, seed, policy):
    run = run_policy(policy, knobs, seed=seed)  # checks every step itself
    assert run.totals["money_created_usd"] == 0
    assert run.totals["fund_end_usd"] >= 0
    for row in run.rounds:
        assert 0 <= row["haircut_usd"] <= row["capacity_usd"] * (1 + 1e-12) + 0.01
        assert row["max_burden"] <= 1 + 1e-12


@pytest.mark.parametrize("name", SCENARIOS)
def test_same_seed_same_bits_and_a_shared_start_is_not_changed(name):
    knobs = replace(scenario(name).settings, accounts=80)
    start = Start.draw(knobs, 3)
    first = run_policy("binance", knobs, seed=3, start=start)
    run_policy("pro-rata", knobs, seed=3, start=start)
    again = run_policy("binance", knobs, seed=3, start=start)
    assert first.to_json() == again.to_json() == run_policy("binance", knobs, seed=3).to_json()


def test_scenarios_do_what_they_are_for():
    runs = {n: [run_policy("pro-rata", s.settings, seed=k) for k in range(2)] for n, s in SCENARIOS.items()}

    def total(name, figure):
        return sum(r.totals[figure] for r in runs[name])

    assert len(SCENARIOS) >= 8
    assert total("no-deficit", "rounds") == 0
    assert all(total(n, "rounds") > 0 for n in SCENARIOS if n != "no-deficit")
    assert total("repeated-rounds", "rounds") > total("single-whale", "rounds")
    lagging, prompt = total("oracle-lag", "deficit_usd"), total("flash-crash", "deficit_usd")
    assert lagging / total("oracle-lag", "needed_usd") < prompt / total("flash-crash", "needed_usd")


def test_the_start_nets_to_zero_at_the_mark():
    world = draw_world(replace(SMALL, whale=0.5), np.random.default_rng(1))
    assert not world.lots.sum(axis=0).any()
    assert (world.cost == world.lots * LOT).all()
    longs = np.maximum(world.lots[:, 0], 0)
    assert longs[0] == pytest.approx(0.5 * longs.sum(), abs=1)


def test_apportion_is_exact_and_bounded():
    weights = np.array([5, 0, 7, 1])
    for total in range(14):
        parts = apportion(weights, total)
        assert parts.sum() == total
        assert (parts <= weights).all()


def test_impact_by_hand():
    one = np.ones(1)
    knobs = Settings(depth=0.02)
    assert impact(0 * one, 0.04 * one, one, knobs)[0] == pytest.approx(0.01)  # mean of 0 .. 2 per cent
    assert impact(0.02 * one, 0.02 * one, one, knobs)[0] == pytest.approx(0.015)
    root = replace(knobs, impact="square-root")
    assert impact(0 * one, 0.08 * one, one, root)[0] == pytest.approx(0.01 * 4 / 3)  # 2/3 of sqrt 4
    assert impact(0 * one, 0 * one, one, root)[0] == 0
    assert impact(0 * one, 0.04 * one, 3 * one, knobs)[0] == pytest.approx(0.03)


def test_a_book_that_recovers_costs_less_than_one_that_does_not():
    one = np.ones(1)
    knobs = Settings(depth=0.02, slices=4, resilience=0.9)
    share, left = in_slices(0 * one, 0.04 * one, one, knobs)
    stiff, all_left = in_slices(0 * one, 0.04 * one, one, replace(knobs, resilience=0.0))
    assert share < stiff
    assert stiff == pytest.approx(impact(0 * one, 0.04 * one, one, knobs))
    assert left < all_left == pytest.approx(0.04)


def test_trade_realises_the_share_of_the_cost_that_is_closed():
    world = draw_world(replace(SMALL, accounts=4), np.random.default_rng(0))
    world.lots[:] = world.cost[:] = 0
    world.cash[:] = 1000
    world.lots[0, 0], world.cost[0, 0] = 3, 1000  # three lots for 1,000 cents
    world.book_lots[:] = 0
    world.book_lots[0] = -3
    money = world.ledger()
    trade(world, np.array([0]), np.array([[-1, 0, 0]]), np.array([400, 1, 1]))
    assert world.cash[0] == 1000 + 400 - 333
    assert world.cost[0, 0] == 667
    trade(world, np.array([0]), np.array([[-2, 0, 0]]), np.array([400, 1, 1]))
    assert world.cash[0] == 1000 + 1200 - 1000
    check_books(world, money, 1)


@pytest.mark.parametrize("fault", ["money", "lots", "fund", "cost", "gone"])
def test_every_fault_of_the_books_is_seen(fault):
    world = draw_world(SMALL, np.random.default_rng(0))
    money = world.ledger()
    check_books(world, money, 0)
    if fault == "money":
        world.cash[0] += 1
    elif fault == "lots":
        world.book_lots[0] += 1
    elif fault == "fund":
        world.withdrawn += world.fund + 1
        world.fund = -1
    elif fault == "cost":
        flat = np.argwhere(world.lots == 0)[0]
        world.cost[tuple(flat)] += 5
        world.cash[flat[0]] += 5
    else:
        world.active[0] = False
    with pytest.raises(ConservationError):
        check_books(world, money, 0)


def test_a_haircut_above_positive_pnl_is_refused():
    check_haircuts(np.array([5]), np.array([5]), 1)
    with pytest.raises(ConservationError, match="above positive PNL"):
        check_haircuts(np.array([6]), np.array([5]), 1)


class _Greedy(type(make_allocation("pro-rata"))):
    def allocate(self, state, round_, asked):
        return Allocation(x=2.0 * round_.accounts.capacity, asked=asked)


def test_a_policy_that_takes_too_much_is_stopped():
    with pytest.raises(PolicyError, match="exceeds"):
        run_policy(Policy(severity=make_severity("oracle"), allocation=_Greedy()), SMALL)


@pytest.mark.parametrize(
    ("haircuts", "says"),
    [
        (lambda u: np.full(u.shape, np.nan), "finite"),
        (lambda u: np.full(u.shape, -1.0), "at least 0|negative"),
        (lambda u: u + 0.02, "exceeds"),
        (lambda u: np.zeros(u.size + 1), "one haircut per account|length"),
    ],
)
def test_a_policy_that_breaks_the_rules_is_stopped_by_name(haircuts, says):
    class Breaks(type(make_allocation("pro-rata"))):
        def allocate(self, state, round_, asked):
            return Allocation(x=haircuts(round_.accounts.capacity), asked=asked)

    with pytest.raises((PolicyError, InputError), match=says):
        run_policy(Policy(severity=make_severity("oracle"), allocation=Breaks()), SMALL)


@pytest.mark.parametrize("part", ["liquidate", "carry_out", "undo", "after_haircuts"])
@pytest.mark.parametrize(("what", "says"), [("cash", "appeared or vanished"), ("lots", "net to zero")])
def test_a_planted_fault_in_the_loop_is_caught_in_its_step(part, what, says, monkeypatch):
    sound = getattr(loop, part)

    def faulty(world, *given):
        answer = sound(world, *given)
        who = int(np.flatnonzero(world.active)[0])
        if what == "cash":
            world.cash[who] += 1  # one cent
        else:
            world.lots[who, 0] += 1  # one lot
        return answer

    monkeypatch.setattr(loop, part, faulty)
    knobs = replace(scenario("flash-crash").settings, accounts=150, undo=1.0)
    with pytest.raises(ConservationError, match=says):
        [run_policy("pro-rata", knobs, seed=seed) for seed in range(20)]


def test_a_round_that_overstates_what_winners_have_is_caught(monkeypatch):
    class All(type(make_allocation("pro-rata"))):
        def allocate(self, state, round_, asked):
            return Allocation(x=round_.accounts.capacity, asked=asked)

    def overstated(*given):
        shown = show_round(*given)
        rich = shown.round.accounts
        rich = Accounts(id=rich.id, pnl=2 * np.abs(rich.pnl) + 1, equity=2 * np.abs(rich.equity) + 1)
        return replace(shown, round=replace(shown.round, accounts=rich))

    policy = Policy(severity=make_severity("oracle"), allocation=All())
    assert run_policy(policy, SMALL).totals["haircut_usd"] > 0
    monkeypatch.setattr(loop, "show_round", overstated)
    with pytest.raises(ConservationError, match="above positive PNL"):
        run_policy(policy, SMALL)


def test_equity_falls_by_the_haircut_and_by_nothing_else(monkeypatch):
    seen = []
    sound = loop.carry_out

    def watched(world, marks, shown, action):
        before = world.equity(marks)
        taken = sound(world, marks, shown, action)
        fell = before - world.equity(marks)
        assert fell.sum() == taken
        assert np.abs(fell[shown.rows] - 100 * action.x).max() <= 1
        fell[shown.rows] = 0
        assert not fell.any()
        seen.append(taken)
        return taken

    monkeypatch.setattr(loop, "carry_out", watched)
    for policy in POLICIES:
        run_policy(policy, SMALL)
    assert max(seen) > 0


@pytest.mark.parametrize("policy", POLICIES)
def test_a_round_without_any_winner(policy):
    start = Start.draw(SMALL, 0)
    losers = start.world.copy()
    losers.book_lots += losers.lots.clip(max=0).sum(axis=0)  # the book takes over every short
    losers.book_cash -= losers.cost.clip(max=0).sum(axis=0)
    losers.lots.clip(min=0, out=losers.lots)
    losers.cost.clip(min=0, out=losers.cost)
    check_books(losers, losers.ledger(), 0)
    path = np.full_like(start.path, 0.05)
    path[0] = 1.0
    run = run_policy(policy, SMALL, start=Start(losers, path))
    assert run.totals["rounds"] >= 1
    assert run.totals["haircut_usd"] == 0
    assert run.totals["uncovered_usd"] == pytest.approx(run.totals["needed_usd"])


def test_production_has_no_record_here():
    with pytest.raises((UsageError, InputError)):
        run_policy("production", SMALL)


def test_the_oracle_covers_what_is_needed_and_who_takes_nothing_leaves_it_uncovered():
    knobs = replace(SMALL, feedback=0.0)
    seed = next(k for k in range(20) if run_policy("pro-rata", knobs, seed=k).totals["needed_usd"] > 100)
    nothing = run_policy("constant(0)", knobs, seed=seed).totals
    assert nothing["uncovered_usd"] == pytest.approx(nothing["needed_usd"])
    oracle = run_policy("pro-rata", knobs, seed=seed)
    for row in oracle.rounds:
        reach = min(row["needed_usd"], row["capacity_usd"])
        assert row["haircut_usd"] == pytest.approx(reach, abs=0.01 * knobs.accounts)


def test_slopes_of_prop_11():
    world = draw_world(SMALL, np.random.default_rng(0))
    before = slopes(world)
    assert steepness(world, before, 0.0).tolist() == [1.0] * 3
    assert steepness(world, before, 1.0) == pytest.approx(np.ones(3))
    world.lots //= 2 if not (world.lots % 2).any() else 1
    flat = world.slope == 1.0
    world.lots[flat] = 0  # whole accounts of the flattest slope are closed: what is left is steeper
    assert slopes(world) == pytest.approx(np.full(3, SMALL.slope_spread))
    assert (steepness(world, before, 1.0) > 1).all()
    world.supplies[:] = False
    assert steepness(world, before, 1.0) == pytest.approx(20 * slopes(world) / before)


def test_the_same_share_of_all_leaves_the_slope():
    world = draw_world(SMALL, np.random.default_rng(0))
    world.lots *= 4
    before = slopes(world)
    world.lots //= 2
    assert slopes(world) == pytest.approx(before, rel=1e-12)


def test_feedback_needs_a_policy_that_acts():
    """Before the first ADL round and liquidation nothing differs; later prices do."""
    knobs = replace(scenario("flash-crash").settings, accounts=150)
    for seed in range(10):
        off, on = (run_policy("binance", replace(knobs, feedback=f), seed=seed) for f in (0.0, 1.0))
        if off.totals["rounds"] and off.totals != on.totals:
            return
    pytest.fail("feedback changed nothing in ten episodes")


def test_withdrawal_and_undo_change_what_accounts_do():
    knobs = replace(scenario("flash-crash").settings, accounts=150)
    seed = next(k for k in range(20) if run_policy("binance", knobs, seed=k).totals["accounts_left"] > 3)
    plain = run_policy("binance", knobs, seed=seed).totals
    takes = run_policy("binance", replace(knobs, withdraw=1.0), seed=seed).totals
    undoes = run_policy("binance", replace(knobs, undo=1.0), seed=seed).totals
    assert takes["withdrawn_usd"] > plain["withdrawn_usd"]
    assert undoes["accounts_left"] < plain["accounts_left"]


def test_paths():
    rng = np.random.default_rng
    for kind in ("jump", "crash", "grind"):
        path = draw_path(Settings(path=kind, steps=30), rng(0))
        assert path.shape == (31, 6)
        assert (path[0] == 1).all()
        assert (path > 0).all()
    calm = Settings(path="crash", steps=30, drop=0.5, rebound=0.4, volatility=0.0, majors=1, markets=2)
    crash = draw_path(calm, rng(0))
    assert crash[:, 1].min() == pytest.approx(0.5)
    assert crash[-1, 1] == pytest.approx(0.7)
    assert crash[:, 0].min() == pytest.approx(1 - 0.5 * MAJOR_BETA)
    assert (np.diff(crash[:19, 1]) <= 0).all()
    same = draw_path(replace(calm, volatility=0.02, correlation=1.0, path="jump", jump_rate=0.0), rng(0))
    assert same[:, 0] == pytest.approx(same[:, 1])


def test_a_given_path_is_followed_and_checked():
    knobs = replace(SMALL, path="given", steps=2, markets=2)
    prices = np.array([[10.0, 5.0], [6.0, 3.0], [6.0, 3.0]])
    assert run_policy("pro-rata", knobs, start=Start.draw(knobs, 0, prices)).totals["accounts_liquidated"] > 0
    assert (
        run_policy("pro-rata", knobs, start=Start.draw(knobs, 0, prices / prices[0])).totals
        == run_policy("pro-rata", knobs, start=Start.draw(knobs, 0, prices)).totals
    )
    with pytest.raises(InputError, match="another shape"):
        Start.draw(knobs, 0, prices[:2])
    prices[1, 1] = -1
    with pytest.raises(InputError, match="above 0"):
        Start.draw(knobs, 0, prices)
    with pytest.raises(UsageError, match="path"):
        run_policy("pro-rata", knobs)
    for table in ([["a", "b"]] * 3, [[1.0, 2.0], [3.0], [1.0, 1.0]]):
        with pytest.raises(InputError, match="no table of numbers"):
            Start.draw(knobs, 0, table)


@pytest.mark.parametrize("top", [1e9, 1e300, np.inf])
def test_a_price_that_cents_cannot_count_is_refused(top):
    knobs = Settings(path="given", steps=3, markets=1, accounts=3000, undo=1.0, leverage=100)
    start = Start.draw(knobs, 0, [[1.0], [1.2], [1.0], [1.0]])
    start.path[2] = top
    with pytest.raises(UsageError, match=r"step 2: a price is beyond"):
        run_policy("pro-rata", knobs, start=start)
    with pytest.raises(UsageError, match=r"a price is beyond"):
        run_policy("pro-rata", Settings(path="jump", jump_rate=1.0, jump_mean=0.9, steps=1000, accounts=20))


def test_closing_in_parts_at_high_prices_is_exact():
    world = draw_world(replace(SMALL, accounts=4), np.random.default_rng(0))
    world.lots[:] = world.cost[:] = world.book_lots[:] = 0
    world.lots[0, 0], world.cost[0, 0] = 3_000_000, 10**16 + 1
    world.book_lots[0] = -3_000_000
    trade(world, np.array([0]), np.array([[-1_000_000, 0, 0]]), np.array([1, 1, 1]))
    assert world.cost[0, 0] == 10**16 + 1 - (10**16 + 1) // 3


def test_a_start_of_other_settings_is_refused():
    start = Start.draw(SMALL, 0)
    for other in ({"accounts": 61}, {"markets": 4}, {"steps": 21}):
        with pytest.raises(UsageError, match="drawn for other settings"):
            run_policy("pro-rata", replace(SMALL, **other), start=start)
    for seed in (-1, 1.5, "one"):
        with pytest.raises(UsageError, match="seed"):
            run_policy("pro-rata", SMALL, seed=seed)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2\n2,3\n4,5\n", "no header"),
        ("", "empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n", "at least one step"),
        ("a,b\n1,x\n2,2\n", "line 2, column 'b'"),
        ("a,b\n1,2\n3\n", "line 3"),
        ("a,a\n1,2\n3,4\n", "twice|doubled|more than once"),
        ("\ufeffa,b\n1,2\n2,nan\n", "line 3, column 'b'"),
        ("a,b\n1,2\n2,0\n", "line 3, column 'b'"),
    ],
)
def test_a_price_file_that_is_none(text, says, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(text, encoding="utf-8")

    def play():
        knobs, prices = given_path(file, SMALL)
        run_policy("pro-rata", knobs, start=Start.draw(knobs, 0, prices))

    with pytest.raises(InputError, match=says):
        play()


def test_an_account_that_can_undo_nothing_leaves():
    world = draw_world(SMALL, np.random.default_rng(0))
    money = world.ledger()
    world.book_lots += world.lots[0]
    world.book_cash -= world.cost[0]
    world.lots[0] = world.cost[0] = 0
    world.withdrawn += int(world.cash[0])
    world.cash[0] = 0  # flat, nothing left, but it meant to buy back
    world.pending[0, 0] = 3
    world.due[0, 1] = 1
    check_books(world, money, 0)
    assert undo(world, np.full(3, LOT), np.ones(3), SMALL, Habits.of(world, SMALL), step=1) == 0
    assert not world.active[0]
    assert not world.supplies[0]
    assert not world.pending.any()
    check_books(world, money, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"accounts": 3}, {"accounts": 10.5}, {"drop": 0.99}, {"depth": 0}, {"path": "up"}, {"impact": "cubic"}],
)
def test_settings_out_of_range(wrong):
    with pytest.raises(UsageError, match="simulation"):
        Settings(**wrong)


def test_every_setting_is_checked():
    for spec in fields(Settings):
        with pytest.raises(UsageError, match=spec.name):
            Settings(**{spec.name: -5})


def test_a_pipe_is_no_price_file(tmp_path):
    os.mkfifo(tmp_path / "prices.csv")
    with pytest.raises(InputError, match="cannot be read"):
        given_path(tmp_path / "prices.csv", SMALL)


ROUNDS = replace(scenario("repeated-rounds").settings, accounts=60)


def test_a_loss_means_in_the_loop_what_it_means_in_a_replay():
    """Sums are those of the loss over the rounds; learners learn on it; burdens are on its base."""
    loss = Loss(under=5.0, over=2.0, fair=3.0, base="equity")
    found = run_policy("hedge-grid", ROUNDS, seed=1, loss=loss)
    rows = found.frame()
    assert len(rows) > 1
    parts = rows.haircut_usd, rows.needed_usd, rows.max_burden, rows.reference_burden
    assert found.totals["total_usd"] == pytest.approx(float(loss.total(*parts).sum()))
    assert found.totals["tracking_usd"] == pytest.approx(float(loss.tracking(*parts[:2]).sum()))
    own = run_policy("hedge-grid(under=5, over=2)", ROUNDS, seed=1)
    assert own.frame().haircut_usd.tolist() == rows.haircut_usd.tolist()
    plain = run_policy("hedge-grid", ROUNDS, seed=1)
    assert plain.frame().haircut_usd.tolist() != rows.haircut_usd.tolist()
    by_text = run_policy("hedge-grid", ROUNDS, seed=1, loss="under=5, over=2, fair=3, base=equity")
    assert by_text.totals == found.totals


def test_coverage_of_the_loop_is_that_of_the_rounds():
    found = run_policy("constant(0.3)", ROUNDS, seed=1)
    rows = found.frame()
    short = (rows.needed_usd - rows.haircut_usd).clip(lower=0.0)
    assert found.totals["covered_rounds"] == int((short <= 1e-9 * rows.needed_usd.clip(lower=1.0)).sum())
    assert found.totals["worst_shortfall_usd"] == short.max()
    assert found.totals["covered_usd_share"] == pytest.approx(1 - short.sum() / rows.needed_usd.sum())


def test_gaps_are_those_of_the_books_and_not_of_the_notional():
    """Two markets of one notional, 10 lots each, of which one lacks three times as much as the other."""
    closed, holes = np.array([[10, 10], [0, 0]]), np.array([[300.0, 100.0], [0.0, 0.0]])
    done = Liquidation(accounts=1, closed=closed, holes=holes, deficit=500, needed=400, hole=400, cost=0)
    flow, gaps = _flow(done, np.array(["M0", "M1"]), np.array([100.0, 100.0]), "wealth")
    assert flow.notional.tolist() == [1000.0, 1000.0]
    assert gaps.gap.tolist() == [3.0, 1.0]
    bare = replace(done, holes=np.zeros((2, 2)))  # collateral alone was below 0: no position says where
    assert _flow(bare, np.array(["M0", "M1"]), np.array([100.0, 100.0]), "wealth")[1].gap.tolist() == [
        2.0,
        2.0,
    ]
