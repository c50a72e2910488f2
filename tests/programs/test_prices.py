"""Shadow prices of every model and of terms of one's own, against one-sided differences of the optimum.

Where the optimum is known in rationals the differences are exact.  Else they are those of two more solves.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest

from adl_opt.catalogue import load_model, model_names
from adl_opt.errors import SolverError
from adl_opt.programs import (
    ConstraintTerm,
    CumulativeBurden,
    Depletion,
    Entropy,
    EpisodeProgram,
    ExactBudget,
    HaircutCap,
    MaxAccounts,
    MaxBurden,
    ObjectiveTerm,
    RoundProgram,
    Solvency,
    Status,
    Tracking,
    Undershoot,
    judging,
    solution,
    solve,
    solve_episode,
)
from adl_opt.programs.duals import prices_of
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts
from adl_opt.testing import check_program
from tests.models.goldens import CONTRACTS_ONLY
from tests.programs.cases import make_round

LINEAR = [
    name
    for name in model_names()
    if load_model(name).kind == "round" and load_model(name).needs == "lp" and name not in CONTRACTS_ONLY
]
INFINITE = float("inf")


def with_capacity(round_, capacity):
    return replace(round_, accounts=replace(round_.accounts, capacity=np.asarray(capacity)))


def draw(rng):
    """Return a round whose capacities may rise, and a budget: with ties and kinks, or at random."""
    n, tied = int(rng.integers(1, 6)), rng.random() < 0.5
    u = rng.choice([10.0, 20.0, 50.0, 100.0], n) if tied else np.round(rng.lognormal(3, 1, n), 2) + 0.01
    if not tied and n > 1 and rng.random() < 0.3:
        u[0] = 0.0
    accounts = Accounts(
        id=[f"a{k}" for k in range(n)], pnl=2 * u + 1, capacity=u,
        equity=u * rng.choice([1.0, 2.0, 3.0]) + (5.0 if tied else 0.3),
        leverage=rng.choice([1.0, 2.0, 5.0], n) if tied else np.round(rng.uniform(0.1, 20, n), 1),
    )  # fmt: skip
    deficit = float(u.sum() * rng.uniform(0, 6)) if rng.random() < 0.3 else 0.0
    share = float(rng.choice([0.1, 0.25, 0.5, 0.8, 1.0]) if tied else rng.uniform(0.01, 1.1))
    return Round(deficit=deficit, accounts=accounts), share * u.sum(), 1.0 if tied else rng.uniform(0.8, 1.25)


def params(name, rng, u):
    """Return parameters of a model at which neither side always wins; ``u`` is USD of capacity."""
    base, pick = str(rng.choice(["capacity", "equity"])), lambda *values: float(rng.choice(values))
    return {
        "insurance-cofunding": {
            "fund": 0.3 * u, "price": pick(0.0, 0.5, 2.0), "weight": u * pick(0.2, 1.0, 3.0), "base": base,
        },
        "tracking-lp": {"l_fair": u * pick(0.2, 0.5, 0.9, 1.0), "base": base},
        "asymmetric": {"l_fair": u * pick(0.2, 0.5, 1.0, 2.0), "base": base},
        "cvar-severity": {"weight": u * pick(0.01, 0.2, 1.0)},
        "robust-severity": {"weight": u * pick(0.01, 0.2, 1.0), "base": base},
        "min-max-lp": {"base": base},
    }.get(name, {})  # fmt: skip


def value(program, round_, needed, engine="highs"):
    """Return the optimum; infinite where nothing is feasible."""
    found = solve(program, round_, needed=needed, engine=engine)
    assert found.status in (Status.OPTIMAL, Status.INFEASIBLE), found.message
    return found.objective if found.status is Status.OPTIMAL else INFINITE


def assert_between(price, left, right, slack):
    """A difference that leads to where nothing is feasible bounds nothing."""
    low, high = (left, right) if left <= right else (right, left)
    low, high = (low if np.isfinite(left) else -INFINITE), (high if np.isfinite(right) else INFINITE)
    assert low - slack <= price <= high + slack, (price, left, right, slack)


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy"])
@pytest.mark.parametrize("name", LINEAR)
def test_prices_of_every_linear_model_lie_between_one_sided_differences(name, engine):
    rng, checked = np.random.default_rng(5), 0
    for _ in range(6 if engine == "cvxpy" else 8):
        round_, needed, jitter = draw(rng)
        u = max(round_.capacity_usd, 1.0)
        program = load_model(name, **params(name, rng, u * jitter)).program
        found = solve(program, round_, needed=needed, engine=engine)
        if found.status is not Status.OPTIMAL:
            assert found.duals == {}
            continue
        checked, step, now = checked + 1, 1e-5 * u, value(program, round_, needed)
        noise = 1e-10 * max(abs(now), 1e-9) / step
        ends = [value(program, round_, b) if b >= 0 else INFINITE for b in (needed - step, needed + step)]
        price = float(found.duals["budget"].value)
        assert_between(price, (now - ends[0]) / step, (ends[1] - now) / step, 3e-5 * abs(price) + noise)
        for row, capacity in enumerate(round_.accounts.capacity):
            moves = step * (np.arange(len(round_.accounts)) == row)
            up = value(program, with_capacity(round_, round_.accounts.capacity + moves), needed) - now
            down = up  # an account without capacity has no left side
            if capacity >= step:
                down = now - value(program, with_capacity(round_, round_.accounts.capacity - moves), needed)
            price = float(found.duals["capacity"].value[row])
            assert_between(price, down / step, up / step, 3e-5 * abs(price) + noise)
    assert checked >= 2


# Exact differences: with burdens on capacity, z = H / U, and H is the only choice.


def exact_value(loss, kinks, capacity, weight):
    """Return min over 0 <= H <= U of loss(H) + weight H / U, in rationals, at its kinks."""
    total = sum(capacity)
    inside = [k for k in kinks if 0 <= k <= total]
    return min(loss(h) + (weight * h / total if total else 0) for h in (0, total, *inside))


def cvar(multiples, alpha, b):
    scenarios = [m * b for m in multiples]

    def loss(h):
        tail, rest = Fraction(0), 1 - alpha
        for away in sorted((abs(h - s) for s in scenarios), reverse=True):
            part = min(Fraction(1, len(scenarios)), rest)
            tail, rest = tail + part * away, rest - part
        return tail / (1 - alpha)

    return loss, [*scenarios, *((s + t) / 2 for s in scenarios for t in scenarios)]


def worst(multiples, b):
    scenarios = [m * b for m in multiples]
    kinks = [*scenarios, *((s + t) / 2 for s in scenarios for t in scenarios)]
    return lambda h: max(abs(h - s) for s in scenarios), kinks


FIVE = [Fraction(v) for v in (0.5, 0.8, 1.0, 1.25, 2.0)]
EXACT = {
    "tracking-lp": lambda b: (lambda h: abs(h - b), [b]),
    "asymmetric": lambda b: (lambda h: 2 * max(b - h, 0) + max(h - b, 0), [b]),
    "cvar-severity": lambda b: cvar(FIVE, Fraction(0.6), b),
    "robust-severity": lambda b: worst(FIVE, b),
}
WEIGHT = {"tracking-lp": "l_fair", "asymmetric": "l_fair"}


@pytest.mark.parametrize("engine", ["auto", "cvxpy"])
@pytest.mark.parametrize("name", EXACT)
def test_prices_against_exact_differences_in_rationals(name, engine):
    rng, tiny = np.random.default_rng(11), Fraction(1, 10**12)
    for trial in range(12):
        n = int(rng.integers(1, 5))
        u = rng.choice([10.0, 20.0, 50.0], n) if trial % 2 else np.round(rng.lognormal(3, 1, n), 2) + 0.01
        needed = float(rng.choice([0.125, 0.5, 0.8]) if trial % 2 else rng.uniform(0.05, 1.2)) * float(
            u.sum()
        )
        weight = float(u.sum()) * float(rng.choice([0.01, 0.25, 0.5, 1.0]))
        accounts = Accounts(id=[f"a{k}" for k in range(n)], pnl=2 * u, equity=3 * u, capacity=u)
        program = load_model(name, **{WEIGHT.get(name, "weight"): weight}).program
        found = solve(program, Round(deficit=0.0, accounts=accounts), needed=needed, engine=engine)
        capacity = [Fraction(v) for v in u.tolist()]

        def exact(b, row=0, move=0, capacity=capacity, weight=weight):
            moved = [c + move * (k == row) for k, c in enumerate(capacity)]
            return exact_value(*EXACT[name](Fraction(b)), moved, Fraction(weight))

        b = Fraction(needed)
        now = exact(b)
        assert found.objective == pytest.approx(float(now), rel=1e-9)
        left, right = float((now - exact(b - tiny)) / tiny), float((exact(b + tiny) - now) / tiny)
        assert_between(float(found.duals["budget"].value), left, right, 1e-8)
        for row in range(n):
            left = float((now - exact(b, row, -tiny)) / tiny)
            right = float((exact(b, row, tiny) - now) / tiny)
            assert_between(float(found.duals["capacity"].value[row]), left, right, 1e-8)


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy"])
def test_the_price_of_the_budget_where_scenarios_move_with_it(engine):
    round_ = Round(deficit=0.0, accounts=Accounts(id=["a", "b"], pnl=[100.0, 50.0], equity=[300.0, 150.0]))
    found = solve(load_model("cvar-severity").program, round_, needed=40.0, engine=engine)
    assert found.duals["budget"].value == pytest.approx(0.75583333, rel=1e-7)


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy", "kernel"])
def test_prices_by_the_name_of_the_constraint(engine):
    """A cap's prices add up to what a looser cap is worth. A demand's price is that of its right side."""
    round_ = make_round(3, 5, spread=1.0)
    needed = 0.5 * round_.capacity_usd

    def at(hbar, b=needed):
        program = RoundProgram(MaxBurden("equity"), [ExactBudget(), HaircutCap(hbar)])
        return solve(program, round_, needed=b, engine=engine)

    found, step = at(0.7), 1e-5
    assert found.status is Status.OPTIMAL
    prices = found.duals
    assert {"exact-budget", "haircut-cap", "positive-pnl", "budget", "capacity"} == set(prices)
    slope = (at(0.7 + step).objective - at(0.7 - step).objective) / (2 * step)
    worth = float(prices["haircut-cap"].value @ round_.accounts.capacity)
    assert worth == pytest.approx(slope, rel=1e-4, abs=1e-7)
    assert worth < 0
    assert not prices["positive-pnl"].value.any()
    slope = (at(0.7, needed + 1e-3).objective - at(0.7, needed - 1e-3).objective) / 2e-3
    assert prices["exact-budget"].value == pytest.approx(slope, rel=1e-5)
    assert prices["exact-budget"].value == prices["budget"].value


def test_a_smooth_program_has_the_prices_of_its_constraints():
    round_ = make_round(3, 5, spread=1.0)
    needed = 0.4 * round_.capacity_usd
    program = RoundProgram(Entropy() + 0.2 * Tracking(), [Solvency(), HaircutCap(0.5)])
    found = solve(program, round_, needed=needed)
    slope = (
        value(program, round_, needed + 1e-3, "auto") - value(program, round_, needed - 1e-3, "auto")
    ) / 2e-3
    assert found.duals["budget"].value == pytest.approx(slope, rel=1e-4)
    assert {"solvency", "haircut-cap"} <= set(found.duals)
    assert "capacity" not in found.duals


def test_what_is_raised_at_most_moves_with_capacities_and_has_no_price_of_them():
    round_ = make_round(1, 4)
    program = RoundProgram(MaxBurden(), [Solvency(shortfall="named"), HaircutCap(0.5)])
    found = solve(program, round_, needed=0.8 * round_.capacity_usd)
    assert found.shortfall_usd > 0
    assert "capacity" not in found.duals
    assert found.duals["budget"].value == 0.0


def test_leximin_gives_no_prices_of_its_last_stage():
    round_ = make_round(1, 4)
    assert load_model("leximin").program(round_, needed=10.0).duals == {}


@pytest.mark.parametrize(("paid", "base"), [({"a0": 2.0}, None), ({}, {"a1": 500.0}), ({"a0": 1e9}, None)])
def test_caps_over_time_say_how_they_move(paid, base):
    round_ = make_round(2, 4, spread=0.5)
    round_ = with_capacity(round_, 0.5 * round_.accounts.capacity)
    program = RoundProgram(MaxBurden("equity"), [ExactBudget(), CumulativeBurden(0.4, paid, base)])
    needed, step = 0.1 * round_.capacity_usd, 1e-5 * round_.capacity_usd
    found = solve(program, round_, needed=needed)
    for row in range(4):
        moves = step * (np.arange(4) == row)
        ends = [
            value(program, with_capacity(round_, round_.accounts.capacity + s * moves), needed)
            for s in (-1, 1)
        ]
        left, right = (found.objective - ends[0]) / step, (ends[1] - found.objective) / step
        assert_between(float(found.duals["capacity"].value[row]), left, right, 1e-7)


# Terms of one's own.


@dataclass(frozen=True, eq=False)
class OwnGap(ObjectiveTerm):
    """abs(H - m B): reads B, and says rightly, wrongly or not at all how its rows move."""

    rate: float = 0.0
    m: float = 1.5
    name: str = field(default="own-gap", kw_only=True)
    curvature = "convex"

    def value(self, point, round_):
        return abs(point.executed - self.m * point.needed)

    def expression(self, symbols):
        return symbols.cp.abs(symbols.total - self.m * symbols.needed)

    def rows(self, builder):
        b, most = self.m * builder.needed, 4.0 * (builder.upper.sum() + builder.needed)
        t, total = builder.columns(f"{self.name}:t", 1, 0.0, most, unit=builder.unit), builder.total()
        builder.rows("over", 1, -b, np.inf, [(0, t, 1.0), (0, total, -1.0)], needed_rate=-self.rate)
        builder.rows("under", 1, b, np.inf, [(0, t, 1.0), (0, total, 1.0)], needed_rate=self.rate)
        return t, 1.0


@dataclass(frozen=True, eq=False)
class OwnBurden(MaxBurden):
    """x <= z u, and what it says of u."""

    said: float | None = None

    def rows(self, builder):
        z, each, u = (
            builder.columns(f"{self.name}:z", 1, 0.0, 4.0),
            np.arange(builder.n),
            builder.round.accounts.capacity,
        )
        rows = builder.rows("own", builder.n, -np.inf, 0.0, [(each, builder.x, 1.0), (each, z, -u)])
        if self.said is not None:
            builder.moves(rows, self.said, column=int(z[0]))
        return z, 1.0


@dataclass(frozen=True, eq=False)
class OwnCap(ConstraintTerm):
    """x <= 0.3 u: an upper bound of one's own that does not say how it moves."""

    name: str = field(default="own-cap", kw_only=True)
    money_rows = False

    def violation(self, point, round_):
        return float(np.max(point.x - self.upper(round_), initial=0.0))

    def upper(self, round_):
        return 0.3 * round_.accounts.capacity

    def expression(self, symbols):
        return [symbols.h <= 0.3]

    def rows(self, builder):
        return None


