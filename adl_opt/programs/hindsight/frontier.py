"""The regret-versus-path frontier: the least tracking error for each path length of severity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.paths.bounded import path_frontier
from adl_opt.kernels.paths.variation import Signal, dual_bound, dual_of, priced_path
from adl_opt.losses import Loss, as_loss, target_severity, undershoot
from adl_opt.programs.hindsight.severity import amounts
from adl_opt.proofs.certificate import ABSOLUTE, RELATIVE, Certificate, Check, once
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.tabular import Noun


@dataclass(frozen=True, eq=False, kw_only=True)
class PathFrontier(Noun):
    """Least tracking error within each path budget: convex, non-increasing, piecewise linear.

    Parameters
    ----------
    name : str
    path : (k,)
        Path budgets, without unit.
    loss_usd : (k,)
        Least tracking error within each, including the undershoot beyond D.
    rate_usd : (k,)
        Loss that one more unit of path would save.
    deficit, needed : (T,) USD
        D and B of the episode.
    loss : Loss
        Its ``under`` and ``over`` weigh the tracking error.
    information : Information
        Always EX_POST.
    """

    name: str
    path: Floats
    loss_usd: Floats
    rate_usd: Floats
    deficit: Floats = field(repr=False)
    needed: Floats = field(repr=False)
    loss: Loss = Loss()
    information: Information = Information.EX_POST

    @once
    def certify(self) -> Certificate:
        """Check the shape of the frontier, and each point against a dual bound at its own slope.

        Returns
        -------
        Certificate
            Checks ``monotone``, ``convex`` (both in USD), ``bound`` (the largest difference, either way,
            between a loss and its dual bound).
        """
        order = np.argsort(self.path, kind="stable")
        path, loss = self.path[order], self.loss_usd[order]
        allowed = RELATIVE * max(self.loss.under, self.loss.over) * math.fsum(self.needed) + ABSOLUTE
        rise = float(np.max(np.diff(loss), initial=0.0))
        apart = max((abs(loss - self._bound(k)) for k, loss in enumerate(self.loss_usd)), default=0.0)
        checks = {
            "monotone": Check(rise, allowed),
            "convex": Check(_above_chord(path, loss), allowed),
            "bound": Check(float(apart), allowed),
        }
        return Certificate(checks=checks, bound_source=f"re-derived: {', '.join(checks)}")

    def _bound(self, k: int) -> float:
        """Lower bound on the loss at one path budget, USD: the dual value at the slope stated there."""
        target, rate = target_severity(self.needed, self.deficit), float(self.rate_usd[k])
        used = np.flatnonzero(self.deficit)
        target, above = target[used], self.loss.over * self.deficit[used]
        below = self.loss.under * self.deficit[used]
        beyond = self.loss.under * math.fsum(undershoot(self.deficit, self.needed))
        if not rate > 0.0 or used.size == 0:
            return beyond
        theta = priced_path(Signal.of(target, above, below), rate)
        forces = dual_of(target, above, below, theta, rate)
        return beyond + dual_bound(target, above, below, forces, float(self.path[k]))


def severity_frontier(
    episode: Episode, budgets: npt.ArrayLike | None = None, loss: Loss | str | None = None
) -> PathFrontier:
    """Return the least tracking error for each path budget of the severity.

    Parameters
    ----------
    episode : Episode
    budgets : (k,), optional
        Path budgets, >= 0. None lists every breakpoint (episodes of at most 2,000 rounds).
    loss : Loss or str, optional
        Its ``under`` and ``over`` weigh the tracking error; a severity takes at most D.

    Returns
    -------
    PathFrontier

    Raises
    ------
    InputError
        A negative or NaN budget, or more than 2,000 rounds without budgets.

    Notes
    -----
    See :func:`adl_opt.kernels.path_frontier`.

    Examples
    --------
    >>> from adl_opt.datasets.oct10 import load_oct10
    >>> whole = severity_frontier(load_oct10())
    >>> round(float(whole.path[-1]), 2), round(float(whole.loss_usd[-1]))
    (7.06, 48463)
    """
    asked = as_loss(loss)
    deficit, needed = amounts(episode)
    target = target_severity(needed, deficit)
    path, least, rate = path_frontier(target, asked.over * deficit, budgets, asked.under * deficit)
    return PathFrontier(
        name="path-frontier",
        path=path,
        loss_usd=least + asked.under * math.fsum(undershoot(deficit, needed)),
        rate_usd=rate,
        deficit=deficit,
        needed=needed,
        loss=asked,
    )


def _above_chord(path: Floats, loss: Floats) -> float:
    """Return how far a point lies above the line between its neighbours, at most, USD."""
    if path.size < 3:
        return 0.0
    gap = np.maximum(path[2:] - path[:-2], np.finfo(float).tiny)
    share = (path[1:-1] - path[:-2]) / gap
    return float(np.max(loss[1:-1] - (loss[:-2] + share * (loss[2:] - loss[:-2]))))
