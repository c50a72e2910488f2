"""Terms of one's own: whole numbers, fixed charges, shared scenarios, curved terms without rows."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from adl_opt.errors import UsageError
from adl_opt.losses import share
from adl_opt.programs import (
    ConstraintTerm,
    ExactBudget,
    FundDraw,
    HaircutCap,
    Lots,
    MaxBurden,
    ObjectiveTerm,
    Point,
    RoundProgram,
    Solvency,
    Status,
    TotalHaircut,
    solve,
)
from adl_opt.programs.terms.base import Term
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts
from adl_opt.testing import check_program
from tests.programs.cases import enumerate_lots, make_round

PROVEN_OR_NOT = (Status.OPTIMAL, Status.STATED, Status.FEASIBLE)
NOBODY = Round(deficit=0.0, accounts=Accounts(id=[], pnl=[], equity=[]))


@dataclass(frozen=True, eq=False)
class SideFees(ObjectiveTerm):
    """A fee for each side, long or short, of which anybody pays: whole numbers of the term's own."""

    fee: float = 3.0
    name: str = field(default="side-fees", kw_only=True)
    needs = frozenset({"mip"})
    curvature = "affine"

    def sides(self, round_):
        """Return (2, n) who is long, who is short."""
        side = np.ones(len(round_.accounts)) if round_.accounts.side is None else round_.accounts.side
        return np.array([side > 0, side < 0], dtype=float)

    def value(self, point, round_):
        return self.fee * float(np.count_nonzero(self.sides(round_) @ point.x > 0))

    def expression(self, symbols):
        sides, u = self.sides(symbols.round), symbols.round.accounts.capacity
        used = symbols.variable(self, "used", 2, boolean=True)
        symbols.extra.append(sides @ symbols.x <= symbols.cp.multiply(sides @ u, used))
        return self.fee * symbols.cp.sum(used)

    def rows(self, builder):
        sides = self.sides(builder.round)
        used = builder.columns(f"{self.name}:used", 2, 0.0, 1.0, integer=True)
        at, who = np.nonzero(sides)
        entries = [(at, builder.x[who], 1.0), (np.arange(2), used, -(sides @ builder.upper))]
        builder.rows("used", 2, -np.inf, 0.0, entries)
        return used, self.fee


@dataclass(frozen=True, eq=False)
class CallFee(ObjectiveTerm):
    """A fee for each account that pays more than nothing, by the helper for fixed charges."""

    fee: float = 5.0
    name: str = field(default="call-fee", kw_only=True)
    needs = frozenset({"mip"})
    curvature = "affine"

    def value(self, point, round_):
        return self.fee * float(np.count_nonzero(point.x > 0))

    def expression(self, symbols):
        return self.fee * symbols.cp.sum(symbols.indicator("calls", symbols.x, symbols.capacity))

    def rows(self, builder):
        return builder.indicator("calls", builder.x, builder.upper), self.fee


