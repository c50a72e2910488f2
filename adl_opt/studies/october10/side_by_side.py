"""Rounds and bursts side by side: what knowing the flow of a whole round was worth on October 10."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adl_opt.datasets.oct10_bursts import load_oct10_bursts
from adl_opt.evaluate.record import scored
from adl_opt.rounds.information import Information
from adl_opt.studies.october10.blocks import StudyBlock
from adl_opt.studies.october10.lineup import budgets_of

FIGURES = ("tracking_usd", "overshoot_usd", "undershoot_usd", "covered_rounds", "covered_usd_share")
"""What is held side by side: for rounds by its name, for bursts with ``bursts_`` before it."""


def side_by_side(blocks: Sequence[StudyBlock]) -> list[dict[str, Any]]:
    """Return one row per policy of the study of ``oct10``: its figures by round, and by burst.

    ``information`` and ``bursts_information`` say what it knew.  A burst is played with the severity alone:
    what it asks for, at most the capacity that is left.  Production has no figures by burst (None), for it
    was published by round.
    """
    rounds = list(load_oct10_bursts())
    needed = np.array([outcome.needed for _, outcome in rounds])
    nothing = np.zeros(needed.size)
    rows = []
    for block in blocks:
        for row, severity in zip(block.rows, block.severities, strict=False):
            taken = np.array(budgets_of(severity, rounds))
            found = scored(block.result.loss, taken, needed, nothing, nothing)
            known = Information.START_OF_ROUND.value
            rows.append(_row(row, block.information) | _bursts(known, found))
        recorded = [row for row in block.rows if row.policy == "production"]
        rows += [_row(row, Information.OBSERVED.value) | _bursts(None, {}) for row in recorded]
    return rows


def _row(row: Any, information: str) -> dict[str, Any]:
    return {"policy": row.policy, "information": information} | {name: getattr(row, name) for name in FIGURES}


def _bursts(information: str | None, found: dict[str, Any]) -> dict[str, Any]:
    return {"bursts_information": information} | {f"bursts_{name}": found.get(name) for name in FIGURES}
