"""The certificate of an answer: a proven bound, and named checks, each with an error and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

RELATIVE = 1e-10
"""Error allowed in the loss of an episode, relative to the needed budgets (the loss of doing nothing)."""

ABSOLUTE = 1e-9
"""Error allowed in any loss, USD: what the paper's eps in theta* = B / (D + eps) may shift it by."""

Answer = TypeVar("Answer")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Check:
    """One condition, recomputed from the data.

    Parameters
    ----------
    error : float
        By how much the condition is broken, in its own unit; at most 0 if it holds without rounding.
    allowed : float

    Examples
    --------
    >>> Check(error=0.1, allowed=1e-12).passed, Check.that(2 > 1).passed
    (False, True)
    """

    error: float
    allowed: float = 0.0

    @classmethod
    def that(cls, holds: bool) -> Check:
        """Return a condition that holds or does not, without a measure."""
        return cls(0.0 if holds else math.inf)

    @property
    def passed(self) -> bool:
        """Whether the error is within what is allowed (NaN is not)."""
        return self.error <= self.allowed


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What is proven of an answer, recomputed without the code that found it.

    Parameters
    ----------
    checks : mapping of name to Check
        The class of the answer says which.  Names that begin with ``cents:`` are constraints.
    bound : float
        What the proof says that no other answer goes below.
    gap : float
        (objective - bound) / abs(objective).
    rederived_bound : float
        The part of the bound that follows from the data without the word of a solver.
    bound_source : str
        What ``bound`` rests on, in words: ``stated by a solver, re-derived bound X`` for a mixed-integer
        program.

    Examples
    --------
    >>> certificate = Certificate(checks={"range": Check(0.0), "path": Check(0.1, 1e-12)}, bound=2.0)
    >>> certificate.ok, certificate.failed, certificate.why()
    (False, ('path',), 'path: error 0.1, allowed 1e-12')
    """

    checks: Mapping[str, Check]
    bound: float = math.nan
    gap: float = math.nan
    rederived_bound: float = math.nan
    bound_source: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check is passed."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that are not passed."""
        return tuple(name for name, check in self.checks.items() if not check.passed)

    @property
    def feasible(self) -> bool:
        """Whether no constraint is broken."""
        return not any(name.startswith("cents:") for name in self.failed)

    def why(self) -> str:
        """Return the failed checks in words, with error and allowance."""
        failed = {name: self.checks[name] for name in self.failed}
        return "; ".join(
            f"{name}: error {c.error:.3g}, allowed {c.allowed:.3g}" for name, c in failed.items()
        )


def once(method: Callable[[Answer], Result]) -> Callable[[Answer], Result]:
    """Run a method of a frozen object once, and keep what it returns: an answer is certified once.

    ``dataclasses.replace`` makes a new object, whose method runs again.
    """
    key = f"_{method.__name__}_once"

    @wraps(method)
    def kept(self: Answer) -> Result:
        store: dict[str, Any] = self.__dict__
        if key not in store:
            store[key] = method(self)
        result: Result = store[key]
        return result

    return kept


def noted(answer: Answer, **changes: Any) -> Answer:
    """Return an answer with the same certificate, and other values in fields that its checks do not read."""
    again: Any = replace(answer, **changes)  # type: ignore[type-var]
    again.__dict__.update({key: kept for key, kept in answer.__dict__.items() if key.endswith("_once")})
    made: Answer = again
    return made


def relative_gap(objective: float, bound: float, scale: float) -> float:
    """Return (objective - bound) relative to the objective, or to its scale where that is nearly 0.

    Examples
    --------
    >>> relative_gap(2.0, 1.5, 0.0), relative_gap(2.0, -math.inf, 0.0)
    (0.25, inf)
    """
    if not math.isfinite(bound):
        return math.inf
    gap = max(objective - bound, 0.0)
    return gap / max(abs(objective), abs(bound), 1e-6 * abs(scale), 1e-300)


def loss_certificate(
    checks: Mapping[str, Check],
    *,
    loss: float,
    recomputed: float,
    bound: float,
    stated_bound: float,
    scale: float,
) -> Certificate:  # fmt: skip
    """Return the certificate of the best loss of an episode.

    Beside the checks given: ``loss`` is as stated, ``stated-bound`` too, and ``bound`` (the loss is no more
    than its bound).

    Parameters
    ----------
    checks : mapping of name to Check
    loss, stated_bound : float
        USD, as the result says.
    recomputed, bound : float
        USD, from the data.
    scale : float
        USD, the loss of doing nothing.
    """
    allowed = RELATIVE * scale + ABSOLUTE
    own = {
        "loss": Check(abs(loss - recomputed), allowed),
        "stated-bound": Check(abs(stated_bound - bound), allowed),
        "bound": Check(recomputed - bound, allowed),
    }
    return Certificate(
        checks={**checks, **own},
        bound=bound,
        gap=relative_gap(recomputed, bound, scale),
        rederived_bound=bound,
        bound_source=f"re-derived: {', '.join([*checks, *own])}",
    )


def outside(values: npt.NDArray[np.float64], low: float, high: float) -> float:
    """Return how far the worst value lies outside [low, high]; NaN for a NaN.

    Examples
    --------
    >>> outside(np.array([0.5, 1.25]), 0.0, 1.0)
    0.25
    """
    return float(np.max(np.concatenate([low - values, values - high]), initial=0.0))
