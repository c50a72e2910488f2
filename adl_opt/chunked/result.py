"""What a chunked round reports: the haircuts themselves are in the file it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChunkedResult:
    """Totals of a round solved chunk by chunk.

    Attributes
    ----------
    out : Path
        Parquet file with ``id``, ``haircut_usd`` and, for whole lots, ``lots``; rows as in the input.
    rule : str
        Allocation rule.
    rows, passes : int
        Accounts, and times that the file was read, the writing pass included.
    budget_usd, executed_usd, shortfall_usd, overshoot_usd : float
        USD asked for, paid, lacking (the capacity does not suffice) and paid too much (whole lots).
    level : float or None
        Pro-rata and water-filling: the common level tau (unitless, per unit of weight). Queue: the score of
        the last account that pays. None when everyone pays all it can, and for lots.
    z : float
        Largest burden, haircut / capacity (unitless).
    lower_bound : float or None
        Min-max over lots: no cover of the budget has a smaller largest burden (proven). None otherwise.
    """

    out: Path
    rule: str
    rows: int
    passes: int
    budget_usd: float
    executed_usd: float
    shortfall_usd: float
    overshoot_usd: float
    level: float | None
    z: float
    lower_bound: float | None
