"""Newton steps after the interior-point method, and the tangent that proves what they find."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from adl_opt.programs import (
    Entropy,
    ExactBudget,
    HaircutCap,
    MaxBurden,
    ObjectiveTerm,
    Options,
    RoundProgram,
    Solvency,
    Status,
    Tracking,
    Undershoot,
    solve,
)
from adl_opt.programs.engines.highs import polish
from adl_opt.programs.tangent import TangentProof
from tests.programs.cases import make_round


@dataclass(frozen=True, eq=False)
class Square(ObjectiveTerm):
    """sum x_i^2 / 2 u_i, USD."""

    name: str = field(default="square", kw_only=True)
    curvature = "convex"
    needs = frozenset({"cone"})

    def value(self, point, round_):
        return math.fsum(point.x**2 / round_.accounts.capacity) / 2

    def slopes(self, x, round_):
        return x / round_.accounts.capacity, 1 / round_.accounts.capacity

    def expression(self, symbols):
        cp = symbols.cp
        return cp.sum(cp.multiply(symbols.capacity / 2, cp.square(symbols.h)))


@pytest.mark.parametrize("share", [1e-4, 1e-2, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("seed", range(6))
def test_clarabel_is_the_kernel(seed, share):
    """Also at haircuts of 1e-4, where the cone is written in numbers 1e8 times the objective."""
    round_ = make_round(seed, 2 + seed, spread=(0.5, 1.5, 3.0)[seed % 3])
    needed = round(share * round_.capacity_usd, 4)
    for program in (
        RoundProgram(Entropy(), [ExactBudget()]),
        RoundProgram(2 * Entropy(), [Solvency(), HaircutCap(0.96)]),
    ):
        kernel, cone = (solve(program, round_, needed=needed, engine=e) for e in ("kernel", "cvxpy"))
        assert cone.engine == "cvxpy:clarabel"
        assert cone.status is Status.OPTIMAL, cone.message
        assert isinstance(cone.proof, TangentProof)
        assert cone.certify().ok
        assert cone.gap <= 1e-9
        assert cone.objective == pytest.approx(kernel.objective, rel=1e-10)


@pytest.mark.parametrize("share", [0.001, 0.2, 0.6, 1.0, 1.4])
@pytest.mark.parametrize("seed", range(4))
def test_mixed_programs_are_proven_to_a_billionth(seed, share):
    round_ = make_round(seed, 3 + seed)
    u = round_.capacity_usd
    needed = round(share * u, 4)
    for program in (
        RoundProgram(Entropy() + Tracking()),
        RoundProgram(Entropy() + 0.3 * u * MaxBurden("equity") + 2 * Undershoot()),
    ):
        answer = solve(program, round_, needed=needed)
        assert answer.status is Status.OPTIMAL, answer.message
        assert answer.certify().ok
        assert answer.gap <= 1e-9


def test_a_term_of_ones_own_with_slopes():
    """sum x^2 / 2u at a given total is pro-rata: h = B / U, value B^2 / 2U."""
    round_ = make_round(3, 5)
    u, needed = round_.capacity_usd, 0.2 * round_.capacity_usd
    answer = solve(RoundProgram(Square(), [ExactBudget()]), round_, needed=needed)
    assert answer.status is Status.OPTIMAL, answer.message
    assert isinstance(answer.proof, TangentProof)
    assert answer.objective == pytest.approx(needed**2 / (2 * u), rel=1e-10)
    np.testing.assert_allclose(answer.x / round_.accounts.capacity, 0.2, rtol=1e-6)


def test_the_tangent_refuses_what_is_wrong():
    round_ = make_round(2, 5)
    program = RoundProgram(Entropy(), [ExactBudget()])
    answer = solve(program, round_, needed=0.4 * round_.capacity_usd, engine="cvxpy")
    proof = answer.proof
    assert not replace(answer, proof=replace(proof, y=-proof.y)).certify().ok
    assert not replace(answer, proof=replace(proof, y=0.9 * proof.y)).certify().ok
    away = replace(proof.point, x=proof.point.x[::-1].copy())
    moved = replace(proof, point=away)
    assert moved.bound() <= answer.objective * (1 + 1e-12)  # any tangent bounds from below
    assert not replace(answer, proof=moved).certify().ok
    rng = np.random.default_rng(0)
    for _ in range(20):
        y = proof.y * rng.uniform(0.5, 1.5, proof.y.size)
        x = np.clip(proof.point.x * rng.uniform(0.5, 1.5, 5), 0, round_.accounts.capacity * 0.999)
        other = replace(proof, y=y, point=replace(proof.point, x=x))
        assert other.bound() <= answer.objective * (1 + 1e-12)


def test_without_a_polish_the_cone_still_proves_what_it_can(monkeypatch):
    monkeypatch.setattr(polish, "LARGEST", 0)
    round_ = make_round(2, 5)
    program = RoundProgram(Entropy(), [ExactBudget()])
    answer = solve(program, round_, needed=0.4 * round_.capacity_usd, engine="cvxpy", options=Options())
    assert isinstance(answer.proof, TangentProof)
    assert answer.status is Status.OPTIMAL
    assert answer.allowed_gap == 1e-7


@pytest.mark.parametrize("engine", ["kernel", "cvxpy"])
@pytest.mark.parametrize("rules", [[ExactBudget()], [Solvency(), HaircutCap(0.6)]])
def test_the_price_of_the_budget_is_a_derivative(engine, rules):
    round_, program = make_round(4, 5), RoundProgram(2 * Entropy(), rules)
    needed, step = 0.3 * round_.capacity_usd, 1e-3

    def at(b):
        return solve(program, round_, needed=b, engine=engine)

    slope = (at(needed + step).objective - at(needed - step).objective) / (2 * step)
    answer = at(needed)
    assert answer.duals["budget"].value == pytest.approx(slope, rel=1e-6)
    assert answer.certify().ok
    lied = {"budget": replace(answer.duals["budget"], value=-slope)}
    assert "duals" in replace(answer, duals=lied).certify().failed