class SayingCap(OwnCap):
    upper_rate = 0.3


class LyingCap(OwnCap):
    upper_rate = 7.0


def keys(program, needed_share=0.2):
    round_ = make_round(4, 5, spread=0.5)
    round_ = with_capacity(round_, 0.5 * round_.accounts.capacity)
    needed = needed_share * round_.capacity_usd
    found = solve(program, round_, needed=needed)
    assert found.status is Status.OPTIMAL
    step = 1e-6 * round_.capacity_usd
    if "budget" in found.duals:
        ends = [value(program, round_, needed + move, "auto") for move in (-step, step)]
        slope = (ends[1] - ends[0]) / (2 * step)
        assert found.duals["budget"].value == pytest.approx(slope, rel=1e-5, abs=1e-9)
    if "capacity" in found.duals:
        moves = step * (np.arange(5) == 1)
        ends = [
            value(program, with_capacity(round_, round_.accounts.capacity + s * moves), needed)
            for s in (-1, 1)
        ]
        slope = (ends[1] - ends[0]) / (2 * step)
        assert found.duals["capacity"].value[1] == pytest.approx(slope, rel=1e-4, abs=1e-9)
    return {"budget", "capacity"} & set(found.duals)


BOTH = {"budget", "capacity"}


@pytest.mark.parametrize(
    ("program", "known"),
    [
        (RoundProgram(OwnGap(1.5) + 9.0 * MaxBurden()), BOTH),
        (RoundProgram(OwnGap() + 9.0 * MaxBurden()), {"capacity"}),
        (RoundProgram(OwnGap(7.0) + 9.0 * MaxBurden()), {"capacity"}),
        (RoundProgram(OwnBurden(said=-1.0), [ExactBudget()]), BOTH),
        (RoundProgram(OwnBurden(), [ExactBudget()]), {"budget"}),
        (RoundProgram(OwnBurden(said=7.0), [ExactBudget()]), {"budget"}),
        (RoundProgram(OwnGap(3.0, m=3.0) + MaxBurden("equity"), [SayingCap()]), BOTH),
        (RoundProgram(OwnGap(3.0, m=3.0) + MaxBurden("equity"), [OwnCap()]), {"budget"}),
        (RoundProgram(OwnGap(3.0, m=3.0) + MaxBurden("equity"), [LyingCap()]), {"budget"}),
    ],
)
def test_a_term_that_does_not_say_what_it_reads_gets_no_price(program, known):
    assert keys(program) == known


