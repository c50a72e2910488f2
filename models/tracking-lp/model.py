"""tracking-lp: the deployed surrogate (eq. 10), whose argmin is the optimum of the round (eq. 11)."""

from adl_opt.programs import MaxBurden, RoundProgram, Tracking

KIND = "round"


def build(l_track: float = 1.0, l_fair: float = 1.0, base: str = "capacity") -> RoundProgram:
    """Minimise l_track |H - B| + l_fair max burden; l_fair in USD for a burden of 1."""
    return RoundProgram(l_track * Tracking() + l_fair * MaxBurden(base), name="tracking-lp")
