"""The columns of a table of candidates, and how their figures are written."""

from __future__ import annotations

import math
from typing import Any

from adl_opt.reports.text import decimals

COLUMNS = (
    ("own_total_usd", "loss, own rounds", 2),
    ("own_future_shortfall_usd", "future shortfall", 2),
    ("own_hedges_broken", "hedges broken", 0),
    ("own_p99_burden", "p99 burden", 4),
    ("max_burden", "largest burden", 3),
    ("loss_share_own", "loss / needed: own", 3),
    ("loss_share_bursts", "bursts", 3),
    ("loss_share_stress", "stress", 3),
    ("covered_share_own", "share raised: own", 4),
    ("covered_share_bursts", "bursts", 4),
    ("covered_share_stress", "stress", 4),
)
"""Column of the frame, what it is called, and digits behind the point."""


def cell(value: Any, digits: int) -> str:
    """Return a figure as a table shows it.

    Examples
    --------
    >>> cell(1234.5, 2), cell(float("inf"), 2), cell(float("nan"), 0)
    ('1,234.50', 'no limit', '-')
    """
    return "no limit" if value == math.inf else decimals(float(value), digits)
