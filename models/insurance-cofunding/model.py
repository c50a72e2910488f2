"""insurance-cofunding: what the insurance fund pays, and what winners pay."""

from adl_opt.programs import FundDraw, MaxBurden, RoundProgram, Solvency

KIND = "round"


def build(
    fund: float = 1e6, price: float = 0.0, weight: float = 10_000.0, base: str = "capacity"
) -> RoundProgram:
    """Minimise price draw + weight max burden (USD), H + draw >= B, 0 <= draw <= fund USD.

    The fund is free by default, so it pays first.
    """
    goal = price * FundDraw() + weight * MaxBurden(base)
    return RoundProgram(goal, [Solvency(fund=fund)], name="insurance-cofunding")
