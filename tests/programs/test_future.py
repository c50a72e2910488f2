"""Future shortfall as a term: its faces agree, both objectives in one program, what is refused."""

import numpy as np
import pytest

from adl_opt.errors import AdlOptError
from adl_opt.evaluate.future import future_shortfall
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.programs import ExactBudget, FutureShortfall, MaxBurden, RoundProgram, Status, in_legs, solve
from adl_opt.programs.terms.clearing import FREE, Clearing
from adl_opt.rounds.flows import worth_of_markets
from tests.models.goldens import goldens, rounds_of
from tests.programs.cases import make_round
from tests.rounds.books import any_book, small_book


def drawn(round_, seed=0, count=6):
    worth = worth_of_markets(round_)[1]
    return PriceMoves.of(
        np.random.default_rng(seed).uniform(-0.4, 0.4, (count, worth.size)) * worth, source="drawn"
    )


def term(seed=0):
    return FutureShortfall(lambda round_: drawn(round_, seed))


def test_the_term_is_the_score_of_a_replay_on_any_book():
    """Hedge mode, inverse contracts, isolated margin, several losers at several prices, what nobody holds."""
    seen = 0
    for seed in range(60):
        round_ = any_book(seed)
        program = RoundProgram(term(seed), [Clearing(FREE)], name="free")
        found = solve(program, round_, needed=max(in_legs(round_).flow_usd, 1.0), engine="highs")
        assert found.status is Status.OPTIMAL, found.message
        assert found.certify().ok
        closures = in_legs(round_).closures(found.closed, round_.flow.quantity)
        scored = future_shortfall(round_, closures, drawn(round_, seed))
        assert found.objective == pytest.approx(scored, rel=1e-9, abs=1e-6)
        nothing = future_shortfall(
            round_, in_legs(round_).closures(0.0 * found.closed, round_.flow.quantity),
            drawn(round_, seed),
        )  # fmt: skip
        assert found.objective <= nothing * (1 + 1e-9) + 1e-6
        seen += found.objective < nothing * (1 - 1e-3)
    assert seen > 10


@pytest.mark.parametrize("seed", range(4))
def test_both_engines_agree(seed):
    round_ = any_book(seed)
    program = RoundProgram(term(seed) + 50.0 * MaxBurden(), [Clearing(FREE)], name="both")
    answers = [solve(program, round_, needed=0.0, engine=e) for e in ("highs", "cvxpy")]
    assert answers[0].objective == pytest.approx(answers[1].objective, rel=1e-6, abs=1e-6)


def test_both_objectives_draw_a_frontier():
    """The dearer a burden is, the lower it gets, and the more shortfall is left."""
    data = goldens("risk-based")[2]
    (round_,), (needed,) = rounds_of(data)
    worth = worth_of_markets(round_)[1]
    goal = FutureShortfall(lambda _: PriceMoves.of(np.array(data["params"]["moves"]) * worth, source="given"))
    points = []
    for weight in (0.0, 30.0, 100.0, 300.0, 1e4):
        found = solve(RoundProgram(goal + weight * MaxBurden(), [ExactBudget()]), round_, needed=needed)
        burden = float((found.x / round_.accounts.capacity).max())
        points.append((burden, found.objective - weight * burden))
    burdens, shortfalls = zip(*points, strict=True)
    assert np.all(np.diff(burdens[1:]) <= 1e-9)
    assert np.all(np.diff(shortfalls) >= -1e-6)
    assert shortfalls[-1] > shortfalls[0] + 1.0
    fair = solve(RoundProgram(MaxBurden(), [ExactBudget()]), round_, needed=needed)
    assert burdens[-1] == pytest.approx(fair.objective, rel=1e-6)


def test_the_price_of_the_budget_lies_between_differences():
    data = goldens("risk-based")[2]
    (round_,), _ = rounds_of(data)
    worth = worth_of_markets(round_)[1]
    goal = FutureShortfall(lambda _: PriceMoves.of(np.array(data["params"]["moves"]) * worth, source="given"))
    program = RoundProgram(goal, [ExactBudget()])
    for needed in (10.0, 33.0, 60.0):
        now, low, high = (solve(program, round_, needed=needed + step) for step in (0.0, -1e-3, 1e-3))
        slopes = sorted([(now.objective - low.objective) / 1e-3, (high.objective - now.objective) / 1e-3])
        price = float(now.duals["budget"].value)
        assert slopes[0] - 1e-5 <= price <= slopes[1] + 1e-5


def test_a_round_in_wealth_is_refused():
    program = RoundProgram(term(), [ExactBudget()], name="wealth")
    with pytest.raises(AdlOptError, match="contracts"):
        solve(program, make_round(2, 4), needed=1.0)


def test_levered_accounts_go_first_at_the_mark():
    """One market, closed at the mark: the answer is that of leverage draining."""
    round_ = small_book(
        [100, 40], side="long", entry=[0.5, 0.5], mark=1.0, losers="short", quantity=30.0, bankruptcy=0.9999,
        equity=[100.0, 20.0], lot_size=1.0,
    )  # fmt: skip
    moves = PriceMoves.of(np.linspace(-3.0, 0.5, 300)[:, None], source="a grid")
    program = RoundProgram(FutureShortfall(lambda _: moves), [ExactBudget()])
    found = solve(program, round_, needed=in_legs(round_).flow_usd)
    kept = np.array([100.0, 40.0]) - found.closed
    assert kept / [100.0, 20.0] == pytest.approx([110.0 / 120.0] * 2, rel=0.02)
