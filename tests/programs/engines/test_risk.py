"""Risk-based closing by linear program: optimal by our own bound, and the same as the first-order method."""

import pytest

from adl_opt.errors import SolverError
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.saddle import risk_based
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.programs.engines.highs.risk import risk_based_lp
from tests.kernels.risk.books import enumerated_one_asset, random_book, random_moves
from tests.kernels.risk.test_risk import by_clarabel


@pytest.mark.parametrize("seed", range(12))
def test_the_program_is_optimal_by_its_prices(seed):
    book, scenarios = random_book(seed, accounts=20), random_moves(seed, count=12)
    answer = risk_based_lp(book, scenarios)
    assert answer.certify().ok, answer.certify().why()
    assert answer.gap <= 1e-11
    assert answer.shortfall_usd == pytest.approx(by_clarabel(book, scenarios), rel=1e-6)
    near = risk_based(book, scenarios, gap=1e-5)
    assert near.bound_usd <= answer.shortfall_usd * (1 + 1e-12)
    assert answer.bound_usd <= near.shortfall_usd * (1 + 1e-12)


def test_the_program_finds_the_optimum_of_enumeration_to_rounding():
    size, equity, moves, chance = [12, 20, 9], [3, -2, 8], [-1.5, -0.25, 0.5], [0.25, 0.5, 0.25]
    least = enumerated_one_asset(size, equity, 18, 0.25, moves, chance)
    book = RiskBook.of(equity, [0, 1, 2], [0, 0, 0], size, [[18, 0]], gives_up=[0.25] * 3)
    answer = risk_based_lp(book, PriceMoves.of([[move] for move in moves], chance, source="by hand"))
    assert answer.shortfall_usd == pytest.approx(float(least), rel=1e-13)
    assert answer.bound_usd == pytest.approx(float(least), rel=1e-13)


def test_a_solver_without_time_is_an_error():
    book, scenarios = random_book(1, accounts=200), random_moves(1, count=60)
    with pytest.raises(SolverError, match="risk-based closing"):
        risk_based_lp(book, scenarios, options={"time_limit_seconds": 0.0})
