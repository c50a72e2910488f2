"""Eq. 22: what is lost to control and what to estimation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from adl_opt.losses import Loss, undershoot


@dataclass(frozen=True, kw_only=True)
class Decomposition:
    """Tracking error against a hint Bhat and beyond it, USD (eq. 22), with the weights of a loss.

    Parameters
    ----------
    tracking_usd : float
        sum abs(H - B), at most control + estimation (Lemma 2, the triangle inequality, which also holds where
        over- and undershoot have weights of their own).
    control_usd : float
        sum abs(H - Bhat): how far what was taken is from what was guessed.
    estimation_usd : float
        sum abs(Bhat - B): how far the guess is from what was needed.
    failure_usd : float
        V_T = sum [B - H]_+ (section 5): what was left uncovered.
    hint_failure_usd : float
        sum [B - Bhat]_+: V_T of a policy whose budget is the hint (Lemma 4).
    """

    tracking_usd: float
    control_usd: float
    estimation_usd: float
    failure_usd: float
    hint_failure_usd: float

    @property
    def holds(self) -> bool:
        """Whether the inequality holds, up to rounding."""
        total = self.control_usd + self.estimation_usd
        return self.tracking_usd <= total + 1e-12 * abs(total)


def decompose(
    executed: npt.ArrayLike, hinted: npt.ArrayLike, needed: npt.ArrayLike, loss: Loss | None = None
) -> Decomposition:
    """Split the tracking error of executed budgets at the hints.

    Parameters
    ----------
    executed, hinted, needed : (T,) USD
        H, Bhat and B.
    loss : Loss, optional
        Its ``under`` and ``over`` weigh tracking, control and estimation; 1 and 1 by default.

    Examples
    --------
    >>> made = decompose([8.0, 1.0], [7.0, 1.0], [10.0, 1.0])
    >>> made.tracking_usd, made.control_usd, made.estimation_usd, made.failure_usd
    (2.0, 1.0, 3.0, 2.0)
    """
    tracking = (loss or Loss()).tracking
    return Decomposition(
        tracking_usd=math.fsum(tracking(executed, needed)),
        control_usd=math.fsum(tracking(executed, hinted)),
        estimation_usd=math.fsum(tracking(hinted, needed)),
        failure_usd=math.fsum(undershoot(executed, needed)),
        hint_failure_usd=math.fsum(undershoot(hinted, needed)),
    )
