"""asymmetric: too little and too much at prices of their own, plus concentration (eq. 9)."""

from adl_opt.programs import MaxBurden, Overshoot, RoundProgram, Undershoot

KIND = "round"


def build(
    l_under: float = 2.0, l_over: float = 1.0, l_fair: float = 1.0, base: str = "capacity"
) -> RoundProgram:
    """Minimise l_under [B - H]_+ + l_over [H - B]_+ + l_fair max burden; l_fair in USD for a burden of 1."""
    goal = l_under * Undershoot() + l_over * Overshoot() + l_fair * MaxBurden(base)
    return RoundProgram(goal, name="asymmetric")
