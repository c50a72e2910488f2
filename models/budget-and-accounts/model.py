"""budget-and-accounts: severity, accounts and lots together, least overshoot that keeps the venue solvent."""

from adl_opt.programs import Lots, MaxAccounts, MaxBurden, Overshoot, RoundProgram, Solvency

KIND = "round"


def build(k: int = 50, weight: float = 10_000.0, base: str = "capacity") -> RoundProgram:
    """Minimise [H - B]_+ + weight max burden (weight in USD), H >= B, at most k accounts, whole lots."""
    goal = Overshoot() + weight * MaxBurden(base)
    return RoundProgram(goal, [Solvency(), MaxAccounts(k), Lots()], name="budget-and-accounts")
