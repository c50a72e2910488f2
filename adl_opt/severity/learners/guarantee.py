"""A guarantee of solvency as an object: what stays uncovered at most, with the constants of the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.tabular import Noun

Uncovered = Literal["dollars", "rounds", "deficit-weighted"]

EVEN = 1.0 - 1e-12
"""A round that gets this share of its need counts as covered: the rest is the rounding of floats."""


@dataclass(frozen=True, kw_only=True)
class Guarantee(Noun):
    """What a theorem says stays uncovered at most, beside what was uncovered.

    Parameters
    ----------
    kind : str
        ``dollars`` (the sum of [B - H]_+, USD), ``rounds`` (how many rounds have H < B), or
        ``deficit-weighted`` (the sum of D over the rounds that have H < B, USD).
    theorem : str
        The inequality and its source.
    limit : float
        What the theorem says, with the constants as observed.
    worst : float
        What stays uncovered, in the same unit, where nothing is taken at all.
    uncovered : float
        What was uncovered by what was played.
    constants : mapping of name to float
        What the inequality was evaluated with.
    assumptions : mapping of name to bool
        Each assumption by name, and whether it was found to hold.

    Examples
    --------
    >>> made = Guarantee(kind="rounds", theorem="errors <= 3", limit=3.0, worst=9.0, uncovered=2.0)
    >>> made.value, made.informative, made.within
    (3.0, True, True)
    >>> print(made)
    2.00 of at most 3.00 rounds uncovered: errors <= 3
    """

    kind: Uncovered
    theorem: str
    limit: float
    worst: float
    uncovered: float
    constants: Mapping[str, float] = field(default_factory=dict)
    assumptions: Mapping[str, bool] = field(default_factory=dict)

    def __str__(self) -> str:
        unit = "rounds" if self.kind == "rounds" else "USD"
        says = "" if self.informative else ", no more than the worst"
        return f"{self.uncovered:,.2f} of at most {self.value:,.2f} {unit} uncovered{says}: {self.theorem}"

    @property
    def value(self) -> float:
        """At most this stays uncovered: the smaller of the theorem and the worst."""
        return min(self.limit, self.worst)

    @property
    def informative(self) -> bool:
        """Whether the theorem says more than that no severity can leave more than all uncovered."""
        return self.limit < self.worst

    @property
    def holds(self) -> bool:
        """Whether every assumption was found to hold."""
        return all(self.assumptions.values())

    @property
    def within(self) -> bool:
        """Whether what was uncovered is at most the value."""
        return self.uncovered <= self.value


def lacking(asked: Floats, needed: Floats) -> Floats:
    """Return the rounds that are not covered, (T,) bool.

    Examples
    --------
    >>> lacking(np.array([2.0, 2.0]), np.array([2.0, 3.0]))
    array([False,  True])
    """
    return np.asarray(asked < needed * EVEN)
