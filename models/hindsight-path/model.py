"""hindsight-path: the best severities in hindsight, within a limit on how far they move."""

from functools import partial

from adl_opt.programs.hindsight import best_path

KIND = "hindsight"


def build(path_budget: float = 1.0) -> partial:
    """Return episode -> severities: minimise sum |theta_t D_t - B_t|, sum |theta_t - theta_{t-1}| <= P."""
    return partial(best_path, path_budget=path_budget)
