"""AdaHedge: weights over experts with a learning rate that sets itself."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.columns import Floats


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


def gap_after(losses: Floats, gap: float, new: Floats, weight: Floats) -> float:
    """Return the mixability gap after a round: the weighted loss minus the mix loss is added.

    Parameters
    ----------
    losses, gap : as for :func:`weights`, before the round
    new : (K,)
        Losses of the round, USD.
    weight : (K,)
        The weights of the round.

    Examples
    --------
    >>> gap_after(np.zeros(2), 0.0, np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    0.5
    """
    after, low = losses + new, losses.min()
    high = after.min()
    mix, behind = float(high - low), losses - low
    if not _leads(behind, gap):
        logs = [math.log(_masses(x, gap).sum()) for x in (after - high, behind)]
        mix -= (logs[0] - logs[1]) * gap / math.log(losses.size)
    return gap + max(0.0, float(weight @ new) - mix)


class Mixture:
    """Losses, gap and weights kept between rounds: :func:`weights` and :func:`gap_after`, to the bit, sooner.

    Parameters
    ----------
    losses : (K,)
        Summed losses so far, USD.
    gap : float
        Summed mixability gap, USD.

    Examples
    --------
    >>> mixture = Mixture(np.zeros(2), 0.0)
    >>> mixture.add(np.array([0.0, 1.0]))
    >>> mixture.gap, mixture.weight
    (0.5, array([0.8, 0.2]))
    """

    def __init__(self, losses: Floats, gap: float) -> None:
        self.losses, self.gap, self.low = losses, gap, losses.min()
        self.log = math.log(losses.size)
        self._weigh(losses - self.low)

    def _weigh(self, behind: Floats) -> None:
        self.leads = self.gap * 1e280 <= float(behind.max())
        mass = _masses(behind, self.gap)
        self.mass = np.add.reduce(mass)
        self.weight: Floats = mass / self.mass

    def add(self, new: Floats) -> None:
        """Take in the losses of a round, (K,) USD."""
        after = self.losses + new
        high = np.minimum.reduce(after)
        ahead, mix = after - high, float(high - self.low)
        if not self.leads:
            now = math.log(np.add.reduce(_masses(ahead, self.gap)))
            mix -= (now - math.log(self.mass)) * self.gap / self.log
        self.gap += max(0.0, float(self.weight @ new) - mix)
        self.losses, self.low = after, high
        self._weigh(ahead)


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
