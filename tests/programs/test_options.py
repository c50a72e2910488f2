"""Programs keep the options of a round, and no rule with the same options does better than their optimum."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.program import ProgramAllocation
from adl_opt.evaluate.check import check_allocation
from adl_opt.programs import (
    EpisodeProgram,
    ExactBudget,
    Lots,
    MaxBurden,
    RoundProgram,
    Solvency,
    in_legs,
    solve,
    solve_episode,
)
from adl_opt.programs.hindsight.joint_contracts import contract_optima
from tests.programs.test_contracts import burden_alone, listed, whole_book
from tests.rounds.books import small_book

RULES = ("pro-rata", "min-max", "min-max-lots", "hyperliquid-literal", "equity-pro-rata", "bitmex", "kucoin")


def having(round_, **columns):
    """The round with columns of its accounts, positions or flow."""
    made = {"accounts": round_.accounts, "positions": round_.positions, "flow": round_.flow}
    for name, table in [(n, t) for n, t in made.items() if t is not None]:
        own = {k: v for k, v in columns.items() if k in type(table).__dataclass_fields__}
        made[name] = replace(table, **own)
    return replace(round_, **made)


def hedged(rng, round_):
    """Number positions two by two within accounts."""
    hedge, number = np.zeros(len(round_.positions), dtype=int), 0
    for account in range(len(round_.accounts)):
        rows = np.flatnonzero(round_.positions.account == account)
        for pair in rows[: rows.size // 2 * 2].reshape(-1, 2):
            number += 1
            hedge[pair] = number
    tolerance = np.repeat(rng.choice([0.0, 0.34]), hedge.size)
    return having(round_, hedge=hedge, hedge_tolerance=tolerance)


OPTIONS = {
    "exempt": lambda rng, r: having(r, exempt=(rng.random(len(r.accounts)) < 0.4).astype(int)),
    "cap": lambda rng, r: having(r, cap=rng.integers(0, 9, len(r.accounts)).astype(float)),
    "cohort": lambda rng, r: having(
        r, cohort=["c"] * len(r.accounts), cohort_cap=[float(rng.integers(1, 15))] * len(r.accounts)
    ),
    "band": lambda rng, r: having(r, band=[0.025] * len(r.flow)),
    "least": lambda rng, r: having(r, min_quantity=rng.integers(0, 4, len(r.flow)).astype(float)),
    "hedge": hedged,
}


def kept_of(round_):
    """Return what the options of a round say of lots of legs and haircuts, in plain arithmetic."""
    held, flow, accounts, legs = round_.positions, round_.flow, round_.accounts, in_legs(round_).legs
    cap = None if accounts.cap is None else accounts.cap.tolist()
    least = np.zeros(len(flow)) if flow.min_quantity is None else flow.min_quantity

    def kept(lots, x):
        done = [0] * len(held)
        for leg, count in enumerate(lots):
            done[legs.position[leg]] += count
            if count and count < least[legs.row[leg]]:
                return False
        for p, number in enumerate(held.hedge.tolist()):
            for q in range(p):
                if number and held.account[p] == held.account[q] and number == held.hedge[q]:
                    apart = Fraction(done[p], int(held.lots[p])) - Fraction(done[q], int(held.lots[q]))
                    if abs(apart) > Fraction(held.hedge_tolerance[p]):
                        return False
        if cap is not None and any(a > b for a, b in zip(x, cap, strict=True)):
            return False
        return accounts.cohort_cap is None or sum(x) <= accounts.cohort_cap[0]

    return kept


@pytest.mark.parametrize("seed", range(7))
@pytest.mark.parametrize("name", OPTIONS)
def test_whole_lots_with_options_are_those_of_listing_them_all(name, seed):
    rng = np.random.default_rng(seed)
    round_ = OPTIONS[name](rng, whole_book(seed, hedged=True))
    needed = in_legs(round_).flow_usd
    found = solve(RoundProgram(MaxBurden(), [Solvency(), Lots()]), round_, needed=needed)
    z, taken = listed(round_, needed, burden_alone, kept=kept_of(round_))
    assert found.status == "optimal"
    assert found.certify().ok
    assert found.executed == pytest.approx(float(taken), abs=1e-9)
    assert found.objective == pytest.approx(float(z), rel=1e-9, abs=1e-12)
    check_allocation("program", round_, adl.solve(round_, needed, model="min-max-lots").allocation)


@pytest.mark.parametrize("seed", range(4))
def test_no_rule_of_the_same_options_does_better_in_contracts(seed):
    """Sub-accounts, exempt owners, caps and cohorts together, with parts of lots."""
    rng = np.random.default_rng(seed)
    name = f"synthetic(space=contracts, rounds=1, accounts=40, markets=3, seed={seed})"
    round_ = adl.load(name).rounds[0][0]
    n, two = len(round_.accounts), np.arange(len(round_.accounts)) // 2
    round_ = having(
        round_,
        exempt=(rng.random(n) < 0.2)[two].astype(int),
        owner=[f"o{k}" for k in two],
        cohort=[f"c{k % 4}" for k in two],
        cohort_cap=np.full(n, 0.2 * round_.capacity_usd),
        cap=0.6 * round_.accounts.capacity + 1.0,
    )
    asked = 0.3 * in_legs(round_).flow_usd
    best = adl.solve(round_, asked, model="min-max-lp")
    assert best.facts["status"] == "optimal"
    assert best.solution.certify().ok
    assert len(best.allocation.x) == n
    for rule in RULES:
        other = adl.solve(round_, asked, policy=rule).facts
        assert other["executed_usd"] <= best.facts["executed_usd"] + 0.01
        if other["executed_usd"] >= best.facts["executed_usd"] * (1 - 1e-9):
            assert best.facts["max_burden"] <= other["max_burden"] * (1 + 1e-7), rule


def in_dollars(seed):
    """A small round in wealth: up to three accounts with two positions each, lots of 1 to 4 USD."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 4))
    lots, value = rng.integers(1, 4, 2 * n), rng.integers(1, 5, 2 * n).astype(float)
    account = np.repeat(np.arange(n), 2)
    pnl = np.bincount(account, lots * value)
    held = adl.Positions(account=account, market=["A", "B"] * n, lots=lots, lot_value=value)
    accounts = adl.Accounts(id=[f"a{k}" for k in range(n)], pnl=pnl, equity=pnl + 10.0)
    return rng, adl.Round(deficit=1.0, accounts=accounts, positions=held)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["exempt", "cap", "cohort", "owner"])
