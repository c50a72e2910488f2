"""INFEASIBLE rests on a proof, and the conflict that is named is the smallest; nothing false is called so."""

from __future__ import annotations

import copy
import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

import adl_opt as adl
from adl_opt.catalogue import load_model
from adl_opt.programs import (
    ConstraintTerm,
    CumulativeBurden,
    CVaR,
    Depletion,
    Entropy,
    EpisodeProgram,
    ExactBudget,
    HaircutCap,
    Lots,
    MaxAccounts,
    MaxBurden,
    MinTicket,
    ObjectiveTerm,
    RoundProgram,
    Solvency,
    Status,
    solve,
    solve_episode,
)
from adl_opt.proofs import check as checker
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions
from tests.programs.cases import make_round
from tests.programs.small_rounds import draw, feasible
from tests.proofs.test_check import changes, refused

ENGINES = ("auto", "highs", "cvxpy")
MIN_MAX_LOTS = RoundProgram(MaxBurden(), [Solvency(), Lots()])


def lots_round(value, lots):
    u = np.multiply(value, lots)
    accounts = Accounts(id=[f"a{k}" for k in range(len(value))], pnl=u, equity=3 * u)
    held = Positions(account=np.arange(len(value)), market=["m"] * len(value), lot_value=value, lots=lots)
    return Round(deficit=0.0, accounts=accounts, positions=held)


def money_round(u, leverage=None, equity=None):
    ids = [f"a{k}" for k in range(len(u))]
    equity = u if equity is None else equity
    return Round(deficit=0.0, accounts=Accounts(id=ids, pnl=u, equity=equity, capacity=u, leverage=leverage))


def judge(answer):
    """Assert that an infeasible answer is proven: all terms, the conflict, and each way out of it."""
    assert answer.status is Status.INFEASIBLE, answer.message
    proof, report = answer.proof, answer.certify()
    assert report.ok, report.why()
    assert proof.check() == proof.conflict.check() == "nothing is feasible"
    assert set(proof.without) == set(answer.conflict)
    for point in proof.without.values():
        assert point.check().endswith(" and 0.0")


@pytest.mark.parametrize("first", range(0, 120, 40))
def test_no_answer_is_falsely_infeasible_and_none_unproven(first):
    told = Counter()
    for seed in range(first, first + 40):
        program, round_, needed = draw(seed, whole=seed % 2 == 0)
        for engine in ("auto", "cvxpy" if seed % 8 == 0 else "highs"):
            answer = solve(program, round_, needed=needed, engine=engine)
            told[answer.status] += 1
            assert answer.status not in (Status.NO_SOLUTION, Status.ERROR), (seed, engine, answer.message)
            if answer.status is Status.INFEASIBLE:
                assert not feasible(program, round_, needed), (seed, engine)
                judge(answer)
    assert told[Status.INFEASIBLE] > 10
    assert told[Status.OPTIMAL] > 10


@pytest.mark.parametrize(("value", "lots"), [(1.0, 10**9), (0.001, 10**12), (0.001, 10**14), (1.0, 10**14)])
@pytest.mark.parametrize("share", [0.2, 0.3])
def test_many_lots_are_not_infeasible(value, lots, share):
    round_ = lots_round([value, value], [lots, lots])
    answer = solve(MIN_MAX_LOTS, round_, needed=share * round_.capacity_usd)
    assert answer.status is Status.OPTIMAL, answer.message
    assert answer.objective == pytest.approx(share, rel=1e-9)
    for engine in ("kernel", "highs", "cvxpy"):
        other = solve(MIN_MAX_LOTS, round_, needed=share * round_.capacity_usd, engine=engine)
        assert other.status is not Status.INFEASIBLE, engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ratio", [1e8, 1e11, 1e12])
def test_a_budget_that_is_small_beside_the_capacity_is_not_infeasible(engine, ratio):
    for value in ([1e6, 0.5], [3.0, 0.07], [1.0, 1.0]):
        round_ = lots_round(value, [int(1e6), 100])
        answer = solve(MIN_MAX_LOTS, round_, needed=round_.capacity_usd / ratio, engine=engine)
        assert answer.status is not Status.INFEASIBLE, (value, answer.message)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_of_the_objective_count(engine):
    """Who has no leverage has no risk and pays nothing: the other one has 100 of the 150 USD."""
    model = load_model("risk-aware-pro-rata").program
    answer = solve(model, money_round([100.0, 100.0], [1.0, 0.0]), needed=150.0, engine=engine)
    judge(answer)
    assert answer.conflict == ("risk-burden", "exact-budget", "positive-pnl")
    assert "shortfall of 50.00 USD" in answer.message
    capped = solve(model, money_round([100.0, 100.0], [1.0, 0.0]), needed=95.0, engine=engine)
    judge(capped)
    assert capped.conflict == ("risk-burden", "exact-budget", "haircut-cap")
    assert "shortfall of 5.00 USD" in capped.message