@pytest.mark.parametrize(
    "program",
    [
        RoundProgram(OwnGap(7.0) + 5.0 * MaxBurden()),
        RoundProgram(OwnBurden(said=7.0), [ExactBudget()]),
        RoundProgram(OwnGap(1.5) + MaxBurden(), [LyingCap()]),
    ],
    ids=["needed_rate", "moves", "upper_rate"],
)
def test_planted_rates_are_found_by_the_kit(program):
    with pytest.raises(SolverError, match="conformance table: rates") as report:
        check_program(program)
    assert "said" in str(report.value)


@pytest.mark.parametrize(("rate", "price"), [(1.5, "price of the budget"), (0.0, "price of capacity")])
def test_silence_is_no_falsehood(rate, price):
    assert check_program(RoundProgram(OwnGap(rate) + 5.0 * MaxBurden()), scales=False)[price] > 0


@pytest.mark.parametrize("name", ["budget", "capacity"])
def test_the_kit_holds_prices_against_differences(name, monkeypatch):
    """Prices that are one percent off, where rates and certificate agree with them."""

    def off(proof, case):
        right = prices_of(proof, case)
        return right | {k: replace(d, value=1.01 * d.value) for k, d in right.items() if k == name}

    for module in (solution, judging):
        monkeypatch.setattr(module, "prices_of", off)
    with pytest.raises(SolverError, match=f"price of (the )?{name}") as report:
        check_program(RoundProgram(MaxBurden(), [ExactBudget()]))
    assert "is not between the differences" in str(report.value)


