"""What every benchmark is held to: a weight that is one, and a certificate that holds."""

from __future__ import annotations

import math
from typing import Protocol, TypeVar

import numpy as np

from adl_opt.errors import InputError, SolverError
from adl_opt.proofs.certificate import Certificate


class Certified(Protocol):
    """A result that can be certified."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def certify(self) -> Certificate:
        """Return what is proven of it."""


Found = TypeVar("Found", bound=Certified)


def proven(found: Found) -> Found:
    """Return a result whose certificate holds.

    Raises
    ------
    SolverError
        Names the checks that fail, with error and allowance.
    """
    certificate = found.certify()
    if not certificate.ok:
        raise SolverError(
            f"{found.name}: the answer fails its certificate",
            got=certificate.why(),
            ways_out=["take a shorter episode", "leave out dust: amounts of very different size"],
        )
    return found


def checked_weight(name: str, value: float) -> float:
    """Return a weight in USD per unit of burden, or raise InputError.

    Examples
    --------
    >>> checked_weight("lam", 2)
    2.0
    """
    if isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= 0.0:
        return float(value)
    raise InputError(
        f"{name} must be a finite weight of at least 0, USD per unit of burden",
        got=f"{name} = {value!r}",
        ways_out=["give 0 for tracking alone, or the USD that a burden of 1 is worth"],
    )
