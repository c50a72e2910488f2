"""Amounts of very different size in one round: every engine still proves its optimum."""

import numpy as np
import pytest

from adl_opt.programs import (
    ExactBudget,
    MaxBurden,
    Overshoot,
    RoundProgram,
    Solvency,
    Status,
    Tracking,
    Undershoot,
    solve,
)
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts

MIXED = {
    "three": ([1e-9, 1e12, 5e11], 4e11),
    "a thousandth": ([1e-9, 1e12, 5e11], 1.5e9),
    "dust": ([1e-6, 3.0, 1e6, 1e12], 2e11),
    "cents": ([0.01, 0.02, 1e9, 4e10], 3e10),
}


@pytest.mark.parametrize("engine", ["auto", "highs", "cvxpy"])
@pytest.mark.parametrize("case", list(MIXED))
def test_mixed_magnitudes_in_one_round(case, engine):
    """Accounts from a billionth of a dollar to a trillion: every engine proves the optimum."""
    amounts, needed = MIXED[case]
    u = np.array(amounts)
    equity = u * np.linspace(1.0, 3.0, u.size)
    accounts = Accounts(id=[f"a{k}" for k in range(u.size)], pnl=u, equity=equity)
    round_, whole = Round(deficit=0.0, accounts=accounts), float(u.sum())
    found = {
        "tracking": RoundProgram(Tracking() + 0.3 * whole * MaxBurden("equity")),
        "overshoot": RoundProgram(Overshoot() + 1e-3 * whole * MaxBurden(), [Solvency()]),
        "undershoot": RoundProgram(Undershoot() + 0.01 * whole * MaxBurden("equity")),
        "solvency": RoundProgram(MaxBurden("equity"), [Solvency()]),
        "exact": RoundProgram(MaxBurden(), [ExactBudget()]),
    }
    for name, program in found.items():
        answer = solve(program, round_, needed=needed, engine=engine)
        known = solve(program, round_, needed=needed)
        assert answer.status is Status.OPTIMAL, (name, answer.message)
        assert answer.certify().ok, name
        assert answer.objective == pytest.approx(known.objective, rel=1e-9), name
    plain = solve(RoundProgram(Tracking()), round_, needed=needed, engine=engine)
    assert plain.objective <= 1e-15 * whole, plain  # a float of this size is no finer
    if case in ("three", "a thousandth", "cents"):
        assert plain.status is Status.OPTIMAL, plain.message
