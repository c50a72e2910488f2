"""AdaHedge: weights over experts with a learning rate that sets itself.

Weights are proportional to ``exp(-eta L)``, where L is the summed loss of an expert.  Each round has two
losses.  The mean loss is the weighted mean of what the experts lose.  The mix loss is
``-log(weighted mean of exp(-eta loss)) / eta`` and never above it.  Their difference is the mixability gap of
the round; it is large where the experts disagree and eta is large.  The rate eta is log K divided by the sum
of all gaps so far.  It falls as gaps add up, so there is no step to choose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from adl_opt.rounds.columns import Floats

_AT_ONCE = 1 << 16
"""Losses that are held at once."""


def weights(losses: Floats, gap: float) -> Floats:
    """Return AdaHedge's weights, proportional to exp(-eta L) with eta = log K / gap.

    Parameters
    ----------
    losses : (K,)
        Summed losses L of the experts so far, USD.
    gap : float
        Summed mixability gap, USD; 0 gives equal weights to the leaders.

    Notes
    -----
    O(K).  Without scale: losses and gap times 2^k give the same bits.

    References
    ----------
    de Rooij, van Erven, Grunwald, Koolen (2014), "Follow the leader if you can, hedge if you must".

    Examples
    --------
    >>> weights(np.array([0.0, 1.0]), 0.0)
    array([1., 0.])
    """
    mass = _masses(losses - losses.min(), gap)
    return np.asarray(mass / mass.sum())


def gap_after(losses: Floats, gap: float, new: Floats, paid: float) -> float:
    """Return the mixability gap after a round: the loss minus the mix loss is added.

    Parameters
    ----------
    losses, gap : as for :func:`weights`, before the round
    new : (K,)
        Losses of the round, USD.
    paid : float
        The loss of the round, USD: the experts' weighted mean, or less, as the loss of their mean is.

    Examples
    --------
    >>> gap_after(np.zeros(2), 0.0, np.array([0.0, 1.0]), 0.5)
    0.5
    """
    after, low = losses + new, losses.min()
    high = after.min()
    mix, behind = float(high - low), losses - low
    if not _leads(behind, gap):
        logs = [math.log(_masses(x, gap).sum()) for x in (after - high, behind)]
        mix -= (logs[0] - logs[1]) * gap / math.log(losses.size)
    return gap + max(0.0, paid - mix)


def no_losses(experts: int) -> dict[str, Any]:
    """Return the state before the first round: no losses, no gap."""
    return {"losses": [0.0] * experts, "gap": 0.0}


def mean(state: Mapping[str, Any], values: Floats) -> float:
    """Return the weighted mean of what the experts play, (K,)."""
    return float(weights(np.array(state["losses"]), state["gap"]) @ values)


def after(state: Mapping[str, Any], new: Floats, paid: float | None = None) -> dict[str, Any]:
    """Return the losses and the gap after a round in which the experts lost ``new``, (K,) USD.

    ``paid`` is what was lost, USD; by default the weighted mean.  Whatever is played, sum paid <= min_k L_k +
    2 gap: the gap takes what was paid above the mix loss, and the mix losses add up to at most min_k L_k +
    log K / eta, which is the gap (de Rooij et al. 2014, Lemma 2).

    Examples
    --------
    >>> after(no_losses(2), np.array([0.0, 1.0]))
    {'losses': [0.0, 1.0], 'gap': 0.5}
    """
    losses, gap = np.array(state["losses"]), state["gap"]
    if paid is None:
        paid = float(weights(losses, gap) @ new)
    return {"losses": (losses + new).tolist(), "gap": gap_after(losses, gap, new, paid)}


def mixed(state: Mapping[str, Any], new: Floats, values: Floats) -> tuple[Floats, dict[str, Any]]:
    """Play rounds whose losses are known: :func:`mean` and :func:`after` each round, to the bit, sooner.

    Parameters
    ----------
    state : mapping
        Before the first round.
    new : (T, K)
        Losses of the rounds, USD; a row of zeros leaves everything as it is.
    values : (T, K) or (K,)
        What the experts play.

    Returns
    -------
    (T,) weighted means of the values, and the state after the rounds

    Examples
    --------
    >>> mixed(no_losses(2), np.array([[0.0, 1.0]]), np.array([0.25, 0.75]))
    (array([0.5]), {'losses': [0.0, 1.0], 'gap': 0.5})
    """
    values, losses, gap = np.broadcast_to(values, new.shape), np.array(state["losses"]), state["gap"]
    played, size = np.empty(len(new)), max(1, _AT_ONCE // losses.size)
    for start in range(0, len(new), size):
        part = slice(start, start + size)
        played[part], losses, gap = _mixed(losses, gap, new[part], values[part])
    return played, {"losses": losses.tolist(), "gap": gap}


def _mixed(losses: Floats, gap: float, new: Floats, values: Floats) -> tuple[list[float], Floats, float]:
    summed = np.add.accumulate(np.concatenate([losses[None], new]), axis=0)
    low = summed.min(axis=1)
    behind = summed - low[:, None]
    spread, rise = behind.max(axis=1).tolist(), np.diff(low).tolist()
    log, mass, played = math.log(losses.size), np.empty((2, losses.size)), []
    for t, (fresh, value) in enumerate(zip(new, values, strict=True)):
        if gap * 1e280 <= max(spread[t], spread[t + 1]):  # leaders alone count, now or then
            weight = weights(summed[t], gap)
            now = gap_after(summed[t], gap, fresh, float(weight @ fresh))
        else:
            np.divide(behind[t : t + 2], gap, out=mass)
            np.multiply(mass, -log, out=mass)
            np.exp(mass, out=mass)
            before, after = np.add.reduce(mass, axis=1).tolist()
            weight = np.divide(mass[0], before, out=mass[0])
            mix = rise[t] - (math.log(after) - math.log(before)) * gap / log
            now = gap + max(0.0, float(weight.dot(fresh)) - mix)
        played.append(float(weight.dot(value)))
        gap = now
    return played, summed[-1], gap


def regret_bound(gap: float, steepest: Floats, experts: int) -> float:
    """Return AdaHedge's regret bound against the best expert, USD: the smaller of two.

    Parameters
    ----------
    gap : float
        Summed mixability gap after all rounds, USD: the regret is at most twice that (Lemma 5 and eq. 8).
    steepest : (T,)
        The largest spread of the experts' losses in each round, USD.
    experts : int
        K; the regret is at most sqrt(log K sum s_t^2) + max s_t (4/3 log K + 2) (Theorem 8, with
        variances of at most s_t^2 / 4).
    """
    scale = float(np.max(steepest, initial=0.0)) or 1.0
    norm = scale * math.sqrt(math.fsum(np.square(steepest / scale)))
    log = math.log(experts)
    return min(2.0 * gap, norm * math.sqrt(log) + scale * (4.0 / 3.0 * log + 2.0))


def _leads(behind: Floats, gap: float) -> bool:
    """Whether the rate is so large that only leaders count (and exponents might overflow)."""
    return gap * 1e280 <= float(behind.max())


def _masses(behind: Floats, gap: float) -> Floats:
    """Return exp(-eta (L - min L)), 1 for the leaders."""
    if _leads(behind, gap):
        return np.asarray(behind == 0.0, dtype=np.float64)
    return np.asarray(np.exp(-math.log(behind.size) * (behind / gap)))
