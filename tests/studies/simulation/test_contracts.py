"""The closed loop in contracts: the matched winners lose positions of that market and side, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.errors import UsageError
from adl_opt.studies.simulation import run as loop
from adl_opt.studies.simulation.accounts import draw_world
from adl_opt.studies.simulation.run import METRICS, Start, run_policy
from adl_opt.studies.simulation.scenarios import scenario
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.sweeps.plan import Plan, read_plan
from adl_opt.studies.sweeps.run import sweep
from tests.studies.simulation.test_run import KNOBS

SMALL = Settings(accounts=80, markets=4, steps=20, leverage=10.0, drop=0.7, space="contracts", hedged=0.5)
POLICIES = ("pro-rata", "binance", "okx", "min-max", "leverage-draining", "full-deficit", "constant(0)")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(KNOBS, st.floats(0, 1), st.integers(0, 2**32), st.sampled_from(POLICIES))
def test_books_balance_whatever_the_knobs(knobs, hedged, seed, policy):
    run = run_policy(policy, replace(knobs, space="contracts", hedged=hedged), seed=seed)
    assert run.totals["money_created_usd"] == 0
    assert run.totals["fund_end_usd"] >= 0
    for row in run.rounds:
        assert 0 <= row["haircut_usd"] <= row["capacity_usd"] * (1 + 1e-12) + 0.01
        assert row["max_burden"] <= 1 + 1e-12
        assert row["residual_usd"] >= 0


@pytest.mark.parametrize("policy", POLICIES)
def test_only_the_other_side_of_the_market_is_closed_and_equity_falls_by_the_haircut(policy, monkeypatch):
    seen = []
    sound = loop.carry_out

    def watched(world, marks, shown, action):
        before, equity = world.lots[shown.rows], world.equity(marks)
        taken = sound(world, marks, shown, action)
        change = world.lots[shown.rows] - before
        flow = shown.round.flow
        cells = {(int(m[1:]), s) for m, s in zip(flow.market, flow.side.tolist(), strict=True)}
        closed = dict.fromkeys(cells, 0)
        for account, market in np.argwhere(change):
            side = int(np.sign(before[account, market]))
            assert (market, -side) in cells  # losers of the other side
            assert abs(change[account, market]) <= abs(before[account, market])
            assert np.sign(change[account, market]) == -side
            closed[market, -side] += abs(int(change[account, market]))
        for market, side, quantity in zip(flow.market, flow.side.tolist(), flow.quantity, strict=True):
            assert closed[int(market[1:]), side] <= quantity
        fell = equity - world.equity(marks)
        assert fell.sum() == taken
        assert np.abs(fell[shown.rows] - 100 * action.x).max(initial=0.0) <= 1
        seen.append(sum(closed.values()))
        return taken

    monkeypatch.setattr(loop, "carry_out", watched)
    runs = [run_policy(policy, SMALL, seed=seed) for seed in range(3)]
    assert (sum(seen) > 0) == (policy != "constant(0)")
    assert {run.space for run in runs} == {"contracts"}


def test_what_losers_lack_is_named_by_market_and_side(monkeypatch):
    sound, shown, sold, lots = loop.show_round, [], loop.liquidate, []

    def liquidated(world, *given):
        before = world.lots.copy()
        done = sold(world, *given)
        gone = before - world.lots
        lots.append((np.maximum(gone, 0).sum(axis=0), np.maximum(-gone, 0).sum(axis=0)))
        return done

    def watched(*given):
        shown.append((sound(*given), given[2], lots[-1]))
        return shown[-1][0]

    monkeypatch.setattr(loop, "liquidate", liquidated)
    monkeypatch.setattr(loop, "show_round", watched)
    for seed in range(4):
        run_policy(
            "pro-rata",
            replace(SMALL, path="jump", jump_rate=0.5, jump_mean=0.0, jump_deviation=0.4),
            seed=seed,
        )
    assert shown
    for made, done, (longs, shorts) in shown:
        assert made.round.space == "contracts"
        gaps, flow = made.outcome.gaps, made.round.flow
        assert gaps.gap.sum() == pytest.approx(made.outcome.needed, abs=1e-6)
        assert done.holes.sum() == pytest.approx(done.hole, rel=1e-9, abs=1.0)
        for market, side, quantity in zip(flow.market, flow.side.tolist(), flow.quantity, strict=True):
            assert quantity == (longs if side > 0 else shorts)[int(market[1:])]  # the losers' own side
        assert flow.quantity.sum() == longs.sum() + shorts.sum()
        assert not done.holes[np.stack([longs, shorts]) == 0].any()
        assert (made.round.positions.pnl < 0).any()
    assert {s for made, _, _ in shown for s in made.round.flow.side.tolist()} == {-1, 1}


def test_hedged_accounts_are_long_and_short_in_equal_size():
    for share in (0.0, 1.0):
        world = draw_world(replace(SMALL, hedged=share, markets=2), np.random.default_rng(0))
        held = (world.lots > 0).any(axis=1) & (world.lots < 0).any(axis=1)
        assert held.mean() > 0.8 if share else held.mean() < 0.4


def test_policies_differ_in_what_they_do_to_later_risk():
    """The same accounts and prices: other hedges break, and other accounts are liquidated later."""
    knobs = replace(scenario("repeated-rounds").settings, space="contracts", hedged=0.4)
    made = {}
    for seed in range(3):
        start = Start.draw(knobs, seed)
        for policy in ("pro-rata", "binance", "leverage-draining"):
            run = run_policy(policy, knobs, seed=seed, start=start)
            made.setdefault(policy, []).append(run.totals)
            assert run.to_json() == run_policy(policy, knobs, seed=seed, start=start).to_json()
    for figure in ("hedges_broken", "accounts_liquidated", "needed_usd"):
        assert len({tuple(t[figure] for t in totals) for totals in made.values()}) > 1, figure
    assert all(sum(t["hedges_broken"] for t in totals) > 0 for totals in made.values())


def test_wealth_is_as_it_was():
    """Figures of the loop as they were before it knew contracts."""
    run = run_policy("binance", replace(scenario("repeated-rounds").settings, accounts=120), seed=1)
    assert run.totals["rounds"] == 3
    assert run.totals["needed_usd"] == 5338427.83
    assert run.totals["haircut_usd"] == 494338.33999999997
    assert run.totals["impact_cost_usd"] == 3093956.03
    assert run.space == "wealth"


def test_no_simulated_account_pays_beyond_its_pnl_and_the_name_says_so():
    policy = adl.Policy(
        severity=adl.make_severity("full-deficit"),
        allocation=adl.make_allocation("okx"),
        positive_pnl_only=False,
    )
    run = run_policy(policy, SMALL)
    assert run.policy == "full-deficit/okx (losers too) (winners only)"
    assert run.totals == run_policy("full-deficit/okx", SMALL).totals
    assert run_policy(policy, replace(SMALL, space="wealth")).policy == "full-deficit/okx (losers too)"


def test_a_rule_that_lacks_the_space_is_refused_by_name():
    with pytest.raises(adl.InputError, match="'leverage-draining' does not serve rounds in wealth"):
        run_policy("leverage-draining", replace(SMALL, space="wealth"))


def test_simulate_takes_the_space():
    made = adl.simulate("flash-crash", ["pro-rata", "okx"], space="contracts")
    assert made.space == made.to_json()["space"] == "contracts"
    assert adl.simulate("flash-crash", "okx").space == "wealth"
    assert "space: contracts" in str(made)
    with pytest.raises(UsageError, match="space"):
        adl.simulate("flash-crash", "okx", space="coins")
    line = ["simulate", "run", "flash-crash", "--policy", "okx", "--space", "contracts", "--format", "json"]
    assert CliRunner().invoke(app, line).stdout.count('"space": "contracts"') == 2


def test_a_sweep_in_contracts_says_so_in_its_rows(tmp_path):
    config = tmp_path / "plan.toml"
    config.write_text(
        'policies = ["pro-rata", "okx"]\nscenarios = ["flash-crash"]\nseeds = 2\nspace = "contracts"\n'
        "[parameters]\naccounts = [60]\nhedged = [0.0, 0.5]\n"
    )
    plan = read_plan(config)
    made = sweep(plan, tmp_path / "out")
    assert (made.rows["error"] == "").all()
    assert set(made.rows["space"]) == set(made.summary["space"]) == {"contracts"}
    assert {"residual_usd", "hedges_broken"} <= set(METRICS) & set(made.rows.columns)
    both = Plan(
        policies=("okx",), scenarios=("flash-crash",), seeds=1, parameters={"space": ("wealth", "contracts")}
    )
    rows = sweep(both, tmp_path / "both").rows
    assert rows["space"].tolist() == ["wealth", "contracts"]
    assert rows["haircut_usd"].nunique() == 2
    over = sweep(
        Plan(policies=("okx",), scenarios=("flash-crash",), seeds=1), tmp_path / "o", space="contracts"
    )
    assert set(over.rows["space"]) == {"contracts"}
    with pytest.raises(UsageError, match="space"):
        Plan(policies=("okx",), scenarios=("flash-crash",), seeds=1, space="coins")
    effect = adl.feedback("okx", "flash-crash", seeds=2, space="contracts").frame()
    assert set(effect["space"]) == {"contracts"}
