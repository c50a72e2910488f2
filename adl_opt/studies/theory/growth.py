"""How regret grows over T: learners on a stream made against each, beside their own bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adl_opt.losses import Loss
from adl_opt.rounds.columns import Floats
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.learners.learner import Learner
from adl_opt.studies.theory.finding import fitted_exponent, horizons
from adl_opt.studies.theory.streams import far_end, static_regrets

PLAYED = ("ogd", "adagrad", "ftrl-quadratic", "ftrl-exact", "coin-betting", "last-value")
STREAM = "made against each learner (theta_t* at the far end of what it plays)"
ROUNDS = 2048


@dataclass(frozen=True, eq=False, kw_only=True)
class RegretGrowth:
    """How regret grows over T, by learner.

    Parameters
    ----------
    rounds : (k,) int
        Horizons T.
    regret, bound : mapping of learner to (k,) USD
        Static regret, and the learner's own bound where it has one on it.
    exponent : mapping of learner to float
        The fitted e of regret ~ T^e.
    """

    rounds: Sequence[int]
    regret: Mapping[str, Floats]
    bound: Mapping[str, Floats]
    exponent: Mapping[str, float]


def regret_growth(
    learners: Iterable[Learner] = (), *, rounds: int = ROUNDS, loss: Loss | None = None
) -> RegretGrowth:
    """Return static regret and bound of learners, then of :data:`PLAYED`, at horizons up to a longest one.

    A loss gives the learners its weights of under- and overshoot.

    Examples
    --------
    >>> found = regret_growth(rounds=256)
    >>> bool((found.regret["ftrl-exact"] <= found.bound["ftrl-exact"]).all())
    True
    """
    times = horizons(rounds, 7)
    regret: dict[str, Floats] = {}
    bound: dict[str, Floats] = {}
    exponent: dict[str, float] = {}
    played_by = {learner.label(): learner for learner in (*learners, *(LEARNERS[name]() for name in PLAYED))}
    for name, plain in played_by.items():
        learner = plain.on(loss or Loss())
        played, target = far_end(learner, times[-1])
        regret[name] = np.array(static_regrets(played, target, times))
        if learner.kind == "static":
            stated = [learner.bound(np.ones(t), target[:t], played[:t]) for t in times]
            bound[name] = np.array([b.value for b in stated])
        exponent[name] = fitted_exponent(times, list(regret[name]))
    return RegretGrowth(rounds=times, regret=regret, bound=bound, exponent=exponent)
