"""The three faces of every term, the algebra, and what is refused when a program is built."""

import subprocess
import sys
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import pytest

from adl_opt.errors import InputError, UsageError
from adl_opt.programs import (
    AccountsTouched,
    ConstraintTerm,
    CumulativeBurden,
    CVaR,
    Entropy,
    ExactBudget,
    FundDraw,
    HaircutCap,
    Lots,
    MarketBalance,
    MaxAccounts,
    MaxBurden,
    MinTicket,
    ObjectiveTerm,
    Overshoot,
    Point,
    PositivePnl,
    RiskWeighted,
    RoundProgram,
    Solvency,
    Status,
    TotalHaircut,
    Tracking,
    Undershoot,
    WorstLoss,
    solve,
)
from adl_opt.programs.engines.cvxpy.solver import Symbols
from adl_opt.programs.terms.grid import paid_by_lots
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts
from tests.programs.cases import make_round

GOALS = [
    Overshoot(), Undershoot(), Tracking(), MaxBurden(), MaxBurden("equity"), TotalHaircut(), RiskWeighted(),
    RiskWeighted(weights=[1.0, -2.0, 3.0, 0.0, 5.0]), Entropy(), AccountsTouched(), FundDraw(),
    WorstLoss([0.5, 1.5], under=2.0, relative=True), CVaR([0.4, 1.1], alpha=0.6, relative=True),
    CVaR([10.0, 50.0, 90.0], alpha=0.4), CVaR([1.0, 400.0], [0.3, 0.7], alpha=0.0),
]  # fmt: skip
RULES = [
    Solvency(), Solvency(fund=3.0), PositivePnl(), ExactBudget(), HaircutCap(0.5), Lots(), MaxAccounts(2),
    MinTicket(4.0), MarketBalance(), MarketBalance({"m0": 3.0}, ">="), CumulativeBurden(0.6, {"a0": 2.0}),
]  # fmt: skip


def random_point(round_, rng):
    """Lots, the haircuts that follow, and values for every variable of the cvxpy face."""
    positions, n = round_.positions, len(round_.accounts)
    lots = rng.integers(0, positions.lots + 1)
    x = np.minimum(paid_by_lots(positions, lots, n), round_.accounts.capacity)
    return Point(x=x, needed=float(rng.uniform(0, 1.2) * x.sum()), lots=lots, fund=float(rng.uniform(0, 5)))


def placed(term, point, round_):
    symbols = Symbols(round_)
    symbols.declare(term, term.parameters(round_, point.needed))
    face = term.expression(symbols)
    symbols.capacity.value, symbols.needed.value = round_.accounts.capacity, point.needed
    for key, value in term.parameters(round_, point.needed).items():
        symbols.of(term)[key].value = np.asarray(value, dtype=float)
    symbols.h.value = np.clip(point.x / round_.accounts.capacity, 0, 1)
    own = symbols._single
    for name, value in (
        ("fund", point.fund),
        ("pays", (point.x > 0) * 1.0),
        ("lots", point.lots),
        ("whole", point.lots),
    ):
        if name in own:
            own[name].value = value
    return face, symbols


@pytest.mark.parametrize("term", GOALS, ids=lambda t: t.name)
def test_cvxpy_value_equals_numpy_value(term):
    rng = np.random.default_rng(0)
    round_ = make_round(2, 5, positions=7)
    for _ in range(10):
        point = random_point(round_, rng)
        face, symbols = placed(term, point, round_)
        if symbols._variables:  # an inner minimum: let cvxpy find it
            (inner,) = symbols._variables.values()
            losses = np.abs(point.executed - term.amounts(point.needed))
            found = [_at(face, inner, value) for value in losses]
            assert min(found) == pytest.approx(term.value(point, round_), rel=1e-9, abs=1e-9)
        else:
            assert float(face.value) == pytest.approx(term.value(point, round_), rel=1e-9, abs=1e-9)
        assert face.is_convex()
        assert face.is_dpp()


def _at(face, variable, value):
    variable.value = value
    return float(face.value)


