"""What a venue did in a round, as far as it is on record."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from adl_opt.checks import LARGEST_NUMBER, called_by_name, checked_usd
from adl_opt.errors import InputError
from adl_opt.tabular import Noun


@called_by_name
@dataclass(frozen=True, kw_only=True)
class Recorded(Noun):
    """What the venue really did, as published or replayed.

    Parameters
    ----------
    haircut : float
        H, USD.
    max_burden : float
        Largest burden of an account; NaN where it was not recorded.
    reference_burden : float
        The min-max burden it is published against (m_ILP of eq. 23); NaN where unknown.
    """

    haircut: float
    max_burden: float = math.nan
    reference_burden: float = math.nan

    def __post_init__(self) -> None:
        checked_usd("outcome", "recorded haircut", self.haircut)
        for name in ("max_burden", "reference_burden"):
            value = getattr(self, name)
            is_number = isinstance(value, (float, int, np.number))
            if not (is_number and (math.isnan(value) or 0.0 <= value <= LARGEST_NUMBER)):
                raise InputError(
                    f"outcome: recorded {name} must be a number of at least 0, or NaN where it is not known",
                    got=f"{name} = {value!r}",
                    ways_out=["correct the burden", "leave it out"],
                )
