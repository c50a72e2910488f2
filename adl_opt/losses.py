"""Losses of a round: eq. 9, 10, 16 and 23 of the paper, on numbers or on arrays of rounds.

Budgets and haircuts in USD, severities and burdens without unit; every loss is in USD except the unitless
fairness term of eq. 10, which a caller scales by ``fair``.

The paper's eps (x / (u + eps), B / (D + eps)) keeps divisions by zero away.  Here its limit is taken, so that
no figure depends on the choice of eps: 0 over 0 is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats

if TYPE_CHECKING:
    from adl_opt.rounds.round import Round

ArrayLike = npt.ArrayLike

BASES = ("capacity", "equity")
"""What burdens may be measured against."""


def overshoot(executed: ArrayLike, needed: ArrayLike) -> Floats:
    """Return [H - B]_+, USD: profit taken that was not needed.

    Examples
    --------
    >>> overshoot([3.0, 1.0], [2.0, 2.0])
    array([1., 0.])
    """
    return np.maximum(np.subtract(executed, needed), 0.0)


def undershoot(executed: ArrayLike, needed: ArrayLike) -> Floats:
    """Return [B - H]_+, USD: what stays uncovered."""
    return np.maximum(np.subtract(needed, executed), 0.0)


def tracking(executed: ArrayLike, needed: ArrayLike) -> Floats:
    """Return the tracking error abs(H - B), USD."""
    return np.abs(np.subtract(executed, needed))


def burden_base(round_: Round, base: str) -> Floats:
    """Return what burdens are measured against: capacity, or positive equity, (n,) USD."""
    return round_.accounts.capacity if base == "capacity" else np.maximum(round_.accounts.equity, 0.0)


def burden(x: ArrayLike, base: ArrayLike) -> Floats:
    """Return h = x / base, without unit; base is capacity or equity, USD.

    Over a base that is not positive, nothing taken is a burden of 0 and anything taken an infinite one.

    Examples
    --------
    >>> burden([1.0, 0.0, 2.0], [4.0, 0.0, 0.0])
    array([0.25, 0.  ,  inf])
    """
    return np.where((np.asarray(base) <= 0) & (np.asarray(x) > 0), np.inf, share(x, base))


def share(amount: ArrayLike, base: ArrayLike) -> Floats:
    """Return amount / base, and 0 over a base that is not positive.

    Examples
    --------
    >>> share([1.0, 2.0], [4.0, 0.0])
    array([0.25, 0.  ])
    """
    amount, base = np.asarray(amount, dtype=np.float64), np.asarray(base, dtype=np.float64)
    out: Floats = np.zeros(np.broadcast(amount, base).shape)
    np.divide(amount, base, out=out, where=base > 0)
    return out


def asymmetric(
    executed: ArrayLike,
    needed: ArrayLike,
    concentration: ArrayLike = 0.0,
    *,
    under: float = 1.0,
    over: float = 1.0,
    fair: float = 1.0,
) -> Floats:
    """Return eq. 9: under [B - H]_+ + over [H - B]_+ + fair Gamma.

    Parameters
    ----------
    executed, needed : (T,) USD
    concentration : (T,)
        Gamma(x, u), any concentration functional, in the unit that ``fair`` turns into USD.
    under, over : float
        USD of loss per USD of undershoot and overshoot.
    fair : float

    Examples
    --------
    >>> float(asymmetric(8.0, 10.0, under=3.0))
    6.0
    """
    tracked = under * undershoot(executed, needed) + over * overshoot(executed, needed)
    return np.asarray(tracked + np.multiply(fair, concentration))


def surrogate(
    executed: ArrayLike, needed: ArrayLike, max_burden: ArrayLike, *, track: float = 1.0, fair: float = 1.0
) -> Floats:
    """Return eq. 10, the deployed surrogate: track abs(H - B) + fair max_i x_i / (u_i + eps).

    Examples
    --------
    >>> float(surrogate(8.0, 10.0, 0.25, fair=4.0))
    3.0
    """
    return np.asarray(track * tracking(executed, needed) + np.multiply(fair, max_burden))


def target_severity(needed: ArrayLike, deficit: ArrayLike) -> Floats:
    """Return theta* = min(1, B / D), the severity that a round calls for (Prop. 1); 0 where D is 0.

    Examples
    --------
    >>> target_severity([1.0, 3.0], [4.0, 2.0])
    array([0.25, 1.  ])
    """
    return np.minimum(1.0, share(needed, deficit))


def severity_loss(
    theta: ArrayLike, target: ArrayLike, deficit: ArrayLike, under: float = 1.0, over: float = 1.0
) -> Floats:
    """Return D (under [theta* - theta]_+ + over [theta - theta*]_+), USD: the scalar loss of severity.

    Without prices it is D abs(theta - theta*) (eq. 16, Prop. 1).

    Examples
    --------
    >>> severity_loss([0.5, 0.5], [0.0, 1.0], [8.0, 8.0], under=2.0)
    array([4., 8.])
    """
    above = np.subtract(theta, target)
    return np.asarray(np.multiply(deficit, np.where(above > 0, over, under) * np.abs(above)))


def empirical(
    executed: ArrayLike,
    needed: ArrayLike,
    max_burden: ArrayLike,
    reference_burden: ArrayLike,
    lam: float = 1.0,
) -> Floats:
    """Return eq. 23: abs(H - B) + lambda B abs(m - m_ILP), USD.

    Parameters
    ----------
    executed, needed : (T,) USD
    max_burden, reference_burden : (T,)
        Largest burden of the policy, and the min-max reference of the same round.
    lam : float
        Weight lambda of the fairness term.

    Examples
    --------
    >>> float(empirical(8.0, 10.0, 0.5, 0.25))
    4.5
    """
    return np.asarray(tracking(executed, needed) + lam * fairness(needed, max_burden, reference_burden))


def fairness(needed: ArrayLike, max_burden: ArrayLike, reference_burden: ArrayLike) -> Floats:
    """Return B abs(m - m_ILP), USD: the fairness term of eq. 23."""
    return np.asarray(np.multiply(needed, np.abs(np.subtract(max_burden, reference_burden))))


def entropy(h: Floats) -> Floats:
    """Return the disutility phi(h) = (1 - h) ln(1 - h) + h of haircut fractions in [0, 1], without unit.

    Its series is taken where that is more exact.

    Examples
    --------
    >>> entropy(np.array([0.0, 1.0]))
    array([0., 1.])
    """
    rest = 1.0 - h
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = np.where(rest > 0, rest * np.log1p(-h), 0.0) + h
    series = h * h * (0.5 + h * (1 / 6 + h * (1 / 12 + h * (1 / 20 + h / 30))))
    return np.asarray(np.where(h < 1e-3, series, direct))
