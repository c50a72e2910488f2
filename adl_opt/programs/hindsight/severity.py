"""Offline-optimal severities: per round, fixed, of bounded variation, with few switches.

All minimise the tracking error ``sum |theta_t D_t - B_t|`` over severities in [0, 1], or with the weights
``under`` and ``over`` of a loss.  It is the severity loss ``sum D_t |theta_t - theta_t*|`` of Prop. 1 plus
what no severity can cover, ``sum [B_t - D_t]_+``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import SupportsIndex

import numpy as np

from adl_opt.kernels.paths.bounded import best_path_within
from adl_opt.kernels.paths.switches import best_path_with_switches
from adl_opt.kernels.paths.variation import dual_bound, dual_of, variation
from adl_opt.losses import Loss, as_loss, target_severity, undershoot
from adl_opt.proofs.certificate import Certificate, Check, loss_certificate, once, outside
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.tabular import Noun


@dataclass(frozen=True, eq=False, kw_only=True)
class SeverityOptimum(Noun):
    """The best severities of an episode within a limit on how they move.

    Parameters
    ----------
    name : str
    theta : (T,)
        Severities in [0, 1], without unit.
    loss_usd : float
        Weighted tracking error, including the undershoot beyond D that no severity covers.
    bound_usd : float
        Proven lower bound on the loss within the limit.
    rate_usd : float
        A price of path at which the severities are optimal: what one more unit of path would save. Infinite
        for P = 0, NaN where switches are limited.
    deficit, needed : (T,) USD
        D and B of the episode.
    path_budget : float
        P; infinite if there is no limit.
    switches : int, optional
        K; None if there is no limit.
    loss : Loss
        Its ``under`` and ``over`` weigh the tracking error.
    information : Information
        Always EX_POST.
    """

    name: str
    theta: Floats
    loss_usd: float
    bound_usd: float
    rate_usd: float
    deficit: Floats = field(repr=False)
    needed: Floats = field(repr=False)
    path_budget: float = math.inf
    switches: int | None = None
    loss: Loss = Loss()
    information: Information = Information.EX_POST

    @property
    def path(self) -> float:
        """Path length sum |theta_t - theta_{t-1}|, without unit."""
        return variation(self.theta)

    @once
    def certify(self) -> Certificate:
        """Recompute feasibility, loss and lower bound from the deficits and needed budgets.

        The bound of a path budget is dual: forces that are complementary to the path, and that bound every
        other path whatever they are.  The bound of a number of switches is the same programme run backward
        in time, the only check here that repeats an algorithm instead of a proof.

        Returns
        -------
        Certificate
            Checks ``range``, ``path``, ``switches``, ``loss``, ``stated-bound``, ``bound``.
        """
        checks = {"range": Check(outside(self.theta, 0.0, 1.0))}
        if self.path_budget < math.inf:
            checks["path"] = Check(self.path - self.path_budget, 1e-12 * max(1.0, self.path_budget))
        if self.switches is not None:
            checks["switches"] = Check(int(np.count_nonzero(np.diff(self.theta))) - self.switches)
        return loss_certificate(
            checks,
            loss=self.loss_usd,
            recomputed=math.fsum(self.loss.tracking(self.theta * self.deficit, self.needed)),
            bound=_bound(self),
            stated_bound=self.bound_usd,
            scale=max(self.loss.under, self.loss.over) * math.fsum(self.needed),
        )


def per_round_optimum(episode: Episode, loss: Loss | str | None = None) -> SeverityOptimum:
    """Return the best severity of each round by itself, theta* = min(1, B / D).

    Parameters
    ----------
    episode : Episode
    loss : Loss or str, optional
        Its ``under`` and ``over`` weigh the tracking error.

    Returns
    -------
    SeverityOptimum

    Notes
    -----
    O(T). The per-round argmin of eq. 11 for the tracking term; its loss is ``sum [B - D]_+``.

    Examples
    --------
    >>> from adl_opt.datasets.oct10 import load_oct10
    >>> round(per_round_optimum(load_oct10()).loss_usd)
    48463
    """
    return _path(episode, math.inf, "per-round-optimum", loss)


def best_fixed(episode: Episode, loss: Loss | str | None = None) -> SeverityOptimum:
    """Return the best severity among those that never move (eq. 12): a weighted median, or quantile.

    Parameters
    ----------
    episode : Episode
    loss : Loss or str, optional
        Its ``under`` and ``over`` weigh the tracking error.

    Returns
    -------
    SeverityOptimum

    Notes
    -----
    O(T log T).

    Examples
    --------
    >>> from adl_opt.datasets.oct10 import load_oct10
    >>> best = best_fixed(load_oct10())
    >>> round(float(best.theta[0]), 3), best.certify().ok
    (0.126, True)
    """
    return _path(episode, 0.0, "best-fixed", loss)


def best_path(episode: Episode, *, path_budget: float, loss: Loss | str | None = None) -> SeverityOptimum:
    """Return the best severity path with ``sum |theta_t - theta_{t-1}| <= path_budget``.

    Parameters
    ----------
    episode : Episode
    path_budget : float
        P >= 0, without unit; may be infinite.
    loss : Loss or str, optional
        Its ``under`` and ``over`` weigh the tracking error.

    Returns
    -------
    SeverityOptimum

    Raises
    ------
    InputError
        A negative or NaN budget.

    Notes
    -----
    See :func:`adl_opt.kernels.best_path_within`.

    Examples
    --------
    >>> from adl_opt.datasets.oct10 import load_oct10
    >>> best = best_path(load_oct10(), path_budget=1.0)
    >>> best.path <= 1.0 + 1e-12, best.loss_usd < best_fixed(load_oct10()).loss_usd
    (True, True)
    """
    return _path(episode, path_budget, "best-path(path_budget={:g})", loss)


def best_switching(
    episode: Episode, *, switches: SupportsIndex, loss: Loss | str | None = None
) -> SeverityOptimum:
    """Return the best severity path that changes its value at most `switches` times.

    Parameters
    ----------
    episode : Episode
    switches : int
        K >= 0.
    loss : Loss or str, optional
        Its ``under`` and ``over`` weigh the tracking error.

    Returns
    -------
    SeverityOptimum

    Raises
    ------
    InputError
        A negative or fractional number of switches.

    Notes
    -----
    See :func:`adl_opt.kernels.best_path_with_switches`; with its certificate, twice that.

    Examples
    --------
    >>> from adl_opt.datasets.oct10 import load_oct10
    >>> best = best_switching(load_oct10(), switches=2)
    >>> int(np.count_nonzero(np.diff(best.theta)))
    2
    """
    deficit, needed = amounts(episode)
    above, below = _weights(deficit, asked := as_loss(loss))
    theta, _ = best_path_with_switches(target_severity(needed, deficit), above, switches, below)
    most = int(switches)
    return _optimum(
        f"best-switching(switches={most})", theta, deficit, needed, math.nan, asked, switches=most
    )


def amounts(episode: Episode) -> tuple[Floats, Floats]:
    """Return the deficits D and the needed budgets B of an episode, (T,) USD each."""
    pairs = np.array([(round_.deficit, outcome.needed) for round_, outcome in episode], dtype=np.float64)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def _weights(deficit: Floats, loss: Loss) -> tuple[Floats, Floats]:
    """Return what a unit of severity above and below the target costs, (T,) USD each."""
    return loss.over * deficit, loss.under * deficit


def _path(episode: Episode, path_budget: float, name: str, loss: Loss | str | None) -> SeverityOptimum:
    deficit, needed = amounts(episode)
    above, below = _weights(deficit, asked := as_loss(loss))
    theta, _, rate = best_path_within(target_severity(needed, deficit), above, path_budget, below)
    return _optimum(name.format(path_budget), theta, deficit, needed, rate, asked, path_budget=path_budget)


def _optimum(
    name: str, theta: Floats, deficit: Floats, needed: Floats, rate: float, loss: Loss, *,
    path_budget: float = math.inf, switches: int | None = None,
) -> SeverityOptimum:  # fmt: skip
    """Return severities with their loss and its bound."""
    made = SeverityOptimum(
        name=name,
        theta=theta,
        loss_usd=math.fsum(loss.tracking(theta * deficit, needed)),
        bound_usd=-math.inf,
        rate_usd=rate,
        deficit=deficit,
        needed=needed,
        path_budget=path_budget,
        switches=switches,
        loss=loss,
    )
    return replace(made, bound_usd=_bound(made))


def _bound(best: SeverityOptimum) -> float:
    """Lower bound on the weighted tracking error of every admissible path, USD."""
    target = target_severity(best.needed, best.deficit)
    above, below = _weights(best.deficit, best.loss)
    beyond = best.loss.under * math.fsum(undershoot(best.deficit, best.needed))
    if best.switches is not None:
        return beyond + best_path_with_switches(target[::-1], above[::-1], best.switches, below[::-1])[1]
    forces = dual_of(target, above, below, best.theta, best.rate_usd)
    return beyond + dual_bound(target, above, below, forces, best.path_budget)
