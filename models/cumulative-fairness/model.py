"""cumulative-fairness: all rounds of an episode together, and no account carries too much over time."""

from adl_opt.programs import CumulativeBurden, Depletion, EpisodeProgram, MaxBurden, RoundProgram, Undershoot

KIND = "episode"


def build(cap: float = 0.5, weight: float = 1.0, base: str = "capacity") -> EpisodeProgram:
    """Minimise sum_t [B_t - H_t]_+ + weight max burden_t; over time x_i <= cap base_i; haircuts deplete."""
    program = RoundProgram(Undershoot() + weight * MaxBurden(base), name="cumulative-fairness")
    return EpisodeProgram(program, [CumulativeBurden(cap), Depletion()], name="cumulative-fairness")
