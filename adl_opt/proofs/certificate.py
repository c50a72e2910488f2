"""Checks: what a certificate consists of, each a measured error beside the error allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.errors import SolverError
from adl_opt.rounds.columns import Floats

RELATIVE = 1e-10
"""Error allowed in a loss, relative to the needed budgets (the loss of doing nothing)."""

ABSOLUTE = 1e-9
"""Error allowed in any loss, USD: what the paper's eps in theta* = B / (D + eps) may shift it by."""


@dataclass(frozen=True)
class Check:
    """One condition of optimality, recomputed from the data.

    Parameters
    ----------
    name : str
    error : float
        By how much the condition is broken, in its own unit; at most 0 if it holds without rounding.
    allowed : float

    Examples
    --------
    >>> Check("path", error=0.1, allowed=1e-12).passed
    False
    """

    name: str
    error: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether the error is within what is allowed (NaN is not)."""
        return self.error <= self.allowed


def loss_checks(
    loss: float, recomputed: float, bound: float, stated_bound: float, scale: float
) -> list[Check]:
    """Return the checks of a loss: as stated, bounded as stated, and no more than its bound.

    Parameters
    ----------
    loss, stated_bound : float
        USD, as the result says.
    recomputed, bound : float
        USD, from the data.
    scale : float
        USD, the loss of doing nothing.
    """
    allowed = RELATIVE * scale + ABSOLUTE
    return [
        Check("loss", abs(loss - recomputed), allowed),
        Check("stated-bound", abs(stated_bound - bound), allowed),
        Check("bound", recomputed - bound, allowed),
    ]


def proven(name: str, checks: tuple[Check, ...]) -> None:
    """Raise unless every check is passed: a solver's answer is not returned without its certificate.

    Raises
    ------
    SolverError
        Names the checks that fail, with error and allowance.
    """
    failed = [check for check in checks if not check.passed]
    if failed:
        raise SolverError(
            f"{name}: the solver's answer fails its certificate",
            got="; ".join(f"{c.name}: {c.error:.3g}, allowed {c.allowed:.3g}" for c in failed),
            ways_out=["take a shorter episode", "leave out dust: amounts of very different size"],
        )


def outside(values: Floats, low: float, high: float) -> float:
    """Return how far the worst value lies outside [low, high]; NaN for a NaN.

    Examples
    --------
    >>> outside(np.array([0.5, 1.25]), 0.0, 1.0)
    0.25
    """
    return float(np.max(np.concatenate([low - values, values - high]), initial=0.0))
