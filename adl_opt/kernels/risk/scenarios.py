"""Scenarios of the next price move, as arrays: from past marks, or drawn from a covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.checks import refuse
from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector, vector

LIKELY = 1e-9
"""How far the probabilities of all scenarios may be from 1."""


@dataclass(frozen=True, eq=False)
class PriceMoves:
    """What the next move may be.

    Parameters
    ----------
    moves : (s, m)
        Change of the mark of every market in every scenario, USD per contract.
    chance : (s,)
        Probabilities, above 0, that sum to 1.
    source : str
        Where the moves come from; tables print it.
    """

    moves: npt.NDArray[np.float64]
    chance: Vector
    source: str

    @classmethod
    def of(cls, moves: npt.ArrayLike, chance: npt.ArrayLike | None = None, *, source: str) -> PriceMoves:
        """Check moves and probabilities; these are equal by default.

        Raises
        ------
        InputError
            No scenario, another shape, NaN, or probabilities that are not above 0 with sum 1.

        Examples
        --------
        >>> PriceMoves.of([[-5.0], [5.0]], source="by hand").chance
        array([0.5, 0.5])
        """
        table = np.asarray(moves)
        if table.ndim != 2 or len(table) == 0:
            raise InputError(
                "moves must be a table: one row a scenario, one column a market",
                got=f"shape {table.shape}",
                ways_out=["give at least one scenario"],
            )
        table, count = vector("moves", table.ravel()).reshape(table.shape), len(table)
        likely = vector(
            "chance",
            np.full(count, 1.0 / count) if chance is None else chance,
            size=count,
            low=0.0,
            open_low=True,
        )
        if abs(likely.sum() - 1.0) > LIKELY:
            raise InputError(
                "the probabilities of the scenarios do not sum to 1",
                got=f"sum {float(likely.sum())!r}",
                ways_out=["divide them by their sum", "leave them out, if all are equally likely"],
            )
        return cls(table, likely, source)


def past_moves(marks: npt.ArrayLike, *, mirrored: bool = True) -> PriceMoves:
    """Return the moves that marks made so far, as scenarios of the next move.

    Parameters
    ----------
    marks : (t, m)
        USD: marks of m markets at t >= 2 times, the last row is now.  NaN where a mark is not known: the last
        one known stands.
    mirrored : bool
        Whether each move comes a second time with its sign turned (of the logarithm of the mark).

    Returns
    -------
    PriceMoves
        One for each step between two times (two where mirrored), USD per contract at the mark of now.

    Raises
    ------
    InputError
        Fewer than two times, a mark that is not above 0, a market without any, or no mark that has moved.

    Notes
    -----
    Why these defaults, which no data was used to choose.  Past moves keep what makes a crash dangerous: all
    markets move together, and by much.  They need no model of the tails.  Mirrored, because a few steps of a
    falling market say how far prices move, and not where to: without the mirror every short would look
    safe.  All steps have the same weight: an episode is too short to say how fast the past should fade.  A
    market that is not seen at one of the two times of a step moves by the mean of the logarithms of those
    that are: the markets have a common direction, and a move of 0 would make its positions look safe.

    Examples
    --------
    >>> past_moves([[100.0, 10.0], [80.0, np.nan]]).moves
    array([[-16. ,  -2. ],
           [ 20. ,   2.5]])
    """
    table = np.array(marks, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] == 0:
        raise InputError(
            "past moves need marks at two times or more",
            got=f"shape {table.shape}",
            ways_out=["wait for a second round", "draw the moves from a covariance", "read them from a file"],
        )
    wrong = np.asarray(((table <= 0) | np.isinf(table)).any(axis=1))
    refuse("marks must be above 0 and finite", wrong, lambda row: f"row {row}: {table[row].tolist()}")
    seen = ~np.isnan(table)
    missing = np.asarray(~seen.any(axis=0))
    refuse("a market has no mark at any time", missing, lambda market: f"column {market}")
    last = np.maximum.accumulate(np.where(seen, np.arange(table.shape[0])[:, None], -1), axis=0)
    now = table[last[-1], np.arange(table.shape[1])]
    with np.errstate(invalid="ignore"):
        steps = np.diff(np.log(table), axis=0)
    both = ~np.isnan(steps)
    mean = np.where(both, steps, 0.0).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    steps = np.where(both, steps, mean[:, None])[both.any(axis=1)]
    if not steps.any():
        raise InputError(
            "no mark has moved between two times in a row",
            got=f"{len(steps)} steps of {table.shape[1]} markets",
            ways_out=["draw the moves from a covariance", "read them from a file"],
        )
    if mirrored:
        steps = np.concatenate([steps, -steps])
    text = f"{int(both.any(axis=1).sum())} past moves{', mirrored' if mirrored else ''}"
    return PriceMoves.of(np.expm1(steps) * now, source=text)


def drawn_moves(covariance: npt.ArrayLike, mark: npt.ArrayLike, *, count: int, seed: int) -> PriceMoves:
    """Draw moves from a normal law of the logarithms of the marks, each with its mirror image.

    Parameters
    ----------
    covariance : (m, m)
        Covariance of the moves of the logarithms of the marks, over the time until the next move.
    mark : (m,)
        USD > 0.
    count : int
        Number of scenarios, even: half are drawn, half are their mirror images, so that the mean is 0.
    seed : int

    Raises
    ------
    InputError
        Other shapes, a covariance that is not symmetric or has a negative eigenvalue, or an odd count.

    Examples
    --------
    >>> drawn = drawn_moves([[0.01]], [100.0], count=4, seed=1)
    >>> bool(np.all(drawn.moves > -100.0)), drawn.source
    (True, '4 draws of a normal law, seed 1')
    """
    price = vector("mark", mark, low=0.0, open_low=True)
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (price.size, price.size) or not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0.0):
        raise InputError(
            "the covariance must be a symmetric table with one row and one column for each mark",
            got=f"shape {matrix.shape} for {price.size} marks",
            ways_out=["give (C + C.T) / 2"],
        )
    if count < 2 or count % 2:
        raise InputError(
            "half of the scenarios are mirror images", got=f"count {count}", ways_out=["give an even count"]
        )
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < -1e-9 * max(abs(values.max()), 1e-300):
        raise InputError(
            "the covariance has a negative eigenvalue",
            got=f"{float(values.min())!r}",
            ways_out=["estimate it from more moves than markets", "set negative eigenvalues to 0"],
        )
    half = np.random.default_rng(seed).standard_normal((count // 2, price.size))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T  # whatever signs the vectors have
    steps = half @ root
    moves = np.expm1(np.concatenate([steps, -steps])) * price
    return PriceMoves.of(moves, source=f"{count} draws of a normal law, seed {seed}")
