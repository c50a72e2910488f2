"""A search that tries to break each bound: random starts, then the best is changed as long as that helps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.studies.theory.games import Game

SEED = 7
_CORNERS = (0.0, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The worst that the search found for one bound.

    Parameters
    ----------
    theorem : str
        Whose bound it is.
    ratio : float
        Largest measured / bound found.
    tried : int
        Instances that were tried.
    regret, bound : float
        Measured value and bound there.
    tight : bool
        The bound is attained in theory, so a ratio of 1 is no surprise.
    """

    theorem: str
    ratio: float
    tried: int
    regret: float
    bound: float
    tight: bool = False

    @property
    def holds(self) -> bool:
        """Whether no instance broke the bound."""
        return self.ratio <= 1.0 if self.tight else self.ratio < 1.0


def attack(game: Game, tries: int = 300, seed: int = SEED) -> Attempt:
    """Look for the instance with the largest measured / bound.

    Parameters
    ----------
    game : Game
        Turns a point of [0, 1]^k into an instance and measures it.
    tries : int
        Instances to try in all; a third of them at random, half with coordinates at 0, 1/2 and 1.
    seed : int

    Examples
    --------
    >>> from adl_opt.studies.theory.games import games
    >>> found = attack(games()["Prop. 1"], tries=30)
    >>> found.holds, found.tried
    (True, 30)
    """
    rng = np.random.default_rng([seed, game.size])
    best = np.full(game.size, 0.5)
    worst = game.measure(best)
    for k in range(1, tries):
        point = _anywhere(rng, k, game.size) if k < tries // 3 else _near(rng, k, best)
        made = game.measure(point)
        if made.ratio >= worst.ratio:
            best, worst = point, made
    return Attempt(
        theorem=game.name,
        ratio=float(worst.ratio),
        tried=tries,
        regret=float(worst.regret),
        bound=float(worst.bound.value),
        tight=game.tight,
    )


def _anywhere(rng: np.random.Generator, k: int, size: int) -> Floats:
    """Return a random point; every second one is a corner of the cube or lies midway."""
    return np.asarray(rng.choice(_CORNERS, size) if k % 2 else rng.uniform(size=size))


def _near(rng: np.random.Generator, k: int, best: Floats) -> Floats:
    """Return the best point so far with one to three coordinates drawn anew, or moved a little."""
    point = best.copy()
    some = rng.integers(0, best.size, rng.integers(1, 4))
    if k % 3:
        point[some] = _anywhere(rng, k, some.size)
    else:
        point[some] = np.clip(point[some] + rng.normal(0.0, 0.1, some.size), 0.0, 1.0)
    return point
