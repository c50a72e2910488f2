"""Props. 2, 3 and 5 as objects: projected descent in many dimensions, on sets that may move.

The proof in one line: a projection brings no point u of the set further away, so
|x' - u|^2 <= |x - u|^2 - 2 eta <g, x - u> + eta^2 |g|^2; divide by 2 eta and sum; moving u by p changes the
square by at most 2 Diam p.  That gives Reg <= (Diam^2 + 2 Diam P) / (2 eta) + (eta/2) sum |g|^2 and no more:
with the step Diam / (G sqrt T) of Prop. 2 the path term is G P sqrt T.  The closing line that is printed
under Prop. 3 (and in Lemma 6 and eq. 47), O(G Diam sqrt T + G P), does not follow, and is false
(:func:`prop_3_as_printed`, and ``adl-opt theory`` shows by how much).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adl_opt.evaluate.theorems.measured import Measured
from adl_opt.rounds.columns import Floats
from adl_opt.severity.learners.bound import ROUNDING, Bound, Kind


@dataclass(frozen=True, kw_only=True)
class Descent:
    """What was played, and against whom.

    Parameters
    ----------
    points : (T + 1, n)
        x_1 ... x_{T+1}, any unit.
    slopes : (T, n)
        g_t, a subgradient of round t's loss at x_t.
    comparators : (T, n)
        u_t, each in the set of its round; all the same for static regret.
    eta : float
        The step, > 0.
    diameter : float
        Diam, of the union of the sets, > 0.
    """

    points: Floats
    slopes: Floats
    comparators: Floats
    eta: float
    diameter: float

    @property
    def rounds(self) -> int:
        """T."""
        return int(self.slopes.shape[0])

    @cached_property
    def regret(self) -> float:
        """The linearised regret sum <g_t, x_t - u_t>, at least that of any convex loss with these slopes."""
        return math.fsum(np.ravel(self.slopes * (self.points[:-1] - self.comparators)))

    @cached_property
    def path(self) -> float:
        """P = sum |u_t - u_{t-1}|."""
        return math.fsum(np.linalg.norm(np.diff(self.comparators, axis=0), axis=1))

    @cached_property
    def squares(self) -> float:
        """The sum of |g_t|^2."""
        return math.fsum(np.ravel(np.square(self.slopes)))

    @cached_property
    def steepest(self) -> float:
        """G = max |g_t|."""
        return float(np.max(np.linalg.norm(self.slopes, axis=1), initial=0.0))

    def assumptions(self) -> dict[str, bool]:
        """Return what the proof uses, by name, and whether it holds on what was played."""
        left = np.square(self.points[1:] - self.comparators).sum(axis=1)
        gap = self.points[:-1] - self.comparators
        stepped = gap - self.eta * self.slopes
        right = np.square(stepped).sum(axis=1)
        slack = 1e-9 * (self.diameter**2 + (self.eta * self.steepest) ** 2)
        far = np.linalg.norm(gap, axis=1)
        return {
            "a step brings no comparator further": bool(np.all(left <= right + slack)),
            "points and comparators lie within the diameter": bool(
                np.all(far <= self.diameter * (1.0 + 1e-9))
            ),
            "step is fixed and positive": self.eta > 0.0,
        }

    def within(self, value: float, kind: Kind, theorem: str, assumptions: dict[str, bool]) -> Measured:
        """Return the regret beside a bound, with the constants as observed."""
        constants = {
            "rounds": float(self.rounds),
            "diameter": self.diameter,
            "path": self.path,
            "eta": self.eta,
            "steepest": self.steepest,
            "slope_squares": self.squares,
        }
        bound = Bound(value=value, kind=kind, theorem=theorem, constants=constants, assumptions=assumptions)
        return Measured(bound=bound, regret=self.regret)

    def rounding(self) -> float:
        """Return what a bound in reals adds for floats."""
        return ROUNDING * self.rounds * self.steepest * self.diameter


def descend(
    start: Floats,
    slope: Callable[[int, Floats], Floats],
    project: Callable[[int, Floats], Floats],
    *,
    eta: float,
    rounds: int,
) -> tuple[Floats, Floats]:
    """Play x_{t+1} = project(t, x_t - eta g_t); return points (T + 1, n) and slopes (T, n).

    Examples
    --------
    >>> unit = lambda t, x: np.clip(x, 0.0, 1.0)
    >>> points, slopes = descend(np.array([0.5]), lambda t, x: np.ones(1), unit, eta=0.25, rounds=3)
    >>> points.ravel()
    array([0.5 , 0.25, 0.  , 0.  ])
    """
    points, slopes = np.empty((rounds + 1, start.size)), np.empty((rounds, start.size))
    points[0] = start
    for t in range(rounds):
        slopes[t] = slope(t, points[t])
        points[t + 1] = project(t, points[t] - eta * slopes[t])
    return points, slopes


def prop_2(game: Descent) -> Measured:
    """Prop. 2: static regret <= G Diam sqrt T, with the step Diam / (G sqrt T).

    Examples
    --------
    >>> x, g = np.array([[0.5], [0.0]]), np.array([[1.0]])
    >>> prop_2(Descent(points=x, slopes=g, comparators=np.zeros((1, 1)), eta=1.0, diameter=1.0)).ratio < 0.51
    True
    """
    right_step = game.diameter / (game.steepest * math.sqrt(game.rounds)) if game.steepest > 0 else game.eta
    return game.within(
        game.steepest * game.diameter * math.sqrt(game.rounds) + game.rounding(),
        "static",
        "Reg <= G Diam sqrt T (Prop. 2)",
        {
            **game.assumptions(),
            "comparator is fixed": game.path == 0.0,
            "step is Diam / (G sqrt T)": math.isclose(game.eta, right_step, rel_tol=1e-9),
        },
    )


def prop_3(game: Descent) -> Measured:
    """Prop. 3 as its proof gives it: the inequality with the step in it.

    Examples
    --------
    >>> x, g = np.array([[0.5], [0.0]]), np.array([[1.0]])
    >>> prop_3(Descent(points=x, slopes=g, comparators=np.zeros((1, 1)), eta=1.0, diameter=1.0)).regret
    0.5
    """
    value = (
        game.diameter * (game.diameter + 2.0 * game.path) / (2.0 * game.eta) + 0.5 * game.eta * game.squares
    )
    return game.within(
        value + game.rounding(),
        "dynamic",
        "Reg <= (Diam^2 + 2 Diam P)/(2 eta) + (eta/2) sum |g_t|^2 (Prop. 3, its proof)",
        game.assumptions(),
    )


def best_step(game: Descent) -> float:
    """Return eta* = sqrt((Diam^2 + 2 Diam P) / sum |g|^2), at which Prop. 3 is least (hindsight)."""
    return math.sqrt(game.diameter * (game.diameter + 2.0 * game.path) / game.squares)


def prop_5(game: Descent) -> Measured:
    """Prop. 5: Prop. 3 at its best step, sqrt((Diam^2 + 2 Diam P) sum |g|^2).

    Examples
    --------
    >>> x, g = np.array([[0.5], [0.0]]), np.array([[1.0]])
    >>> game = Descent(points=x, slopes=g, comparators=np.zeros((1, 1)), eta=1.0, diameter=1.0)
    >>> best_step(game), prop_5(game).bound.holds
    (1.0, True)
    """
    value = math.sqrt(game.diameter * (game.diameter + 2.0 * game.path) * game.squares)
    right = game.squares == 0.0 or math.isclose(game.eta, best_step(game), rel_tol=1e-9)
    return game.within(
        value + game.rounding(),
        "dynamic",
        "Reg <= sqrt((Diam^2 + 2 Diam P) sum |g_t|^2) (Prop. 5)",
        {**game.assumptions(), "step is the best one": right},
    )


def prop_3_as_printed(game: Descent) -> Measured:
    """Return the closing line under Prop. 3, G Diam sqrt T + G P: printed, not proven, and false.

    It is here to be measured against.  Its one assumption does not hold.

    Examples
    --------
    >>> x, g = np.array([[0.5], [0.0]]), np.array([[1.0]])
    >>> game = Descent(points=x, slopes=g, comparators=np.zeros((1, 1)), eta=1.0, diameter=1.0)
    >>> prop_3_as_printed(game).bound.holds
    False
    """
    return game.within(
        game.steepest * (game.diameter * math.sqrt(game.rounds) + game.path),
        "dynamic",
        "Reg <= O(G Diam sqrt T + G P) (printed under Prop. 3; false)",
        {"follows from the proof": False},
    )


def least_dynamic_regret(game: Descent) -> float:
    """Return G sqrt(T (Diam^2 + Diam P)): no algorithm has a dynamic regret of smaller order.

    References
    ----------
    Zhang, Lu, Zhou (2018), "Adaptive online learning in dynamic environments", Theorem 2.
    """
    return game.steepest * math.sqrt(game.rounds * game.diameter * (game.diameter + game.path))
