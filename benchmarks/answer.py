"""What a peer says, and what its lots really do: the second is recomputed here, never taken over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.instances import LotsInstance

COVER_TOL = 1e-6  # relative: the solvers' own feasibility tolerance


@dataclass
class Answer:
    """Status in the peer's words, objective and bound as claimed, lots or haircuts, wall time in seconds."""

    status: str
    seconds: float
    objective: float | None = None
    bound: float | None = None
    x: np.ndarray | None = None
    note: str = ""


@dataclass
class Verdict:
    """Recomputed: largest burden, shortfall and distance from whole lots, and so whether the answer holds."""

    z: float | None
    holds: bool
    faults: list[str] = field(default_factory=list)


def judge_lots(instance: LotsInstance, x: np.ndarray | None) -> Verdict:
    """Round to whole lots and recompute everything from them."""
    if x is None or not np.all(np.isfinite(x)) or not np.any(np.rint(x) > 0):
        return Verdict(None, False, ["no lots"])
    lots = np.rint(x)
    faults = []
    if np.max(np.abs(x - lots)) > 1e-5:
        faults.append(f"lots off whole by {np.max(np.abs(x - lots)):.1g}")
    if np.any(lots < 0) or np.any(lots > instance.lots):
        faults.append("lots out of range")
    paid = np.bincount(instance.account, lots * instance.lot_value, minlength=instance.capacity.size)
    short = 1.0 - float(paid.sum()) / instance.budget
    if short > COVER_TOL:
        faults.append(f"covers only {1 - short:.2%}")
    return Verdict(float(np.max(paid / instance.capacity)), not faults, faults)


def own_gap(answer: Answer) -> float | None:
    """Relative gap between a peer's objective and its own bound."""
    if answer.objective is None or answer.bound is None or not answer.objective > 0:
        return None
    return max(answer.objective - answer.bound, 0.0) / answer.objective


def limit_status(proven: bool, answer: Answer) -> str:
    """Say "proven" or "limit", with the gap that the peer claims."""
    gap = own_gap(answer)
    shown = "gap unknown" if gap is None else f"gap {gap:.1e}"
    return f"{'proven' if proven else 'limit'}, {shown}"


def clean(value: Any) -> Any:
    """Plain JSON values: numpy scalars and infinities are turned."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
