"""The scalar theorems as objects: Prop. 1, Prop. 10, and every learner's own (FTRL, AdaGrad, Hedge, Ader).

The vector ones are in :mod:`adl_opt.evaluate.theorems.descent` (Props. 2, 3, 5) and
:mod:`adl_opt.evaluate.theorems.geometry` (Prop. 4).  A bound that speaks of reals is given the rounding of
floats, 1e-10 of what is summed.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from adl_opt.evaluate.theorems.measured import Measured
from adl_opt.kernels.arrays import vector
from adl_opt.losses import severity_loss
from adl_opt.severity.learners.bound import ROUNDING, Bound, checked_series
from adl_opt.severity.learners.gradient import Ogd
from adl_opt.severity.learners.learner import Learner


def learner_theorem(
    learner: Learner, deficit: npt.ArrayLike, target: npt.ArrayLike, hint: npt.ArrayLike | None = None
) -> Measured:
    """Play a learner and hold its regret to its own theorem.

    Parameters
    ----------
    learner : Learner
    deficit : (T,) USD
    target, hint : (T,)
        theta_t* and, for learners with hints, their predictions; in [0, 1].

    Raises
    ------
    InputError
        Arrays as :func:`adl_opt.play` refuses them.

    References
    ----------
    Each learner's ``theorem``.

    Examples
    --------
    >>> from adl_opt.severity import make_severity
    >>> learner_theorem(make_severity("adagrad"), [4.0, 4.0], [1.0, 0.0]).within
    True
    """
    d, goal, *hints = checked_series(deficit, target, hint=hint)
    given = hints[0] if hints else None
    theta, _ = learner.run(learner.start(), d, goal, given)
    bound = learner.bound(d, goal, theta, given)
    return Measured(
        bound=replace(bound, value=bound.theorem_usd), regret=float(learner.regret(d, goal, theta))
    )


def prop_1(
    deficit: npt.ArrayLike, target: npt.ArrayLike, *, eta: float | None = None, prior: float = 0.5
) -> Measured:
    """Prop. 1: projected OGD of severity with a fixed step, against the per-round optimum.

    Parameters
    ----------
    deficit : (T,) USD
    target : (T,)
        theta_t* in [0, 1].
    eta : float, optional
        Step per USD; None is eta* = sqrt((1 + 2P) / sum D^2), which hindsight gives.
    prior : float
        theta_1.

    Returns
    -------
    Measured
        Dynamic regret, USD, against (1 + 2P) / (2 eta) + (eta / 2) sum D^2; at eta* that is the envelope
        sqrt((1 + 2P) sum D^2).

    Raises
    ------
    InputError
        Arrays as :func:`adl_opt.play` refuses them.

    References
    ----------
    Paper, Prop. 1.

    Examples
    --------
    >>> made = prop_1([3.0, 4.0], [0.5, 0.5])
    >>> round(made.bound.value, 6), made.regret
    (5.0, 0.0)
    """
    d, goal = checked_series(deficit, target)
    path = math.fsum(np.abs(np.diff(goal)))
    squares = math.fsum(np.square(d))
    if squares == 0.0:
        return Measured(bound=Bound(value=0.0, kind="dynamic", theorem=_PROP_1), regret=0.0)
    best = math.sqrt((1.0 + 2.0 * path) / squares)
    step = best if eta is None else eta
    played, _ = (learner := Ogd(eta=step, prior=prior)).run(learner.start(), d, goal)
    bound = Bound(
        value=(1.0 + 2.0 * path) / (2.0 * step) + 0.5 * step * squares + ROUNDING * math.fsum(d),
        kind="dynamic",
        theorem=_PROP_1,
        constants={"path": path, "eta_per_usd": step, "eta_star_per_usd": best, "deficit_squares": squares},
        assumptions={
            "severities lie in [0, 1]": bool(np.all((played >= 0.0) & (played <= 1.0))),
            "step is fixed and positive": step > 0.0,
        },
    )
    return Measured(bound=bound, regret=math.fsum(severity_loss(played, goal, d)))


_PROP_1 = "Reg <= (1 + 2P)/(2 eta) + (eta/2) sum D_t^2 (Prop. 1)"


def prop_10(estimate: npt.ArrayLike, impact: npt.ArrayLike, quantity: npt.ArrayLike) -> Measured:
    """Prop. 10: what stays uncovered when budgets follow an estimated impact.

    Parameters
    ----------
    estimate, impact : (T,)
        alphahat_t and alpha_t, USD per contract squared, >= 0.
    quantity : (T,)
        Q_t, contracts to close, >= 0: B_t = alpha_t Q_t^2 and H_t = alphahat_t Q_t^2.

    Returns
    -------
    Measured
        V_T = sum [B_t - H_t]_+, USD, against max Q^2 sum abs(alphahat_t - alpha_t).

    Raises
    ------
    InputError
        NaN, negative values, or lengths that differ.

    References
    ----------
    Paper, Lemma 4 and Prop. 10.

    Examples
    --------
    >>> made = prop_10([1.0, 3.0], [2.0, 2.0], [3.0, 1.0])
    >>> made.regret, round(made.bound.value, 6)
    (9.0, 18.0)
    """
    alpha = vector("impact", impact, low=0.0)
    hat = vector("estimate", estimate, size=alpha.size, low=0.0)
    q = vector("quantity", quantity, size=alpha.size, low=0.0)
    needed, executed = alpha * q * q, hat * q * q
    most = float(np.max(q, initial=0.0))
    error = math.fsum(np.abs(hat - alpha))
    bound = Bound(
        value=most * most * error + ROUNDING * math.fsum(needed),
        kind="other",
        theorem="V_T <= max Q^2 sum |alphahat_t - alpha_t| (Prop. 10)",
        constants={"largest_quantity": most, "estimation_error": error, "rounds": float(alpha.size)},
        assumptions={"impact is linear, B = alpha Q^2": True, "budgets follow the estimate": True},
    )
    return Measured(bound=bound, regret=math.fsum(np.maximum(needed - executed, 0.0)))
