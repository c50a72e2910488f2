"""Kernel = HiGHS = cvxpy (Clarabel or HiGHS) = enumeration, on random small rounds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt
from adl_opt.programs import (
    ENGINES,
    ExactBudget,
    Lots,
    MaxAccounts,
    MaxBurden,
    Overshoot,
    RoundProgram,
    Solvency,
    Status,
    Tracking,
    solve,
)
from adl_opt.programs.engines.highs import direct
from adl_opt.programs.engines.kernels.kernel import find_kernel
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions
from tests.programs.cases import (
    convex_programs,
    enumerate_lots,
    linear_programs,
    make_round,
    whole_programs,
)

SHARES = (0.1, 0.3, 0.5, 0.7)


def answers(program, round_, needed):
    engines = ["cvxpy"]
    engines += ["highs"] if all(term.has_rows for term in program.terms) else []
    engines += ["kernel"] if find_kernel(program) else []
    return {engine: solve(program, round_, needed=needed, engine=engine) for engine in engines}


def agree(found, *others, tolerance=1e-9):
    for engine, answer in found.items():
        assert answer.status is Status.OPTIMAL, (engine, answer.status, answer.message)
        assert answer.certify().ok, (engine, answer.certify().failed)
        assert answer.bound <= answer.objective
    values = [a.objective for a in found.values()] + list(others)
    assert max(values) - min(values) <= tolerance * max(abs(v) for v in values), values


@pytest.mark.parametrize("seed", range(6))
def test_the_kernel_bounds_budget_and_accounts_honestly(seed):
    """Its bound of the overshoot is 0.  All engines on all families: tests/programs/test_battery.py."""
    round_ = make_round(seed, 4, positions=4 + seed % 3)
    needed = round(SHARES[seed % 4] * round_.capacity_usd, 2)
    program = whole_programs(round_, needed)["budget-and-accounts"]
    best = enumerate_lots(program, round_, needed)
    if best is None:
        return
    part = solve(program, round_, needed=needed, engine="kernel")
    assert part.bound <= best * (1 + 1e-9)
    assert best <= part.objective * (1 + 1e-9)
    assert part.certify().ok


def test_auto_says_which_engine():
    round_ = make_round(1, 4, positions=5)
    needed = 0.3 * round_.capacity_usd
    programs = (
        linear_programs(round_, needed) | convex_programs(round_, needed) | whole_programs(round_, needed)
    )
    engine = {name: solve(p, round_, needed=needed).engine for name, p in programs.items()}
    assert engine["min-max"] == "kernel:min-max"
    assert engine["queue"] == engine["risk"] == "kernel:queue"
    assert engine["tracking"] == engine["asymmetric"] == "kernel:tracking"
    assert engine["entropy-capped"] == "kernel:capped-pro-rata"
    assert engine["lots"] == "kernel:min-max-lots"
    assert engine["cardinality"] == "kernel:account-selection"
    assert engine["cvar"] == engine["fund"] == "highs"
    assert engine["entropy-mixed"] == "cvxpy:clarabel"


def one(u=10.0, equity=20.0):
    positions = Positions(account=[0], market=["m"], lot_value=[2.5], lots=[4])
    accounts = Accounts(id=["a"], pnl=[u], equity=[equity], leverage=[3.0])
    return Round(deficit=1.0, accounts=accounts, positions=positions)


@pytest.mark.parametrize("engine", ["highs", "cvxpy"])
def test_one_account(engine):
    for name, program in linear_programs(one(), 5.0).items():
        if name != "cumulative":
            answer = solve(program, one(), needed=5.0, engine=engine)
            assert answer.status is Status.OPTIMAL, (name, answer.message)


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "kernel"])
def test_empty_round(engine):
    empty = Round(deficit=0.0, accounts=Accounts(id=[], pnl=[], equity=[], leverage=[]))
    answer = solve(RoundProgram(Tracking() + MaxBurden()), empty, needed=0.0, engine=engine)
    assert answer.status is Status.OPTIMAL
    assert answer.x.shape == (0,)
    assert answer.objective == 0.0
    refused = solve(RoundProgram(MaxBurden(), [Solvency()]), empty, needed=7.0, engine=engine)
    assert refused.status is Status.INFEASIBLE
    assert "7.00 USD" in refused.message


@pytest.mark.parametrize("engine", ["kernel", "highs", "cvxpy"])
def test_nothing_needed(engine):
    round_ = make_round(3)
    for program in (
        RoundProgram(MaxBurden(), [ExactBudget()]),
        RoundProgram(Tracking() + MaxBurden("equity")),
    ):
        answer = solve(program, round_, needed=0.0, engine=engine)
        assert answer.status is Status.OPTIMAL, (answer.message, answer.gap)
        assert answer.executed == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("engine", ["kernel", "highs", "cvxpy"])
@pytest.mark.parametrize("size", [1e-3, 1e6, 1e10])
def test_scale_of_money(engine, size):
    """The largest case is a capacity of about 1e12 USD; a cent is still a cent there."""
    small = make_round(5, 6)
    accounts = Accounts(
        id=small.accounts.id, pnl=small.accounts.pnl * size, equity=small.accounts.equity * size
    )
    round_ = Round(deficit=0.0, accounts=accounts)
    needed = 0.3 * round_.capacity_usd
    answer = solve(RoundProgram(MaxBurden(), [ExactBudget()]), round_, needed=needed, engine=engine)
    assert answer.status is Status.OPTIMAL, (answer.message, answer.certify())
    assert answer.objective == pytest.approx(0.3, rel=1e-9)
    assert abs(answer.executed - needed) < 0.005


@pytest.mark.parametrize("engine", ["kernel", "highs", "cvxpy"])
def test_everybody_in_full(engine):
    round_ = make_round(7, 5)
    answer = solve(
        RoundProgram(MaxBurden("equity"), [Solvency()]), round_, needed=round_.capacity_usd, engine=engine
    )
    assert answer.status is Status.OPTIMAL, answer.message
    np.testing.assert_allclose(answer.x, round_.accounts.capacity, rtol=1e-8)


def test_dust_is_set_aside():
    u = np.array([1e9, 2e9, 1e-3, 0.0])
    round_ = Round(deficit=0.0, accounts=Accounts(id=list("abcd"), pnl=u, equity=u))
    program = RoundProgram(MaxBurden(), [ExactBudget()])
    direct = solve(program, round_, needed=1e9, engine="highs")
    assert direct.status is Status.OPTIMAL
    assert direct.x[2] == direct.x[3] == 0.0
    assert direct.objective == pytest.approx(solve(program, round_, needed=1e9).objective, rel=1e-9)


@given(seed=st.integers(0, 10_000), factor=st.sampled_from([2.0**-6, 2.0**7]))
@settings(max_examples=15, deadline=None)
def test_order_and_scale_do_not_matter(seed, factor):
    round_ = make_round(seed, 5)
    needed = 0.4 * round_.capacity_usd
    program = RoundProgram(Tracking() + (0.2 * round_.capacity_usd) * MaxBurden("equity"))
    base = solve(program, round_, needed=needed, engine="highs")
    turned = np.random.default_rng(seed).permutation(5)
    mixed = Round(deficit=round_.deficit, accounts=round_.accounts.take(turned))
    assert solve(program, mixed, needed=needed, engine="highs").objective == pytest.approx(
        base.objective, rel=1e-9
    )
    a = round_.accounts
    larger = Round(deficit=0.0, accounts=Accounts(id=a.id, pnl=a.pnl * factor, equity=a.equity * factor))
    scaled = RoundProgram(Tracking() + (0.2 * larger.capacity_usd) * MaxBurden("equity"))
    answer = solve(scaled, larger, needed=needed * factor, engine="highs")
    assert answer.objective == pytest.approx(base.objective * factor, rel=1e-9)


@pytest.mark.parametrize("kind", ["budget-and-accounts", "ticket"])
def test_same_input_same_bits(kind):
    round_ = make_round(11, 5, positions=7)
    needed = 0.3 * round_.capacity_usd
    first, second = (solve(whole_programs(round_, needed)[kind], round_, needed=needed) for _ in range(2))
    assert first.x.tobytes() == second.x.tobytes()
    assert first.objective == second.objective


@pytest.mark.parametrize("seed", range(8))
def test_leaving_useless_accounts_out_does_not_move_the_optimum(seed, monkeypatch):
    round_ = make_round(seed, 5, positions=6)
    needed = 0.15 * round_.capacity_usd
    program = RoundProgram(Overshoot() + 50 * MaxBurden(), [Solvency(), MaxAccounts(2), Lots()])
    left = []
    original = direct.useless_accounts
    monkeypatch.setattr(direct, "useless_accounts", lambda *a: (left.append(original(*a)), left[-1])[1])
    short = solve(program, round_, needed=needed, engine="highs")
    monkeypatch.setattr(direct, "useless_accounts", lambda *a: np.zeros(5, dtype=bool))
    full = solve(program, round_, needed=needed, engine="highs")
    assert short.objective == pytest.approx(full.objective, rel=1e-9)
    assert short.objective == pytest.approx(enumerate_lots(program, round_, needed), rel=1e-9)


def test_highs_has_one_caller():
    """One module opens HiGHS, so that its options and its threads are decided in one place."""
    package = Path(adl_opt.__path__[0])
    callers = [path for path in package.rglob("*.py") if "_Highs()" in path.read_text(encoding="utf-8")]
    assert [path.relative_to(package).as_posix() for path in callers] == ["programs/engines/highs/session.py"]