@pytest.mark.parametrize("term", RULES, ids=lambda t: t.name)
def test_cvxpy_constraints_hold_where_numpy_sees_no_violation(term):
    rng = np.random.default_rng(1)
    round_ = make_round(2, 5, positions=7)
    seen = set()
    for trial in range(40):
        point = random_point(round_, rng)
        if trial % 3 == 0:
            lots = np.minimum(point.lots, 1) * 0
            lots[: trial // 6] = 1
            x = np.minimum(paid_by_lots(round_.positions, lots, 5), round_.accounts.capacity)
            point = Point(x=x, needed=float(x.sum()), lots=lots, fund=0.0)
        face, symbols = placed(term, point, round_)
        broken = max(
            (float(np.max(r.violation(), initial=0.0)) for r in [*face, *symbols.extra]), default=0.0
        )
        holds = term.violation(point, round_) < 1e-9
        seen.add(holds)
        assert holds == (broken < 1e-9), (term.violation(point, round_), broken)
        assert all(rule.is_dcp(dpp=True) for rule in face)
    assert seen == {True, False} or term.name in ("positive-pnl", "lots")


def test_terms_add_and_scale():
    goal = 2 * Overshoot() + 0.5 * MaxBurden()
    assert repr(goal) == "2 overshoot + 0.5 max-burden"
    assert repr(sum([Overshoot(), 3 * MaxBurden()])) == "1 overshoot + 3 max-burden"
    assert repr((goal + TotalHaircut()) * 2) == "4 overshoot + 1 max-burden + 2 total-haircut"
    assert repr(-TotalHaircut()) == "-1 total-haircut"


def test_two_terms_of_one_name_collide():
    with pytest.raises(UsageError, match="two terms have the name 'max-burden'") as error:
        MaxBurden() + MaxBurden("equity")
    assert "equity" in str(error.value)
    assert len((MaxBurden() + MaxBurden("equity", name="on-equity")).parts) == 2
    with pytest.raises(UsageError, match="'solvency'"):
        RoundProgram(MaxBurden(), [Solvency(), Solvency(fund=1.0)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: RoundProgram(-1 * Overshoot()),
        lambda: RoundProgram(float("nan") * Overshoot()),
        lambda: RoundProgram(Overshoot(), [MaxBurden()]),
        lambda: RoundProgram("overshoot"),
        lambda: HaircutCap(1.0),
        lambda: MaxAccounts(2.5),
        lambda: MaxBurden("notional"),
        lambda: CVaR([1.0, 2.0], [0.5, 0.6]),
        lambda: CumulativeBurden(float("nan")),
        lambda: Solvency(shortfall="soft"),
    ],
)
def test_what_cannot_be_meant_is_refused(make):
    with pytest.raises(UsageError):
        make()


def test_missing_columns_are_named():
    bare = Round(deficit=0.0, accounts=Accounts(id=["a"], pnl=[1.0], equity=[1.0]))
    for program, word in (
        (RoundProgram(RiskWeighted(), [ExactBudget()]), "leverage"),
        (RoundProgram(MaxBurden(), [Lots()]), "positions"),
        (RoundProgram(RiskWeighted(weights=[1.0, 2.0])), "one finite weight"),
        (RoundProgram(RiskWeighted(weights=[float("nan")])), "finite"),
    ):
        with pytest.raises(InputError, match=word):
            solve(program, bare, needed=0.5)


@dataclass(frozen=True, eq=False)
class SquaredBurden(ObjectiveTerm):
    """sum u h^2: a term of one's own in ten lines."""

    name: str = "squared-burden"

    def value(self, point, round_):
        u = round_.accounts.capacity
        return float(np.sum(point.x**2 / u))

    def expression(self, symbols):
        return symbols.cp.sum(symbols.cp.multiply(symbols.capacity, symbols.h**2))


@dataclass(frozen=True, eq=False)
class LeastFromFirst(ConstraintTerm):
    """The first account pays at least some USD."""

    name: str = "least-from-first"
    usd: float = 1.0

    def violation(self, point, round_):
        return max(self.usd - float(point.x[0]), 0.0)

    def expression(self, symbols):
        return [symbols.x[0] >= self.usd]


def test_terms_of_ones_own():
    round_ = make_round(4, 5)
    needed = 0.3 * round_.capacity_usd
    program = RoundProgram(SquaredBurden(), [ExactBudget()])
    answer = solve(program, round_, needed=needed)
    assert answer.engine == "cvxpy:clarabel"
    assert answer.status is Status.STATED, answer.message  # it gives neither rows nor slopes
    np.testing.assert_allclose(answer.x, 0.3 * round_.accounts.capacity, rtol=1e-5)
    first = float(0.9 * round_.accounts.capacity[0])
    held = solve(
        RoundProgram(SquaredBurden(), [ExactBudget(), LeastFromFirst(usd=first)]), round_, needed=needed
    )
    assert held.status is Status.STATED
    assert held.x[0] == pytest.approx(first, rel=1e-6)
    with pytest.raises(UsageError, match="squared-burden"):
        solve(program, round_, needed=needed, engine="highs")
    with pytest.raises(UsageError, match="whole numbers and cones"):
        solve(RoundProgram(Entropy() + AccountsTouched()), round_, needed=needed)


class Concave(SquaredBurden):
    def expression(self, symbols):
        return symbols.cp.sum(symbols.cp.sqrt(symbols.h))


class NotParametrised(SquaredBurden):
    def expression(self, symbols):
        return symbols.cp.sum(symbols.cp.exp(symbols.needed * symbols.needed * symbols.total))


class Broken(SquaredBurden):
    def expression(self, symbols):
        return symbols.nothing


@pytest.mark.parametrize(
    ("term", "word"),
    [
        (Concave(name="mine"), "not DCP"),
        (NotParametrised(name="mine"), "not DPP"),
        (Broken(name="mine"), "fails"),
    ],
)
def test_dcp_and_dpp_are_checked_when_the_program_is_built(term, word):
    with pytest.raises(UsageError, match=f"'mine'.*{word}|{word}.*'mine'") as error:
        RoundProgram(Tracking() + term)
    assert "mine" in str(error.value)


def test_import_is_light():
    code = (
        "import sys, adl_opt.programs as p; p.RoundProgram(p.Overshoot() + p.MaxBurden(), [p.Solvency()]);"
        "assert not {'cvxpy', 'highspy', 'clarabel', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_cvxpy_is_the_module():
    assert Symbols(make_round()).cp is cp
