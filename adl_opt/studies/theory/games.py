"""Instances for the counterexample search: a point of the unit cube becomes a stream for one theorem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adl_opt.evaluate.theorems.descent import Descent, best_step, descend, prop_2, prop_3, prop_5
from adl_opt.evaluate.theorems.geometry import prop_4
from adl_opt.evaluate.theorems.measured import Measured
from adl_opt.evaluate.theorems.theorems import learner_theorem, prop_1, prop_10
from adl_opt.kernels.fill.project import project_capped
from adl_opt.kernels.fill.queue import fill_in_order
from adl_opt.losses import Loss
from adl_opt.rounds.columns import Floats
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.learners.hedge import Hedge
from adl_opt.severity.learners.learner import Learner

ROUNDS = 12
ACCOUNTS = 3


@dataclass(frozen=True, kw_only=True)
class Game:
    """One theorem under attack.

    Parameters
    ----------
    name : str
    size : int
        k: the search moves in [0, 1]^k.
    measure : callable
        From a point (k,) to the measured quantity beside its bound.
    tight : bool
        Whether the theorem is attained with equality.
    """

    name: str
    size: int
    measure: Callable[[Floats], Measured]
    tight: bool = False


def stream(point: Floats) -> tuple[Floats, Floats]:
    """Return deficits, (T,) USD between 0.001 and 1,000 (0 where the coordinate is 0), and targets.

    Examples
    --------
    >>> deficit, target = stream(np.array([0.0, 0.5, 1.0, 0.25]))
    >>> deficit.round(9), target
    (array([0., 1.]), array([1.  , 0.25]))
    """
    sizes, target = np.split(point, 2)
    return np.where(sizes > 0.0, 10.0 ** (6.0 * sizes - 3.0), 0.0), target


def _scalar(measure: Callable[[Floats, Floats], Measured]) -> Callable[[Floats], Measured]:
    return lambda point: measure(*stream(point))


def _learner(learner: Learner) -> Game:
    return Game(
        name=learner.name,
        size=2 * ROUNDS,
        measure=_scalar(lambda deficit, target: learner_theorem(learner, deficit, target)),
    )


def _prop_1_any_step(point: Floats) -> Measured:
    deficit, target = stream(point[1:])
    return prop_1(deficit, target, eta=10.0 ** (6.0 * float(point[0]) - 3.0))


def _prop_4(point: Floats) -> Measured:
    """Measure both halves of Prop. 4, the larger ratio: capacities, budget, weights, two allocations."""
    u = 10.0 ** (4.0 * point[:ACCOUNTS] - 2.0)
    scale = float(u.sum())
    track, fair, needed = 10.0 ** (4.0 * point[3] - 2.0), 10.0 ** (4.0 * point[4] - 2.0), scale * point[5]
    haircuts = np.array([u * point[6:9], u * point[9:12]])
    return max(prop_4(haircuts, u, float(needed), track=track, fair=fair), key=lambda m: m.ratio)


def _prop_10(point: Floats) -> Measured:
    impact, estimate, quantity = np.split(point, 3)
    return prop_10(estimate, impact, 10.0 * quantity)


def _prop_3_any_step(point: Floats) -> Measured:
    return prop_3(vector_game(point[1:], moving=True, eta=10.0 ** (2.0 * float(point[0]) - 1.0)))


def vector_game(point: Floats, *, moving: bool, eta: float | None = None) -> Descent:
    """Return projected descent on {0 <= x <= u, sum x = 1} against linear losses.

    Parameters
    ----------
    point : (3 + T 3,)
        Capacities 0.5 ... 1.5 USD, and slopes -1 ... 1 of every round.
    moving : bool
        Against the best x of each round, else against the best fixed x.
    eta : float, optional
        None is the best step of Prop. 5 (moving), or that of Prop. 2.

    Examples
    --------
    >>> game = vector_game(np.full(39, 0.25), moving=False)
    >>> game.rounds, game.path
    (12, 0.0)
    """
    u = 0.5 + point[:ACCOUNTS]
    slopes = 2.0 * point[ACCOUNTS:].reshape(-1, ACCOUNTS) - 1.0
    rounds, scale = slopes.shape[0], float(u.max())
    if moving:
        best = np.array([fill_in_order(u, np.argsort(g, kind="stable"), 1.0) for g in slopes])
    else:
        best = np.tile(fill_in_order(u, np.argsort(slopes.sum(axis=0), kind="stable"), 1.0), (rounds, 1))
    diameter = float(np.sqrt(2.0))  # of {x >= 0, sum x = 1}

    def project(t: int, y: Floats) -> Floats:
        return scale * project_capped(y / scale, np.ones(u.size), 1.0 / scale, cap=u / scale)

    def play(step: float) -> Descent:
        start = project(0, np.zeros(u.size))
        points, _ = descend(start, lambda t, x: slopes[t], project, eta=step, rounds=rounds)
        return Descent(points=points, slopes=slopes, comparators=best, eta=step, diameter=diameter)

    first = play(1.0 if eta is None else eta)
    if eta is not None or first.squares == 0.0:
        return first
    return play(best_step(first) if moving else diameter / (first.steepest * np.sqrt(rounds)))


_VECTOR = ACCOUNTS * (1 + ROUNDS)
_HEDGE = Hedge(learners=tuple(LEARNERS[n]() for n in ("ftrl-exact", "last-value", "ogd")))


def games(loss: Loss | None = None) -> dict[str, Game]:
    """Return every theorem under attack, by name; a loss gives the learners its weights.

    Examples
    --------
    >>> list(games())[:2]
    ['Prop. 1', 'Prop. 1, any step']
    """
    learners = [kind() for kind in LEARNERS.values()]
    made = [
        Game(name="Prop. 1", size=2 * ROUNDS, measure=_scalar(prop_1)),
        Game(name="Prop. 1, any step", size=2 * ROUNDS + 1, measure=_prop_1_any_step),
        Game(name="Prop. 2", size=_VECTOR, measure=lambda p: prop_2(vector_game(p, moving=False))),
        Game(name="Prop. 3, its proof", size=_VECTOR + 1, measure=_prop_3_any_step),
        Game(name="Prop. 4", size=12, measure=_prop_4),
        Game(name="Prop. 5", size=_VECTOR, measure=lambda p: prop_5(vector_game(p, moving=True))),
        Game(name="Prop. 10", size=3 * ROUNDS, measure=_prop_10, tight=True),
        *(_learner(learner.on(loss or Loss())) for learner in (*learners, _HEDGE)),
    ]
    return {game.name: game for game in made}
