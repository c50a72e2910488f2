"""Optima in contracts, and the price of the market structure: pool <= contracts, and both by enumeration."""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.minmax import reference_of
from adl_opt.cli.app import main
from adl_opt.datasets.book import invented_book
from adl_opt.datasets.store.folder import save_episode
from adl_opt.evaluate import structure
from adl_opt.evaluate.benchmarks import optimum_benchmark
from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram, Status, in_legs, solve
from adl_opt.programs.hindsight.joint import measured
from adl_opt.programs.hindsight.joint_contracts import Task
from adl_opt.rounds.flows import revealed
from tests.programs.test_contracts import whole_book
from tests.rounds.books import any_book, small_book


def priced_episode(*rounds):
    """Return an episode in contracts whose needed budgets are what the whole flow gives up."""
    pairs = [(replace(r, number=k), adl.Outcome(in_legs(r).flow_usd)) for k, r in enumerate(rounds, start=1)]
    return adl.Episode("books", "made up", pairs)


def listed_loss(round_, reference, *, cleared):
    """Return the least loss over whole lots, in contracts or in the pool, by listing all in fractions."""
    book = in_legs(round_)
    g = [Fraction(v) for v in book.cost.tolist()]
    needed = sum(Fraction(q) * c for q, c in zip(round_.flow.quantity.tolist(), g, strict=True))
    u, have = book.accounts.capacity.tolist(), round_.positions.lots.tolist()
    account, best = round_.positions.account.tolist(), None
    for lots in product(*(range(have[p] + 1) for p in book.legs.position.tolist())):
        by_row, x = [0] * len(g), [Fraction(0)] * len(u)
        for leg, count in enumerate(lots):
            by_row[book.legs.row[leg]] += count
            x[account[book.legs.position[leg]]] += count * g[book.legs.row[leg]]
        if any(a > Fraction(b) for a, b in zip(x, u, strict=True)):
            continue
        if cleared and any(
            a > Fraction(q) for a, q in zip(by_row, round_.flow.quantity.tolist(), strict=True)
        ):
            continue
        z = max((a / Fraction(b) for a, b in zip(x, u, strict=True) if b), default=Fraction(0))
        loss = abs(sum(x) - needed) + needed * abs(z - Fraction(reference))
        best = loss if best is None else min(best, loss)
    return float(best)


@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_in_contracts_is_that_of_listing_all_lots(seed):
    """Pool and contracts, both with the m* of the pool; the price of the structure is their difference."""
    round_ = whole_book(seed)
    made = adl.optimum(priced_episode(round_), ["pro-rata"], loss="base=capacity")
    reference = made.result.records[0].reference_burden
    row = made.structure_frame().set_index("domain").loc["whole-lots"]
    for side, cleared in (("pool", False), ("contracts", True)):
        least = listed_loss(round_, reference, cleared=cleared)
        size = max(in_legs(round_).flow_usd, 1.0)
        assert row[f"{side}_usd"] >= least - 1e-7 * size
        assert row[f"{side}_bound_usd"] <= least + 1e-7 * size
        assert row[f"{side}_usd"] == pytest.approx(least, rel=1e-6, abs=1e-7 * size)
    frame = made.benchmarks.frame()
    assert frame.loc["fractional-optimum", "bound_usd"] <= frame.loc["whole-lots-optimum", "objective_usd"]


def test_a_burden_that_no_solver_finds_is_not_known(monkeypatch):
    monkeypatch.setattr(structure, "solve", lambda *_, **__: SimpleNamespace(x=None))
    made = adl.optimum(priced_episode(whole_book(0)), ["pro-rata"]).structure_frame()
    assert made["contracts_burden"].isna().all()
    assert made["contracts_usd"].notna().all()


@pytest.mark.parametrize("part", range(6))
def test_the_pool_never_loses_more_than_contracts(part):
    """300 random books: several rows, hedge mode, inverse, isolated margin; bounds and plans of both."""
    for seed in range(50 * part, 50 * part + 50):
        round_ = any_book(seed)
        book, outcome = in_legs(round_), adl.Outcome(in_legs(round_).flow_usd)
        reference = reference_of(round_, outcome, "capacity", book.accounts.capacity)
        size = 1e-9 * max(book.flow_usd, 1.0)
        loss = adl.Loss(base="capacity")
        found = {}
        for cleared in (True, False):
            task = Task([(book, outcome)], [reference], loss, cleared=cleared)
            free = task.fractional()
            found[cleared] = free.loss, free.bound
        assert found[False][1] <= found[True][0] + size, seed
        assert found[False][1] <= found[True][1] + size, seed
        assert found[True][0] - found[True][1] <= 1e-6 * max(book.flow_usd, 1.0), seed


