"""Models with an insurance fund: who pays first, and what solve says of it."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.catalogue import load_model
from adl_opt.programs import Status, solve
from tests.programs.cases import make_round


def accounts(*pnl):
    return adl.Accounts(id=[f"a{k}" for k in range(len(pnl))], pnl=pnl, equity=[3.0 * p for p in pnl])


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 1.4, 2.0])
def test_the_fund_pays_first_by_default_and_no_more_than_is_needed(engine, share):
    for seed in range(4):
        round_ = make_round(seed, 5)
        fund = round_.capacity_usd
        found = solve(
            load_model("insurance-cofunding", fund=fund).program, round_, needed=share * fund, engine=engine
        )
        assert found.status is Status.OPTIMAL, found.message
        assert found.fund_usd == pytest.approx(min(share, 1.0) * fund, rel=1e-6, abs=1e-6)
        assert found.executed == pytest.approx(max(share - 1.0, 0.0) * fund, rel=1e-6, abs=1e-5 * fund)
        assert found.executed + found.fund_usd >= share * fund * (1 - 1e-9)


def test_solve_says_what_the_fund_pays(capsys):
    round_ = adl.Round(deficit=350_000.0, accounts=accounts(200_000.0, 300_000.0))
    solved = adl.solve(round_, 350_000.0, model="insurance-cofunding(fund=300000)")
    assert solved.facts["fund_usd"] == pytest.approx(300_000.0)
    assert solved.facts["shortfall_usd"] == pytest.approx(0.0, abs=1e-6)
    assert solved.frame()["haircut_usd"].sum() == pytest.approx(50_000.0)
    print(solved)
    text = " ".join(capsys.readouterr().out.split())
    assert "the insurance fund pays $300,000.00" in text
    assert "shortfall" not in text


def test_what_neither_winners_nor_fund_can_pay_is_the_shortfall(capsys):
    round_ = adl.Round(deficit=100.0, accounts=accounts(20.0, 30.0))
    solved = adl.solve(round_, 100.0, model="insurance-cofunding(fund=40)")
    assert (solved.facts["fund_usd"], solved.facts["shortfall_usd"]) == (40.0, 10.0)
    print(solved)
    text = " ".join(capsys.readouterr().out.split())
    assert "shortfall $10.00: the capacity does not cover the budget" in text


def test_an_episode_shows_the_draws():
    rounds = [(adl.Round(deficit=90.0, accounts=accounts(50.0, 50.0), number=k), adl.Outcome(needed=b))
              for k, b in enumerate((30.0, 90.0), start=1)]  # fmt: skip
    solved = adl.solve(rounds, model="insurance-cofunding(fund=40)")
    assert solved.frame()["fund_usd"].tolist() == pytest.approx([30.0, 40.0])
    assert solved.frame()["undershoot_usd"].tolist() == pytest.approx([0.0, 0.0], abs=1e-9)


def test_winners_pay_all_that_they_can_before_the_fund_tops_up():
    for seed in range(5):
        round_ = make_round(seed, 4)
        u = round_.capacity_usd
        for needed in (0.4 * u, u, 1.3 * u):
            model = load_model("fund-top-up", multiples=[1.0], fund=2 * u, fee=0.01 * u, weight=0.1 * u)
            found = solve(model.program, round_, needed=needed)
            assert found.status is Status.OPTIMAL, found.message
            assert found.executed == pytest.approx(min(needed, u), rel=1e-7)
            assert found.fund_usd == pytest.approx(max(needed - u, 0.0), rel=1e-6, abs=1e-6 * u)


@pytest.mark.parametrize("engine", ["highs", "cvxpy"])
def test_the_cost_of_the_second_stage_on_a_grid_of_totals(engine):
    """No total on a fine grid, haircuts by water-filling, costs less than the optimum."""
    rng = np.random.default_rng(8)
    for seed in range(3):
        round_ = make_round(seed, 4)
        u = round_.capacity_usd
        fund, fee = (float(v) * u for v in rng.uniform([0.05, 0.0], [0.6, 0.02]))
        model = load_model("fund-top-up", fund=fund, fee=fee, lack=4.0, weight=0.2 * u)
        needed = float(rng.uniform(0.3, 1.1)) * u
        found = solve(model.program, round_, needed=needed, engine=engine)
        assert found.status is Status.OPTIMAL, found.message
        best = np.inf
        for h in np.linspace(0.0, 1.0, 400):
            costs = [
                min(
                    4.0 * (gap := max(m * needed - h * u, 0.0)),
                    fee + min(gap, fund) + 4.0 * max(gap - fund, 0.0),
                )
                + max(h * u - m * needed, 0.0)
                for m in (0.8, 1.0, 1.25)
            ]
            best = min(best, float(np.mean(costs)) + 0.2 * u * h)
        assert found.objective <= best * (1 + 1e-9)
        assert found.objective >= best - 0.02 * u
