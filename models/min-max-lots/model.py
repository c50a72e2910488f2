"""min-max-lots: the smallest largest burden over whole lots (eq. 8)."""

from adl_opt.programs import Lots, MaxBurden, RoundProgram, Solvency

KIND = "round"


def build(base: str = "capacity") -> RoundProgram:
    """Minimise z, x_i <= z base_i, sum x >= B, x on the lot grid; the kernel then gives back spare lots."""
    return RoundProgram(MaxBurden(base), [Solvency(), Lots()], name="min-max-lots")
