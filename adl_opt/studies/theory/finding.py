"""What a theorem predicts beside what was measured: one figure, or one exponent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np

Relation = Literal["=", "<=", ">=", ">", "~"]


@dataclass(frozen=True)
class Finding:
    """One measured figure against one predicted figure.

    Parameters
    ----------
    source : str
        Equation or proposition of the paper.
    quantity : str
        What was measured, with its unit.
    measured : float
    relation : str
        What is claimed of measured and predicted: ``=`` (within 1e-12 relative), ``<=``, ``>=``, ``>``, or
        ``~`` (within ``tolerance`` relative: means over random streams).
    predicted : float
    rounds : int
        T; 0 where there is but one round.
    tolerance : float

    Examples
    --------
    >>> Finding("eq. 18", "regret", 3.0, "=", 3.0).holds
    True
    """

    source: str
    quantity: str
    measured: float
    relation: Relation
    predicted: float
    _: KW_ONLY
    rounds: int = 0
    tolerance: float = 1e-12

    @property
    def holds(self) -> bool:
        """Whether what is claimed was found."""
        if self.relation in "=~":
            return math.isclose(self.measured, self.predicted, rel_tol=self.tolerance, abs_tol=1e-300)
        if self.relation == "<=":
            return self.measured <= self.predicted
        return self.measured >= self.predicted if self.relation == ">=" else self.measured > self.predicted


@dataclass(frozen=True)
class Exponent:
    """The growth of a figure over T, as fitted, against the predicted exponent.

    Parameters
    ----------
    source, who : str
        Where the prediction comes from, and whose figure it is.
    rounds : (k,) of int
    values : (k,)
        The figure at each T, > 0.
    predicted : float
        e in T^e.
    tolerance : float
        By how much the fitted exponent may differ; ``at_most`` allows any smaller one.
    at_most : bool
    """

    source: str
    who: str
    rounds: tuple[int, ...]
    values: tuple[float, ...]
    predicted: float
    _: KW_ONLY
    tolerance: float = 0.1
    at_most: bool = False

    @property
    def fitted(self) -> float:
        """The exponent of the least-squares line through the logarithms; 0 where nothing grows."""
        return fitted_exponent(self.rounds, self.values)

    @property
    def holds(self) -> bool:
        """Whether the fitted exponent is as predicted."""
        above = self.fitted - self.predicted
        return above <= self.tolerance and (self.at_most or above >= -self.tolerance)


def fitted_exponent(rounds: Sequence[int], values: Sequence[float]) -> float:
    """Return e of the least-squares fit values ~ c rounds^e.

    Examples
    --------
    >>> round(fitted_exponent([1, 4, 16], [3.0, 6.0, 12.0]), 12)
    0.5
    """
    if min(values) <= 0.0:
        return 0.0
    return float(np.polyfit(np.log(rounds), np.log(values), 1)[0])


def horizons(rounds: int, count: int = 5) -> tuple[int, ...]:
    """Return horizons up to ``rounds``, each half of the next; all even.

    Examples
    --------
    >>> horizons(1024)
    (64, 128, 256, 512, 1024)
    """
    return tuple(2 * (rounds >> (k + 1)) for k in range(count - 1, -1, -1))