def test_no_policy_loses_less_than_the_optimum_of_its_domain_in_contracts():
    names = ["pro-rata", "min-max", "min-max-lots", "okx", "bitmex", "full-deficit", "model:min-max-lp"]
    names += ["model:tracking-lp", "constant(0.4)/integer-pro-rata"]
    losers = adl.Policy(
        severity=adl.make_severity("oracle"), allocation=adl.make_allocation("okx"), positive_pnl_only=False
    )
    made = adl.optimum(priced_episode(*map(any_book, range(6))), [*names, losers])
    frame = made.frame()
    assert frame.loc["okx (losers too)", "domain"] == "losers-too"
    kept = frame[frame["domain"] != "losers-too"]
    assert len(kept) == len(names)
    assert (kept["gap_to_optimum_usd"] >= -1e-6).all()
    data = made.to_json()
    assert data["space"] == "contracts"
    totals = {row["domain"]: row for row in data["market_structure"]["totals"]}
    assert totals["fractional"]["price_usd"] >= 0.0
    assert totals["fractional"]["price_burden"] >= 0.0
    assert "price of the market structure" in str(made)


@pytest.fixture(scope="module")
def october():
    """Rounds of October 10 in contracts: thin markets, and some that cannot be closed."""
    episode = adl.load("oct10").in_space("contracts")
    some = [pair for pair in episode if pair[0].number in (5, 9, 12)]
    names = ["pro-rata", "full-deficit/equity-pro-rata", "min-max-lots"]
    return adl.optimum(adl.Episode("some", "published and calibrated", some), names)


def test_the_plans_of_october_are_optimal(october):
    """Bound and plan meet, in the thinnest markets too; no policy of the domain is better than the plan."""
    best, frame = october.benchmarks.frame(), october.frame()
    needed = sum(r.needed for r in october.result.by_policy["pro-rata"])
    assert best.loc["fractional-optimum", "gap_usd"] <= 1e-9 * needed
    assert best.loc["depleting-optimum", "gap_usd"] <= 1e-9 * needed
    assert best.loc["whole-lots-optimum", "gap_usd"] <= 1e-6 * needed
    assert (frame["total_usd"] >= best.loc["whole-lots-optimum", "objective_usd"]).all()


def test_the_structure_of_october_costs_the_same_in_fine_lots(october):
    """The pool reaches its own m*; whole lots close as much as parts of lots, and bear as much."""
    frame = october.structure_frame().set_index(["domain", "round"])
    parts, lots = frame.loc["fractional"], frame.loc["whole-lots"]
    assert (parts["pool_usd"] <= 1e-6).all()
    assert (parts["price_usd"] == parts["contracts_usd"] - parts["pool_usd"]).all()
    assert lots["closed_usd"].tolist() == pytest.approx(parts["closed_usd"].tolist(), rel=1e-6)
    assert lots["contracts_burden"].tolist() == pytest.approx(parts["contracts_burden"].tolist(), rel=1e-3)


def test_coarse_lots_are_proven_by_levels():
    """Lots of a dollar where 40 are needed: the fractional bound is far off, that of the levels is not."""
    made = adl.optimum(invented_book(accounts=60, markets=3), ["pro-rata"], loss="base=capacity")
    best = made.benchmarks.frame()
    needed = made.result.records[0].needed
    whole = best.loc["whole-lots-optimum"]
    assert whole["objective_usd"] > best.loc["fractional-optimum", "objective_usd"] + 1e-3 * needed
    assert whole["gap_usd"] <= 1e-5 * needed


def test_an_optimum_takes_the_rounds_of_a_policy_that_loses_less():
    loss = adl.Loss(base="capacity")
    needed, executed, worst = np.array([4.0, 4.0]), np.array([4.0, 2.0]), np.array([0.5, 0.5])
    plan = measured("whole-lots-optimum", needed, executed, worst, [0.5, 0.5], loss, 0.0)
    made = adl.replay(priced_episode(any_book(1), any_book(2)), ["pro-rata"]).by_policy["pro-rata"]
    rows = [
        replace(row, needed=4.0, haircut=h, max_burden=0.5, reference_burden=0.5)
        for row, h in zip(made, (1.0, 3.5), strict=True)
    ]
    best = optimum_benchmark(plan, [rows], loss)
    assert (best.objective_usd, best.gap_usd) == (0.5, 0.5)


