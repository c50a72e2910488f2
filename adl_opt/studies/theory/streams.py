"""Streams made against a learner: the target is the far end from what it is about to play (D = 1 USD)."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.learners.bound import best_fixed_severity
from adl_opt.severity.learners.learner import Learner
from adl_opt.studies.theory.finding import Exponent, horizons

LINEAR = ("follow-the-leader", "last-value")
"""Baselines without a guarantee: exponent 1."""

FORGETTING = ("ftrl-discounted", "ftrl-windowed")
"""Their theorems grow as T at a fixed discount or window: exponent at most 1."""

LOGARITHMS = {"strongly-adaptive": 0.15, "ftrl-barrier": 0.15}
"""Tolerance of learners whose theorem has a factor log T, which a fit over few horizons reads as a power."""


def far_end(learner: Learner, rounds: int) -> tuple[Floats, Floats]:
    """Return what the learner plays and the targets chosen against it, both (T,).

    Notes
    -----
    theta_t* = 1 where theta_t < 1/2, else 0: the learner loses at least 1/2 USD a round, and the better of 0
    and 1 in hindsight at most T/2.

    Examples
    --------
    >>> from adl_opt.severity import make_severity
    >>> far_end(make_severity("last-value"), 3)[1]
    array([0., 1., 0.])
    """
    state = learner.start()
    played, target = np.empty(rounds), np.empty(rounds)
    for t in range(rounds):
        played[t] = learner.predict(state, 1.0)
        target[t] = float(played[t] < 0.5)
        state = learner.update(state, 1.0, float(target[t]), float(played[t]))
    return played, target


def static_regrets(played: Floats, target: Floats, times: tuple[int, ...]) -> tuple[float, ...]:
    """Return the static regret after each of the times, USD, for D = 1.

    Examples
    --------
    >>> static_regrets(np.array([0.0, 1.0]), np.array([1.0, 0.0]), (2,))
    (1.0,)
    """
    loss = np.abs(played - target)
    return tuple(math.fsum(loss[:t]) - best_fixed_severity(np.ones(t), target[:t])[1] for t in times)


def streams_findings(rounds: int) -> list[Exponent]:
    """Return how each learner's static regret grows on the stream made against it.

    Notes
    -----
    With a theorem: at most about 0.5; the margin of 0.1 is for the constant terms of short horizons.
    """
    times = horizons(rounds)
    made = []
    for name, kind in LEARNERS.items():
        regrets = static_regrets(*far_end(kind(), times[-1]), times)
        predicted = 1.0 if name in LINEAR + FORGETTING else 0.5
        margin, at_most = LOGARITHMS.get(name, 0.1), name not in LINEAR
        source = "far-end stream"
        made.append(Exponent(source, name, times, regrets, predicted, tolerance=margin, at_most=at_most))
    return made
