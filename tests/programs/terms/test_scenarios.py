"""Terms over scenarios of the needed budget: values by hand, optima by enumeration of scenarios and kinks."""

from itertools import product

import numpy as np
import pytest

from adl_opt.errors import UsageError
from adl_opt.programs import (
    Coverage,
    CVaR,
    MaxBurden,
    Point,
    RoundProgram,
    Status,
    TotalHaircut,
    WorstLoss,
    solve,
)
from tests.programs.cases import make_round

MULTIPLES = (0.5, 0.9, 1.0, 1.4)
CHANCES = (0.1, 0.4, 0.3, 0.2)


def at(executed, needed=10.0):
    return Point(x=np.array([executed]), needed=needed)


def test_values_by_hand():
    worst = WorstLoss(MULTIPLES, under=2.0, over=3.0, relative=True)
    assert worst.value(at(10.0), None) == pytest.approx(max(2.0 * 4.0, 3.0 * 5.0))
    assert worst.value(at(0.0), None) == pytest.approx(28.0)
    assert CVaR([5.0, 20.0], alpha=0.5).value(at(10.0), None) == 10.0
    assert CVaR([0.5, 2.0], alpha=0.5, relative=True).value(at(10.0), None) == 10.0


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.2, 0.5, 0.6, 0.9, 1.0])
def test_coverage_asks_for_the_quantile(epsilon):
    rule = Coverage(MULTIPLES, CHANCES, epsilon, relative=True)
    needed = np.array(MULTIPLES) * 10.0
    allowed = [h for h in (0.0, *needed) if np.array(CHANCES)[needed > h].sum() <= epsilon + 1e-12]
    assert rule.level(10.0) == min(allowed)
    assert rule.violation(at(min(allowed) + 1.0), None) == 0.0
    assert rule.violation(at(0.0), None) == pytest.approx(min(allowed))


@pytest.mark.parametrize("engine", ["highs", "cvxpy"])
@pytest.mark.parametrize("epsilon", [0.0, 0.2, 0.35, 0.7, 1.0])
def test_least_haircut_that_covers_enough_by_enumeration_of_sets(engine, epsilon):
    """Every set of scenarios may be the covered one: the least H over those that are likely enough."""
    round_ = make_round(3, 4)
    b = 0.4 * round_.capacity_usd
    rule = Coverage(MULTIPLES, CHANCES, epsilon, relative=True)
    best = min(
        max([0.0, *(m * b for m, c in zip(MULTIPLES, covered, strict=True) if c)])
        for covered in product((False, True), repeat=4)
        if sum(q for q, c in zip(CHANCES, covered, strict=True) if not c) <= epsilon + 1e-12
    )
    found = solve(RoundProgram(TotalHaircut(), [rule]), round_, needed=b, engine=engine)
    assert found.status is Status.OPTIMAL, found.message
    assert found.objective == pytest.approx(best, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("engine", ["highs", "cvxpy"])
def test_too_much_to_cover_is_infeasible_and_named(engine):
    round_ = make_round(3, 4)
    rule = Coverage(MULTIPLES, CHANCES, 0.0, relative=True)
    found = solve(RoundProgram(MaxBurden(), [rule]), round_, needed=round_.capacity_usd, engine=engine)
    assert found.status is Status.INFEASIBLE
    assert "coverage" in found.conflict


@pytest.mark.parametrize(
    "make",
    [
        lambda: WorstLoss([]),
        lambda: WorstLoss([1.0, np.nan]),
        lambda: WorstLoss([1.0], under=-1.0),
        lambda: Coverage([1.0, 2.0], [0.5, 0.6]),
        lambda: Coverage([-1.0, 2.0]),
        lambda: Coverage([1.0], epsilon=1.5),
    ],
)
def test_what_cannot_be_meant_is_refused(make):
    with pytest.raises(UsageError):
        make()
