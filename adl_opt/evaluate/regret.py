"""Regret against exact hindsight comparators (eq. 12-15)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.losses import Loss, severity_loss, target_severity
from adl_opt.severity.learners.bound import best_fixed_severity


@dataclass(frozen=True, kw_only=True)
class SeverityRegret:
    """A played severity path against what hindsight allows; USD unless said.

    Parameters
    ----------
    loss : float
        sum of D (under [theta* - theta]_+ + over [theta - theta*]_+).
    best_fixed : float
        The fixed severity that was best, without unit (weighted median or quantile).
    static : float
        Loss minus that of the best fixed severity (eq. 12).
    dynamic : float
        Loss minus that of the per-round optimum theta*, which is 0 (eq. 13).
    """

    loss: float
    best_fixed: float
    best_fixed_loss: float
    static: float
    dynamic: float


def severity_regret(
    executed: npt.ArrayLike, needed: npt.ArrayLike, deficit: npt.ArrayLike, loss: Loss
) -> SeverityRegret:
    """Return static and dynamic regret of executed budgets, read as severities min(H / D, 1).

    Parameters
    ----------
    executed, needed, deficit : (T,) USD
    loss : Loss
        Its ``under`` and ``over``: the regret is that of a learner with the same weights.
    """
    deficit = np.asarray(deficit, dtype=np.float64)
    target, theta = target_severity(needed, deficit), target_severity(executed, deficit)
    lost = math.fsum(severity_loss(theta, target, deficit, loss.under, loss.over))
    best, fixed = best_fixed_severity(deficit, target, loss.under, loss.over)
    return SeverityRegret(
        loss=lost, best_fixed=best, best_fixed_loss=fixed, static=lost - fixed, dynamic=lost
    )


def class_regret(totals: dict[str, float]) -> dict[str, float]:
    """Return each member's total minus that of the best member of the library (eq. 14; 15 on tracking).

    Members whose total is unknown (NaN) keep NaN and are no comparator.

    Examples
    --------
    >>> class_regret({"a": 3.0, "b": 1.0})
    {'a': 2.0, 'b': 0.0}
    """
    known = [v for v in totals.values() if not math.isnan(v)]
    best = min(known) if known else math.nan
    return {name: value - best for name, value in totals.items()}
