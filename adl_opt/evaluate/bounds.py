"""Prop. 1: the path length of an instance and its envelope."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adl_opt.losses import Loss, target_severity
from adl_opt.rounds.columns import Floats


def path_length(needed: npt.ArrayLike, deficit: npt.ArrayLike) -> float:
    """Return P = sum of abs(theta_t* - theta_{t-1}*), without unit (Prop. 1).

    Parameters
    ----------
    needed, deficit : (T,) USD

    Examples
    --------
    >>> path_length([1.0, 2.0], [4.0, 4.0])
    0.25
    """
    return math.fsum(np.abs(np.diff(target_severity(needed, deficit))))


def envelope_usd(needed: npt.ArrayLike, deficit: npt.ArrayLike, loss: Loss | None = None) -> float:
    """Return sqrt((1 + 2P) sum D_t^2), USD: projected OGD's dynamic regret is at most this (Prop. 1).

    It is about severities, H at most D.  With the weights of a loss it is max(under, over) as large, for so
    much steeper are the losses: the proof needs no more.

    Examples
    --------
    >>> envelope_usd([4.0, 4.0], [4.0, 3.0])
    5.0
    """
    squares = math.fsum(np.square(np.asarray(deficit, dtype=np.float64)))
    steepest = 1.0 if loss is None else max(loss.under, loss.over)
    return steepest * math.sqrt((1.0 + 2.0 * path_length(needed, deficit)) * squares)


def deficit_counted_once(deficit: npt.ArrayLike, max_loss: npt.ArrayLike) -> Floats:
    """Return deficits in which a largest loss that recurs to the cent is counted in its first round only.

    One loss of $10,925,707.16 sits in nine of the sixteen deficits of October 10, 2025: evidently one account
    that is counted in every round it is seen in.

    Parameters
    ----------
    deficit, max_loss : (T,) USD

    Examples
    --------
    >>> deficit_counted_once([10.0, 12.0, 3.0], [9.0, 9.0, 3.0])
    array([10.,  3.,  3.])
    """
    again = np.array(max_loss, dtype=np.float64)
    _, first = np.unique(np.rint(again * 100.0), return_index=True)
    again[first] = 0.0
    return np.maximum(np.subtract(deficit, again), 0.0)
