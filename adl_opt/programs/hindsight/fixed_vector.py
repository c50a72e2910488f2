"""The best fixed haircut vector: one haircut fraction per account, kept through the whole episode."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from adl_opt.losses import Loss, as_loss
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.hindsight.checked import checked_weight, proven
from adl_opt.programs.hindsight.linear import optimum_of, round_units
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.proofs.certificate import Certificate, Check, loss_certificate, once, outside
from adl_opt.rounds.columns import Floats, Text
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information

FINER = 256
"""By how much prices are finer than one dual tolerance of the largest round: with dust, bounds need it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedVector:
    """The haircut fractions h that minimise ``sum_t |sum_i u_it h_i - B_t| + lam max_i h_i``, or weighted.

    Parameters
    ----------
    name : str
    ids : (n,) text
        Accounts of the episode, sorted.
    haircut : (n,)
        h in [0, 1], without unit; 0 for an account that never has capacity.
    loss_usd, tracking_usd : float
        The whole objective, and its tracking part.
    bound_usd : float
        Proven lower bound on the objective.
    price : (T,)
        Dual y in [-1, 1] of each round: loss per USD of its needed budget.
    lam : float
        USD per unit of burden.
    information : Information
        Always EX_POST.
    """

    name: str
    ids: Text = field(repr=False)
    haircut: Floats = field(repr=False)
    loss_usd: float
    tracking_usd: float
    bound_usd: float
    price: Floats = field(repr=False)
    lam: float
    panel: Panel = field(repr=False)
    loss: Loss = Loss()
    information: Information = Information.EX_POST

    @once
    def certify(self) -> Certificate:
        """Recompute feasibility, loss and dual bound from the episode's accounts.

        Returns
        -------
        Certificate
            Checks ``range``, ``price-range``, ``tracking``, ``loss``, ``stated-bound``, ``bound``.
        """
        track, loss = _loss(self.panel, self.haircut, self.lam, self.loss)
        scale = max(self.loss.under, self.loss.over) * math.fsum(self.panel.needed)
        checks = {
            "range": Check(outside(self.haircut, 0.0, 1.0)),
            "price-range": Check(outside(self.price, -self.loss.over, self.loss.under)),
            "tracking": Check(abs(track - self.tracking_usd), 1e-12 * scale),
        }
        return loss_certificate(
            checks, loss=self.loss_usd, recomputed=loss, bound=_bound(self.panel, self.price, self.lam),
            stated_bound=self.bound_usd, scale=scale,
        )  # fmt: skip


def best_fixed_haircut_vector(episode: Episode, lam: float, loss: Loss | str | None = None) -> FixedVector:
    """Minimise ``sum_t |sum_i u_it h_i - B_t| + lam max_i h_i`` over one h in [0, 1]^n for all rounds.

    Accounts are told apart by id; where an account is not in a round, its capacity there is 0.

    Parameters
    ----------
    episode : Episode
    lam : float
        Weight of the largest haircut fraction, USD per unit, >= 0.
    loss : Loss or str, optional
        Its ``under`` and ``over`` weigh the tracking error.

    Returns
    -------
    FixedVector

    Raises
    ------
    InputError
        A negative, infinite or NaN weight.
    SolverError
        HiGHS does not end with Optimal, or its answer fails the certificate.

    Notes
    -----
    A linear program of n + 2T + 1 columns and n + T rows, solved by HiGHS; accounts that are seen in the
    same single round share one h (if h is optimal, so is their capacity-weighted mean: same sum, no larger
    maximum), which leaves far fewer columns. Dual: with prices y in [-over, under]^T,
    ``|B_t - sum u h| >= y_t (B_t - sum_i u_it h_i)`` (weighted), hence the loss of every h is at least
    ``sum y_t B_t + min(0, lam - sum_i [sum_t y_t u_it]_+)``.

    References
    ----------
    Paper, eq. 10 (loss) and 12 (best fixed action).

    Examples
    --------
    >>> from adl_opt.datasets.synthetic import Synthetic
    >>> best = best_fixed_haircut_vector(Synthetic(accounts=20, rounds=5).episode(), lam=1e3)
    >>> best.certify().ok
    True
    """
    lam, asked = checked_weight("lam", lam), as_loss(loss)
    panel = Panel.of(episode)
    merged, entry = panel.merged()
    shared, price = _solve(merged, lam, asked)
    haircut = np.zeros(panel.ids.size)
    haircut[panel.account] = shared[merged.account[entry]]
    track, least = _loss(panel, haircut, lam, asked)
    return proven(
        FixedVector(
            name=f"best-fixed-haircuts(lam={lam:g})",
            ids=panel.ids,
            haircut=haircut,
            loss_usd=least,
            tracking_usd=track,
            bound_usd=_bound(panel, price, lam),
            price=price,
            lam=lam,
            panel=panel,
            loss=asked,
        )
    )


def _loss(panel: Panel, haircut: Floats, lam: float, loss: Loss) -> tuple[float, float]:
    """Return the weighted tracking error and the whole objective, USD."""
    executed = panel.per_round(panel.capacity * haircut[panel.account])
    track = math.fsum(loss.tracking(executed, panel.needed))
    return track, track + lam * float(np.max(haircut, initial=0.0))


def _bound(panel: Panel, price: Floats, lam: float) -> float:
    """Lower bound on the objective of every h, from any prices in [-over, under], USD."""
    worth = np.bincount(panel.account, price[panel.time] * panel.capacity, minlength=panel.ids.size)
    return math.fsum(price * panel.needed) + min(0.0, lam - math.fsum(np.maximum(worth, 0.0)))


def _solve(panel: Panel, lam: float, loss: Loss) -> tuple[Floats, Floats]:
    """Return optimal fractions and round prices of a panel of merged accounts.

    Columns: h (n), z, overshoot (T), undershoot (T); rows: h_i - z <= 0 (n), tracking (T).
    """
    n, size = panel.ids.size, panel.needed.size
    unit = round_units(panel)
    rows, rounds, members = np.arange(n), np.arange(size), n + panel.time
    model = LinearModel(
        cost=np.concatenate([np.zeros(n), [lam], np.repeat([loss.over, loss.under], size)]),
        col_lower=np.zeros(n + 1 + 2 * size),
        col_upper=np.concatenate([np.ones(n + 1), np.full(2 * size, np.inf)]),
        col_unit=np.concatenate([np.ones(n + 1), unit, unit]),
        integer=np.zeros(n + 1 + 2 * size, dtype=bool),
        row=np.concatenate([rows, rows, members, n + rounds, n + rounds]),
        col=np.concatenate([rows, np.full(n, n), panel.account, n + 1 + rounds, n + 1 + size + rounds]),
        value=np.concatenate([np.ones(n), -np.ones(n), panel.capacity, -np.ones(size), np.ones(size)]),
        row_lower=np.concatenate([np.full(n, -np.inf), panel.needed]),
        row_upper=np.concatenate([np.zeros(n), panel.needed]),
        row_unit=np.concatenate([np.ones(n), unit]),
    )
    v, price = optimum_of(model, max(lam, float(unit.max())) / FINER)
    return np.clip(v[:n], 0.0, 1.0), np.clip(price[n:], -loss.over, loss.under)
