"""A regret bound as an object: what a theorem promises with the constants of the rounds that were played."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from adl_opt.checks import LARGEST_USD
from adl_opt.errors import InputError
from adl_opt.kernels.arrays import vector
from adl_opt.kernels.paths.median import weighted_median
from adl_opt.losses import severity_loss
from adl_opt.rounds.columns import Floats
from adl_opt.tabular import Noun

Kind = Literal["static", "dynamic", "other"]

ROUNDING = 1e-10
"""Share of sum D_t that every bound adds for the rounding of 64-bit floats (a theorem speaks of reals)."""

NOTHING_USD = 1e-100
"""A deficit up to this teaches nothing, as none: above it no quotient overflows."""


@dataclass(frozen=True, kw_only=True)
class Bound(Noun):
    """A regret bound with the constants as observed.

    Parameters
    ----------
    value : float
        The regret is at most this, USD.
    kind : str
        ``static`` (against the best fixed severity in hindsight, eq. 12) or ``dynamic`` (against the
        per-round optimum theta_t*, eq. 13), or ``other`` (of another quantity, which the theorem names).
    theorem : str
        The inequality and its source.
    constants : mapping of name to float
        What the inequality was evaluated with.
    assumptions : mapping of name to bool
        Each assumption by name, and whether it was found to hold.

    Examples
    --------
    >>> bound = Bound(value=2.0, kind="static", theorem="Reg <= 2")
    >>> bound.holds
    True
    >>> print(bound)
    static regret at most 2.00 USD: Reg <= 2
    """

    value: float
    kind: Kind
    theorem: str
    constants: Mapping[str, float] = field(default_factory=dict)
    assumptions: Mapping[str, bool] = field(default_factory=dict)

    def __str__(self) -> str:
        says = "" if self.informative else ", no more than the worst loss"
        return f"{self.kind} regret at most {self.value:,.2f} USD{says}: {self.theorem}"

    def within(self, worst_usd: float) -> Bound:
        """Return the smaller of the theorem and the worst loss that the domain allows, USD."""
        constants = {**self.constants, "theorem_usd": self.theorem_usd, "worst_usd": worst_usd}
        return replace(self, value=min(self.value, worst_usd), constants=constants)

    @property
    def theorem_usd(self) -> float:
        """What the theorem alone says, USD."""
        return self.constants.get("theorem_usd", self.value)

    @property
    def informative(self) -> bool:
        """Whether the theorem says more than that no loss is larger than the worst."""
        return self.theorem_usd < self.constants.get("worst_usd", math.inf)

    @property
    def holds(self) -> bool:
        """Whether every assumption was found to hold."""
        return all(self.assumptions.values())


def best_fixed_severity(
    deficit: Floats, target: Floats, under: float = 1.0, over: float = 1.0
) -> tuple[float, float]:
    """Return the best fixed severity in hindsight and its loss, USD: a weighted median or quantile.

    Notes
    -----
    O(T log T).  With equal weights it is exact; otherwise the quantile is found from rounded sums.

    Examples
    --------
    >>> best_fixed_severity(np.array([4.0, 4.0, 10.0]), np.array([0.25, 0.25, 0.9]))
    (0.9, 5.2)
    """
    if not np.any(deficit > 0):
        return 0.0, 0.0
    if under == over:
        theta = weighted_median(target, deficit)
    else:
        order = np.argsort(target, kind="stable")
        sums = np.cumsum(deficit[order])
        place = int(np.searchsorted((under + over) * sums, under * sums[-1]))
        theta = float(target[order][min(place, target.size - 1)])
    return theta, math.fsum(severity_loss(theta, target, deficit, under, over))


def checked_series(
    deficit: npt.ArrayLike, target: npt.ArrayLike, **severities: npt.ArrayLike | None
) -> tuple[Floats, ...]:
    """Return deficits, targets and further severities as arrays of one length, or refuse them.

    Raises
    ------
    InputError
        Not numbers, NaN, a negative or too large deficit, a severity outside [0, 1], or lengths that differ.
    """
    given = {"target": target} | {k: v for k, v in severities.items() if v is not None}
    return aligned(deficit, 1.0, **given)


def aligned(deficit: npt.ArrayLike, high: float, **given: npt.ArrayLike) -> tuple[Floats, ...]:
    """Return deficits and further values in [0, high] as arrays of one length, or refuse them.

    Raises
    ------
    InputError
        As :func:`checked_series`.
    """
    deficits = vector("deficit", deficit, low=0.0, high=LARGEST_USD)
    arrays = {name: vector(name, value, low=0.0, high=high) for name, value in given.items()}
    for name, array in arrays.items():
        if array.size != deficits.size:
            raise InputError(
                f"{name} has another length than deficit",
                got=f"{array.size} values of {name}, {deficits.size} of deficit",
                ways_out=["give one value for every round"],
            )
    return (deficits, *arrays.values())