def test_the_pool_keeps_options_as_listing_all_lots_does(name, seed):
    rng, round_ = in_dollars(seed)
    n = len(round_.accounts)
    if name == "owner":
        round_ = having(round_, owner=["o", "o", "p"][:n])
    else:
        round_ = OPTIONS[name](rng, round_)
    code = np.array([0, 0, 1])[:n] if name == "owner" else np.arange(n)
    held, accounts = round_.positions, round_.accounts
    cap = np.full(n, np.inf) if accounts.cap is None else accounts.cap
    cap = cap if accounts.exempt is None else np.where(accounts.exempt == 1, 0.0, cap)
    u = np.bincount(code, accounts.capacity)
    needed, best = 0.4 * round_.capacity_usd, None
    for lots in product(*(range(k + 1) for k in held.lots.tolist())):
        x = np.bincount(held.account, lots * held.lot_value, n)
        total = x.sum() if accounts.cohort_cap is None else min(x.sum(), accounts.cohort_cap[0])
        if total == x.sum() >= needed and np.all(x <= cap):
            z = max(Fraction(a) / Fraction(b) for a, b in zip(np.bincount(code, x), u, strict=True))
            best = z if best is None else min(best, z)
    found = solve(RoundProgram(MaxBurden(), [Solvency(), Lots()]), round_, needed=needed)
    if best is None:
        assert found.status == "infeasible"
        return
    assert found.status == "optimal"
    assert found.objective == pytest.approx(float(best), rel=1e-9)
    solved = adl.solve(round_, needed, model="min-max-lots")
    check_allocation("program", round_, solved.allocation)
    assert solved.facts["max_burden"] == pytest.approx(float(best), rel=1e-9)
    other = adl.solve(round_, needed, policy="min-max-lots").facts
    assert solved.facts["max_burden"] <= other["max_burden"] or other["executed_usd"] < needed


