"""Who paid by the record, where only the sum and the largest burden are known."""

from __future__ import annotations

from dataclasses import dataclass

from adl_opt.allocation.base import AllocationRule
from adl_opt.rounds.round import Information


@dataclass(frozen=True)
class RecordedAllocation(AllocationRule):
    """What the venue took from whom, where only its sum and largest burden are on record.

    Rule: none, the record.  Source: the episode.  Information: observed.  Tie-break: none.
    """

    name = "recorded"
    information = Information.OBSERVED
