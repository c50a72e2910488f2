"""Every trap of the solvers that is known to have cost others days."""

from dataclasses import replace

import highspy
import numpy as np
import pytest

from adl_opt.errors import InputError, UsageError
from adl_opt.programs import (
    AccountsTouched,
    CVaR,
    ExactBudget,
    HaircutCap,
    Lots,
    MarketBalance,
    MaxAccounts,
    MaxBurden,
    MinTicket,
    Options,
    Overshoot,
    RoundProgram,
    Solvency,
    Status,
    TotalHaircut,
    Tracking,
    solve,
)
from adl_opt.programs.arrays.scaling import LARGEST_UNIT, money_unit
from adl_opt.programs.engines.cvxpy import solver as cvxpy_
from adl_opt.programs.engines.highs import direct
from adl_opt.programs.engines.highs import solver as highs
from adl_opt.programs.program import Case
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions
from tests.programs.cases import make_round


def hard_round(seed=0, n=60):
    rng = np.random.default_rng(seed)
    account = np.concatenate([np.arange(n), np.arange(n)])
    value, lots = rng.lognormal(3, 1, account.size), rng.integers(1, 6, account.size)
    u = np.bincount(account, weights=value * lots)
    positions = Positions(account=account, market=["a"] * n + ["b"] * n, lot_value=value, lots=lots)
    return Round(
        deficit=0.0,
        accounts=Accounts(id=[f"a{k}" for k in range(n)], pnl=u, equity=2 * u),
        positions=positions,
    )


HARD = RoundProgram(
    Overshoot() + 0.01 * TotalHaircut() + 10 * MaxBurden(), [Solvency(), MaxAccounts(12), Lots()]
)


def model_of(program, round_, needed):
    return Case(program, round_, needed, Options()).model()


@pytest.mark.parametrize("field", ["cost", "value", "col_upper", "row_lower"])
def test_nan_is_refused_before_highs_sees_it(field):
    round_ = make_round()
    model = model_of(RoundProgram(Tracking() + MaxBurden()), round_, 10.0)
    values = getattr(model, field).copy()
    values[0] = np.nan
    with pytest.raises(InputError, match=field):
        highs.run_highs(replace(model, **{field: values}), Options())


@pytest.mark.parametrize("needed", [float("nan"), float("inf"), -1.0, None, "5"])
def test_a_budget_that_is_none_is_refused(needed):
    with pytest.raises(InputError, match="needed"):
        solve(RoundProgram(Tracking()), make_round(), needed=needed)


def test_every_highs_status_is_known():
    known = {name for name in dir(highspy.HighsModelStatus) if name.startswith("k")}
    assert known == set(highs.VERDICTS)


def test_arrays_go_to_highs_in_its_own_types():
    model = model_of(RoundProgram(Tracking() + MaxBurden()), make_round(), 10.0)
    lp = highs.to_highs(model)
    assert np.asarray(lp.a_matrix_.start_).size == lp.num_col_ + 1
    assert np.asarray(lp.a_matrix_.index_).size == np.asarray(lp.a_matrix_.value_).size == model.value.size


def test_a_limit_with_an_incumbent_is_feasible_never_optimal():
    round_ = hard_round()
    needed = 0.15 * round_.capacity_usd
    answer = solve(HARD, round_, needed=needed, options={"node_limit": 1})
    assert answer.status is Status.FEASIBLE
    assert answer.gap > 0
    assert answer.bound < answer.objective
    assert answer.certify().ok
    assert not answer.duals


def test_a_limit_without_incumbent_has_no_numbers(monkeypatch):
    monkeypatch.setattr(direct, "mip_start", lambda *a: (np.empty(0, dtype=np.int64), np.empty(0)))
    round_ = hard_round()
    for engine in ("highs", "cvxpy"):
        answer = solve(
            HARD,
            round_,
            needed=0.15 * round_.capacity_usd,
            engine=engine,
            options={"time_limit_seconds": 0.0},
        )
        assert answer.status is Status.NO_SOLUTION, answer.message
        assert answer.x is None
        assert answer.lots is None
        assert np.isnan([answer.objective, answer.bound, answer.gap, answer.executed]).all()
        assert answer.certify().ok