def test_answers_to_owners_are_split_on_sub_accounts_by_what_they_hold():
    """Two sub-accounts with 30 and 10 contracts close parts of lots in this proportion."""
    round_ = small_book([30, 10, 40], side="short", entry=120.0, mark=100.0, losers="long", quantity=10.0,
                        bankruptcy=105.0)  # fmt: skip
    round_ = having(round_, owner=["o", "o", "p"])
    solved = adl.solve(round_, 25.0, model="min-max-lp")
    assert solved.allocation.x == pytest.approx([9.375, 3.125, 12.5])
    assert solved.burdens == pytest.approx([12.5 / 800.0] * 3)


def test_a_closure_that_the_options_forbid_is_no_answer():
    round_ = small_book([30, 10], side="short", entry=120.0, mark=100.0, losers="long", quantity=10.0,
                        bankruptcy=105.0)  # fmt: skip
    free = adl.solve(round_, 25.0, model="min-max-lots").allocation
    shut = having(round_, exempt=[1, 0])
    with pytest.raises(adl.InputError, match="may not be closed"):
        adl.certify_point("min-max-lots", shut, free, needed=25.0)
    assert adl.solve(shut, 25.0, model="min-max-lots").allocation.lots.tolist() == [0, 5]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_engine_gives_one_optimum(name):
    for seed in range(2):
        round_ = OPTIONS[name](np.random.default_rng(seed), whole_book(seed, hedged=True))
        needed = 0.6 * in_legs(round_).flow_usd
        found = [
            solve(RoundProgram(MaxBurden(), [ExactBudget()]), round_, needed=needed, engine=engine)
            for engine in ("auto", "highs", "cvxpy")
        ]
        assert {answer.status.value for answer in found} == {"optimal"}
        assert [answer.objective for answer in found] == pytest.approx([found[0].objective] * 3, abs=1e-8)


def test_an_optimum_in_contracts_keeps_caps():
    """Two accounts of a cohort give up 50 USD at most, and the third one 60: 90 of 200 stay open."""
    round_ = small_book([30, 30, 40], side="short", entry=120.0, mark=100.0, losers="long", quantity=40.0,
                        bankruptcy=105.0)  # fmt: skip
    cohort = {"cohort": ["a", "a", "b"], "cohort_cap": [50.0, 50.0, 1e6]}
    for made, least in ((round_, 0.0), (having(round_, cap=[60.0] * 3, **cohort), 90.0)):
        pair = in_legs(made), adl.Outcome(200.0)
        for optimum in contract_optima([pair], [0.0], adl.Loss(fair=0.0, base="capacity"))[0]:
            assert optimum.objective_usd == pytest.approx(least, abs=1e-6)
            assert optimum.bound_usd == pytest.approx(least, abs=1e-6)


def test_a_program_of_an_episode_refuses_options():
    _, round_ = in_dollars(1)
    program = EpisodeProgram(RoundProgram(MaxBurden(), [ExactBudget()]))
    with pytest.raises(adl.InputError, match="does not keep the options"):
        solve_episode(program, [having(round_, cap=[1.0] * len(round_.accounts))], needed=[1.0])


def test_a_program_as_a_policy_keeps_caps_and_owners_by_itself():
    """Of 10 USD the first account gives 1, and the others share the rest by capacity."""
    accounts = adl.Accounts(id=list("abc"), pnl=[10.0, 10.0, 20.0], equity=[50.0] * 3, cap=[1.0, 99.0, 99.0])
    rule = ProgramAllocation(RoundProgram(MaxBurden(), [ExactBudget()]))
    round_ = adl.Round(deficit=10.0, accounts=accounts)
    assert rule.allocate(None, round_, 10.0).x == pytest.approx([1.0, 3.0, 6.0])
    owned = having(round_, owner=["o", "o", "p"])  # the least cap of its sub-accounts is that of an owner
    assert rule.allocate(None, owned, 10.0).x == pytest.approx([0.5, 0.5, 9.0])
    short = rule.allocate(None, having(owned, cap=[1.0, 1.0, 2.0]), 10.0)
    assert (short.executed, short.shortfall) == pytest.approx((3.0, 7.0))