# Episodes.


def episode(seed=3, count=3, n=4):
    made = [make_round(seed + k, n, spread=0.4) for k in range(count)]
    return [
        Round(deficit=0.0, number=k + 1, accounts=replace(r.accounts, pnl=2 * r.accounts.pnl))
        for k, r in enumerate(made)
    ]


@pytest.mark.parametrize(
    "links", [[], [CumulativeBurden(0.6)], [Depletion()], [CumulativeBurden(0.7), Depletion()]]
)
def test_prices_of_an_episode_are_differences(links):
    rounds = episode()
    u = sum(r.capacity_usd for r in rounds)
    program = EpisodeProgram(
        RoundProgram(2 * Undershoot() + (0.3 * u) * MaxBurden("equity"), [HaircutCap(0.9)]), links
    )
    needed = [0.35 * r.capacity_usd * (1 + 0.1 * k) for k, r in enumerate(rounds)]
    found = solve_episode(program, rounds, needed=needed)
    assert found.status is Status.OPTIMAL
    prices, step = found.duals, 1e-5 * u

    def ends(change):
        low, high = (
            solve_episode(program, made, needed=b).objective for made, b in map(change, (-step, step))
        )
        return (found.objective - low) / step, (high - found.objective) / step

    def budget(t):
        return lambda s: (rounds, [b + s * (k == t) for k, b in enumerate(needed)])

    def capacity(t, row):
        more = np.arange(4) == row
        return lambda s: (
            [with_capacity(r, r.accounts.capacity + s * more * (k == t)) for k, r in enumerate(rounds)],
            needed,
        )

    for t in range(3):
        assert_between(float(prices["budget"].value[t]), *ends(budget(t)), 1e-7)
        for row in range(4):
            assert_between(float(prices["capacity"].value[t][row]), *ends(capacity(t, row)), 1e-7)
    assert {link.name for link in links} | {"haircut-cap", "positive-pnl"} <= set(prices)
    assert all(np.all(prices[link.name].value <= 1e-12) for link in links)


def test_an_episode_of_whole_numbers_has_no_prices():
    program = EpisodeProgram(
        RoundProgram(MaxBurden(), [ExactBudget(), MaxAccounts(3)]), [CumulativeBurden(0.9)]
    )
    rounds = episode()
    assert solve_episode(program, rounds, needed=[0.1 * r.capacity_usd for r in rounds]).duals == {}
