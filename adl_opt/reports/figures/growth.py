"""How regret grows over T: learners on a stream made against each, beside their own bounds."""

from __future__ import annotations

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import make_severity
from adl_opt.severity.learners.learner import Learner
from adl_opt.studies.theory.finding import fitted_exponent, horizons
from adl_opt.studies.theory.streams import far_end, static_regrets

LEARNERS = ("ogd", "adagrad", "ftrl-quadratic", "ftrl-exact", "coin-betting", "last-value")
STREAM = "made against each learner (theta_t* at the far end of what it plays)"
ROUNDS = 2048

Growth = tuple[tuple[int, ...], dict[str, Floats], dict[str, Floats], dict[str, float]]


def growth_data(rounds: int = ROUNDS) -> Growth:
    """Return horizons T, static regret and bound at each T by learner (USD), and fitted exponents.

    Parameters
    ----------
    rounds : int
        The longest horizon.

    Examples
    --------
    >>> times, regret, bound, exponent = growth_data(256)
    >>> bool((regret["ftrl-exact"] <= bound["ftrl-exact"]).all())
    True
    """
    times = horizons(rounds, 7)
    regret: dict[str, Floats] = {}
    bound: dict[str, Floats] = {}
    exponent: dict[str, float] = {}
    for name in LEARNERS:
        learner = make_severity(name)
        assert isinstance(learner, Learner)  # noqa: S101
        played, target = far_end(learner, times[-1])
        regret[name] = np.array(static_regrets(played, target, times))
        stated = [learner.bound(np.ones(t), target[:t], played[:t]) for t in times]
        if all(b is not None and b.kind == "static" for b in stated):
            bound[name] = np.array([b.value for b in stated])
        exponent[name] = fitted_exponent(times, list(regret[name]))
    return times, regret, bound, exponent