def test_the_default_gap_of_highs_is_not_called_optimal():
    """Two accounts whose optima differ by 5e-5: HiGHS at its default gap may stop at either."""
    round_ = make_round(3, 5, positions=8)
    needed = 0.3 * round_.capacity_usd
    program = RoundProgram(1000 * MaxBurden() + Overshoot(), [Solvency(), MaxAccounts(4), Lots()])
    exact = solve(program, round_, needed=needed)
    assert exact.status is Status.OPTIMAL
    assert exact.gap <= 1e-8
    loose = solve(program, round_, needed=needed, options={"mip_gap": 0.5})
    assert loose.status is Status.OPTIMAL
    assert loose.allowed_gap == 0.5  # the word holds within the stated gap only
    assert replace(loose, gap=0.9, bound=0.1 * loose.objective, allowed_gap=1e-8).certify().checks["gap"]


def test_the_start_makes_highs_no_worse_than_the_heuristic():
    round_ = hard_round(1)
    needed = 0.1 * round_.capacity_usd
    program = RoundProgram(MaxBurden(), [Solvency(), Lots(), HaircutCap(0.999)])
    plain = solve(RoundProgram(MaxBurden(), [Solvency(), Lots()]), round_, needed=needed)
    assert plain.engine == "kernel:min-max-lots"
    started = solve(program, round_, needed=needed, engine="highs", options={"node_limit": 0})
    assert started.objective <= plain.objective * (1 + 1e-9)


def test_big_m_leaks_no_money():
    """One account of 1e8 USD beside small ones: with M = 1e8 for all, the tolerance lets 0.1 USD through."""
    u = np.array([1e8, 40.0, 30.0, 20.0])
    round_ = Round(deficit=0.0, accounts=Accounts(id=list("abcd"), pnl=u, equity=u))
    program = RoundProgram(TotalHaircut() + 1e4 * MaxBurden(), [Solvency(), MaxAccounts(1), MinTicket(35.0)])
    answer = solve(program, round_, needed=36.0, engine="highs")
    assert answer.status is Status.OPTIMAL
    assert np.count_nonzero(answer.x) == 1
    assert answer.executed == pytest.approx(36.0, abs=1e-9)
    counted = solve(RoundProgram(AccountsTouched(), [ExactBudget()]), round_, needed=89.99996)
    assert counted.objective == 1.0
    assert counted.certify().ok


def test_no_value_of_the_round_before():
    """The same compiled program, first solvable, then not, then with other data."""
    program = RoundProgram(Tracking() + MaxBurden("equity"), [HaircutCap(0.9), MinTicket(1.0)])
    calm, other = make_round(1, 4), make_round(2, 4)
    first = solve(program, calm, needed=0.2 * calm.capacity_usd, engine="cvxpy")
    assert first.status is Status.OPTIMAL
    exact = RoundProgram(MaxBurden(), [ExactBudget(), MinTicket(1.0)])
    assert solve(exact, calm, needed=0.5 * calm.capacity_usd, engine="cvxpy").status is Status.OPTIMAL
    refused = solve(exact, calm, needed=0.5, engine="cvxpy")
    assert refused.status is Status.INFEASIBLE
    assert refused.x is None
    second = solve(program, other, needed=0.2 * other.capacity_usd, engine="cvxpy")
    fresh = solve(
        RoundProgram(program.objective, program.subject_to[:2]), other, needed=0.2 * other.capacity_usd
    )
    assert second.objective == pytest.approx(fresh.objective, rel=1e-9)
    np.testing.assert_array_less(second.x, other.accounts.capacity + 1e-9)


def test_a_shape_is_compiled_once(monkeypatch):
    program = RoundProgram(Tracking() + MaxBurden("equity"))
    made = []
    original = cvxpy_.Compiled.__init__
    monkeypatch.setattr(cvxpy_.Compiled, "__init__", lambda self, *a: (made.append(1), original(self, *a))[1])
    round_ = make_round(1, 5)
    budgets = [100.0, 110.0, 130.0, 200.0]
    values = [solve(program, round_, needed=b, engine="cvxpy").objective for b in budgets]
    assert len(made) == 1
    direct_values = [solve(program, round_, needed=b, engine="highs").objective for b in budgets]
    assert values == pytest.approx(direct_values, rel=1e-8)


