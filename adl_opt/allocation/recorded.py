"""The allocation of a record: what the venue took from whom is not public, only its sum."""

from __future__ import annotations

from dataclasses import dataclass

from adl_opt.allocation.base import AllocationRule
from adl_opt.rounds.information import Information


@dataclass(frozen=True)
class RecordedAllocation(AllocationRule):
    """What the venue took from whom, where only its sum and largest burden are on record.

    Rule: none, the record.  Source: the episode.  Information: observed.  Tie-break: none.
    """

    name = "recorded"
    information = Information.OBSERVED
