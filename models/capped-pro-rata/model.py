"""capped-pro-rata: least strictly convex disutility of haircuts, which is h = min(eta, cap) (ADL-1)."""

from adl_opt.programs import Entropy, ExactBudget, HaircutCap, RoundProgram

KIND = "round"


def build(cap: float = 0.9) -> RoundProgram:
    """Minimise sum u phi(x / u), sum x = B, x <= cap u with cap < 1."""
    return RoundProgram(Entropy(), [ExactBudget(), HaircutCap(cap)], name="capped-pro-rata")