def test_positions_in_a_program_are_never_stale():
    program = RoundProgram(MaxBurden(), [Solvency(), Lots(), MaxAccounts(4)])
    for seed in (1, 2):
        round_ = make_round(seed, 4, positions=4)
        needed = 0.3 * round_.capacity_usd
        a, b = (solve(program, round_, needed=needed, engine=e).objective for e in ("cvxpy", "highs"))
        assert a == pytest.approx(b, rel=1e-9)


def test_a_solver_that_fails_is_an_error_not_an_exception(monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("'kUnknown' is not a status")

    monkeypatch.setattr(cvxpy_, "_by_clarabel", fail)
    program = RoundProgram(Tracking() + MaxBurden("equity"))
    answer = solve(program, make_round(), needed=5.0, engine="cvxpy:clarabel")
    assert answer.status is Status.ERROR
    assert "kUnknown" in answer.message
    assert np.isnan(answer.objective)
    other = solve(program, make_round(), needed=5.0, engine="cvxpy")  # the choice is ours: HiGHS instead
    assert (other.status, other.engine) == (Status.OPTIMAL, "cvxpy:highs")


def test_a_false_infeasible_is_not_believed(monkeypatch):
    """Clarabel's word for infeasible is taken only where it is proven."""
    monkeypatch.setattr(
        cvxpy_, "_by_clarabel", lambda *a: ("infeasible", None, None, None, "PrimalInfeasible")
    )
    program = RoundProgram(MaxBurden(), [ExactBudget()])
    answer = solve(program, make_round(), needed=5.0, engine="cvxpy:clarabel")
    assert answer.status is Status.NO_SOLUTION
    assert "cvxpy:clarabel finds no point (PrimalInfeasible), and no proof" in answer.message
    assert solve(program, make_round(), needed=5.0, engine="cvxpy").status is Status.OPTIMAL


@pytest.mark.parametrize("status", ["Unsolved", "CallbackTerminated", "MaxIterations"])
def test_inaccurate_statuses_are_not_believed(monkeypatch, status):
    class Answer:
        x, z = np.zeros(40), np.zeros(40)

    Answer.status = status
    real = cvxpy_._by_clarabel

    class Chain:
        def __init__(self, chain):
            self.chain = chain

        def solve_via_data(self, problem, data, **kwargs):
            answer = Answer()
            answer.x, answer.z = np.zeros(data["c"].size), np.zeros(data["b"].size)
            return answer

    monkeypatch.setattr(cvxpy_, "_by_clarabel", lambda data, chain, *rest: real(data, Chain(chain), *rest))
    program = RoundProgram(MaxBurden(), [ExactBudget()])
    answer = solve(program, make_round(), needed=5.0, engine="cvxpy:clarabel")
    assert answer.status is Status.ERROR
    assert answer.x is None


def test_solvers_are_named_and_capabilities_checked():
    round_ = make_round()
    lp = RoundProgram(Tracking() + 5 * MaxBurden())
    by = {s: solve(lp, round_, needed=9.0, engine=f"cvxpy:{s}") for s in ("highs", "clarabel")}
    assert {a.engine for a in by.values()} == {"cvxpy:highs", "cvxpy:clarabel"}
    assert by["highs"].objective == pytest.approx(by["clarabel"].objective, rel=1e-8)
    with pytest.raises(UsageError, match="clarabel does not take whole numbers"):
        solve(
            RoundProgram(AccountsTouched()),
            round_,
            needed=1.0,
            engine="cvxpy:clarabel",
        )


def test_unknown_names_are_refused_with_near_matches():
    round_ = make_round()
    with pytest.raises(UsageError, match="unknown option 'time_limit'") as error:
        solve(RoundProgram(Tracking()), round_, needed=1.0, options={"time_limit": 3})
    assert "did you mean time_limit_seconds" in str(error.value)
    with pytest.raises(UsageError, match="unknown engine 'gurobi'"):
        solve(RoundProgram(Tracking()), round_, needed=1.0, engine="gurobi")
    with pytest.raises(UsageError, match="no kernel"):
        solve(RoundProgram(Tracking()), round_, needed=1.0, engine="kernel")
    for bad in ({"mip_gap": -1.0}, {"node_limit": 1.5}, {"seed": True}, {"feasibility_tolerance": 0.1}):
        with pytest.raises(UsageError, match="out of range"):
            solve(RoundProgram(Tracking()), round_, needed=1.0, options=bad)


def test_a_cent_is_never_below_the_tolerance():
    for needed in (1.0, 1e3, 1e6, 1e9, 1e12):
        unit = money_unit(needed, np.array([needed]))
        assert unit <= LARGEST_UNIT
        assert 0.01 / unit > 2 * Options().feasibility_tolerance


def test_a_budget_of_a_billionth_of_a_lot():
    """HiGHS fails at its finest tolerance; at a coarser one it ends, and the answer is judged in cents."""
    u = np.array([0.87])
    accounts = Accounts(id=["a"], pnl=u, equity=[0.90777559])
    held = Positions(account=[0], market=["m"], lot_value=[0.87], lots=[1])
    round_ = Round(deficit=0.0, accounts=accounts, positions=held)
    program = RoundProgram(Tracking() + MaxBurden("equity"), [Solvency(), Lots()])
    answer = solve(program, round_, needed=8.7e-09, engine="highs")
    assert answer.status in (Status.OPTIMAL, Status.STATED), answer.message
    assert answer.lots.tolist() == [1]


def test_conflicts_are_named():
    round_ = make_round(3, 4, positions=4)
    u = round_.capacity_usd
    lack = solve(RoundProgram(MaxBurden(), [ExactBudget(), HaircutCap(0.5)]), round_, needed=0.6 * u)
    assert lack.status is Status.INFEASIBLE
    assert set(lack.conflict) == {"exact-budget", "haircut-cap"}
    assert f"{0.1 * u:,.2f} USD" in lack.message
    balance = [MarketBalance({"m0": 1e6}), Solvency(), HaircutCap(0.9)]
    assert "market-balance" in solve(RoundProgram(MaxBurden(), balance), round_, needed=1.0).conflict
    few = solve(
        RoundProgram(MaxBurden(), [ExactBudget(), MaxAccounts(1), HaircutCap(0.9)]), round_, needed=0.8 * u
    )
    assert few.status is Status.INFEASIBLE
    assert set(few.conflict) >= {"exact-budget", "max-accounts"}
    grid = solve(RoundProgram(MaxBurden(), [ExactBudget(), Lots(), HaircutCap(0.9)]), round_, needed=0.001)
    assert grid.status is Status.INFEASIBLE
    assert set(grid.conflict) == {"exact-budget", "lots"}
    cone = solve(RoundProgram(CVaR([1.0]) + MaxBurden(), [MinTicket(1e9), Solvency()]), round_, needed=1.0)
    assert cone.status is Status.INFEASIBLE
    assert set(cone.conflict) >= {"min-ticket", "solvency"}


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy"])
def test_a_shortfall_can_be_named_instead(engine):
    round_ = make_round(3, 4, positions=4)
    u = round_.capacity_usd
    rules = [Solvency(fund=0.1 * u, shortfall="named"), HaircutCap(0.5)]
    answer = solve(RoundProgram(MaxBurden(), rules), round_, needed=0.9 * u, engine=engine)
    assert answer.status is Status.OPTIMAL, answer.message
    assert answer.executed == pytest.approx(0.5 * u, rel=1e-8)
    assert answer.shortfall_usd == pytest.approx(0.3 * u, rel=1e-7)
    enough = solve(RoundProgram(MaxBurden(), rules), round_, needed=0.3 * u, engine=engine)
    assert enough.shortfall_usd == 0.0
    few = RoundProgram(MaxBurden(), [Solvency(shortfall="named"), MaxAccounts(1)])
    answer = solve(few, round_, needed=0.99 * u, engine=engine)
    assert answer.executed == pytest.approx(round_.accounts.capacity.max(), rel=1e-9)
