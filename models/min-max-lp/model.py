"""min-max-lp: the smallest largest burden of an exact budget (P), and its dual (D) (Prop. 9)."""

from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram
from adl_opt.rounds.round import Round

KIND = "round"


def build(base: str = "capacity") -> RoundProgram:
    """(P): minimise z, x_i <= z base_i, sum x = B, 0 <= x <= u."""
    return RoundProgram(MaxBurden(base), [ExactBudget()], name="min-max-lp")


def dual(round_: Round, needed: float) -> tuple[float, float]:
    """(D) on the capacity base: maximise y B, y U <= 1; return y (1 / USD) and y B.

    y is the shadow price of the budget, ``solve(build(), ...).duals["budget"]``.
    """
    y = 1.0 / round_.capacity_usd if round_.capacity_usd > 0 else 0.0
    return y, y * needed