def test_a_position_that_is_closed_once_cannot_be_closed_again():
    """The same book twice: the flow takes three quarters of all positions in each round."""
    round_ = small_book(
        [10, 30], side="short", entry=110.0, mark=100.0, losers="long", quantity=30.0, bankruptcy=105.0
    )
    made = adl.optimum(priced_episode(round_, round_), ["pro-rata"], loss="fair=0").benchmarks.frame()
    assert made.loc["fractional-optimum", "objective_usd"] == pytest.approx(0.0, abs=1e-6)
    assert made.loc["depleting-optimum", "objective_usd"] == pytest.approx(100.0)  # 20 contracts of 5 USD
    assert made.loc["depleting-optimum", "bound_usd"] == pytest.approx(100.0)


def test_the_price_of_the_structure_of_two_markets():
    """All losers in one market, half of the winners in the other: the pool spreads, contracts cannot."""
    held = adl.Positions(
        account=[0, 1], market=["A", "B"], lots=[100, 100], side=["short"] * 2,
        entry=[110.0] * 2, mark=[100.0] * 2,
    )  # fmt: skip
    accounts = adl.Accounts(id=["a", "b"], pnl=held.pnl, equity=[2_000.0] * 2)
    flow = adl.Flow(
        market=["A", "B"], side=["long"] * 2, quantity=[40.0, 0.0], mark=[100.0] * 2, bankruptcy=[110.0] * 2
    )
    round_ = adl.Round(deficit=400.0, accounts=accounts, positions=held, flow=flow)
    made = adl.optimum(priced_episode(round_), ["min-max"], loss="base=capacity").structure_frame()
    for _, row in made.iterrows():
        assert (row["pool_burden"], row["contracts_burden"]) == pytest.approx((0.2, 0.4))
        assert (row["pool_usd"], row["contracts_usd"]) == pytest.approx((0.0, 80.0), abs=1e-6)


def test_what_fewer_payers_cost_is_of_the_pool():
    with pytest.raises(adl.InputError, match="does not serve rounds in contracts"):
        adl.optimum(priced_episode(any_book(1)), ["pro-rata"], accounts=2)
    assert adl.optimum(priced_episode(any_book(1)), ["pro-rata"], space="wealth").structure == []


def run(monkeypatch, capsys, *words):
    """Return exit code, output and error of a command."""
    monkeypatch.setattr(sys, "argv", ["adl-opt", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0, *capsys.readouterr()


def test_command_line(tmp_path, capsys, monkeypatch):
    folder = str(tmp_path / "books")
    round_ = small_book(
        [10, 30], side="short", entry=110.0, mark=100.0, losers="long", quantity=30.0, bankruptcy=105.0
    )
    save_episode(priced_episode(round_), folder)
    words = ["--space", "contracts", "--format", "json"]
    code, out, _ = run(monkeypatch, capsys, "solve", f"{folder}:1", "--model", "min-max-lots", *words)
    assert (code, json.loads(out)["space"]) == (0, "contracts")
    code, out, _ = run(monkeypatch, capsys, "optimum", folder, "--policy", "pro-rata", *words)
    totals = json.loads(out)["market_structure"]["totals"]
    assert (code, {row["domain"] for row in totals}) == (0, {"fractional", "whole-lots"})
    pool = str(tmp_path / "pool")
    bare = adl.Round(deficit=1.0, accounts=adl.Accounts(id=["a"], pnl=[4.0], equity=[8.0]))
    save_episode(adl.Episode("pool", "made up", [(bare, adl.Outcome(1.0))]), pool)
    code, _, error = run(monkeypatch, capsys, "solve", f"{pool}:1", "--model", "min-max-lp", *words)
    assert code == 2
    assert "not in contracts" in error
    code, _, error = run(monkeypatch, capsys, "solve", folder, "--model", "cumulative-fairness", *words)
    assert code == 2
    assert "does not serve rounds in contracts" in error


@pytest.mark.parametrize(("seed", "place"), [(1, 2), (2, 2), (4, 1), (5, 1)])
def test_cheap_contracts_by_the_million_have_a_proven_least_burden(seed, place):
    """A lot of one market is worth a millionth of a lot of another."""
    episode = adl.load(f"synthetic(accounts=60, rounds=4, space=contracts, seed={seed})")
    round_, outcome = episode.rounds[place]
    priced = in_legs(round_, revealed(round_, outcome))
    found = solve(RoundProgram(MaxBurden("capacity"), [ExactBudget()]), priced, needed=outcome.needed)
    assert found.status is Status.OPTIMAL, found.message