@pytest.mark.parametrize("engine", ENGINES)
def test_nobody_without_equity_pays_under_a_burden_on_equity(engine):
    program = RoundProgram(MaxBurden("equity"), [ExactBudget()])
    none, one = money_round([100.0, 100.0], equity=[0.0, 0.0]), money_round([100.0, 50.0], equity=[0.0, 9.0])
    judge(refusal := solve(program, none, needed=5.0, engine=engine))
    assert refusal.conflict == ("max-burden", "exact-budget")
    assert "shortfall of 5.00 USD" in refusal.message
    paid = solve(program, one, needed=5.0, engine=engine)
    assert paid.status is Status.OPTIMAL, paid.message
    assert paid.x == pytest.approx([0.0, 5.0], abs=1e-6)
    judge(solve(program, one, needed=51.0, engine=engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_round_without_accounts(engine):
    program, nobody = RoundProgram(MaxBurden(), [Solvency(fund=1.0)]), money_round([])
    assert solve(program, nobody, needed=1.0, engine=engine).status is Status.OPTIMAL
    judge(answer := solve(program, nobody, needed=2.0, engine=engine))
    assert answer.conflict == ("solvency",)
    assert "there is no account to pay, fund 1.00 USD" in answer.message


@pytest.mark.parametrize("usd", [1e-6, 1.0, 1e6, 1e12])
def test_a_lack_of_capacity_is_proven_and_named_in_usd(usd):
    round_ = money_round([30.0 * usd, 70.0 * usd])
    for rules, needed, names in (
        ([ExactBudget()], 100.5, ("exact-budget", "positive-pnl")),
        ([Solvency(fund=5.0 * usd), HaircutCap(0.5)], 56.0, ("solvency", "haircut-cap")),
        ([Solvency(), HaircutCap(0.5)], 101.0, ("solvency", "positive-pnl")),
        ([HaircutCap(0.9), Solvency(), CumulativeBurden(1.0, base={"a0": 90 * usd, "a1": 20 * usd})], 55.0,
         ("solvency", "cumulative-burden", "positive-pnl")),
    ):  # fmt: skip
        answer = solve(RoundProgram(MaxBurden(), rules), round_, needed=needed * usd)
        judge(answer)
        assert answer.engine == "capacity"
        assert answer.conflict == names
        assert answer.message.startswith("capacity shortfall of ")


def test_decimals_that_no_float_holds_are_not_infeasible():
    """0.1 + 0.2 is not 0.3 in floats."""
    round_ = lots_round([0.1, 0.2], [1, 1])
    program = RoundProgram(MaxBurden(), [ExactBudget(), Lots()])
    for engine in ENGINES:
        assert solve(program, round_, needed=0.3, engine=engine).status is Status.OPTIMAL
        judge(solve(program, round_, needed=0.25, engine=engine))


def test_terms_of_whole_numbers():
    round_ = make_round(3, 4, positions=4)
    u = round_.capacity_usd
    few = [ExactBudget(), MaxAccounts(1), HaircutCap(0.99)]
    judge(answer := solve(RoundProgram(MaxBurden(), few), round_, needed=0.9 * u))
    assert answer.conflict == ("exact-budget", "max-accounts", "positive-pnl")
    most = round_.accounts.capacity.max()
    assert f"shortfall of {0.9 * u - most:,.2f} USD" in answer.message
    trifle = [ExactBudget(), MaxAccounts(3), MinTicket(2.0)]
    judge(answer := solve(RoundProgram(MaxBurden(), trifle), round_, needed=1.5))
    assert answer.conflict == ("exact-budget", "min-ticket")
    assert "exact-budget asks for 1.50 USD" in answer.message


def test_rounds_of_many_accounts():
    u = np.random.default_rng(0).lognormal(5.0, 2.0, 800)
    for rules, needed in (
        ([ExactBudget(), MaxAccounts(50), MinTicket(100.0)], 99.0),
        ([ExactBudget(), MaxAccounts(50), MinTicket(100.0)], 0.9 * u.sum()),
        ([Solvency(), MinTicket(2 * u.max())], 1.0),
    ):
        answer = solve(RoundProgram(MaxBurden(), rules), money_round(u), needed=needed)
        assert answer.engine == "reach"
        judge(answer)


def test_smooth_terms_leave_the_proof_to_the_linear_ones():
    answer = solve(RoundProgram(Entropy(), [ExactBudget(), HaircutCap(0.5)]), make_round(), needed=1e6)
    judge(answer)
    rules = [ExactBudget(), HaircutCap(0.5), Solvency(name="more", target=90.0)]
    judge(solve(RoundProgram(Entropy(), rules), make_round(), needed=50.0, engine="cvxpy"))


@dataclass(frozen=True, eq=False)
class Subspace(ConstraintTerm):
    """x = F t, t without bounds: haircuts follow some factors."""

    factors: Any
    name: str = field(default="subspace", kw_only=True)

    def violation(self, point, round_):
        t = np.linalg.lstsq(self.factors, point.x, rcond=None)[0]
        return float(np.max(np.abs(self.factors @ t - point.x), initial=0.0))

    def rows(self, builder):
        n, k = self.factors.shape
        t, each = builder.columns("subspace:t", k, -np.inf, np.inf, unit=builder.unit), np.arange(n)
        entries = [(each, t[j], -self.factors[:, j]) for j in range(k)]
        builder.rows("span", n, 0.0, 0.0, [(each, builder.x, 1.0), *entries])


@pytest.mark.parametrize("seed", range(20))
def test_columns_without_bounds_have_prices_in_fractions(seed):
    rng = np.random.default_rng(seed)
    u = np.round(rng.lognormal(3.0, 2.0, int(rng.integers(3, 10))), 2) + 0.01
    away = np.ones(u.size) - 2 * (np.arange(u.size) == 0)  # one factor moves the first account apart
    factors = away[:, None] * rng.uniform(0.1, 1.0, (u.size, 1))
    rules, needed = [ExactBudget(), Subspace(factors)], 0.5 * u.sum()
    answer = solve(RoundProgram(CVaR([needed, u.sum()], alpha=0.5), rules), money_round(u), needed=needed)
    judge(answer)
    assert {"exact-budget", "subspace"} <= set(answer.conflict)


@dataclass(frozen=True, eq=False)
class FirstShare(ConstraintTerm):
    """x_0 <= share H, for cvxpy alone."""

    share: float
    name: str = field(default="first-share", kw_only=True)

    def violation(self, point, round_):
        return max(float(point.x[0] - self.share * point.executed), 0.0)

    def expression(self, symbols):
        return [symbols.x[0] <= self.share * symbols.total]


@pytest.mark.parametrize("engine", ["auto", "cvxpy"])
def test_linear_terms_for_cvxpy_alone(engine):
    round_ = money_round([100.0, 50.0, 3.0])
    judge(answer := solve(RoundProgram(MaxBurden(), [ExactBudget(), FirstShare(0.1)]), round_, needed=70.0))
    assert answer.conflict == ("exact-budget", "first-share", "positive-pnl")
    lots = [ExactBudget(), FirstShare(0.1), Lots()]
    judge(solve(RoundProgram(MaxBurden(), lots), lots_round([3.0, 2.0], [3, 3]), needed=7.0, engine=engine))


def test_what_is_not_proven_is_not_infeasible(monkeypatch):
    monkeypatch.setattr("adl_opt.programs.solving.explained", lambda case: None)
    program = RoundProgram(MaxBurden(), [ExactBudget(), Lots()])
    for engine in ENGINES:
        answer = solve(program, lots_round([3.0, 4.0], [2, 2]), needed=5.0, engine=engine)
        assert answer.status is Status.NO_SOLUTION
        assert "no proof was found" in answer.message


def test_a_time_limit_holds_for_the_proof_too():
    rng = np.random.default_rng(3)
    round_ = lots_round(np.round(rng.uniform(1.0, 9.0, 40), 2), rng.integers(50, 99, 40))
    program = RoundProgram(MaxBurden(), [ExactBudget(), Lots(), HaircutCap(0.9)])
    began = time.monotonic()
    answer = solve(program, round_, needed=1234.567, options={"time_limit_seconds": 1.0})
    assert time.monotonic() - began < 10.0
    assert answer.status in (Status.NO_SOLUTION, Status.INFEASIBLE)


@dataclass(frozen=True, eq=False)
class Follower(ObjectiveTerm):
    """A term that cannot stand without another one."""

    name: str = field(default="follower", kw_only=True)

    def value(self, point, round_):
        return 0.0

    def rows(self, builder):
        return builder.block("fund"), 0.0


def test_a_term_that_needs_another_one_breaks_nothing():
    rules = [MaxAccounts(1), Solvency(fund=1.0), HaircutCap(0.5), CumulativeBurden(0.9, base={"a0": 1.0})]
    program = RoundProgram(Follower() + MaxBurden("equity"), rules)
    judge(answer := solve(program, money_round([10.0, 20.0], equity=[9.0, 0.0]), needed=3.0))
    assert answer.conflict == ("max-burden", "solvency", "cumulative-burden")


def test_the_certificate_refuses_an_infeasible_answer_without_a_proof():
    answer = solve(RoundProgram(MaxBurden(), [ExactBudget()]), make_round(), needed=1e6)
    assert replace(answer, proof=None).certify().failed == ("proof",)
    feasible_terms = replace(answer.proof, conflict=answer.proof.without["exact-budget"])
    assert "conflict" in replace(answer, proof=feasible_terms).certify().failed
    off = answer.proof.without["positive-pnl"]
    wrong = replace(answer.proof, without={"positive-pnl": replace(off, v=0.5 * off.v)})
    assert "without:positive-pnl" in replace(answer, proof=wrong).certify().failed


@pytest.mark.parametrize("seed", range(12))
def test_episodes(seed):
    rng = np.random.default_rng(seed)
    rounds = [make_round(3 * seed + t, 1 + t, positions=1 + t, spread=2.0) for t in range(3)]
    rules = [ExactBudget(), *([Lots()] if seed % 3 == 0 else [HaircutCap(0.6)])]
    links = [CumulativeBurden(0.5, name="over-time"), Depletion()][seed % 2 :]
    program = EpisodeProgram(RoundProgram(MaxBurden("equity"), rules), links)
    needed = [round(float(rng.choice([0.1, 0.3, 0.65])) * r.capacity_usd, 2) for r in rounds]
    answer = solve_episode(program, rounds, needed=needed)
    if answer.status is Status.INFEASIBLE:
        judge(answer)
        assert "exact-budget" in answer.conflict
    else:
        assert answer.status is Status.OPTIMAL
    judge(lack := solve_episode(program, rounds, needed=[2 * r.capacity_usd for r in rounds]))
    assert "USD are lacking" in lack.message


def raised(problem, n):
    """Yield whether the budget is raised by each set of accounts that may pay."""
    budget, ticket = checker.number(problem["budget"]), checker.number(problem["ticket"])
    for who in product((False, True), repeat=n):
        pay = [
            checker.number(a["capacity"]) for a, does in zip(problem["accounts"], who, strict=True) if does
        ]
        allowed = len(pay) <= problem["accounts_at_most"] and all(most >= ticket for most in pay)
        yield allowed and sum(pay) >= budget and not (problem["exact"] and ticket * len(pay) > budget)


def test_files_of_the_proof(tmp_path):
    table, file = tmp_path / "accounts.csv", tmp_path / "proof.json"
    table.write_text("id,pnl,equity,leverage\na,100,100,1\nb,100,100,0\n")
    with pytest.raises(adl.SolverError, match="exact-budget") as caught:
        adl.solve(table, 150.0, model="risk-aware-pro-rata", proof=file)
    names = caught.value.proof.without
    ends = ["", "-conflict", *(f"-without-{name}" for name in names)]
    assert {f"proof{end}.json" for end in ends} == {path.name for path in tmp_path.glob("*.json")}
    for path in tmp_path.glob("*.json"):
        checker.check(json.loads(path.read_text()))
    assert json.loads(file.read_text())["claim"] == {"status": "infeasible"}


def empty(document):
    """Say whether nothing is feasible in a document: HiGHS up to its tolerance, or every set of payers."""
    problem = document["problem"]
    if problem["kind"] == "min-max":
        return not any(raised(problem, len(problem["accounts"])))

    def end(text):
        return float(text) if "inf" in text else float(checker.number(text))

    columns, rows = problem["columns"], problem["rows"]
    matrix = np.zeros((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, value in row["entries"]:
            matrix[i, j] += end(value)
    sides = [LinearConstraint(matrix, [end(r["low"]) for r in rows], [end(r["high"]) for r in rows])]
    box = Bounds([end(c["low"]) for c in columns], [end(c["high"]) for c in columns])
    whole = [int(bool(c.get("whole"))) for c in columns]
    return milp(np.zeros(len(columns)), constraints=sides, bounds=box, integrality=whole).status != 0


def test_planted_faults_are_refused_or_the_claim_stays_true():
    rng, tried, accepted = np.random.default_rng(5), 0, 0
    lotted = lots_round([0.7, 0.3], [1, 2])
    for rules, round_, needed in (
        ([ExactBudget(), HaircutCap(0.5)], money_round([30.0, 70.0]), 60.0),
        ([ExactBudget(), MinTicket(20.0)], money_round([30.0, 70.0]), 10.0),
        ([ExactBudget(), Lots()], lotted, 0.5),
    ):
        answer = solve(RoundProgram(MaxBurden(), rules), round_, needed=needed)
        judge(answer)
        for made in (answer.proof.document(), answer.proof.conflict.document()):
            for where, other in changes(made, rng):
                tried += 1
                if not refused(other):
                    accepted += 1
                    assert empty(other), (rules, where)
    assert 0 < accepted < tried
    assert tried > 500
    made = copy.deepcopy(answer.proof.document())
    made["claim"] = {"status": "bounded", "bound": "1000000"}  # of nothing, any bound is true
    made["sha256"] = checker.digest(made)
    assert math.isfinite(float(checker.number(made["claim"]["bound"])))
    assert not refused(made)