def one_sided(round_, needed, fee, weight):
    """The least of fees + weight x burden over every set of sides, in rationals."""
    u = [Fraction(v) for v in round_.accounts.capacity.tolist()]
    side = [1] * len(u) if round_.accounts.side is None else round_.accounts.side.tolist()
    best = None
    for long, short in product((0, 1), repeat=2):
        reach = sum(c for c, s in zip(u, side, strict=True) if (long if s > 0 else short))
        if needed == 0 or reach >= needed:
            z = Fraction(needed) / reach if needed else Fraction(0)
            value = fee * (long + short) + weight * z
            best = value if best is None or value < best else best
    return best


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy"])
@pytest.mark.parametrize("seed", range(6))
def test_whole_numbers_of_ones_own(engine, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    u = np.round(rng.lognormal(3.0, 1.0, n), 2) + 0.01
    accounts = Accounts(id=[f"a{k}" for k in range(n)], pnl=u, equity=2 * u, side=rng.choice([-1, 1], n))
    round_ = Round(deficit=1.0, accounts=accounts)
    program = RoundProgram(SideFees() + 20.0 * MaxBurden(), [ExactBudget()])
    for needed in (0.0, 0.25 * round_.capacity_usd, 0.9 * round_.capacity_usd):
        found = solve(program, round_, needed=needed, engine=engine)
        assert found.status is Status.OPTIMAL, (engine, found.message)
        best = one_sided(round_, Fraction(needed), Fraction(3), Fraction(20))
        assert found.objective == pytest.approx(float(best), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("engine", ["highs", "cvxpy"])
def test_whole_numbers_of_ones_own_beside_lots(engine):
    for seed in range(4):
        round_ = make_round(seed, 3, positions=4)
        needed = 0.4 * round_.capacity_usd
        program = RoundProgram(CallFee() + SideFees() + 30.0 * MaxBurden(), [Solvency(), Lots()])
        found = solve(program, round_, needed=needed, engine=engine)
        assert found.status is Status.OPTIMAL
        assert found.objective == pytest.approx(enumerate_lots(program, round_, needed), rel=1e-9)


def test_whole_numbers_of_ones_own_pass_the_kit():
    """``CallFee`` alone passes it in docs/extend.md."""
    program = RoundProgram(CallFee() + SideFees() + 50 * MaxBurden(), [Solvency(), Lots()])
    assert check_program(program, scales=False)["engines agree"] > 30


def test_an_indicator_needs_the_most_that_its_column_can_be():
    @dataclass(frozen=True, eq=False)
    class Unbounded(CallFee):
        def rows(self, builder):
            return builder.indicator("calls", builder.x, np.inf), self.fee

    with pytest.raises(UsageError, match="finite upper bounds"):
        solve(RoundProgram(Unbounded()), make_round(), needed=1.0)


@dataclass(frozen=True, eq=False)
class LogUtility(ObjectiveTerm):
    """-sum log((e - x) / e): its least value is proportionally fair in the equity e that is left (cvxpy)."""

    name: str = field(default="log-utility", kw_only=True)
    unit = "1"
    curvature = "convex"

    def value(self, point, round_):
        return float(-np.sum(np.log1p(-point.x / round_.accounts.equity)))

    def parameters(self, round_, needed):
        return {"share": round_.accounts.capacity / round_.accounts.equity}

    def expression(self, symbols):
        cp = symbols.cp
        return -cp.sum(cp.log(1 - cp.multiply(symbols.of(self)["share"], symbols.h)))


@dataclass(frozen=True, eq=False)
class SharpLogUtility(LogUtility):
    """The same, with its slopes."""

    def slopes(self, x, round_):
        left = np.maximum(round_.accounts.equity - x, 1e-12 * round_.accounts.equity)
        return 1.0 / left, 1.0 / left**2


def levelled(equity, upper, needed):
    """x = min(max(e - level, 0), u) with sum B: the richest pay until what is left is level, by bisection."""
    low, high = 0.0, float(equity.max())
    for _ in range(200):
        level = (low + high) / 2
        low, high = (level, high) if np.clip(equity - level, 0.0, upper).sum() > needed else (low, level)
    return np.clip(equity - low, 0.0, upper)


@pytest.mark.parametrize(("term", "digits"), [(LogUtility(), 1e-4), (SharpLogUtility(), 1e-7)])
def test_log_utility_takes_from_the_richest(term, digits):
    for seed in range(5):
        round_ = make_round(seed, 6, spread=1.0)
        a, needed = round_.accounts, 0.35 * round_.capacity_usd
        found = solve(RoundProgram(term, [ExactBudget()]), round_, needed=needed)
        assert found.status in PROVEN_OR_NOT[: 2 - (digits < 1e-6)], found.message
        best = levelled(a.equity, a.capacity, needed)
        np.testing.assert_allclose(found.x, best, atol=digits * needed)
        optimum = term.value(Point(x=best, needed=needed), round_)
        assert found.bound <= optimum * (1 + 1e-9)
        assert found.objective == pytest.approx(optimum, rel=1e-6)


CURVED = {
    "exact": RoundProgram(LogUtility(), [ExactBudget()]),
    "capped": RoundProgram(LogUtility(), [Solvency(), HaircutCap(0.9)]),
    "fund": RoundProgram(LogUtility() + 0.1 * FundDraw(), [Solvency(fund=30.0)]),
    "sharp": RoundProgram(SharpLogUtility(), [ExactBudget()]),
}


@pytest.mark.parametrize("kind", ["fund", "sharp"])
def test_terms_without_rows_pass_the_kit(kind):
    """The exact one passes it in docs/extend.md."""
    assert check_program(CURVED[kind], scales=False)["status"] == 47


@pytest.mark.parametrize("kind", CURVED)
def test_a_round_without_accounts(kind):
    for needed in (0.0, 20.0):
        found = solve(CURVED[kind], NOBODY, needed=needed)
        if needed and kind != "fund":
            assert found.status is Status.INFEASIBLE
            continue
        assert found.status in PROVEN_OR_NOT
        assert found.x.shape == (0,)
        assert found.fund_usd == pytest.approx(needed, abs=1e-9)
        assert found.objective == pytest.approx(0.1 * needed, abs=1e-9)


@dataclass(frozen=True, eq=False)
class Squares(ObjectiveTerm):
    """sum u h^2, in cvxpy alone, and said to be no cone."""

    name: str = field(default="squares", kw_only=True)

    def value(self, point, round_):
        return float(np.sum(round_.accounts.capacity * share(point.x, round_.accounts.capacity) ** 2))

    def expression(self, symbols):
        return symbols.cp.sum(symbols.cp.multiply(symbols.capacity, symbols.h**2))


@dataclass(frozen=True, eq=False)
class Largest(ObjectiveTerm):
    """max x, linear, in cvxpy alone."""

    name: str = field(default="largest", kw_only=True)

    def value(self, point, round_):
        return float(np.max(point.x, initial=0.0))

    def expression(self, symbols):
        return symbols.cp.max(symbols.x)


@dataclass(frozen=True, eq=False)
class HalfCap(ConstraintTerm):
    """x <= u / 2, in cvxpy alone: what breaks it cannot be proven infeasible."""

    name: str = field(default="half-cap", kw_only=True)

    def violation(self, point, round_):
        return float(np.max(point.x - 0.5 * round_.accounts.capacity, initial=0.0))

    def expression(self, symbols):
        return [symbols.x <= 0.5 * symbols.capacity]


class CvxpyFees(SideFees):
    """Whole numbers of a term's own, in cvxpy alone."""

    rows = Term.rows


ALONE = {
    "squares": RoundProgram(Squares(), [ExactBudget()]),
    "largest": RoundProgram(Largest(), [ExactBudget()]),
    "half-cap": RoundProgram(MaxBurden(), [ExactBudget(), HalfCap()]),
    "fees": RoundProgram(CvxpyFees() + 20 * MaxBurden(), [ExactBudget()]),
}


@pytest.mark.parametrize("kind", ALONE)
def test_terms_in_cvxpy_alone_pass_the_kit(kind):
    assert check_program(ALONE[kind], scales=False)["certificate"] == 47


@dataclass(frozen=True, eq=False)
class Uncovered(ObjectiveTerm):
    """Expected number of scenarios m of B that H does not cover; shares the index with :class:`AtMost`."""

    multiples: tuple = (0.5, 1.0, 1.5)
    name: str = field(default="uncovered", kw_only=True)
    needs = frozenset({"mip"})
    unit = "1"
    curvature = "affine"

    def value(self, point, round_):
        return float(np.count_nonzero(np.array(self.multiples) * point.needed > point.executed + 1e-9))

    def expression(self, symbols):
        return symbols.cp.sum(missed_in_cvxpy(symbols, self.multiples))

    def rows(self, builder):
        return missed(builder, self.multiples), 1.0


@dataclass(frozen=True, eq=False)
class AtMost(ConstraintTerm):
    """At most so many scenarios are missed; shares the index with :class:`Uncovered`."""

    most: int = 1
    multiples: tuple = (0.5, 1.0, 1.5)
    name: str = field(default="at-most", kw_only=True)
    needs = frozenset({"mip"})
    money_rows = False

    def violation(self, point, round_):
        wanted = np.sort(np.array(self.multiples) * point.needed)
        return max(float(wanted[len(wanted) - 1 - self.most]) - point.executed, 0.0)

    def expression(self, symbols):
        return [symbols.cp.sum(missed_in_cvxpy(symbols, self.multiples)) <= self.most]

    def rows(self, builder):
        builder.rows("missed", 1, -np.inf, self.most, [(0, missed(builder, self.multiples), 1.0)], unit=1.0)


def missed(builder, multiples):
    wanted, each = np.array(multiples) * builder.needed, np.arange(len(multiples))
    fresh = not builder.has("missed")
    columns = builder.shared("missed", wanted.size, 0.0, 1.0, integer=True)
    if fresh:
        entries = [(each, builder.total(), 1.0), (each, columns, wanted)]
        builder.rows("scenarios", wanted.size, wanted, np.inf, entries)
    return columns


def missed_in_cvxpy(symbols, multiples):
    y = symbols.shared("missed", len(multiples), boolean=True)
    wanted = symbols.needed * np.array(multiples)
    symbols.extra.append(symbols.total >= wanted - (max(multiples) * symbols.needed) * y)
    return y


@pytest.mark.parametrize("engine", ["highs", "cvxpy"])
@pytest.mark.parametrize("most", [0, 1, 2])
def test_terms_share_the_index_of_scenarios(engine, most):
    round_ = make_round(1, 4)
    needed = 0.3 * round_.capacity_usd
    program = RoundProgram(1e-3 * TotalHaircut() + 1.0 * Uncovered(), [AtMost(most)])
    found = solve(program, round_, needed=needed, engine=engine)
    assert found.status in (Status.OPTIMAL, Status.STATED), found.message
    covers = [0.0, *(m * needed for m in (0.5, 1.0, 1.5))]
    best = min(1e-3 * h + (3 - k) for k, h in enumerate(covers) if 3 - k <= most)
    assert found.objective == pytest.approx(best, rel=1e-8)
    if engine == "highs":
        blocks = found.proof.own.model.blocks if hasattr(found.proof, "own") else {}
        assert sum("missed" in label for label in blocks) == 1


def test_an_index_that_differs_is_refused():
    program = RoundProgram(Uncovered(multiples=(1.0, 2.0)), [AtMost()])
    with pytest.raises(UsageError, match="share the columns 'missed'"):
        solve(program, make_round(), needed=1.0)


@dataclass(frozen=True, eq=False)
class Private(MaxBurden):
    """Two terms of one class may use one label: each has columns of its own."""

    def rows(self, builder):
        z, each, u = builder.columns("z", 1), np.arange(builder.n), builder.round.accounts.capacity
        builder.rows("burden", builder.n, -np.inf, 0.0, [(each, builder.x, 1.0), (each, z, -u)])
        return z, 1.0


def test_columns_of_one_label_stay_apart():
    program = RoundProgram(Private(name="one") + Private(name="two"), [ExactBudget()])
    round_ = make_round()
    found = solve(program, round_, needed=0.5 * round_.capacity_usd)
    assert found.objective == pytest.approx(1.0)
    assert {"z", "two:z"} <= set(found.proof.model.blocks)
